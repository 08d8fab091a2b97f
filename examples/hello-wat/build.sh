#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds hello.wasm here. Needs wabt.
set -eu
cd "$(dirname "$0")"
exec wat2wasm -o hello.wasm hello.wat
