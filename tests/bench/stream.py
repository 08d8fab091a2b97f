#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Answers in pieces, next to a bare libh2o handler that sends the same.

  python3 tests/bench/stream.py --build build

Large: 100 MiB of one guest, as fast as the client reads; runs alternate, the best of the rounds of
each is compared, and the server's memory must stay where it is. Events: many clients with an event
a second each, CPU of the server. What waits and says nothing is wake.py's.
"""
import argparse
import contextlib
import resource
import select
import socket
import subprocess
import tempfile
import time

import support

LARGE_BYTES = 100 << 20
PIECE = """
  (import "http_handler" "write_body" (func $write (param i32 i32 i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (data (i32.const 0) "data: tick\\0a\\0a")
  (func $sleep (param $ns i64)
    (i32.store (i32.const 144) (i32.const 1))
    (i64.store (i32.const 152) (local.get $ns))
    (drop (call $poll (i32.const 128) (i32.const 192) (i32.const 1) (i32.const 256))))
  (func (export "handle_response") (param i32 i32))
"""
LARGE = PIECE + """
  (func (export "handle_request") (result i64)
    (local $left i32)
    (local.set $left (i32.const 1600))
    (loop $next
      (call $write (i32.const 1) (i32.const 65536) (i32.const 65536))
      (br_if $next (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
    (i64.const 0))
"""
EVENTS = PIECE + """
  (func (export "handle_request") (result i64)
    (loop $next
      (call $write (i32.const 1) (i32.const 0) (i32.const 12))
      (call $sleep (i64.const 1000000000))
      (br $next))
    (i64.const 0))
"""


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", default="build", help="build directory (default: build)")
    parser.add_argument("--rounds", type=int, default=7, help="large answers (default: 7)")
    parser.add_argument("--clients", type=int, default=1000, help="of events (default: 1000)")
    parser.add_argument("--seconds", type=int, default=10, help="of events (default: 10)")
    return parser.parse_args()


def wasm(text):
    with tempfile.NamedTemporaryFile("w", suffix=".wat") as source, \
            tempfile.NamedTemporaryFile(suffix=".wasm") as target:
        source.write(f"(module {text})")
        source.flush()
        subprocess.run(["wat2wasm", source.name, "-o", target.name], check=True)
        return target.read()


def ask(port, path):
    client = socket.create_connection(("127.0.0.1", port), timeout=60)
    client.sendall(f"GET {path} HTTP/1.1\r\nhost: x\r\n\r\n".encode())
    return client


def large(port, path):
    """Bytes per second of one large answer."""
    space = memoryview(bytearray(1 << 20))
    count = 0
    with ask(port, path) as client:
        began = time.perf_counter()
        while count < LARGE_BYTES:
            got = client.recv_into(space)
            if got == 0:
                support.die(f"{path} ended after {count} bytes")
            count += got
        return count / (time.perf_counter() - began)


def compare_large(skerry, bare, rounds):
    ours, theirs = [], []
    large(skerry.port, "/f/default/large/")
    before = support.memory_kib(skerry.workers())["Rss"]
    for _ in range(rounds):
        theirs.append(large(bare.port, "/large"))
        ours.append(large(skerry.port, "/f/default/large/"))
    grown = support.memory_kib(skerry.workers())["Rss"] - before
    share = max(ours) / max(theirs)
    print(f"large: {max(ours) / 1e6:.0f} MB/s, bare libh2o {max(theirs) / 1e6:.0f} MB/s: "
          f"{share:.0%} (goal 70 %: {support.verdict(share >= 0.7)}); the worker's memory grew by "
          f"{grown} KiB (goal 1024: {support.verdict(grown <= 1024)})")


def open_all(port, path, count):
    """Clients whose first piece has come."""
    clients = []
    for _ in range(count):
        clients.append(ask(port, path))
        if len(clients) % 100 == 0:
            for client in clients[-100:]:
                client.recv(4096)
    return clients


def drain_for(clients, seconds):
    """Reads whatever comes; returns how many times something did."""
    poll = select.epoll()
    by_fd = {client.fileno(): client for client in clients}
    for fd in by_fd:
        poll.register(fd, select.EPOLLIN)
    heard, ends = 0, time.monotonic() + seconds
    while (left := ends - time.monotonic()) > 0:
        for fd, _ in poll.poll(left):
            if not by_fd[fd].recv(4096):
                support.die("a stream ended")
            heard += 1
    poll.close()
    return heard


def cost(server, path, count, seconds):
    """Share of a core, and events heard, of so many clients."""
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(client) for client in open_all(server.port, path, count)]
        drain_for(clients, 2)
        before = server.cpu_seconds()
        heard = drain_for(clients, seconds)
        return (server.cpu_seconds() - before) / seconds, heard


def main():
    options = parse_arguments()
    support.print_facts()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    skerry_path = support.find_program(options.build, "skerry")
    bare_path = support.find_program(options.build, "bare_h2o")
    core, client_core = support.pick_cores()
    support.pin(client_core)
    room = options.clients + 100
    config = (f"limits: {{ parked: {room}, connections_per_address: 100000 }}\n"
              f"pool: {{ total: {room} }}\n")
    bare_port = support.free_port()
    with support.SkerryServer(skerry_path, core, config=config) as skerry, \
            support.Server("bare libh2o", [bare_path, str(bare_port)], bare_port, core) as bare:
        admin = support.Admin(skerry.admin_socket)
        for name, text in (("large", LARGE), ("events", EVENTS)):
            admin.deploy("default", name, wasm(text))
        compare_large(skerry, bare, options.rounds)
        theirs, _ = cost(bare, "/events", options.clients, options.seconds)
        idle, _ = cost(skerry, "/f/default/events/", 0, options.seconds)
        ours, heard = cost(skerry, "/f/default/events/", options.clients, options.seconds)
        print(f"events: {options.clients} clients, {heard / options.seconds:.0f} events a second: "
              f"{ours:.2%} of a core, {idle:.2%} without any; bare libh2o {theirs:.2%} "
              f"(goal 1 % more: {support.verdict(ours - idle - theirs < 0.01)})")


main()
