#!/usr/bin/env bash
# cppcheck: null pointers, leaks, wrong arithmetic.  The compilers (warnings.sh)
# find uninitialized reads, since they know what a called function fills, and
# missing returns, since cppcheck does not know that ereport may not return.
# cppcheck does not read PostgreSQL's headers; the macros that matter are
# defined here.
set -euo pipefail
cd "$(dirname "$0")/../.."
. test/run/lib.sh
command -v cppcheck >/dev/null || { echo "no cppcheck; make bootstrap installs it"; exit 77; }
mkdir -p build/cppcheck
exec cppcheck --quiet --error-exitcode=1 --std=c99 --language=c --inline-suppr -j "$(cores)" \
	--cppcheck-build-dir=build/cppcheck \
	--enable=warning,performance,portability \
	--suppress=unknownMacro --suppress=missingInclude --suppress=unmatchedSuppression \
	--suppress=preprocessorErrorDirective --suppress=uninitvar --suppress=missingReturn --suppress=invalidPointerCast --suppress=invalidPrintfArgType_sint --suppress=invalidPrintfArgType_uint \
	-D__x86_64__ -DPGDLLEXPORT= '-DPG_FUNCTION_INFO_V1(f)=' '-DStaticAssertDecl(c,m)=' '-DAssert(c)=assert(c)' \
	'-DFLEXIBLE_ARRAY_MEMBER=' '-Dpg_unreachable()=abort()' \
	-DERROR=21 -DFATAL=22 -DPANIC=23 -DWARNING=19 -DNOTICE=18 -DINFO=17 -DLOG=15 -DDEBUG1=14 \
	'-Dereport(level,...)=((level)>=ERROR?abort():(void)0)' '-Delog(level,...)=((level)>=ERROR?abort():(void)0)' \
	'-DPG_TRY()=' '-DPG_CATCH()=' '-DPG_FINALLY()=' '-DPG_END_TRY()=' \
	-Isrc src
