#!/usr/bin/env bash
# The C files are formatted (see format).
exec "$(dirname "$0")/format" --check
