# Common to the runners in this folder; sourced, with the checkout as working
# directory.
#
# PG_CONFIG  the installation to build for and to test on.  Unset: the private
#            copy of the system's PostgreSQL (pgcopy.sh).
# VARIANT    names the object folder, servers and logs that belong to it.

set -euo pipefail

# The door is a make goal: its flags are not for the builds made here.
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES
export LC_ALL=C.UTF-8
# A user's own connection settings are no business of the tests.
unset PGDATABASE PGSERVICE PGOPTIONS PGPASSFILE PGSSLMODE PGCLIENTENCODING

top=$(pwd -P)

say() { printf '%s\n' "$*" >&2; }
die() { say "error: $*"; exit 1; }

cores() { nproc 2>/dev/null || echo 1; }

# PostgreSQL refuses to run as root: as root, use postgres or else nobody.
# Where that user cannot reach the checkout (a checkout under /root), it is
# given the capability to read and search any directory, nothing more if
# possible.
runas=
runas_caps=()
if [ "$(id -u)" = 0 ]; then
	for u in postgres nobody; do
		if getent passwd "$u" >/dev/null; then runas=$u; break; fi
	done
	runas_group=$(id -g "$runas")
	for c in '' dac_read_search dac_override; do
		runas_caps=()
		[ -z "$c" ] || runas_caps=(--inh-caps="+$c" --ambient-caps="+$c" --securebits=+no_setuid_fixup)
		if setpriv --reuid="$runas" --regid="$runas_group" --clear-groups "${runas_caps[@]}" \
			test -r "$top/Makefile" 2>/dev/null; then break; fi
		c=none
	done
	[ "$c" != none ] || die "user $runas, which the test server runs as, cannot read $top; move the checkout"
fi

as_user() {
	if [ -n "$runas" ]; then
		setpriv --reuid="$runas" --regid="$runas_group" --clear-groups "${runas_caps[@]}" env HOME=/tmp "$@"
	else
		"$@"
	fi
}

# An empty folder that the test server's user may write to.
fresh_dir() {
	rm -rf "$1"
	mkdir -p "$1"
	[ -z "$runas" ] || chown "$runas" "$1"
}

# Sets PG_CONFIG, bindir, pgmajor and VARIANT.
use_pg() {
	local given=${PG_CONFIG:-}
	PG_CONFIG=${PG_CONFIG:-$(test/run/pgcopy.sh)}
	PG_CONFIG=$(command -v "$PG_CONFIG") || die "no pg_config at $given"
	bindir=$("$PG_CONFIG" --bindir)
	pgmajor=$("$PG_CONFIG" --version | sed -E 's/^PostgreSQL ([0-9]+).*/\1/')
	if [ -z "${VARIANT:-}" ]; then
		VARIANT=pg$pgmajor
		[ -z "$given" ] || VARIANT=pg$pgmajor-$(printf %s "$PG_CONFIG" | cksum | cut -d' ' -f1)
	fi
	export PG_CONFIG VARIANT
}

# The files of a pattern, sorted; nothing when there are none.
files() { compgen -G "$1" | sort || true; }

# Starts the check's server and exports how to reach it.
check_server() {
	eval "$(test/run/server.sh start "check-$VARIANT")"
}

# record PART PASSED FAILED SKIPPED: what test/run/check adds up.
record() {
	mkdir -p "build/log/$VARIANT"
	echo "$2 $3 $4" > "build/log/$VARIANT/$1.count"
}

# run_pg_regress PART PROGRAM OPTION... -- TEST...
# Runs pg_regress or its like and counts a test as passed only when a line of
# its output says so; both output formats (to 15, from 16) are understood.
run_pg_regress() {
	local part=$1 program=$2 opts=() out ok rc=0
	shift 2
	while [ "$1" != -- ]; do opts+=("$1"); shift; done
	shift
	out=build/log/$VARIANT/$part.out
	mkdir -p "${out%/*}"
	as_user env PATH="$bindir:$PATH" "$program" "${opts[@]}" "$@" 2>&1 | tee "$out" || rc=$?
	ok=$(grep -cE '(^| )[^ ]+ +\.\.\. ok( |$)|^ok [0-9]+ ' "$out" || true)
	record "$part" "$ok" "$(($# - ok))" 0
	if [ "$rc" != 0 ]; then
		sed -n '1,200p' "build/run/$VARIANT/$part"/*.diffs 2>/dev/null || true
	fi
	return "$rc"
}

# The sources that a unit test or fuzz target is linked with: its line
# "Build: pattern ...", or the kernels and the quantizer.
build_sources() {
	local patterns
	patterns=$(sed -n 's#^.*Build:[[:space:]]*##p' "$1" | head -1)
	local p
	for p in ${patterns:-src/simd/*.c src/quant/*.c}; do files "$p"; done
}

# The files of the tree: git's, or all outside of build/ where there is no git.
tree_files() {
	git -c safe.directory='*' ls-files --cached --others --exclude-standard 2>/dev/null |
		while IFS= read -r f; do [ ! -f "$f" ] || echo "$f"; done || true
	[ -e .git ] || find . -path ./build -prune -o -type f -print | sed 's#^\./##'
}
