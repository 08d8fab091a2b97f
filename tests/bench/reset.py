#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Taking a warm isolate and resetting it, by how many pages of memory were written.

  python3 tests/bench/reset.py --build build

The work is done by the program reset_isolate, in its own process on one core; beside each
figure stands memcpy of the same pages, by turns with it. Medians. The goal is at most
1 us and 0.25 us for each dirty page.
"""
import argparse
import os
import subprocess

import support

BASE_GOAL_US = 1
PAGE_GOAL_US = 0.25


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", default="build", help="build directory (default: build)")
    parser.add_argument("--strict", action="store_true", help="fail if a goal is missed")
    return parser.parse_args()


def print_row(pages, took_us, copy_us):
    goal = BASE_GOAL_US + PAGE_GOAL_US * pages
    ratio = f"{took_us / copy_us:.2f}" if pages else "-"
    print(f"  {pages:>5}{took_us:>18.2f}{copy_us:>13.2f}{ratio:>8}{goal:>11.2f}  "
          f"{support.verdict(took_us <= goal)}")
    return took_us <= goal


def main():
    options = parse_arguments()
    program = support.find_program(options.build, "reset_isolate")
    core, _ = support.pick_cores()
    support.print_facts()
    done = subprocess.run([program], stdout=subprocess.PIPE, text=True, check=False,
                          preexec_fn=lambda: os.sched_setaffinity(0, {core}))
    if done.returncode != 0:
        support.die(f"{program} ended with {done.returncode}")
    print("\ntake and reset of a warm isolate, medians, us")
    print(f"  {'pages':>5}{'take and reset':>18}{'memcpy':>13}{'ratio':>8}{'goal <=':>11}")
    good = True
    for line in done.stdout.splitlines():
        pages, took_ns, copy_ns = map(int, line.split())
        good = print_row(pages, took_ns / 1000, copy_ns / 1000) and good
    if options.strict and not good:
        support.die("a goal was missed")


if __name__ == "__main__":
    main()
