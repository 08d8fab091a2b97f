#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kills: one process of a server after the other, chosen by dice, ends by SIGKILL in the midst of
deploys and removals; now and then all of them. After each what was acknowledged is there, whole,
and nothing else is; the audit's chain verifies. A deploy whose builder was killed is refused.

  python3 tests/soak/kills.py --skerry build/skerry --kills 1000 [--seed N]

About a second each. CI kills trees fifty times (tests/e2e/50_faults.py); this is for nights.
"""
import argparse
import os
import pathlib
import random
import signal
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
VICTIMS = ("worker", "builder", "keys", "egress", "control", "tree")
MEETS_SECONDS = 10      # within which there is a builder to kill, while deploys go on


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--skerry", default="build/skerry", help="program (default: build/skerry)")
    parser.add_argument("--kills", type=int, default=1000, help="how many (default: 1000)")
    parser.add_argument("--seed", type=int, default=1, help="of the dice (default: 1)")
    return parser.parse_args()


class Soak:
    def __init__(self, harness, options):
        self.harness, self.dice = harness, random.Random(options.seed)
        self.server = harness.Server(workers=2)
        self.acknowledged, self.under_way, self.count = {}, {}, 0
        self.stopping = threading.Event()
        self.wrong, self.refused = [], 0
        self.kills = dict.fromkeys(VICTIMS, 0)

    def change(self):
        """One deploy or removal after another, until it is told to stop or nobody answers."""
        while not self.stopping.is_set():
            name = f"f{self.dice.randrange(8)}"
            if name in self.under_way:
                continue
            remove = self.acknowledged.get(name) is not None and self.dice.random() < 0.2
            self.count += 1
            text = None if remove else f"text-{self.count:08}"
            self.under_way[name] = text
            try:
                if remove:
                    answer = self.server.admin("DELETE", f"/v1/tenants/default/functions/{name}")
                else:
                    answer = self.server.put(name, self.harness.text_guest(text))
            except Exception:   # it died meanwhile  # pylint: disable=broad-except
                return
            if answer.status in (200, 201, 204):
                self.acknowledged[name] = text
            elif answer.status == 422 and answer.json["code"] == "builder_crashed":
                self.refused += 1
            else:
                self.wrong.append(f"{name}: {answer}")
            del self.under_way[name]

    def check(self, number):
        """What is served is what was acknowledged, or the change that was cut short."""
        chain = self.server.admin("GET", "/v1/audit?verify=1&limit=1").json["chain"]
        if not chain["verified"]:
            self.wrong.append(f"kill {number}: {chain}")
        for name in sorted(set(self.acknowledged) | set(self.under_way)):
            allowed = {self.acknowledged.get(name)}
            if name in self.under_way:
                allowed.add(self.under_way.pop(name))
            answer = self.server.get(name, seconds=30)
            found = None if answer.status == 404 else answer.text
            if answer.status not in (200, 404) or found not in allowed:
                self.wrong.append(f"kill {number}: {name}: {answer}, not of {allowed}")
            self.acknowledged[name] = found

    def kill(self):
        victim = self.dice.choice(VICTIMS)
        self.kills[victim] += 1
        if victim == "tree":
            self.server.kill_tree()
        elif victim == "control":
            os.kill(self.server.process.pid, signal.SIGKILL)
            self.server.kill_tree()     # what is left of it has to go by itself, or here
        else:
            self.harness.wait_until(lambda: self.kill_one(victim), MEETS_SECONDS, victim)
        return victim

    def kill_one(self, verb):
        """False if there is none just now: builders come and go."""
        pids = self.server.pids_of(verb)
        try:
            os.kill(self.dice.choice(pids), signal.SIGKILL)
        except (IndexError, ProcessLookupError):
            return False
        return True

    def round(self, number):
        self.stopping.clear()
        thread = threading.Thread(target=self.change)
        thread.start()
        self.stopping.wait(self.dice.uniform(0.01, 0.4))
        victim = self.kill()
        self.stopping.set()
        thread.join()
        if victim in ("tree", "control"):
            self.server.start()
        self.harness.wait_until(
            lambda: self.server.admin("GET", "/readyz").status == 200 and
            len(self.server.worker_pids()) == 2, 30, f"ready after the end of {victim}")
        self.check(number)


def main():
    options = parse_arguments()
    os.environ["SKERRY"] = str(pathlib.Path(options.skerry).resolve())
    import harness  # pylint: disable=import-outside-toplevel
    soak = Soak(harness, options)
    soak.server.start()
    for number in range(1, options.kills + 1):
        soak.round(number)
        if soak.wrong:
            break
        if number % 50 == 0:
            print(f"{number} kills, {soak.count} changes", flush=True)
    soak.server.stop()
    print("\n".join(soak.wrong))
    print(f"{sum(soak.kills.values())} kills {soak.kills}, {soak.count} changes "
          f"({soak.refused} refused), {len(soak.wrong)} wrong")
    return 1 if soak.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
