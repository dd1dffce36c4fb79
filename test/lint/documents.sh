#!/usr/bin/env bash
# What the documents point at exists: links between files, the tests that are
# named as examples, the index of decisions.
set -euo pipefail
cd "$(dirname "$0")/../.."
. test/run/lib.sh
rc=0
wrong() { echo "$*"; rc=1; }

documents=$(tree_files | grep '\.md$')

# [text](path#part): relative to the document's folder
while IFS=: read -r doc link; do
	path=${link#*](}; path=${path%)}; path=${path%%#*}
	case $path in '' | http:* | https:*) continue ;; esac
	[ -e "$(dirname "$doc")/$path" ] || wrong "$doc: no file $path"
done < <(grep -oH '\]([^) ]*)' $documents)

# named FOLDER SUFFIX NAME...
named() {
	local folder=$1 suffix=$2 name
	shift 2
	for name in "$@"; do [ -e "$folder$name$suffix" ] || wrong "an example names $folder$name$suffix, which is not there"; done
}
values() { grep -hoE "\b$1=\"[^\"]*\"" $documents test/run/help.txt | sed 's/.*="//; s/"//' | grep -v '\.\.\.' | tr ' ' '\n' | sort -u; }
named test/unit/ .c $(values UNIT)
named sql/ .sql $(values REGRESS)
named '' '' $(values PGTAP) $(values TESTS)
named test/isolation/specs/ .spec $(values ISOLATION)
named test/clients/ /run $(values CLIENTS)
named test/lint/ .sh $(values LINT)

for f in docs/decisions/[0-9]*.md; do
	grep -q "](${f##*/})" docs/decisions/README.md || wrong "$f is not in docs/decisions/README.md"
	grep -q '^Date: 20.*Status: ' "$f" || wrong "$f has no date and status"
done
twice=$(ls docs/decisions | grep -oE '^[0-9]+' | uniq -d)
[ -z "$twice" ] || wrong "decisions with the same number:" $twice
exit $rc
