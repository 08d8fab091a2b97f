# SPDX-License-Identifier: Apache-2.0
"""What must not come in: requests that two readers could understand differently, over sockets.

The forms themselves are in tests/unit/server/front; here it is that a server refuses them, in one
shape, closes the connection, and runs nothing of what follows.
"""
import json
import re

import h2
import harness
from harness import ServerTest, guest, raw, wait_until

ECHO = b"/f/default/echo/"
NEXT = b"GET " + ECHO + b"SMUGGLED HTTP/1.1\r\nHost: x\r\n\r\n"


def head(fields, line=b"POST " + ECHO + b" HTTP/1.1", host=b"Host: x\r\n"):
    return line + b"\r\n" + host + fields + b"\r\n"


# Each with what follows it; the status that must be answered, once.
REFUSED = [
    (400, head(b"Content-Length: 3\r\nContent-Length: 5\r\n") + b"abcde"),
    (400, head(b"Content-Length: 3\r\nContent-Length: 3\r\n") + b"abc"),
    (400, head(b"Content-Length: 3, 3\r\n") + b"abc"),
    (400, head(b"Content-Length: +3\r\n") + b"abc"),
    (400, head(b"Content-Length: 0x3\r\n") + b"abc"),
    (400, head(b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n") + b"0\r\n\r\n"),
    (400, head(b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n") + b"0\r\n\r\n"),
    (400, head(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n") + b"0\r\n\r\n"),
    (400, head(b"Transfer-Encoding: chunked, chunked\r\n") + b"0\r\n\r\n"),
    (400, head(b"Transfer-Encoding: gzip, chunked\r\n") + b"0\r\n\r\n"),
    (400, head(b"Transfer-Encoding: identity\r\n")),
    (400, head(b"Transfer-Encoding: \x0bchunked\r\n") + b"0\r\n\r\n"),
    (400, head(b"Transfer-Encoding : chunked\r\n") + b"0\r\n\r\n"),
    (400, head(b"Transfer-Encoding: chunked\r\n", b"POST " + ECHO + b" HTTP/1.0") + b"0\r\n\r\n"),
    (400, head(b"Host: y\r\n")),
    (400, head(b"Host: x\r\n")),
    (400, head(b"", host=b"")),
    (400, head(b"", host=b"Host:\r\n")),
    (400, head(b"", host=b"Host: a@b/c d\r\n")),
    (400, head(b"", host=b"Host: [::1\r\n")),
    (400, head(b"", host=b"Host: x:http\r\n")),
    (400, head(b"X-A: b\r\n c\r\n")),
    (400, head(b"X-A : b\r\n")),
    (400, head(b"X A: b\r\n")),
    (400, head(b"X-A: b\x01\r\n")),
    (400, head(b"X-A: b\x7f\r\n")),
    (400, head(b"X-A: b\rc\r\n")),
    (400, head(b"X-A: b\nc: d\r\n")),
    (400, head(b"", b"GET " + ECHO + b" HTTP/1.1").replace(b"\r\n", b"\n")),
    (400, head(b"", b"G\"T " + ECHO + b" HTTP/1.1")),
    (400, head(b"", b"GET " + ECHO + b"a b HTTP/1.1")),
    (400, head(b"", b"GET " + ECHO + b"#x HTTP/1.1")),
    (400, head(b"", b"GET echo HTTP/1.1")),
    (400, head(b"", b"GET http://u@x/ HTTP/1.1")),
    (501, head(b"", b"T" * 10000 + b" " + ECHO + b" HTTP/1.1")),
    (501, head(b"", b"TRACE " + ECHO + b" HTTP/1.1")),
    (501, head(b"", b"CONNECT x:80 HTTP/1.1")),
    (505, head(b"", b"GET " + ECHO + b" HTTP/2.0")),
    (431, head(b"".join(b"x%d: y\r\n" % i for i in range(100)))),
    (431, head(b"X-A: " + b"b" * 9000 + b"\r\n")),
    (431, head(b"", b"GET " + ECHO + b"b" * 200_000 + b" HTTP/1.1")),
    (413, head(b"Content-Length: 1000000\r\n")),
    (413, head(b"Content-Length: 18446744073709551616\r\n")),
    (413, head(b"Content-Length: 1000000\r\nExpect: 100-continue\r\n")),
    (413, head(b"Transfer-Encoding: chunked\r\n") + b"40001\r\n" + b"x" * 0x40001),
    (417, head(b"Expect: 200-ok\r\nContent-Length: 3\r\n") + b"abc"),
    (400, head(b"Transfer-Encoding: chunked\r\n") + b"3zz\r\nabc\r\n0\r\n\r\n"),
    (400, head(b"Transfer-Encoding: chunked\r\n") + b"0x3\r\nabc\r\n0\r\n\r\n"),
    (400, head(b"Transfer-Encoding: chunked\r\n") + b"3\nabc\n0\n\n"),
    (400, head(b"Transfer-Encoding: chunked\r\n") + b"3\r\nabcd\r\n0\r\n\r\n"),
    (400, head(b"Transfer-Encoding: chunked\r\n") + b"3 \r\nabc\r\n0\r\n\r\n"),
    (400, head(b"Transfer-Encoding: chunked\r\n") + b"3;" + b"e" * 5000 + b"\r\nabc\r\n0\r\n\r\n"),
    (400, head(b"Transfer-Encoding: chunked\r\n") + b"0\r\nA: " + b"t" * 5000 + b"\r\n\r\n"),
    (400, head(b"Transfer-Encoding: chunked\r\n") + b"0\r\nA : b\r\n\r\n"),
    (400, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 100),
    (400, b"\r\n\r\n" + head(b"")),
]

SERVED = [
    head(b"Content-Length: \t3 \r\n") + b"abc",
    head(b"Transfer-Encoding: CHUNKED\r\n") + b"3;a=\"b\"\r\nabc\r\n0\r\nT: u\r\n\r\n",
    head(b"Expect: 100-continue\r\nContent-Length: 3\r\n", b"POST " + ECHO + b" HTTP/1.0") + b"abc",
    b"\r\n" + head(b"Content-Length: 3\r\n") + b"abc",
    head(b"X-Probe: \t some value \t \r\nContent-Length: 3\r\n") + b"abc",
    head(b"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABk\r\n"
         b"Content-Length: 3\r\n") + b"abc",
    head(b"Content-Length: 3\r\n", b"POST http://x" + ECHO + b" HTTP/1.1") + b"abc",
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

    def test_each_form_is_refused_once_as_a_problem_and_nothing_after_it_runs(self):
        for status, data in REFUSED:
            answer = self.ask(data + NEXT)
            top, _, body = answer.partition(b"\r\n\r\n")
            self.assertTrue(top.startswith(b"HTTP/1.1 %d " % status), (data[:200], answer))
            self.assertIn(b"connection: close", top.lower(), data[:200])
            self.assertIn(b"content-type: application/problem+json", top.lower(), data[:200])
            self.assertEqual(len(re.findall(rb"HTTP/1\.1 \d", answer)), 1, data[:200])
            self.assertNotIn(b"SMUGGLED", answer, data[:200])
            problem = json.loads(body)
            self.assertEqual(problem["status"], status, data[:200])
            self.assertIn(problem["request_id"].encode(), top, data[:200])
        self.assertEqual(self.server.get("echo").status, 200)

    def test_forms_that_are_right_are_served_to_the_end(self):
        for data in SERVED:
            answer = self.ask(data + NEXT.replace(b"Host", b"Connection: close\r\nHost"))
            self.assertNotIn(b"HTTP/1.1 101", answer, data[:200])
            self.assertIn(b"abc", answer, data[:200])
            self.assertNotIn(b"100 Continue", answer)
            if b"HTTP/1.0" not in data and b"Upgrade" not in data:
                self.assertIn(b"SMUGGLED", answer, data[:200])

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


def fields(*changes, **pseudo):
    """A good request's fields, with pseudo headers replaced (None: left out) and more added."""
    good = {"method": b"GET", "scheme": b"http", "path": ECHO, "authority": b"x"} | pseudo
    return [(b":" + name.encode(), value) for name, value in good.items()
            if value is not None] + list(changes)


RESET = "reset 1"
HTTP2 = [
    (200, fields(), None),
    (200, fields((b"x-probe", b"v")), None),
    (200, fields((b"host", b"x")), None),
    (200, fields((b"host", b"X")), None),
    (200, fields((b"host", b"x"), authority=None), None),
    (200, fields((b"content-length", b"3"), method=b"POST"), b"abc"),
    (200, fields((b"content-length", b"0")), None),
    (200, fields((b"te", b"trailers")), None),
    (RESET, fields(method=b""), None),
    (RESET, fields(method=b"G T"), None),
    (RESET, fields(method=b"G\"T"), None),
    (RESET, fields(path=b""), None),
    (RESET, fields(path=ECHO + b"a HTTP/1.1"), None),
    (RESET, fields(path=ECHO + b"#a"), None),
    (RESET, fields(path=b"echo"), None),
    (RESET, fields(path=b"*"), None),
    (RESET, fields(path=b"http://echo.default.localhost/"), None),
    (RESET, fields(authority=None), None),
    (RESET, fields(authority=b""), None),
    (RESET, fields(authority=b"a@b"), None),
    (RESET, fields(authority=b"a b"), None),
    (RESET, fields((b"host", b"y")), None),
    (RESET, fields((b"host", b"x"), (b"host", b"x")), None),
    (RESET, fields((b"host", b"a/b"), authority=None), None),
    (RESET, fields(path=None), None),
    (RESET, fields(method=None), None),
    (RESET, fields(scheme=None), None),
    (RESET, fields((b"content-length", b"5")), None),
    (RESET, fields((b"content-length", b"5"), method=b"POST"), b"abc"),
    (RESET, fields((b"content-length", b"2"), method=b"POST"), b"abc"),
    (RESET, fields((b"content-length", b"3"), (b"content-length", b"3"), method=b"POST"), b"abc"),
    (RESET, fields((b"content-length", b"0"), (b"content-length", b"5"), method=b"POST"), b"abcde"),
    (400, fields((b"x-a", b"b\x01")), None),
    (400, fields((b"x-a", b"b\r\nc: d")), None),
    (400, fields((b"x a", b"b")), None),
    (501, fields(method=b"TRACE"), None),
    (501, fields(method=b"T" * 33), None),
    (413, fields((b"content-length", b"1000000"), method=b"POST"), b"abc"),
    (431, fields(*[(b"x-%d" % i, b"v" * 120) for i in range(99)]), None),
    (431, fields(*[(b"x-%d" % i, b"v") for i in range(101)]), None),
    ("closed", fields((b"connection", b"close")), None),
    ("closed", fields((b"transfer-encoding", b"chunked")), None),
    ("closed", fields((b"x-a", b"b"), (b":path", b"/")), None),
    ("closed", fields((b"x-a", b"b"), (b":authority", b"y"), authority=None), None),
    ("closed", fields((b"X-A", b"b")), None),
]


class Http2(ServerTest):
    workers = 1
    config = "limits: { body: 256KiB, headers: 8KiB }\n"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server.deploy("echo", guest("echo"))

    def connect(self):
        return h2.Connection(self.server.port, 10 * harness.PATIENCE)

    def test_each_form_is_served_reset_refused_or_ends_the_connection(self):
        for wanted, form, body in HTTP2:
            connection = self.connect()
            stream = connection.begin(form, ended=body is None)
            if body is not None:
                connection.send(h2.DATA, h2.END_STREAM, stream, body)
            self.assertEqual(connection.outcome(stream), wanted, str(form)[:500])
            if wanted in (400, 413, 431, 501):
                self.assertEqual(json.loads(connection.bodies[stream])["status"], wanted)
            if wanted == RESET:
                # the connection goes on
                self.assertEqual(connection.outcome(connection.begin(fields())), 200, form)
            connection.close()

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
        self.assertEqual(connection.reset.get(stream), 0)
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
        self.assertEqual(connection.outcome(connection.begin(fields(method=b""))), RESET)
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
