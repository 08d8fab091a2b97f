#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Is the threaded code shown in docs/engine.md what `skerry inspect` prints for its module?

    engine.py [--update] SKERRY

The page has one ```wat block, the module, and one ```text block, the code of its export "sum".
With --update the block is rewritten; the prose around it is for you to check.
"""
import argparse
import pathlib
import re
import subprocess
import sys
import tempfile

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "engine.md"
EXPORT = "sum"


def block(text, language):
    """The one block in this language: a match whose group 1 is its content."""
    found = list(re.finditer(rf"^```{language}\n(.*?)^```$", text, re.M | re.S))
    if len(found) != 1:
        sys.exit(f"{PAGE}: {len(found)} blocks of {language}, wanted one")
    return found[0]


def printed(skerry, module):
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder) / "example.wat"
        wasm = source.with_suffix(".wasm")
        source.write_text(module)
        subprocess.run(["wat2wasm", str(source), "-o", str(wasm)], check=True)
        return subprocess.run([skerry, "inspect", str(wasm), "--code", EXPORT], check=True,
                              stdout=subprocess.PIPE, text=True).stdout


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--update", action="store_true", help="rewrite the page's block")
    arguments.add_argument("skerry")
    chosen = arguments.parse_args()

    text = PAGE.read_text()
    shown = block(text, "text")
    now = printed(chosen.skerry, block(text, "wat").group(1))
    if shown.group(1) == now:
        return
    if chosen.update:
        PAGE.write_text(text[:shown.start(1)] + now + text[shown.end(1):])
        return
    sys.exit(f"{PAGE} shows\n{shown.group(1)}but skerry prints\n{now}"
             "Check the prose around it and run tests/docs/engine.py --update SKERRY.")


if __name__ == "__main__":
    main()
