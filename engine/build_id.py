#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes build_id.h: 16 bytes that change whenever images of another build must not run.

An image holds offsets to handlers and relies on the layout of the engine's structs, so
the id covers every source of the engine and all that decides how they are compiled. What the
link decides is added where it can be seen: in the program (ops/build_id.c).

usage: build_id.py ENGINE_DIR OUTPUT DEPFILE WORD...
"""
import hashlib
import pathlib
import sys


def main():
    folder, output, depfile, *words = sys.argv[1:]
    sources = sorted(path for path in pathlib.Path(folder).rglob("*")
                     if path.suffix in (".c", ".h", ".def", ".inc", ".build", ".py"))
    digest = hashlib.sha256("\0".join(words).encode())
    for path in sources:
        content = path.read_bytes()
        digest.update(f"{path.relative_to(folder)}\0{len(content)}\0".encode() + content)
    numbers = ", ".join(f"0x{byte:02x}" for byte in digest.digest()[:16])
    pathlib.Path(output).write_text(
        "/* SPDX-License-Identifier: Apache-2.0 */\n"
        "/* Made by engine/build_id.py from the engine's sources and the compiler's options. */\n"
        f"#define BUILD_ID {numbers}\n")
    names = " ".join(str(path).replace(" ", "\\ ") for path in sources)
    pathlib.Path(depfile).write_text(f"{output}: {names}\n")


main()
