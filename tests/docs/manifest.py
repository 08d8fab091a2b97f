#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Does docs/manifest.md show the keys as the program has them?

    manifest.py SKERRY [--update]

The page has one ```yaml block, which `skerry help manifest` prints; with --update it is rewritten.
"""
import pathlib
import re
import subprocess
import sys

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "manifest.md"
BLOCK = re.compile(r"^```yaml\n(.*?)^```$", re.M | re.S)


def main():
    page = PAGE.read_text(encoding="utf-8")
    found = list(BLOCK.finditer(page))
    if len(found) != 1:
        sys.exit(f"{PAGE}: {len(found)} blocks of YAML, wanted one")
    wanted = subprocess.run([sys.argv[1], "help", "manifest"], check=True, capture_output=True,
                            text=True).stdout
    if found[0].group(1) == wanted:
        return
    if "--update" not in sys.argv[2:]:
        sys.exit(f"{PAGE}: not what `skerry help manifest` prints; see --update")
    PAGE.write_text(page[:found[0].start(1)] + wanted + page[found[0].end(1):], encoding="utf-8")


main()
