#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fails where files of several folders need one another in a circle: circles.py BUILD_FOLDER.

layers.py looks at includes; this looks at what was compiled: a file needs another if it names what
that one defines. Files of one folder may need one another; the drawing of folders must have arrows
in one direction only.
"""
import json
import os
import pathlib
import subprocess
import sys

import sources

LEFT_OUT = ("tests/", "examples/")
DEFINED = frozenset("TDBRVWC")


def symbols(output):
    """(defined, wanted) of nm's output."""
    defined, wanted = set(), set()
    for line in output.splitlines():
        *_, kind, name = line.split()
        if kind in DEFINED:
            defined.add(name)
        elif kind == "U":
            wanted.add(name)
    return defined, wanted


def arrows(files):
    """{path: {path}} of {path: (defined, wanted)}."""
    home = {name: path for path, (defined, _) in files.items() for name in defined}
    return {path: {home[name] for name in wanted if name in home} - {path}
            for path, (_, wanted) in files.items()}


def circles(graph):
    """The sets of nodes that reach one another [Tarjan 1972], without recursion."""
    index, low, stack, on_stack, found = {}, {}, [], set(), []
    for root in sorted(graph):
        work = [] if root in index else [(root, iter(sorted(graph[root])))]
        if work:
            index[root] = low[root] = len(index)
            stack.append(root)
            on_stack.add(root)
        while work:
            node, rest = work[-1]
            for following in rest:
                if following not in index:
                    index[following] = low[following] = len(index)
                    stack.append(following)
                    on_stack.add(following)
                    work.append((following, iter(sorted(graph[following]))))
                    break
                if following in on_stack:
                    low[node] = min(low[node], index[following])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    at = stack.index(node)
                    found.append(set(stack[at:]))
                    on_stack -= found[-1]
                    del stack[at:]
    return [circle for circle in found if len(circle) > 1]


def check(files):
    """The arrows between folders of each circle that has several."""
    graph = arrows(files)
    problems = []
    for circle in circles(graph):
        if len({os.path.dirname(path) for path in circle}) == 1:
            continue
        for path in sorted(circle):
            for other in sorted(graph[path] & circle):
                if os.path.dirname(path) != os.path.dirname(other):
                    names = sorted(files[path][1] & files[other][0])
                    problems.append(f"{path} needs {other} ({', '.join(names[:3])}), and that one, "
                                    f"by {len(circle) - 2} others at most, needs it")
    return problems


def compiled(build):
    """{path: (defined, wanted)} of the objects that are there."""
    objects = {}
    for command in json.loads((build / "compile_commands.json").read_text()):
        source = pathlib.Path(command["directory"], command["file"]).resolve()
        output = build / command["output"]
        if not source.is_relative_to(sources.ROOT) or "/libstencils" in str(output):
            continue
        path = source.relative_to(sources.ROOT).as_posix()
        if not path.startswith(LEFT_OUT) and output.exists():
            objects[path] = output
    listing = subprocess.run(["nm", *objects.values()], capture_output=True, text=True,
                             check=True).stdout
    parts = dict(part.split(":\n", 1) for part in listing.split("\n\n") if ":\n" in part)
    found = {pathlib.Path(name.strip()): text for name, text in parts.items()}
    return {path: symbols(found[output]) for path, output in objects.items()}


def main():
    files = compiled(pathlib.Path(sys.argv[1]).resolve())
    sources.finish("circles", check(files), len(files))


if __name__ == "__main__":
    main()
