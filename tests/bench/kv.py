#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The key-value store: reading a key, writing groups of them, and puts of guests over HTTP.

  python3 tests/bench/kv.py --build build [--keys 1000000]

The first two are done by the program kv_store in a process of its own: a get beside LMDB's alone,
and a copy of the same bytes from random places; a group of 64 puts beside a write and fdatasync
of the same bytes, by turns, medians. Then 64 clients put through a guest of a server with one
worker: each put is answered when it is on disk, and those that come together share an fsync.
"""
import argparse
import os
import pathlib
import shutil
import subprocess
import tempfile

import support

VALUE_BYTES = 1024
SMALL_KEYS = 10000
GUESTS = 64
GET_GOALS_NS = {SMALL_KEYS: 1000}
MANY_GOAL_NS = 1500
PUTS_GOAL = 20000


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", default="build", help="build directory (default: build)")
    parser.add_argument("--keys", type=int, default=1000000, help="(default: 1,000,000)")
    parser.add_argument("--seconds", type=int, default=5, help="of puts (default: 5)")
    return parser.parse_args()


def measure_store(program, core, folder, keys):
    place = folder / str(keys)
    place.mkdir()
    done = subprocess.run([program, place, str(keys), str(VALUE_BYTES)], stdout=subprocess.PIPE,
                          text=True, check=False,
                          preexec_fn=lambda: os.sched_setaffinity(0, {core}))
    if done.returncode != 0:
        support.die(f"{program} ended with {done.returncode}")
    shutil.rmtree(place)
    return map(int, done.stdout.split())


def measure_puts(options, folder, cores):
    skerry = support.find_program(options.build, "skerry")
    source = support.ROOT / "tests" / "guests" / "e2e_kv.wat"
    module, body = folder / "kv.wasm", folder / "body"
    if shutil.which("wat2wasm") is None:
        support.die("wat2wasm is not installed (apt-get install wabt)")
    subprocess.run(["wat2wasm", "-o", module, source], check=True)
    body.write_bytes(os.urandom(100))
    with support.SkerryServer(skerry, cores[0], data=str(folder / "data")) as server:
        admin = support.Admin(server.admin_socket)
        admin.deploy("default", "kv", module.read_bytes())
        report = support.loadtest(
            skerry, cores[1], "--url", f"http://127.0.0.1:{server.port}/f/default/kv/key",
            "--method", "PUT", "--body", str(body), "--rate", "max", "--connections", str(GUESTS),
            "--duration", f"{options.seconds}s", "--warmup", "1s")
    return report


def main():
    options = parse_arguments()
    program = support.find_program(options.build, "kv_store")
    cores = support.pick_cores()
    support.print_facts()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="skerry-kv-", dir="/var/tmp"))
    try:
        print(f"\n{VALUE_BYTES} bytes a value; medians")
        print(f"  {'keys':>9}{'get, ns':>10}{'LMDB, ns':>10}{'copy, ns':>10}{'goal <=':>9}"
              f"{'64 puts, us':>18}{'write+sync, us':>16}{'ratio':>7}")
        for keys in (SMALL_KEYS, options.keys):
            get, bare, copy, group, sync = measure_store(program, cores[0], folder, keys)
            goal = GET_GOALS_NS.get(keys, MANY_GOAL_NS)
            print(f"  {keys:>9}{get:>10}{bare:>10}{copy:>10}{goal:>9}  "
                  f"{support.verdict(get <= goal)}{group:>11}{sync:>16}{group / sync:>7.2f}")
        report = measure_puts(options, folder, cores)
        rate = report["rate_achieved"]
        print(f"\nputs of {GUESTS} guests at once, each answered when on disk: {rate:.0f}/s, "
              f"p50 {report['latency']['all']['p50_ms']:.2f} ms, goal >= {PUTS_GOAL}  "
              f"{support.verdict(rate >= PUTS_GOAL)}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
