#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds feed.wasm here: the crate in hostapi/guest/rust, then the function, with the first rustc
# that has the target ($RUSTC, the one on PATH, Debian's). Needs lld-19.
set -eu
cd "$(dirname "$0")"
target=wasm32-unknown-unknown
for rustc in "${RUSTC:-rustc}" /usr/bin/rustc; do
    libraries=$("$rustc" --print target-libdir --target $target 2>/dev/null) || continue
    [ -d "$libraries" ] || continue
    trap 'rm -f libskerry.rlib' EXIT
    set -- --edition 2021 --target $target -C opt-level=s -C panic=abort -C strip=debuginfo
    "$rustc" "$@" --crate-name skerry --crate-type rlib -o libskerry.rlib \
        ../../hostapi/guest/rust/src/lib.rs
    "$rustc" "$@" --crate-type cdylib --extern skerry=libskerry.rlib \
        -C linker="${WASM_LD:-wasm-ld-19}" -C linker-flavor=wasm-ld \
        -C link-arg=--no-fatal-warnings -o feed.wasm feed.rs
    exit
done
echo "skip: no rustc with target $target: apt-get install rustc libstd-rust-dev-wasm32" >&2
exit 77
