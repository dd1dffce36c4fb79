#!/usr/bin/env bash
# A throw-away PostgreSQL server under build/, on a unix socket only.
#
#   server.sh start [name]     initdb if needed, start; prints shell exports (PGHOST, PGPORT, PGUSER, PGDATABASE, PATH)
#   server.sh stop [name]      fast shutdown of that server
#   server.sh destroy [name]   stop and remove it
#   server.sh env [name]       only print the exports
#
# PG_CONFIG picks the installation (default: the private copy made by
# pgcopy.sh).  PostgreSQL refuses to run as root, so as root the server runs
# as the first of postgres, nobody that exists.  SERVER_CONF may name a file
# of settings appended to postgresql.conf at initdb.
set -euo pipefail
cd "$(dirname "$0")/../.."
cmd=${1:?usage: server.sh start|stop|destroy|env [name]}
name=${2:-dev}
PG_CONFIG=${PG_CONFIG:-$(test/run/pgcopy.sh)}
bindir=$("$PG_CONFIG" --bindir)
dir=$PWD/build/server/$name
sock=$dir/s
# a unix socket path may be 107 bytes long
[ ${#sock} -le 85 ] || sock=/tmp/vecstore-$(id -u)-$(printf %s "$dir" | cksum | cut -d' ' -f1)

as_user() {
	if [ "$(id -u)" = 0 ]; then
		setpriv --reuid="$runas" --regid="$(id -g "$runas")" --clear-groups env HOME=/tmp "$@"
	else
		"$@"
	fi
}
runas=
if [ "$(id -u)" = 0 ]; then
	for u in postgres nobody; do
		if getent passwd "$u" >/dev/null; then runas=$u; break; fi
	done
fi
exports() {
	printf "export PGHOST='%s' PGPORT=5432 PGUSER=postgres PGDATABASE=postgres PATH='%s':\"\$PATH\"\n" "$sock" "$bindir"
}
running() { [ -f "$dir/data/postmaster.pid" ] && as_user "$bindir/pg_ctl" -D "$dir/data" status >/dev/null; }

case $cmd in
start)
	mkdir -p "$dir" "$sock"
	[ -z "$runas" ] || chown "$runas" "$dir" "$sock"
	if [ ! -f "$dir/data/PG_VERSION" ]; then
		as_user "$bindir/initdb" -D "$dir/data" -U postgres -A trust -E UTF8 --locale=C --no-sync >"$dir/initdb.log"
		{
			echo "listen_addresses = ''"
			echo "unix_socket_directories = '$sock'"
			echo "port = 5432"
			echo "fsync = ${SERVER_FSYNC:-off}"
			echo "logging_collector = off"
			[ -z "${SERVER_CONF:-}" ] || cat "$SERVER_CONF"
		} | as_user tee -a "$dir/data/postgresql.conf" >/dev/null
	fi
	running || as_user "$bindir/pg_ctl" -D "$dir/data" -l "$dir/log" -w start >/dev/null
	exports
	;;
stop)
	! running || as_user "$bindir/pg_ctl" -D "$dir/data" -m fast -w stop >/dev/null
	;;
destroy)
	! running || as_user "$bindir/pg_ctl" -D "$dir/data" -m fast -w stop >/dev/null
	rm -rf "$dir" "$sock"
	;;
env) exports ;;
*) echo "unknown command $cmd" >&2; exit 2 ;;
esac
