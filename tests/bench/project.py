#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A person's waits: from `skerry new` to an answer, from an edit to an answer, `skerry run`.

  python3 tests/bench/project.py --build build --language c

The first is `new`, the start of `dev` with its build and deploy, and a request; the second, in the
same `dev`, a change of the source until a request is answered otherwise; both as whoever types the
commands sees them. The third is the time of `skerry run` of a command in C, beside that of `true`,
which is what a process costs here: wall, and CPU, which says something on a busy machine too.
"""
import argparse
import contextlib
import os
import pathlib
import signal
import socket
import statistics
import subprocess
import tempfile
import time

import support

NEW_SECONDS, EDIT_SECONDS, RUN_MS = 60, 1, 3
WAIT_SECONDS = 120
SOURCES = {"c": "function.c", "rust": "function.rs", "go": "main.go", "wat": "function.wat",
           "assemblyscript": "function.ts"}


def ask(port, name):
    """The body of an answer; "" if there is none."""
    text = b""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 10) as peer:
        peer.sendall(f"GET /f/default/{name}/moon HTTP/1.1\r\nHost: localhost\r\n"
                     "Connection: close\r\n\r\n".encode())
        while piece := peer.recv(65536):
            text += piece
    return text.partition(b"\r\n\r\n")[2].decode()


def until(port, name, wanted):
    deadline = time.monotonic() + WAIT_SECONDS
    while ask(port, name) != wanted:
        if time.monotonic() > deadline:
            support.die(f"no answer `{wanted.strip()}` after {WAIT_SECONDS} s")
        time.sleep(0.002)


def project(skerry, language, edits, folder):
    """Seconds to the first answer, and of each edit to its own."""
    place = pathlib.Path(folder) / "hello"
    port = support.free_port()
    began = time.monotonic()
    subprocess.run([skerry, "new", language, place], check=True, capture_output=True)
    with subprocess.Popen([skerry, "dev", place, "--listen", f"127.0.0.1:{port}"],
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as dev:
        try:
            until(port, "hello", "Hello, moon!\n")
            first = time.monotonic() - began
            source = place / SOURCES[language]
            seconds, word = [], "Hello, "
            for number in range(edits):
                text = source.read_text()
                new = f"Hi {number}, "
                began = time.monotonic()
                source.write_text(text.replace(f'"{word}', f'"{new}'))
                until(port, "hello", f"{new}moon!\n")
                seconds.append(time.monotonic() - began)
                word = new
        finally:
            dev.send_signal(signal.SIGTERM)
    return first, seconds


def run_ms(command, times):
    """Medians of wall and CPU time."""
    wall, cpu = [], []
    quiet = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    for _ in range(times):
        began = time.monotonic()
        child = os.posix_spawnp(command[0], command, os.environ, file_actions=quiet)
        _, status, usage = os.wait4(child, 0)
        if status != 0:
            support.die(f"{' '.join(map(str, command))}: status {status}")
        wall.append((time.monotonic() - began) * 1000)
        cpu.append((usage.ru_utime + usage.ru_stime) * 1000)
    return statistics.median(wall), statistics.median(cpu)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", default="build", help="build directory (default: build)")
    parser.add_argument("--language", default="c", choices=SOURCES, help="(default: c)")
    parser.add_argument("--edits", type=int, default=9, help="(default: 9)")
    parser.add_argument("--runs", type=int, default=50, help="(default: 50)")
    chosen = parser.parse_args()
    skerry = support.find_program(chosen.build, "skerry")
    support.print_facts()
    with tempfile.TemporaryDirectory(prefix="skerry-bench-") as folder:
        first, seconds = project(skerry, chosen.language, chosen.edits, folder)
    print(f"skerry new {chosen.language} to an answer: {first:.2f} s, wanted <= {NEW_SECONDS}: "
          f"{support.verdict(first <= NEW_SECONDS)}")
    edit = statistics.median(seconds)
    print(f"edit to answer in dev: p50 {edit:.3f} s ({min(seconds):.3f} to {max(seconds):.3f}), "
          f"wanted <= {EDIT_SECONDS} for C: {support.verdict(edit <= EDIT_SECONDS)}")
    example = support.ROOT / "examples" / "hello-wagi-c"
    subprocess.run([example / "build.sh"], check=True)
    wall, cpu = run_ms([skerry, "run", example / "hello.wasm"], chosen.runs)
    true_wall, true_cpu = run_ms(["true"], chosen.runs)
    print(f"skerry run of a command in C: p50 {wall:.2f} ms, CPU {cpu:.2f} ms "
          f"(true: {true_wall:.2f}, {true_cpu:.2f}), "
          f"wanted <= {RUN_MS}: {support.verdict(wall <= RUN_MS)}")


if __name__ == "__main__":
    main()
