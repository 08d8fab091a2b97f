#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds hello.wasm here. Needs Go 1.21 or newer; it fetches nothing.
set -eu
cd "$(dirname "$0")"
if ! command -v "${GO:-go}" >/dev/null; then
    echo "skip: no go: it comes from go.dev or apt-get install -t bookworm-backports golang" >&2
    exit 77
fi
export GOOS=wasip1 GOARCH=wasm GOTOOLCHAIN=local
exec "${GO:-go}" build -trimpath -o hello.wasm hello.go
