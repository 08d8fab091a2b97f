# SPDX-License-Identifier: Apache-2.0
"""Strangers at the admin API: what they send costs neither memory nor anybody else's turn."""
import contextlib
import http.client
import json
import os
import pathlib
import socket
import stat

from harness import PATIENCE, SANITIZED, ServerTest, free_port, memory_mib, text_guest

MIB = 1 << 20


class Strangers(ServerTest):
    workers = 1
    port = free_port()
    config = f"admin: {{ listen: \"127.0.0.1:{port}\" }}\n"

    def token(self):
        return (self.server.data / "admin.token").read_text().strip()

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=60 * PATIENCE)

    def ask(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60 * PATIENCE)
        with contextlib.closing(connection):
            connection.request(method, path, body=body, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read()

    def raw(self, data):
        with self.connect() as s:
            s.sendall(data)
            with contextlib.suppress(ConnectionError):
                return b"".join(iter(lambda: s.recv(65536), b""))
        return b""

    def test_bodies_without_a_token_cost_no_memory(self):
        control = self.server.process.pid
        before = memory_mib(control)
        head = (b"PUT /v1/tenants/default/functions/x HTTP/1.1\r\nHost: localhost\r\n"
                b"Content-Length: %d\r\n\r\n" % (59 * MIB))
        chunk = b"\0" * MIB
        most = 0.0
        with contextlib.ExitStack() as stack:
            open_ones = []
            for _ in range(8):
                s = stack.enter_context(self.connect())
                with contextlib.suppress(ConnectionError):
                    s.sendall(head)
                    for _ in range(59):
                        s.sendall(chunk)
                open_ones.append(s)
                most = max(most, memory_mib(control))
            for s in open_ones:
                self.assertTrue(s.recv(65536).startswith(b"HTTP/1.1 401 "))
        if not SANITIZED:   # which keep what is freed
            self.assertLess(most - before, 8)

    def descriptors(self):
        try:
            return len(os.listdir(f"/proc/{self.server.process.pid}/fd"))
        except PermissionError:
            self.skipTest("only root may look into it")

    def test_silent_connections_do_not_keep_out_whoever_has_the_token(self):
        before = self.descriptors()
        with contextlib.ExitStack() as stack:
            for _ in range(200):
                s = stack.enter_context(self.connect())
                s.sendall(b"GET /healthz HTTP/1.1\r\n")
            status, body = self.ask("GET", "/v1/tenants", headers={
                "Authorization": f"Bearer {self.token()}"})
            self.assertEqual(status, 200, body)
            self.assertLess(self.descriptors() - before, 64 + 8)

    def test_a_page_under_another_name_reaches_nothing(self):
        for path in ("/metrics", "/healthz", "/v1/tenants"):
            status, body = self.ask("GET", path, headers={
                "Host": "evil.example", "Authorization": f"Bearer {self.token()}"})
            self.assertEqual(status, 421, body)
            self.assertEqual(json.loads(body)["code"], "wrong_host")

    def test_what_is_refused_by_the_door_is_a_problem_too(self):
        authorization = f"Authorization: Bearer {self.token()}\r\n".encode()
        put = b"PUT /v1/tenants/default/functions/x HTTP/1.1\r\nHost: localhost\r\n" + authorization
        for data, status in (
                (b"TRACE / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 501),
                (b"CONNECT h:1 HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
                (b"FOO / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 501),
                (b"GET /\r\n\r\n", 400),
                (put + b"Content-Length: 3\r\nContent-Length: 5\r\n\r\nabcde", 400),
                (put + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc", 400),
                (put + b"Content-Length: 9999999999\r\n\r\n", 413),
                (put + b"Content-Type: text/plain\r\nContent-Length: 3\r\n\r\nabc", 415),
                (put + b"Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc", 415)):
            answer = self.raw(data)
            head, _, body = answer.partition(b"\r\n\r\n")
            self.assertTrue(answer.startswith(b"HTTP/1.1 %d " % status), answer)
            self.assertIn(b"Content-Type: application/problem+json", head)
            self.assertEqual(json.loads(body)["status"], status)

    def test_refusals_are_in_the_log_but_not_each(self):
        for _ in range(50):
            self.assertEqual(self.ask("GET", "/v1/tenants")[0], 401)
        lines = [line for line in self.server.log().splitlines() if "admin_refused" in line]
        self.assertGreaterEqual(len(lines), 1)
        self.assertLess(len(lines), 10)

    def test_the_files_of_the_control_plane_are_its_own(self):
        mode = (self.server.data / "admin.token").stat().st_mode
        self.assertEqual(stat.S_IMODE(mode), 0o600)
        self.assertEqual(stat.S_IMODE(os.stat(self.server.socket).st_mode), 0o600)

    def test_a_chunked_upload_works_as_a_counted_one(self):
        module = text_guest("text-chunk-01")
        status, body = self.ask("PUT", "/v1/tenants/default/functions/chunked",
                                body=iter([module[:100], module[100:]]),
                                headers={"Authorization": f"Bearer {self.token()}"})
        self.assertEqual(status, 201, body)
        self.assertEqual(self.server.get("chunked").text, "text-chunk-01")
