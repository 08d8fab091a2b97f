#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""400,000 one-byte references to headers are refused with 431 after 100, in at most 1 MiB, and the
connection ends; so does a block of headers in a thousand pieces, and one that has no end.
"""
import itertools

import attack


def reference_bomb(target):
    before = target.memory_mib()
    block = attack.request_block(target.path) + b"\x40\x01a\x7f\x81\x1e" + b"v" * 4000
    bomb = block + b"\xbe" * 400_000
    pieces = [bomb[i:i + 16000] for i in range(0, len(bomb), 16000)]
    client = attack.begin_http2(target)
    frames = [attack.frame(attack.HEADERS, attack.END_STREAM, 1, pieces[0])]
    frames += [attack.frame(attack.CONTINUATION, 0, 1, piece) for piece in pieces[1:-1]]
    frames += [attack.frame(attack.CONTINUATION, attack.END_HEADERS, 1, pieces[-1])]
    end = attack.flood(client, frames)
    grown = target.memory_mib() - before
    client.close()
    print(f"400,000 references: GOAWAY {end.code}, {grown:.1f} MiB more")
    attack.insist(end.code == attack.CALM, "ended with ENHANCE_YOUR_CALM")
    attack.insist(grown <= 2, f"at most 1 MiB more memory, and a page or two ({grown:.1f})")


def pieces_without_end(target, size):
    client = attack.begin_http2(target)
    client.sendall(attack.frame(attack.HEADERS, attack.END_STREAM, 1,
                                attack.request_block(target.path)))
    piece = attack.frame(attack.CONTINUATION, 0, 1, b"\x00\x01a\x01b" * (size // 5))
    end = attack.flood(client, itertools.repeat(piece, 20_000))
    client.close()
    print(f"pieces of {size} bytes without an end: {end.sent} sent, GOAWAY {end.code}")
    attack.insist(end.code == attack.CALM, f"pieces of {size}: ended with ENHANCE_YOUR_CALM")


def run(target):
    reference_bomb(target)
    pieces_without_end(target, 5)
    pieces_without_end(target, 16000)
    with attack.Victim(target) as victim:
        reference_bomb(target)
    print(victim.say())
    attack.insist(not victim.errors, "nobody else noticed")


if __name__ == "__main__":
    attack.main(run, __doc__)
