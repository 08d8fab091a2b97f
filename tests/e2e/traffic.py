# SPDX-License-Identifier: Apache-2.0
"""Clients of every kind, for tests that change a server under them: none of them may notice.

Each is what `Load` calls again and again; an exception is a request that failed. They want the
functions `text`, `echo` and `events`.
"""
import contextlib
import http.client
import os
import socket
import threading

import h2
from harness import Load, exchange

UPLOAD_PIECES = 100
TICKS = b"data: tick\n\n" * 3


def insist(is_right, seen):
    if not is_right:
        raise AssertionError(f"{seen}")


class KeptConnections:
    """Asks on a connection of each thread's own, and on a new one when the server ends that."""

    def __init__(self, server, target, method="GET"):
        self.server, self.target, self.method = server, target, method
        self.local = threading.local()

    def __call__(self):
        if not hasattr(self.local, "connection"):
            self.local.connection = self.server.connect()
        body = b"x" if self.method == "POST" else None
        answer = exchange(self.local.connection, self.method, self.target, body)
        insist(answer.status == 200, answer)
        return answer


class Streams:
    """Two streams at once of one HTTP/2 connection, a short one and events, until it is told to go.

    What a GOAWAY says was not begun may be asked again elsewhere [RFC 9113 6.8]; nothing else.
    """

    def __init__(self, server):
        self.server = server
        self.connection = None

    def __call__(self):
        if self.connection is None or self.connection.goaway is not None:
            self.connection = h2.Connection(self.server.port, 120)
        connection = self.connection
        streams = [connection.request(b"/f/default/%s/" % name) for name in (b"text", b"events")]
        outcomes = [connection.outcome(stream) for stream in streams]
        begun = [stream for stream in streams if stream <= connection.last_stream()]
        insist(set(outcomes[:len(begun)]) <= {200}, outcomes)
        insist(len(begun) < 2 or connection.bodies[begun[1]].endswith(TICKS), connection.bodies)
        return len(begun)


def event_stream(server):
    answer = server.get("events")
    insist(answer.status == 200 and answer.body.endswith(TICKS), answer)
    return answer


def slow_upload(server):
    """A body in pieces, each once another request has been answered."""
    pieces = [os.urandom(1000) for _ in range(UPLOAD_PIECES)]
    with contextlib.closing(socket.create_connection(("127.0.0.1", server.port), 120)) as client:
        client.sendall(b"POST /f/default/echo/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
                       b"Content-Length: %d\r\n\r\n" % len(b"".join(pieces)))
        for piece in pieces:
            client.sendall(piece)
            insist(server.get("text").status == 200, "a request between two pieces")
        response = http.client.HTTPResponse(client)
        response.begin()
        insist(response.status == 200 and response.read().endswith(b"".join(pieces)), response)


class Mixed(contextlib.ExitStack):
    """All of them at once."""

    def __init__(self, server, **more):
        super().__init__()
        self.loads = {"kept": Load(2, KeptConnections(server, "/f/default/text/")),
                      "streams": Load(1, Streams(server)),
                      "events": Load(1, lambda: event_stream(server)),
                      "uploads": Load(1, lambda: slow_upload(server)), **more}

    def __enter__(self):
        super().__enter__()
        for load in self.loads.values():
            self.enter_context(load)
        return self

    @property
    def failures(self):
        return [(name, failure) for name, load in self.loads.items()
                for _, failure in load.failures]

    def story(self):
        return ", ".join(f"{len(load.results)} {name}" for name, load in self.loads.items())
