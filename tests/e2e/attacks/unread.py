#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Answers that nobody reads cost at most 64 MiB and the tenant's limits.unread (64 MiB) once they
are made, and their connections end within 30 s.

100 streams of one connection that asks for 10 MiB on each and gives no window; the same with a
window that grows by a byte a second; and 100 connections of HTTP/1 that ask for 10 MiB each and
read nothing. The function at --path must answer with as many KiB as the path's last part says.
"""
import concurrent.futures
import struct
import time

import attack

GROWN_MAX = 64 + 64
CLOSED_S = 30
HELD_S = 14     # by then the answers are made, and nothing is closed yet


def streams(target, grows, count):
    settings = struct.pack(">HI", 4, 0 if grows else 65535)
    client = attack.begin_http2(target, settings=settings)
    for i in range(count):
        block = attack.request_block(target.path + "10240")
        flags = attack.END_HEADERS | attack.END_STREAM
        client.sendall(attack.frame(attack.HEADERS, flags, 2 * i + 1, block))
    began = time.monotonic()
    while grows and time.monotonic() - began < CLOSED_S:
        try:
            client.sendall(attack.frame(attack.WINDOW_UPDATE, 0, 1, struct.pack(">I", 1)))
        except OSError:
            break
        time.sleep(1)
    closed = attack.is_gone(client, began + CLOSED_S)
    return closed, time.monotonic() - began


def connections(target, count):
    clients = [target.connect() for _ in range(count)]
    for client in clients:
        client.sendall(f"GET {target.path}10240 HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    began = time.monotonic()
    closed = all(attack.is_gone(client, began + CLOSED_S) for client in clients)
    return closed, time.monotonic() - began


def run(target, count=100):
    before = target.memory_mib()
    began = time.monotonic()
    held = []
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        ways = {"streams without a window": pool.submit(streams, target, False, count),
                "streams, a byte a second": pool.submit(streams, target, True, count),
                "connections that read nothing": pool.submit(connections, target, count)}
        while not all(way.done() for way in ways.values()):
            if HELD_S <= time.monotonic() - began <= CLOSED_S:
                held.append(target.memory_mib())
            time.sleep(0.2)
        for name, way in ways.items():
            closed, seconds = way.result()
            print(f"{name}: closed {closed}, {seconds:.0f} s")
            attack.insist(closed, f"{name}: closed within {CLOSED_S} s")
    grown = min(held or [before]) - before
    print(f"memory: {before:.0f} MiB before, {grown:.0f} more while nobody reads, "
          f"{target.memory_mib() - before:.0f} more in the end")
    attack.insist(grown <= GROWN_MAX, f"at most {GROWN_MAX} MiB more")


if __name__ == "__main__":
    attack.main(run, __doc__, path="/f/default/big/")
