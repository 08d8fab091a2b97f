#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The official programs of WASI preview 1, through `skerry run`.

    wasi.py SKERRY [NAME...]

Each program has beside it, or has not, a JSON file that says its arguments, environment, folder,
exit status and output. The folder is copied for each, because they write to it.

The suite is data beside the repository ($SKERRY_SHARED, else ../shared); without it the test is
skipped.
"""
import concurrent.futures
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
SUITE = (pathlib.Path(os.environ.get("SKERRY_SHARED", ROOT.parent / "shared"))
         / "wasi-testsuite")
WANTED = 72
SKIPPED = 77
# The suite's own rule for what earlier runs left behind.
LITTER = "*.cleanup"


def order(program):
    """What the JSON file beside a program says, or nothing."""
    path = program.with_suffix(".json")
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def command(skerry, program, said, root):
    words = [skerry, "run", str(program)]
    for name, value in said.get("env", {}).items():
        words += ["--env", f"{name}={value}"]
    if root is not None:
        words += ["--dir", f"{root}::/"]
    return words + ["--", *said.get("args", [])]


def run(skerry, program):
    """What is wrong with how it went; empty if nothing is."""
    said = order(program)
    with tempfile.TemporaryDirectory(prefix="skerry-wasi-") as scratch:
        root = None
        if "root" in said:
            root = pathlib.Path(scratch) / "root"
            shutil.copytree(program.parent / said["root"], root,
                            ignore=shutil.ignore_patterns(LITTER))
        done = subprocess.run(command(skerry, program, said, root), capture_output=True,
                              stdin=subprocess.DEVNULL, check=False)
    wrong = []
    if done.returncode != said.get("exit_code", 0):
        wrong.append(f"exit status {done.returncode}")
    if "stdout" in said and done.stdout.decode() != said["stdout"]:
        wrong.append(f"printed {done.stdout!r}")
    if wrong:
        wrong.append(done.stderr.decode(errors="replace").strip()[:2000])
    return "; ".join(wrong)


def main():
    skerry = sys.argv[1]
    if not SUITE.is_dir():
        print(f"skip: no WASI test suite at {SUITE} (set SKERRY_SHARED to the folder above it)")
        sys.exit(SKIPPED)
    programs = sorted(SUITE.glob("*/*.wasm"))
    if sys.argv[2:]:
        programs = [one for one in programs if one.stem in sys.argv[2:]]
    elif len(programs) != WANTED:
        sys.exit(f"{SUITE} has {len(programs)} programs, {WANTED} are the suite")
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(lambda one: run(skerry, one), programs))
    for program, wrong in zip(programs, results):
        if wrong:
            print(f"{program.parent.name}/{program.stem}: {wrong}")
    failed = sum(1 for wrong in results if wrong)
    print(f"{len(results) - failed} passed, {failed} failed, 0 skipped")
    sys.exit(1 if failed else 0)


main()
