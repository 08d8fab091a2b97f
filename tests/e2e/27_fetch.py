# SPDX-License-Identifier: Apache-2.0
"""Requests of guests to other servers: by a C guest, through egress, to origins on loopback."""
import contextlib
import http.server
import json
import os
import pathlib
import re
import shutil
import socket
import socketserver
import ssl
import subprocess
import sys
import threading
import time
import unittest

import harness
from harness import SCRATCH, Server, in_parallel, wait_until

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "attacks"))
# pylint: disable=wrong-import-position
import attack
import ssrf

BIG = b"0123456789" * 500000


def compiled(name):
    clang, linker = shutil.which("clang-19"), shutil.which("wasm-ld-19")
    if clang is None or linker is None:
        raise unittest.SkipTest("clang-19 and lld-19 are not installed")
    source = harness.ROOT / "tests" / "guests" / f"{name}.c"
    target = SCRATCH / name
    subprocess.run([clang, "--target=wasm32", "-O2", "-Wall", "-Wextra", "-Werror",
                    "-ffreestanding", "-I", harness.ROOT / "hostapi" / "guest", "-c",
                    "-o", target.with_suffix(".o"), source], check=True)
    subprocess.run([linker, "--no-entry", "-o", target.with_suffix(".wasm"),
                    target.with_suffix(".o")], check=True)
    return target.with_suffix(".wasm").read_bytes()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def reply(self, body, status=200, **headers):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Origin", "python")
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path == "/big":
            self.reply(BIG)
        elif self.path == "/far":
            self.reply(b"gone", 302, Location="/near")
        elif self.path == "/told":
            self.reply(json.dumps(dict(self.headers)).encode())
        elif self.path == "/slow":
            self.server.slow.append(self.connection)
            self.server.let_go.wait(60)
            self.reply(b"late")
        else:
            self.reply(b"hello from python\n")

    def do_PUT(self):
        count = 0
        if "Content-Length" in self.headers:
            self.reply(str(len(self.rfile.read(int(self.headers["Content-Length"])))).encode())
            return
        while True:
            size = int(self.rfile.readline(), 16)
            count += len(self.rfile.read(size))
            self.rfile.readline()
            if size == 0:
                break
        self.reply(str(count).encode())


class Origin(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.slow = []
        self.let_go = threading.Event()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, client_address):
        pass    # clients that leave


def raw_origin(answer):
    """Reads a head, sends these bytes, and closes; its URL."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection, contextlib.suppress(OSError):
                    connection.recv(65536)
                    for piece in answer:    # of a generator, once
                        connection.sendall(piece)
    threading.Thread(target=serve, daemon=True).start()
    return listener, f"http://127.0.0.1:{listener.getsockname()[1]}"


class FetchTest(unittest.TestCase):
    config = "outbound: { allow_private: true }\n"

    @classmethod
    def setUpClass(cls):
        cls.module = compiled("e2e_fetch")
        cls.origin = Origin()
        cls.addClassCleanup(cls.origin.shutdown)
        cls.server = Server(workers=1, config=cls.config)
        cls.addClassCleanup(cls.server.kill_tree)
        cls.server.start()
        cls.allow(cls.origin.url)

    @classmethod
    def allow(cls, *rules):
        """Deploys the guest with this list."""
        folder = SCRATCH / f"fetch-{id(cls)}"
        folder.mkdir(exist_ok=True)
        (folder / "main.wasm").write_bytes(cls.module)
        (folder / "function.yaml").write_text(
            f"name: fetch\nmain: main.wasm\noutbound: {json.dumps(rules)}\n")
        cls.server.cli("deploy", str(folder), check=0)

    def ask(self, how, url, **more):
        return self.server.get("fetch", f"/{how}?{url}", **more)

    def gauge(self, name):
        text = self.server.admin("GET", "/metrics").text
        return sum(map(int, re.findall(rf'^{name}(?:\{{[^}}]*\}})? (\d+)$', text, re.M)))

    def under_way(self):
        text = self.server.admin("GET", "/metrics").text
        return int(re.search(r'^skerry_operations\{worker="0",kind="fetch"\} (\d+)$', text,
                             re.M)[1])


class Fetches(FetchTest):
    def test_an_answer_is_passed_on(self):
        answer = self.ask("get", f"{self.origin.url}/x")
        self.assertEqual((answer.status, answer.text), (200, "hello from python\n"))
        self.assertEqual(answer.headers["x-origin"], "python")
        told = json.loads(self.ask("get", f"{self.origin.url}/told").text)
        self.assertEqual(told, {"Host": self.origin.url[len("http://"):], "CDN-Loop": "skerry"})

    def test_a_large_answer_comes_whole(self):
        self.assertEqual(self.ask("get", f"{self.origin.url}/big").body, BIG)

    def test_redirects_are_followed_by_choice(self):
        answer = self.ask("get", f"{self.origin.url}/far")
        self.assertEqual((answer.status, answer.text), (302, "gone"))
        answer = self.ask("follow", f"{self.origin.url}/far")
        self.assertEqual((answer.status, answer.text), (200, "hello from python\n"))
        self.assertEqual(answer.headers["x-url"], f"{self.origin.url}/near")

    def test_a_body_is_sent_as_it_comes(self):
        answer = self.ask("upload", f"{self.origin.url}/put", method="POST", body=b"x" * 1234567)
        self.assertEqual(answer.text, "1234567")

    def test_several_are_under_way_at_once(self):
        self.assertEqual(self.ask("ten", f"{self.origin.url}/x").text, "10")

    def test_a_request_makes_twenty_and_no_more(self):
        self.assertEqual(self.ask("many", f"{self.origin.url}/x").text, "20")

    def test_who_is_refused_finds_the_line_to_add(self):
        answer = self.ask("get", "https://other.example/x")
        self.assertEqual((answer.status, answer.text), (502, "-3"))
        wait_until(lambda: "add \\\"https://other.example\\\" to `outbound`" in
                   self.server.cli("logs", "fetch", "--json").stdout, 5, "the line")

    def test_origins_that_misbehave_are_bounded_and_told(self):
        rows = [
            ([b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"], "-11"),
            ([b"HTTP/1.1 200 OK\r\n"] + [b"x: " + b"y" * 1000 + b"\r\n"] * 10000, "-9"),
            ([b"hello"], "-12"),
            ([], "-11"),
        ]
        for pieces, error in rows:
            listener, url = raw_origin(pieces)
            with listener:
                self.allow(url)
                self.assertIn(error, self.ask("get", url).text)
        self.allow(self.origin.url)
        self.assertEqual(self.under_way(), 0)

    def test_a_circle_through_the_network_ends(self):
        own = f"http://127.0.0.1:{self.server.port}"
        self.allow(own)
        self.assertEqual(self.ask("loop", f"{own}/f/default/fetch/loop").text, "-4")
        self.allow(self.origin.url)


class Ends(FetchTest):
    def hold(self, count):
        connections = []
        for _ in range(count):
            connection = socket.create_connection(("127.0.0.1", self.server.port))
            connection.sendall(f"GET /f/default/fetch/hold?{self.origin.url}/slow HTTP/1.1\r\n"
                               "Host: x\r\n\r\n".encode())
            connections.append(connection)
        wait_until(lambda: self.under_way() == count, 10, f"{count} fetches")
        return connections

    def test_a_client_that_leaves_ends_its_fetch(self):
        connections = self.hold(20)
        wait_until(lambda: len(self.origin.slow) == 20, 10, "the origin's side")
        for connection in connections:
            connection.close()
        wait_until(lambda: self.under_way() == 0, 10, "the end of all")
        for connection in self.origin.slow:     # egress has left, too
            connection.settimeout(10)
            with contextlib.suppress(ConnectionResetError):
                self.assertEqual(connection.recv(1), b"")

    def test_when_egress_dies_what_waited_fails_and_it_is_back(self):
        pid, = self.server.pids_of("egress")
        answers = []
        asking = threading.Thread(
            target=lambda: answers.append(self.ask("get", f"{self.origin.url}/slow").text))
        asking.start()
        wait_until(lambda: self.under_way() == 1, 5, "a fetch")
        os.kill(pid, 9)
        asking.join(10)
        self.assertEqual(answers, ["-6"])
        began = time.monotonic()
        wait_until(lambda: self.ask("get", f"{self.origin.url}/x").status == 200, 5, "egress")
        self.assertLess(time.monotonic() - began, 5)
        self.assertEqual(self.under_way(), 0)


class Forms(FetchTest):
    @classmethod
    def setUpClass(cls):
        names = cls.enterClassContext(ssrf.Names())
        cls.config = names.config(False)
        super().setUpClass()

    def test_no_form_of_an_address_reaches_what_is_private(self):
        with ssrf.Trap() as trap:
            self.allow(*ssrf.rules(trap.port))
            target = attack.Target(self.server.port, ssrf.FETCH)
            self.assertGreaterEqual(ssrf.run(target, trap), 80)


class Private(FetchTest):
    config = ""

    def test_private_addresses_are_refused_whatever_the_manifest_says(self):
        self.allow("http://*", "http://10.0.0.1", "http://169.254.169.254", "http://[::1]",
                   f"http://localhost:{self.origin.server_port}", self.origin.url)
        for url in (self.origin.url, "http://10.0.0.1/", "http://169.254.169.254/latest/",
                    "http://[::1]/", f"http://localhost:{self.origin.server_port}/"):
            self.assertEqual(self.ask("get", url).text, "-3", url)
        for url in ("http://127.1/", "http://0x7f.1/", "http://user@127.0.0.1/"):
            self.assertEqual(self.ask("get", url).text, "-1", url)
        wait_until(lambda: "loopback" in self.server.cli("logs", "fetch").stdout, 5, "the reason")


PASSES = """
(module
  (memory (export "memory") 1 1)
  (func (export "handle_request") (result i64) (i64.const 1))
  (func (export "handle_response") (param i32 i32)))
"""
EDITS = """
(module
  (import "http_handler" "enable_features" (func $features (param i32) (result i32)))
  (import "http_handler" "set_header_value" (func $set (param i32 i32 i32 i32 i32)))
  (memory (export "memory") 1 1)
  (data (i32.const 0) "x-is-error") (data (i32.const 32) "01")
  (func (export "handle_request") (result i64)
    (drop (call $features (i32.const 2)))
    (i64.const 1))
  (func (export "handle_response") (param $context i32) (param $is_error i32)
    (call $set (i32.const 1) (i32.const 0) (i32.const 10)
               (i32.add (i32.const 32) (local.get $is_error)) (i32.const 1))))
"""


class Proxied(unittest.TestCase):
    """Functions that end at an origin."""
    @classmethod
    def setUpClass(cls):
        cls.origin = Origin()
        cls.addClassCleanup(cls.origin.shutdown)
        cls.server = Server(workers=1, config="outbound: { allow_private: true }\n")
        cls.addClassCleanup(cls.server.kill_tree)
        cls.server.start()
        cls.deploy("passes", PASSES, cls.origin.url)
        cls.deploy("edits", EDITS, cls.origin.url)

    @classmethod
    def deploy(cls, name, text, origin):
        folder = SCRATCH / f"proxied-{name}"
        folder.mkdir(exist_ok=True)
        (folder / "main.wasm").write_bytes(harness.wat(text, name=name))
        (folder / "function.yaml").write_text(
            f"name: {name}\nmain: main.wasm\norigin: {origin}\n")
        cls.server.cli("deploy", str(folder), check=0)

    def test_requests_and_answers_pass_through(self):
        answer = self.server.get("passes", "/x?y")
        self.assertEqual((answer.status, answer.text), (200, "hello from python\n"))
        self.assertEqual(answer.headers["x-origin"], "python")
        self.assertEqual(self.server.get("passes", "/big").body, BIG)
        self.assertEqual(self.server.get("edits", "/big").body, BIG)
        answer = self.server.get("passes", "/far")
        self.assertEqual((answer.status, answer.headers["location"]), (302, "/near"))

    def test_whose_a_request_is_is_told(self):
        told = json.loads(self.server.get("passes", "/told", headers={
            "X-Forwarded-For": "9.9.9.9", "Forwarded": "for=9.9.9.9", "X-Own": "kept",
            "Connection": "x-gone", "X-Gone": "1"}).text)
        own = f"127.0.0.1:{self.server.port}"
        self.assertEqual(told["x-forwarded-for"], "127.0.0.1")
        self.assertEqual(told["forwarded"], f'for=127.0.0.1;host="{own}";proto=http')
        self.assertEqual((told["x-forwarded-host"], told["x-own"]), (own, "kept"))
        self.assertNotIn("x-gone", told)

    def test_a_body_passes_through(self):
        for count in (0, 10, 65536, 65537, 3000000):
            answer = self.server.get("passes", "/put", method="PUT", body=b"x" * count)
            self.assertEqual(answer.status, 200, answer)

    def test_a_handler_that_buffers_edits_the_answer_and_hears_of_errors(self):
        self.assertEqual(self.server.get("edits").headers["x-is-error"], "0")
        with socket.create_server(("127.0.0.1", 0)) as closed:
            port = closed.getsockname()[1]
        self.deploy("down", EDITS, f"http://127.0.0.1:{port}")
        answer = self.server.get("down")
        self.assertEqual((answer.status, answer.headers["x-is-error"]), (502, "1"))
        self.assertEqual(answer.json["code"], "origin_failed")
        # Where it is, its developer knows and not the client.
        self.assertNotIn(str(port), answer.text)
        wait_until(lambda: str(port) in self.server.cli("logs", "down").stdout, 5, "the reason")

    def test_an_origin_needs_no_module(self):
        folder = SCRATCH / "proxied-bare"
        folder.mkdir(exist_ok=True)
        listener, url = raw_origin([b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"])
        with listener:
            (folder / "function.yaml").write_text(f"name: bare\norigin: {url}\n")
            self.server.cli("deploy", str(folder), check=0)
            self.assertEqual(self.server.get("bare").text, "hi")

    def test_answers_without_a_body_and_broken_ones(self):
        rows = [
            ("HEAD", [b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"], 200, b""),
            ("GET", [b"HTTP/1.1 204 No Content\r\nX-A: b\r\n\r\n"], 204, b""),
            ("GET", [b"HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n"], 304, b""),
            ("GET", [b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"], 200, b""),
            ("GET", [b"HTTP/1.1 200 OK\r\n\r\n", b"y" * 70000], 200, b"y" * 70000),
            ("GET", [b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort"], 502, None),
        ]
        for method, pieces, status, body in rows:
            listener, url = raw_origin(pieces)
            with listener:
                self.deploy("various", PASSES, url)
                answer = self.server.get("various", method=method)
            self.assertEqual(answer.status, status, pieces[0])
            self.assertIn(body, (None, answer.body))

    def test_an_event_is_passed_on_before_the_next_one_comes(self):
        more = threading.Event()

        def events():
            yield b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n"
            more.wait(10)
            yield b"data: 2\n\n"
        listener, url = raw_origin(events())
        with listener:
            self.deploy("events", PASSES, url)
            with contextlib.closing(self.server.connect()) as connection:
                connection.request("GET", "/f/default/events/")
                answer = connection.getresponse()
                self.assertEqual(answer.readline(), b"data: 1\n")
                more.set()
                self.assertEqual(answer.read(), b"\ndata: 2\n\n")

    def test_requests_that_come_while_one_waits_are_answered_after_it(self):
        origin = Origin()
        self.addCleanup(origin.shutdown)
        self.deploy("waits", PASSES, origin.url)
        head = "GET /f/default/waits{} HTTP/1.1\r\nHost: x\r\n{}\r\n"
        with contextlib.closing(self.server.connect()) as connection:
            connection.connect()
            for number in range(3):
                connection.sock.sendall(head.format("/slow", "").encode())
                wait_until(lambda: len(origin.slow) > number, 10, "the origin's side")
                connection.sock.sendall(head.format("/near", "").encode() * 2)
                origin.let_go.set()
                answers = b""
                while answers.count(b"hello from python\n") < 2:
                    answers += connection.sock.recv(65536)
                self.assertEqual(re.findall(rb"\r\n\r\n(late|hello)", answers),
                                 [b"late", b"hello", b"hello"])
                origin.let_go.clear()

    def test_a_circle_ends(self):
        name = ssrf.name_of("127.0.0.1")
        with ssrf.Names() as names, Server(workers=1, config=names.config(True)) as server:
            folder = SCRATCH / "proxied-circle"
            folder.mkdir(exist_ok=True)
            (folder / "main.wasm").write_bytes(harness.wat(PASSES, name="circle"))
            (folder / "function.yaml").write_text(
                "name: circle\nmain: main.wasm\n"
                f"origin: http://{name}:{server.port}\n"
                f"routes: [{{ host: {name}, path: / }}]\n")
            server.cli("deploy", str(folder), check=0)
            with contextlib.closing(server.connect()) as connection:
                answer = harness.exchange(connection, "GET", "/",
                                          headers={"Host": name})
            self.assertEqual((answer.status, answer.json["code"]), (508, "loop"))


class Tls(unittest.TestCase):
    """HTTP/2 by ALPN: a pump that speaks TLS, in front of a server of ours that speaks h2c."""
    @classmethod
    def setUpClass(cls):
        if shutil.which("openssl") is None:
            raise unittest.SkipTest("openssl is not installed")
        cls.module = compiled("e2e_fetch")
        cls.key, cls.certificate = SCRATCH / "tls.key", SCRATCH / "tls.crt"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                        "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
                        "-keyout", cls.key, "-out", cls.certificate],
                       check=True, capture_output=True)

    def pump(self, behind, protocols):
        """Its port, and what was agreed on."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        context.set_alpn_protocols(protocols)
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)
        agreed = []

        def copy(source, target):
            with contextlib.suppress(OSError):
                while data := source.recv(65536):
                    target.sendall(data)
            with contextlib.suppress(OSError):
                target.shutdown(socket.SHUT_WR)

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    plain, _ = listener.accept()
                    try:
                        outer = context.wrap_socket(plain, server_side=True)
                    except OSError:
                        continue
                    agreed.append(outer.selected_alpn_protocol())
                    inner = socket.create_connection(("127.0.0.1", behind))
                    for pair in ((outer, inner), (inner, outer)):
                        threading.Thread(target=copy, args=pair, daemon=True).start()
        threading.Thread(target=serve, daemon=True).start()
        return listener.getsockname()[1], agreed

    def ask(self, trusts, protocols):
        config = "outbound: { allow_private: true" + \
                 (f", ca_file: {self.certificate}" if trusts else "") + " }\n"
        with Server(workers=1, config=config) as server:
            server.deploy("text", harness.text_guest("text-behind-1"))
            port, agreed = self.pump(server.port, protocols)
            url = f"https://localhost:{port}"
            folder = SCRATCH / "fetch-tls"
            folder.mkdir(exist_ok=True)
            (folder / "main.wasm").write_bytes(self.module)
            (folder / "function.yaml").write_text(
                f"name: fetch\nmain: main.wasm\noutbound: {json.dumps([url])}\n")
            server.cli("deploy", str(folder), check=0)
            answers = []
            for _ in range(3):      # with what the ones before left behind
                answers += in_parallel(5, lambda _: server.get(
                    "fetch", f"/get?{url}/f/default/text/").text)
            return answers, agreed

    def test_http2_is_spoken_where_it_is_offered(self):
        answers, agreed = self.ask(True, ["h2"])
        self.assertEqual(set(answers), {"text-behind-1"})
        self.assertEqual(set(agreed), {"h2"})

    def test_http1_is_spoken_where_it_is_not(self):
        answers, agreed = self.ask(True, ["http/1.1"])
        self.assertEqual(set(answers), {"text-behind-1"})
        self.assertEqual(set(agreed), {"http/1.1"})

    def test_who_cannot_prove_who_it_is_is_not_asked(self):
        answers, _ = self.ask(False, ["h2"])
        self.assertEqual(set(answers), {"-12"})
