#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Deploys: from the upload's first byte to the answer, and until every worker serves the version;
rollbacks: from the answer until then.

  python3 tests/bench/deploy.py --build build

Modules are made here: thousands of functions of arithmetic, no two versions alike, so that nothing
was built or stored before. Beside each upload the same bytes are written to a file of the same
disk and synced: what of it is the disk's. Milliseconds, as the client sees them; the connections
that ask for the version are kept, so that they are of all workers.
"""
import argparse
import os
import pathlib
import socket
import statistics
import tempfile
import time

import modules
import support

CONNECTIONS = 16    # kept; two workers share them
GOAL_MS = {1: 30, 15: 250}
ROLLBACK_GOAL_MS = 50
NAME = "bench"


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--build", default="build", help="build directory (default: build)")
    parser.add_argument("--megabytes", type=int, nargs="+", default=[1, 15],
                        help="sizes of modules (default: 1 15)")
    parser.add_argument("--uploads", type=int, default=15, help="of each (default: 15)")
    parser.add_argument("--native", choices=["on", "off"], default="on",
                        help="is machine code made, too? (default: on)")
    parser.add_argument("--workers", type=int, default=2, help="(default: 2)")
    return parser.parse_args()


def until_live(connections, version):
    """Seconds until no connection is answered by another version."""
    begun = time.perf_counter()
    for connection in connections:
        while f"x-skerry-version: {version}\r\n" not in connection.exchange(
                "GET", f"/f/default/{NAME}/")[1]:
            pass
    return time.perf_counter() - begun


def synced(folder, data):
    """Seconds to write as much to the disk, and be sure of it."""
    begun = time.perf_counter()
    descriptor = os.open(folder / "synced", os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    os.write(descriptor, data)
    os.fdatasync(descriptor)
    os.close(descriptor)
    return time.perf_counter() - begun


def all_cpu_seconds(server):
    """Of what runs, and of what control has waited for: builders."""
    stat = pathlib.Path(f"/proc/{server.process.pid}/stat").read_text(encoding="utf-8")
    ended = stat.rsplit(")", 1)[1].split()[13:15]
    return server.cpu_seconds() + sum(map(int, ended)) / support.TICKS_PER_SECOND


def upload(server, admin, connections, number, megabytes):
    module = modules.large(megabytes, f"{megabytes}-{number}-{os.getpid()}")
    begun = time.perf_counter()
    admin.deploy("default", NAME, module)
    answered = time.perf_counter() - begun
    if not connections:
        connections += [support.Connection(socket.AF_INET, ("127.0.0.1", server.port))
                        for _ in range(CONNECTIONS)]
    live = until_live(connections, f"v{number}")
    return answered, answered + live, synced(pathlib.Path(server.data), module)


def roll_back(admin, connections, number):
    status, _, text = admin.exchange(
        "POST", f"/v1/tenants/default/functions/{NAME}/rollback",
        f'{{"to": "v{number}"}}'.encode())
    if status != 200:
        support.die(f"rollback: {status} {text.decode()}")
    return until_live(connections, f"v{number}")


def show(what, seconds, goal_ms=None):
    ranked = sorted(1e3 * s for s in seconds)
    p50, p90 = statistics.median(ranked), ranked[len(ranked) * 9 // 10]
    met = "" if goal_ms is None else f"   goal {goal_ms} ms: {support.verdict(p50 <= goal_ms)}"
    print(f"{what:44} p50 {p50:8.1f}   p90 {p90:8.1f} ms{met}")


def run(skerry, options, megabytes):
    with support.SkerryServer(skerry, support.pick_cores()[0], workers=options.workers,
                              config=f"limits: {{ native: {options.native} }}\n") as server:
        server.unpin()
        admin = support.Admin(server.admin_socket)
        connections = []
        rows = [upload(server, admin, connections, 1, megabytes)]
        before = all_cpu_seconds(server)
        rows += [upload(server, admin, connections, i + 1, megabytes)
                 for i in range(1, options.uploads)]
        spent = (all_cpu_seconds(server) - before) / (options.uploads - 1)
        answered, live, disk = zip(*rows[1:])   # the first finds nothing warm
        show(f"{megabytes} MB: answered", answered)
        show(f"{megabytes} MB: live on all workers", live, GOAL_MS.get(megabytes))
        show("  as many bytes written and synced", disk)
        print(f"{'  CPU of all processes, builders too':44} mean {1e3 * spent:7.1f} ms")
        back = [roll_back(admin, connections, options.uploads - i % 2)
                for i in range(options.uploads)]
        show("  rollback: live after the answer", back[1:], ROLLBACK_GOAL_MS)


def main():
    options = parse_arguments()
    support.print_facts()
    skerry = support.find_program(options.build, "skerry")
    for megabytes in options.megabytes:
        run(skerry, options, megabytes)


if __name__ == "__main__":
    main()
