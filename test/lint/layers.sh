#!/usr/bin/env bash
# src/LAYERS: who may include and call whom.  A module's *_internal.h stays
# inside it; its *_page.h too, but inspect/ may read those.
#
# Calls are read from the objects of the build: a layer that declares a
# function by hand, or gets its declaration by way of another header, is found
# too.  Since a layer may use only those above it in the file, no calls between
# layers go round in a circle.
set -euo pipefail
cd "$(dirname "$0")/../.."
. test/run/lib.sh
test/run/build
use_pg
layer_of='
	function layer_of(path,   best, l) {
		best = ""
		for (l in known)
			if (index(path, l "/") == 1 && length(l) > length(best)) best = l
		return best
	}
	FILENAME == "src/LAYERS" {
		if ($0 ~ /^#/ || NF == 0) next
		layer = $1; sub(/:$/, "", layer); known[layer] = 1; allowed[layer, layer] = 1
		for (i = 2; i <= NF; i++) {
			if (!($i in known)) { print "src/LAYERS: " layer " uses " $i ", which is not below it"; bad = 1 }
			allowed[layer, $i] = 1
		}
		next
	}
'
awk "$layer_of"'
	FNR == 1 {
		file = FILENAME; sub(/^src\//, "", file)
		layer = layer_of(file)
		if (layer == "" && file ~ /\//) { print FILENAME ": no layer of src/LAYERS"; bad = 1 }
	}
	/^[ \t]*#[ \t]*include[ \t]*"/ {
		split($0, quoted, "\"")
		to = layer_of(quoted[2])
		if (to == "") next
		if (layer != "" && !((layer, to) in allowed)) {
			print FILENAME ":" FNR ": " layer " may not include " quoted[2]; bad = 1
		}
		split(layer, mine, "/"); split(to, its, "/")
		if (mine[1] != its[1] && (quoted[2] ~ /_internal\.h$/ || (quoted[2] ~ /_page\.h$/ && layer != "inspect"))) {
			print FILENAME ":" FNR ": " quoted[2] " belongs to " its[1] " alone"; bad = 1
		}
	}
	END { exit bad }
' src/LAYERS src/*.c $(find src -mindepth 2 -name '*.[ch]' | sort)

obj=build/obj/$VARIANT/src
symbols=build/log/$VARIANT/symbols
mkdir -p "${symbols%/*}"
(cd "$obj" && find . -name '*.o' | sort | sed 's#^\./##' | while IFS= read -r o; do
	nm -P "$o" | awk -v o="${o%.o}.c" '{ print o, $1, $2 }'
done) >"$symbols"
awk "$layer_of"'
	FNR == 1 { pass++ }
	pass == 2 && $3 ~ /^[TDBRC]$/ { home[$2] = $1 }
	pass == 3 && $3 == "U" && ($2 in home) {
		layer = layer_of($1); to = layer_of(home[$2])
		if (layer != "" && !((layer, to) in allowed)) {
			print "src/" $1 ": " layer " may not use " $2 " of " home[$2]; bad = 1
		}
	}
	END { exit bad }
' src/LAYERS "$symbols" "$symbols" || exit 1

# The vector types' layer knows no storage; the kernels and the quantizer no PostgreSQL.
! grep -nE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"(access|storage|catalog|executor)/' -r src/simd src/quant 2>/dev/null
