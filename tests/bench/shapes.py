# SPDX-License-Identifier: Apache-2.0
"""Modules of hostile shapes, in any size n: what load.py and tests/unit hold to be linear.

Each maker returns a valid module in which one thing is there n times.
"""
import modules as wasm

EMPTY = bytes([0x60, 0, 0])
I32, FUNCREF = 0x7F, 0x70
LOOP, BLOCK, IF, ELSE, END, BR, BR_IF, BR_TABLE = 0x03, 0x02, 0x04, 0x05, 0x0B, 0x0C, 0x0D, 0x0E
CALL, DROP, GET, SET, TEE, CONST, ADD = 0x10, 0x1A, 0x20, 0x21, 0x22, 0x41, 0x6A
VOID = 0x40


def body(code, runs=()):
    content = wasm.vector([wasm.unsigned(count) + bytes([kind]) for count, kind in runs])
    content += code + bytes([END])
    return wasm.unsigned(len(content)) + content


def module(bodies, types=(EMPTY,), func_types=None, before=(), after=()):
    func_types = func_types or [0] * len(bodies)
    return b"\0asm\x01\0\0\0" + b"".join([
        wasm.section(1, wasm.vector(types)),
        wasm.section(3, wasm.vector([wasm.unsigned(t) for t in func_types])),
        *before, wasm.section(10, wasm.vector(bodies)), *after])


def one(code, runs=()):
    return module([body(code, runs)])


def nested_blocks(n):
    return one(bytes([BLOCK, VOID]) * n + bytes([END]) * n)


def nested_loops(n):
    return one(bytes([LOOP, VOID]) * n + bytes([END]) * n)


def nested_ifs(n):
    return one(bytes([CONST, 0, IF, VOID]) * n + bytes([ELSE, END]) * n)


def nested_branches(n):
    """Each block is left by a branch to the outermost one."""
    depths = b"".join(bytes([CONST, 0, BR_IF]) + wasm.unsigned(i) for i in range(n))
    return one(bytes([BLOCK, VOID]) * n + depths + bytes([END]) * n)


def dead_nesting(n):
    return one(bytes([0x00]) + bytes([BLOCK, VOID]) * n + bytes([END]) * n)


def table_labels(n):
    """One br_table as wide as allowed, again and again."""
    width = 1000
    table = bytes([CONST, 0, BR_TABLE]) + wasm.unsigned(width) + bytes([0]) * (width + 1)
    return one((bytes([BLOCK, VOID]) + table + bytes([END])) * n)


def tables_that_carry(n):
    """A br_table to many labels which all want a value moved."""
    table = bytes([CONST, 1, CONST, 2, CONST, 0, BR_TABLE]) + wasm.unsigned(n) + \
        b"".join(wasm.unsigned(i) for i in range(n)) + wasm.unsigned(0)
    return one(bytes([BLOCK, I32]) * n + table + bytes([END, DROP, CONST, 3]) * (n - 1) +
               bytes([END, DROP]))


def local_runs(n):
    return one(b"", [(1, I32), (1, 0x7E)] * (n // 2))


def locals_read(n):
    """Reads of one local pile up, then it is set: all are moved, once."""
    return one(bytes([GET, 0]) * n + bytes([CONST, 1, SET, 0]) + bytes([DROP]) * n, [(1, I32)])


def locals_set_under_reads(n):
    """Sets of a local while reads of another lie below."""
    return one(bytes([GET, 1]) * n + bytes([GET, 0, CONST, 1, SET, 0, DROP]) * n +
               bytes([DROP]) * n, [(2, I32)])


def functions_of_many_locals(n):
    return module([body(b"", [(500, I32)])] * n)


def straight(n):
    return one(bytes([GET, 0, CONST, 1, ADD, SET, 0]) * n, [(1, I32)])


def functions(n):
    return module([body(b"")] * n)


def calls(n):
    return module([body(bytes([CALL, 0]) * n)])


def equal_types(n):
    return module([body(b"")], types=[EMPTY] * n)


def different_types(n):
    return module([body(b"")], types=[
        bytes([0x60]) + wasm.vector([bytes([0x7C + (i >> 2 * k & 3)]) for k in range(12)]) +
        wasm.vector([]) for i in range(n)])


def type_chain(n):
    """Structures, each a subtype of the one before, in chains as long as allowed."""
    length = 60
    types = []
    for i in range(n):
        super_types = wasm.vector([wasm.unsigned(i - 1)] if i % length else [])
        types.append(bytes([0x50]) + super_types + bytes([0x5F]) + wasm.vector([]))
    return module([body(b"")], types=[EMPTY] + [t for t in shift_types(types)])


def shift_types(types):
    """The first type is the function's; supertypes move up by one."""
    for i, row in enumerate(types):
        if row[1] == 0:
            yield row
        else:
            yield bytes([0x50]) + wasm.vector([wasm.unsigned(i)]) + row[-2:]


def recursion_group(n):
    """One group of types that name each other."""
    group = bytes([0x4E]) + wasm.vector(
        [bytes([0x5F]) + wasm.vector([bytes([0x63]) + signed(1 + (i + 1) % n) + b"\0"])
         for i in range(n)])
    return module([body(b"")], types=[EMPTY, group])


def signed(n):
    return wasm.signed(n)


def data_segments(n):
    return module([body(b"")], before=[wasm.section(5, wasm.vector([b"\0\x01"]))],
                  after=[wasm.section(11, wasm.vector([b"\0" + bytes([CONST, 0, END]) + b"\x01x"]
                                                      * n))])


def elem_segments(n):
    return module([body(b"")], before=[
        wasm.section(4, wasm.vector([bytes([FUNCREF, 0, 1])])),
        wasm.section(9, wasm.vector([b"\0" + bytes([CONST, 0, END]) + b"\x01\0"] * n))])


def exports(n):
    return module([body(b"")], before=[wasm.section(7, wasm.vector(
        [wasm.text(f"e{i}") + b"\0\0" for i in range(n)]))])


def globals_of_globals(n):
    rows = [bytes([I32, 0, CONST, 0, END])]
    rows += [bytes([I32, 0, 0x23]) + wasm.unsigned(i) + bytes([END]) for i in range(n - 1)]
    return module([body(b"")], before=[wasm.section(6, wasm.vector(rows))])


SHAPES = {
    "nested blocks": (nested_blocks, 20000),
    "nested loops": (nested_loops, 20000),
    "nested ifs": (nested_ifs, 20000),
    "branches to outer blocks": (nested_branches, 20000),
    "nesting in dead code": (dead_nesting, 20000),
    "br_table of 1,000 labels": (table_labels, 250),
    "br_table that moves values": (tables_that_carry, 8000),
    "runs of locals": (local_runs, 12000),
    "reads of a local": (locals_read, 15000),
    "sets beside reads": (locals_set_under_reads, 15000),
    "functions of 500 locals": (functions_of_many_locals, 4000),
    "straight code": (straight, 100000),
    "functions": (functions, 12500),
    "calls": (calls, 100000),
    "equal types": (equal_types, 50000),
    "different types": (different_types, 50000),
    "chains of subtypes": (type_chain, 10000),
    "one recursion group": (recursion_group, 10000),
    "data segments": (data_segments, 2500),
    "element segments": (elem_segments, 2500),
    "exports": (exports, 20000),
    "globals of globals": (globals_of_globals, 50000),
}
