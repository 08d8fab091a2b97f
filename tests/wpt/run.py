#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The Web Platform Tests that a server can run, as functions of Skerry.

  python3 tests/wpt/run.py --build build --wpt FOLDER [--only WORD] [--verbose]

FOLDER is a copy of the tests (nothing of them is in this repository); `files.txt` says which
files are run, `failing.txt` which of their subtests fail, and why. What asks a server is run if
Python has `wptserve`, the tests' own server (PyPI), and is left out otherwise, and said to be.

Each file becomes a script: before.js, the harness, what the file names in `META: script`, the
file itself, after.js, all within the handler, since a script's top level may only compute. Prints
how many subtests pass, for each folder, and those that fail without a reason; the exit status
says whether there are any. `--verbose` shows what each failing subtest said.
"""
import argparse
import collections
import contextlib
import fnmatch
import http.client
import json
import pathlib
import re
import subprocess
import sys
import tempfile

# Behind all others: one of its modules is called http.
sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "bench"))
import support  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
CONFIG = """outbound: { allow_private: true }
limits: { wall: 5m, fuel: 300G, init_fuel: 20G, memory: 1GiB, outbound: 1000 }
"""
META = re.compile(r"^// META: script=(.*)$", re.MULTILINE)
# What other scripts look for in the global object, where a script's own functions are not here.
EXPOSED = {"idlharness.js": "globalThis.fetch_spec = fetch_spec;\n"}
SERVED_AS = {"/resources/WebIDLParser.js": "/resources/webidl2/lib/webidl2.js"}
STRICT = re.compile(r"^['\"]use strict['\"];", re.MULTILINE)
PASS = 0  # of the harness' enum
BROWSERS = "browsers:"  # what a reason begins with that is no server's


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--build", default="build", help="build directory (default: build)")
    parser.add_argument("--wpt", required=True, help="a copy of the Web Platform Tests")
    parser.add_argument("--only", default="", help="only files whose path has this word")
    parser.add_argument("--verbose", action="store_true", help="say why subtests fail")
    return parser.parse_args()


# ---- what is run ---------------------------------------------------------------------------------

def read_rows(name):
    lines = (HERE / name).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def choose_files(wpt, only):
    """Paths below the tests' folder, in the list's order; a row with `!` takes some away."""
    chosen = {}
    for row in read_rows("files.txt"):
        pattern = row.split(" ", 1)[0]
        found = sorted(str(path.relative_to(wpt)) for path in wpt.glob(pattern.lstrip("!")))
        if not found:
            print(f"  nothing is {pattern}", file=sys.stderr)
        for path in found:
            chosen[path] = not pattern.startswith("!")
    return [path for path, wanted in chosen.items() if wanted and only in path]


def read_failing():
    """Rows `FILE | SUBTEST | REASON`, the first two as fnmatch has it (but no brackets)."""
    rows = [[part.strip() for part in row.split(" | ", 2)] for row in read_rows("failing.txt")]
    return [[*(part.replace("[", "[[]") for part in row[:2]), row[2]] for row in rows]


def rows_of(failing, path, name):
    return [index for index, (file, subtest, _) in enumerate(failing)
            if fnmatch.fnmatchcase(path, file) and fnmatch.fnmatchcase(name, subtest)]


# ---- the tests' own server -----------------------------------------------------------------------

def start_origin(wpt, stack):
    """Its port, or 0."""
    try:
        from wptserve import server, stash
    except ImportError:
        print("  SKIP: Python has no wptserve: files that ask a server are left out",
              file=sys.stderr)
        return 0
    kept = stash.StashServer()
    stack.enter_context(kept)
    origin = server.WebTestHttpd(host="127.0.0.1", port=0, doc_root=str(wpt))
    origin.start()
    stack.callback(origin.stop)
    return origin.port


# ---- one file ------------------------------------------------------------------------------------

def substitute(text, port):
    """What the tests' server puts into files with `.sub.` in their name."""
    def value(match):
        word = match[1]
        if word.startswith("ports"):
            return str(port)
        return "localhost" if word.startswith(("host", "domains")) else match[0]
    return re.sub(r"\{\{([^}]*)\}\}", value, text)


def evaluated(text):
    """The harness makes objects of texts, which nothing can here: an `eval` that knows them all."""
    found = sorted(set(re.findall(r"\[[^\]]*\]", text)))
    codes = {code for row in found for pair in re.findall(r"'([^']+)'|\"([^\"]+)\"", row)
             for code in pair if re.fullmatch(r"\(?new [A-Z].*|[a-z][\w.]*", code)}
    rows = ",".join(f"{json.dumps(code)}: () => ({code})" for code in sorted(codes))
    return f"globalThis.eval = (code) => {{ const known = {{{rows}}}; return known[code](); }};\n"


def make_script(wpt, path, port):
    file = wpt / path
    parts = [HERE / "before.js", wpt / "resources/testharness.js"]
    for name in META.findall(file.read_text(encoding="utf-8")):
        name = name.strip()
        name = SERVED_AS.get(name, name)
        parts.append(wpt / name[1:] if name.startswith("/") else file.parent / name)
    texts = []
    for part in [*parts, file, HERE / "after.js"]:
        text = part.read_text(encoding="utf-8", errors="surrogateescape")
        texts.append(substitute(text, port) if ".sub." in part.name else text)
        texts.append(EXPOSED.get(part.name, ""))
    if "idlharness" in path:
        texts.insert(0, evaluated(file.read_text(encoding="utf-8")))
    here = f"http://localhost:{port or 80}/{path}"
    strict = '"use strict";\n' if STRICT.search(file.read_text(encoding="utf-8")) else ""
    return f"{strict}const WPT_HERE = {json.dumps(here)};\n" + "\n".join(texts)


def deploy(server, skerry, script, port):
    """None, or why not."""
    with tempfile.TemporaryDirectory(prefix="skerry-wpt-") as folder:
        folder = pathlib.Path(folder)
        (folder / "main.js").write_bytes(script.encode("utf-8", errors="surrogateescape"))
        hosts = ("localhost", "127.0.0.1") if port else ()
        outbound = json.dumps([f"http://{host}:{port}" for host in hosts])
        (folder / "function.yaml").write_text(f"name: wpt\nmain: main.js\noutbound: {outbound}\n",
                                              encoding="utf-8")
        done = subprocess.run([skerry, "deploy", folder, "--admin-socket", server.admin_socket],
                              capture_output=True, text=True, check=False)
    return None if done.returncode == 0 else done.stderr


def ask(server):
    """The subtests, or why there are none."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=300)
    with contextlib.closing(connection):
        connection.request("POST", "/f/default/wpt/", b"")
        answer = connection.getresponse()
        text = answer.read()
    return json.loads(text) if answer.status == 200 else f"{answer.status} {text.decode()}"


def run_file(server, skerry, wpt, path, port):
    refused = deploy(server, skerry, make_script(wpt, path, port), port)
    return refused or ask(server)


def judge(path, rows, failing, used, verbose):
    """How many subtests there are, pass, fail without a reason, and are browsers' only."""
    passed = surprises = apart = 0
    for row in rows:
        if row["status"] == PASS:
            passed += 1
            continue
        found = rows_of(failing, path, row["name"])
        used.update(found)
        surprises += not found
        apart += any(failing[index][2].startswith(BROWSERS) for index in found)
        if verbose or not found:
            said = (row["message"] or "").split("\n")[0]
            print(f"  {path} | {row['name']} | {said}", flush=True)
    return len(rows) - apart, passed, surprises, apart


def print_counts(counts):
    for folder in [*counts, "all"]:
        rows = [counts[folder]] if folder in counts else list(counts.values())
        every, passed, _, apart = map(sum, zip(*rows))
        print(f"{folder:<20} {passed:>6} of {every:>6} subtests pass "
              f"({100 * passed / max(every, 1):.1f} %)"
              + (f", {apart} are browsers' only" if apart else ""))


def main():
    options = parse_arguments()
    wpt = pathlib.Path(options.wpt).resolve()
    failing = read_failing()
    used = set()
    counts = collections.defaultdict(lambda: [0, 0, 0, 0])
    with contextlib.ExitStack() as stack:
        port = start_origin(wpt, stack)
        skerry = support.find_program(options.build, "skerry")
        server = stack.enter_context(
            support.SkerryServer(skerry, support.pick_cores()[0], config=CONFIG))
        server.unpin()
        for path in choose_files(wpt, options.only):
            answer = run_file(server, skerry, wpt, path, port)
            if isinstance(answer, str):
                print(f"  {path}: {answer[-600:]}", flush=True)
                answer = [{"name": "(the file)", "status": 1, "message": answer[-600:]}]
            folder = "/".join(path.split("/")[:2 if path.startswith("fetch") else 1])
            found = judge(path, answer, failing, used, options.verbose)
            counts[folder] = [sum(pair) for pair in zip(counts[folder], found)]
    print_counts(counts)
    surprises = sum(row[2] for row in counts.values())
    print(f"{surprises} fail without a reason in failing.txt")
    if options.only == "":
        for index in set(range(len(failing))) - used:
            print(f"  nothing fails of {' | '.join(failing[index][:2])}")
    return surprises > 0


if __name__ == "__main__":
    sys.exit(main())
