#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every build uses the same fuel, and deterministic code answers the same bytes.

    golden.py [--update | --once] SKERRY NANS.wasm

Runs the scripts of the official suite, once straight through and in small slices in each tier, and
the programs named in golden.txt, all compiled as deterministic, and compares fuel and results with
that file: of a script the hash that `skerry wast --totals` prints, of a program its answer. The
numbers depend on neither compiler, sanitizers, forced suspension nor machine (only forced
collection uses more). They change when a price of fuel does: then --update writes those of this
build, for review.

Suite and programs are data beside the repository ($SKERRY_SHARED, else ../shared); without them
only the module NANS is run. With --once, for builds that are slow, all runs once: programs in
native code, scripts in slices that change their tier. Prints each difference and closes with
"N passed, N failed, N skipped".
"""
import argparse
import json
import os
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SHARED = pathlib.Path(os.environ.get("SKERRY_SHARED", ROOT.parent / "shared"))
TABLE = HERE / "golden.txt"
SUITE = ("core", "proposals/custom-page-sizes", "proposals/wide-arithmetic")
SLICE = "97"
WAYS = (("straight through", []),
        (f"in slices of {SLICE}", ["--slice", SLICE]),
        (f"in slices of {SLICE}, native", ["--slice", SLICE, "--native=on"]),
        (f"in slices of {SLICE}, in mixed tiers", ["--slice", SLICE, "--native=mixed:5"]))
TOTALS = re.compile(r"^(\S+\.json): fuel (\d+) outcomes ([0-9a-f]{16})$", re.M)
HEAD = """\
# SPDX-License-Identifier: Apache-2.0
# Written by golden.py --update, which says what it is.
#
# script or program, what it is called with, its fuel, and its answer or the hash of all answers
"""


def read_table():
    rows = {}
    for line in TABLE.read_text().splitlines():
        if line and not line.startswith("#"):
            name, argument, fuel, answer = line.split()
            rows[name] = argument, fuel, answer
    return rows


def run_suite(skerry, *options):
    """{script: (argument, fuel, hash)}"""
    suite = SHARED / "spec"
    done = subprocess.run(
        [skerry, "wast", "--deterministic", "--totals", "--skip", str(HERE / "skip.txt"), *options,
         *(str(suite / folder) for folder in SUITE)],
        stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{done.stdout[-2000:]}\nskerry wast ended with {done.returncode}")
    return {os.path.relpath(path, SHARED): ("-", fuel, outcomes)
            for path, fuel, outcomes in TOTALS.findall(done.stdout)}


def run_program(skerry, path, argument, *options):
    """(argument, fuel, answer) of an "export(number)" of the module, or why there is none."""
    export, number = re.fullmatch(r"(\w+)\((\d+)\)", argument).groups()
    done = subprocess.run([skerry, "run", str(path), "--deterministic", "--stats", *options,
                           "--invoke", export, number],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        return argument, "-", f"ended with {done.returncode}: {done.stderr[-200:]}"
    stats = json.loads(done.stderr[done.stderr.index("{"):])
    return argument, str(stats["fuel"]), done.stdout.strip()


def differences(wanted, found, what):
    """Prints them; how many there are."""
    count = 0
    for name in sorted(wanted.keys() | found.keys()):
        if wanted.get(name) != found.get(name):
            count += 1
            print(f"{name}, {what}: {' '.join(found.get(name, ['missing']))}, in golden.txt "
                  f"{' '.join(wanted.get(name, ['missing']))}")
    return count


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--update", action="store_true")
    how.add_argument("--once", action="store_true")
    parser.add_argument("skerry")
    parser.add_argument("nans", type=pathlib.Path)
    options = parser.parse_args()

    table = read_table()
    programs = {name: row for name, row in table.items() if name.endswith(".wasm")}
    scripts = {name: row for name, row in table.items() if name not in programs}
    paths = {name: options.nans if name == options.nans.name else SHARED / name
             for name in programs}
    missing = [name for name, path in paths.items() if not path.exists()]
    has_suite = (SHARED / "spec/core").is_dir()
    runs = {"in native code": ["--native=on"]} | ({} if options.once else {"run": []})
    ways = WAYS[-1:] if options.once else WAYS
    programs_found = {
        what: {name: run_program(options.skerry, path, programs[name][0], *more)
               for name, path in paths.items() if name not in missing}
        for what, more in runs.items()}
    if options.update:
        rows = programs | programs_found["run"] | (run_suite(options.skerry) if has_suite
                                                   else scripts)
        TABLE.write_text(HEAD + "".join(f"{name} {' '.join(row)}\n"
                                        for name, row in sorted(rows.items())))
        return 0

    wanted = {name: row for name, row in programs.items() if name not in missing}
    failed = sum(differences(wanted, found, what) for what, found in programs_found.items())
    skipped = len(missing)
    for what, more in ways if has_suite else ():
        failed += differences(scripts, run_suite(options.skerry, *more), what)
    if not has_suite:
        skipped += len(ways) * len(scripts)
    if skipped:
        print(f"skip: {skipped}: no suite or programs in {SHARED} (set SKERRY_SHARED)")
    compared = len(runs) * len(wanted) + (len(ways) * len(scripts) if has_suite else 0)
    print(f"{compared - failed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
