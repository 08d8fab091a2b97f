#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fails on a file of more than 1000 lines, a C function of more than 70, or of more than 6
parameters.

clang-format puts the braces of a function, and of nothing else, alone in the first column, so a
function is what stands between them. Exceptions are named here, each with its reason; one that is
no longer needed is a problem too.
"""
import sources

FILE_LINES = 1000
FUNCTION_LINES = 70
PARAMETERS = 6
SUFFIXES = (".c", ".h", ".def", ".inc", ".py", ".sh", ".ts", ".rs", ".wat", ".build")

# path, or path:function -> why
ALLOWED = {
    "server/front/h2o_guard.c:phr_parse_request": "libh2o says how it is called",
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


def main():
    problems, used = [], set()
    paths = sources.files(*SUFFIXES)
    for path in paths:
        lines = sources.read(path).splitlines()
        if len(lines) > FILE_LINES:
            if str(path) in ALLOWED:
                used.add(str(path))
            else:
                problems.append(f"{path}: {len(lines)} lines, more than {FILE_LINES}")
        if path.suffix not in (".c", ".h", ".inc"):
            continue
        for number, count in functions(lines):
            key = f"{path}:{name_of(lines, number)}"
            wrong = []
            if count > FUNCTION_LINES:
                wrong.append(f"{count} lines, more than {FUNCTION_LINES}")
            if (parameters := parameters_of(lines, number)) > PARAMETERS:
                wrong.append(f"{parameters} parameters, more than {PARAMETERS}")
            if wrong and key in ALLOWED:
                used.add(key)
            else:
                problems += [f"{key} (line {number}): {why}" for why in wrong]
    problems += [f"sizes.py: exception for {k} is not needed" for k in ALLOWED if k not in used]
    sources.finish("sizes", problems, len(paths))


if __name__ == "__main__":
    main()
