#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Cold starts: what the first request to a function costs, and what a function keeps.

  python3 tests/bench/cold.py --build build

For each count: a fresh server with one worker, that many different modules deployed,
each requested once. Times come from the server, by phase, and from the client. Memory is
the worker's after all requests less before the first, for each function; Pss counts
shared pages once, Private_Dirty is what cannot be dropped, VmPTE are page tables. It is
read twice: at once, and when all isolates had waited for longer than pool.trim.
"""
import argparse
import time

import support

TRIM_SECONDS = 4  # pool.trim is 1 s


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", default="build", help="build directory (default: build)")
    parser.add_argument("--functions", type=int, nargs="+", default=[200, 1000],
                        help="how many, one run each (default: 200 1000)")
    parser.add_argument("--wasm", help="module to deploy (default: loadtest's own hello)")
    return parser.parse_args()


def print_times(report):
    def row(name, times):
        print(f"  {name:<22}{times['count']:>7}{times['p50_ms']:>10.3f}{times['p90_ms']:>10.3f}"
              f"{times['p99_ms']:>10.3f}{times['max_ms']:>10.3f}")

    print(f"  {'ms':<22}{'count':>7}{'p50':>10}{'p90':>10}{'p99':>10}{'max':>10}")
    for name, classes in report["phases"].items():
        row(f"server: {name}", classes.get("cold", classes["all"]))
    row("client: whole request", report["latency"].get("cold", report["latency"]["all"]))
    row("client: upload", report["uploads"])
    print(f"  reasons: {report['reasons']}")


def print_memory(before, after, count):
    print(f"  worker memory, KiB     {'before':>10}{'after':>10}{'a function':>12}")
    for key in ("Rss", "Pss", "Private_Dirty", "VmPTE"):
        print(f"    {key:<21}{before[key]:>10}{after[key]:>10}"
              f"{(after[key] - before[key]) / count:>12.1f}")
    resident = sum(after[key] - before[key] for key in ("Pss", "VmPTE"))
    print(f"  a function keeps {resident / count:.1f} KiB resident (Pss and page tables)")


def measure(skerry, count, wasm):
    server_core, client_core = support.pick_cores()
    module = ["--wasm", wasm] if wasm else []
    # Or the last functions deployed would be warm.
    config = "pool: { prewarm: 0s }\n"
    with support.SkerryServer(skerry, server_core, config=config) as server:
        common = ["--cold", "--admin-socket", server.admin_socket, "--url",
                  f"http://127.0.0.1:{server.port}/", *module]
        # The first request of a worker's life touches code and tables of its own.
        support.loadtest(skerry, client_core, *common, "--functions", "1", "--tenant", "first")
        workers = server.workers()
        before = support.memory_kib(workers)
        report = support.loadtest(skerry, client_core, *common, "--functions", str(count),
                                  "--keep")
        if server.workers() != workers:
            support.die("a worker died during the run")
        after = support.memory_kib(workers)
        time.sleep(TRIM_SECONDS)
        idle = support.memory_kib(workers)
    if report["succeeded"] != count:
        support.die(f"only {report['succeeded']} of {count} requests succeeded: "
                    f"{report['statuses']}, {report['failures']}")
    print(f"\n{count} functions, each requested once")
    print_times(report)
    print_memory(before, after, count)
    print(f"  after {TRIM_SECONDS} s without requests")
    print_memory(before, idle, count)


def main():
    options = parse_arguments()
    skerry = support.find_program(options.build, "skerry")
    support.print_facts()
    for count in options.functions:
        measure(skerry, count, options.wasm)


if __name__ == "__main__":
    main()
