#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Are the tests that docs/faults.md and docs/threat-model.md name where they say?

    faults.py

A cell of a table names a file in backquotes, and maybe a test in it behind that. A file without a
folder is any of that name below tests/; a test's name is a word of the file, with `test_` before it
or without.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
NAMED = re.compile(r"`([\w/.-]+\.(?:py|c))`(?: ([a-z_0-9]{4,}))?")
ROW = re.compile(r"^\| ([HWURF]\d+) \|", re.M)
# Each kind has these; R2, U16 and U17 are no faults of what this page is about.
WANTED = [f"{letter}{number}" for letter, numbers in (
    ("H", range(1, 21)), ("W", range(1, 6)), ("U", range(1, 16)), ("R", (1, *range(3, 9))),
    ("F", range(1, 11))) for number in numbers]


def files_of(name):
    if (ROOT / name).exists():
        return [ROOT / name]
    folder = ROOT / "tests"
    return [path for path in folder.rglob(pathlib.Path(name).name)
            if str(path).endswith("/" + name)]


def why_not(name, word):
    files = files_of(name)
    if not files:
        return f"there is no {name}"
    if word and not any(re.search(rf"\b(?:test_)?{word}\b", path.read_text()) for path in files):
        return f"{name} has no {word}"
    return None


def main():
    problems = []
    count = 0
    page = (ROOT / "docs" / "faults.md").read_text()
    for line in page.splitlines():
        if line.startswith("|") and not line.startswith(("|-", "| |", "| What")):
            named = NAMED.findall(line)
            if not named and "the same" not in line:
                problems.append(f"no test: {line}")
            problems += filter(None, (why_not(*row) for row in named))
            count += len(named)
    if ROW.findall(page) != WANTED:
        problems.append(f"rows missing or double: {set(WANTED) ^ set(ROW.findall(page))}")
    model = (ROOT / "docs" / "threat-model.md").read_text()
    for row in re.findall(r"^\|.*", model, re.M):
        names = [name for name, _ in NAMED.findall(row)]
        problems += filter(None, (why_not(name, "") for name in names))
        count += len(names)
    print("\n".join(problems) or f"{count} names, all there")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
