#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes function.wasm of the Go files here, with Go 1.24 or newer; or with TinyGo 0.34 or newer, a
# tenth of the size: TINYGO=1 ./build.sh
set -eu
cd "$(dirname "$0")"
if [ -n "${TINYGO:-}" ]; then
    exec tinygo build -target=wasip1 -buildmode=c-shared -no-debug -o function.wasm .
fi
go=${GO:-go}
if ! command -v "$go" >/dev/null; then
    echo "no go: take 1.24 or newer from go.dev (Debian 12 has 1.19, which is too old)" >&2
    exit 1
fi
export GOOS=wasip1 GOARCH=wasm GOTOOLCHAIN=local GOFLAGS=-mod=mod
exec "$go" build -buildmode=c-shared -trimpath -ldflags=-w -o function.wasm .
