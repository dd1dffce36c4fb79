# Common to the runners in this folder, which source it with the checkout as the
# working directory.
#
# PG_CONFIG  the installation to build for and to test on; default: the private
#            copy of the system's PostgreSQL (pgcopy.sh)
# VARIANT    the name of its object folder, servers and logs

set -euo pipefail

# The flags of the outer make do not apply to the builds made here.
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES
export LC_ALL=C.UTF-8
# The tests must not use the connection settings of the user.
unset PGDATABASE PGSERVICE PGOPTIONS PGPASSFILE PGSSLMODE PGCLIENTENCODING

top=$(pwd -P)

say() { printf '%s\n' "$*" >&2; }
die() { say "error: $*"; exit 1; }

cores() { nproc 2>/dev/null || echo 1; }

# PostgreSQL refuses to run as root.  For root, the servers run as user postgres,
# or user nobody if there is none.  If that user cannot reach the checkout (as
# under /root), it gets the capability to read and search any directory, and to
# write only if that does not suffice.
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

# Makes an empty folder in which the user of the test servers may write.
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

# Prints the files of a pattern, sorted.
files() { compgen -G "$1" | sort || true; }

# Starts the server of the check and exports the variables that clients need.
check_server() {
	eval "$(test/run/server.sh start "check-$VARIANT")"
}

# record PART PASSED FAILED SKIPPED: writes the counts that test/run/check reads.
record() {
	mkdir -p "build/log/$VARIANT"
	echo "$2 $3 $4" > "build/log/$VARIANT/$1.count"
}

# run_pg_regress PART PROGRAM OPTION... -- TEST...
# Runs pg_regress or a similar program.  A test counts as passed only if a line of
# the output says so, in either format (to 15, from 16).
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

# Prints the sources that a unit test or fuzz target is linked with: those of its
# line "Build: pattern ...", or the kernels and the quantizer.
build_sources() {
	local patterns
	patterns=$(sed -n 's#^.*Build:[[:space:]]*##p' "$1" | head -1)
	local p
	for p in ${patterns:-src/simd/*.c src/quant/*.c}; do files "$p"; done
}

# Prints the files of the tree: those of git, or without git all outside build/.
tree_files() {
	git -c safe.directory='*' ls-files --cached --others --exclude-standard 2>/dev/null |
		while IFS= read -r f; do [ ! -f "$f" ] || echo "$f"; done || true
	[ -e .git ] || find . -path ./build -prune -o -type f -print | sed 's#^\./##'
}
