#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds words.wasm here. Needs Go 1.24 or newer; it fetches nothing.
set -eu
cd "$(dirname "$0")"
case $("${GO:-go}" env GOVERSION 2>/dev/null) in
go1.2[4-9]* | go1.[3-9]*) ;;
*)
    echo "skip: no go of 1.24 or newer: it comes from go.dev" >&2
    exit 77
    ;;
esac
export GOOS=wasip1 GOARCH=wasm GOTOOLCHAIN=local GOFLAGS=-mod=mod
exec "${GO:-go}" build -trimpath -ldflags=-w -o words.wasm .
