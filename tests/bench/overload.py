#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""More than a worker can do: who is sent away, what others notice, and how soon it is over.

  python3 tests/bench/overload.py --build build

Four tenants are asked for endless loops, and a fifth for small answers as fast as it goes, by
hundreds of connections, while a victim asks at a fixed rate. Then all of them leave at once, and
the victim asks as fast as it can, a window after the other, as it did before the flood. The worker
has a core to itself; the flood shares the victim's, at the lowest priority. Full speed is told by
the worker's CPU time a request, which others on the machine change less than requests a second;
both are printed, and never judged. What is: in the midst of the flood everybody who is sent away is
told by Retry-After when to come back.
"""
import argparse
import contextlib
import os
import pathlib
import re
import signal
import socket
import statistics
import subprocess
import time

import modules
import support

TENANTS = 4
WINDOW_MS = 200
WINDOWS = 8
FULL_SPEED = 0.95
ASKED = 40          # of who is flooded, for what who is sent away is told


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--build", default="build", help="build directory (default: build)")
    parser.add_argument("--rounds", type=int, default=3, help="(default: 3)")
    parser.add_argument("--first", action="store_true", help=support.FIRST_HELP)
    parser.add_argument("--seconds", type=int, default=4, help="of a flood (default: 4)")
    return parser.parse_args()


class Flood:
    """Load generators in the background; `reports` are theirs that ended by themselves."""

    def __init__(self, skerry, core, server, seconds):
        self.processes = []
        paths = [f"/f/hog{i}/loop/" for i in range(TENANTS)] + ["/f/busy/hello/"]
        for path in paths:
            self.processes.append(subprocess.Popen(
                [skerry, "loadtest", "--url", f"http://127.0.0.1:{server.port}{path}", "--rate",
                 "max", "--connections", "100", "--duration", f"{seconds}s", "--timeout", "60s",
                 "--json"],
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True,
                preexec_fn=lambda: support.pin(core, 19)))

    def end(self):
        for process in self.processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            process.stdout.close()


def ask(skerry, core, server, duration, rate="max"):
    with support.first(server.goes_first):
        return support.loadtest(
            skerry, core, "--url", f"http://127.0.0.1:{server.port}/f/victim/hello/", "--rate",
            str(rate), "--connections", "8", "--duration", duration, "--timeout", "10s")


def running_ns(pid):
    """CPU time of a process of one thread, finer than ticks."""
    return int(pathlib.Path(f"/proc/{pid}/schedstat").read_text(encoding="utf-8").split()[0])


def window(skerry, core, server):
    """Answers a second, and the worker's microseconds for each."""
    worker, = server.workers()
    began = running_ns(worker)
    count = ask(skerry, core, server, f"{WINDOW_MS}ms")["succeeded"]
    return count / (WINDOW_MS / 1000), (running_ns(worker) - began) / 1000 / max(count, 1)


def sent_away(server):
    """Requests that were sent away, by their code."""
    _, _, text = support.Admin(server.admin_socket).exchange("GET", "/metrics")
    rows = {}
    for line in text.decode().splitlines():
        if line.startswith("skerry_requests_refused_total{"):
            code = line.partition('code="')[2].partition('"')[0]
            rows[code] = rows.get(code, 0) + int(line.rsplit(" ", 1)[1])
    return rows


def told_to_come_back(server):
    """How many of those that ask a flooded tenant are sent away; each has to be told until when."""
    connection = support.Connection(socket.AF_INET, ("127.0.0.1", server.port))
    away = 0
    for _ in range(ASKED):
        status, head, _ = connection.exchange("GET", "/f/hog0/loop/")
        if status == 503:
            away += 1
            if not re.search(r"^retry-after: [1-9]\d*\r?$", head, re.M):
                support.die(f"a 503 without Retry-After: {head!r}")
    if away == 0:
        support.die(f"of {ASKED} requests for a flooded tenant none was sent away")
    return away


def measure_round(skerry, cores, server, seconds):
    _, client_core = cores
    peace = [window(skerry, client_core, server) for _ in range(WINDOWS)]
    before, before_us = (statistics.median(column) for column in zip(*peace))
    refused = sent_away(server)
    flood = Flood(skerry, client_core, server, seconds + 10)
    time.sleep(1)
    beside = ask(skerry, client_core, server, f"{seconds}s", 200)
    away = told_to_come_back(server)
    refused = {code: count - refused.get(code, 0) for code, count in sent_away(server).items()
               if count > refused.get(code, 0)}
    flood.end()
    ended = time.monotonic()
    windows = []
    for _ in range(WINDOWS):
        after, after_us = window(skerry, client_core, server)
        windows.append((before_us / after_us, after / before, time.monotonic() - ended))
    return (before, before_us), beside, (refused, away), windows


def main():
    options = parse_arguments()
    skerry = support.find_program(options.build, "skerry")
    cores = support.pick_cores()
    support.print_facts()
    config = "limits: { concurrency: 16, queue: 32, queue_wait: 200ms, wall: 5s }\n"
    with support.SkerryServer(skerry, cores[0], config=config) as server:
        os.sched_setaffinity(server.process.pid, {cores[1]})
        server.goes_first = options.first
        support.go_first(server.workers()[0], options.first)
        admin = support.Admin(server.admin_socket)
        admin.deploy("victim", "hello", modules.hello())
        admin.deploy("busy", "hello", modules.hello())
        for i in range(TENANTS):
            admin.deploy(f"hog{i}", "loop", modules.endless())
        print("\nlimits.concurrency 16, queue 32, queue_wait 200 ms, wall 5 s\n")
        for _ in range(options.rounds):
            before, beside, (refused, away), windows = measure_round(skerry, cores, server,
                                                             options.seconds)
            failed = beside["failed"] + beside["answered"] - beside["succeeded"]
            back = next((at for ratio, _, at in windows if ratio >= FULL_SPEED), None)
            print(f"before {before[0]:,.0f} requests/s, {before[1]:.2f} us; beside the flood "
                  f"{failed} of {beside['answered'] + beside['failed']} failed, p50 "
                  f"{beside['latency']['all']['p50_ms']:.2f} ms, p99 "
                  f"{beside['latency']['all']['p99_ms']:.2f}; sent away {refused}, "
                  f"{away} of {ASKED} that were looked at, each with Retry-After; "
                  + (f"full speed in the window that ended {back:.2f} s after it" if back
                     else f"not at full speed within {windows[-1][2]:.2f} s")
                  + "; by CPU " + " ".join(f"{ratio:.2f}" for ratio, _, _ in windows)
                  + ", by requests " + " ".join(f"{ratio:.2f}" for _, ratio, _ in windows),
                  flush=True)


if __name__ == "__main__":
    main()
