# SPDX-License-Identifier: Apache-2.0
"""What must not come in: requests that two readers could understand differently, over sockets.

The forms themselves are in tests/unit/server/front and attacks/smuggling.py; here it is that a
server refuses them, in one shape, closes the connection, and runs nothing of what follows.
"""
import json
import pathlib
import re
import sys

import h2
import harness
from harness import Server, ServerTest, guest, raw, wait_until

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "attacks"))
# pylint: disable=wrong-import-position
import attack
import conformance
import smuggling

ECHO = smuggling.ECHO.encode()
head, fields = smuggling.head, smuggling.fields

# Over what `limits` says, each with the status that must be answered.
OVER_LIMITS = [
    (431, head(b"".join(b"x%d: y\r\n" % i for i in range(100)))),
    (431, head(b"X-A: " + b"b" * 9000 + b"\r\n")),
    (431, head(b"", b"GET " + ECHO + b"b" * 200_000 + b" HTTP/1.1")),
    (413, head(b"Content-Length: 1000000\r\n")),
    (413, head(b"Content-Length: 18446744073709551616\r\n")),
    (413, head(b"Content-Length: 1000000\r\nExpect: 100-continue\r\n")),
    (413, head(b"Transfer-Encoding: chunked\r\n") + b"40001\r\n" + b"x" * 0x40001),
]
HTTP2_OVER_LIMITS = [
    (413, fields((b"content-length", b"1000000"), method=b"POST"), b"abc"),
    (431, fields(*[(b"x-%d" % i, b"v" * 120) for i in range(99)]), None),
]


class Strict(ServerTest):
    workers = 1
    config = "limits: { body: 256KiB, headers: 8KiB }\n"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server.arguments.append("--access-log")
        cls.server.stop()
        cls.server.start()
        cls.server.deploy("echo", guest("echo"))

    def ask(self, data):
        return raw(self.server.port, data)

    def test_each_form_is_refused_once_or_harmless_and_nothing_after_it_runs(self):
        target = attack.Target(self.server.port, smuggling.ECHO)
        self.assertGreaterEqual(smuggling.run(target, harness.PATIENCE), 150)
        self.assertEqual(smuggling.refuse(target, OVER_LIMITS), [])
        self.assertEqual(smuggling.multiplex(target, HTTP2_OVER_LIMITS, harness.PATIENCE), [])
        self.assertEqual(self.server.get("echo").status, 200)
        for line in self.server.log().splitlines():
            self.assertFalse(re.search("[\0-\x1f\x7f]", line), line)
            self.assertIn("event", json.loads(line))

    def test_what_is_refused_is_logged_and_counted_with_its_reason(self):
        def counted():
            text = self.server.admin("GET", "/metrics").text
            found = re.search(r'^skerry_front_refused_total\{.*"host_twice"\} (\d+)$', text, re.M)
            return int(found.group(1))
        before = counted()
        answer = self.ask(head(b"Host: y\r\n", b"GET /refused?here HTTP/1.1"))
        request_id = json.loads(answer.partition(b"\r\n\r\n")[2])["request_id"]
        self.assertEqual(counted(), before + 1)
        lines = [json.loads(line) for line in self.server.log().splitlines()
                 if request_id in line]
        self.assertEqual(len(lines), 1, lines)
        self.assertEqual((lines[0]["event"], lines[0]["status"], lines[0]["code"]),
                         ("access", 400, "bad_host"))
        self.assertEqual((lines[0]["method"], lines[0]["path"]), ("GET", "/refused?here"))

    def test_without_an_access_log_a_refusal_has_a_line_of_its_own(self):
        with Server() as server:
            answer = raw(server.port, head(b"Host: y\r\n", b"GET /refused?here HTTP/1.1"))
            request_id = json.loads(answer.partition(b"\r\n\r\n")[2])["request_id"]
            wait_until(lambda: request_id in server.log(), 10, "the refusal's line")
            lines = [json.loads(line) for line in server.log().splitlines() if request_id in line]
            self.assertEqual([(line["event"], line["reason"], line["detail"]) for line in lines],
                             [("request_refused", "bad_host", request_id)])

    def test_a_body_that_is_too_large_by_its_length_is_refused_before_it_comes(self):
        answer = self.ask(head(b"Content-Length: 9999999\r\nExpect: 100-continue\r\n"))
        self.assertTrue(answer.startswith(b"HTTP/1.1 413 "), answer)

    def test_a_chunked_body_of_the_limit_is_served(self):
        body = b"40000\r\n" + b"x" * 0x40000 + b"\r\n0\r\n\r\n"
        answer = self.ask(head(b"Transfer-Encoding: chunked\r\nConnection: close\r\n") + body)
        self.assertTrue(answer.startswith(b"HTTP/1.1 200 "), answer[:200])
        # The echo is larger than what goes out in one piece.
        self.assertIn(b"\r\ntransfer-encoding: chunked\r\n", answer)
        self.assertEqual(answer.partition(b"\r\n\r\n")[2].count(b"x"), 0x40000)
        self.assertTrue(answer.endswith(b"\r\n0\r\n\r\n"), answer[-40:])

    def test_an_absolute_target_without_a_path_asks_for_the_root(self):
        answer = self.ask(head(b"Connection: close\r\n",
                               b"GET http://echo.default.localhost?q=1 HTTP/1.1"))
        self.assertIn(b"GET /?q=1\n", answer)

    def test_a_head_that_comes_byte_by_byte_is_read(self):
        data = head(b"Connection: close\r\nContent-Length: 3\r\n") + b"abc"
        with harness.socket.create_connection(("127.0.0.1", self.server.port), 10) as client:
            client.setsockopt(harness.socket.IPPROTO_TCP, harness.socket.TCP_NODELAY, 1)
            for i in range(len(data)):
                client.sendall(data[i:i + 1])
            answer = client.recv(65536)
        self.assertTrue(answer.startswith(b"HTTP/1.1 200 "), answer)


class Http2(ServerTest):
    workers = 1
    config = "limits: { body: 256KiB, headers: 8KiB }\n"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server.deploy("echo", guest("echo"))

    def connect(self):
        return h2.Connection(self.server.port, 10 * harness.PATIENCE)

    def test_each_situation_of_the_protocol_ends_as_its_documents_say(self):
        target = attack.Target(self.server.port, conformance.PATH)
        self.assertEqual(conformance.run(target), 146)

    def test_a_body_over_the_limit_gets_one_413_and_the_connection_goes_on(self):
        connection = self.connect()
        stream = connection.begin(fields(method=b"POST"), ended=False)
        for _ in range(40):
            connection.send(h2.DATA, 0, stream, b"x" * 16000)
        connection.send(h2.DATA, h2.END_STREAM, stream, b"x")
        self.assertEqual(connection.outcome(stream), 413)
        self.assertEqual(json.loads(connection.bodies[stream])["code"], "body_too_large")
        self.assertEqual(connection.outcome(connection.begin(fields())), 200)
        self.assertIsNone(connection.goaway)
        self.assertIn(connection.reset.get(stream), (None, 0))
        connection.close()

    def test_a_length_over_the_limit_gets_413_before_the_body_comes(self):
        connection = self.connect()
        stream = connection.begin(fields((b"content-length", b"9999999"), method=b"POST"), False)
        self.assertEqual(connection.outcome(stream), 413)
        # what is already on its way is forgotten
        for _ in range(20):
            connection.send(h2.DATA, 0, stream, b"x" * 16000)
        self.assertEqual(connection.outcome(connection.begin(fields())), 200)
        while stream not in connection.reset:
            connection.turn()
        self.assertEqual(connection.reset[stream], 0)
        connection.close()

    def test_a_client_that_need_not_send_more_is_told_so_once_it_has_its_answer(self):
        connection = self.connect()
        pings = []
        send = connection.send
        connection.send = lambda kind, *rest: (
            pings.append((kind, *rest)) if kind == h2.PING else send(kind, *rest))
        stream = connection.begin(fields((b"content-length", b"9999999"), method=b"POST"), False)
        self.assertEqual(connection.outcome(stream), 413)
        self.assertEqual(connection.outcome(connection.begin(fields())), 200)
        self.assertNotIn(stream, connection.reset)
        # A sign of life that was not asked for changes nothing, nor does one of another stream.
        send(h2.PING, h2.ACK, 0, b"12345678")
        send(h2.PING, h2.ACK, 0, b"\0\0\0\x7fread")
        self.assertEqual(connection.outcome(connection.begin(fields())), 200)
        self.assertNotIn(stream, connection.reset)
        send(*pings[0])
        while stream not in connection.reset:
            connection.turn()
        self.assertEqual(connection.reset[stream], 0)
        connection.close()

    def test_trailers_are_no_headers_of_the_request(self):
        connection = self.connect()
        stream = connection.begin(fields(method=b"POST"), ended=False)
        connection.send(h2.DATA, 0, stream, b"abc")
        connection.send(h2.HEADERS, h2.END_HEADERS | h2.END_STREAM, stream,
                        h2.literal(b"x-probe", b"smuggled"))
        self.assertEqual(connection.outcome(stream), 200)
        self.assertEqual(connection.bodies[stream], b"POST /\n\nabc")
        connection.close()

    def test_what_ends_connections_and_streams_is_counted_by_reason(self):
        connection = self.connect()
        self.assertEqual(connection.outcome(connection.begin(fields(method=b""))), smuggling.RESET)
        self.assertEqual(connection.outcome(connection.begin(fields((b"X", b"y")))), "closed")
        connection.close()
        text = self.server.admin("GET", "/metrics").text
        for family in ("resets_sent", "goaway"):
            found = re.search(r'^skerry_http2_%s_total\{.*"protocol_error"\} (\d+)$' % family, text,
                              re.M)
            self.assertGreater(int(found.group(1)), 0)
        # Lines come by way of control.
        wait_until(lambda: '"http2_goaway"' in self.server.log(), 5, "its line in the log")


class WithoutHttp2(ServerTest):
    workers = 1
    config = "h2c: false\n"

    def test_http_2_is_refused_as_a_version_that_is_not_spoken(self):
        answer = raw(self.server.port, h2.PREFACE + h2.frame(h2.SETTINGS, 0, 0))
        self.assertTrue(answer.startswith(b"HTTP/1.1 505 "), answer)
        self.assertEqual(answer.count(b"HTTP/1.1 "), 1)


class BehindAProxy(ServerTest):
    workers = 1
    config = ("trusted_proxies: [127.0.0.0/8]\npublic_url: https://example.org\naccess_log: true\n")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server.deploy("wagi", guest("wagi"))

    def client_of(self, headers):
        answer = self.server.get("wagi", headers=headers)
        request_id = answer.headers["x-request-id"]
        line = harness.wait_until(
            lambda: [line for line in self.server.log().splitlines() if request_id in line], 5,
            "the access log")
        return json.loads(line[0])["client"]

    def test_the_clients_address_is_what_a_trusted_proxy_saw(self):
        self.assertEqual(self.client_of({"X-Forwarded-For": "6.6.6.6, 192.0.2.7"}), "192.0.2.7:0")
        self.assertTrue(self.client_of({}).startswith("127.0.0.1:"))
        self.assertTrue(self.client_of({"X-Forwarded-For": "nonsense"}).startswith("127.0.0.1:"))


class WithoutAProxy(ServerTest):
    workers = 1
    config = "access_log: true\n"

    def test_what_anybody_says_of_his_address_is_not_believed(self):
        self.server.get("nobody", headers={"X-Forwarded-For": "192.0.2.7"})
        harness.wait_until(lambda: '"access"' in self.server.log(), 5, "the access log")
        self.assertNotIn("192.0.2.7", self.server.log())
