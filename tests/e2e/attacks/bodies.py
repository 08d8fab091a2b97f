#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Bodies that are never finished cost at most 64 MiB and a quarter of limits.worker_memory.

100 streams of one connection of HTTP/2 that send 10 MiB each but for the last byte, then 40
connections of HTTP/1 with a length, and 40 with chunks. Who is refused gets a 503, a victim that
sends small bodies is served. The server must have
limits.worker_memory of 128 MiB.
"""
import contextlib
import threading

import attack

BOUND_MIB = 32
SLACK_MIB = 64
BODY_BYTES = 10 << 20
PIECE = bytes(16384)


def streams(target, count):
    client = attack.begin_http2(target)
    for i in range(count):
        client.sendall(attack.frame(attack.HEADERS, attack.END_HEADERS, 2 * i + 1,
                                    attack.request_block(target.path, b"POST")))
    # Windows: each stream's is its own, the connection's is given back as it is taken.
    received = bytearray()

    def read():
        with contextlib.suppress(OSError):
            while chunk := client.recv(65536):
                received.extend(chunk)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    with contextlib.suppress(OSError):
        for _ in range(BODY_BYTES // len(PIECE) - 1):
            for i in range(count):
                client.sendall(attack.frame(attack.DATA, 0, 2 * i + 1, PIECE))
    # An end of the connection may take answers with it.
    reader.join(2)
    return [client], max(bytes(received).count(b"memory_busy"), not reader.is_alive())


def connections(target, count, head, coded):
    clients = []
    refused = 0
    for _ in range(count):
        client = target.connect()
        clients.append(client)
        with contextlib.suppress(OSError):
            client.sendall(f"POST {target.path} HTTP/1.1\r\nHost: x\r\n{head}\r\n\r\n".encode())
            for _ in range(BODY_BYTES // len(PIECE) - 1):
                client.sendall(coded)
        answer = attack.read_for(client, 0.1)
        refused += answer.startswith(b"HTTP/1.1 503") and b"memory_busy" in answer and (
            b"retry-after: 1" in answer.lower())
    return clients, refused


def run(target, bound=BOUND_MIB, count=40):
    before = target.memory_mib()
    ways = {
        "streams": lambda: streams(target, 100),
        "connections with a length":
            lambda: connections(target, count, f"Content-Length: {BODY_BYTES}", PIECE),
        "connections with chunks":
            lambda: connections(target, count, "Transfer-Encoding: chunked",
                                b"4000\r\n" + PIECE + b"\r\n"),
    }
    for name, way in ways.items():
        with attack.Victim(target) as victim:
            clients, refused = way()
            grown = target.memory_mib() - before
            small = target.connect()
            small.sendall(f"POST {target.path} HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n"
                          "Connection: close\r\n\r\nnot m".encode())
            small.sendall(b"uch.")
            answer = attack.read_for(small, 5)
        print(f"{name}: {refused} refused, {grown:.0f} MiB more; {victim.say()}")
        for client in clients:
            client.close()
        attack.insist(refused > 0, f"{name}: some are refused, or ended")
        attack.insist(grown <= bound + SLACK_MIB, f"{name}: at most {bound + SLACK_MIB} MiB more")
        attack.insist(not victim.errors, f"{name}: the victim is served")
        attack.insist(answer.startswith(b"HTTP/1.1 200"), f"{name}: a small body is served")


if __name__ == "__main__":
    attack.main(run, __doc__)
