#!/usr/bin/env bash
# All names that the library exports have vecstore's prefix.  PostgreSQL loads
# libraries RTLD_GLOBAL, so another name could bind to one of another extension.
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
# Every exported function is declared in SQL.
sql=$(cat build/obj/"$VARIANT"/sql/vecstore--*.sql)
for f in $(nm -D --defined-only "$so" | awk '{print $NF}' | sed -n 's/^pg_finfo_//p'); do
	grep -qE "'$f'|FUNCTION +(vecstore\.)?$f\b" <<<"$sql" || { echo "$f is exported, but the SQL scripts declare no function for it"; bad=1; }
done
[ -z "${bad:-}" ]
