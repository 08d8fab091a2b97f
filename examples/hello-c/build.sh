#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds hello.wasm here. Needs clang-19 and lld-19.
set -eu
cd "$(dirname "$0")"
exec "${CLANG:-clang-19}" --target=wasm32 -std=gnu17 -Os -Wall -Wextra -Werror \
    -ffreestanding -nostdlib -I ../../hostapi/guest -Wl,--no-entry \
    -Wl,--import-undefined -Wl,--strip-all -Wl,-z,stack-size=16384 -o hello.wasm hello.c
