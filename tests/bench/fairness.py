#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fairness between tenants that share one worker.

  python3 tests/bench/fairness.py --build build
  python3 tests/bench/fairness.py --build build --workers 2 --neighbour

Neighbour: a victim's latencies at a fixed rate, alone and beside a tenant that keeps 50
endless loops running; runs alternate. The goal is a p99 of at most 1.2 times. With more workers
each has a core, and loops of its own; the victim's client has the last of these cores too, and goes
before the worker there, if it may. Latencies are the client's, from when a request was due: what
waits in a socket until a worker reads it counts.
Saturation: 100 tenants always have requests waiting, all of the same work, but every
second tenant asks over four times as many connections. Jain's index of what they were
served, 1 when all got the same, has the goal of at least 0.95.
Weights: three tenants of weights 1, 2 and 4 saturate alike; what each was served, by its
weight, is within 10 % of the mean.
Turns: in all of it, no turn of the worker's event loop is longer than two slices and
200 us, by the worker's own histogram (the border of the highest bucket that was reached).
"""
import argparse
import collections
import os
import re
import selectors
import socket
import statistics
import subprocess
import time

import modules
import support

RATIO_GOAL = 1.2
JAIN_GOAL = 0.95
WEIGHTS = (1, 2, 4)
WEIGHT_GOAL = 0.10
SLICE_SECONDS = 100e-6  # limits.slice
TURN_GOAL_SECONDS = 2 * SLICE_SECONDS + 200e-6
TURN = re.compile(r'^skerry_turn_seconds_bucket\{worker="\d+",le="([^"]+)"\} (\d+)$', re.M)
WEIGHT_CONNECTIONS = 32  # so many that a tenant never waits for this client
LOOPS_START_SECONDS = 1  # until all loops of a neighbour run


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", default="build", help="build directory (default: build)")
    parser.add_argument("--rounds", type=int, default=5, help="of the victim (default: 5)")
    parser.add_argument("--seconds", type=int, default=5, help="length of a run (default: 5)")
    parser.add_argument("--rate", type=int, default=500, help="victim's requests per second "
                        "(default: 500)")
    parser.add_argument("--loops", type=int, default=50, help="of the neighbour (default: 50)")
    parser.add_argument("--workers", type=int, default=1, help="that serve the victim and its "
                        "neighbour (default: 1)")
    parser.add_argument("--neighbour", action="store_true", help="measure nothing else")
    parser.add_argument("--tenants", type=int, default=100, help="that saturate (default: 100)")
    parser.add_argument("--connections", type=int, default=2,
                        help="of the first tenant; the second has four times as many, and so "
                        "on (default: 2)")
    parser.add_argument("--turns", type=int, default=100000,
                        help="of the counting loop in a saturating request (default: 100000)")
    parser.add_argument("--strict", action="store_true", help="fail if a goal is missed")
    return parser.parse_args()


# ---- a victim and its neighbour ------------------------------------------------------------------

def measure_victim(skerry, core, server, options):
    report = support.loadtest(
        skerry, core, "--url", f"http://127.0.0.1:{server.port}/f/victim/hello/", "--rate",
        str(options.rate), "--poisson", "--connections", "20", "--duration",
        f"{options.seconds}s", "--warmup", "500ms",
        niceness=-20 if options.workers > 1 else 0)
    if report["succeeded"] != report["answered"] or report["failed"] > 0:
        support.die(f"not all of the victim's requests succeeded: {report['statuses']}, "
                    f"{report['failures']}")
    return report["latency"]["all"]


class Loops:
    """A neighbour's endless loops. A limit ends each after a while; the next is then begun."""

    def __init__(self, skerry, core, server, options):
        self.process = subprocess.Popen(
            [skerry, "loadtest", "--url", f"http://127.0.0.1:{server.port}/f/noisy/loop/",
             "--rate", "max", "--connections", str(options.loops * options.workers), "--duration",
             f"{options.seconds + 30}s", "--timeout", "60s"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            preexec_fn=lambda: os.sched_setaffinity(0, {core}))
        time.sleep(LOOPS_START_SECONDS)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def measure_neighbour(skerry, cores, options):
    server_core, client_core = cores
    alone, beside, busy = [], [], []
    with support.SkerryServer(skerry, server_core, workers=options.workers) as server:
        free = sorted(os.sched_getaffinity(0))
        for worker, core in zip(server.workers()[1:], free[1:]):
            os.sched_setaffinity(worker, {core})
        admin = support.Admin(server.admin_socket)
        admin.deploy("victim", "hello", modules.hello())
        admin.deploy("noisy", "loop", modules.endless())
        for _ in range(options.rounds):
            alone.append(measure_victim(skerry, client_core, server, options))
            with Loops(skerry, client_core, server, options) as loops:
                before, began = server.cpu_seconds(), time.monotonic()
                beside.append(measure_victim(skerry, client_core, server, options))
                busy.append((server.cpu_seconds() - before) / (time.monotonic() - began))
                if loops.process.poll() is not None:
                    support.die("the neighbour stopped before the victim was measured")
            time.sleep(1)  # the worker looks for clients that left every 50 ms
        turns = read_turns(server)
    return (alone, beside, statistics.median(busy)), turns


def print_neighbour(alone, beside, busy, options):
    print(f"\nvictim at {options.rate} requests/s, medians of {options.rounds} rounds of "
          f"{options.seconds} s")
    print(f"  {'ms':<28}{'p50':>9}{'p90':>9}{'p99':>9}{'max':>9}")
    for name, runs in (("alone", alone), (f"beside {options.loops} loops", beside)):
        row = [statistics.median(run[key] for run in runs)
               for key in ("p50_ms", "p90_ms", "p99_ms", "max_ms")]
        print(f"  {name:<28}" + "".join(f"{value:>9.3f}" for value in row))
    ratios = [noisy["p99_ms"] / quiet["p99_ms"] for quiet, noisy in zip(alone, beside)]
    ratio = statistics.median(ratios)
    print(f"  p99 beside / alone: {ratio:.2f} (rounds: "
          f"{' '.join(f'{value:.2f}' for value in ratios)}), goal <= {RATIO_GOAL}: "
          f"{support.verdict(ratio <= RATIO_GOAL)}")
    print(f"  server's CPU beside the loops: {busy:.0%} of a core")
    return ratio <= RATIO_GOAL


# ---- many tenants --------------------------------------------------------------------------------

class Caller:
    """One kept connection that asks again as soon as it was answered."""

    def __init__(self, port, tenant):
        self.tenant = tenant
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.question = f"GET /f/t{tenant}/work/ HTTP/1.1\r\nHost: x\r\n\r\n".encode()
        self.answer = b""

    def ask(self):
        self.answer = b""
        if self.socket.send(self.question) != len(self.question):
            support.die("a socket's buffer is full of one request")

    def hear(self):
        """True when the answer is complete."""
        data = self.socket.recv(65536)
        if not data:
            support.die(f"the server closed a connection of tenant {self.tenant}")
        self.answer += data
        if not self.answer.endswith(b"hello\n"):
            return False
        if not self.answer.startswith(b"HTTP/1.1 200 "):
            support.die(f"tenant {self.tenant} got {self.answer[:100]!r}")
        return True


def run_callers(callers, seconds):
    """Answers by tenant between the first second and the end."""
    served = [0] * (max(caller.tenant for caller in callers) + 1)
    with selectors.DefaultSelector() as selector:
        for caller in callers:
            selector.register(caller.socket, selectors.EVENT_READ, caller)
            caller.ask()
        counts_from = time.monotonic() + 1
        end = counts_from + seconds
        while (now := time.monotonic()) < end:
            for key, _ in selector.select(0.1):
                caller = key.data
                if caller.hear():
                    served[caller.tenant] += now >= counts_from
                    caller.ask()
    return served


def measure_saturation(skerry, cores, options):
    server_core, client_core = cores
    runs = []
    with support.SkerryServer(skerry, server_core) as server:
        admin = support.Admin(server.admin_socket)
        for tenant in range(options.tenants):
            admin.deploy(f"t{tenant}", "work", modules.work(options.turns))
        os.sched_setaffinity(0, {client_core})
        for _ in range(options.rounds):
            callers = [Caller(server.port, tenant) for tenant in range(options.tenants)
                       for _ in range(options.connections * (1 if tenant % 2 == 0 else 4))]
            runs.append(run_callers(callers, options.seconds))
            for caller in callers:
                caller.socket.close()
            time.sleep(1)
        turns = read_turns(server)
    return runs, turns


def jain_index(values):
    squares = sum(value * value for value in values)
    return sum(values) ** 2 / (len(values) * squares) if squares else 0


def print_saturation(runs, options):
    indexes = [jain_index(run) for run in runs]
    index = statistics.median(indexes)
    few = statistics.median(sum(run[0::2]) / len(run[0::2]) for run in runs)
    many = statistics.median(sum(run[1::2]) / max(len(run[1::2]), 1) for run in runs)
    print(f"\n{options.tenants} saturating tenants, {options.connections} and "
          f"{options.connections * 4} connections by turns, medians of {options.rounds} rounds "
          f"of {options.seconds} s")
    print(f"  served in all: {statistics.median(map(sum, runs)) / options.seconds:.0f} "
          f"requests/s of {options.turns} loop turns each")
    print(f"  a tenant of {options.connections} connections: {few / options.seconds:.1f}/s, of "
          f"{options.connections * 4}: {many / options.seconds:.1f}/s, least "
          f"{min(map(min, runs)) / options.seconds:.1f}/s, most "
          f"{max(map(max, runs)) / options.seconds:.1f}/s")
    print(f"  Jain's index: {index:.4f} (rounds: "
          f"{' '.join(f'{value:.4f}' for value in indexes)}), goal >= {JAIN_GOAL}: "
          f"{support.verdict(index >= JAIN_GOAL)}")
    return index >= JAIN_GOAL


# ---- weights -------------------------------------------------------------------------------------

def measure_weights(skerry, cores, options):
    """What tenants of different weights were served, a row for each round."""
    server_core, client_core = cores
    runs = []
    with support.SkerryServer(skerry, server_core) as server:
        admin = support.Admin(server.admin_socket)
        for tenant, weight in enumerate(WEIGHTS):
            admin.deploy(f"t{tenant}", "work", modules.work(options.turns))
            admin.limit(f"t{tenant}", f'{{"cpu_share": {weight}}}')
        os.sched_setaffinity(0, {client_core})
        for _ in range(options.rounds):
            callers = [Caller(server.port, tenant) for tenant in range(len(WEIGHTS))
                       for _ in range(WEIGHT_CONNECTIONS)]
            runs.append(run_callers(callers, options.seconds))
            for caller in callers:
                caller.socket.close()
            time.sleep(1)
        turns = read_turns(server)
    return runs, turns


def print_weights(runs):
    """How far a tenant's share by its weight is from the mean, at most; median of the rounds."""
    errors = []
    for run in runs:
        shares = [served / weight for served, weight in zip(run, WEIGHTS)]
        mean = statistics.mean(shares)
        errors.append(max(abs(share / mean - 1) for share in shares) if mean else 1)
    error = statistics.median(errors)
    print(f"\nweights {':'.join(map(str, WEIGHTS))}: served "
          f"{' '.join(':'.join(map(str, run)) for run in runs)}; off by {error:.1%} at most, "
          f"goal <= {WEIGHT_GOAL:.0%}: {support.verdict(error <= WEIGHT_GOAL)}")
    return error <= WEIGHT_GOAL


# ---- turns of the event loop ---------------------------------------------------------------------

def read_turns(server):
    """Cumulative counts of the workers' turns, by the upper border in seconds."""
    _, _, text = support.Admin(server.admin_socket).exchange("GET", "/metrics")
    turns = collections.Counter()
    for border, count in TURN.findall(text.decode()):
        turns[float(border)] += int(count)
    return turns


def print_turns(histograms):
    total = {border: sum(turns[border] for turns in histograms) for border in histograms[0]}
    count = total[float("inf")]
    highest = min(border for border, below in total.items() if below == count)
    longer = count - max(below for border, below in total.items() if border <= TURN_GOAL_SECONDS)
    print(f"\nturns of the event loop: {count}, longest at most {highest * 1e6:.0f} us; {longer} "
          f"longer than {TURN_GOAL_SECONDS * 1e6:.0f} us ({longer / max(count, 1):.4%}), goal 0: "
          f"{support.verdict(longer == 0)}")
    print("  " + ", ".join(f"<= {border * 1e6:.0f} us: {below}" for border, below in total.items()))
    return longer == 0


# ---- the run -------------------------------------------------------------------------------------

def main():
    options = parse_arguments()
    skerry = support.find_program(options.build, "skerry")
    cores = support.pick_cores()
    support.print_facts()
    print(f"server on core {cores[0]}, clients on core {cores[1]}; {options.workers} workers for "
          "the victim")
    neighbour, beside_loops = measure_neighbour(skerry, cores, options)
    good = print_neighbour(*neighbour, options)
    if options.neighbour:
        print_turns([beside_loops])
        return
    runs, saturated = measure_saturation(skerry, cores, options)
    good = print_saturation(runs, options) and good
    runs, weighted = measure_weights(skerry, cores, options)
    good = print_weights(runs) and good
    good = print_turns([beside_loops, saturated, weighted]) and good
    if options.strict and not good:
        support.die("a goal was missed")


if __name__ == "__main__":
    main()
