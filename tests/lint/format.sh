#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Fails when clang-format would change a .c or .h file; `format.sh --fix` changes them.
# Debian 12's version 14 decides: other versions differ in details.
set -eu
cd "$(dirname "$0")/../.."

tool=
for candidate in clang-format-14 clang-format; do
    if command -v "$candidate" >/dev/null && "$candidate" --version | grep -q 'version 14\.'; then
        tool=$candidate
        break
    fi
done
if [ -z "$tool" ]; then
    echo "skip: clang-format 14 is not installed (apt-get install clang-format)"
    exit 77
fi

mode="--dry-run -Werror"
if [ "${1:-}" = --fix ]; then
    mode=-i
fi
# shellcheck disable=SC2086  # mode is two words on purpose
python3 -c '
import sys
sys.path.insert(0, "tests/lint")
import sources
print("\n".join(map(str, sources.files(".c", ".h"))))' | xargs "$tool" $mode
echo "format: clean ($tool)"
