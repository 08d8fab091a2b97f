#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A victim's latencies while somebody attacks, beside the same victim in peace.

  python3 tests/bench/attacks.py --build build [-k WORD]

The attacks are the programs of tests/e2e/attacks and what its tests do, each against a server of
its own with one worker, again and again while the victim is measured at a fixed rate by another
tenant's function. Rounds of peace and attack alternate, so that both see the same machine. The
worker has a core to itself; the attacker shares the victim's, at the lowest priority. The worker's
resident memory is the most that it had while it was attacked, over what it had in peace; what
`limits.tenant_memory` and the like allow is in it. Figures are printed and never judged.

On a machine that is busy with other things, who computes all the time is made to wait by the
kernel, for milliseconds, and who was idle is not: then --first lets nothing go before the worker
and the victim (SCHED_FIFO, as root). Others wait meanwhile, so few seconds of that will do.
"""
import argparse
import contextlib
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import modules
import support

ATTACKS = support.ROOT / "tests" / "e2e" / "attacks"
GUESTS = support.ROOT / "tests" / "guests"
LEAD_SECONDS = 0.5      # of an attack, until the victim is measured
CALM_SECONDS = 1        # after one, until what it left has ended

# 128 MiB, each byte of it, and then never an end.
FILL = """(module (memory (export "memory") 1)
  (func (export "handle_request") (result i64)
    (drop (memory.grow (i32.const 2047)))
    (memory.fill (i32.const 0) (i32.const 0x5a) (i32.mul (memory.size) (i32.const 65536)))
    (loop $for_ever (br $for_ever)) (i64.const 0))
  (func (export "handle_response") (param i32 i32)))"""


def translate(text):
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder) / "guest.wat"
        source.write_text(text, encoding="utf-8")
        subprocess.run(["wat2wasm", "-o", f"{folder}/guest.wasm", source], check=True)
        return (pathlib.Path(folder) / "guest.wasm").read_bytes()


def program(name, path="/f/default/hello/"):
    return lambda skerry, server: [sys.executable, str(ATTACKS / f"{name}.py"), "--port",
                                   str(server.port), "--path", path]


def calls(path, connections):
    return lambda skerry, server: [skerry, "loadtest", "--url",
                                   f"http://127.0.0.1:{server.port}{path}", "--rate", "max",
                                   "--connections", str(connections), "--duration", "60s",
                                   "--timeout", "60s"]


def uploads(skerry, server):
    """One upload after the other whose start function has no end."""
    return ["sh", "-c", f'while :; do "{skerry}" deploy "{server.data}/endless.wasm" -n endless '
            f'-t greedy --admin-socket "{server.admin_socket}"; done']


# name, what runs, skerry.yaml, what the server starts below
ROWS = [
    ("frames that bring nothing", program("empty_frames"), None, []),
    ("streams that are reset", program("rapid_reset"), None, []),
    ("headers that are bombs", program("header_bomb"), None, []),
    ("idle and slow connections", program("idle"), None, []),
    ("answers that nobody reads", program("unread", "/f/default/big/"), None, []),
    ("bodies that never end", program("bodies"), "limits: { worker_memory: 128MiB }\n", []),
    ("all connections held", program("slots"), None, ["prlimit", "--nofile=400:400"]),
    ("guests that fill memory", calls("/f/default/fill/", 16),
     "limits: { tenant_memory: 192MiB }\n", []),
    ("64 answers of 10 MiB", calls("/f/default/big/10240", 64),
     "limits: { tenant_memory: 192MiB }\n", []),
    ("endless loops", calls("/f/default/loop/", 50), None, []),
    ("uploads that never end", uploads, None, []),
]


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", default="build", help="build directory (default: build)")
    parser.add_argument("--rounds", type=int, default=3, help="of each attack (default: 3)")
    parser.add_argument("--seconds", type=int, default=3, help="of a measurement (default: 3)")
    parser.add_argument("--rate", type=int, default=200, help="victim's requests per second "
                        "(default: 200)")
    parser.add_argument("--first", action="store_true", help=support.FIRST_HELP)
    parser.add_argument("-k", metavar="WORD", default="", help="attacks with WORD only")
    return parser.parse_args()


def resident_mib(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0


class Attacker:
    """Runs the attack again and again until it is left; `grown_mib` is the worker's memory."""

    def __init__(self, command, core, worker):
        self.worker = worker
        self.idle_mib = resident_mib(worker)
        self.grown_mib = 0
        self.stopping = threading.Event()
        self.watcher = threading.Thread(target=self._watch)
        words = " ".join(f"'{word}'" for word in command)
        self.process = subprocess.Popen(
            ["sh", "-c", f"while :; do {words}; done"], stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True,
            preexec_fn=lambda: support.pin(core, 19))

    def _watch(self):
        while not self.stopping.wait(0.01):
            self.grown_mib = max(self.grown_mib, resident_mib(self.worker) - self.idle_mib)

    def __enter__(self):
        self.watcher.start()
        time.sleep(LEAD_SECONDS)
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.watcher.join()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, 9)
        self.process.wait()


def measure_victim(skerry, core, server, options):
    with support.first(options.first):
        report = support.loadtest(
            skerry, core, "--url", f"http://127.0.0.1:{server.port}/f/victim/hello/", "--rate",
            str(options.rate), "--poisson", "--connections", "10", "--duration",
            f"{options.seconds}s", "--timeout", "10s")
    return report["latency"]["all"], report["failed"] + report["answered"] - report["succeeded"]


def measure_row(skerry, cores, row, options):
    _, command, config, prefix = row
    server_core, client_core = cores
    peace, war, grown = [], [], 0
    with support.SkerryServer(skerry, server_core, config=config, prefix=prefix) as server:
        # builders, which it starts later, are not beside the worker
        os.sched_setaffinity(server.process.pid, {client_core})
        admin = support.Admin(server.admin_socket)
        admin.deploy("victim", "hello", modules.hello())
        admin.deploy("default", "hello", modules.hello())
        admin.deploy("default", "loop", modules.endless())
        admin.deploy("default", "fill", translate(FILL))
        admin.deploy("default", "big", translate((GUESTS / "e2e_big.wat").read_text("utf-8")))
        (pathlib.Path(server.data) / "endless.wasm").write_bytes(
            translate((GUESTS / "e2e_init_loop.wat").read_text("utf-8")))
        worker, = server.workers()
        support.go_first(worker, options.first)
        for _ in range(options.rounds):
            peace.append(measure_victim(skerry, client_core, server, options))
            with Attacker(command(skerry, server), client_core, worker) as attacker:
                war.append(measure_victim(skerry, client_core, server, options))
            grown = max(grown, attacker.grown_mib)
            time.sleep(CALM_SECONDS)
    return peace, war, grown


def print_row(name, peace, war, grown):
    cells = [statistics.median(run[0][key] for run in runs)
             for key in ("p50_ms", "p99_ms") for runs in (peace, war)]
    ratios = sorted(beside[0]["p50_ms"] / alone[0]["p50_ms"] for alone, beside in zip(peace, war))
    print(f"{name:<28}" + "".join(f"{cell:>10.3f}" for cell in cells)
          + f"{statistics.median(ratios):>9.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"
          + f"{sum(run[1] for run in war):>8}{grown:>8.0f}", flush=True)


def main():
    options = parse_arguments()
    skerry = support.find_program(options.build, "skerry")
    if shutil.which("wat2wasm") is None:
        support.die("wat2wasm is not installed (apt-get install wabt)")
    support.print_facts()
    print(f"victim at {options.rate} requests/s, medians of {options.rounds} rounds of "
          f"{options.seconds} s, in ms\n")
    print(f"{'':<28}{'p50':>10}{'p50':>10}{'p99':>10}{'p99':>10}{'p50 beside /':>9}")
    print(f"{'':<28}{'peace':>10}{'attack':>10}{'peace':>10}{'attack':>10}{'in peace':>13}"
          f"{'failed':>15}{'MiB':>8}")
    for row in ROWS:
        if options.k in row[0]:
            print_row(row[0], *measure_row(skerry, support.pick_cores(), row, options))


if __name__ == "__main__":
    main()
