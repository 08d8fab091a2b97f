#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes function.wasm of function.ts. Needs npm, and on the first run the network.
set -eu
cd "$(dirname "$0")"
if ! command -v npm >/dev/null; then
    echo "npm is not installed: apt-get install nodejs npm" >&2
    exit 1
fi
if [ ! -x node_modules/.bin/asc ]; then
    npm install --no-audit --no-fund --ignore-scripts --silent
fi
exec npm run --silent build
