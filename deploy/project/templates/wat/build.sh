#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes function.wasm of function.wat.
set -eu
cd "$(dirname "$0")"
if ! command -v wat2wasm >/dev/null; then
    echo "wat2wasm is not installed: apt-get install wabt" >&2
    exit 1
fi
exec wat2wasm --debug-names -o function.wasm function.wat
