#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every attack program at full size, each against a server of its own with one worker.

  python3 tests/soak/attacks.py --build build [-k WORD]

CI runs the same with fewer rounds (tests/e2e/55_attacks.py). Each says what it saw.
"""
import argparse
import os
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "e2e"), str(HERE.parent / "e2e" / "attacks")]
# pylint: disable=wrong-import-position
import attack
import bodies
import calls
import conformance
import empty_frames
import harness
import header_bomb
import idle
import killed
import rapid_reset
import slow
import smuggling
import unread

FLOODS = {"smuggling": smuggling, "conformance": conformance, "empty_frames": empty_frames,
          "rapid_reset": rapid_reset, "header_bomb": header_bomb, "slow": slow, "idle": idle,
          "unread": unread, "bodies": bodies, "killed": killed}
SETTINGS = {"bodies": "limits: { worker_memory: 128MiB }\n"}
PATHS = {"unread": "/f/default/big/", "smuggling": smuggling.ECHO,
         "conformance": conformance.PATH}


def flood(name):
    with harness.Server(workers=1, config=SETTINGS.get(name)) as server:
        server.deploy("hello", harness.text_guest("hello-attack1"))
        server.deploy("big", harness.guest("big"))
        server.deploy("echo", harness.guest("echo"))
        worker, = server.worker_pids()
        FLOODS[name].run(attack.Target(server.port, PATHS.get(name, "/f/default/hello/"), worker))
        if name != "killed" and server.worker_pids() != [worker]:
            raise attack.Broken("the worker was not the same afterwards")


def inside():
    """From inside each process, where this user may."""
    if not calls.is_possible():
        print("  skipped: ptrace wants root, on x86-64")
        return
    with harness.Server(workers=1) as server:
        for helper in ("keys", "egress"):
            harness.wait_until(lambda name=helper: f"{name} serves" in server.log(), 30, helper)
        for pid in [*harness.children_of(server.process.pid), server.process.pid]:
            calls.run(pid, server.data)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--build", default="build")
    parser.add_argument("-k", metavar="WORD", default="", help="attacks with WORD only")
    options = parser.parse_args()
    os.environ["SKERRY"] = str(pathlib.Path(options.build, "skerry").resolve())
    broken = []
    for name in [*FLOODS, "calls"]:
        if options.k not in name:
            continue
        print(f"{name}:", flush=True)
        try:
            if name == "calls":
                inside()
            else:
                flood(name)
        except attack.Broken:
            broken.append(name)
    print(f"broken: {', '.join(broken)}" if broken else "all kept")
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()
