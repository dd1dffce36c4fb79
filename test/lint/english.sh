#!/usr/bin/env bash
# Comments, messages and documents are in one English: no phrase of
# english.words, no sentence with a headless "who" or "what" as its subject, no
# comment of a C file beyond 80 columns.  english.folders lists what is checked.
set -euo pipefail
cd "$(dirname "$0")/../.."
. test/run/lib.sh
mapfile -t folders < <(grep -v '^#' test/lint/english.folders)
for f in "${folders[@]}"; do
	[ -e "$f" ] || die "test/lint/english.folders: there is no $f"
done
pattern=$(printf '%s\n' "${folders[@]}" | sed 's/[.]/[.]/g' | paste -sd'|')
tree_files | grep -E "^($pattern)(/|$)" | perl test/lint/english.pl test/lint/english.words
