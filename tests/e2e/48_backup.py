# SPDX-License-Identifier: Apache-2.0
"""A backup of a server that goes on serving, and the server that is made of it."""
import contextlib
import http.client
import json
import os
import pathlib
import socket
import stat
import subprocess
import tempfile
import unittest

import harness
from harness import Server, guest, text_guest, wait_until


class Backup(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="b", dir=harness.SCRATCH))
        self.file = self.folder / "all.backup"

    def bring(self, server, tenant, count):
        """A version with a file of so many bytes, which are returned."""
        content = os.urandom(count)
        made = self.folder / "made"
        (made / "files").mkdir(parents=True)
        (made / "files" / "data").write_bytes(content)
        (made / "main.wasm").write_bytes(guest("text"))
        (made / "function.yaml").write_text("name: bring\nmain: main.wasm\nfiles: [files/*]\n")
        server.cli("deploy", str(made), "-t", tenant, check=0)
        return content

    def fill(self, server):
        for i in range(6):
            server.deploy(f"f{i}", text_guest(f"text-{i:08d}"), f"t{i % 3}")
        server.deploy("f0", text_guest("text-99999999"), "t0")
        self.assertEqual(server.admin("PUT", "/v1/tenants/t0/functions/f0/env/A", "1").status, 200)
        self.assertEqual(server.admin("PUT", "/v1/tenants/t1/limits", '{"functions":4}').status,
                         200)
        for i in range(8):
            key = f"/v1/tenants/t0/kv/key{i}"
            self.assertEqual(server.admin("PUT", key, b"\0" * i + b"value").status, 200)
        content = self.bring(server, "t2", 70000)
        server.cli("token", "create", "-t", "t1", "--note", "kept", check=0)
        return content

    def check(self, server, content):
        for i in range(1, 6):
            self.assertEqual(server.get(f"f{i}", tenant=f"t{i % 3}").text, f"text-{i:08d}")
        self.assertEqual(server.get("f0", tenant="t0").text, "text-99999999")
        variables = server.admin("GET", "/v1/tenants/t0/functions/f0/env").text
        self.assertIn('"A"', variables)
        self.assertEqual(server.admin("GET", "/v1/tenants/t0/kv/key7").body, b"\0" * 7 + b"value")
        limits = server.admin("GET", "/v1/tenants/t1/limits").json
        self.assertEqual(limits["functions"], 4)
        notes = [t["note"] for t in server.admin("GET", "/v1/tokens").json["tokens"]]
        self.assertEqual(notes, ["kept"])
        blobs = list((server.data / "blobs" / "t2").iterdir())
        self.assertEqual([b.read_bytes() for b in blobs], [content])
        self.assertIn("verified ", server.cli("audit", "--verify", check=0).stdout)

    def test_what_was_there_is_there_on_another_machine(self):
        with Server(workers=1) as server:
            content = self.fill(server)
            done = server.cli("backup", str(self.file), check=0)
            self.assertIn("without secrets", done.stdout)
            self.assertEqual(stat.S_IMODE(self.file.stat().st_mode), 0o600)
            self.assertEqual([p.name for p in self.folder.glob("all*")], [self.file.name])
            # What comes later is not in it.
            server.deploy("late", text_guest("text-of-later"), "t0")
            records = server.admin("GET", "/v1/audit?limit=5").json["records"]
            self.assertIn("backup", [r["action"] for r in records])
        data = self.folder / "restored"
        with Server(workers=1, data=data) as other:
            self.assertEqual(other.functions("t0"), set())
        refused = Server(workers=1)
        self.assertIn("not an empty directory",
                      refused.cli("restore", str(self.file), "--data", str(data), check=6).stderr)
        data = self.folder / "again"
        data.mkdir()
        refused.cli("restore", str(self.file), "--data", str(data), check=0)
        self.assertEqual(stat.S_IMODE(data.stat().st_mode), 0o700)
        with Server(workers=1, data=data) as other:
            self.check(other, content)
            self.assertEqual(other.get("late", tenant="t0").status, 404)
            # And it goes on from there.
            other.deploy("f0", text_guest("text-of-again"), "t0")
            self.assertEqual(other.get("f0", tenant="t0").text, "text-of-again")

    def test_secrets_come_along_sealed_with_a_passphrase(self):
        secret = b"not-to-be-seen-in-any-file"
        phrase, wrong = self.folder / "phrase", self.folder / "wrong"
        phrase.write_text("correct horse\n")
        wrong.write_text("correct horsf\n")
        data = self.folder / "restored"
        port = harness.free_port()
        with Server(workers=1, arguments=["--admin", f"127.0.0.1:{port}"]) as server:
            server.deploy("mine", guest("secret"))
            path = "/v1/tenants/default/functions/mine/secrets/API_KEY"
            self.assertEqual(server.admin("PUT", path, secret).status, 200)
            before = server.get("mine", "/?API_KEY").text
            self.assertTrue(before.startswith("+ "), before)
            done = server.cli("backup", str(self.file), "--secrets", "--file", str(phrase), check=0)
            self.assertIn("with secrets", done.stdout)
            server.cli("backup", str(self.file) + "2", "--secrets", check=2)
            answer = server.admin("POST", "/v1/backup", b'{"recipient":"me"}',
                                  {"Content-Type": "application/json"})
            self.assertEqual((answer.status, answer.json["code"]), (400, "bad_recipient"))
            # A token is not enough: what it opens is the API, not the machine.
            token = (server.data / "admin.token").read_text().strip()
            away = subprocess.run(
                [harness.skerry_path(), "backup", str(self.file) + "3", "--secrets", "--file",
                 str(phrase), "--url", f"http://127.0.0.1:{port}"], capture_output=True, text=True,
                env={**server.environment(), "SKERRY_TOKEN": token}, check=False)
            self.assertEqual(away.returncode, 4, away)
            self.assertIn("on the server's machine", away.stderr)
        self.assertNotIn(secret, self.file.read_bytes())
        for words, status in (([], 2), (["--file", str(wrong)], 4)):
            server.cli("restore", str(self.file), "--data", str(data), *words, check=status)
            self.assertEqual(list(self.folder.glob("restored*")), [])
        server.cli("restore", str(self.file), "--data", str(data), "--file", str(phrase), check=0)
        with Server(workers=1, data=data) as other:
            self.assertEqual(other.get("mine", "/?API_KEY").text, before)
        without = self.folder / "without"
        server.cli("restore", str(self.file), "--data", str(without), "--no-secrets", check=0)
        self.assertFalse((without / "vault").exists())

    def test_one_that_is_not_whole_is_refused_and_leaves_nothing(self):
        with Server(workers=1) as server:
            server.deploy("f", text_guest("text-of-whole"))
            server.cli("backup", str(self.file), check=0)
        whole = self.file.read_bytes()
        middle = len(whole) // 2
        data = self.folder / "data"
        for name, broken in (("cut", whole[:middle]), ("endless", whole + b"x"), ("empty", b""),
                             ("flipped", whole[:middle] + bytes([whole[middle] ^ 1])
                              + whole[middle + 1:]),
                             ("other", b"PK" + whole[2:]),
                             ("huge", whole[:24] + b"\xff" * 8 + whole[32:])):
            path = self.folder / name
            path.write_bytes(broken)
            done = server.cli("restore", str(path), "--data", str(data))
            self.assertEqual(done.returncode, 1, (name, done))
            self.assertIn("not a whole backup", done.stderr, name)
            self.assertFalse(data.exists())
        server.cli("restore", str(self.folder / "nothing"), "--data", str(data), check=5)
        server.cli("restore", str(self.file), check=2)
        server.cli("restore", str(self.file), "--data", str(data), check=0)

    def test_deploys_go_on_while_a_client_takes_its_time(self):
        with Server(workers=1) as server:
            for i in range(4):
                server.deploy(f"f{i}", text_guest(f"text-{i:08d}"))
            server.admin("PUT", "/v1/tenants/default/kv/a", b"before")
            # Large enough that it cannot all be on its way at once.
            content = self.bring(server, "default", 8 << 20)
            with contextlib.closing(socket.socket(socket.AF_UNIX)) as slow:
                slow.connect(server.socket)
                slow.sendall(b"POST /v1/backup HTTP/1.1\r\nHost: localhost\r\n"
                             b"Content-Length: 0\r\n\r\n")
                self.assertTrue(slow.recv(16).startswith(b"HTTP/1.1 200"))
                busy = server.admin("POST", "/v1/backup")
                self.assertEqual((busy.status, busy.json["code"]), (503, "busy"))
                for i in range(8):
                    server.deploy(f"f{i % 4}", text_guest(f"text-{i + 10:08d}"))
                server.admin("PUT", "/v1/tenants/default/kv/a", b"after")
                self.assertEqual(server.admin(
                    "DELETE", "/v1/tenants/default/functions/bring").status, 200)
                received = b""
                while chunk := slow.recv(1 << 20):
                    received += chunk
            body = received[received.index(b"\r\n\r\n") + 4:]
            self.file.write_bytes(body)
            data = self.folder / "data"
            server.cli("restore", str(self.file), "--data", str(data), check=0)
            # The next one may begin.
            wait_until(lambda: server.cli("backup", str(self.folder / "b")).returncode == 0, 10,
                       "the second backup")
        with Server(workers=1, data=data) as other:
            for i in range(4):
                self.assertEqual(other.get(f"f{i}").text, f"text-{i:08d}")
            self.assertEqual(other.admin("GET", "/v1/tenants/default/kv/a").body, b"before")
            blobs = list((other.data / "blobs" / "default").iterdir())
            self.assertEqual([b.read_bytes() for b in blobs], [content])

    def test_a_client_that_hangs_up_holds_nothing(self):
        with Server(workers=1) as server:
            self.bring(server, "default", 8 << 20)
            for _ in range(3):
                connection = harness.UnixConnection(server.socket, 60)
                connection.request("POST", "/v1/backup")
                with contextlib.suppress(http.client.HTTPException, json.JSONDecodeError):
                    self.assertIn(connection.getresponse().status, (200, 503))
                connection.close()
            wait_until(lambda: server.cli("backup", str(self.file)).returncode == 0, 10, "a backup")
