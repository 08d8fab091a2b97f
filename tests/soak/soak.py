#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A million mixed requests, with faults in between; memory and descriptors stay where they are.

  python3 tests/soak/soak.py --build build [--requests 1000000] [--seconds-between-faults 5]

Clients ask a text, an echo, an answer of 1 MiB, a trap, an endless loop and what is not there, on
kept connections and on new ones. Meanwhile a fault every few seconds, by turns: a worker is killed,
the key process or egress is killed, a version is deployed and another one rolled back, workers are
replaced by a reload, an upload is broken off. Figures, each of which must hold: an answer that is
none of those that are right for its kind 0, but for connections that ended in the second after a
worker was killed; memory of all processes in the last third no more than 20 % and 16 MiB above the
first third's; descriptors of control no more than 8 above. Not for CI: see tests/soak/nightly.
"""
import argparse
import collections
import http.client
import os
import pathlib
import random
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))
# pylint: disable=wrong-import-position
import harness

CLIENTS = 8
FORGIVEN_S = 1.5    # after a worker was killed
GROWN_SHARE, GROWN_MIB, GROWN_FDS = 1.2, 16, 8
# By limits.wall, which is short; so a machine that is busy with other things is late now and then.
LATE, LATE_SHARE = 504, 0.001
CONFIG = "limits: { wall: 300ms, slice: 2ms }\n"

# kind -> (how often, method, target, body, statuses that are right)
KINDS = {
    "text": (60, "GET", "/f/default/text/", None, (200,)),
    "echo": (20, "POST", "/f/default/echo/", b"x" * 5000, (200,)),
    "big": (5, "GET", "/f/default/big/1024", None, (200,)),
    "trap": (5, "GET", "/f/default/trap/u", None, (500, 503)),
    "loop": (1, "GET", "/f/default/loop/", None, (500, 503, 504)),
    "nothing": (9, "GET", "/f/default/nothing/", None, (404,)),
}


class Soak:
    def __init__(self, server, requests):
        self.server = server
        self.left = requests
        self.lock = threading.Lock()
        self.statuses = collections.Counter()
        self.wrong = []
        self.late = 0
        self.killed_at = 0.0

    def take(self):
        with self.lock:
            self.left -= 1
            return self.left >= 0

    def client(self, seed):
        draw = random.Random(seed)
        weights = [row[0] for row in KINDS.values()]
        connection = None
        while self.take():
            kind, = draw.choices(list(KINDS), weights)
            _, method, target, body, right = KINDS[kind]
            if connection is None or draw.random() < 0.05:
                connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=30)
            began = time.monotonic()
            try:
                connection.request(method, target, body)
                answer = connection.getresponse()
                answer.read()
                status = answer.status
            except (OSError, http.client.HTTPException) as failure:
                connection = None
                # what was under way when its worker died, and nothing else
                status = "lost" if self.was_killed(began) else repr(failure)
            with self.lock:
                self.statuses[kind, status] += 1
                if status == LATE and status not in right:
                    self.late += 1
                elif status not in right and status != "lost":
                    self.wrong.append((kind, status))

    def was_killed(self, began):
        return began - FORGIVEN_S <= self.killed_at

    def fault(self, turn):
        server = self.server
        kinds = ("worker", "helper", "deploy", "reload", "upload")
        kind = kinds[turn % len(kinds)]
        if kind == "worker":
            self.killed_at = time.monotonic()
            os.kill(server.worker_pids()[0], 9)
        elif kind == "helper":
            for pid in server.pids_of(("keys", "egress")[turn // len(kinds) % 2]):
                os.kill(pid, 9)
        elif kind == "deploy":
            server.deploy("text", harness.text_guest(f"text-soak{turn:04}"))
            server.admin("POST", "/v1/tenants/default/functions/text/rollback", b"{}")
        elif kind == "reload":
            wall = 300 + turn % 7
            (server.home / "skerry.yaml").write_text(CONFIG.replace("300ms", f"{wall}ms"))
            server.admin("POST", "/v1/reload")
        else:
            client = harness.UnixConnection(str(server.socket), 10)
            client.putrequest("PUT", "/v1/tenants/default/functions/broken")
            client.putheader("Content-Type", "application/wasm")
            client.putheader("Content-Length", "1000000")
            client.endheaders()
            client.send(b"\0asm" + bytes(1000))
            client.close()
        return kind


def sample(server):
    """Memory of all processes, and descriptors of control."""
    control = server.process.pid
    memory = sum(map(harness.memory_mib, [control, *harness.children_of(control)]))
    try:
        return memory, len(os.listdir(f"/proc/{control}/fd"))
    except PermissionError:     # only root may look into it
        return memory, 0


def insist(is_kept, text):
    print(("  kept    " if is_kept else "  BROKEN  ") + text, flush=True)
    return is_kept


def judge(soak, samples, faults, seconds):
    third = max(len(samples) // 3, 1)
    first, last = samples[:third], samples[-third:]
    memory = [sorted(row[0] for row in part)[len(part) // 2] for part in (first, last)]
    fds = [max(row[1] for row in part) for part in (first, last)]
    total = sum(soak.statuses.values())
    print(f"{total} requests in {seconds:.0f} s, faults {dict(faults)}")
    for (kind, status), count in sorted(soak.statuses.items(), key=str):
        print(f"  {kind:<8} {status}: {count}")
    kept = insist(not soak.wrong, f"{len(soak.wrong)} wrong answers {soak.wrong[:5]}")
    total = sum(soak.statuses.values())
    kept &= insist(soak.late <= LATE_SHARE * total, f"{soak.late} of {total} were late")
    kept &= insist(memory[1] <= memory[0] * GROWN_SHARE + GROWN_MIB,
                   f"memory of all processes {memory[0]:.0f} MiB, at the end {memory[1]:.0f}")
    kept &= insist(fds[1] <= fds[0] + GROWN_FDS,
                   f"descriptors of control {fds[0]}, at the end {fds[1]}")
    return kept


def run(options):
    with harness.Server(workers=2, config=CONFIG) as server:
        server.deploy("text", harness.text_guest("text-soak0000"))
        for name in ("echo", "big", "trap", "loop"):
            server.deploy(name, harness.guest(name))
        soak = Soak(server, options.requests)
        clients = [threading.Thread(target=soak.client, args=(seed,)) for seed in range(CLIENTS)]
        began = time.monotonic()
        for client in clients:
            client.start()
        samples, faults, turn = [], collections.Counter(), 0
        while soak.left > 0:
            time.sleep(min(1, options.seconds_between_faults))
            samples.append(sample(server))
            if time.monotonic() - began > (turn + 1) * options.seconds_between_faults:
                faults[soak.fault(turn)] += 1
                turn += 1
        for client in clients:
            client.join()
        return judge(soak, samples, faults, time.monotonic() - began)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--build", default="build")
    parser.add_argument("--requests", type=int, default=1_000_000)
    parser.add_argument("--seconds-between-faults", type=float, default=5)
    options = parser.parse_args()
    os.environ["SKERRY"] = str(pathlib.Path(options.build, "skerry").resolve())
    sys.exit(0 if run(options) else 1)


if __name__ == "__main__":
    main()
