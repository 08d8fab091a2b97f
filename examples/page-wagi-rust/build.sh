#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds page.wasm here with the first rustc that has a WASI target: $RUSTC, the one on PATH
# (`rustup target add wasm32-wasip1`), or Debian's, whose target is called wasm32-wasi and which has
# no linker of its own (packages rustc, libstd-rust-dev-wasm32, lld-19).
set -eu
cd "$(dirname "$0")"

linker=${WASM_LD:-wasm-ld-19}
if command -v "$linker" >/dev/null; then
    set -- -C linker="$linker" -C linker-flavor=wasm-ld -C link-arg=--no-fatal-warnings
fi
for rustc in "${RUSTC:-rustc}" /usr/bin/rustc; do
    for target in wasm32-wasip1 wasm32-wasi; do
        libraries=$("$rustc" --print target-libdir --target "$target" 2>/dev/null) || continue
        if [ -d "$libraries" ]; then
            exec "$rustc" --edition 2021 --target "$target" -C opt-level=s -C panic=abort \
                -C strip=debuginfo "$@" -o page.wasm page.rs
        fi
    done
done
echo "skip: no rustc with a WASI target: rustup target add wasm32-wasip1, or" \
    "apt-get install rustc libstd-rust-dev-wasm32" >&2
exit 77
