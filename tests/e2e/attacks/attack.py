# SPDX-License-Identifier: Apache-2.0
"""What the attack programs share: a target, a victim beside it, and the server's memory.

Each program of this folder does one thing that a hostile client would, says what it saw, and fails
if the figure in its first line was not kept. Against a server of one's own:

    tests/e2e/attacks/rapid_reset.py --port 8080 [--worker PID]

`hello` of tenant `default` must be deployed there. With --worker, memory is looked at too.
tests/e2e/55_attacks.py runs all of them.
"""
import argparse
import contextlib
import http.client
import pathlib
import select
import socket
import struct
import sys
import threading
import time
import types

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
# pylint: disable=wrong-import-position
import harness

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = (
    0, 1, 2, 3, 4, 6, 7, 8, 9)
END_STREAM, END_HEADERS, ACK = 1, 4, 1
CALM = 11


class Target:
    def __init__(self, port, path="/f/default/hello/", worker=None):
        self.port = port
        self.path = path
        self.worker = worker

    def connect(self, seconds=30, **options):
        return socket.create_connection(("127.0.0.1", self.port), timeout=seconds, **options)

    def memory_mib(self):
        """Resident, of the worker; 0 if it is not known."""
        return 0.0 if self.worker is None else harness.memory_mib(self.worker)


def frame(kind, flags, stream, payload=b""):
    length = struct.pack(">I", len(payload))[1:]
    return length + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def frames_of(received):
    """[(kind, stream)] of the whole frames."""
    found = []
    at = 0
    while at + 9 <= len(received):
        length = int.from_bytes(received[at:at + 3], "big")
        if at + 9 + length > len(received):
            break
        found.append((received[at + 3], int.from_bytes(received[at + 5:at + 9], "big")))
        at += 9 + length
    return found


def literal(name, value):
    return b"\0" + bytes([len(name)]) + name + bytes([len(value)]) + value


def request_block(path, method=b"GET"):
    return (literal(b":method", method) + literal(b":scheme", b"http")
            + literal(b":path", path.encode()) + literal(b":authority", b"localhost"))


def begin_http2(target, seconds=30, settings=b"", window=None):
    client = target.connect(seconds)
    client.sendall(PREFACE + frame(SETTINGS, 0, 0, settings))
    if window is not None:
        client.sendall(frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", window)))
    return client


def flood(client, pieces):
    """Sends pieces while the server takes them, and reads on the side; returns how it ended.

    Its code is GOAWAY's, None if the connection was not ended, and -1 if it was without a GOAWAY;
    its streams are those that the server had begun.
    """
    end = {"code": None, "streams": None}
    reader = threading.Thread(target=_read_until_goaway, args=(client, end), daemon=True)
    reader.start()
    end["sent"] = 0
    with contextlib.suppress(OSError):
        for piece in pieces:
            if end["code"] is not None:
                break
            client.sendall(piece)
            end["sent"] += 1
    reader.join(1 if end["code"] is None else 10)
    return types.SimpleNamespace(**end)


def _read_until_goaway(client, end):
    code = -1
    received = b""
    with contextlib.suppress(OSError):
        while chunk := client.recv(65536):
            received += chunk
            while len(received) >= 9:
                length = int.from_bytes(received[:3], "big")
                if len(received) < 9 + length:
                    break
                if received[3] == GOAWAY:
                    end["streams"] = (int.from_bytes(received[9:13], "big") + 1) // 2
                    end["code"] = code = int.from_bytes(received[13:17], "big")
                received = received[9 + length:]
    end["code"] = code


def is_closed(client, seconds):
    """Whether the server ends the connection by then; what it sends is not read but thrown away."""
    deadline = time.monotonic() + seconds
    client.setblocking(True)
    with contextlib.suppress(OSError):
        while (left := deadline - time.monotonic()) > 0:
            client.settimeout(left)
            if not client.recv(65536):
                return True
        return False
    return time.monotonic() < deadline


def is_gone(client, deadline):
    """The same by a time, for who reads nothing: whether the server has shut it down."""
    poll = select.poll()
    poll.register(client, select.POLLRDHUP | select.POLLHUP | select.POLLERR)
    while (left := deadline - time.monotonic()) > 0:
        if poll.poll(left * 1000):
            return True
    return False


def read_for(client, seconds):
    """What comes in that time."""
    received = b""
    deadline = time.monotonic() + seconds
    with contextlib.suppress(OSError):
        while (left := deadline - time.monotonic()) > 0:
            client.settimeout(left)
            chunk = client.recv(65536)
            if not chunk:
                break
            received += chunk
    client.settimeout(30)
    return received


class Victim:
    """Somebody who asks for the same function all the time, and how long it took."""

    def __init__(self, target):
        self.target = target
        self.times = []
        self.errors = []
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        client = http.client.HTTPConnection("127.0.0.1", self.target.port, timeout=10)
        while not self.stopping.is_set():
            began = time.monotonic()
            try:
                client.request("GET", self.target.path)
                answer = client.getresponse()
                answer.read()
                if answer.status != 200:
                    self.errors.append(answer.status)
            except OSError as failure:
                self.errors.append(failure)
                client.close()
            self.times.append(time.monotonic() - began)
            self.stopping.wait(0.002)
        client.close()

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.thread.join()

    def say(self):
        times = sorted(self.times) or [0]
        return (f"victim: {len(times)} asked, {len(self.errors)} failed, "
                f"p50 {times[len(times) // 2] * 1000:.2f} ms, "
                f"p99 {times[len(times) * 99 // 100] * 1000:.2f} ms")


class Broken(AssertionError):
    """A figure was not kept."""


def insist(is_kept, text):
    print(("  kept    " if is_kept else "  BROKEN  ") + text, flush=True)
    if not is_kept:
        raise Broken(text)


def main(run, text, path="/f/default/hello/"):
    """Runs one program; exit status 1 if a figure was not kept."""
    arguments = argparse.ArgumentParser(description=text)
    arguments.add_argument("--port", type=int, default=8080)
    arguments.add_argument("--path", default=path)
    arguments.add_argument("--worker", type=int, help="process id, to look at its memory")
    chosen = arguments.parse_args()
    try:
        run(Target(chosen.port, chosen.path, chosen.worker))
    except Broken:
        sys.exit(1)
