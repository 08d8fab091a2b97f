#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What one more worker costs workerd, and one more function costs Skerry, in one run.

  npm install --prefix DIRECTORY workerd
  python3 tests/bench/workerd.py --build build --workerd DIRECTORY/node_modules/.bin/workerd

workerd: the time until the last of its workers answered, and its memory when each answered
once, with one worker and with many; the difference, for each worker more. Runs alternate and
medians count. Skerry: as many functions deployed, each called once: the median of what the
server says a cold start took, and the worker's memory more. Memory is Pss and page tables;
Skerry's is read at once and again when its isolates waited for longer than pool.trim. All
are pinned to one core. Goal: 100 times better in both.

workerd starts its workers when it starts, Skerry when their first requests come. If there
is no workerd, the bench says SKIP and ends with 77.
"""
import argparse
import os
import pathlib
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

import density
import modules
import support

RATIO_GOAL = 100
SKIPPED = 77
TRIM_SECONDS = 4  # pool.trim is 1 s
START_SECONDS = 60
REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
SCRIPT = "export default { async fetch() { return new Response('hello %d') } }"


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--build", default="build", help="build directory (default: build)")
    parser.add_argument("--workerd", help="the program (default: found on PATH)")
    parser.add_argument("--workers", type=int, default=50, help="more than one (default: 50)")
    parser.add_argument("--rounds", type=int, default=3, help="of workerd (default: 3)")
    parser.add_argument("--functions", type=int, default=500, help="of Skerry (default: 500)")
    parser.add_argument("--strict", action="store_true", help="fail if a goal is missed")
    return parser.parse_args()


def find_workerd(given):
    found = given or shutil.which("workerd")
    if found is None or not os.access(found, os.X_OK):
        print(f"SKIP: no workerd {'at ' + given if given else 'on PATH'}: nothing was compared; "
              "`npm install --prefix DIRECTORY workerd`, then --workerd "
              "DIRECTORY/node_modules/.bin/workerd", file=sys.stderr)
        sys.exit(SKIPPED)
    return os.path.realpath(found)


# ---- workerd -------------------------------------------------------------------------------------

def workerd_config(ports):
    services = ", ".join(
        f'(name = "w{index}", worker = (modules = [(name = "m.js", esModule = "'
        f'{SCRIPT % index}")], compatibilityDate = "2024-01-01"))'
        for index in range(len(ports)))
    sockets = ", ".join(
        f'(name = "s{index}", address = "127.0.0.1:{port}", http = (), service = "w{index}")'
        for index, port in enumerate(ports))
    return ('using Workerd = import "/workerd/workerd.capnp";\n'
            f"const config :Workerd.Config = (services = [{services}], sockets = [{sockets}]);\n")


def free_ports(count):
    """Held open together, or the same one could come twice."""
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def ask(port):
    """The whole answer; empty if nobody listens yet."""
    answer = b""
    try:
        with socket.create_connection(("127.0.0.1", port), 10) as connection:
            connection.sendall(REQUEST)
            while data := connection.recv(4096):
                answer += data
    except OSError:
        pass
    return answer


def wait_for_answer(process, port, index):
    deadline = time.monotonic() + START_SECONDS
    while f"hello {index}".encode() not in ask(port):
        if process.poll() is not None:
            support.die(f"workerd ended with {process.returncode} instead of serving")
        if time.monotonic() > deadline:
            support.die(f"workerd does not answer after {START_SECONDS} s")
        time.sleep(0.001)


def resident_kib(pids):
    memory = support.memory_kib(pids)
    return memory["Pss"] + memory["VmPTE"]


def run_workerd(program, core, count, directory):
    """Milliseconds until the last worker answered; KiB when all had."""
    ports = free_ports(count)
    config = pathlib.Path(directory) / f"{count}.capnp"
    config.write_text(workerd_config(ports), encoding="utf-8")
    began = time.monotonic()
    with subprocess.Popen([program, "serve", str(config)], stdin=subprocess.DEVNULL,
                          preexec_fn=lambda: os.sched_setaffinity(0, {core})) as process:
        try:
            wait_for_answer(process, ports[-1], count - 1)
            took_ms = (time.monotonic() - began) * 1000
            for index, port in enumerate(ports):
                wait_for_answer(process, port, index)
            return took_ms, resident_kib([process.pid] + support.descendants(process.pid))
        finally:
            process.terminate()


def measure_workerd(program, core, options):
    """Milliseconds and KiB for each worker more, medians."""
    times, sizes = [], []
    with tempfile.TemporaryDirectory(prefix="skerry-workerd-") as directory:
        for _ in range(options.rounds):
            one_ms, one_kib = run_workerd(program, core, 1, directory)
            many_ms, many_kib = run_workerd(program, core, options.workers + 1, directory)
            times.append((many_ms - one_ms) / options.workers)
            sizes.append((many_kib - one_kib) / options.workers)
    return statistics.median(times), statistics.median(sizes)


# ---- Skerry --------------------------------------------------------------------------------------

def measure_skerry(skerry, cores, count):
    """Milliseconds of a cold start, p50; KiB a function called once, at once and idle."""
    names = [("t", f"f{index}") for index in range(count)]
    with support.SkerryServer(skerry, cores[0], config="pool: { prewarm: 0s }\n") as server:
        density.deploy_all(server, [("first", "first"), *names], modules.hello, 4)
        density.call_all(server, [("first", "first")])
        workers = server.workers()
        before = resident_kib(workers)
        rows = density.call_all(server, names)
        after = resident_kib(workers)
        time.sleep(TRIM_SECONDS)
        idle = resident_kib(workers)
        if server.workers() != workers:
            support.die("a worker died during the run")
    if any(row["reason"] == "warm" for row in rows):
        support.die("not every first request was a cold start")
    return (statistics.median(row["start"] for row in rows),
            (after - before) / count, (idle - before) / count)


def print_row(name, unit, theirs, ours):
    ratio = theirs / ours if ours > 0 else float("inf")
    print(f"  {name:<38}{theirs:>12.3f}{ours:>12.3f} {unit:<4}{ratio:>8.0f} times"
          f", goal >= {RATIO_GOAL}: {support.verdict(ratio >= RATIO_GOAL)}")
    return ratio >= RATIO_GOAL


def main():
    options = parse_arguments()
    program = find_workerd(options.workerd)
    skerry = support.find_program(options.build, "skerry")
    cores = support.pick_cores()
    support.print_facts()
    version = subprocess.run([program, "--version"], stdout=subprocess.PIPE, text=True,
                             check=True).stdout.strip()
    start_ms, worker_kib = measure_workerd(program, cores[0], options)
    cold_ms, once_kib, idle_kib = measure_skerry(skerry, cores, options.functions)
    print(f"\n{version}: {options.workers} workers more, medians of {options.rounds} rounds; "
          f"Skerry: {options.functions} functions\n  {'':<38}{'workerd':>12}{'Skerry':>12}")
    good = print_row("start of one more (p50)", "ms", start_ms, cold_ms)
    good = print_row("memory of one more, called once", "KiB", worker_kib, once_kib) and good
    good = print_row(f"... idle for {TRIM_SECONDS} s", "KiB", worker_kib, idle_kib) and good
    if options.strict and not good:
        support.die("a goal was missed")


if __name__ == "__main__":
    main()
