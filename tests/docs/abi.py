#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The native API's specification, its tables and the header for guests say the same.

Names, types and prices of docs/abi-skerry.md are those of hostapi/skerry/skerry.def, errors those
of errors.def; hostapi/guest/skerry.h declares the same functions, with the same types, and errors,
and those of http-wasm. What the SDKs for other languages declare is made of it.
"""
import pathlib
import re
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
# A second name of a function, without a version because it can have no other.
ALIASES = {"checkpoint": "checkpoint_v1"}
LETTERS = {"i32": "i", "i64": "I", "f32": "f", "f64": "F"}


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def rows(name, macro, pattern):
    text = read(name)
    found = re.findall(rf"^{macro}\({pattern}\)$", text, re.M)
    assert len(found) == len(re.findall(rf"^{macro}\(", text, re.M)) > 0, name
    return found


def c_letter(text):
    """The wasm32 type of a C parameter or result."""
    if text.strip() == "void":
        return ""
    return "I" if re.search(r"\bu?int64_t\b", text) and "*" not in text else "i"


class Abi(unittest.TestCase):
    def setUp(self):
        self.page = read("docs/abi-skerry.md")
        self.table = {name: (signature, int(fuel)) for name, signature, fuel in
                      rows("hostapi/skerry/skerry.def", "HOSTCALL",
                           r'(\w+), "(\w*:\w*)", \w+, (\d+), \w+')}
        self.header = read("hostapi/guest/skerry.h")

    def test_every_function_is_specified_with_its_type_and_price(self):
        said = {}
        for name, params, result, fuel in re.findall(
                r"^### `(\w+)\((.*?)\)(?: -> (\w+))?`\n\nFuel: ([\d,]+)", self.page, re.M):
            types = [param.split(": ")[1] for param in params.split(", ")] if params else []
            signature = "".join(LETTERS[type] for type in types) + ":" + LETTERS.get(result, "")
            said[name] = (signature, int(fuel.rstrip(",").replace(",", "")))
        self.assertEqual(said, self.table)

    def declared(self, macro):
        found = {}
        for name, result, params in re.findall(
                macro + r'\("(\w+)"\)\s+(\w+)\s+\w+\(([^)]*)\);', self.header):
            params = "".join(c_letter(param) for param in params.split(","))
            found[name] = f"{params}:{c_letter(result)}"
        return found

    def test_every_function_is_declared_with_its_type(self):
        self.assertEqual(self.declared("SKERRY_NATIVE"),
                         {name: row[0] for name, row in self.table.items()
                          if name not in ALIASES})
        self.assertEqual(self.declared("SKERRY_IMPORT"),
                         dict(rows("hostapi/http_wasm/http_wasm.def", "HOSTCALL",
                                   r'(\w+), "(\w*:\w*)", \w+, \d+, \w+')))

    def test_other_languages_declare_what_the_header_does(self):
        done = subprocess.run([ROOT / "hostapi" / "guest" / "declare.py"], capture_output=True,
                              text=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_errors_are_the_same_everywhere(self):
        errors = rows("hostapi/skerry/errors.def", "ERROR", r'(\w+), (-\d+), "(.*)"')
        said = re.findall(r"^\| (-\d+) \| (\w+) \| (.*) \|$", self.page, re.M)
        self.assertEqual([(number, name, text) for name, number, text in errors], said)
        block = re.search(r"enum skerry_error \{(.*?)\}", self.header, re.S).group(1)
        self.assertEqual([(name, number) for name, number, _ in errors],
                         re.findall(r"SKERRY_(\w+) = (-\d+),", block))

    def test_names_are_sorted_and_have_a_version(self):
        self.assertEqual(list(self.table), sorted(self.table))
        for name in self.table:
            if name in ALIASES:
                self.assertEqual(self.table[name], self.table[ALIASES[name]])
                continue
            self.assertRegex(name, r"_v\d+$")


if __name__ == "__main__":
    unittest.main()
