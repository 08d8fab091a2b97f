#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A connection whose streams are reset is ended after at most 500 of them, whoever resets them.

Requests that the client takes back at once: of a function, of a path that is refused, with every
second one answered, and without their body; and streams that the server has to reset for a mistake
of the client's (a window of 0, and one that overflows).
"""
import struct

import attack

STREAMS_MAX = 500


def asks(path, stream, method=b"GET", flags=attack.END_STREAM):
    return attack.frame(attack.HEADERS, attack.END_HEADERS | flags, stream,
                        attack.request_block(path, method))


def reset(stream):
    return attack.frame(attack.RST_STREAM, 0, stream, struct.pack(">I", 8))


def window(stream, count):
    return attack.frame(attack.WINDOW_UPDATE, 0, stream, struct.pack(">I", count))


def ways(path):
    def each(make):
        def pieces(count):
            for i in range(count):
                yield make(2 * i + 1)
        return pieces

    def half(count):
        for i in range(0, count, 2):
            yield asks(path, 2 * i + 1) + reset(2 * i + 1) + asks("/nothing", 2 * i + 3)

    return {
        "of a function": each(lambda stream: asks(path, stream) + reset(stream)),
        "of a path that is refused": each(lambda stream: asks("/nothing", stream) + reset(stream)),
        "every second one answered": half,
        "without a body": each(lambda stream: asks(path, stream, b"POST", 0) + reset(stream)),
        "window of 0": each(lambda stream: asks(path, stream, b"POST", 0) + window(stream, 0)),
        "window that overflows": each(
            lambda stream: asks(path, stream, b"POST", 0) + window(stream, 0x7fffffff)),
    }


def run(target, count=20_000):
    for name, pieces in ways(target.path).items():
        before = target.memory_mib()
        with attack.begin_http2(target) as client, attack.Victim(target) as victim:
            end = attack.flood(client, pieces(count))
        grown = target.memory_mib() - before
        print(f"{name}: {end.sent} sent, {end.streams} begun, GOAWAY {end.code}, "
              f"{grown:.1f} MiB more; {victim.say()}")
        attack.insist(end.code == attack.CALM, f"{name}: ended with ENHANCE_YOUR_CALM")
        attack.insist(end.streams <= STREAMS_MAX, f"{name}: after at most {STREAMS_MAX} requests")
        attack.insist(grown <= 16, f"{name}: at most 16 MiB more memory")
        attack.insist(not victim.errors, f"{name}: nobody else noticed")


if __name__ == "__main__":
    attack.main(run, __doc__)
