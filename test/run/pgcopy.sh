#!/usr/bin/env bash
# Copies the installed PostgreSQL to build/pg (or $1), so that the extension can be
# built and installed without a change of the system.  The copy can be moved,
# since PostgreSQL finds its directories relative to its binaries.  It is made
# again if the system's files changed (by an update, or if pgTAP was installed).
# Prints the path of its pg_config.
set -euo pipefail
cd "$(dirname "$0")/../.."
dest=${1:-build/pg}
# The newest major version with a server and its headers.
major=${PG_MAJOR:-$(for d in /usr/lib/postgresql/*/; do
	if [ -x "$d/bin/postgres" ] && [ -f "$d/lib/pgxs/src/makefiles/pgxs.mk" ]; then basename "$d"; fi
done | sort -n | tail -1)}
[ -n "$major" ] || { echo "no PostgreSQL with development files is installed; run make bootstrap" >&2; exit 1; }
sys=/usr/lib/postgresql/$major
share=/usr/share/postgresql/$major
mkdir -p "$dest"
dest=$(cd "$dest" && pwd -P)
exec 9>"$dest/.lock"
flock 9
stamp="$major $(find "$sys" "$share" -printf '%p %s %T@ %C@\n' | sort | cksum)"
if [ "$(cat "$dest/.stamp" 2>/dev/null)" != "$stamp" ]; then
	rm -rf "${dest:?}/lib" "$dest/share" "$dest/include" "$dest/.stamp"
	mkdir -p "$dest/lib/postgresql" "$dest/share/postgresql"
	cp -a "$sys" "$dest/lib/postgresql/"
	cp -aL "$share" "$dest/share/postgresql/"
	ln -sfn /usr/include "$dest/include"
	chmod -R a+rX "$dest"
	echo "$stamp" > "$dest/.stamp"
fi
echo "$dest/lib/postgresql/$major/bin/pg_config"
