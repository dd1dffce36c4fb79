# Common to test/clients/*/run, which source it with their folder in $here.
#
# A client test gets PGHOST, PGPORT, PGUSER and PGDATABASE, and has psql in its
# PATH.  It prints TAP, or "1..0 # SKIP reason" if its tools or packages are not
# available.  The package client of the language installs the packages under
# build/clients/<name>, from the registry that it is configured for.  They are
# kept until the list of packages changes.

set -euo pipefail
export PYTHONDONTWRITEBYTECODE=1

name=${here##*/}
top=$(cd "$here/../../.." && pwd -P)
build=$top/build/clients/$name
mkdir -p "$build"
log=$build/install.log

skip() { echo "1..0 # SKIP $*"; exit 0; }

need() {
	local tool
	for tool in "$@"; do
		command -v "$tool" >/dev/null || skip "no $tool"
	done
}

# installed FILE...: whether the packages are those of these files
installed() { [ "$(cat "$build/.stamp" 2>/dev/null)" = "$(cat "$@" | cksum)" ]; }
stamp() { cat "$@" | cksum >"$build/.stamp"; }

# Makes a virtual environment with the packages of requirements.txt; sets $python.
python_packages() {
	need python3
	python=$build/venv/bin/python
	installed "$here/requirements.txt" && return
	rm -rf "$build/venv"
	python3 -m venv "$build/venv" >"$log" 2>&1 || skip "python3 cannot make a virtual environment"
	timeout 300 "$python" -m pip install -q --disable-pip-version-check --retries 2 --timeout 20 \
		-r "$here/requirements.txt" >>"$log" 2>&1 || skip "pip could not install requirements.txt"
	stamp "$here/requirements.txt"
}

# Makes a database for the test, with the extension and the collection of
# documents.sql; sets PGDATABASE.
fresh_database() {
	need psql
	local db=client_${name//-/_}
	psql -qX -v ON_ERROR_STOP=1 -c "SET client_min_messages = warning" \
		-c "DROP DATABASE IF EXISTS $db" -c "CREATE DATABASE $db"
	psql -qX -v ON_ERROR_STOP=1 -d "$db" -c 'CREATE EXTENSION vecstore' -f "$top/test/clients/documents.sql"
	export PGDATABASE=$db
}
