#!/usr/bin/env bash
# Makes a private, relocatable copy of the installed PostgreSQL under build/pg
# (or $1), so that the extension is built and installed without touching the
# system: PostgreSQL finds its directories relative to its binaries.
# Prints the path of the copy's pg_config.
set -euo pipefail
cd "$(dirname "$0")/../.."
dest=${1:-build/pg}
major=${PG_MAJOR:-$(ls /usr/lib/postgresql | sort -n | tail -1)}
sys=/usr/lib/postgresql/$major
stamp="$major $("$sys/bin/postgres" --version)"
mkdir -p "$dest"
dest=$(cd "$dest" && pwd)
if [ "$(cat "$dest/.stamp" 2>/dev/null)" != "$stamp" ]; then
	rm -rf "${dest:?}/lib" "$dest/share" "$dest/include"
	mkdir -p "$dest/lib/postgresql" "$dest/share/postgresql"
	cp -a "$sys" "$dest/lib/postgresql/"
	cp -aL "/usr/share/postgresql/$major" "$dest/share/postgresql/"
	ln -sfn /usr/include "$dest/include"
	echo "$stamp" > "$dest/.stamp"
fi
echo "$dest/lib/postgresql/$major/bin/pg_config"
