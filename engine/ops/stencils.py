#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the table of stencils from handlers that were compiled as such (engine/ops/stencil.h).

Reads relocatable x86-64 ELF objects, of which each handler is a section, and no instruction: what
is to be filled in is what the compiler left relocations for. A handler with any relocation that
is not listed here (a call, above all) becomes no stencil, and its cells stay threaded.

  holes  relocations against stencil_*: addend = offset in the cell << 16, plus the compiler's own
  exits  relocations of jumps, and one of a call, against native_*; a jump to native_next at the
         very end is cut off
  pool   constants that instructions name relative to themselves; they go along as one block

Each handler has up to two stencils: `narrow`, where constants of 64 bits are to fit 32, and `wide`,
if the wide objects have a handler of that name.

usage: stencils.py OUTPUT NARROW_OBJECT... WIDE_OBJECT...   (as many of either, in one order)
"""
import hashlib
import re
import struct
import sys

HOLES = ["slot", "half", "word", "signed", "eights", "quad", "here", "table", "back"]
EXITS = ["next", "target", "target_wait", "next_wait", "defer", "suspend", "callee", "func",
         "func_wait", "return_cell"]
# Types of relocation: what a hole takes.
WIDTHS = {1: "64", 10: "32", 11: "32S", 12: "16", 14: "8"}
PC_RELATIVE = (2, 4)  # PC32, PLT32
JUMP_BYTES = 5
FIELD_SHIFT = 16
POOL_ALIGN = 16
NONE = 0xFFFF


class Unfit(Exception):
    """This handler is no stencil."""


class Object:
    """Sections, symbols and relocations of one ELF file."""

    def __init__(self, path):
        self.data = open(path, "rb").read()
        kind = struct.unpack_from("<HH", self.data, 16)
        if self.data[:6] != b"\x7fELF\x02\x01" or kind != (1, 62):
            sys.exit(f"{path}: not a relocatable x86-64 ELF file; build with -Dnative=disabled")
        start = struct.unpack_from("<Q", self.data, 40)[0]
        count, names = struct.unpack_from("<HH", self.data, 60)
        rows = [struct.unpack_from("<IIQQQQIIQQ", self.data, start + 64 * i) for i in range(count)]
        self.rows = rows
        text = self.bytes_of(names)
        self.names = [text[row[0]:text.index(b"\0", row[0])].decode() for row in rows]
        symbols = next(i for i, row in enumerate(rows) if row[1] == 2)
        text = self.bytes_of(rows[symbols][6])
        self.symbols = []
        for at in range(rows[symbols][4], rows[symbols][4] + rows[symbols][5], 24):
            name, _, _, section, value, size = struct.unpack_from("<IBBHQQ", self.data, at)
            label = text[name:text.index(b"\0", name)].decode()
            self.symbols.append((label, section, value, size))
        self.relocations = {row[7]: self.read_relocations(row) for row in rows if row[1] == 4}

    def bytes_of(self, section):
        row = self.rows[section]
        return b"" if row[1] == 8 else self.data[row[4]:row[4] + row[5]]

    def read_relocations(self, row):
        found = []
        for at in range(row[4], row[4] + row[5], 24):
            place, info, addend = struct.unpack_from("<QQq", self.data, at)
            found.append((place, info & 0xFFFFFFFF, self.symbols[info >> 32], addend))
        return found


class Table:
    """Stencils without repetition, their holes and bytes, and the pool."""

    def __init__(self):
        self.stencils = {}
        self.pool = b""
        self.pools = {}  # (object, section): where it is in the pool

    def pool_place(self, obj, section, addend):
        key = (id(obj), section)
        if not obj.names[section].startswith(".rodata") or obj.relocations.get(section):
            raise Unfit("data")
        if key not in self.pools:
            self.pool += bytes(-len(self.pool) % POOL_ALIGN)
            self.pools[key] = len(self.pool)
            self.pool += obj.bytes_of(section)
        return self.pools[key] + addend

    def hole(self, obj, code, place, kind, symbol, addend):
        """One row, (place, kind, width, field, extra)."""
        name = symbol[0]
        if name.startswith("stencil_") and kind in WIDTHS:
            if name[8:] not in HOLES:
                raise Unfit(name)
            field = (addend + (1 << FIELD_SHIFT - 1)) >> FIELD_SHIFT
            extra = addend - (field << FIELD_SHIFT)
            return place, HOLES.index(name[8:]), WIDTHS[kind], field, extra
        if name.startswith("native_") and kind in PC_RELATIVE and addend == -4:
            is_jump = code[place - 1] == 0xE9 or (
                code[place - 2] == 0x0F and code[place - 1] & 0xF0 == 0x80)
            is_call = name == "native_callee" and code[place - 1] == 0xE8
            if name[7:] not in EXITS or not (is_jump or is_call):
                raise Unfit(name)
            return place, len(HOLES) + EXITS.index(name[7:]), "PC", 0, 0
        if kind in PC_RELATIVE and symbol[1] not in (0, 0xFFF2):
            at = self.pool_place(obj, symbol[1], symbol[2] + addend)
            return place, len(HOLES) + len(EXITS), "PC", 0, at
        raise Unfit(name or "section")

    def add(self, obj, section):
        """Number of the stencil that the section's handler is."""
        code = obj.bytes_of(section)
        relocations = sorted(obj.relocations.get(section, []))
        holes = [self.hole(obj, code, *relocation) for relocation in relocations]
        last = holes[-1] if holes else None
        is_tail = last and last[0] == len(code) - 4 and code[-JUMP_BYTES] == 0xE9
        if is_tail and last[1] == len(HOLES):
            code = code[:-JUMP_BYTES]
            holes.pop()
        if len(code) > 0xFFFF or len(holes) > 0xFF:
            raise Unfit("size")
        return self.stencils.setdefault((code, tuple(holes)), len(self.stencils))


def families(obj):
    """Of each ops_NAME array: NAME, and (name, section) of its handlers in order."""
    for label, section, value, size in obj.symbols:
        if not re.fullmatch(r"ops_\w+", label) or size == 0 or size % 8 != 0:
            continue
        rows = obj.relocations.get(section, ())
        by_place = {place: (symbol, addend) for place, kind, symbol, addend in rows if kind == 1}
        members = []
        for place in range(value, value + size, 8):
            symbol, addend = by_place.get(place, ((None, 0, 0, 0), 0))
            section_of = symbol[1] if symbol[2] + addend == 0 else 0
            known = 0 < section_of < len(obj.names)
            members.append((obj.names[section_of] if known else label, section_of))
        yield label[4:], members


def collect(table, paths, reasons):
    """NAME: its handlers' names and the numbers of their stencils."""
    found = {}
    for path in paths:
        obj = Object(path)
        for name, members in families(obj):
            rows = found.setdefault(name, [])
            for handler, section in members:
                number = NONE
                try:
                    if section in (0, 0xFFF1, 0xFFF2):
                        raise Unfit("alias")
                    number = table.add(obj, section)
                except Unfit as reason:
                    reasons.setdefault(str(reason), set()).add(name)
                rows.append((handler, number))
    return found


def rows_of(numbers, width):
    lines = [", ".join(map(str, numbers[i:i + width])) for i in range(0, len(numbers), width)]
    return "".join(f"    {line},\n" for line in lines)


def write(path, table, narrow, wide):
    out = ["/* SPDX-License-Identifier: Apache-2.0 */\n"
           "/* Made by engine/ops/stencils.py from handlers compiled as stencils. */\n"
           '#include "engine/ops/stencils.h"\n\n'
           '#include "engine/ops/ops.h"\n\n']
    code, holes, stencils = b"", [], []
    for (piece, piece_holes) in table.stencils:
        stencils.append(f"{{{len(code)}, {len(holes)}, {len(piece)}, {len(piece_holes)}}}")
        code += piece
        holes += [f"{{{place}, {kind}, STENCIL_WIDTH_{width}, {field}, {extra}}}"
                  for place, kind, width, field, extra in piece_holes]
    code += bytes(64)  # whoever copies one may read a little further
    first, narrows, wides = [], [], []
    for name, members in narrow.items():
        first.append(f"[OP_{name}] = {len(narrows) + 1}")
        for handler, number in members:
            narrows.append(number)
            wides.append(wide.get(handler, number))
    out.append(f"const uint8_t stencils_bytes[] = {{\n{rows_of(list(code), 24)}}};\n")
    out.append(f"const struct stencil_hole stencils_holes[] = {{\n{rows_of(holes, 4)}}};\n")
    out.append(f"const struct stencil stencils_rows[] = {{\n{rows_of(stencils, 4)}}};\n")
    out.append(f"const uint16_t stencils_narrow[] = {{\n{rows_of(narrows, 16)}}};\n")
    out.append(f"const uint16_t stencils_wide[] = {{\n{rows_of(wides, 16)}}};\n")
    out.append(f"const uint16_t stencils_first[OP_COUNT] = {{\n{rows_of(first, 3)}}};\n")
    out.append(f"const uint8_t stencils_pool[] = {{\n{rows_of(list(table.pool) or [0], 24)}}};\n")
    out.append(f"const uint32_t stencils_count = {len(stencils)};\n")
    out.append(f"const size_t stencils_pool_bytes = {len(table.pool)};\n")
    digest = hashlib.sha256("".join(out).encode()).digest()[:16]
    out.append(f"const uint8_t stencils_digest[] = {{\n{rows_of(list(digest), 16)}}};\n")
    open(path, "w", encoding="ascii").write("".join(out))


def main():
    output, *paths = sys.argv[1:]
    split = len(paths) // 2
    table, reasons = Table(), {}
    narrow = collect(table, paths[:split], reasons)
    wide = dict(sum(collect(table, paths[split:], reasons).values(), []))
    if not narrow or not wide:
        sys.exit("stencils.py: the objects hold no handlers")
    write(output, table, narrow, wide)
    total = sum(map(len, narrow.values()))
    unfit = sum(number == NONE for members in narrow.values() for _, number in members)
    out = [f"{total} handlers, {unfit} without a stencil; {len(table.stencils)} stencils"]
    out += [f"{reason}: {' '.join(sorted(names))}" for reason, names in sorted(reasons.items())]
    print("\n    ".join(out))


main()
