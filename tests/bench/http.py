#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Warm requests through the whole of Skerry, next to a bare libh2o handler.

  python3 tests/bench/http.py --build build

Both servers sit on the same core, the client on another; runs alternate, so that what
else the machine does hits both alike. Two measures, as medians over the rounds: requests
per second when the client asks as fast as it can, and server CPU time per request, which
a busy neighbour distorts less.

  python3 tests/bench/http.py --build build --against ../other/build [--pairs 30]

compares two builds of Skerry instead: short runs by turns, user and system time of the whole
server per request, the median of the pairs' ratios with its 95 % interval (of the ranks, so
that no distribution is assumed). Below 1, --build takes less.

  python3 tests/bench/http.py --build build --walls [--pairs 30]

does the same of one build with its walls and with `walls: off`, and of cold starts too: by turns, a
server each, so many functions called once.

  python3 tests/bench/http.py --build build --quotas [--pairs 30]

does the same of a tenant that has quotas, of which it reaches none, and of the same without them.
"""
import argparse
import statistics

import support

COLD = 50   # functions
QUOTAS = ('{"requests_per_s": 10000000, "fuel_per_s": 400000000000, "memory": 1073741824, '
          '"connections": 10000}')
COLD_PHASES = ("start", "exec")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", default="build", help="build directory (default: build)")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each server (default: 5)")
    parser.add_argument("--seconds", type=int, default=3, help="length of a run (default: 3)")
    parser.add_argument("--connections", type=int, default=32, help="kept alive (default: 32)")
    parser.add_argument("--wasm", help="function to serve (default: loadtest's own hello)")
    parser.add_argument("--against", metavar="BUILD", help="another build, in libh2o's place")
    parser.add_argument("--walls", action="store_true", help="the same build without its walls")
    parser.add_argument("--quotas", action="store_true", help="one tenant with and without them")
    parser.add_argument("--pairs", type=int, default=30,
                        help="with --against, --walls and --quotas (default: 30)")
    parser.add_argument("--goal", type=float, default=0,
                        help="fail below this share of the bare handler, like 0.7")
    return parser.parse_args()


def deploy_hello(skerry, server, core, wasm):
    """One kept function of a cold-start run: cold-0001 of tenant default."""
    support.loadtest(skerry, core, "--cold", "--functions", "1", "--keep", "--admin-socket",
                     server.admin_socket, "--url", f"http://127.0.0.1:{server.port}/",
                     *(["--wasm", wasm] if wasm else []))
    return f"http://127.0.0.1:{server.port}/f/default/cold-0001/"


def measure(skerry, server, url, core, options):
    before = server.cpu_seconds()
    report = support.loadtest(
        skerry, core, "--url", url, "--rate", "max", "--duration", f"{options.seconds}s",
        "--warmup", "500ms", "--connections", str(options.connections))
    cpu = server.cpu_seconds() - before
    requests = report["answered"] + report["warmup"]
    if report["succeeded"] != report["answered"] or report["failed"] > 0:
        support.die(f"{server.name}: not all requests succeeded: {report['statuses']}, "
                    f"{report['failures']}")
    return {
        "rate": report["rate_achieved"],
        "cpu_us": cpu * 1e6 / requests,
        "p50": report["latency"]["all"]["p50_ms"],
        "p99": report["latency"]["all"]["p99_ms"],
        "server_cpu": cpu * 100 / (options.seconds + 0.5),
        "client_cpu": report["client_cpu_percent"],
    }


def median_interval(values):
    """The median, and the ranks around it that hold it in 95 of 100 samples."""
    ordered = sorted(values)
    count = len(ordered)
    reach = 1.96 * count ** 0.5 / 2
    low = max(0, int(count / 2 - reach))
    high = min(count - 1, int(count / 2 + reach))
    return statistics.median(ordered), ordered[low], ordered[high]


def compare_once(options, programs, cores, turn):
    """CPU per request of both builds, each a server of its own: where its pages lie is chance, and
    as large as what is to be seen, so no pair keeps the servers of another."""
    options.seconds = 1
    costs = [0.0, 0.0]
    for which in (0, 1) if turn % 2 == 0 else (1, 0):
        with support.SkerryServer(programs[which], cores[0],
                                  config=options.configs[which]) as server:
            url = deploy_hello(programs[which], server, cores[1], options.wasm)
            costs[which] = measure(programs[0], server, url, cores[1], options)["cpu_us"]
    return costs


def compare(options):
    cores = support.pick_cores()
    options.configs = [None, None]
    if options.walls:
        options.against = options.build
        options.configs = ["walls: require\n", "walls: off\n"]
    programs = [support.find_program(build, "skerry") for build in (options.build, options.against)]
    support.print_facts()
    pairs = [compare_once(options, programs, cores, turn) for turn in range(options.pairs)]
    middle, low, high = median_interval([one / other for one, other in pairs])
    print(f"{options.pairs} pairs of 1 s: {options.build} "
          f"{statistics.median(one for one, _ in pairs):.2f}, {options.against} "
          f"{statistics.median(other for _, other in pairs):.2f} us of CPU a request; ratio "
          f"{middle:.3f} ({low:.3f} to {high:.3f})")
    if options.walls:
        compare_cold(options, programs[0], cores)


def compare_cold(options, skerry, cores):
    """The server's own time of the first request of each of COLD functions."""
    pairs = []
    for turn in range(options.pairs):
        times = [0.0, 0.0]
        for which in (0, 1) if turn % 2 == 0 else (1, 0):
            config = options.configs[which] + "pool: { prewarm: 0s }\n"
            with support.SkerryServer(skerry, cores[0], config=config) as server:
                report = support.loadtest(
                    skerry, cores[1], "--cold", "--functions", str(COLD), "--admin-socket",
                    server.admin_socket, "--url", f"http://127.0.0.1:{server.port}/")
            phases = report["phases"]
            times[which] = 1000 * sum(phases[name]["cold"]["p50_ms"] for name in COLD_PHASES
                                      if "cold" in phases.get(name, {}))
        pairs.append(times)
    middle, low, high = median_interval([one - other for one, other in pairs])
    print(f"{options.pairs} pairs of {COLD} cold starts: with walls "
          f"{statistics.median(one for one, _ in pairs):.1f}, without "
          f"{statistics.median(other for _, other in pairs):.1f} us; difference {middle:+.1f} us "
          f"({low:+.1f} to {high:+.1f})")


def compare_quotas(options):
    """One server: nothing but the limits of its tenant changes."""
    skerry = support.find_program(options.build, "skerry")
    server_core, client_core = support.pick_cores()
    options.seconds = 1
    pairs = []
    support.print_facts()
    with support.SkerryServer(skerry, server_core) as server:
        url = deploy_hello(skerry, server, client_core, options.wasm)
        admin = support.Admin(server.admin_socket)
        for turn in range(options.pairs):
            costs = [0.0, 0.0]
            for which in (0, 1) if turn % 2 == 0 else (1, 0):
                admin.limit("default", (QUOTAS, "{}")[which])
                costs[which] = measure(skerry, server, url, client_core, options)["cpu_us"]
            pairs.append(costs)
    middle, low, high = median_interval([one / other for one, other in pairs])
    print(f"{options.pairs} pairs of 1 s: with quotas "
          f"{statistics.median(one for one, _ in pairs):.2f}, without "
          f"{statistics.median(other for _, other in pairs):.2f} us of CPU a request; ratio "
          f"{middle:.3f} ({low:.3f} to {high:.3f})")


def main():
    options = parse_arguments()
    if options.quotas:
        compare_quotas(options)
        return
    if options.against or options.walls:
        compare(options)
        return
    skerry = support.find_program(options.build, "skerry")
    bare_h2o = support.find_program(options.build, "bare_h2o")
    server_core, client_core = support.pick_cores()
    support.print_facts()
    print(f"servers on core {server_core}, client on core {client_core}; {options.connections} "
          f"connections, closed loop, {options.rounds} rounds of {options.seconds} s")
    port = support.free_port()
    runs = {"bare libh2o": [], "skerry": []}
    with support.Server("bare_h2o", [bare_h2o, str(port)], port, server_core) as bare, \
            support.SkerryServer(skerry, server_core) as served:
        url = deploy_hello(skerry, served, client_core, options.wasm)
        for _ in range(options.rounds):
            runs["bare libh2o"].append(
                measure(skerry, bare, f"http://127.0.0.1:{port}/", client_core, options))
            runs["skerry"].append(measure(skerry, served, url, client_core, options))
    print(f"\n{'median of':<14}{'req/s':>10}{'CPU us/req':>12}{'p50 ms':>9}{'p99 ms':>9}"
          f"{'server CPU':>12}{'client CPU':>12}")
    middle = {}
    for name, results in runs.items():
        row = {key: statistics.median(run[key] for run in results) for key in results[0]}
        middle[name] = row
        print(f"{name:<14}{row['rate']:>10.0f}{row['cpu_us']:>12.2f}{row['p50']:>9.3f}"
              f"{row['p99']:>9.3f}{row['server_cpu']:>11.0f}%{row['client_cpu']:>11.0f}%")
    by_rate = middle["skerry"]["rate"] / middle["bare libh2o"]["rate"]
    by_cpu = middle["bare libh2o"]["cpu_us"] / middle["skerry"]["cpu_us"]
    print(f"\nskerry serves {by_rate:.0%} of the bare handler's requests per second; by CPU time "
          f"per request {by_cpu:.0%}")
    if max(by_rate, by_cpu) < options.goal:
        support.die(f"both are below the goal of {options.goal:.0%}")


if __name__ == "__main__":
    main()
