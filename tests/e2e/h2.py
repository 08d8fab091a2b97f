# SPDX-License-Identifier: Apache-2.0
"""A client for HTTP/2 without TLS, just enough to hold many streams on one connection.

Debian 12's curl speaks HTTP/2 but breaks off when it uses a connection twice, so what happens on a
connection with many streams is tested with this: frames written by hand, request headers as
literals, response headers not decoded (HPACK state is not kept).
"""
import contextlib
import socket
import struct

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = (
    0, 1, 2, 3, 4, 6, 7, 8, 9)
END_STREAM, END_HEADERS, ACK = 1, 4, 1


def literal(name, value):
    """A header field without indexing, names and values shorter than 127 bytes."""
    assert len(name) < 127 and len(value) < 127
    return b"\0" + bytes([len(name)]) + name + bytes([len(value)]) + value


def frame(kind, flags, stream, payload=b""):
    length = struct.pack(">I", len(payload))[1:]
    return length + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def status_of(block):
    """The status that begins a block of response headers: libh2o writes it plainly."""
    common = {0x88: 200, 0x89: 204, 0x8a: 206, 0x8b: 304, 0x8c: 400, 0x8d: 404, 0x8e: 500}
    return common.get(block[0]) or int(block[2:5])


class Connection:
    def __init__(self, port, seconds):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=seconds)
        self.authority = b"127.0.0.1:%d" % port
        self.stream = -1
        self.bodies = {}        # stream -> bytes so far
        self.statuses = {}
        self.ended = set()
        self.reset = {}         # stream -> error code
        self.goaway = None
        self.socket.sendall(PREFACE)
        self.send(SETTINGS, 0, 0, b"")
        self.send(WINDOW_UPDATE, 0, 0, struct.pack(">I", 1 << 30))

    def send(self, kind, flags, stream, payload):
        self.socket.sendall(frame(kind, flags, stream, payload))

    def request(self, path, method=b"GET", body=None):
        """Begins a request; returns its stream."""
        self.stream += 2
        block = (literal(b":method", method) + literal(b":scheme", b"http")
                 + literal(b":path", path) + literal(b":authority", self.authority))
        self.send(HEADERS, END_HEADERS | (0 if body else END_STREAM), self.stream, block)
        if body:
            self.send(DATA, END_STREAM, self.stream, body)
        self.bodies[self.stream] = b""
        return self.stream

    def begin(self, fields, ended=True):
        """A request of just these fields, which nobody need understand; returns its stream."""
        self.stream += 2
        block = b"".join(literal(name, value) for name, value in fields)
        self.send(HEADERS, END_HEADERS | (END_STREAM if ended else 0), self.stream, block)
        self.bodies[self.stream] = b""
        return self.stream

    def outcome(self, stream):
        """The status, "reset" and its code, or "closed": whichever ends the stream."""
        with contextlib.suppress(ConnectionError):
            while stream not in self.ended:
                self.turn()
        if stream in self.reset and stream not in self.statuses:
            return f"reset {self.reset[stream]}"
        return self.statuses.get(stream, "closed")

    def cancel(self, stream):
        self.send(RST_STREAM, 0, stream, struct.pack(">I", 8))
        self.ended.add(stream)

    def last_stream(self):
        """The last one that the server says it begins; all of them while it says nothing."""
        return int.from_bytes(self.goaway[:4], "big") if self.goaway else self.stream

    def _exactly(self, count):
        data = b""
        while len(data) < count:
            piece = self.socket.recv(count - len(data))
            if not piece:
                raise ConnectionError("the server closed the connection")
            data += piece
        return data

    def turn(self):
        """Reads one frame."""
        head = self._exactly(9)
        length, kind, flags = int.from_bytes(head[:3], "big"), head[3], head[4]
        stream = int.from_bytes(head[5:], "big") & 0x7fffffff
        payload = self._exactly(length)
        if kind == DATA:
            self.bodies[stream] += payload
        elif kind == HEADERS:
            self.statuses[stream] = status_of(payload)
        elif kind == RST_STREAM:
            self.reset[stream] = int.from_bytes(payload, "big")
            self.ended.add(stream)
        elif kind == SETTINGS and not flags & ACK:
            self.send(SETTINGS, ACK, 0, b"")
        elif kind == PING and not flags & ACK:
            self.send(PING, ACK, 0, payload)
        elif kind == GOAWAY:
            self.goaway = payload
        if kind in (DATA, HEADERS) and flags & END_STREAM:
            self.ended.add(stream)

    def finish(self):
        """Reads until every stream has ended; returns the bodies by stream."""
        while not set(self.bodies) <= self.ended:
            self.turn()
        return self.bodies

    def close(self):
        self.socket.close()
