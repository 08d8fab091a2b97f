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

  python3 tests/bench/cold.py --tiers 20

instead: two servers, one with `limits.native: off`, take turns: so many rounds, in each as many
functions (the last of --functions) called once on either. What native code adds to a start: the
worker's CPU time for the whole request, and the start as the worker timed it. Goal: 5 us at most.
"""
import argparse
import socket
import statistics
import time

import density
import modules
import support

P50_GOAL_MS = 0.060
P99_GOAL_MS = 0.300
MEMORY_GOAL_KIB = 16
TIER_GOAL_US = 5
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
    parser.add_argument("--tiers", type=int, metavar="ROUNDS",
                        help="measure what native code adds to a start, and nothing else")
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


def tier_round(server, module, tenant, count):
    """Of `count` new functions, each called once: the worker's CPU and p50 of start, in us."""
    names = [(tenant, f"f{index}") for index in range(count)]
    density.deploy_all(server, names, module, 1)
    connection = support.Connection(socket.AF_INET, ("127.0.0.1", server.port))
    before = sum(map(support.cpu_seconds, server.workers()))
    rows = [density.call(connection, name) for name in names]
    used = sum(map(support.cpu_seconds, server.workers())) - before
    connection.socket.close()
    return used / count * 1e6, statistics.median(row["start"] for row in rows) * 1e3


def measure_tiers(skerry, options):
    core, _ = support.pick_cores()
    config = "pool: {{ prewarm: 0s }}\nlimits: {{ native: {} }}\n"
    with support.SkerryServer(skerry, core, config=config.format("off")) as off, \
            support.SkerryServer(skerry, core, config=config.format("on")) as on:
        pairs = []
        for number in range(options.tiers + 1):
            turns = [tier_round(server, modules.hello, f"t{number}", options.functions[-1])
                     for server in ((off, on) if number % 2 else (on, off))]
            pairs.append(turns if number % 2 else turns[::-1])
    print(f"\n{options.tiers} rounds of {options.functions[-1]} functions, each requested once; "
          "us a call, medians of rounds")
    for what, column in (("CPU of the worker, whole request", 0), ("start, as timed", 1)):
        rows = [(a[column], b[column]) for a, b in pairs[1:]]  # the first warms both up
        off, on = (statistics.median(row[i] for row in rows) for i in (0, 1))
        more = sorted(b - a for a, b in rows)
        middle = statistics.median(more)
        low, high = (density.quantile(more, share) for share in (0.25, 0.75))
        print(f"  {what}: off {off:.1f}, on {on:.1f}; more {middle:+.1f} (quartiles {low:+.1f} and "
              f"{high:+.1f}), goal <= {TIER_GOAL_US}: {support.verdict(middle <= TIER_GOAL_US)}")


def main():
    options = parse_arguments()
    skerry = support.find_program(options.build, "skerry")
    support.print_facts()
    if options.tiers:
        measure_tiers(skerry, options)
        return
    for count in options.functions:
        measure(skerry, count, options.wasm)
    if options.large > 0:
        measure_sizes(skerry, options)


if __name__ == "__main__":
    main()
