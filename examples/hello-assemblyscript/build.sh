#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds hello.wasm here. Needs npm, and on the first run the network: package-lock.json says
# exactly what is fetched.
set -eu
cd "$(dirname "$0")"
if [ ! -x node_modules/.bin/asc ]; then
    npm ci --no-audit --no-fund --ignore-scripts
fi
exec npm run --silent build
