#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fails on small breaches of the house style that a machine can see.

  - line 1 (line 2 after a #! line) carries the SPDX tag
  - a .c, .h or .def file then says in a comment what it is for (3 to 40 lines)
  - no TODO without an issue, written TODO(#123), and no FIXME or XXX at all
  - no sleeping in unit tests: they use the fake clock
  - a .c file of more than 80 lines, or with an enum of states, in server/, isolate/, deploy/ or
    hostapi/ has the unit test of its own name; the few whose test would be all fakes are listed
  - #if and #ifdef only where compilers and libraries differ; include guards and .def are free
  - in hostapi/, only guest_mem.c turns a guest's number into a pointer
  - a page of docs/ cites nothing that a clone lacks: no ../shared, and links lead to files
  - the top level holds the rooms, and nothing that was left there
  - no script is called like a module of Python's library, which it would hide from its neighbours
  - no tabs, no trailing blanks; no line over 100 columns where clang-format does not decide
"""
import fnmatch
import re
import sys

import sources

TAGGED = (".c", ".h", ".def", ".inc", ".py", ".sh", ".ts", ".rs", ".wat", ".build", ".ini")
TAGGED_NAMES = ("run", "meson_options.txt", ".gitignore")
SPDX = "SPDX-License-Identifier: Apache-2.0"
TODO = re.compile(r"\bTODO\b(?!\(#\d+\))|\bFIXME\b|\bXXX\b")
SLEEP = re.compile(r"\b(sleep|usleep|nanosleep|clock_nanosleep)\s*\(")
LINK = re.compile(r"\]\(([^)#\s][^)\s]*)\)")
CONDITIONAL = re.compile(r"^\s*#\s*(if|ifdef|elif)\b")
GUEST_POINTER = re.compile(r"\bengine_memory_(read|write)\b")
GUEST_POINTER_DOOR = "hostapi/guest_mem.c"
COLUMNS = 100

TOP_LEVEL = {"server", "isolate", "engine", "hostapi", "config", "deploy", "loadtest", "tests",
             "docs", "examples", ".ci", "meson.build", "meson_options.txt", "README.md", "LICENSE",
             "NOTICE", "SECURITY.md", ".clang-format", ".editorconfig", ".git-blame-ignore-revs",
             ".gitignore"}

# Files that may hold #if, with the reason.
CONDITIONALS_ALLOWED = {
    "engine/ops/dispatch.h": "threaded code differs between clang and gcc",
    "engine/base/macros.h": "compiler attributes",
    "engine/ops/numeric_simd.h": "one instruction of x86 that GNU C cannot express",
    "server/front/h2o_*": "libh2o's headers need them",
    "tests/*": "tests may look at the build they are in",
    "hostapi/guest/*": "guests are built by any compiler",
    "hostapi/javascript/guest/quickjs_bounded.c": "QuickJS asks for what the target is",
    "examples/*": "guests are built by any compiler",
}

UNIT_TEST_LINES = 80
UNIT_TEST_STATE = re.compile(r"\benum \w+_state\b|->state\b")
UNIT_TEST_FOLDERS = ("server/", "isolate/", "deploy/", "hostapi/")
# Code for Wasm, which tests run on a server.
GUESTS = ("hostapi/guest/", "hostapi/javascript/guest/")

# Files without a unit test of their own name: what tests them, and why not a unit test.
TESTED_ELSEWHERE = {
    "deploy/cli/project/dev.c": "joins watching, builds, deploys and a server: e2e/72_projects",
    "deploy/cli/project/dev_server.c": "starts a server and reads what it says: e2e/72_projects",
    "server/egress/egress.c": "joins engine, calls and helper: e2e/27_fetch",
    "server/main.c": "joins argv to verbs: e2e/46_cli, e2e/56_tools",
    "server/serve.c": "joins configuration, files and control: e2e/46_cli, e2e/54_operations",
    "server/worker.c": "joins the loop and all that is in a worker: e2e/10_http, e2e/52_processes",
    "deploy/api/api_cron.c": "between the store and the clock: e2e/45_cron",
    "deploy/cli/diff.c": "compares what the server shows: e2e/44_traffic",
    "deploy/cli/cron.c": "a client of those calls: e2e/45_cron",
    "deploy/manifest/read_cron.c": "a part of the manifest's reader: e2e/45_cron",
    "deploy/store/store_cron.c": "tests/unit/deploy/cron_test.c has a real store",
    "deploy/api/api_health.c": "between an upload and a worker's answer: e2e/44_traffic",
    "deploy/control_upload.c": "between API, builders and workers: e2e/40_deploy, 44_traffic",
    "deploy/cli/lifecycle.c": "a client of a server that changes: e2e/53_lifecycle, 53_upgrade",
    "deploy/prepare.c": "builds beside a server that runs: e2e/53_upgrade",
    "server/prepare.c": "the verb around that: e2e/53_upgrade",
    "server/control/life/adoption.c": "workers of another program: e2e/53_upgrade",
    "server/control/life/upgrade.c": "joins prepare, deploy, handover and workers: e2e/53_upgrade",
    "server/control/life/desk.c": "hands questions on, to parts that have their tests",
    "server/control/life/worker_birth.c": "tests/unit/server/control/workers_test.c starts them",
    "server/control/supervisor.c": "joins the parts of control, each of which has its test, by "
                                   "signals and processes: e2e/52_processes, e2e/54_operations",
    "server/front/h2o_exchange.c": "libh2o's requests: e2e/10_http, e2e/15_front",
    "server/front/h2o_listen.c": "libh2o's sockets and loop: e2e/15_front, e2e/52_processes",
    "server/front/h2o_proxy.c": "between libh2o and a socket: e2e/16_tls",
    "server/front/h2o_tls.c": "between libh2o and libssl: e2e/16_tls",
    "server/front/h2o_guard.c": "libh2o calls it: e2e/55_attacks, h2o_guard_check_test.c",
    "server/front/h2o_guard_fields.c": "libh2o's decoder in between: e2e/15_front, e2e/55_attacks",
}

# Scripts that may be called like a module of Python's library, with the reason.
HIDES_NOTHING = {
    "hostapi/javascript/encodings.py": "Python has loaded its own before any script runs",
    "tests/bench/http.py": "no benchmark speaks HTTP by Python's own",
}


def comment_lines(lines):
    """Length of the block comment that starts on line 2, 0 if there is none."""
    if len(lines) < 2 or not lines[1].startswith("/*"):
        return 0
    for count, line in enumerate(lines[1:], 1):
        if "*/" in line:
            return count
    return 0


def check_head(path, lines):
    first = 1 if lines and lines[0].startswith("#!") else 0
    if len(lines) <= first or SPDX not in lines[first]:
        yield f"{path}:{first + 1}: no SPDX tag"
    elif path.suffix in (".c", ".h", ".def"):
        count = comment_lines(lines)
        if not 3 <= count <= 40:
            yield f"{path}:2: wants a comment of 3 to 40 lines on what the file is for, has {count}"


def check_lines(path, lines):
    name = str(path)
    is_c = path.suffix in (".c", ".h", ".def", ".inc")
    conditionals = any(fnmatch.fnmatchcase(name, p) for p in CONDITIONALS_ALLOWED)
    for number, line in enumerate(lines, 1):
        where = f"{name}:{number}"
        if TODO.search(line) and name != "tests/lint/house.py":
            yield f"{where}: TODO needs an issue: TODO(#123)"
        if line != line.rstrip():
            yield f"{where}: blanks at the end"
        if "\t" in line and not name.endswith(".wat"):
            yield f"{where}: tab"
        if is_c and name.startswith("tests/unit/") and SLEEP.search(line):
            yield f"{where}: a unit test sleeps; use the fake clock"
        inside = name.startswith("hostapi/") and name != GUEST_POINTER_DOOR
        if inside and GUEST_POINTER.search(line):
            yield f"{where}: a guest's pointer: {GUEST_POINTER_DOOR} is the only door"
        if path.suffix in (".c", ".h") and not conditionals and CONDITIONAL.match(line):
            yield f"{where}: #if is for dispatch.h, macros.h and h2o_*.c"
        if len(line) > COLUMNS and path.suffix in (".py", ".sh"):
            yield f"{where}: {len(line)} columns, more than {COLUMNS}"


def check_unit_tests(sources_by_name):
    """Of all .c files, {name: lines}: which should have a unit test and have none."""
    for name, lines in sorted(sources_by_name.items()):
        is_large = len(lines) > UNIT_TEST_LINES or any(map(UNIT_TEST_STATE.search, lines))
        wanted = name.startswith(UNIT_TEST_FOLDERS) and not name.startswith(GUESTS) and is_large
        test = f"tests/unit/{name[:-2]}_test.c"
        if wanted and test not in sources_by_name and name not in TESTED_ELSEWHERE:
            yield f"{name}: {len(lines)} lines or a state, and no {test}"
        if name in TESTED_ELSEWHERE and (test in sources_by_name or not wanted):
            yield f"tests/lint/house.py: {name} needs no exception any more"
    for name in sorted(set(TESTED_ELSEWHERE) - set(sources_by_name)):
        yield f"tests/lint/house.py: an exception for {name}, which is not there"


def check_page(path, text):
    """Of a page of docs/ and the README: what it points to is here."""
    for number, line in enumerate(text.splitlines(), 1):
        if "../shared" in line and str(path).startswith("docs/"):
            yield f"{path}:{number}: ../shared is not part of the project"
        for target in LINK.findall(line):
            place = (sources.ROOT / path.parent / target.split("#")[0]).resolve()
            if "://" not in target and not place.exists():
                yield f"{path}:{number}: links to {target}, which is not there"


def check_script(path):
    """A script's folder is where Python looks for modules first."""
    hides = path.stem in sys.stdlib_module_names and str(path) not in HIDES_NOTHING
    if path.suffix == ".py" and hides:
        yield f"{path}: hides Python's own module {path.stem} from the scripts beside it"


def check_top_level(paths):
    for name in sorted({path.parts[0] for path in paths} - TOP_LEVEL):
        yield f"{name}: does not belong at the top level"


def main():
    every = sources.all_files()
    problems = list(check_top_level(every))
    paths = [p for p in every if p.suffix in TAGGED or p.name in TAGGED_NAMES]
    sources_by_name = {}
    for path in paths:
        lines = sources.read(path).splitlines()
        if path.suffix == ".c":
            sources_by_name[str(path)] = lines
        if path.name != ".gitignore":
            problems += check_head(path, lines)
        problems += check_lines(path, lines)
        problems += check_script(path)
    problems += check_unit_tests(sources_by_name)
    for path in sources.files(".md"):
        problems += check_page(path, sources.read(path))
    sources.finish("house", problems, len(paths))


if __name__ == "__main__":
    main()
