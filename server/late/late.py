#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes what stands in for libraries that this program loads late (server/late/late.h).

Reads the program's archives and the libraries, with nm and readelf, and no source: whatever of a
library's is called is found, and what is called nowhere has no stand-in.

  functions  a jump through a slot. Each slot leads to late_bind first, which loads the library and
             fills the slots of all that is called of it
  data       storage of our own, exported, so that the library finds it in the place of its own, as
             it does a copy that a linker makes [ELF copy relocations]; filled when it is loaded
  doors      functions of ours that a library is to call instead of its own, or of another's, are
             exported: they are those that are not hidden

usage: late.py TABLE_OUTPUT EXPORTS_OUTPUT COMPILER LIBRARY,... ARCHIVE...
"""
import os
import re
import subprocess
import sys

FUNCTIONS = "TWi"
DATA = "BDRGVS"


def output(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def symbols(path, *flags):
    """(name, letter, bytes) of each of nm's lines, without its version."""
    for line in output("nm", "-S", *flags, path).splitlines():
        words = line.split()
        if len(words) >= 2 and len(words[-2]) == 1:
            size = int(words[1], 16) if len(words) == 4 else 0
            yield words[-1].split("@")[0], words[-2], size


def thread_locals(path):
    return set(re.findall(r"\bTLS\s+GLOBAL\s+DEFAULT\s+\d+\s+([^\s@]+)",
                          output("readelf", "-W", "--dyn-syms", path)))


class Library:
    def __init__(self, compiler, name):
        path = output(compiler, f"-print-file-name=lib{name}.so").strip()
        found = re.search(r"SONAME.*\[(.+)\]", output("readelf", "-d", path))
        if not found:
            sys.exit(f"{path}: no shared library; build with -Dlate=disabled")
        self.name, self.soname = name.replace("-", "_"), found.group(1)
        rows = list(symbols(path, "-D"))
        self.mentions = {row[0] for row in rows}
        self.functions = {row[0] for row in rows if row[1] in FUNCTIONS}
        self.data = {row[0]: row[2] for row in rows if row[1] in DATA}
        self.thread_locals = thread_locals(path)

    def wanted_of(self, wanted):
        """Names of functions, and of data, sorted."""
        return sorted(self.functions & wanted), sorted(set(self.data) & wanted)


def write_storage(out, library, names):
    """Storage for a library's data, and the function that fills it."""
    for name in names:
        local = "__thread " if name in library.thread_locals else ""
        out.append(f"LATE_DOOR {local}_Alignas(64) unsigned char {name}[{library.data[name]}];")
    out.append(f"static void late_fill_{library.name}(void *library)\n{{\n    (void)library;")
    out += [f"    memcpy({name}, late_symbol(library, \"{name}\"), sizeof({name}));"
            for name in names]
    out.append("}\n")


def assembler(functions):
    section = ".pushsection .data.late, \\\"aw\\\""
    yield f"{section}; .balign 4096; .globl late_slots; .hidden late_slots; late_slots: .popsection"
    for index, name in enumerate(functions):
        yield f".text; .globl {name}; .hidden {name}; .type {name}, @function"
        yield f"{name}: jmp *late_slots+{8 * index}(%rip)"
        yield f"1: pushq ${index}; jmp late_first"
        yield f"{section}; .quad 1b; .popsection"
    yield f"{section}; .balign 4096; .globl late_slots_end; .hidden late_slots_end"
    yield "late_slots_end: .popsection"


def write_table(path, libraries, wanted):
    functions = []
    rows = []
    out = ["/* Made by server/late/late.py for server/late/late.c. */"]
    for library in libraries:
        mine, data = library.wanted_of(wanted)
        write_storage(out, library, data)
        rows.append(f"    {{\"{library.soname}\", {len(functions)}, {len(mine)}, "
                    f"late_fill_{library.name}}},")
        functions += mine
    if not functions:
        sys.exit("nothing of these libraries is called")
    out += ["static const struct late_library late_libraries[] = {", *rows, "};",
            "/* Of all functions, in the order of their slots. */",
            "static const char late_names[] =",
            *[f"    \"{name}\\0\"" for name in functions], "    ;"]
    out += ["__asm__(", *[f"    \"{line}\\n\"" for line in assembler(functions)], ");"]
    write(path, out)


def write(path, lines):
    with open(path, "w", encoding="ascii") as file:
        file.write("\n".join(lines) + "\n")


def main():
    table, exports, compiler, names = sys.argv[1:5]
    libraries = [Library(compiler, name) for name in names.split(",")]
    defined, wanted = set(), set()
    for archive in sys.argv[5:]:
        for name, letter, _ in symbols(archive, "-g"):
            (wanted if letter in "Uw" else defined).add(name)
    wanted -= defined
    write_table(table, libraries, wanted)
    doors = defined.intersection(*[set.union(*[library.mentions for library in libraries])])
    data = {name for library in libraries for name in library.wanted_of(wanted)[1]}
    write(exports, ["{", *[f"{name};" for name in sorted(doors | data)], "};"])


if __name__ == "__main__":
    main()
