#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds ab.wasm here, with the compiler that examples/hello-assemblyscript locks. Needs npm, and on
# the first run the network.
set -eu
cd "$(dirname "$0")"
compiler=../hello-assemblyscript
if [ ! -x $compiler/node_modules/.bin/asc ]; then
    npm ci --prefix $compiler --no-audit --no-fund --ignore-scripts
fi
exec $compiler/node_modules/.bin/asc ab.ts -o ab.wasm --runtime stub --use abort= -O --noAssert
