# SPDX-License-Identifier: Apache-2.0
"""HTTP as clients speak it: methods, bodies, sizes, both protocol versions, odd requests."""
import contextlib
import re
import shutil
import subprocess
import time
import unittest

import h2
import harness
from harness import ROOT, ServerTest, guest, raw, text_guest

STATUSES = ROOT / "engine" / "base" / "http_status.def"


class Http(ServerTest):
    config = "limits: { body: 256KiB, headers: 8KiB }\n"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server.deploy("echo", guest("echo"))
        cls.server.deploy("status", guest("status"))
        cls.server.deploy("big", guest("big"))

    def test_every_method_reaches_the_guest(self):
        for method in ("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
            answer = self.server.get("echo", "/x", method=method)
            self.assertEqual(answer.status, 200, answer)
            self.assertEqual(answer.text.splitlines()[0], f"{method} /x")

    def test_the_guest_sees_path_and_query_without_the_prefix(self):
        for target in ("/", "/a/b%20c?x=1&y=%2F", "/?q", "/trailing/"):
            self.assertEqual(self.server.get("echo", target).text.splitlines()[0], f"GET {target}")
            self.assertEqual(self.server.get_host("echo", target).text.splitlines()[0],
                             f"GET {target}")
        self.assertEqual(self.server.get("echo", "").text.splitlines()[0], "GET /")
        self.assertEqual(self.server.get("echo", "?q").text.splitlines()[0], "GET /?q")

    def test_headers_go_in_and_out_and_may_repeat(self):
        answer = self.server.get("echo", headers={"X-Probe": "some value"})
        self.assertEqual(answer.text.splitlines()[1], "some value")
        self.assertEqual(answer.headers.get_all("x-echo"), ["one", "two"])
        self.assertEqual(answer.headers["content-type"], "application/octet-stream")

    def test_bodies_of_every_size_come_back_whole(self):
        for count in (0, 1, 4095, 4096, 4097, 65536, 200_000, 256 * 1024):
            body = bytes(i * 31 % 251 for i in range(count))
            answer = self.server.get("echo", "/b", method="POST", body=body)
            self.assertEqual(answer.status, 200, answer)
            self.assertTrue(answer.body.startswith(b"POST /b\n\n"), answer.body[:40])
            self.assertEqual(answer.body[len(b"POST /b\n\n"):], body)

    def test_a_chunked_body_arrives_as_one(self):
        def pieces():
            for i in range(10):
                yield bytes([65 + i]) * 1000
        with contextlib.closing(self.server.connect()) as connection:
            connection.request("POST", "/f/default/echo/c", body=pieces(), encode_chunked=True,
                               headers={"Transfer-Encoding": "chunked"})
            answer = connection.getresponse().read()
        self.assertEqual(answer, b"POST /c\n\n" + b"".join(pieces()))

    def test_a_body_over_the_limit_is_refused(self):
        answer = self.server.get("echo", method="POST", body=b"x" * (256 * 1024 + 1))
        self.assertEqual(answer.status, 413, answer)
        # and the server goes on
        self.assertEqual(self.server.get("echo").status, 200)

    def test_headers_over_the_limit_are_refused(self):
        answer = self.server.get("echo", headers={f"X-{i}": "v" * 1000 for i in range(12)})
        self.assertEqual(answer.status, 431, answer)
        self.assertEqual(self.server.get("echo").status, 200)

    def test_head_has_the_headers_and_no_body(self):
        answer = self.server.get("echo", "/h", method="HEAD")
        self.assertEqual((answer.status, answer.body), (200, b""))
        self.assertEqual(answer.headers["content-type"], "application/octet-stream")

    def deploy_head(self, *calls):
        """A handler that sets headers and writes nothing."""
        def data(at, text):
            return f'(data (i32.const {at}) "' + "".join(f"\\{b:02x}" for b in text.encode()) + '")'
        text = "".join(data(i * 64, name) + data(i * 64 + 32, value)
                       for i, (name, value) in enumerate(calls))
        sets = "".join(f"(call 0 (i32.const 1) (i32.const {i * 64}) (i32.const {len(name)}) "
                       f"(i32.const {i * 64 + 32}) (i32.const {len(value.encode())}))"
                       for i, (name, value) in enumerate(calls))
        self.server.deploy("heads", harness.wat(
            '(module (import "http_handler" "set_header_value" '
            '(func (param i32 i32 i32 i32 i32))) (memory (export "memory") 1) ' + text +
            '(func (export "handle_request") (result i64) ' + sets + '(i64.const 0)) '
            '(func (export "handle_response") (param i32 i32)))'))

    def test_the_length_that_head_is_told_is_the_guests_or_none(self):
        self.deploy_head(("content-length", "12345"))
        answer = self.server.get("heads", method="HEAD")
        self.assertEqual((answer.status, answer.headers["content-length"]), (200, "12345"))
        self.assertEqual(self.server.get("heads").headers["content-length"], "0")
        self.deploy_head(("content-type", "text/plain"))
        with contextlib.closing(self.server.connect()) as connection:
            for _ in range(3):
                answer = harness.exchange(connection, "HEAD", "/f/default/heads/")
                self.assertEqual(answer.status, 200)
                self.assertNotIn("content-length", answer.headers)
                self.assertNotIn("transfer-encoding", answer.headers)

    def test_control_bytes_in_a_guests_header_are_its_fault(self):
        for byte in (0x01, 0x07, 0x1b, 0x7f):
            self.deploy_head(("x-a", "b" + chr(byte) + "c"))
            answer = self.server.get("heads")
            self.assertEqual(answer.status, 500, byte)
            self.assertNotIn("x-a", answer.headers)
        self.deploy_head(("x-a", "\t b\tc "))
        self.assertEqual(self.server.get("heads").headers["x-a"], "b\tc")

    def test_a_connection_serves_many_requests(self):
        with contextlib.closing(self.server.connect()) as connection:
            connection.connect()
            first = connection.sock
            for i in range(50):
                connection.request("POST", f"/f/default/echo/{i}", body=b"b" * i)
                answer = connection.getresponse().read()
                self.assertEqual(answer, f"POST /{i}\n\n".encode() + b"b" * i)
                self.assertIs(connection.sock, first)

    def test_a_connection_does_not_wait_after_requests_of_many_slices(self):
        self.server.deploy("long", harness.wat(
            '(module (import "http_handler" "write_body" (func (param i32 i32 i32))) '
            '(memory (export "memory") 1) '
            '(func (export "handle_request") (result i64) (local $i i32) '
            '(loop $next (local.set $i (i32.add (local.get $i) (i32.const 1))) '
            '(br_if $next (i32.lt_u (local.get $i) (i32.const 300000)))) (i64.const 0)) '
            '(func (export "handle_response") (param i32 i32)))'))
        with contextlib.closing(self.server.connect()) as connection:
            started = time.monotonic()
            for _ in range(40):
                answer = harness.exchange(connection, "GET", "/f/default/long/")
                self.assertEqual(answer.status, 200)
        # Each takes about a millisecond; the worker's longest wait for sockets is a second.
        self.assertLess(time.monotonic() - started, 10 * harness.PATIENCE)

    def test_pipelined_requests_are_answered_in_order(self):
        one = "GET /f/default/echo/{} HTTP/1.1\r\nHost: x\r\n{}\r\n"
        data = "".join(one.format(i, "Connection: close\r\n" if i == 19 else "")
                       for i in range(20)).encode()
        answer = raw(self.server.port, data)
        self.assertEqual(re.findall(rb"GET /(\d+)\n", answer), [b"%d" % i for i in range(20)])

    def test_http_1_0_is_answered_and_closed(self):
        answer = raw(self.server.port, b"GET /f/default/echo/ten HTTP/1.0\r\n\r\n")
        self.assertIn(b" 200 ", answer.splitlines()[0])
        self.assertIn(b"GET /ten\n", answer)

    def test_the_guest_chooses_the_status(self):
        for status in (200, 201, 204, 301, 304, 400, 404, 418, 500, 503, 599):
            self.assertEqual(self.server.get("status", f"/{status}").status, status)

    def test_each_status_has_the_reason_that_is_its_own(self):
        rows = re.findall(r'^HTTP_STATUS\((\d+), "(.*)"\)$', STATUSES.read_text(), re.M)
        rows = [(int(status), reason) for status, reason in rows if int(status) >= 200]
        self.assertGreater(len(rows), 50)
        with contextlib.closing(self.server.connect()) as connection:
            for status, reason in [*rows, (299, "")]:
                connection.request("GET", f"/f/default/status/{status}")
                answer = connection.getresponse()
                answer.read()
                self.assertEqual((answer.status, answer.reason), (status, reason))

    def test_a_status_that_is_none_is_the_guests_fault(self):
        for status in ("000", "099", "600", "999"):
            answer = self.server.get("status", f"/{status}")
            self.assertEqual(answer.status, 500, answer)

    def test_a_large_answer_arrives_whole(self):
        answer = self.server.get("big", "/20480")
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.body, b"x" * (20480 * 1024))

    def test_a_client_that_leaves_in_the_middle_harms_nobody(self):
        with contextlib.closing(self.server.connect()) as connection:
            connection.request("GET", "/f/default/big/20480")
            connection.getresponse().read(1000)
        self.assertEqual(self.server.get("echo").status, 200)

    def test_unknown_names_are_404_with_a_reason(self):
        for target in ("/f/default/nobody/", "/f/nobody/echo/", "/f/default", "/f/", "/", "/other",
                       "/f/../default/echo/", "/f/default/echo%00/"):
            with contextlib.closing(self.server.connect()) as connection:
                connection.request("GET", target)
                response = connection.getresponse()
                body = response.read()
                self.assertEqual(response.status, 404, (target, body))
                self.assertEqual(response.headers["content-type"].split(";")[0],
                                 "application/problem+json", target)
        answer = self.server.get_host("nobody")
        self.problem(answer, 404)

    def test_options_of_the_server_itself_are_answered_by_it(self):
        answer = raw(self.server.port,
                     b"OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", seconds=1)
        self.assertTrue(answer.startswith(b"HTTP/1.1 204 No Content\r\n"), answer)

    def test_requests_that_are_no_http_are_refused(self):
        for data in (b"\r\n\r\n\r\n", b"nonsense\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n",
                     b"GET /f/default/echo/ HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n",
                     b"\x00" * 1000, b"GET " + b"/" * 200_000):
            answer = raw(self.server.port, data + b"", seconds=1)
            self.assertNotIn(b" 200 ", answer.split(b"\n")[0], data[:40])
        self.assertEqual(self.server.get("echo").status, 200)


IN_ONE_CALL = """
(module
  (import "http_handler" "read_body" (func $read (param i32 i32 i32) (result i64)))
  (import "http_handler" "write_body" (func $write (param i32 i32 i32)))
  (memory (export "memory") 80)
  (func (export "handle_request") (result i64)
    (call $write (i32.const 1) (i32.const 0)
      (i32.wrap_i64 (call $read (i32.const 0) (i32.const 0) (i32.const 5242880))))
    (i64.const 0))
  (func (export "handle_response") (param i32 i32)))
"""


class Long(ServerTest):
    """A body that is read by one host call and written by another, which take turns."""
    workers = 1

    def test_a_body_of_megabytes_comes_back_whole(self):
        self.server.deploy("once", harness.wat(IN_ONE_CALL, name="once"))
        for count in (131_072, 131_073, 3_000_000, 5_242_880):
            body = bytes(i * 31 % 251 for i in range(1000)) * (count // 1000 + 1)
            answer = self.server.get("once", method="POST", body=body[:count])
            self.assertEqual(answer.status, 200, answer)
            self.assertEqual(answer.body, body[:count])


class Http2Curl(ServerTest):
    @classmethod
    def setUpClass(cls):
        if shutil.which("curl") is None:
            raise unittest.SkipTest("curl is not installed (apt-get install curl)")
        features = subprocess.run(["curl", "-V"], capture_output=True, text=True, check=True).stdout
        if "HTTP2" not in features:
            raise unittest.SkipTest("this curl cannot speak HTTP/2")
        super().setUpClass()
        cls.server.deploy("echo", guest("echo"))
        cls.server.deploy("text", text_guest("text-http2-01"))

    def curl(self, *arguments, data=None):
        return subprocess.run(
            ["curl", "-sS", "--max-time", "60", "--http2-prior-knowledge", *arguments],
            input=data, capture_output=True, check=True).stdout

    def test_prior_knowledge_reaches_the_guest(self):
        url = f"http://127.0.0.1:{self.server.port}/f/default/echo/two?q=1"
        answer = self.curl("-o", "-", "-w", "%{http_version} %{http_code}", "-H", "x-probe: p", url)
        self.assertEqual(answer, b"GET /two?q=1\np\n2 200")

    def test_a_body_comes_back_over_http_2(self):
        body = bytes(i % 251 for i in range(300_000))
        url = f"http://127.0.0.1:{self.server.port}/f/default/echo/two"
        answer = self.curl("--data-binary", "@-", url, data=body)
        self.assertEqual(answer, b"POST /two\n\n" + body)

    def test_the_authority_names_the_function(self):
        answer = self.curl("--resolve", f"text.default.localhost:{self.server.port}:127.0.0.1",
                           f"http://text.default.localhost:{self.server.port}/")
        self.assertEqual(answer, b"text-http2-01")


class Http2Streams(ServerTest):
    config = "limits: { fuel: 1000G, wall: 1s }\n"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server.deploy("echo", guest("echo"))
        cls.server.deploy("loop", guest("loop"))
        cls.server.deploy("big", guest("big"))

    def connect(self):
        return contextlib.closing(h2.Connection(self.server.port, 20 * harness.PATIENCE))

    def test_many_streams_share_a_connection(self):
        with self.connect() as connection:
            for turn in range(3):
                asked = {connection.request(b"/f/default/echo/%d-%d" % (turn, i)): i
                         for i in range(60)}
                bodies = connection.finish()
                for stream, i in asked.items():
                    self.assertEqual(bodies[stream], b"GET /%d-%d\n\n" % (turn, i))
            self.assertEqual(connection.reset, {})
            self.assertIsNone(connection.goaway)

    def test_bodies_of_interleaved_streams_stay_apart(self):
        with self.connect() as connection:
            asked = {connection.request(b"/f/default/echo/", b"POST", bytes([65 + i]) * 3000): i
                     for i in range(16)}
            bodies = connection.finish()
            for stream, i in asked.items():
                self.assertEqual(bodies[stream], b"POST /\n\n" + bytes([65 + i]) * 3000)

    def test_a_stream_that_runs_long_holds_no_other(self):
        with self.connect() as connection:
            slow = connection.request(b"/f/default/loop/")
            quick = connection.request(b"/f/default/echo/quick")
            while quick not in connection.ended:
                connection.turn()
            self.assertEqual(connection.bodies[quick], b"GET /quick\n\n")
            self.assertNotIn(slow, connection.ended)
            self.assertIn(b"deadline", connection.finish()[slow])

    def test_streams_reset_while_they_run_harm_nobody(self):
        with self.connect() as connection:
            for _ in range(5):
                for _ in range(10):
                    connection.cancel(connection.request(b"/f/default/loop/"))
                stream = connection.request(b"/f/default/echo/after")
                while stream not in connection.ended:
                    connection.turn()
                self.assertEqual(connection.bodies[stream], b"GET /after\n\n")
        self.assertEqual(self.server.get("echo").status, 200)

    def test_connections_that_vanish_while_guests_run_harm_nobody(self):
        for _ in range(10):
            with self.connect() as connection:
                for _ in range(10):
                    connection.request(b"/f/default/loop/")
                connection.request(b"/f/default/big/1024")
        self.assertEqual(self.server.get("echo").status, 200)
