#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""HTTP/2 and HPACK by sentences: what a client may do is served, what it must not is an error.

Each situation has a connection of its own and ends as RFC 9113 or RFC 7541 says: with an answer,
with a PING that is answered, with an error of the stream, or of the connection (which always may
take the stream's place, 5.4.2). The function at --path must be tests/guests/e2e_echo.wat.
"""
import contextlib
import struct

import attack
from attack import (ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PING,
                    PREFACE, PRIORITY, RST_STREAM, SETTINGS, WINDOW_UPDATE, frame, literal)

PATH = "/f/default/echo/"
PUSH_PROMISE, PADDED, WITH_PRIORITY = 5, 8, 32
PROTOCOL, FLOW, STREAM_CLOSED, FRAME_SIZE, REFUSED, COMPRESSION = 1, 3, 5, 6, 7, 9
PROBE = b"afterall"
BOTH = END_STREAM | END_HEADERS
WHOLE_WINDOW = (1 << 31) - 1
ANSWER, PONG = "answer", "pong"


def connection(*codes):
    return ("connection", frozenset(codes))


def stream(*codes):
    return ("stream", frozenset(codes))


def head(method=b"GET", more=(), **changes):
    """A block of literals; a pseudo header that is None is left out."""
    pseudo = {"method": method, "scheme": b"http", "path": PATH.encode(),
              "authority": b"x"} | changes
    block = b"".join(literal(b":" + name.encode(), value) for name, value in pseudo.items()
                     if value is not None)
    return block + b"".join(literal(name, value) for name, value in more)


GET = head()
POST = head(b"POST")


def ask(number=1, block=None, flags=BOTH):
    return frame(HEADERS, flags, number, GET if block is None else block)


def post(number=1, more=()):
    return ask(number, head(b"POST", more), END_HEADERS)


def settings(*pairs):
    return frame(SETTINGS, 0, 0, b"".join(struct.pack(">HI", *pair) for pair in pairs))


def update(number, increment):
    return frame(WINDOW_UPDATE, 0, number, struct.pack(">I", increment))


def reset(number, code=8):
    return frame(RST_STREAM, 0, number, struct.pack(">I", code))


def priority(number, depends=0, weight=15):
    return frame(PRIORITY, 0, number, struct.pack(">IB", depends, weight))


def padded(pad, data, kind=DATA, flags=END_STREAM, number=1):
    return frame(kind, flags | PADDED, number, bytes([pad]) + data)


def split(block, *cuts, number=1, between=b""):
    """HEADERS and CONTINUATIONs; `between` comes before the last."""
    ends = [*cuts, len(block)]
    pieces = [block[a:b] for a, b in zip([0, *ends], ends)]
    out = frame(HEADERS, END_STREAM, number, pieces[0])
    for piece in pieces[1:-1]:
        out += frame(CONTINUATION, 0, number, piece)
    return out + between + frame(CONTINUATION, END_HEADERS, number, pieces[-1])


def served():
    """What a client may do."""
    trailers = frame(HEADERS, BOTH, 1, literal(b"x-t", b"v"))
    return [
        ("3.4 the preface", b"", PONG),
        ("5.1 PRIORITY of an idle stream", priority(1) + ask(3), ANSWER),
        ("5.1 PRIORITY, half closed", ask() + priority(1), ANSWER),
        ("5.1 WINDOW_UPDATE, half closed", ask() + update(1, 100), ANSWER),
        ("5.1 RST_STREAM, half closed", ask() + reset(1), PONG),
        ("5.1 RST_STREAM twice", ask() + reset(1) + reset(1), PONG),
        ("5.1 WINDOW_UPDATE after RST_STREAM", ask() + reset(1) + update(1, 1), PONG),
        ("5.1 PRIORITY after RST_STREAM", ask() + reset(1) + priority(1), PONG),
        ("4.1 an unknown type", frame(0x42, 0, 0, b"x") + ask(), ANSWER),
        ("4.1 flags without a meaning", frame(PING, 0x16, 0, PROBE), PONG),
        ("4.1 the reserved bit", frame(PING, 0, 1 << 31, PROBE), PONG),
        ("5.5 an unknown type on a stream", post() + frame(0x42, 0, 1, b"x")
         + frame(DATA, END_STREAM, 1, b"y"), ANSWER),
        ("4.2 DATA of 16,384 bytes", post() + frame(DATA, END_STREAM, 1, bytes(16384)), ANSWER),
        ("6.1 DATA", post() + frame(DATA, END_STREAM, 1, b"abc"), ANSWER),
        ("6.1 DATA in pieces", post() + frame(DATA, 0, 1, b"a") + frame(DATA, END_STREAM, 1, b"b"),
         ANSWER),
        ("6.1 empty DATA at the end", post() + frame(DATA, 0, 1, b"a") + frame(DATA, END_STREAM, 1),
         ANSWER),
        ("6.1 padded DATA", post() + padded(5, b"abc" + bytes(5)), ANSWER),
        ("6.1 DATA of padding only", post() + padded(3, bytes(3)), ANSWER),
        ("6.2 padded HEADERS", padded(3, GET + bytes(3), HEADERS, BOTH), ANSWER),
        ("6.2 HEADERS with priority", ask(1, struct.pack(">IB", 0, 9) + GET, BOTH | WITH_PRIORITY),
         ANSWER),
        ("6.2 padded HEADERS with priority",
         padded(2, struct.pack(">IB", 0, 9) + GET + bytes(2), HEADERS, BOTH | WITH_PRIORITY),
         ANSWER),
        ("6.3 the least weight", priority(1, weight=0) + ask(3), ANSWER),
        ("6.3 the greatest weight", priority(1, weight=255) + ask(3), ANSWER),
        ("6.3 a dependence", priority(3, 1) + ask(1), ANSWER),
        ("6.3 an exclusive dependence", priority(3, 1 | 1 << 31) + ask(1), ANSWER),
        ("6.4 RST_STREAM with an unknown code", ask() + reset(1, 99), PONG),
        ("6.5 SETTINGS without any", settings() + ask(), ANSWER),
        ("6.5.2 an unknown setting", settings((0xff, 1)) + ask(), ANSWER),
        ("6.5.3 a setting twice", settings((4, 100), (4, 200)) + ask(), ANSWER),
        ("6.5.2 the greatest frames", settings((5, (1 << 24) - 1)) + ask(), ANSWER),
        ("6.5.2 the smallest frames", settings((5, 16384)) + ask(), ANSWER),
        ("6.5.2 no table of headers", settings((1, 0)) + ask(), ANSWER),
        ("6.5.2 no push", settings((2, 0)) + ask(), ANSWER),
        ("6.7 PING", frame(PING, 0, 0, PROBE), PONG),
        ("6.7 PING that answers none", frame(PING, ACK, 0, b"nobodys!"), PONG),
        ("6.8 GOAWAY of a client, and its stream goes on", post() + frame(GOAWAY, 0, 0, bytes(8))
         + frame(DATA, END_STREAM, 1, b"x"), ANSWER),
        ("7 GOAWAY with an unknown code", post()
         + frame(GOAWAY, 0, 0, struct.pack(">II", 0, 99)) + frame(DATA, END_STREAM, 1), ANSWER),
        ("6.9 the connection's window", update(0, 1000) + ask(), ANSWER),
        ("6.9 a stream's window", post() + update(1, 1000) + frame(DATA, END_STREAM, 1), ANSWER),
        ("6.9.2 a window that grows again", settings((4, 0)) + ask() + settings((4, 1000)), ANSWER),
        ("6.9.2 a window by WINDOW_UPDATE", settings((4, 0)) + ask() + update(1, 1000), ANSWER),
        ("6.9.2 a window below nothing", settings((4, 3)) + ask() + settings((4, 0))
         + update(1, 900), ANSWER),
        ("6.10 one CONTINUATION", split(GET, 9), ANSWER),
        ("6.10 several CONTINUATIONs", split(GET, 9, 12, 30), ANSWER),
        ("6.10 an empty HEADERS", split(GET, 0), ANSWER),
        ("8.1 trailers", post() + frame(DATA, 0, 1, b"a") + trailers, ANSWER),
        ("8.3 HEAD", ask(1, head(b"HEAD")), ANSWER),
        ("8.1.1 a length that is right", post(1, [(b"content-length", b"3")])
         + frame(DATA, END_STREAM, 1, b"abc"), ANSWER),
        ("8.2.2 te: trailers", ask(1, head(more=[(b"te", b"trailers")])), ANSWER),
        ("8.2.3 cookies in crumbs", ask(1, head(more=[(b"cookie", b"a=1"), (b"cookie", b"b=2")])),
         ANSWER),
        ("5.1.1 streams that are left out", ask(7), ANSWER),
    ]


def hpack():
    """RFC 7541: what may be in a block, and what not."""
    plain = head(method=None, scheme=None)
    get, http = b"\x82", b"\x86"
    return [
        ("6.1 indexed", ask(1, get + http + plain), ANSWER),
        ("6.2.1 with indexing", ask(1, get + http + plain + b"\x40\x03x-a\x01b"), ANSWER),
        ("6.2.1 and used again", ask(1, get + http + plain + b"\x40\x03x-a\x01b\xbe"), ANSWER),
        ("6.2.1 of an indexed name", ask(1, get + http + plain + b"\x50\x01*"), ANSWER),
        ("6.2.2 of an indexed name", ask(1, get + http + plain + b"\x0f\x01\x01*"), ANSWER),
        ("6.2.3 never indexed", ask(1, get + http + plain + b"\x10\x03x-a\x01b"), ANSWER),
        ("6.2.3 of an indexed name", ask(1, get + http + plain + b"\x1f\x01\x01*"), ANSWER),
        ("6.3 a smaller table", ask(1, b"\x20" + get + http + plain), ANSWER),
        ("6.3 smaller and then larger", ask(1, b"\x20\x3f\x81\x01" + get + http + plain), ANSWER),
        ("5.2 Huffman", ask(1, get + http + plain + b"\x00\x03x-a\x81\x1f"), ANSWER),
        ("2.3.3 an index beyond both tables", ask(1, b"\xfe" + GET), connection(COMPRESSION)),
        ("2.3.3 a name beyond both tables", ask(1, b"\x7e\x01a" + GET), connection(COMPRESSION)),
        ("6.1 the index 0", ask(1, b"\x80" + GET), connection(COMPRESSION)),
        ("6.3 a table above the limit", ask(1, b"\x3f\xe1\xff\x03" + GET), connection(COMPRESSION)),
        ("4.2 a size at the end of a block", ask(1, GET + b"\x20"), connection(COMPRESSION)),
        ("5.1 a number without an end", ask(1, b"\xff" + b"\x80" * 10 + b"\x01"),
         connection(COMPRESSION)),
        ("5.1 a number that is cut", ask(1, GET + b"\xff\x80"), connection(COMPRESSION)),
        ("5.2 a text longer than its block", ask(1, GET + b"\x00\x7f\xff\x01x"),
         connection(COMPRESSION)),
        ("5.2 Huffman: padding of more than 7 bits", ask(1, GET + b"\x00\x03x-a\x82\x1f\xff"),
         connection(COMPRESSION)),
        ("5.2 Huffman: padding of zeros", ask(1, GET + b"\x00\x03x-a\x81\x18"),
         connection(COMPRESSION)),
        ("5.2 Huffman: the end of a text in it", ask(1, GET + b"\x00\x03x-a\x84\xff\xff\xff\xff"),
         connection(COMPRESSION)),
    ]


def frames():
    """What a frame must not be."""
    ended = ask()
    rows = [
        ("4.2 DATA larger than a frame may be", post() + frame(DATA, END_STREAM, 1, bytes(16385)),
         stream(FRAME_SIZE)),
        ("4.2 HEADERS larger than a frame may be",
         ask(1, GET + literal(b"x", b"y" * 100) * 170), connection(FRAME_SIZE)),
        ("4.3 a block that is none", ask(1, b"\x40"), connection(COMPRESSION)),
        ("4.3 PRIORITY within a block", split(GET, 9, between=priority(1)), connection(PROTOCOL)),
        ("4.3 PING within a block", split(GET, 9, between=frame(PING, 0, 0, PROBE)),
         connection(PROTOCOL)),
        ("4.3 HEADERS of another stream within a block", split(GET, 9, between=ask(3)),
         connection(PROTOCOL)),
        ("5.1 DATA of an idle stream", frame(DATA, END_STREAM, 1, b"x"), connection(PROTOCOL)),
        ("5.1 RST_STREAM of an idle stream", reset(1), connection(PROTOCOL)),
        ("5.1 WINDOW_UPDATE of an idle stream", update(1, 100), connection(PROTOCOL)),
        ("5.1 CONTINUATION of an idle stream", frame(CONTINUATION, END_HEADERS, 1, GET),
         connection(PROTOCOL)),
        ("5.1 DATA, half closed", ended + frame(DATA, END_STREAM, 1, b"x"), stream(STREAM_CLOSED)),
        ("5.1 HEADERS, half closed", ended + ask(), stream(STREAM_CLOSED, PROTOCOL)),
        ("5.1 CONTINUATION, half closed", ended + frame(CONTINUATION, END_HEADERS, 1, GET),
         stream(STREAM_CLOSED, PROTOCOL)),
        ("5.1 DATA after RST_STREAM", post() + reset(1) + frame(DATA, END_STREAM, 1, b"x"),
         stream(STREAM_CLOSED)),
        ("5.1 HEADERS after RST_STREAM", post() + reset(1) + ask(),
         stream(STREAM_CLOSED, PROTOCOL)),
        ("5.1 CONTINUATION after RST_STREAM", post() + reset(1)
         + frame(CONTINUATION, END_HEADERS, 1, GET), stream(STREAM_CLOSED, PROTOCOL)),
        ("5.1.1 an even number", ask(2), connection(PROTOCOL)),
        ("5.1.1 a smaller number than before", ask(5) + ask(3),
         connection(PROTOCOL, STREAM_CLOSED)),
        ("5.5 an unknown type within a block", split(GET, 9, between=frame(0x42, 0, 1, b"x")),
         connection(PROTOCOL)),
        ("6.1 DATA of the connection", frame(DATA, END_STREAM, 0, b"x"), connection(PROTOCOL)),
        ("6.1 more padding than DATA", post() + padded(6, b"abc"), connection(PROTOCOL)),
        ("6.2 HEADERS of the connection", ask(0), connection(PROTOCOL)),
        ("6.2 more padding than HEADERS", padded(200, GET, HEADERS, BOTH), connection(PROTOCOL)),
        ("6.3 PRIORITY of the connection", priority(0), connection(PROTOCOL)),
        ("6.3 PRIORITY of 4 bytes", post() + frame(PRIORITY, 0, 1, bytes(4)), stream(FRAME_SIZE)),
        ("6.4 RST_STREAM of the connection", reset(0), connection(PROTOCOL)),
        ("6.4 RST_STREAM of 3 bytes", post() + frame(RST_STREAM, 0, 1, bytes(3)),
         connection(FRAME_SIZE)),
        ("6.5 an answer to SETTINGS with something in it", frame(SETTINGS, ACK, 0, bytes(6)),
         connection(FRAME_SIZE)),
        ("6.5 SETTINGS of a stream", frame(SETTINGS, 0, 1, bytes(6)), connection(PROTOCOL)),
        ("6.5 SETTINGS of 3 bytes", frame(SETTINGS, 0, 0, bytes(3)), connection(FRAME_SIZE)),
        ("6.5.2 push that is neither", settings((2, 2)), connection(PROTOCOL)),
        ("6.5.2 a window above the greatest", settings((4, 1 << 31)), connection(FLOW)),
        ("6.5.2 frames below the smallest", settings((5, 16383)), connection(PROTOCOL)),
        ("6.5.2 frames above the greatest", settings((5, 1 << 24)), connection(PROTOCOL)),
        ("6.7 PING of a stream", frame(PING, 0, 1, PROBE), connection(PROTOCOL)),
        ("6.7 PING of 6 bytes", frame(PING, 0, 0, bytes(6)), connection(FRAME_SIZE)),
        ("6.8 GOAWAY of a stream", frame(GOAWAY, 0, 1, bytes(8)), connection(PROTOCOL)),
        ("6.8 GOAWAY of 4 bytes", frame(GOAWAY, 0, 0, bytes(4)), connection(FRAME_SIZE)),
        ("6.9 WINDOW_UPDATE by nothing", update(0, 0), connection(PROTOCOL)),
        ("6.9 a stream's WINDOW_UPDATE by nothing", post() + update(1, 0), stream(PROTOCOL)),
        ("6.9 WINDOW_UPDATE of 3 bytes", frame(WINDOW_UPDATE, 0, 0, bytes(3)),
         connection(FRAME_SIZE)),
        ("6.9.1 the connection's window above the greatest", update(0, WHOLE_WINDOW) * 2,
         connection(FLOW)),
        ("6.9.1 a stream's window above the greatest", post() + update(1, WHOLE_WINDOW) * 2,
         stream(FLOW)),
        ("6.9.2 a stream's window above the greatest by SETTINGS", post()
         + update(1, WHOLE_WINDOW - 65535) + settings((4, 65536)), connection(FLOW)),
        ("6.10 CONTINUATION after the end of a block", post()
         + frame(CONTINUATION, END_HEADERS, 1, literal(b"x", b"y")), connection(PROTOCOL)),
        ("6.10 CONTINUATION of the connection", frame(HEADERS, END_STREAM, 1, GET)
         + frame(CONTINUATION, END_HEADERS, 0), connection(PROTOCOL)),
        ("6.10 CONTINUATION behind DATA", post() + frame(DATA, 0, 1, b"x")
         + frame(CONTINUATION, END_HEADERS, 1, literal(b"x", b"y")), connection(PROTOCOL)),
        ("6.10 CONTINUATION of another stream", frame(HEADERS, END_STREAM, 1, GET)
         + frame(CONTINUATION, END_HEADERS, 3), connection(PROTOCOL)),
        ("8.4 PUSH_PROMISE of a client", frame(PUSH_PROMISE, END_HEADERS, 1, bytes(4) + GET),
         connection(PROTOCOL)),
    ]
    return rows


def messages():
    """What a request must not be."""
    length = b"content-length"
    blocks = {
        "8.2.1 upper case": head(more=[(b"X-A", b"b")]),
        "8.3 an unknown pseudo header": head(more=[(b":test", b"x")]),
        "8.3 a response's pseudo header": head(more=[(b":status", b"200")]),
        "8.3 a pseudo header behind others": literal(b"x-a", b"b") + GET,
        "8.2.2 connection": head(more=[(b"connection", b"keep-alive")]),
        "8.2.2 transfer-encoding": head(more=[(b"transfer-encoding", b"chunked")]),
        "8.2.2 keep-alive": head(more=[(b"keep-alive", b"1")]),
        "8.2.2 proxy-connection": head(more=[(b"proxy-connection", b"close")]),
        "8.2.2 upgrade": head(more=[(b"upgrade", b"h2c")]),
        "8.2.2 te of another kind": head(more=[(b"te", b"trailers, deflate")]),
        "8.3.1 an empty path": head(path=b""),
        "8.3.1 no method": head(method=None),
        "8.3.1 no scheme": head(scheme=None),
        "8.3.1 no path": head(path=None),
        "8.3.1 two methods": literal(b":method", b"GET") + GET,
        "8.3.1 two schemes": literal(b":scheme", b"http") + GET,
        "8.3.1 two paths": literal(b":path", b"/") + GET,
        "8.3.1 two authorities": literal(b":authority", b"y") + GET,
        "8.1.1 a length without a body": head(more=[(length, b"1")]),
    }
    rows = [(text, ask(1, block), stream(PROTOCOL)) for text, block in blocks.items()]
    return rows + [
        ("8.1.1 a length above the body's", post(1, [(length, b"4")])
         + frame(DATA, END_STREAM, 1, b"abc"), stream(PROTOCOL)),
        ("8.1.1 a length below the body's", post(1, [(length, b"2")])
         + frame(DATA, 0, 1, b"a") + frame(DATA, END_STREAM, 1, b"bc"), stream(PROTOCOL)),
        ("8.1 a second HEADERS that ends nothing",
         post() + ask(1, literal(b"x", b"y"), END_HEADERS), stream(PROTOCOL)),
        ("8.1 a pseudo header in trailers", post() + ask(1, literal(b":method", b"GET"), BOTH),
         stream(PROTOCOL)),
        ("3.4 another preface", None, "closed"),
        ("5.1.2 more streams than the server takes",
         b"".join(post(number) for number in range(1, 2 * 101 + 1, 2)), stream(REFUSED, PROTOCOL)),
    ]


class Outcome:
    """What a server does on a connection, until the situation is decided."""

    def __init__(self, target, data):
        self.resets, self.goaway, self.closed = [], None, False
        self.answered = self.ponged = False
        begin = b"INVALID CONNECTION PREFACE\r\n\r\n" if data is None else \
            PREFACE + frame(SETTINGS, 0, 0)
        with target.connect(20) as client:
            with contextlib.suppress(OSError):
                client.sendall(begin + (data or b"") + frame(PING, 0, 0, PROBE))
            self._read(client)

    def _read(self, client):
        left = b""
        with contextlib.suppress(ConnectionError):
            while not self._is_over():
                piece = client.recv(65536)
                if not piece:
                    break
                left = self._take(left + piece)
        self.closed = not self._is_over()

    def _take(self, data):
        while len(data) >= 9 and len(data) >= 9 + int.from_bytes(data[:3], "big"):
            size = 9 + int.from_bytes(data[:3], "big")
            kind, flags, payload = data[3], data[4], data[9:size]
            if kind == RST_STREAM:
                self.resets.append(int.from_bytes(payload, "big"))
            elif kind == GOAWAY and self.goaway in (None, 0):
                self.goaway = int.from_bytes(payload[4:8], "big")
            elif kind == PING and flags & ACK and payload == PROBE:
                self.ponged = True
            elif kind in (HEADERS, DATA) and flags & END_STREAM:
                self.answered = True
            data = data[size:]
        return data

    def _is_over(self):
        """Nothing that comes could change it: a stream ends by its answer, too."""
        return bool(self.resets or self.goaway or self.answered and self.ponged)

    def is_right(self, wanted):
        if wanted == ANSWER:
            return self.answered and not self.resets and not self.goaway
        if wanted == "closed":
            return self.closed and not self.ponged or bool(self.goaway)
        kind, codes = wanted
        if self.goaway:
            return self.goaway in codes
        if self.closed:
            return not self.ponged
        return kind == "stream" and bool(self.resets) and self.resets[0] in codes

    def __str__(self):
        return (f"goaway {self.goaway}, resets {self.resets}, answered {self.answered}, "
                f"ping answered {self.ponged}, closed {self.closed}")


def pings(target, data):
    """Whether a PING behind it is answered, and nothing else happens."""
    with target.connect(20) as client:
        client.sendall(PREFACE + frame(SETTINGS, 0, 0) + data + frame(PING, 0, 0, b"the last"))
        received = b""
        while b"the last" not in received:
            piece = client.recv(65536)
            if not piece:
                return False
            received += piece
    return not {GOAWAY, RST_STREAM} & {kind for kind, _ in attack.frames_of(received)}


def run(target):
    """How many situations there are."""
    global PATH  # pylint: disable=global-statement
    assert target.path == PATH, "the blocks of this file are made for that path"
    total = 0
    for name, rows in (("served", served()), ("HPACK", hpack()), ("frames", frames()),
                       ("messages", messages())):
        broken = []
        for text, data, wanted in rows:
            if wanted == PONG:
                if not pings(target, data):
                    broken.append((text, "no PING is answered"))
                continue
            outcome = Outcome(target, data)
            if not outcome.is_right(wanted):
                broken.append((text, str(outcome)))
        attack.insist(not broken,
                      f"{name}: {len(rows)} situations, otherwise than they must: {broken}")
        total += len(rows)
    print(f"{total} situations")
    return total


if __name__ == "__main__":
    attack.main(run, __doc__, PATH)
