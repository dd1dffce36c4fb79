#!/usr/bin/env bash
# The charts of docs/charts/ are what bench/chart draws from bench/results/.
set -euo pipefail
cd "$(dirname "$0")/../.."
command -v python3 >/dev/null || { echo "no python3; make bootstrap installs it"; exit 77; }
exec bench/chart --check
