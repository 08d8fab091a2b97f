#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Idle connections that take all there are keep nobody out: the longest idle makes room.

Start the server with few descriptors, like `prlimit --nofile=400 skerry serve`: it then has 200
connections. 300 of HTTP/2 are opened here and kept, and between them somebody asks for a function
over a connection of his own each time.
"""
import http.client

import attack

CONNECTIONS = 300


def ask(target):
    client = http.client.HTTPConnection("127.0.0.1", target.port, timeout=10)
    client.request("GET", target.path)
    status = client.getresponse().status
    client.close()
    return status


def run(target, connections=CONNECTIONS):
    held = []
    answered = 0
    failures = []
    for i in range(connections):
        held.append(attack.begin_http2(target))
        if i % 10 == 9:
            try:
                answered += ask(target) == 200
            except OSError as failure:
                failures.append(failure)
    for client in held:
        client.close()
    print(f"{connections} connections held, {answered} requests answered, {failures[:3]}")
    attack.insist(answered == connections // 10, "everybody else was answered")


if __name__ == "__main__":
    attack.main(run, __doc__)
