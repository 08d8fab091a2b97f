#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Installs the engine into a temporary folder, builds examples/embed-engine against it, runs it.

    embed.py BUILD_FOLDER COMPILER SANITIZERS
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

EXAMPLE = pathlib.Path(__file__).resolve().parents[2] / "examples" / "embed-engine"
MODULE = """
(module
  (import "host" "print" (func $print (param i32)))
  (func $check (param i32)
    (if (i32.gt_u (local.get 0) (i32.const 1000)) (then (unreachable))))
  (func (export "sum") (param $n i32) (result i32) (local $sum i32)
    (call $check (local.get $n))
    (call $print (local.get $n))
    (loop $more
      (local.set $sum (i32.add (local.get $sum) (local.get $n)))
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (br_if $more (local.get $n)))
    (local.get $sum)))
"""


def command(*words, **options):
    return subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False, **options)


class Embed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        root = pathlib.Path(cls.folder.name)
        done = command("meson", "install", "-C", BUILD, "--no-rebuild", "--tags", "devel",
                       "--destdir", root / "installed")
        assert done.returncode == 0, done.stdout
        found = list((root / "installed").rglob("skerry-engine.pc"))
        assert len(found) == 1, f"{found}\n{done.stdout}"
        flags = "-O1 -Wall -Wextra -Werror" + (
            f" -fsanitize={SANITIZERS}" if SANITIZERS != "none" else "")
        environment = dict(os.environ, CC=COMPILER, CFLAGS=flags,
                           PKG_CONFIG_PATH=str(found[0].parent),
                           PKG_CONFIG_SYSROOT_DIR=str(root / "installed"))
        cls.program = root / "embed"
        built = command(EXAMPLE / "build.sh", cls.program, env=environment)
        assert built.returncode == 0, built.stdout
        cls.module = root / "sum.wasm"
        (root / "sum.wat").write_text(MODULE)
        made = command("wat2wasm", "--debug-names", root / "sum.wat", "-o", cls.module)
        assert made.returncode == 0, made.stdout

    def embed(self, *words):
        done = command(self.program, *words)
        return done.returncode, done.stdout

    def test_calls_an_export_that_calls_the_host(self):
        status, said = self.embed(self.module, "sum", "10")
        lines = said.splitlines()
        self.assertEqual((status, lines[:2]), (0, ["guest says 10", "sum(10) = 55"]), said)
        self.assertRegex(lines[2], r"^[1-9]\d+ units of fuel$")

    def test_shows_a_trap_with_the_names_of_its_functions(self):
        status, said = self.embed(self.module, "sum", "2000")
        self.assertEqual(status, 0)
        self.assertRegex(said, r"trap: unreachable.*\n  at function 1 \(check\), offset 0x[0-9a-f]+"
                               r"\n  at function 2 \(\w*\), offset 0x")

    def test_refuses_what_is_no_module(self):
        status, said = self.embed(EXAMPLE / "README.md", "sum", "1")
        self.assertEqual(status, 1)
        self.assertIn("magic", said)

    def test_says_which_export_is_missing(self):
        status, said = self.embed(self.module, "product", "1")
        self.assertEqual(status, 1)
        self.assertIn('no function "product"', said)


if __name__ == "__main__":
    if shutil.which("wat2wasm") is None:
        print("skip: wat2wasm is not installed")
        sys.exit(77)
    BUILD, COMPILER, SANITIZERS = sys.argv[1:4]
    unittest.main(argv=sys.argv[:1])
