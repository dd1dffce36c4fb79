#!/usr/bin/env bash
# The whole library without a warning, by gcc (with optimisation, which finds
# more) and by clang.  Objects are kept, so a second run compiles what changed.
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
