#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Density: many functions of many tenants on one machine, under one worker.

  python3 tests/bench/density.py --build build --functions 10000

Deploys different small modules and a large one or two of ~15 MB, starts the server anew,
calls each function once, then at random by Zipf's law. What deploys wait for the disk is
left out: the data directory is in memory unless --directory says otherwise.
Times by phase are the server's own (server-timing); client times include the network and
this client. Memory is the worker's after the calls less before them, for each function.
"""
import argparse
import bisect
import concurrent.futures
import itertools
import os
import random
import re
import shutil
import socket
import tempfile
import threading
import time

import modules
import support

READY_GOAL_MS = 200
P50_GOAL_MS = 0.060
P99_GOAL_MS = 0.300
MEMORY_GOAL_KIB = 16
TRIM_SECONDS = 6  # pool.trim is 1 s, and thousands take their turns
PHASES = ("queue", "lookup", "load", "restore", "start", "exec")
TIMING = re.compile(r"(\w+);dur=([0-9.]+)(?:;desc=\"([^\"]*)\")?")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", default="build", help="build directory (default: build)")
    parser.add_argument("--functions", type=int, default=2000, help="(default: 2000)")
    parser.add_argument("--tenants", type=int, default=100, help="(default: 100)")
    parser.add_argument("--calls", type=int, default=20000, help="at random (default: 20000)")
    parser.add_argument("--zipf", type=float, default=1.1, help="exponent (default: 1.1)")
    parser.add_argument("--large", type=int, default=5,
                        help="large modules beside as many more small ones (default: 5)")
    parser.add_argument("--megabytes", type=float, default=15, help="of a large one (default: 15)")
    parser.add_argument("--threads", type=int, default=8, help="that deploy (default: 8)")
    parser.add_argument("--directory", default="/dev/shm",
                        help="where the data directory is made (default: /dev/shm)")
    return parser.parse_args()


# ---- deploying -----------------------------------------------------------------------------------

def deploy_all(server, names, make_module, threads):
    """Seconds it took; `make_module` gives the module of a name."""
    own = threading.local()

    def deploy(name):
        if not hasattr(own, "admin"):
            own.admin = support.Admin(server.admin_socket)
        own.admin.deploy(*name, make_module(f"{name[0]}/{name[1]}"))

    began = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        list(pool.map(deploy, names))
    return time.monotonic() - began


# ---- calling -------------------------------------------------------------------------------------

def call(connection, name):
    """One row: start reason, milliseconds by phase, the client's own time as `client`."""
    began = time.perf_counter()
    status, head, content = connection.exchange("GET", f"/f/{name[0]}/{name[1]}/")
    row = {"client": (time.perf_counter() - began) * 1000}
    if status != 200 or content != b"hello\n":
        support.die(f"{name[0]}/{name[1]} answered {status} {content[:200]!r}")
    timing = head.split("server-timing:", 1)[1].split("\r\n", 1)[0]
    for phase, duration, text in TIMING.findall(timing):
        row[phase] = float(duration)
        if phase == "start":
            row["reason"] = text
    return row


def call_all(server, names):
    connection = support.Connection(socket.AF_INET, ("127.0.0.1", server.port))
    rows = [call(connection, name) for name in names]
    connection.socket.close()
    return rows


def zipf_names(names, options):
    """Ranks are shuffled, so that the popular ones are of all tenants."""
    dice = random.Random(4)
    ranked = dice.sample(names, len(names))
    total = list(itertools.accumulate(1 / rank ** options.zipf
                                      for rank in range(1, len(names) + 1)))
    return [ranked[bisect.bisect_left(total, dice.random() * total[-1])]
            for _ in range(options.calls)]


# ---- printing ------------------------------------------------------------------------------------

def quantile(values, share):
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]


def print_rows(title, rows):
    if not rows:
        return
    reasons = {}
    for row in rows:
        reasons[row["reason"]] = reasons.get(row["reason"], 0) + 1
    print(f"\n{title}: {len(rows)} requests, {reasons}")
    print(f"  {'ms':<10}{'p50':>9}{'p99':>9}{'max':>9}")
    for phase in (*PHASES, "client"):
        values = [row[phase] for row in rows if phase in row]
        if values:
            print(f"  {phase:<10}{quantile(values, 0.5):>9.3f}{quantile(values, 0.99):>9.3f}"
                  f"{max(values):>9.3f}")
    starts = [row["start"] for row in rows if row["reason"] != "warm"]
    if starts:
        p50, p99 = quantile(starts, 0.5), quantile(starts, 0.99)
        print(f"  cold starts: p50 {p50 * 1000:.0f} us, goal <= {P50_GOAL_MS * 1000:.0f}: "
              f"{support.verdict(p50 <= P50_GOAL_MS)}; p99 {p99 * 1000:.0f} us, goal <= "
              f"{P99_GOAL_MS * 1000:.0f}: {support.verdict(p99 <= P99_GOAL_MS)}")


def print_memory(title, before, after, count):
    kept = {key: (after[key] - before[key]) / count for key in before}
    print(f"\n{title}: KiB a function: " +
          ", ".join(f"{key} {value:.1f}" for key, value in kept.items()) +
          f"; resident (Pss and page tables) {kept['Pss'] + kept['VmPTE']:.1f}, goal <= "
          f"{MEMORY_GOAL_KIB}: "
          f"{support.verdict(kept['Pss'] + kept['VmPTE'] <= MEMORY_GOAL_KIB)}")


# ---- the run -------------------------------------------------------------------------------------

def start(skerry, core, data):
    """A server and the milliseconds until it said `ready`."""
    began = time.monotonic()
    server = support.SkerryServer(skerry, core, data)
    return server, (server.ready_at - began) * 1000


def deploy_everything(server, names, smalls, larges, options):
    seconds = deploy_all(server, names, modules.hello, options.threads)
    print(f"deployed {len(names)} functions of {options.tenants} tenants in {seconds:.1f} s "
          f"({len(names) / seconds:.0f} a second), {len(modules.hello('x'))} bytes each")
    deploy_all(server, smalls, modules.hello, 1)
    made = {"/".join(name): modules.large(options.megabytes, name[1]) for name in larges}
    seconds = deploy_all(server, larges, made.get, 1)
    print(f"deployed {len(larges)} modules of {options.megabytes:g} MB in {seconds:.1f} s "
          f"({seconds / max(len(larges), 1):.2f} s each)")
    footprint = sum(os.stat(os.path.join(path, file)).st_blocks * 512
                    for path, _, files in os.walk(server.data) for file in files)
    print(f"data directory: {footprint / 2**20:.0f} MiB")


def call_everything(server, names, smalls, larges, options):
    worker = server.workers()
    call_all(server, [("first", "first")])  # a worker's first request touches pages of its own
    before = support.memory_kib(worker)
    print_rows("each once, small modules", call_all(server, names))
    after = support.memory_kib(worker)
    print_memory("worker, after each was called once", before, after, len(names))
    time.sleep(TRIM_SECONDS)
    idle = support.memory_kib(worker)
    print_memory(f"worker, after {TRIM_SECONDS} s more without requests", before, idle, len(names))
    # By turns, so that both sizes meet the same neighbours.
    rows = call_all(server, [name for pair in zip(smalls, larges) for name in pair])
    print_rows("beside the large ones, small modules", rows[0::2])
    print_rows("large modules", rows[1::2])
    rows = call_all(server, zipf_names(names, options))
    warm = [row for row in rows if row["reason"] == "warm"]
    print_rows(f"Zipf {options.zipf}, warm", warm)
    print_rows(f"Zipf {options.zipf}, cold", [row for row in rows if row["reason"] != "warm"])
    print(f"\nhit rate {len(warm) / len(rows):.1%}")
    print_memory("worker, after the calls by Zipf", before, support.memory_kib(worker), len(names))
    if server.workers() != worker:
        support.die("a worker died during the run")


def run(skerry, cores, options, data):
    names = [(f"t{index % options.tenants}", f"f{index}") for index in range(options.functions)]
    smalls = [("small", f"f{index}") for index in range(options.large)]
    larges = [("large", f"f{index}") for index in range(options.large)]
    server, _ = start(skerry, cores[0], data)
    with server:
        server.unpin()  # builders may use the whole machine
        deploy_all(server, [("first", "first")], modules.hello, 1)
        deploy_everything(server, names, smalls, larges, options)
    times = []
    for _ in range(5):
        server, ready_ms = start(skerry, cores[0], data)
        times.append(ready_ms)
        server.stop()
    print(f"restart: ready after {quantile(times, 0.5):.0f} ms (of five: "
          f"{' '.join(f'{value:.0f}' for value in times)}), goal <= {READY_GOAL_MS}: "
          f"{support.verdict(quantile(times, 0.5) <= READY_GOAL_MS)}")
    server, _ = start(skerry, cores[0], data)
    with server:
        os.sched_setaffinity(0, {cores[1]})
        call_everything(server, names, smalls, larges, options)


def main():
    options = parse_arguments()
    skerry = support.find_program(options.build, "skerry")
    cores = support.pick_cores()
    support.print_facts()
    data = tempfile.mkdtemp(prefix="skerry-density-", dir=options.directory)
    print(f"server on core {cores[0]}, client on core {cores[1]}; data in {options.directory}")
    try:
        run(skerry, cores, options, os.path.join(data, "data"))
    finally:
        shutil.rmtree(data, ignore_errors=True)


if __name__ == "__main__":
    main()
