#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs families of end-to-end tests against a skerry binary.

    run.py --skerry build/skerry [FAMILY...] [-k WORD]

A family is a file NN_name.py beside this one, or attacks/name.py. Ends with
"N passed, N failed, N skipped".
"""
import argparse
import importlib.util
import os
import pathlib
import sys
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent


class Result(unittest.TextTestResult):
    def startTest(self, test):
        super().startTest(test)
        self.began = time.monotonic()

    def addSuccess(self, test):
        super().addSuccess(test)
        print(f"ok   {test.id()} {time.monotonic() - self.began:.2f} s", flush=True)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        print(f"skip: {test.id()}: {reason}", flush=True)


def load(family):
    path = HERE / f"{family}.py"
    spec = importlib.util.spec_from_file_location(f"e2e_{family.replace('/', '_')}", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def main():
    families = sorted(p.stem for p in HERE.glob("[0-9][0-9]_*.py"))
    families += sorted(f"attacks/{p.stem}" for p in HERE.glob("attacks/*.py"))
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--skerry", help="the binary; default: build/skerry")
    arguments.add_argument("-k", metavar="WORD", action="append", help="tests with WORD only")
    arguments.add_argument("family", nargs="*", default=families)
    chosen = arguments.parse_args()
    if chosen.skerry:
        os.environ["SKERRY"] = os.path.abspath(chosen.skerry)
    sys.path.insert(0, str(HERE))

    loader = unittest.TestLoader()
    if chosen.k:
        loader.testNamePatterns = [f"*{word}*" for word in chosen.k]
    suite = unittest.TestSuite(loader.loadTestsFromModule(load(f)) for f in chosen.family)
    runner = unittest.TextTestRunner(stream=sys.stdout, resultclass=Result, verbosity=0)
    result = runner.run(suite)

    broken = {getattr(t, "test_case", t).id() for t, _ in result.failures + result.errors}
    broken |= {t.id() for t in result.unexpectedSuccesses}
    skipped = {getattr(t, "test_case", t).id() for t, _ in result.skipped} - broken
    started = result.testsRun
    outside = sum(1 for name in broken | skipped if "setUp" in name or "tearDown" in name)
    passed = max(0, started + outside - len(broken) - len(skipped))
    print(f"{passed} passed, {len(broken)} failed, {len(skipped)} skipped")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
