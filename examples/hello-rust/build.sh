#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds hello.wasm here with the first rustc that has the wasm32-unknown-unknown target:
# $RUSTC, the one on PATH, or Debian's (packages rustc, libstd-rust-dev-wasm32, lld-19).
set -eu
cd "$(dirname "$0")"

target=wasm32-unknown-unknown
for rustc in "${RUSTC:-rustc}" /usr/bin/rustc; do
    libraries=$("$rustc" --print target-libdir --target "$target" 2>/dev/null) || continue
    if [ -d "$libraries" ]; then
        exec "$rustc" --edition 2021 --crate-type cdylib --target "$target" -C opt-level=s \
            -C panic=abort -C strip=debuginfo -C linker="${WASM_LD:-wasm-ld-19}" \
            -C linker-flavor=wasm-ld -C link-arg=--no-fatal-warnings -o hello.wasm hello.rs
    fi
done
echo "skip: no rustc with target $target: apt-get install rustc libstd-rust-dev-wasm32" >&2
exit 77
