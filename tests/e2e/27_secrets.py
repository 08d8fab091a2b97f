# SPDX-License-Identifier: Apache-2.0
"""Secrets: written by who may, read by their function alone, and left nowhere."""
import os
import re
import signal
import unittest

import harness
from harness import Server, guest, in_parallel, wait_until

SECRET = b"s3cr3t-" + os.urandom(12).hex().encode()


class Secrets(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(workers=1)
        cls.addClassCleanup(cls.server.kill_tree)
        cls.server.start()

    def path(self, function, name=""):
        return f"/v1/tenants/default/functions/{function}/secrets" + (f"/{name}" if name else "")

    def put(self, function, name, value, status=200):
        answer = self.server.admin("PUT", self.path(function, name), value,
                                   {"Content-Type": "application/octet-stream"})
        self.assertEqual(answer.status, status, answer)
        return answer

    def names(self, function):
        answer = self.server.admin("GET", self.path(function))
        self.assertEqual(answer.status, 200, answer)
        return answer.json["secrets"]

    def ask(self, function, name):
        return self.server.get(function, f"/?{name}").text

    def test_a_function_reads_its_own_and_nobody_elses(self):
        self.server.deploy("mine", guest("secret"))
        self.server.deploy("other", guest("secret"))
        self.put("mine", "API_KEY", SECRET)
        self.put("mine", "LONG", b"x" * 65536)
        self.assertEqual(self.ask("mine", "API_KEY"), f"+ {len(SECRET):04} ys\n")
        self.assertEqual(self.ask("mine", "LONG"), "+ 5536 no\n")
        self.assertEqual(self.ask("other", "API_KEY"), "- 0002 no\n")
        self.assertEqual(self.ask("mine", "a%20b"), "- 0001 no\n")
        self.assertEqual(set(in_parallel(50, lambda _: self.ask("mine", "API_KEY"))),
                         {f"+ {len(SECRET):04} ys\n"})
        self.assertEqual(self.names("mine"), ["API_KEY", "LONG"])
        self.assertEqual(self.names("other"), [])

    def test_nobody_reads_one_through_the_api(self):
        self.put("write-only", "A", SECRET)
        answer = self.server.admin("GET", self.path("write-only", "A"))
        self.assertEqual((answer.status, answer.headers["allow"]), (405, "PUT, DELETE"))
        for bad in ("a-b", "1a", "x" * 129):
            self.put("write-only", bad, b"v", 400)
        self.put("write-only", "A", b"x" * 65537, 413)
        self.assertEqual(self.server.admin("DELETE", self.path("write-only", "A")).status, 200)
        self.assertEqual(self.server.admin("DELETE", self.path("write-only", "A")).status, 404)

    def test_it_is_left_neither_in_files_nor_in_the_worker(self):
        self.server.deploy("clean", guest("secret"))
        self.put("clean", "API_KEY", SECRET)
        self.assertIn("ys", self.ask("clean", "API_KEY"))
        self.server.deploy("clean", guest("secret"))
        for path in self.server.data.rglob("*"):
            if path.is_file() and not path.is_socket():
                self.assertNotIn(SECRET, path.read_bytes(), path)
        self.assertNotIn(SECRET.decode(), self.server.log())
        if harness.SANITIZED:
            self.skipTest("a sanitizer's memory is terabytes, and keeps what was freed")
        if os.geteuid() != 0:
            self.skipTest("only root can read a worker's memory")
        pid, = self.server.worker_pids()
        self.assertTrue(harness.memory_has(os.getpid(), SECRET))
        self.assertFalse(harness.memory_has(pid, SECRET))

    def test_a_rotation_changes_the_key_and_no_secret(self):
        self.server.deploy("turns", guest("secret"))
        self.put("turns", "API_KEY", SECRET)
        key = self.server.data / "vault" / "key"
        before = key.read_bytes()
        self.assertEqual(key.stat().st_mode & 0o777, 0o600)
        self.assertEqual(self.server.cli("secret", "rotate", check=0).stdout.splitlines()[0],
                         "all secrets have a new key")
        self.assertNotEqual(key.read_bytes()[20:], before[20:])
        self.assertIn("ys", self.ask("turns", "API_KEY"))

    def test_a_function_that_is_removed_takes_its_secrets_with_it(self):
        self.server.deploy("gone", guest("secret"))
        self.put("gone", "A", SECRET)
        self.assertEqual(self.server.cli("rm", "gone", "--yes").returncode, 0)
        wait_until(lambda: self.names("gone") == [], 5, "no secrets")

    def test_without_the_key_process_a_guest_is_told_so_and_then_served(self):
        self.server.deploy("patient", guest("secret"))
        self.put("patient", "API_KEY", SECRET)
        pid, = self.server.pids_of("keys")
        os.kill(pid, signal.SIGSTOP)
        asking = harness.threading.Thread(target=lambda: answers.append(
            self.ask("patient", "API_KEY")))
        answers = []
        asking.start()
        wait_until(lambda: 'skerry_operations{worker="0",kind="secret"} 1'
                   in self.server.admin("GET", "/metrics").text, 5, "the question")
        os.kill(pid, signal.SIGKILL)
        asking.join()
        self.assertEqual(answers, ["- 0006 no\n"])
        wait_until(lambda: self.ask("patient", "API_KEY").endswith("ys\n"), 5, "the secret")
        text = self.server.admin("GET", "/metrics").text
        self.assertIn('skerry_operations{worker="0",kind="secret"} 0', text)

    def test_a_program_finds_what_its_manifest_lists_in_its_environment(self):
        folder = harness.SCRATCH / "listed"
        folder.mkdir(exist_ok=True)
        (folder / "main.wasm").write_bytes(guest("wagi"))
        (folder / "function.yaml").write_text(
            "main: main.wasm\nname: listed\nenv: { GREETING: hi }\nsecrets: [TOKEN, NONE]\n")
        self.put("listed", "TOKEN", b"of-the-vault")
        self.put("listed", "UNLISTED", b"not-listed")
        self.server.cli("deploy", str(folder), check=0)
        said = self.server.get("listed").text.splitlines()
        self.assertIn("TOKEN=of-the-vault", said)
        self.assertIn("GREETING=hi", said)
        self.assertFalse([line for line in said if "NONE" in line or "not-listed" in line])
        (folder / "main.wasm").write_bytes(guest("secret"))
        self.server.cli("deploy", str(folder), check=0)
        self.assertEqual(self.ask("listed", "TOKEN"), "+ 0012 no\n")
        self.assertEqual(self.ask("listed", "UNLISTED"), "- 0003 no\n")

    def test_the_command_line_takes_it_from_stdin(self):
        harness.subprocess.run(
            [harness.skerry_path(), "secret", "put", "cli", "TOKEN", "--url",
             f"unix:{self.server.socket}"], input=SECRET + b"\n", check=True,
            env=self.server.environment(), capture_output=True)
        self.assertEqual(self.server.cli("secret", "list", "cli", "--quiet").stdout, "TOKEN\n")
        self.server.deploy("cli", guest("secret"))
        self.assertEqual(self.ask("cli", "TOKEN"), f"+ {len(SECRET):04} ys\n")
        self.assertEqual(self.server.cli("secret", "rm", "cli", "TOKEN").returncode, 0)
        self.assertEqual(self.ask("cli", "TOKEN"), "- 0002 no\n")


class Forgotten(unittest.TestCase):
    def test_a_removal_is_heard_of_after_everybody_was_away(self):
        """The key process does not hear of it, and control ends before it could say it again."""
        server = Server(workers=1)
        self.addCleanup(server.kill_tree)
        server.start()
        server.deploy("brief", guest("secret"))
        path = "/v1/tenants/default/functions/brief/secrets"
        self.assertEqual(server.admin("PUT", path + "/A", SECRET,
                                      {"Content-Type": "application/octet-stream"}).status, 200)
        pid, = server.pids_of("keys")
        os.kill(pid, signal.SIGSTOP)
        self.assertEqual(server.cli("rm", "brief", "--yes").returncode, 0)
        server.kill_tree()
        server.start()
        server.deploy("brief", guest("secret"))
        answer = wait_until(lambda: (got := server.admin("GET", path)).status == 200 and got, 10,
                            "the key process")
        self.assertEqual(answer.json["secrets"], [])
        server.stop()


if __name__ == "__main__":
    unittest.main()
