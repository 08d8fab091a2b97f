#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Cold starts: what the first request to a function costs, and what a function keeps.

  python3 tests/bench/cold.py --build build

For each count: a fresh server with one worker, that many different modules deployed,
each requested once. Times come from the server, by phase, and from the client. Memory is
the worker's after all requests less before the first, for each function; Pss counts
shared pages once, Private_Dirty is what cannot be dropped, VmPTE are page tables. It is
read twice: at once, and when all isolates had waited for longer than pool.trim. Then as many
small modules as large ones are called by turns, a new one each time: a start costs what is touched,
not what there is. The goals: p50 of 60 us and p99 of 300 us for both, 16 KiB a function.
"""
import argparse
import time

import density
import modules
import support

P50_GOAL_MS = 0.060
P99_GOAL_MS = 0.300
MEMORY_GOAL_KIB = 16
TRIM_SECONDS = 4  # pool.trim is 1 s


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", default="build", help="build directory (default: build)")
    parser.add_argument("--functions", type=int, nargs="+", default=[200, 1000],
                        help="how many, one run each (default: 200 1000)")
    parser.add_argument("--large", type=int, default=20,
                        help="large modules, beside as many small ones (default: 20)")
    parser.add_argument("--megabytes", type=float, default=15, help="of a large one (default: 15)")
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
    print(f"  a function keeps {resident / count:.1f} KiB resident (Pss and page tables), goal <= "
          f"{MEMORY_GOAL_KIB}: {support.verdict(resident / count <= MEMORY_GOAL_KIB)}")


def print_goals(name, p50_ms, p99_ms):
    print(f"  {name}: start in the server p50 {p50_ms * 1000:.0f} us, goal <= "
          f"{P50_GOAL_MS * 1000:.0f}: {support.verdict(p50_ms <= P50_GOAL_MS)}; p99 "
          f"{p99_ms * 1000:.0f} us, goal <= {P99_GOAL_MS * 1000:.0f}: "
          f"{support.verdict(p99_ms <= P99_GOAL_MS)}")


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
    start = report["phases"]["start"]
    start = start.get("cold", start["all"])
    print_goals("small modules", start["p50_ms"], start["p99_ms"])
    print_memory(before, after, count)
    print(f"  after {TRIM_SECONDS} s without requests")
    print_memory(before, idle, count)


def measure_sizes(skerry, options):
    """Small and large modules by turns, so that both meet the same neighbours."""
    server_core, _ = support.pick_cores()
    smalls = [("small", f"f{index}") for index in range(options.large)]
    larges = [("large", f"f{index}") for index in range(options.large)]
    with support.SkerryServer(skerry, server_core, config="pool: { prewarm: 0s }\n") as server:
        server.unpin()  # builders may use the whole machine
        density.deploy_all(server, [("first", "first"), *smalls], modules.hello, 1)
        made = {"/".join(name): modules.large(options.megabytes, name[1]) for name in larges}
        density.deploy_all(server, larges, made.get, 1)
        density.call_all(server, [("first", "first")])
        rows = density.call_all(server, [name for pair in zip(smalls, larges) for name in pair])
    print(f"\n{options.large} small modules and as many of {options.megabytes:g} MB, each called "
          "once, by turns")
    for name, chosen in (("small", rows[0::2]), ("large", rows[1::2])):
        starts = [row["start"] for row in chosen]
        print_goals(name, density.quantile(starts, 0.5), density.quantile(starts, 0.99))


def main():
    options = parse_arguments()
    skerry = support.find_program(options.build, "skerry")
    support.print_facts()
    for count in options.functions:
        measure(skerry, count, options.wasm)
    if options.large > 0:
        measure_sizes(skerry, options)


if __name__ == "__main__":
    main()
