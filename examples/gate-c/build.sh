#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds gate.wasm here. Needs clang-19 and lld-19; in two steps, as examples/hello-c says.
set -eu
cd "$(dirname "$0")"
trap 'rm -f gate.o' EXIT
"${CLANG:-clang-19}" --target=wasm32 -std=gnu17 -Os -Wall -Wextra -Werror \
    -ffreestanding -I ../../hostapi/guest -c -o gate.o gate.c
"${WASM_LD:-wasm-ld-19}" --no-entry --strip-debug -z stack-size=16384 -o gate.wasm gate.o
