#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes what skerry.h declares in other languages, so that no SDK can drift from it.

    declare.py [--update]

Imports and constants of skerry.h (which tests/docs/abi.py holds against the server's tables) become
rust/src/abi.rs, go/abi.go and assemblyscript/abi.ts. Without --update it fails if one of them is
not what it would write.
"""
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
MODULES = {"IMPORT": "http_handler", "NATIVE": "skerry"}
DECLARATION = re.compile(
    r'SKERRY_(IMPORT|NATIVE)\("(\w+)"\)\s+(\w+)\s+\w+\(([^)]*)\);')
ENUM = re.compile(r"^enum (\w+) \{\n(.*?)^\};", re.M | re.S)
CONSTANT = re.compile(r"SKERRY_(\w+) = (-?\d+),")
RESULT_STRUCT = "skerry_kv_result"

# C type of a value: as it is in Rust, Go, AssemblyScript
VALUES = {"uint32_t": ("u32", "uint32", "u32"), "int32_t": ("i32", "int32", "i32"),
          "int64_t": ("i64", "int64", "i64"), "uint64_t": ("u64", "uint64", "u64")}
POINTERS = {"char": "u8", "void": "u8", "uint32_t": "u32", "int64_t": "i64",
            RESULT_STRUCT: "KvResult"}
HEAD = "{} SPDX-License-Identifier: Apache-2.0\n{} Made of skerry.h by declare.py: edit that.\n"


def camel(name):
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def parameter(text):
    """(name, type in Rust, Go, AssemblyScript) of one in C."""
    words, name = re.fullmatch(r"(.*?)(\w+)", text.strip()).groups()
    if "*" in words:
        kind = "const" if "const" in words else "mut"
        pointee = re.search(r"(\w+) \*", words).group(1)
        return name, f"*{kind} {POINTERS[pointee]}", "unsafe.Pointer", "usize"
    if words.startswith("enum "):
        return (name, *VALUES["int32_t"])
    return (name, *VALUES[words.strip()])


def declarations(header):
    """Of each module: (import's name, result's types or None, parameters)."""
    found = {module: [] for module in MODULES.values()}
    for macro, name, result, params in DECLARATION.findall(header):
        rows = [] if params == "void" else [parameter(text) for text in params.split(",")]
        found[MODULES[macro]].append((name, VALUES.get(result), rows))
    return found


def constants(header):
    return [(name, CONSTANT.findall(body)) for name, body in ENUM.findall(header)]


def rust(header):
    text = HEAD.format("//", "//")
    for name, rows in constants(header):
        text += f"\n// {name}\n"
        text += "".join(f"pub const {row}: i32 = {value};\n" for row, value in rows)
    text += "\n#[repr(C)]\npub struct KvResult {\n    pub version: i64,\n    pub sum: i64,\n}\n"
    for module, rows in declarations(header).items():
        text += f'\n#[link(wasm_import_module = "{module}")]\nextern "C" {{\n'
        for name, result, params in rows:
            inside = ", ".join(f"{param[0]}: {param[1]}" for param in params)
            text += f"    pub fn {name}({inside})" + (f" -> {result[0]}" if result else "") + ";\n"
        text += "}\n"
    return text


def go(header):
    text = HEAD.format("//", "//") + '\npackage skerry\n\nimport "unsafe"\n'
    for name, rows in constants(header):
        text += f"\n// {name}\nconst (\n"
        rows = [(camel("_" + row.lower()), value) for row, value in rows]
        width = max(len(row) for row, _ in rows)
        text += "".join(f"\t{row:{width}} = {value}\n" for row, value in rows) + ")\n"
    for module, rows in declarations(header).items():
        for name, result, params in rows:
            inside = ", ".join(f"{camel(param[0])} {param[2]}" for param in params)
            text += f"\n//go:wasmimport {module} {name}\n//go:noescape\n"
            text += f"func abi{camel('_' + name)}({inside})"
            text += (f" {result[1]}" if result else "") + "\n"
    return text


def assemblyscript(header):
    text = HEAD.format("//", "//")
    for name, rows in constants(header):
        text += f"\n// {name}\n"
        text += "".join(f"export const {row}: i32 = {value};\n" for row, value in rows)
    for module, rows in declarations(header).items():
        for name, result, params in rows:
            # A parameter may be called "function" in C only.
            inside = ", ".join(f"{param[0].replace('function', 'callee')}: {param[3]}"
                               for param in params)
            text += f'\n@external("{module}", "{name}")\nexport declare function {name}({inside}):'
            text += f" {result[2] if result else 'void'};\n"
    return text


def main():
    header = (HERE / "skerry.h").read_text(encoding="utf-8")
    stale = []
    for place, write in (("rust/src/abi.rs", rust), ("go/abi.go", go),
                         ("assemblyscript/abi.ts", assemblyscript)):
        path = HERE / place
        wanted = write(header)
        if path.exists() and path.read_text(encoding="utf-8") == wanted:
            continue
        stale.append(place)
        if "--update" in sys.argv[1:]:
            path.write_text(wanted, encoding="utf-8")
    if stale and "--update" not in sys.argv[1:]:
        sys.exit(f"{', '.join(stale)}: not what skerry.h declares: run hostapi/guest/declare.py "
                 "--update")


main()
