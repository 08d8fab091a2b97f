#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each allocation fails once: nothing crashes, and nothing is left behind.

    allocations.py BUILD_FOLDER [--most N]

The engine decodes, validates, translates, links and runs modules; the doors for ACME's answers and
for modules read seeds. (That for certificates is OpenSSL's, which after a failure of its own keeps
now and then what it had.) A first run counts what a program asks for; then it runs
again for each of them (for N of them, evenly), which fails. It may end as it likes, but not by a
signal or an assertion, and what it holds at its end is what it held when nothing failed.
"""
import argparse
import collections
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
GUESTS = ("e2e_echo", "e2e_config", "e2e_wagi", "e2e_init_trap", "engine_fuel", "engine_try")
DOORS = ("validate", "acme")
SEEDS = 3


def shim(folder):
    compiler = shutil.which("cc") or shutil.which("clang-19")
    if compiler is None:
        print("skip: no C compiler")
        sys.exit(77)
    target = folder / "alloc_shim.so"
    subprocess.run([compiler, "-O1", "-shared", "-fPIC", "-fno-builtin-malloc", "-o", target,
                    ROOT / "tests" / "support" / "alloc_shim.c", "-ldl"], check=True)
    return target


class Program:
    def __init__(self, library, words, standard_input=""):
        self.library = library
        self.words = words
        self.input = standard_input

    def run(self, fails):
        """Its exit status, and what it asked for and held; None if it ended before it could say."""
        environment = dict(os.environ, LD_PRELOAD=str(self.library), ALLOC_FAILS=str(fails))
        done = subprocess.run(self.words, input=self.input, env=environment, text=True,
                              capture_output=True, timeout=120, check=False)
        said = re.search(r"allocations (\d+) left (-?\d+)\n\Z", done.stderr)
        return done.returncode, said and tuple(map(int, said.groups())), done.stderr


def sweep(name, program, most):
    """What went wrong, and how many allocations failed."""
    _, (asked, held), _ = program.run(0)
    problems = []
    numbers = range(1, asked + 1, max(1, -(-asked // most)))
    ends = collections.Counter()
    for number in numbers:
        status, said, text = program.run(number)
        ends[status] += 1
        if status < 0 or said is None:
            problems.append(f"{name}: {number} of {asked}: status {status}: {text[-300:]}")
        elif said[1] > held:
            problems.append(f"{name}: {number} of {asked}: holds {said[1]}, not {held}")
    print(f"{name}: {len(numbers)} of {asked} failed, ends {dict(ends)}", flush=True)
    return problems, len(numbers)


def programs(build, folder):
    library = shim(folder)
    for guest in GUESTS:
        module = next(iter(build.glob(f"tests/**/{guest}.wasm")), None)
        if module:
            yield guest, Program(library, [build / "tests/fuzz/exec_module"], f"{module}\n")
    for door in DOORS:
        seeds = folder / door
        seeds.mkdir()
        for seed in sorted((ROOT / "tests/fuzz/seeds" / door).iterdir())[:SEEDS]:
            shutil.copy(seed, seeds)
        yield door, Program(library, [build / f"tests/fuzz/{door}_replay", seeds])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--most", type=int, default=10**9, help="of a program (default: all)")
    options = parser.parse_args()
    problems, count = [], 0
    with tempfile.TemporaryDirectory() as scratch:
        for name, program in programs(options.build, pathlib.Path(scratch)):
            found, failed = sweep(name, program, options.most)
            problems += found
            count += failed
    print("\n".join(problems[:20]))
    print(f"{count} allocations failed, {len(problems)} times it went wrong")
    sys.exit(1 if problems or count == 0 else 0)


if __name__ == "__main__":
    main()
