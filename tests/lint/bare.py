#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`meson setup` where there is what deploy/packaging/debian.txt names, and no tool of tests.

This machine has more; so the search path is a folder of links that leaves the rest out, and unit
tests, whose library cannot be hidden like that, are off.
"""
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
# What tests/packages.txt, or somebody's Rust or Node.js, brings.
HIDDEN = {"cargo", "rustc", "rustup", "node", "nodejs", "npm", "wasm-opt", "wat2wasm", "wasm2wat",
          "wast2json", "clang-format", "gcc", "cc", "git", "openssl", "pebble", "lintian", "go"}


def link_tools(folder):
    """Links to all programs of the search path but the hidden ones; the first of a name counts."""
    for place in os.environ["PATH"].split(":"):
        if not os.path.isdir(place):
            continue
        for name in os.listdir(place):
            link = folder / name
            if name not in HIDDEN and not link.is_symlink():
                link.symlink_to(os.path.join(place, name))


def main():
    with tempfile.TemporaryDirectory() as scratch:
        tools = pathlib.Path(scratch, "tools")
        tools.mkdir()
        link_tools(tools)
        environment = dict(os.environ, PATH=str(tools), CC="clang-19")
        done = subprocess.run(
            ["meson", "setup", "-Dtests=disabled", os.path.join(scratch, "build"), str(ROOT)],
            env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            check=False)
    if done.returncode != 0:
        print("\n".join(done.stdout.splitlines()[-20:]))
        sys.exit("the README's first command does not get past `meson setup` on a bare Debian")
    if "cargo is not installed" not in done.stdout:
        sys.exit(f"a tool that tests want was not hidden:\n{done.stdout}")


if __name__ == "__main__":
    main()
