#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes function.wasm of function.rs: with cargo where there is one whose rustc has the target (it
# takes other crates too), else with rustc alone, also Debian's, which has no linker of its own.
set -eu
cd "$(dirname "$0")"
target=wasm32-unknown-unknown
linker=${WASM_LD:-wasm-ld-19}

# Does this rustc have the target?
has_target() {
    libraries=$("$1" --print target-libdir --target $target 2>/dev/null) && [ -d "$libraries" ]
}

if command -v cargo >/dev/null && has_target "${RUSTC:-rustc}"; then
    flags=
    if command -v "$linker" >/dev/null; then
        flags="-C linker=$linker -C linker-flavor=wasm-ld -C link-arg=--no-fatal-warnings"
    fi
    RUSTFLAGS="$flags ${RUSTFLAGS:-}" cargo build --quiet --release --target $target
    exec cp target/$target/release/function.wasm function.wasm
fi
if ! command -v "$linker" >/dev/null; then
    echo "$linker is not installed: apt-get install lld-19" >&2
    exit 1
fi
for rustc in "${RUSTC:-rustc}" /usr/bin/rustc; do
    has_target "$rustc" || continue
    trap 'rm -f libskerry.rlib' EXIT
    set -- --edition 2021 --target $target -C opt-level=s -C panic=abort -C strip=debuginfo
    "$rustc" "$@" --crate-name skerry --crate-type rlib -o libskerry.rlib skerry/src/lib.rs
    "$rustc" "$@" --crate-type cdylib --extern skerry=libskerry.rlib -C linker="$linker" \
        -C linker-flavor=wasm-ld -C link-arg=--no-fatal-warnings -o function.wasm function.rs
    exit
done
echo "no rustc with target $target: apt-get install rustc libstd-rust-dev-wasm32, or" \
    "rustup target add $target" >&2
exit 1
