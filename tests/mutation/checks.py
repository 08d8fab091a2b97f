#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Does some test notice when a check is missing?

    checks.py [--sample N] [--seed S] [--jobs N] [--only TEXT] [--list]

A check is an `if` in the engine whose consequence is a refusal or a trap. The sources are copied
to a temporary folder, and there every check gets a number and is switched off when the environment
variable SKERRY_MUTANT has that number: one build for all of them. Each in turn is then run against
the engine's unit tests and the official suite until something fails, crashes or hangs: caught. The
tree this runs from is only read.

A check that no test can miss, because another one stands behind it, has a row in equivalent.txt
with the reason; it is not counted. Ends with 1 if less than 95 % of the others (--at-least) were
caught.
Where the environment variable CI is not set, meson's test says so and skips: it takes minutes.
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
EQUIVALENT = pathlib.Path(__file__).resolve().parent / "equivalent.txt"
COPIED = ("engine", "config", "isolate", "hostapi", "deploy", "loadtest", "server", "tests",
          "examples", "docs", "meson.build", "meson_options.txt")
FILES = ("engine/*.[ch]", "engine/*/*.[ch]")
REFUSES = re.compile(r"\w*(_fail|refuse|_fail_\w+|corrupt|incompatible)\(|RAISE\(|"
                     r"TRAP_(?!NONE)[A-Z]")
# Passing on what was refused before, or memory that is not there: no checks.
NOT_A_CHECK = re.compile(r"^!?reader_failed\([^|&]*$|status [!=]= STATUS_OK|== NULL|inner->|"
                         r"reason != NULL|trap != TRAP_NONE|no_memory|STATUS_NO_MEMORY")
WANTED = 95  # percent
TEST_SECONDS = 120
SWITCH = """
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUTATION_SWITCH_H
#define MUTATION_SWITCH_H
#include <stdlib.h>
static int mutation_number = -1;
__attribute__((constructor)) static void mutation_read(void)
{
    const char *text = getenv("SKERRY_MUTANT");
    mutation_number = text == NULL ? -1 : atoi(text);
}
#define MUTATION_ON(n) (mutation_number != (n))
#endif
"""


class Check:
    def __init__(self, path, line, condition, consequence):
        self.path = path
        self.line = line
        self.condition = " ".join(condition.replace("\\\n", " ").split())
        self.consequence = " ".join(consequence.replace("\\\n", " ").split())[:60]

    def __str__(self):
        return f"{self.path}:{self.line}: if ({self.condition}) {self.consequence}"


def closing(text, at):
    """Where the parenthesis that opens at `at` closes."""
    depth = 0
    for end in range(at, len(text)):
        depth += (text[end] == "(") - (text[end] == ")")
        if depth == 0:
            return end
    raise ValueError("unbalanced")


def is_check(condition, consequence):
    return not re.match(r"\s*if ", consequence) and REFUSES.search(consequence) and not (
        NOT_A_CHECK.search(condition) or NOT_A_CHECK.search(consequence))


def passes_else_refuses(rest):
    """Is what follows a condition a plain return, and behind it a refusal?"""
    found = re.match(r"\s*return[^;(]*;\s*([^;{}]*;)", rest)
    return found and REFUSES.match(found.group(1).removeprefix("return ").strip())


def mutate(path, text, checks):
    """The text with each check numbered from len(checks) on; appends them."""
    out = []
    done = 0
    for match in re.finditer(r"\bif \(", text):
        begin = match.end() - 1
        end = closing(text, begin)
        rest = text[end + 1:end + 400]
        consequence = re.match(r"[\s\\{]*([^;]*;)", rest)
        condition = text[begin + 1:end]
        if passes_else_refuses(rest) and not NOT_A_CHECK.search(condition):
            # "if (right) return; refuse": without the check all is right
            out.append(text[done:begin + 1] + f"!MUTATION_ON({len(checks)}) || (" + condition + ")")
            checks.append(Check(path, text.count("\n", 0, begin) + 1, condition, "or refuse"))
            done = end
            continue
        if not consequence or not is_check(condition, consequence.group(1)):
            continue
        line = text.count("\n", 0, begin) + 1
        out.append(text[done:begin + 1] + f"MUTATION_ON({len(checks)}) && (" + condition + ")")
        checks.append(Check(path, line, condition, consequence.group(1)))
        done = end
    return "".join(out) + text[done:]


def copy_tree(to):
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, to / name, symlinks=True)
        else:
            shutil.copy2(source, to / name)


def instrument(tree):
    checks = []
    (tree / "engine/mutation_switch.h").write_text(SWITCH.lstrip())
    paths = sorted({path for pattern in FILES for path in tree.glob(pattern)})
    for path in paths:
        text = path.read_text()
        before = len(checks)
        text = mutate(path.relative_to(tree), text, checks)
        if len(checks) > before:
            # Behind the opening comment.
            path.write_text('#include "engine/mutation_switch.h"\n' + text)
    return checks


def introspect(tree, what):
    return json.loads(subprocess.run(["meson", "introspect", "build", what], cwd=tree, check=True,
                                     stdout=subprocess.PIPE, text=True).stdout)


def build(tree):
    """The commands of the engine's unit tests, with all they need built."""
    tests = [test for test in introspect(tree, "--tests")
             if "unit" in " ".join(test["suite"]) and test["name"].startswith("engine_")]
    files = {target["id"]: target["filename"] for target in introspect(tree, "--targets")}
    needed = {os.path.relpath(name, tree / "build")
              for test in tests for target in test["depends"] for name in files[target]}
    subprocess.run(["ninja", "-C", "build", "skerry", *sorted(needed)], cwd=tree, check=True,
                   stdout=subprocess.DEVNULL)
    return [test["cmd"] for test in tests]


def commands(tree, programs, suite):
    """Unit tests first; then the suite, folder by folder."""
    found = list(programs)
    if suite.is_dir():
        for folder in sorted(path for path in [suite, *suite.iterdir()] if path.is_dir()):
            if any(folder.glob("*.json")):
                found.append([str(tree / "build/skerry"), "wast", "--skip",
                              str(tree / "tests/spec/skip.txt"), str(folder)])
    return found


def fails(command, number, tree):
    environment = dict(os.environ, SKERRY_MUTANT=str(number))
    try:
        done = subprocess.run(command, cwd=tree / "build", env=environment, timeout=TEST_SECONDS,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    except subprocess.TimeoutExpired:
        return True
    return done.returncode != 0


def catcher(number, tests, tree):
    """The test that notices, or None."""
    for command in tests:
        if fails(command, number, tree):
            name = pathlib.Path(command[0]).name
            return name if name != "skerry" else pathlib.Path(command[-1]).name
    return None


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
    parser.add_argument("--only", default="", help="checks whose text has this in it")
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
                  if options.only in str(check) and not reason_not_to_count(check, rows)]
        print(f"{len(checks)} checks, {len(chosen)} to count")
        if options.list:
            for number, check in chosen:
                print(number, check)
            return 0
        if options.sample:
            chosen = random.Random(options.seed).sample(chosen, min(options.sample, len(chosen)))
        subprocess.run(["meson", "setup", "build"], cwd=tree, check=True,
                       stdout=subprocess.DEVNULL)
        tests = commands(tree, build(tree), options.suite.resolve())
        broken = catcher(-1, tests, tree)
        if broken:
            sys.exit(f"{broken} fails with every check in place")
        begin = time.monotonic()
        missed = []
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            results = pool.map(lambda row: (row[1], catcher(row[0], tests, tree)), chosen)
            for check, test in results:
                if test is None:
                    missed.append(check)
                    print(f"MISSED {check}", flush=True)
        caught = len(chosen) - len(missed)
        print(f"{caught} of {len(chosen)} caught, {100 * caught / max(len(chosen), 1):.1f} %, in "
              f"{time.monotonic() - begin:.0f} s")
        return 0 if 100 * caught >= options.at_least * len(chosen) else 1


if __name__ == "__main__":
    sys.exit(main())
