#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes function.wasm of function.c. In two steps, because clang would run wasm-opt where it finds
# it, and that drops the names that backtraces show.
set -eu
cd "$(dirname "$0")"
clang=${CLANG:-clang-19}
linker=${WASM_LD:-wasm-ld-19}
for tool in "$clang" "$linker"; do
    if ! command -v "$tool" >/dev/null; then
        echo "$tool is not installed: apt-get install clang-19 lld-19" >&2
        exit 1
    fi
done
trap 'rm -f function.o' EXIT
"$clang" --target=wasm32 -std=gnu17 -Os -Wall -Wextra -ffreestanding -c -o function.o function.c
"$linker" --no-entry --strip-debug -z stack-size=16384 -o function.wasm function.o
