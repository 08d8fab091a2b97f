#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# embed.c against the installed engine; CC and CFLAGS as usual.
set -eu
cd "$(dirname "$0")"
# shellcheck disable=SC2046,SC2086  # lists of words on purpose
${CC:-cc} ${CFLAGS:--O2} -o "${1:-embed}" embed.c \
    $(pkg-config --cflags --libs --static skerry-engine)
