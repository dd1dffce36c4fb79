#!/usr/bin/env bash
# src/LAYERS: which layers a layer may include.  Only a module itself includes
# its *_internal.h; only the module and inspect/ include its *_page.h.
set -euo pipefail
cd "$(dirname "$0")/../.."
awk '
	FILENAME == "src/LAYERS" {
		if ($0 ~ /^#/ || NF == 0) next
		layer = $1; sub(/:$/, "", layer); known[layer] = 1; allowed[layer, layer] = 1
		for (i = 2; i <= NF; i++) {
			if (!($i in known)) { print "src/LAYERS: " layer " includes " $i ", which is not below it"; bad = 1 }
			allowed[layer, $i] = 1
		}
		next
	}
	FNR == 1 {
		n = split(FILENAME, part, "/")
		layer = n > 2 ? part[2] : ""
		if (layer != "" && !(layer in known)) { print FILENAME ": " layer " is not in src/LAYERS"; bad = 1 }
	}
	/^[ \t]*#[ \t]*include[ \t]*"/ {
		split($0, quoted, "\"")
		if (split(quoted[2], path, "/") < 2) next
		to = path[1]
		if (!(to in known)) next
		if (layer != "" && !((layer, to) in allowed)) {
			print FILENAME ":" FNR ": " layer " may not include " quoted[2]; bad = 1
		}
		if (layer != to && (quoted[2] ~ /_internal\.h$/ || (quoted[2] ~ /_page\.h$/ && layer != "inspect"))) {
			print FILENAME ":" FNR ": " quoted[2] " belongs to " to " alone"; bad = 1
		}
	}
	END { exit bad }
' src/LAYERS src/*.c $(find src -mindepth 2 -name '*.[ch]' | sort)
# The kernels and the quantizer know no PostgreSQL.
! grep -nE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"(access|storage|catalog|executor)/' -r src/simd src/quant 2>/dev/null
