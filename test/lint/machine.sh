#!/usr/bin/env bash
# The tree contains no path of this machine and no host of its registries.
set -euo pipefail
cd "$(dirname "$0")/../.."
. test/run/lib.sh
hosts=$({
	grep -rhoE 'https?://[^/ ]+' /etc/apt/sources.list /etc/apt/sources.list.d 2>/dev/null
	timeout 10 npm config get registry 2>/dev/null
	timeout 10 pip config get global.index-url 2>/dev/null
	printenv GOPROXY PIP_INDEX_URL 2>/dev/null
} | sed -nE 's#^https?://([^/@]+@)?([^/:]+).*#\2#p' | sort -u || true)
pattern=$(printf '%s\n' "${top%/*}/" $hosts | grep -vx '/' | sed 's/[.]/[.]/g' | paste -sd'|')
! tree_files | grep -vE '(^|/)(package-lock\.json|.*\.lock)$' | xargs -r grep -nIE "$pattern" --
