#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the files of `skerry new` as a table in C.

    embed.py OUT LANGUAGE/PATH=SOURCE...

Each source becomes the file PATH of a project in LANGUAGE; `*` stands for every language that has
none of its own there. What is made of a template is the
user's: its line with our licence is left away. Files of the SDKs, which come from hostapi/guest/,
keep theirs.
"""
import os
import pathlib
import re
import sys

ROW_BYTES = 24
LANGUAGES = re.compile(r'^LANGUAGE\("(\w+)"', re.M)
HERE = pathlib.Path(__file__).resolve().parent


def content(source):
    text = source.read_text(encoding="utf-8")
    if "guest" not in source.parts:
        text = "".join(line for line in text.splitlines(keepends=True)
                       if "SPDX-License-Identifier" not in line).lstrip("\n")
    return text.encode()


def main():
    out, *pairs = sys.argv[1:]
    languages = LANGUAGES.findall((HERE / "languages.def").read_text(encoding="utf-8"))
    arrays, rows = "", ""
    own = {pair.split("=", 1)[0] for pair in pairs}
    for index, pair in enumerate(sorted(pairs)):
        place, source = pair.split("=", 1)
        language, path = place.split("/", 1)
        source = pathlib.Path(source)
        data = content(source)
        arrays += f"static const uint8_t file_{index}[] = {{\n"
        for at in range(0, len(data), ROW_BYTES):
            arrays += "".join(f"{byte}," for byte in data[at:at + ROW_BYTES]) + "\n"
        arrays += "};\n"
        executable = "true" if os.access(source, os.X_OK) else "false"
        others = [name for name in languages if f"{name}/{path}" not in own]
        for name in others if language == "*" else [language]:
            rows += (f'    {{.language = "{name}", .path = "{path}", .executable = {executable}, '
                     f".count = {len(data)}, .data = file_{index}}},\n")
    pathlib.Path(out).write_text(
        '/* Made by embed.py. */\n#include "deploy/project/template.h"\n\n' + arrays +
        f"\nconst struct project_file project_files[] = {{\n{rows}}};\n"
        "const size_t project_file_count = COUNT_OF(project_files);\n", encoding="utf-8")


main()
