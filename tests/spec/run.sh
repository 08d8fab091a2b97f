#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The official core test suite, and of the proposals those that are implemented: run.sh SKERRY
# SOURCE_ROOT [OPTION...]
# The suite is data beside the repository ($SKERRY_SHARED, else ../shared); without it the
# test is skipped, aloud. Options go to `skerry wast`.
set -eu
skerry=$1
source_root=$2
shift 2
suite=${SKERRY_SHARED:-$source_root/../shared}/spec
if [ ! -d "$suite/core" ]; then
    echo "skip: no official test suite at $suite/core (set SKERRY_SHARED to the folder above spec/)"
    exit 77
fi
exec "$skerry" wast --skip "$source_root/tests/spec/skip.txt" "$@" "$suite/core" \
    "$suite/proposals/custom-page-sizes" "$suite/proposals/wide-arithmetic"
