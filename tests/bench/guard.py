#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What strict reading costs: a head by our parser, which stands in libh2o's place, and by libh2o's
own, in the same minute; and how much of a warm request the difference is.

  python3 tests/bench/guard.py --build build --request-us 5.7

--request-us is the CPU time of a warm request, as http.py prints it.
"""
import argparse
import os
import subprocess

import support

GOAL = 0.01


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--build", default="build", help="build directory (default: build)")
    parser.add_argument("--request-us", type=float, default=5.7, help="(default: 5.7)")
    options = parser.parse_args()
    support.print_facts()
    core = support.pick_cores()[0]
    done = subprocess.run([support.find_program(options.build, "guard_parse")], check=True,
                          stdout=subprocess.PIPE, text=True,
                          preexec_fn=lambda: os.sched_setaffinity(0, {core}))
    for line in done.stdout.splitlines():
        name, ours, theirs = line.split()
        more = float(ours) - float(theirs)
        share = more / (1000 * options.request_us)
        print(f"{name:8} ours {float(ours):6.1f} ns   libh2o {float(theirs):6.1f} ns   "
              f"{100 * share:+5.2f} % of a request   goal {100 * GOAL:.0f} %: "
              f"{support.verdict(share <= GOAL)}")


if __name__ == "__main__":
    main()
