#!/usr/bin/env bash
# gcc (with optimization, which finds more) and clang compile the whole library
# without a warning.  Objects are kept, so that the next run compiles only what
# changed.
set -euo pipefail
cd "$(dirname "$0")/../.."
. test/run/lib.sh
use_pg
rc=0
build() {
	local dir=build/obj/lint-$1-$VARIANT
	shift
	mkdir -p "$dir"
	make -s -k -j "$(cores)" -C "$dir" -f ../../../Makefile VPATH=../../.. PG_CONFIG="$PG_CONFIG" \
		with_llvm=no WERROR=1 "$@" all || rc=1
}
build gcc CC=gcc
if command -v clang >/dev/null; then
	build clang CC=clang COPT="-O1 -Wno-ignored-attributes -Wno-unknown-warning-option -Wno-ignored-optimization-argument -Wno-unused-command-line-argument"
fi
exit $rc
