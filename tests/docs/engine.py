#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Does docs/engine.md show what is so?

    engine.py [--update] SKERRY

The page has one ```wat block, a module, and one ```text block: what `skerry inspect` prints as the
code of its export "sum". Its table of limits has the values of engine/read/module.h, and each
limit is named by a unit test of the engine. With --update block and table are rewritten; the prose
around them is for you to check.
"""
import argparse
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "engine.md"
LIMITS_HEAD = "| limit | value | of |\n|---|---|---|\n"
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


def limits():
    """The rows of the table: every MODULE_MAX_* with its value and comment."""
    tests = "".join(path.read_text() for path in (ROOT / "tests/unit/engine").rglob("*_test.c"))
    rows = []
    for name, value, comment in re.findall(
            r"^    (MODULE_MAX_\w+) = (\d+),(?: +/\* (.*?) \*/)?$",
            (ROOT / "engine/read/module.h").read_text(), re.M):
        if not re.search(rf"\b{name}\b", tests):
            sys.exit(f"no test in tests/unit/engine names {name}: test it at its value and above")
        what = name.removeprefix("MODULE_MAX_").lower().replace("_", " ")
        rows.append(f"| {what} | {int(value):,} | {comment or 'the module'} |\n")
    return "".join(rows)


def table(text):
    """A match whose group 1 is the table's rows."""
    found = re.search(re.escape(LIMITS_HEAD) + r"((?:\|.*\n)*)", text)
    return found or sys.exit(f"{PAGE} has no table of limits")


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--update", action="store_true", help="rewrite the page's block")
    arguments.add_argument("skerry")
    chosen = arguments.parse_args()

    if shutil.which("wat2wasm") is None:
        print("skip: wat2wasm is not installed")
        sys.exit(77)
    text = PAGE.read_text()
    pieces = ((table(text), limits()),
              (block(text, "text"), printed(chosen.skerry, block(text, "wat").group(1))))
    stale = [(shown, now) for shown, now in pieces if shown.group(1) != now]
    if chosen.update:
        for shown, now in sorted(stale, key=lambda piece: -piece[0].start()):
            text = text[:shown.start(1)] + now + text[shown.end(1):]
        PAGE.write_text(text)
        return
    for shown, now in stale:
        sys.exit(f"{PAGE} shows\n{shown.group(1)}but it is\n{now}"
                 "Check the prose around it and run tests/docs/engine.py --update SKERRY.")


if __name__ == "__main__":
    main()
