#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A JavaScript handler in native code and in threaded code, in one run.

  python3 tests/bench/tiers.py --build build

Two servers, one with `limits.native: off`, take turns on one core. Printed is the worker's CPU
time for a warm request, the median of rounds. The goal is that threaded code takes five times as
long where a script works. What is the host's part of a request, or a page fault, is no faster in
native code.
"""
import argparse
import socket
import statistics

import javascript
import support

GOAL = 5
# name -> (script, requests in a round)
SCRIPTS = {
    "hello": (javascript.SCRIPTS["hello"], 400),
    "route": (javascript.SCRIPTS["route"], 400),
    "loop": ("""
export default { fetch() {
  let sum = 0;
  for (let i = 0; i < 100000; i++)
    sum = (sum * 31 + i) | 0;
  return new Response(String(sum));
} };""", 20),
    "sort": ("""
const prices = Array.from({ length: 500 }, (_, i) => i * 7919 % 1000);
export default { fetch() {
  return new Response(String([...prices].sort((a, b) => a - b)[250]));
} };""", 100),
    "regex": ("""
const log = ("at 2026-11-28T16:00 " + "nothing ".repeat(40)).repeat(10);
export default { fetch() {
  let hours = 0;
  for (const found of log.matchAll(/(\\d{4})-(\\d{2})-(\\d{2})T(\\d{2}):(\\d{2})/g))
    hours += Number(found[4]);
  return new Response(String(hours));
} };""", 100),
    "objects": ("""
export default { fetch() {
  const rows = [];
  for (let i = 0; i < 300; i++)
    rows.push({ id: i, name: "row " + i, tags: ["a", "b", String(i % 7)], price: i * 1.25 });
  const again = JSON.parse(JSON.stringify(rows));
  let sum = 0;
  for (const row of again)
    sum += row.price + row.name.length + row.tags.length;
  return new Response(String(sum));
} };""", 40),
}
WORKING = ("loop", "sort", "regex", "objects")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--build", default="build", help="build directory (default: build)")
    parser.add_argument("--rounds", type=int, default=9, help="of each server (default: 9)")
    return parser.parse_args()


def cpu_us(server, connection, name, count):
    """The worker's, for one request."""
    before = sum(map(support.cpu_seconds, server.workers()))
    for _ in range(count):
        status, _, content = connection.exchange("GET", f"/f/t/{name}/")
        if status != 200:
            support.die(f"{name} answered {status} {content[:200]!r}")
    return (sum(map(support.cpu_seconds, server.workers())) - before) / count * 1e6


def main():
    options = parse_arguments()
    skerry = support.find_program(options.build, "skerry")
    core, _ = support.pick_cores()
    support.print_facts()
    config = "limits: {{ native: {} }}\n"
    with support.SkerryServer(skerry, core, config=config.format("off")) as threaded, \
            support.SkerryServer(skerry, core, config=config.format("on")) as native:
        servers = [(server, support.Connection(socket.AF_INET, ("127.0.0.1", server.port)))
                   for server in (threaded, native)]
        for server, _ in servers:
            for name, (script, _) in SCRIPTS.items():
                javascript.put(server, name, script)
        print(f"  {'CPU us per request':<22}{'threaded':>12}{'native':>12}{'ratio':>12}")
        for name, (_, count) in SCRIPTS.items():
            costs = [[cpu_us(*pair, name, count) for pair in servers]
                     for _ in range(options.rounds + 1)][1:]  # the first warms up
            off, on = map(statistics.median, zip(*costs))
            goal = f"  goal >= {GOAL}: {support.verdict(off / on >= GOAL)}"
            print(f"  {name:<22}{off:>12.1f}{on:>12.1f}{off / on:>12.2f}"
                  f"{goal if name in WORKING else ''}", flush=True)


if __name__ == "__main__":
    main()
