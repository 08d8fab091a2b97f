#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds hello.wasm here, a WASI command without a libc. Needs clang-19 and lld-19. In two steps, so
# that the names of funcs stay (examples/hello-c says why).
set -eu
cd "$(dirname "$0")"
trap 'rm -f hello.o' EXIT
"${CLANG:-clang-19}" --target=wasm32 -std=gnu17 -Os -Wall -Wextra -Werror \
    -ffreestanding -c -o hello.o hello.c
"${WASM_LD:-wasm-ld-19}" --strip-debug -z stack-size=16384 -o hello.wasm hello.o
