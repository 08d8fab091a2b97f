# SPDX-License-Identifier: Apache-2.0
"""Answers that go out in pieces: framing in each version of HTTP, ends, slow clients, events."""
import contextlib
import http.client
import os
import pathlib
import re
import signal
import socket
import struct
import unittest

import h2
import harness
from harness import Server, ServerTest, guest, wait_until

EVENT = b"data: tick\n\n"
# What the guest is told to do (e2e_stream.wat), method, status, body, its Content-Length if it has
# one, and how it ends: whole, or cut because the guest broke off.
WHOLE, CUT = "whole", "cut"
CASES = [
    (b"e", b"GET", 200, 12, 12, WHOLE),            # complete in one go: no stream
    (b"K", b"GET", 200, 65536, 65536, WHOLE),      # as much as the buffer takes
    (b"Kk", b"GET", 200, 66560, None, WHOLE),
    (b"KKKK", b"GET", 200, 262144, None, WHOLE),
    (b"M", b"GET", 200, 1 << 20, None, WHOLE),     # in one call, which waits for room
    (b"eze", b"GET", 200, 24, None, WHOLE),
    (b"zze", b"GET", 200, 12, 12, WHOLE),          # parked with nothing written
    (b"seze", b"GET", 404, 24, None, WHOLE),
    (b"fezeM", b"GET", 200, 24 + (1 << 20), 24 + (1 << 20), WHOLE),  # buffered: never a stream
    (b"lkzk", b"GET", 200, 2048, 2048, WHOLE),     # a length that is kept
    (b"Lez", b"GET", 200, 12, 12, WHOLE),
    (b"lkze", b"GET", 200, 1024, 2048, CUT),       # too short
    (b"lkzkk", b"GET", 200, 1024, 2048, CUT),      # too long, when the head is out
    (b"Lkz", b"GET", 500, None, None, WHOLE),      # ... and before
    (b"Lk", b"GET", 200, 1024, 1024, WHOLE),       # ... of one that is no stream: counted anew
    (b"ezt", b"GET", 200, 12, None, CUT),
    (b"ezw", b"GET", 200, 12, None, CUT),          # its fuel ends
    (b"n", b"GET", 204, 0, None, WHOLE),
    (b"neze", b"GET", 204, 0, None, WHOLE),
    (b"reze", b"GET", 205, 0, 0, WHOLE),
    (b"ueze", b"GET", 304, 0, None, WHOLE),
    (b"e", b"HEAD", 200, 0, 12, WHOLE),
    (b"eze", b"HEAD", 200, 0, None, WHOLE),
    (b"Leze", b"HEAD", 200, 0, 12, WHOLE),
    (b"MM", b"HEAD", 200, 0, None, WHOLE),
]


class Http1Answer:
    """What came back for one request, byte by byte, up to its end or the connection's."""

    def __init__(self, data, method):
        head, _, rest = data.partition(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        self.status = int(lines[0].split()[1])
        self.headers = {name.lower(): value.strip() for name, _, value in
                        (line.partition(b":") for line in lines[1:])}
        self.length = self.headers.get(b"content-length")
        self.is_whole = True
        self.body = b""
        if method == b"HEAD" or self.status in (204, 304):
            self.left = rest
        elif self.headers.get(b"transfer-encoding") == b"chunked":
            self._dechunk(rest)
        elif self.length is not None:
            self.body, self.left = rest[:int(self.length)], rest[int(self.length):]
            self.is_whole = len(self.body) == int(self.length)
        else:
            self.body, self.left = rest, b""

    def _dechunk(self, rest):
        while True:
            size, found, rest = rest.partition(b"\r\n")
            count = int(size, 16) if found else -1
            if count <= 0 or len(rest) < count + 2:
                self.is_whole = count == 0 and rest.startswith(b"\r\n")
                self.left = rest[2:]
                return
            assert rest[count:count + 2] == b"\r\n", rest[:80]
            self.body += rest[:count]
            rest = rest[count + 2:]


class Framing(ServerTest):
    config = "limits: { fuel: 2M, body: 64KiB }\n"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server.deploy("stream", guest("stream"))
        cls.server.deploy("events", guest("events"))

    def ask(self, data):
        """All that comes back, and whether the connection was reset in the end."""
        received = b""
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=20) as s:
            s.sendall(data)
            try:
                while piece := s.recv(65536):
                    received += piece
            except ConnectionResetError:
                return received, True
        return received, False

    def check(self, case, status, body, length):
        script, method, want_status, want_bytes, want_length, _ = case
        self.assertEqual(status, want_status, case)
        if want_bytes is not None:
            self.assertEqual(len(body), want_bytes, case)
            self.assertEqual(length and int(length), want_length, case)
        if method == b"GET" and script.startswith(b"e"):
            self.assertTrue(body.startswith(EVENT))

    def test_http_1_1_has_chunks_unless_there_is_a_length_and_keeps_the_connection(self):
        for case in CASES:
            script, method, *_, end = case
            with self.subTest(case=case):
                head = b"%s /f/default/stream/%s HTTP/1.1\r\nHost: x\r\n" % (method, script)
                after = (b"GET /f/default/stream/s HTTP/1.1\r\nHost: x\r\n"
                         b"Connection: close\r\n\r\n")
                data, _ = self.ask(head + b"\r\n" + after)
                answer = Http1Answer(data, method)
                self.check(case, answer.status, answer.body, answer.length)
                self.assertEqual(answer.is_whole, end == WHOLE, data[:600])
                if end == WHOLE:
                    self.assertEqual(Http1Answer(answer.left, b"GET").status, 404, answer.left)
                else:
                    self.assertEqual(answer.left, b"")

    def test_http_1_0_ends_with_the_connection_and_is_reset_if_it_is_cut(self):
        for case in CASES:
            script, method, *_, end = case
            with self.subTest(case=case):
                data, was_reset = self.ask(b"%s /f/default/stream/%s HTTP/1.0\r\n"
                                           b"Connection: keep-alive\r\n\r\n" % (method, script)
                                           if case[4] is None and case[3] and end == WHOLE else
                                           b"%s /f/default/stream/%s HTTP/1.0\r\n\r\n"
                                           % (method, script))
                answer = Http1Answer(data, method)
                self.check(case, answer.status, answer.body, answer.length)
                self.assertNotIn(b"transfer-encoding", answer.headers)
                if answer.length is None and answer.status == 200:
                    self.assertEqual(was_reset, end == CUT)
                else:
                    self.assertEqual(answer.is_whole, end == WHOLE)

    def test_http_2_has_frames_and_a_reset_if_it_is_cut(self):
        connection = h2.Connection(self.server.port, 20)
        with contextlib.closing(connection):
            for case in CASES:
                script, method, *_, end = case
                with self.subTest(case=case):
                    stream = connection.request(b"/f/default/stream/" + script, method)
                    connection.send(h2.WINDOW_UPDATE, 0, stream, struct.pack(">I", 1 << 24))
                    outcome = connection.outcome(stream)
                    self.assertEqual(outcome, case[2])
                    if case[3] is not None:
                        self.assertEqual(len(connection.bodies[stream]), case[3])
                    # INTERNAL_ERROR: it is not the client's.
                    self.assertEqual(connection.reset.get(stream), 2 if end == CUT else None)

    def test_a_fault_after_the_head_is_logged_and_counted(self):
        data, _ = self.ask(b"GET /f/default/stream/ezt HTTP/1.1\r\nHost: x\r\n\r\n")
        request_id = Http1Answer(data, b"GET").headers[b"x-request-id"].decode()
        wait_until(lambda: request_id in self.server.guest_log("stream", query="?level=error"), 5,
                   "its line")
        text = self.server.admin("GET", "/metrics").text
        cut = sum(int(n) for n in re.findall(r"^skerry_streams_cut_total\{.*\} (\d+)$", text, re.M))
        self.assertGreater(cut, 0)

    def test_a_body_that_is_expected_is_asked_for_and_then_answered_in_pieces(self):
        head = (b"POST /f/default/stream/eze HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
                b"Content-Length: 4\r\nConnection: close\r\n\r\n")
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=20) as s:
            s.sendall(head)
            self.assertEqual(s.recv(4096), b"HTTP/1.1 100 Continue\r\n\r\n")
            s.sendall(b"body")
            data = b""
            while piece := s.recv(65536):
                data += piece
        answer = Http1Answer(data, b"POST")
        self.assertEqual((answer.status, answer.body), (200, EVENT * 2))

    def test_a_body_that_nobody_would_read_is_not_asked_for(self):
        for target in (b"/f/default/nobody/", b"/f/none/stream/", b"/elsewhere"):
            head = (b"PUT %s HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
                    b"Content-Length: 4\r\n\r\n" % target)
            with socket.create_connection(("127.0.0.1", self.server.port), timeout=20) as s:
                s.sendall(head)
                data = b""
                while piece := s.recv(65536):
                    data += piece
            self.assertEqual(Http1Answer(data, b"PUT").status, 404, data)

    def test_on_http_2_a_body_that_is_expected_may_come_at_once(self):
        """No 100 comes there: who waits for one sends its body after a while [RFC 9110 10.1.1]."""
        connection = h2.Connection(self.server.port, 20)
        with contextlib.closing(connection):
            stream = connection.begin([
                (b":method", b"POST"), (b":scheme", b"http"),
                (b":path", b"/f/default/stream/eze"), (b":authority", b"x"),
                (b"expect", b"100-continue"), (b"content-length", b"4")], ended=False)
            connection.send(h2.DATA, h2.END_STREAM, stream, b"body")
            self.assertEqual(connection.outcome(stream), 200)
            self.assertEqual(connection.bodies[stream], EVENT * 2)

    def test_wagi_streams_from_its_empty_line_on(self):
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=20) as s:
            s.sendall(b"GET /f/default/events HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            data = s.recv(65536)
            # The head comes alone, because it was flushed.
            self.assertTrue(data.startswith(b"HTTP/1.1 200 OK\r\n"), data)
            self.assertIn(b"content-type: text/event-stream\r\n", data)
            self.assertTrue(data.endswith(b"\r\n\r\n"), data)
            while piece := s.recv(65536):
                data += piece
        answer = Http1Answer(data, b"GET")
        self.assertEqual((answer.is_whole, answer.body), (True, EVENT * 3))


class Flow(unittest.TestCase):
    def gauge(self, server, name):
        text = server.admin("GET", "/metrics").text
        return sum(int(n) for n in re.findall(rf"^{name}(?:{{.*}})? (\d+)$", text, re.M))

    def idle(self, server):
        wait_until(lambda: self.gauge(server, "skerry_streams") == 0
                   and self.gauge(server, "skerry_requests_in_flight") == 0
                   and self.gauge(server, "skerry_requests_parked") == 0
                   and self.gauge(server, "skerry_pool_in_use") == 0
                   and self.gauge(server, "skerry_unread_bytes") == 0, 10, "nothing under way")

    @staticmethod
    def open(server, target=b"ez*", name=b"stream"):
        s = socket.create_connection(("127.0.0.1", server.port), timeout=20)
        s.sendall(b"GET /f/default/%s/%s HTTP/1.1\r\nHost: x\r\n\r\n" % (name, target))
        return s

    @staticmethod
    def read_events(s, count):
        data = b""
        while data.count(EVENT) < count:
            piece = s.recv(65536)
            if not piece:
                return None
            data += piece
        return data

    def test_a_client_that_reads_nothing_parks_its_guest_and_costs_little(self):
        with Server(workers=1) as server:
            server.deploy("stream", guest("stream"))
            before = self.gauge(server, "skerry_memory_bytes")
            with contextlib.ExitStack() as stack:
                for _ in range(4):
                    stack.enter_context(self.open(server, b"M*"))
                wait_until(lambda: self.gauge(server, "skerry_requests_parked") == 4, 10, "parked")
                # Each guest has 20 pages, and two pieces under way.
                self.assertLess(self.gauge(server, "skerry_memory_bytes") - before, 4 * (4 << 20))
                self.assertLessEqual(self.gauge(server, "skerry_unread_bytes"), 4 * 65536)
            self.idle(server)

    def test_clients_that_leave_end_their_streams(self):
        with Server(workers=2) as server:
            server.deploy("stream", guest("stream"))
            clients = [self.open(server) for _ in range(20)]
            connection = h2.Connection(server.port, 20)
            streams = [connection.request(b"/f/default/stream/ez*") for _ in range(20)]
            for client in clients:
                self.assertIsNotNone(self.read_events(client, 2))
            while any(connection.bodies[stream].count(EVENT) < 2 for stream in streams):
                connection.turn()
            self.assertEqual(self.gauge(server, "skerry_streams"), 40)
            for client in clients:
                client.close()
            for stream in streams:
                connection.cancel(stream)
            self.idle(server)
            connection.close()

    def test_one_whose_guest_sleeps_is_missed_too(self):
        """Nobody writes to that connection, and libh2o does not read from it."""
        with Server(workers=1, config="limits: { stream_wall: 100s }\n") as server:
            server.deploy("stream", guest("stream"))
            client = self.open(server, b"e" + b"z" * 4000)
            self.assertIsNotNone(self.read_events(client, 1))
            client.close()
            self.idle(server)

    def watched(self, server):
        """Descriptors that each epoll of the worker watches for their other side's end alone."""
        worker, = server.worker_pids()
        texts = [path.read_text() for path in pathlib.Path(f"/proc/{worker}/fdinfo").iterdir()]
        return sum(len(re.findall(r"^tfd: .*events: +40002018 ", text, re.M)) for text in texts)

    def test_those_that_are_parked_for_long_are_missed_at_once_and_looked_at_no_more(self):
        config = "limits: { wall: 1h, stream_wall: 1h, stream_idle: 1h }\n"
        with Server(workers=1, config=config) as server, contextlib.ExitStack() as stack:
            server.deploy("stream", guest("stream"))
            clients = [stack.enter_context(self.open(server, target))
                       for target in (b"Z", b"eZ", b"eZ", b"Z", b"ezZ")]
            wait_until(lambda: self.watched(server) == len(clients), 15, "all are watched")
            for left, end in ((4, clients[0].close), (3, clients[1].close),
                              (2, lambda: clients[2].shutdown(socket.SHUT_WR))):
                end()
                wait_until(lambda n=left: self.gauge(server, "skerry_requests_parked") == n, 2,
                           "its guest has ended")
            self.assertEqual(self.gauge(server, "skerry_client_gone_total"), 3)
            server.admin("DELETE", "/v1/tenants/default/functions/stream")
            for client in clients[3:]:
                client.close()
            self.idle(server)
            self.assertEqual(self.watched(server), 0)

    def test_a_deploy_leaves_streams_alone_and_the_end_of_their_function_ends_them(self):
        with Server(workers=2, config="limits: { drain_grace: 300ms }\n") as server:
            server.deploy("stream", guest("stream"))
            clients = [self.open(server) for _ in range(50)]
            for client in clients:
                self.assertIsNotNone(self.read_events(client, 1))
            server.deploy("stream", guest("echo"))
            for client in clients:
                self.assertIsNotNone(self.read_events(client, 50))
            self.assertEqual(server.get("stream").headers["x-skerry-version"], "v2")
            answer = server.admin("DELETE", "/v1/tenants/default/functions/stream")
            self.assertIn(answer.status, (200, 204), answer)
            for client in clients:
                while client.recv(65536):
                    pass
                client.close()
            self.assertIn('"stream_ended"', server.log())
            self.idle(server)

    def test_a_drain_waits_for_streams_as_long_as_its_grace(self):
        server = Server(workers=1, config="limits: { drain_grace: 400ms }\n")
        with server:
            server.deploy("stream", guest("stream"))
            endless, ending = self.open(server), self.open(server, b"eze")
            self.assertIsNotNone(self.read_events(endless, 1))
            self.assertIsNotNone(self.read_events(ending, 1))
            os.kill(server.process.pid, signal.SIGTERM)
            data = b""
            while piece := ending.recv(65536):
                data += piece
            self.assertTrue(data.endswith(b"0\r\n\r\n"), data)
            # It goes on, and then ends without a last chunk.
            self.assertIsNotNone(self.read_events(endless, 5))
            data = b""
            while piece := endless.recv(65536):
                data += piece
            self.assertFalse(data.endswith(b"0\r\n\r\n"))

    def test_total_and_time_are_bounded(self):
        config = "limits: { response: 1MiB, stream_wall: 300ms, wall: 100ms }\n"
        with Server(workers=1, config=config) as server:
            server.deploy("stream", guest("stream"))
            with contextlib.closing(server.connect()) as connection:
                connection.request("GET", "/f/default/stream/MK")
                with self.assertRaises(http.client.IncompleteRead) as raised:
                    connection.getresponse().read()
                self.assertLessEqual(len(raised.exception.partial), 1 << 20)
            # Longer than limits.wall, as the first byte came before.
            with self.open(server) as client:
                self.assertIsNotNone(self.read_events(client, 8))
                while client.recv(65536):
                    pass
            wait_until(lambda: "limits.stream_wall" in server.log(), 5, "the line about its time")
            self.idle(server)

    def test_a_client_that_takes_nothing_for_too_long_is_cut(self):
        with Server(workers=1, config="limits: { stream_idle: 200ms }\n") as server:
            server.deploy("stream", guest("stream"))
            connection = h2.Connection(server.port, 20)
            with contextlib.closing(connection), self.open(server, b"M*"):
                # On HTTP/2 its window is what stops it.
                connection.request(b"/f/default/stream/M*")
                wait_until(lambda: server.log().count('"stream_idle"') >= 2, 10, "both cut")
                self.assertEqual(self.gauge(server, "skerry_streams_cut_total"), 2)
            self.idle(server)


if __name__ == "__main__":
    harness.unittest.main()
