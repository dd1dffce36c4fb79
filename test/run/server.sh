#!/usr/bin/env bash
# A throw-away PostgreSQL server under build/, on a unix socket only.
#
#   server.sh start [name]     initdb if needed, start; prints shell exports
#                              (PGHOST, PGPORT, PGUSER, PGDATABASE, PATH)
#   server.sh stop [name]      fast shutdown of that server
#   server.sh destroy [name]   stop and remove it
#   server.sh env [name]       only print the exports
#
# PG_CONFIG selects the installation (default: the private copy that pgcopy.sh
# makes).  For root, the server runs as another user (lib.sh).  SERVER_CONF may
# name a file of settings that initdb appends to postgresql.conf.  With
# VALGRIND=1 the server runs under valgrind.
cd "$(dirname "$0")/../.."
. test/run/lib.sh
cmd=${1:?usage: server.sh start|stop|destroy|env [name]}
name=${2:-dev}
PG_CONFIG=${PG_CONFIG:-$(test/run/pgcopy.sh)}
bindir=$("$PG_CONFIG" --bindir)
dir=$top/build/server/$name
sock=$dir/s
# the path of a unix socket has at most 107 bytes
[ ${#sock} -le 85 ] || sock=/tmp/vecstore-$(id -u)-$(printf %s "$dir" | cksum | cut -d' ' -f1)

exports() {
	printf "export PGHOST='%s' PGPORT=5432 PGUSER=postgres PGDATABASE=postgres PATH='%s':\"\$PATH\"\n" "$sock" "$bindir"
}
running() { [ -f "$dir/data/postmaster.pid" ] && as_user "$bindir/pg_ctl" -D "$dir/data" status >/dev/null; }

# Every backend is a child of the postmaster that valgrind started.
start_under_valgrind() {
	local supp=() f
	for f in build/valgrind.supp "${VALGRIND_SUPP:-}"; do
		[ ! -f "$f" ] || supp+=(--suppressions="$f")
	done
	mkdir -p "$dir/valgrind"
	[ -z "$runas" ] || chown "$runas" "$dir/valgrind"
	as_user setsid valgrind --quiet --leak-check=no --gen-suppressions=all --trace-children=yes \
		--track-origins=yes --read-var-info=no --error-markers=VALGRINDERROR-BEGIN,VALGRINDERROR-END \
		"${supp[@]}" --log-file="$dir/valgrind/%p.log" \
		"$bindir/postgres" -D "$dir/data" >"$dir/log" 2>&1 </dev/null &
	for _ in $(seq 600); do
		! "$bindir/pg_isready" -q -h "$sock" -p 5432 || return 0
		sleep 0.5
	done
	die "the server did not start under valgrind; see $dir/log"
}

case $cmd in
start)
	mkdir -p "$dir" "$sock"
	[ -z "$runas" ] || chown "$runas" "$dir" "$sock"
	if [ ! -f "$dir/data/PG_VERSION" ]; then
		rm -rf "$dir/data"
		as_user "$bindir/initdb" -D "$dir/data" -U postgres -A trust -E UTF8 --locale=C --no-sync >"$dir/initdb.log" 2>&1 ||
			{ tail -20 "$dir/initdb.log" >&2; die "initdb failed"; }
		{
			echo "listen_addresses = ''"
			echo "unix_socket_directories = '$sock'"
			echo "port = 5432"
			echo "fsync = ${SERVER_FSYNC:-off}"
			echo "logging_collector = off"
			[ -z "${SERVER_CONF:-}" ] || cat "$SERVER_CONF"
		} | as_user tee -a "$dir/data/postgresql.conf" >/dev/null
	fi
	if ! running; then
		if [ -n "${VALGRIND:-}" ]; then
			start_under_valgrind
		else
			as_user "$bindir/pg_ctl" -D "$dir/data" -l "$dir/log" -w start >/dev/null ||
				{ tail -20 "$dir/log" >&2; die "the server did not start"; }
		fi
	fi
	exports
	;;
stop)
	! running || as_user "$bindir/pg_ctl" -D "$dir/data" -m fast -w stop >/dev/null
	;;
destroy)
	! running || as_user "$bindir/pg_ctl" -D "$dir/data" -m fast -w stop >/dev/null ||
		as_user "$bindir/pg_ctl" -D "$dir/data" -m immediate -w stop >/dev/null
	rm -rf "$dir" "$sock"
	;;
env) exports ;;
*) die "unknown command $cmd" ;;
esac
