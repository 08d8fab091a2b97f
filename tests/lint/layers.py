#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fails on any include that the layers forbid.

The allowed edges live in one place, the ```layers block of docs/architecture.md. A line

    folder : allowed allowed <system/header.h> <glob/*>

makes `folder` a room and says what files below it may include besides their own room's files
and libc: a header, or a folder (all headers below it). A folder below a folder may have a line of
its own: then it is another room, which needs leave to include what lies in the rooms around it,
and they in it; folders without a line are part of the room they lie in. `(libc)` allows nothing
more, `(anything)` switches the check off, `(public)` stands for every header that a line of
another top-level folder names. The longest matching folder or file wins, and
`server/front/h2o_*` style globs match file paths; `+folder` takes over another line's rights, and
its files. Folders that name one another in a circle fail.

A system header is fenced when any line names it: then only the folders that name it may use it.
All other system headers are free.
"""
import fnmatch
import re
import sys

import sources

DOCUMENT = "docs/architecture.md"
GUESTS = ("hostapi/guest/", "examples/", "deploy/project/templates/")
INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]')


class Rule:
    def __init__(self, pattern):
        self.pattern = pattern
        self.own = []       # "engine/engine.h" or "engine/base"
        self.system = []    # "lmdb.h", "event2/*"
        self.anything = False
        self.public = False


def parse_rules(text):
    block = re.search(r"^```layers\n(.*?)^```", text, re.S | re.M)
    if not block:
        sys.exit(f"{DOCUMENT}: no ```layers block")
    rules = {}
    for line in block.group(1).splitlines():
        if not line.strip():
            continue
        pattern, _, right = (part.strip() for part in line.partition(":"))
        rule = Rule(pattern)
        for word in right.split():
            if word.startswith("<"):
                rule.system.append(word.strip("<>"))
            elif word.startswith("+"):
                other = rules.get(word[1:])
                if other is None:
                    sys.exit(f"{DOCUMENT}: {word} names no line above it")
                rule.own += other.own + [other.pattern]
                rule.system += other.system
                rule.public |= other.public
            elif word == "(anything)":
                rule.anything = True
            elif word == "(public)":
                rule.public = True
            elif word != "(libc)":
                rule.own.append(word)
        rules[pattern] = rule
    return rules


def rule_for(path, rules):
    best = None
    for pattern, rule in rules.items():
        inside = path == pattern or path.startswith(pattern + "/")
        if inside or ("*" in pattern and fnmatch.fnmatchcase(path, pattern)):
            if best is None or len(pattern) > len(best.pattern):
                best = rule
    return best


def room_of(path, rules):
    """The longest folder with a line that `path` lies in; without one, its top-level folder."""
    rooms = [p for p in rules if "*" not in p and path.startswith(p + "/")]
    return max(rooms, key=len, default=path.split("/", 1)[0])


def own_include_allowed(path, target, rules, rule, public):
    if room_of(target, rules) == room_of(path, rules):
        return True
    allowed = rule.own + (public if rule.public else [])
    for word in allowed:
        if target == word or target.startswith(word + "/"):
            return True
    return False


def check(path, rules, public, fenced):
    rule = rule_for(path, rules)
    if rule is None:
        return [f"{path}: no line in {DOCUMENT} covers this folder"]
    if rule.anything:
        return []
    problems = []
    for number, line in enumerate(sources.read(path).splitlines(), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        kind, target = match.groups()
        where = f"{path}:{number}"
        if kind == '"':
            if "/" not in target and not path.startswith(GUESTS):
                problems.append(f'{where}: "{target}" must name its folder')
            elif "/" in target and not own_include_allowed(path, target, rules, rule, public):
                problems.append(f'{where}: {rule.pattern} may not include "{target}"')
        elif any(fnmatch.fnmatchcase(target, f) for f in fenced):
            if not any(fnmatch.fnmatchcase(target, s) for s in rule.system):
                problems.append(f"{where}: {rule.pattern} may not include <{target}>")
    return problems


def public_headers(rules):
    """Those that lines of another top-level folder name; and what everybody may use."""
    named = {w for r in rules.values() for w in r.own
             if w.endswith(".h") and w.split("/", 1)[0] != r.pattern.split("/", 1)[0]}
    return sorted(named) + ["engine/base"]


def circles(rules):
    """One complaint for each folder that is allowed, by way of others, to include itself."""
    problems = []
    for start in rules:
        seen, ahead = set(), [start]
        while ahead:
            for word in rules[ahead.pop()].own:
                if word in rules and word not in seen:
                    seen.add(word)
                    ahead.append(word)
        if start in seen:
            problems.append(f"{DOCUMENT}: {start} lies in a circle of folders")
    return problems


def main():
    rules = parse_rules(sources.read(DOCUMENT))
    public = public_headers(rules)
    fenced = {s for r in rules.values() for s in r.system}
    paths = [str(p) for p in sources.files(".c", ".h", ".def", ".inc")]
    problems = circles(rules)
    problems += [p for path in paths for p in check(path, rules, public, fenced)]
    sources.finish("layers", problems, len(paths))


if __name__ == "__main__":
    main()
