#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""2,000 slow clients at once are all sent away within 30 s, and a victim beside them is served.

A fifth each: nothing at all; a head, a body, and chunks by a byte a second; a request that is
answered, and then nothing. The victim is a client on a connection of its own that asks all the
time: none of its requests may fail. The server has to be allowed as many descriptors
(`ulimit -n 8192`).
"""
import select
import time

import attack

COUNT = 2000
CLOSED_S = 30
TICK_S = 1


def ways(path):
    """[(what comes first, what comes every second)]"""
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\n".encode()
    return [(b"", b""),
            (head, b"x"),
            (head + b"Content-Length: 100000\r\n\r\n", b"x"),
            (head + b"Transfer-Encoding: chunked\r\n\r\n", b"0"),
            (f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode(), b"")]


class Crowd:
    def __init__(self, target, count):
        self.poll = select.poll()
        self.drops = {}     # by descriptor: the client, and what it sends
        kinds = ways(target.path)
        for i in range(count):
            first, drop = kinds[i % len(kinds)]
            client = target.connect()
            client.sendall(first)
            self.drops[client.fileno()] = (client, drop)
            self.poll.register(client, select.POLLIN | select.POLLRDHUP)

    def leave(self, fd):
        self.poll.unregister(fd)
        self.drops.pop(fd)[0].close()

    def listen(self, seconds):
        """Takes what comes, and lets go who was sent away."""
        until = time.monotonic() + seconds
        while self.drops and (left := until - time.monotonic()) > 0:
            for fd, _ in self.poll.poll(left * 1000):
                try:
                    if not self.drops[fd][0].recv(65536):
                        self.leave(fd)
                except OSError:
                    self.leave(fd)

    def drip(self):
        for fd, (client, drop) in list(self.drops.items()):
            try:
                client.sendall(drop)
            except OSError:
                self.leave(fd)


def run(target, count=COUNT):
    before = target.memory_mib()
    began = time.monotonic()
    crowd = Crowd(target, count)
    grown = target.memory_mib() - before
    came = time.monotonic()
    with attack.Victim(target) as victim:
        while crowd.drops and time.monotonic() - came < CLOSED_S + 5:
            crowd.listen(TICK_S)
            crowd.drip()
    seconds = time.monotonic() - came
    print(f"{count} came in {came - began:.1f} s, worker grown by {grown:.1f} MiB")
    print(victim.say())
    attack.insist(not crowd.drops and seconds <= CLOSED_S,
                  f"{count} slow clients: {len(crowd.drops)} left after {seconds:.1f} s")
    attack.insist(not victim.errors, f"of the victim's requests {len(victim.errors)} failed")


if __name__ == "__main__":
    attack.main(run, __doc__)
