#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Does some test notice when a check is missing?

    checks.py [--sample N] [--seed S] [--jobs N] [--only REGEX] [--list]

A check is an `if` or a `?:` of a room of rooms.py whose consequence is a refusal or a trap, or a
row of one of its tables. The sources are copied to a temporary folder, and there every check gets a
number and is switched off when the environment variable SKERRY_MUTANT has that number: one build
for all of them. Each in turn is then run against its room's tests until something fails, crashes or
hangs: caught. The tree this runs from is only read.

A check that no test can miss, because another one stands behind it, has a row in equivalent.txt
with the reason; it is not counted. Ends with 1 if less than 95 % of the others (--at-least) were
caught.
Where the environment variable CI is not set, meson's test says so and skips: it takes minutes.
"""
import argparse
import collections
import concurrent.futures
import contextlib
import dataclasses
import fnmatch
import json
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import rooms

ROOT = pathlib.Path(__file__).resolve().parents[2]
EQUIVALENT = pathlib.Path(__file__).resolve().parent / "equivalent.txt"
COPIED = ("engine", "config", "isolate", "hostapi", "deploy", "loadtest", "server", "tests",
          "examples", "docs", "meson.build", "meson_options.txt")
# Passing on what was refused before, memory that is not there, what the system cannot: no checks.
NOT_A_CHECK = re.compile(r"^!?reader_failed\([^|&]*$|status [!=]= STATUS_OK|== NULL|inner->|"
                         r"reason != NULL|trap != TRAP_NONE|no_memory|STATUS_NO_MEMORY|"
                         r"\bfd < 0|ferror\(|^mdb_\w+\(|^rc != 0$|errno != EINTR|texts_add\(")
WANTED = 95  # percent
TEST_SECONDS = 120
SWITCH = """
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUTATION_SWITCH_H
#define MUTATION_SWITCH_H
#include <stdlib.h>
#include <string.h>
static int mutation_number = -1;
__attribute__((constructor)) static void mutation_read(void)
{
    const char *text = getenv("SKERRY_MUTANT");
    mutation_number = text == NULL ? -1 : atoi(text);
}
#define MUTATION_ON(n) (mutation_number != (n))
#define MUTATION_FLIP(text) ((text) = (text) == NULL ? "" : NULL)
/* The row of that name; there is one. */
#define MUTATION_ROW(rows, key) (&(rows)[MUTATION_PLACE(rows, key)])
#define MUTATION_PLACE(rows, key) \\
    ({ size_t i = 0; while (strcmp((rows)[i].name, key) != 0) i++; i; })
#endif
"""


@dataclasses.dataclass
class Check:
    """One in the code, or a row of a table: then `condition` is what is changed in it."""
    room: rooms.Room
    path: pathlib.Path
    line: int
    condition: str
    consequence: str

    def __post_init__(self):
        self.condition = " ".join(self.condition.replace("\\\n", " ").split())
        self.consequence = " ".join(self.consequence.replace("\\\n", " ").split())[:60]

    @property
    def folder(self):
        return str(self.path.parent)

    def __str__(self):
        return f"{self.path}:{self.line}: {self.condition} -> {self.consequence}"


def closing(text, at):
    """Where the parenthesis that opens at `at` closes."""
    depth = 0
    for end in range(at, len(text)):
        depth += (text[end] == "(") - (text[end] == ")")
        if depth == 0:
            return end
    raise ValueError("unbalanced")


def is_check(room, condition, consequence):
    return not re.match(r"\s*if ", consequence) and room.refuses.search(consequence) and not (
        NOT_A_CHECK.search(condition) or NOT_A_CHECK.search(consequence))


def passes_else_refuses(room, rest):
    """Is what follows a condition a plain return, and behind it a refusal?"""
    found = re.match(r"\s*return[^;(]*;\s*([^;{}]*;)", rest)
    return (found and not room.refuses.match(found.group(0).strip()) and
            room.refuses.match(found.group(1)))


def ifs(room, text):
    """(where the condition begins and ends, does it let pass, consequence) of those that refuse"""
    for match in re.finditer(r"\bif \(", text):
        begin = match.end()
        end = closing(text, begin - 1)
        rest = text[end + 1:end + 400]
        condition = text[begin:end]
        consequence = re.match(r"[\s\\{]*([^;]*;)", rest)
        if passes_else_refuses(room, rest) and not NOT_A_CHECK.search(condition):
            # "if (right) return; refuse": without the check all is right
            yield begin, end, True, "or refuse"
        elif consequence and is_check(room, condition, consequence.group(1)):
            yield begin, end, False, consequence.group(1)


def choices(room, text):
    """The same of "return right ? answer : refusal", and the other way round."""
    for match in re.finditer(r"\breturn ([^;?{}]+?)\s\? ([^;?:]+?)\s: ([^;?:]+);", text):
        condition, yes, no = match.groups()
        refuses = [room.refuses.search(f"return {part};") for part in (yes, no)]
        whole = condition.count("(") == condition.count(")")  # not an argument's
        if whole and bool(refuses[0]) != bool(refuses[1]) and not NOT_A_CHECK.search(condition):
            yield *match.span(1), bool(refuses[1]), f"{yes} or {no}"


def mutate(room, path, text, checks):
    """The text with each check numbered from len(checks) on; appends them."""
    out = []
    done = 0
    for begin, end, passes, consequence in sorted([*ifs(room, text), *choices(room, text)]):
        if begin < done:
            continue
        switch = f"!MUTATION_ON({len(checks)}) ||" if passes else f"MUTATION_ON({len(checks)}) &&"
        out.append(f"{text[done:begin]}{switch} ({text[begin:end]})")
        checks.append(Check(room, path, text.count("\n", 0, begin) + 1, text[begin:end],
                            consequence))
        done = end
    return "".join(out) + text[done:]


def columns(row):
    """The arguments of a macro, at commas outside of brackets and quotes."""
    return [part.strip() for part in
            re.findall(r'(?:[^,("]|"(?:[^"\\]|\\.)*"|\([^()]*\))+', row)]


def mutate_table(tree, room, table, checks):
    """Makes the table writable, and appends to its source what changes one of its rows."""
    source = tree / table.source
    for path in [*source.parent.glob("*.[ch]"), *(tree / "tests/unit" / room.tests).rglob("*.c")]:
        text = path.read_text()
        writable = re.sub(rf"const (struct \w+ {table.name}\[)", r"\1",
                          re.sub(rf"\*const ({table.name}\[)", r"*\1", text))
        if writable != text:
            path.write_text(writable)
    cases = []
    constructor = f"mutation_from_{len(checks)}"
    definition = (ROOT / table.definition).read_text()
    found = re.finditer(rf"^(?:{table.macro})\(((?:[^()\"]|\"[^\"]*\"|\([^()]*\))*)\)",
                        definition, re.MULTILINE)
    for place, match in enumerate(found):
        row = columns(match.group(1))
        for change in table.changes:
            if isinstance(change, tuple) and row[change[0]] == "0":
                continue
            done = (change[1] if isinstance(change, tuple) else change).format(*row, row=place)
            cases.append(f"    case {len(checks)}:\n        {done}\n        break;\n")
            checks.append(Check(room, pathlib.Path(table.definition),
                                definition.count("\n", 0, match.start()) + 1, done, table.name))
    with source.open("a") as end:
        end.write(f"\n__attribute__((constructor)) static void {constructor}(void)\n"
                  "{\n    mutation_read();\n    switch (mutation_number) {\n" + "".join(cases) +
                  "    }\n}\n")


def copy_tree(to):
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, to / name, symlinks=True)
        else:
            shutil.copy2(source, to / name)


def room_of(path):
    return next(room for room in rooms.ROOMS
                if any(fnmatch.fnmatch(path, pattern) for pattern in room.files))


def instrument(tree):
    checks = []
    (tree / "mutation_switch.h").write_text(SWITCH.lstrip())
    sources = {table.source for table in rooms.TABLES}
    for room in rooms.ROOMS:
        paths = {path for pattern in room.files for path in tree.glob(pattern)}
        for path in sorted(paths - {path for pattern in room.but for path in tree.glob(pattern)}):
            text = path.read_text()
            before = len(checks)
            name = path.relative_to(tree)
            text = mutate(room, name, text, checks)
            if len(checks) > before or str(name) in sources:
                # Behind the opening comment.
                path.write_text('#include "mutation_switch.h"\n' + text)
    for table in rooms.TABLES:
        mutate_table(tree, room_of(table.source), table, checks)
    return checks


def configure(tree):
    # What a missing check leaves unset has a value, so that a compiler cannot know it better.
    subprocess.run(["meson", "setup", "build", "-Dc_args=-ftrivial-auto-var-init=pattern"],
                   cwd=tree, check=True, stdout=subprocess.DEVNULL)


def introspect(tree, what):
    return json.loads(subprocess.run(["meson", "introspect", "build", what], cwd=tree, check=True,
                                     stdout=subprocess.PIPE, text=True).stdout)


def units(tree, room):
    """The unit tests of the room, as paths below tests/unit without their end."""
    below = tree / "tests/unit"
    return sorted(str(path.relative_to(below)).removesuffix("_test.c")
                  for path in (below / room.tests).rglob("*_test.c"))


def test_of(unit, tests):
    """A unit of a program that has many, or the program of its name."""
    name = f"{unit.split('/')[0]}_{unit.split('/')[-1]}"
    return next((test for test in tests if test["cmd"][1:] == [unit]),
                next((test for test in tests if test["name"] == name), None))


def build(tree, chosen):
    """The unit tests of the chosen rooms, unit to command, with all they need built."""
    every = [test for test in introspect(tree, "--tests") if "unit" in " ".join(test["suite"])]
    tests = {unit: test_of(unit, every) for room in chosen for unit in units(tree, room)}
    lost = [unit for unit, test in tests.items() if test is None]
    if lost:
        sys.exit(f"no test of meson's runs {', '.join(lost)}")
    files = {target["id"]: target["filename"] for target in introspect(tree, "--targets")}
    needed = {os.path.relpath(name, tree / "build")
              for test in tests.values() for target in test["depends"] for name in files[target]}
    done = subprocess.run(["ninja", "-C", "build", "skerry", *sorted(needed)], cwd=tree,
                          check=False, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(done.stdout[-4000:])
    return {unit: test["cmd"] for unit, test in tests.items()}


def official(tree, suite):
    """The suite, folder by folder."""
    if not suite.is_dir():
        return []
    return [[str(tree / "build/skerry"), "wast", "--skip", str(tree / "tests/spec/skip.txt"),
             str(folder)]
            for folder in sorted(path for path in [suite, *suite.iterdir()] if path.is_dir())
            if any(folder.glob("*.json"))]


def fails(command, number, tree, seconds):
    """Also if it does not end; nothing that it started is left."""
    with subprocess.Popen(command, cwd=tree / "build", stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, start_new_session=True,
                          env=dict(os.environ, SKERRY_MUTANT=str(number))) as process:
        try:
            return process.wait(seconds) != 0
        except subprocess.TimeoutExpired:
            return True
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


class Proofs:
    """What is run against a check, and how long each may take: that is known from a run of it with
    every check in place."""

    def __init__(self, tree, programs, suite):
        self.tree = tree
        self.programs = programs
        self.suite = suite
        self.seconds = {}

    def of(self, check):
        """The commands, the test of the file's own name first."""
        found = sorted(units(self.tree, check.room),
                       key=lambda unit: unit.split("/")[-1] != check.path.stem)
        return [self.programs[unit] for unit in found] + (self.suite if check.room.suite else [])

    def measure(self, check):
        for command in self.of(check):
            begin = time.monotonic()
            if fails(command, -1, self.tree, TEST_SECONDS):
                sys.exit(f"{command} fails with every check in place")
            self.seconds[tuple(command)] = 5 + 10 * (time.monotonic() - begin)

    def caught(self, number, check):
        return any(fails(command, number, self.tree, self.seconds[tuple(command)])
                   for command in self.of(check))


def equivalents():
    """(file, part of the condition) -> reason"""
    rows = {}
    for line in EQUIVALENT.read_text().splitlines():
        if line and not line.startswith("#"):
            path, condition, reason = (part.strip() for part in line.split(" | "))
            rows[path, condition] = reason
    return rows


def reason_not_to_count(check, rows):
    for (path, condition), reason in rows.items():
        if str(check.path) == path and condition in check.condition:
            return reason
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sample", type=int, help="so many checks, chosen by --seed")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--at-least", type=float, default=WANTED, help="percent, else exit 1")
    parser.add_argument("--only", default="", help="checks whose text matches this")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--in-ci", action="store_true", help="do nothing unless CI is set")
    parser.add_argument("--suite", type=pathlib.Path, default=pathlib.Path(
        os.environ.get("SKERRY_SHARED", ROOT.parent / "shared")) / "spec" / "core")
    options = parser.parse_args()
    if options.in_ci and not os.environ.get("CI"):
        print("skip: mutation checks take minutes; set CI, or run tests/mutation/checks.py")
        return 77
    with tempfile.TemporaryDirectory(prefix="skerry-mutation-") as folder:
        tree = pathlib.Path(folder) / "skerry"
        tree.mkdir()
        copy_tree(tree)
        checks = instrument(tree)
        rows = equivalents()
        chosen = [(n, check) for n, check in enumerate(checks)
                  if re.search(options.only, str(check)) and not reason_not_to_count(check, rows)]
        print(f"{len(checks)} checks, {len(chosen)} to count")
        if options.list:
            for number, check in chosen:
                print(number, check)
            return 0
        if options.sample:
            chosen = random.Random(options.seed).sample(chosen, min(options.sample, len(chosen)))
        configure(tree)
        one_of_each_room = {check.room.tests: check for _, check in chosen}
        programs = build(tree, [check.room for check in one_of_each_room.values()])
        proofs = Proofs(tree, programs, official(tree, options.suite.resolve()))
        for check in one_of_each_room.values():
            proofs.measure(check)
        begin = time.monotonic()
        counted = collections.Counter(check.folder for _, check in chosen)
        missed = collections.Counter()
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            results = pool.map(lambda row: (row[1], proofs.caught(*row)), chosen)
            for check, caught in results:
                if not caught:
                    missed[check.folder] += 1
                    print(f"MISSED {check}", flush=True)
        for folder in sorted(counted):
            print(f"{folder}: {counted[folder] - missed[folder]} of {counted[folder]}")
        caught = len(chosen) - missed.total()
        print(f"{caught} of {len(chosen)} caught, {100 * caught / max(len(chosen), 1):.1f} %, in "
              f"{time.monotonic() - begin:.0f} s")
        return 0 if 100 * caught >= options.at_least * len(chosen) else 1


if __name__ == "__main__":
    sys.exit(main())
