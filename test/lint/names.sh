#!/usr/bin/env bash
# File base names are unique, so that a name identifies a file.  Only src/compat
# tests PG_VERSION_NUM.
set -euo pipefail
cd "$(dirname "$0")/../.."
rc=0
twice=$(find src test bench sql -name '*.[ch]' -printf '%f\n' 2>/dev/null | sort | uniq -d)
if [ -n "$twice" ]; then
	echo "file names that occur more than once:" $twice
	rc=1
fi
if grep -rn 'PG_VERSION_NUM' src --include='*.[ch]' | grep -v '^src/compat/'; then
	echo "PG_VERSION_NUM belongs into src/compat/"
	rc=1
fi
exit $rc
