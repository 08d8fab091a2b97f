#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a host call costs: a loop with a call in it beside the same loop without, CPU time.

  python3 tests/bench/hostcall.py --build build

Guests run in `skerry run FILE --request` on one core, by turns; the median of the differences.
"""
import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import tempfile

import support

CALLS = 2_000_000
GOAL_NS = 30
KINDS = {
    "time_now_v1": ('(import "skerry" "time_now_v1" (func $call (param i32) (result i64)))',
                    "(drop (call $call (i32.const 1)))"),
    "env_get_v1, of none": (
        '(import "skerry" "env_get_v1" (func $call (param i32 i32 i32 i32) (result i32)))',
        "(drop (call $call (i32.const 0) (i32.const 4) (i32.const 8) (i32.const 8)))"),
    "get_status_code (http-wasm)": (
        '(import "http_handler" "get_status_code" (func $call (result i32)))',
        "(drop (call $call))"),
}
TEXT = """(module
  (import "http_handler" "get_source_addr" (func (param i32 i32) (result i32)))
  {import_}
  (memory (export "memory") 1)
  (func (export "handle_request") (result i64)
    (local $left i32)
    (local.set $left (i32.const {calls}))
    (loop $again
      {call}
      (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
    (i64.const 0))
  (func (export "handle_response") (param i32 i32)))
"""


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", default="build", help="build directory (default: build)")
    parser.add_argument("--rounds", type=int, default=15, help="(default: 15)")
    return parser.parse_args()


def make(folder, name, import_, call):
    source = folder / f"{name}.wat"
    source.write_text(TEXT.format(import_=import_, call=call, calls=CALLS))
    subprocess.run(["wat2wasm", "-o", source.with_suffix(".wasm"), source], check=True)
    return source.with_suffix(".wasm")


def cpu_us(skerry, core, module):
    done = subprocess.run([skerry, "run", module, "--request", "GET /", "--stats"],
                          capture_output=True, text=True, check=False,
                          preexec_fn=lambda: os.sched_setaffinity(0, {core}))
    lines = [line for line in done.stderr.splitlines() if line.startswith("{")]
    if done.returncode != 0 or not lines:
        support.die(f"skerry run ended with {done.returncode}: {done.stderr}")
    return json.loads(lines[-1])["run_cpu_us"]


def main():
    options = parse_arguments()
    if shutil.which("wat2wasm") is None:
        support.die("wat2wasm is not installed (apt-get install wabt)")
    skerry = support.find_program(options.build, "skerry")
    core, _ = support.pick_cores()
    support.print_facts()
    with tempfile.TemporaryDirectory(prefix="skerry-hostcall-") as folder:
        folder = pathlib.Path(folder)
        empty = make(folder, "empty", "", "")
        print(f"\n{CALLS} calls, medians of {options.rounds} pairs; goal <= {GOAL_NS} ns a call")
        for number, (name, (import_, call)) in enumerate(KINDS.items()):
            module = make(folder, f"k{number}", import_, call)
            pairs = [(cpu_us(skerry, core, module), cpu_us(skerry, core, empty))
                     for _ in range(options.rounds)]
            took = statistics.median((a - b) * 1000 / CALLS for a, b in pairs)
            ratio = statistics.median(a / b for a, b in pairs)
            print(f"  {name:<30}{took:>7.1f} ns{ratio:>8.1f} times the empty loop  "
                  f"{support.verdict(took <= GOAL_NS)}")


if __name__ == "__main__":
    main()
