#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The official suite's atomic instructions, on memories that are not shared.

    atomic.py SKERRY [OPTION...]

The threads proposal's script declares its memories shared, which the engine refuses. This makes a
copy of script and modules in which they are not, and runs `skerry wast` on it with the options. The
assertions that a wait returns are left out: where nothing is shared it is a trap.

The suite is data beside the repository ($SKERRY_SHARED, else ../shared); without it the test is
skipped.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
SUITE = pathlib.Path(os.environ.get("SKERRY_SHARED", ROOT.parent / "shared")) / "spec"
FOLDER = SUITE / "proposals" / "threads"
MEMORY_SECTION = 5
HAS_MAXIMUM = 1
IS_SHARED = 2


def read_u32(data, at):
    """(number, where it ends)"""
    number = shift = 0
    while True:
        byte = data[at]
        number |= (byte & 0x7f) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return number, at


def unshared(data):
    """The module with its memory declared as one that is not shared."""
    at = 8
    while at < len(data):
        kind = data[at]
        size, body = read_u32(data, at + 1)
        if kind == MEMORY_SECTION:
            count, flags = read_u32(data, body)
            assert count == 1, "one memory is all that these modules have"
            if data[flags] == HAS_MAXIMUM | IS_SHARED:
                return data[:flags] + bytes([HAS_MAXIMUM]) + data[flags + 1:]
        at = body + size
    return data


def is_wait_that_returns(command):
    return (command["type"] == "assert_return"
            and command["action"]["field"].startswith("memory.atomic.wait"))


def main():
    if not (FOLDER / "atomic.json").exists():
        print(f"skip: no official test suite at {FOLDER} (set SKERRY_SHARED to the folder above "
              "spec/)")
        sys.exit(77)
    script = json.loads((FOLDER / "atomic.json").read_text())
    commands = [c for c in script["commands"] if not is_wait_that_returns(c)]
    assert len(commands) == len(script["commands"]) - 2
    script["commands"] = commands
    with tempfile.TemporaryDirectory(prefix="skerry-atomic-") as folder:
        copy = pathlib.Path(folder)
        (copy / "atomic.json").write_text(json.dumps(script))
        for command in commands:
            if "filename" in command:
                name = command["filename"]
                (copy / name).write_bytes(unshared((FOLDER / name).read_bytes()))
        done = subprocess.run([sys.argv[1], "wast", *sys.argv[2:], folder], check=False)
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
