#!/usr/bin/env bash
# Makes a private, relocatable copy of the installed PostgreSQL under build/pg
# (or $1), so that the extension is built and installed without touching the
# system: PostgreSQL finds its directories relative to its binaries.
# Copies anew when the system's files changed (an update, pgTAP installed).
# Prints the path of the copy's pg_config.
set -euo pipefail
cd "$(dirname "$0")/../.."
dest=${1:-build/pg}
# The newest major version that has both a server and its headers.
major=${PG_MAJOR:-$(for d in /usr/lib/postgresql/*/; do
	if [ -x "$d/bin/postgres" ] && [ -f "$d/lib/pgxs/src/makefiles/pgxs.mk" ]; then basename "$d"; fi
done | sort -n | tail -1)}
[ -n "$major" ] || { echo "no PostgreSQL with its development files is installed; run make bootstrap" >&2; exit 1; }
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
