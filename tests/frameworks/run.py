#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Suites of frameworks for Workers, as functions of Skerry.

  python3 tests/frameworks/run.py --build build --esbuild PROGRAM FILE...

Each FILE is a file of tests for vitest, in a copy of its project's repository (hono's and
itty-router's are in none of their packages; nothing of them is here). esbuild bundles it with
vitest.js, which stands for vitest; the function runs its tests within one request. Prints how many
pass, and those that do not; files that cannot be bundled or deployed are named with the reason.
"""
import argparse
import contextlib
import http.client
import json
import pathlib
import subprocess
import sys
import tempfile

# Behind all others: one of its modules is called http.
sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "bench"))
import support  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
CONFIG = "limits: { wall: 1m, fuel: 100G, init_fuel: 20G, memory: 512MiB }\n"
ENTRY = """import {{ run }} from "vitest";
import {file};
export default {{ async fetch() {{ return Response.json(await run()); }} }};
"""


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--build", default="build", help="build directory (default: build)")
    parser.add_argument("--esbuild", default="esbuild", help="the program (default: on PATH)")
    parser.add_argument("files", nargs="+", help="files of tests")
    return parser.parse_args()


def bundle(esbuild, file, script):
    """None, or why not."""
    done = subprocess.run(
        [esbuild, "--bundle", "--format=esm", "--target=es2024", "--loader=ts",
         "--jsx=automatic",
         "--conditions=workerd,worker,browser", f"--alias:vitest={HERE / 'vitest.js'}",
         "--external:node:*", "--log-level=error", f"--outfile={script}"],
        input=ENTRY.format(file=json.dumps(str(file))), cwd=file.parent, capture_output=True,
        text=True, check=False)
    return None if done.returncode == 0 else done.stderr.strip().split("\n")[0]


def run_file(server, skerry, esbuild, file):
    """What the function answers, or why it does not."""
    with tempfile.TemporaryDirectory(prefix="skerry-frameworks-") as folder:
        script = pathlib.Path(folder) / "suite.js"
        refused = bundle(esbuild, file, script)
        if refused:
            return f"esbuild: {refused}"
        done = subprocess.run([skerry, "deploy", script, "--admin-socket", server.admin_socket],
                              capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return done.stderr.strip().split("\n")[0]
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
    with contextlib.closing(connection):
        connection.request("GET", "/f/default/suite/")
        answer = connection.getresponse()
        text = answer.read()
    return json.loads(text) if answer.status == 200 else f"{answer.status} {text.decode()}"


def main():
    options = parse_arguments()
    skerry = support.find_program(options.build, "skerry")
    count = failed = left = 0
    with support.SkerryServer(skerry, support.pick_cores()[0], config=CONFIG) as server:
        server.unpin()
        for file in map(pathlib.Path, options.files):
            answer = run_file(server, skerry, options.esbuild, file.resolve())
            if isinstance(answer, str):
                left += 1
                print(f"  {file}: {answer[:300]}", flush=True)
                continue
            count += answer["count"]
            failed += len(answer["failures"])
            for text in answer["failures"]:
                print(f"  {file}: {text[:300]}", flush=True)
    print(f"{count - failed} of {count} tests pass; {left} of {len(options.files)} files are "
          "left out")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
