#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One address that takes all it can: it gets its bound, and every other address is served.

Loopback has no bound, so this runs in a network of its own, whose loopback device has other
addresses too: the test starts this program again below `unshare`, and its tests run there.
"""
import contextlib
import fcntl
import os
import pathlib
import socket
import struct
import subprocess
import sys
import unittest

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[i]) for i in (0, 1)]
# pylint: disable=wrong-import-position
import attack
import rapid_reset
from harness import PATIENCE, Server, free_port, text_guest, wait_until

INSIDE = "SKERRY_TEST_NETWORK"
V4 = [f"10.77.0.{i}" for i in range(1, 6)]
V6 = ["fd77::1", "fd77::2", "fd77:0:0:1::1"]    # the first two are one /64
CONNECTIONS = 8
BODY_BYTES = 65536
SIOCSIFFLAGS, SIOCSIFADDR = 0x8914, 0x8916


def make_network():
    with socket.socket() as v4, socket.socket(socket.AF_INET6) as v6:
        flags = struct.pack("16sh22x", b"lo", 0x49)     # up, loopback, running
        fcntl.ioctl(v4, SIOCSIFFLAGS, flags)
        for i, address in enumerate(V4):
            row = struct.pack("16sHH4s16x", f"lo:{i}".encode(), socket.AF_INET, 0,
                              socket.inet_aton(address))
            fcntl.ioctl(v4, SIOCSIFADDR, row)
        index = socket.if_nametoindex("lo")
        for address in V6:
            row = struct.pack("16sIi", socket.inet_pton(socket.AF_INET6, address), 64, index)
            fcntl.ioctl(v6, SIOCSIFADDR, row)


def is_there(address):
    """Whether it can be used already."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as one, contextlib.suppress(OSError):
        one.bind((address, 0))
        return True
    return False


def answer_of(client, seconds=10):
    """Its status line; nothing if the server closed it."""
    client.settimeout(seconds * PATIENCE)
    with contextlib.suppress(ConnectionResetError, BrokenPipeError):
        return client.recv(65536).partition(b"\r\n")[0].decode()
    return ""


def ask(client):
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        client.sendall(b"GET /f/default/hello/ HTTP/1.1\r\nHost: x\r\n\r\n")
    return answer_of(client)


class Inside(unittest.TestCase if INSIDE in os.environ else object):
    @classmethod
    def setUpClass(cls):
        make_network()
        wait_until(lambda: all(is_there(address) for address in V4 + V6), 10, "addresses")
        cls.port = free_port()
        cls.server = Server(
            workers=1, arguments=["--listen", f"{V4[0]}:{cls.port}",
                                  "--listen", f"[{V6[0]}]:{cls.port}"],
            config=f"limits: {{ connections_per_address: {CONNECTIONS}, "
                   f"bodies_per_address: {BODY_BYTES} }}\n").start()
        cls.addClassCleanup(cls.server.stop)
        cls.server.deploy("hello", text_guest("hello-address"))

    def setUp(self):
        self.clients = contextlib.ExitStack()
        self.addCleanup(self.clients.close)

    def connect(self, source, target=None):
        target = target or (V6[0] if ":" in source else V4[0])
        client = socket.create_connection((target, self.port), timeout=10 * PATIENCE,
                                          source_address=(source, 0))
        return self.clients.enter_context(client)

    def counter(self, name):
        text = self.server.admin("GET", "/metrics").text
        return sum(int(line.rsplit(" ", 1)[1]) for line in text.splitlines()
                   if line.startswith(name))

    def takes_its_bound(self, mine, other):
        """All of `mine` together get CONNECTIONS; `other` and loopback are served beside."""
        held = [self.connect(mine[i % len(mine)]) for i in range(CONNECTIONS)]
        self.assertEqual({ask(client) for client in held}, {"HTTP/1.1 200 OK"})
        for address in mine:
            self.assertEqual(ask(self.connect(address)), "")
        self.assertEqual(ask(self.connect(other)), "HTTP/1.1 200 OK")
        local = [self.clients.enter_context(
            socket.create_connection(("127.0.0.1", self.server.port)))
            for _ in range(2 * CONNECTIONS)]
        self.assertEqual({ask(client) for client in local}, {"HTTP/1.1 200 OK"})
        held[0].close()
        wait_until(lambda: ask(self.connect(mine[0])) == "HTTP/1.1 200 OK", 10, "room again")

    def test_an_address_has_its_connections_and_others_have_theirs(self):
        before = self.counter("skerry_connections_refused_total")
        self.takes_its_bound(V4[1:2], V4[2])
        self.assertGreater(self.counter("skerry_connections_refused_total"), before)

    def test_a_network_of_ipv6_counts_as_one_address(self):
        self.takes_its_bound(V6[:2], V6[2])

    def is_calmed(self, source, resets):
        """Whether a connection ends that resets so many streams, and asks once more."""
        client = self.connect(source)
        pieces = [rapid_reset.asks("/nothing", 2 * i + 1) + rapid_reset.reset(2 * i + 1)
                  for i in range(resets)]
        last = attack.frame(attack.PING, 0, 0, b"01234567") + rapid_reset.asks(
            "/nothing", 2 * resets + 1)
        with contextlib.suppress(ConnectionResetError, BrokenPipeError):
            client.sendall(attack.PREFACE + attack.frame(attack.SETTINGS, 0, 0)
                           + b"".join(pieces) + last)
        # the last request is answered, or there is a GOAWAY
        received = bytearray()
        while True:
            kinds = attack.frames_of(received)
            if attack.GOAWAY in [kind for kind, _ in kinds]:
                return True
            if (attack.HEADERS, 2 * resets + 1) in kinds:
                return False
            piece = client.recv(65536)
            if not piece:
                raise AssertionError(f"ended without a word: {kinds}")
            received += piece

    def test_resets_count_for_the_address_whose_connections_follow_one_another(self):
        count = 0
        while not self.is_calmed(V4[1], 190):
            count += 1
            self.clients.close()
            self.assertLess(count, 60)
        # 2,000 in ten seconds; more of them if those passed meanwhile
        self.assertGreaterEqual(count, 10)
        self.assertFalse(self.is_calmed(V4[2], 190))

    def begin_body(self, source, count):
        """A POST of BODY_BYTES, of which `count` are sent."""
        client = self.connect(source)
        client.sendall(f"POST /f/default/hello/ HTTP/1.1\r\nHost: x\r\n"
                       f"Content-Length: {BODY_BYTES}\r\n\r\n".encode() + bytes(count))
        return client

    def test_bodies_that_are_coming_in_count_by_address(self):
        half = BODY_BYTES // 2
        first = self.begin_body(V4[3], half)
        wait_until(lambda: self.counter("skerry_coming_bytes") >= half, 10, "a half")
        second = self.begin_body(V4[3], half - 8192)
        wait_until(lambda: self.counter("skerry_coming_bytes") >= 2 * half - 8192, 10, "another")
        second.sendall(bytes(half))
        self.assertEqual(answer_of(second), "HTTP/1.1 503 Service Unavailable")
        self.assertEqual(answer_of(self.begin_body(V4[4], BODY_BYTES)), "HTTP/1.1 200 OK")
        first.sendall(bytes(half))
        self.assertEqual(answer_of(first), "HTTP/1.1 200 OK")


class Addresses(unittest.TestCase):
    def test_each_address_has_its_bounds(self):
        # a user's own network, or root's where users may have none
        ways = [["unshare", "--user", "--map-root-user", "--net"], ["unshare", "--net"]]
        way = next((way for way in ways if subprocess.run(
            [*way, "true"], capture_output=True, check=False).returncode == 0), None)
        if INSIDE in os.environ or way is None:
            self.skipTest("no network of its own can be made here (`unshare --net`)")
        done = subprocess.run([*way, sys.executable, __file__], capture_output=True, text=True,
                              env={**os.environ, INSIDE: "1"}, timeout=120 * PATIENCE,
                              check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("Ran 4 tests", done.stderr)


if __name__ == "__main__":
    unittest.main(defaultTest="Inside")
