#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds visits.wasm here. Needs clang-19 and lld-19. Compiled and linked in two steps, because
# clang would run wasm-opt, where it finds it, and that drops the names that backtraces show.
set -eu
cd "$(dirname "$0")"
trap 'rm -f visits.o' EXIT
"${CLANG:-clang-19}" --target=wasm32 -std=gnu17 -Os -Wall -Wextra -Werror \
    -ffreestanding -I ../../hostapi/guest -c -o visits.o visits.c
"${WASM_LD:-wasm-ld-19}" --no-entry --strip-debug -z stack-size=16384 -o visits.wasm visits.o
