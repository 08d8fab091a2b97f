#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Workers that are killed: each has a successor, and only what ran in it fails.

Clients ask one after the other on connections of their own while the worker, and then its
successors, get SIGKILL. Run as who may signal it, with --worker; control is its parent.
"""
import contextlib
import os
import pathlib
import signal
import time

import attack
import harness

CLIENTS = 4
KILLS = 6
DEADLINE_S = 60


def parent_of(pid):
    return int(pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def workers_of(control):
    return set(harness.pids_of(control, "worker"))


class Clients(contextlib.ExitStack):
    """They ask all the time; how often they were answered, and how often it failed."""

    def __init__(self, target, count):
        super().__init__()
        self.target = target
        self.loads = [self.enter_context(harness.Load(1, self._ask)) for _ in range(count)]

    def _ask(self):
        with self.target.connect(DEADLINE_S) as client:
            client.sendall(f"GET {self.target.path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                           "\r\n".encode())
            answer = b""
            while piece := client.recv(65536):
                answer += piece
        if not answer.startswith(b"HTTP/1.1 200 "):
            raise OSError(f"not answered: {answer[:80]}")

    def answered(self):
        return [len(load.results) for load in self.loads]

    def failed(self):
        return sum(len(load.failures) for load in self.loads)

    def wait_for_more(self):
        """Until each has been answered twice more: the second was asked for after this began."""
        wanted = [count + 2 for count in self.answered()]
        deadline = time.monotonic() + DEADLINE_S
        while any(a < w for a, w in zip(self.answered(), wanted)):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.001)
        return True


def kill(control, victim):
    """Ends it; its successor, and the milliseconds until it was there."""
    before = workers_of(control)
    began = time.monotonic()
    os.kill(victim, signal.SIGKILL)
    while time.monotonic() - began < DEADLINE_S:
        if after := workers_of(control) - before:
            return min(after), (time.monotonic() - began) * 1000
        time.sleep(0.001)
    raise attack.Broken("no successor")


def run(target, kills=KILLS):
    control = parent_of(target.worker)
    victim = target.worker
    with Clients(target, CLIENTS) as clients:
        for number in range(1, kills + 1):
            asked = clients.wait_for_more()
            failed = clients.failed()
            began = time.monotonic()
            victim, there_ms = kill(control, victim)
            attack.insist(asked and clients.wait_for_more(),
                          f"kill {number}: all are answered again; successor after "
                          f"{there_ms:.0f} ms, answers after "
                          f"{(time.monotonic() - began) * 1000:.0f}")
            lost = clients.failed() - failed
            attack.insist(lost <= CLIENTS, f"kill {number}: {lost} requests failed, "
                                           f"at most {CLIENTS} were under way")
        failed = clients.failed()
        attack.insist(clients.wait_for_more() and clients.failed() == failed,
                      f"nothing fails afterwards; {sum(clients.answered())} were answered")


if __name__ == "__main__":
    attack.main(run, __doc__)
