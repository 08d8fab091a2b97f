#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds the function and asks it something: `skerry run` needs no server.
set -eu
cd "$(dirname "$0")"
skerry=${SKERRY:-skerry}
"$skerry" build --quiet
answer=$("$skerry" run function.wasm --request 'GET /moon' 2>answer.log) || answer=failed
if [ "$answer" != 'Hello, moon!' ]; then
    cat answer.log >&2
    echo "GET /moon: $answer" >&2
    exit 1
fi
rm -f answer.log
echo "ok"
