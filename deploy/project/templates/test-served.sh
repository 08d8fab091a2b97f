#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Serves the function for a moment, and asks it something. Needs curl.
set -eu
cd "$(dirname "$0")"
"${SKERRY:-skerry}" dev . >answer.log 2>&1 &
server=$!
trap 'kill $server; wait $server' EXIT
path=/moon
[ ! -d pages ] || path='/?name=moon'
until grep -q '^deployed \|^skerry' answer.log; do
    sleep 0.1
done
place=$(sed -n 's|^serving on \(http://[^/]*\)/.*|\1|p' answer.log)
answer=$(curl -sS "$place/f/default/@NAME@$path" 2>>answer.log) || answer=failed
if [ "$answer" != 'Hello, moon!' ]; then
    cat answer.log >&2
    echo "GET $path: $answer" >&2
    exit 1
fi
rm -f answer.log
echo "ok"
