#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Connections that ask for nothing end within 30 s, whatever they send to stay.

HTTP/2 that sends PING; a stream whose body never comes, with PING; a stream whose body comes by a
byte a second beside others that are answered; HTTP/1 with a head, a body, and chunks, by a byte a
second.
"""
import concurrent.futures
import contextlib
import time

import attack

CLOSED_S = 30
PING = attack.frame(attack.PING, 0, 0, b"01234567")


def post(target, stream):
    return attack.frame(attack.HEADERS, attack.END_HEADERS, stream,
                        attack.request_block(target.path, b"POST"))


def get(target, stream):
    return attack.frame(attack.HEADERS, attack.END_HEADERS | attack.END_STREAM, stream,
                        attack.request_block(target.path))


def drip(client, first, drop):
    """Seconds until the connection ends, and whether it did; `drop` is sent every second."""
    began = time.monotonic()
    with contextlib.suppress(OSError):
        client.sendall(first)
        while time.monotonic() - began < CLOSED_S + 2:
            if attack.is_closed(client, 1):
                break
            client.sendall(drop)
    return time.monotonic() - began


def http2(target, first, drop=PING):
    return drip(attack.begin_http2(target), first, drop)


def http1(target, first, drop):
    return drip(target.connect(), first, drop)


def beside_others(target):
    """Seconds until the slow stream alone is reset, with requests answered beside it."""
    client = attack.begin_http2(target)
    client.sendall(post(target, 1))
    began = time.monotonic()
    stream = 3
    while time.monotonic() - began < CLOSED_S + 2:
        client.sendall(attack.frame(attack.DATA, 0, 1, b"x") + get(target, stream))
        stream += 2
        if attack.frame(attack.RST_STREAM, 0, 1)[3:9] in attack.read_for(client, 1):
            break
    return time.monotonic() - began


def run(target):
    head = f"POST {target.path} HTTP/1.1\r\nHost: x\r\n".encode()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        ways = {
            "HTTP/2, nothing but PING": pool.submit(http2, target, b""),
            "HTTP/2, answered once, then PING": pool.submit(http2, target, get(target, 1)),
            "HTTP/2, a body that never comes, PING": pool.submit(http2, target, post(target, 1)),
            "HTTP/2, a slow body beside others": pool.submit(beside_others, target),
            "HTTP/1, nothing": pool.submit(http1, target, b"", b""),
            "HTTP/1, a slow head": pool.submit(http1, target, head, b"x"),
            "HTTP/1, a slow body":
                pool.submit(http1, target, head + b"Content-Length: 1000\r\n\r\n", b"x"),
            "HTTP/1, slow chunks":
                pool.submit(http1, target, head + b"Transfer-Encoding: chunked\r\n\r\n", b"0"),
        }
        for name, way in ways.items():
            seconds = way.result()
            attack.insist(seconds <= CLOSED_S, f"{name}: ended after {seconds:.0f} s")


if __name__ == "__main__":
    attack.main(run, __doc__)
