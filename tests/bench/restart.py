#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Restart: how long a server with many functions takes until it is ready.

  python3 tests/bench/restart.py --build build --functions 10000

Deploys different small modules of 100 tenants (minutes), then starts and stops the server
and prints the milliseconds from exec to `ready`, sorted. With --data the functions stay for the
next run, which deploys only if there are none.
"""
import argparse
import os
import pathlib
import shutil
import tempfile

import density
import modules
import support

TENANTS = 100
THREADS = 8


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", default="build", help="build directory (default: build)")
    parser.add_argument("--functions", type=int, default=10000, help="(default: 10000)")
    parser.add_argument("--starts", type=int, default=9, help="(default: 9)")
    parser.add_argument("--data", help="data directory to use again (default: a new one)")
    return parser.parse_args()


def deploy(skerry, core, data, count):
    names = [(f"t{index % TENANTS}", f"f{index}") for index in range(count)]
    server, _ = density.start(skerry, core, data)
    with server:
        server.unpin()
        seconds = density.deploy_all(server, names, modules.hello, THREADS)
    print(f"deployed {count} functions in {seconds:.0f} s")


def measure(skerry, core, data, starts):
    times = []
    for _ in range(starts):
        server, ready_ms = density.start(skerry, core, data)
        times.append(ready_ms)
        server.stop()
    print(f"ready after {density.quantile(times, 0.5):.0f} ms (of {starts}: "
          f"{' '.join(f'{value:.0f}' for value in sorted(times))}), "
          f"goal <= {density.READY_GOAL_MS}")


def main():
    options = parse_arguments()
    skerry = support.find_program(options.build, "skerry")
    core, _ = support.pick_cores()
    support.print_facts()
    own = None if options.data else tempfile.mkdtemp(prefix="skerry-restart-", dir="/dev/shm")
    data = options.data or os.path.join(own, "data")
    try:
        if not pathlib.Path(data, "store").exists():
            deploy(skerry, core, data, options.functions)
        artifacts = len(os.listdir(pathlib.Path(data, "artifacts")))
        print(f"{artifacts} artifacts in {data}")
        measure(skerry, core, data, options.starts)
    finally:
        if own:
            shutil.rmtree(own, ignore_errors=True)


if __name__ == "__main__":
    main()
