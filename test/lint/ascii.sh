#!/usr/bin/env bash
# The install script and the messages are ASCII.  The server reads a script in
# the database's encoding, and sends messages in it; most encodings lack some
# characters, and in some the bytes of UTF-8 are invalid.
set -euo pipefail
cd "$(dirname "$0")/../.."
if LC_ALL=C grep -rnP '[^\x00-\x7f]' sql/parts src --include='*.sql' --include='*.[ch]'; then
	echo "only ASCII characters, please"
	exit 1
fi
