#!/usr/bin/env bash
# What the library exports is vecstore's by name: PostgreSQL loads libraries
# RTLD_GLOBAL, and a bare name could bind to another extension's.
set -euo pipefail
cd "$(dirname "$0")/../.."
. test/run/lib.sh
test/run/build
use_pg
so=build/obj/$VARIANT/vecstore.so
foreign=$(nm -D --defined-only "$so" | awk '{print $NF}' | grep -vE '^(vs_|pg_finfo_vs_|_PG_init$|Pg_magic_func$)' || true)
if [ -n "$foreign" ]; then
	echo "exported by $so:" $foreign
	exit 1
fi
# and a function that SQL does not call need not be exported
sql=$(cat build/obj/"$VARIANT"/sql/vecstore--*.sql)
for f in $(nm -D --defined-only "$so" | awk '{print $NF}' | sed -n 's/^pg_finfo_//p'); do
	grep -qE "'$f'|FUNCTION +(vecstore\.)?$f\b" <<<"$sql" || { echo "$f is exported, but the SQL scripts declare no function for it"; bad=1; }
done
[ -z "${bad:-}" ]
