#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds thumbnail.wasm here, with a C library and stb. Needs clang-19, lld-19, wasi-libc,
# libclang-rt-19-dev-wasm32 and libstb-dev. In two steps, as examples/hello-c says.
set -eu
cd "$(dirname "$0")"
sysroot=${WASI_SYSROOT:-/usr}
headers=$sysroot/include/wasm32-wasi
libraries=$sysroot/lib/wasm32-wasi
for needed in "$headers/stdlib.h" "${STB:-/usr/include}/stb/stb_image.h"; do
    if [ ! -e "$needed" ]; then
        echo "skip: no $needed:" \
            "apt-get install wasi-libc libclang-rt-19-dev-wasm32 libstb-dev" >&2
        exit 77
    fi
done
trap 'rm -f thumbnail.o' EXIT
"${CLANG:-clang-19}" --target=wasm32-wasi -std=gnu17 -O2 -DNDEBUG -nostdlibinc -isystem "$headers" \
    -idirafter "${STB:-/usr/include}" -I ../../hostapi/guest -c -o thumbnail.o thumbnail.c
"${WASM_LD:-wasm-ld-19}" --strip-debug --entry _initialize -L "$libraries" \
    -o thumbnail.wasm "$libraries/crt1-reactor.o" thumbnail.o -lc -lm \
    "$("${CLANG:-clang-19}" --print-resource-dir)/lib/wasi/libclang_rt.builtins-wasm32.a"
