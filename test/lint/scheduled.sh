#!/usr/bin/env bash
# A runner runs every test file, and its expected output exists.
set -euo pipefail
cd "$(dirname "$0")/../.."
rc=0
wrong() { echo "$*"; rc=1; }

for f in sql/*.sql; do
	n=${f#sql/}; n=${n%.sql}
	case $n in
	vecstore--* | '*') ;;
	*_*) [ -f "expected/$n.out" ] || wrong "$f has no expected/$n.out" ;;
	*) wrong "$f: regression tests are named <module>_<topic>.sql" ;;
	esac
done
for f in expected/*.out; do
	[ -f "$f" ] || continue
	n=${f#expected/}; n=${n%.out}
	[ -f "sql/$n.sql" ] || [ -f "sql/${n%_[0-9]}.sql" ] || wrong "$f belongs to no sql/$n.sql"
done
for f in test/isolation/specs/*; do
	[ -f "$f" ] || continue
	n=${f##*/}; n=${n%.spec}
	case $f in *.spec) ;; *) wrong "$f is not a .spec" ;; esac
	[ -f "test/isolation/expected/$n.out" ] || wrong "$f has no test/isolation/expected/$n.out"
done
for f in test/isolation/expected/*.out; do
	[ -f "$f" ] || continue
	n=${f##*/}; n=${n%.out}
	[ -f "test/isolation/specs/$n.spec" ] || [ -f "test/isolation/specs/${n%_[0-9]}.spec" ] || wrong "$f belongs to no spec"
done

# expect FOLDER PATTERN...: each file of the folder itself matches a pattern
expect() {
	local dir=$1 f p ok
	shift
	[ -d "$dir" ] || return 0
	while IFS= read -r f; do
		ok=
		for p in "$@"; do
			# shellcheck disable=SC2053
			[[ ${f##*/} != $p ]] || ok=1
		done
		[ -n "$ok" ] || wrong "$f: no runner picks this up (there: $*)"
	done < <(find "$dir" -maxdepth 1 -type f)
}
expect test/pgtap '*.sql' '*.md'
expect test/t '[0-9][0-9][0-9]_*.pl' '*.pm' '*.md'
expect test/unit '*.c' '*.h' '*.md'
expect test/fuzz '*.c' '*.h' '*.dict' '*.md'
for d in test/clients/*/; do
	[ ! -d "$d" ] || [ -x "${d}run" ] || wrong "${d}run is missing or not executable"
done
for f in test/t/*.pl; do
	[ ! -f "$f" ] || grep -qE 'done_testing|tests *=>|plan' "$f" || wrong "$f has no plan"
done
exit $rc
