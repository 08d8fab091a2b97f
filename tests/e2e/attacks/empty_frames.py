#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Frames that bring nothing end their connection after a thousand, with ENHANCE_YOUR_CALM.

Unknown types (for each of which libh2o alone writes a line to stderr), SETTINGS, PING, empty DATA,
WINDOW_UPDATE, RST_STREAM of a closed stream, PRIORITY, CONTINUATION without an end.
"""
import itertools
import struct

import attack

PIECE = 64      # frames in one write


def kinds(path):
    """name -> (what comes first, the frame again and again)"""
    asked = attack.frame(attack.HEADERS, attack.END_HEADERS | attack.END_STREAM, 1,
                         attack.request_block(path))
    posted = attack.frame(attack.HEADERS, attack.END_HEADERS, 1,
                          attack.request_block(path, b"POST"))
    half = attack.frame(attack.HEADERS, attack.END_STREAM, 1, attack.request_block(path))
    one = struct.pack(">I", 1)
    return {
        "unknown": (b"", attack.frame(66, 0, 0)),
        "settings": (b"", attack.frame(attack.SETTINGS, 0, 0)),
        "ping": (b"", attack.frame(attack.PING, 0, 0, b"01234567")),
        "empty data": (posted, attack.frame(attack.DATA, 0, 1)),
        "window update": (asked, attack.frame(attack.WINDOW_UPDATE, 0, 1, one)),
        "reset of a closed stream": (asked, attack.frame(attack.RST_STREAM, 0, 1, one)),
        "priority": (asked, attack.frame(attack.PRIORITY, 0, 1, struct.pack(">IB", 0, 7))),
        "continuation": (half, attack.frame(attack.CONTINUATION, 0, 1)),
    }


def run(target, frames=200_000):
    for name, (before, piece) in kinds(target.path).items():
        with attack.begin_http2(target) as client, attack.Victim(target) as victim:
            client.sendall(before)
            pieces = itertools.repeat(piece * PIECE, frames // PIECE)
            end = attack.flood(client, pieces)
        print(f"{name}: {end.sent * PIECE} frames sent, GOAWAY {end.code}; {victim.say()}")
        attack.insist(end.code == attack.CALM, f"{name}: ended with ENHANCE_YOUR_CALM")
        attack.insist(not victim.errors, f"{name}: nobody else noticed")


if __name__ == "__main__":
    attack.main(run, __doc__)
