#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fails on what has grown too large to be read:

  - a file of more than 600 lines, a test's of more than 1000
  - a C function of more than 70 lines, 6 parameters or 4 levels of nesting
  - a macro of more than 40 lines
  - a folder with more than 40 .c and .h files, 25 in engine's

clang-format puts the braces of a function, and of nothing else, alone in the first column, so a
function is what stands between them; and it indents each level by four columns, so a keyword of
control says by where it stands which level it opens. Exceptions are named here, each with its
reason; one that is no longer needed is a problem too.
"""
import collections
import re

import sources

FILE_LINES = 600
TEST_LINES = 1000
FUNCTION_LINES = 70
PARAMETERS = 6
LEVELS = 4
INDENT = 4
MACRO_LINES = 40
FOLDER_FILES = 40
FOLDER_FILES_ENGINE = 25
SUFFIXES = (".c", ".h", ".def", ".inc", ".py", ".sh", ".ts", ".rs", ".wat", ".build")

OPENS_LEVEL = re.compile(r"( *)(?:\} else|if|for|while|switch|do|else|[A-Z_]+_FOREACH)\b")
DEFINE = re.compile(r"#\s*define\s+(\w+)")

# path, path:function, path:macro, or folder -> why
ALLOWED = {
    "server/front/h2o_guard.c:phr_parse_request": "libh2o says how it is called",
    "server/front/h2o_guard_fields.c:h2o_hpack_parse_headers": "libh2o says how it is called",
}


def functions(lines):
    """Yields (name line, body lines) for each function."""
    start = None
    for number, line in enumerate(lines, 1):
        if line == "{":
            start = number
        elif line == "}" and start is not None:
            yield start - 1, number - start - 1
            start = None


def name_of(lines, number):
    """Name of the function whose header ends at the 1-based line `number`."""
    for line in reversed(lines[:number]):
        if line and not line[0].isspace() and "(" in line:
            head = line.split("(", 1)[0]
            return head.replace("*", " ").split()[-1]
    return "?"


def parameters_of(lines, number):
    """How many parameters the function has whose header ends at the 1-based line `number`."""
    first = number
    while first > 1 and (not lines[first - 1] or lines[first - 1][0].isspace()):
        first -= 1
    header = " ".join(lines[first - 1:number])
    depth, count, text = 0, 0, ""
    for char in header:
        depth -= char == ")"
        count += char == "," and depth == 1
        if depth == 1:
            text += char
        if char == "(" and depth == 0:    # an attribute's parentheses come before the list
            count, text = 1, ""
        depth += char == "("
    return 0 if text.strip() in ("", "void") else count


def levels_of(lines):
    """How deep the keywords of control stand in these lines of a function's body."""
    matches = [OPENS_LEVEL.match(line) for line in lines]
    return max((len(m.group(1)) // INDENT for m in matches if m), default=0)


def macros(lines):
    """Yields (line, name, lines) for each macro."""
    start = None
    for number, line in enumerate(lines, 1):
        if start is None and (match := DEFINE.match(line.lstrip())):
            start, name = number, match.group(1)
        if start is not None and not line.endswith("\\"):
            yield start, name, number - start + 1
            start = None


def check_file(path, lines):
    """Yields (key, what is wrong)."""
    most = TEST_LINES if path.parts[0] == "tests" else FILE_LINES
    if len(lines) > most:
        yield str(path), f"{len(lines)} lines, more than {most}"
    if path.suffix not in (".c", ".h", ".inc", ".def"):
        return
    for number, name, count in macros(lines):
        if count > MACRO_LINES:
            yield f"{path}:{name}", f"(line {number}) {count} lines, more than {MACRO_LINES}"
    for number, count in functions(lines):
        key = f"{path}:{name_of(lines, number)}"
        where = f"(line {number})"
        if count > FUNCTION_LINES:
            yield key, f"{where} {count} lines, more than {FUNCTION_LINES}"
        if (parameters := parameters_of(lines, number)) > PARAMETERS:
            yield key, f"{where} {parameters} parameters, more than {PARAMETERS}"
        if (levels := levels_of(lines[number + 1:number + 1 + count])) > LEVELS:
            yield key, f"{where} {levels} levels, more than {LEVELS}"


def check_folders(paths):
    """Yields (folder, what is wrong)."""
    folders = collections.Counter(str(p.parent) for p in paths if p.suffix in (".c", ".h"))
    for folder, count in folders.items():
        most = FOLDER_FILES_ENGINE if folder.split("/")[0] == "engine" else FOLDER_FILES
        if count > most:
            yield folder, f"{count} .c and .h files, more than {most}"


def main():
    paths = sources.files(*SUFFIXES)
    wrong = list(check_folders(paths))
    for path in paths:
        wrong += check_file(path, sources.read(path).splitlines())
    problems = [f"{key}: {why}" for key, why in wrong if key not in ALLOWED]
    keys = {key for key, _ in wrong}
    problems += [f"sizes.py: exception for {k} is not needed" for k in ALLOWED if k not in keys]
    sources.finish("sizes", problems, len(paths))


if __name__ == "__main__":
    main()
