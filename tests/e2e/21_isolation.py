# SPDX-License-Identifier: Apache-2.0
"""A tenant with a worker and an address of its own: no other's request comes into its process."""
import contextlib
import json
import os
import pathlib
import signal
import socket

import harness
from harness import Server, ServerTest, free_port, guest, text_guest, wait_until

CANARY = b"canary-of-a-request-81c9"


class Isolated(ServerTest):
    workers = 1
    own_port = free_port()
    own = f"127.0.0.1:{own_port}"

    @classmethod
    def setUpClass(cls):
        cls.server = Server(workers=cls.workers, arguments=["--listen", cls.own],
                            config=f"isolation: [ acme http://{cls.own} ]\n").start()
        cls.addClassCleanup(cls.server.stop)
        cls.server.deploy("echo", guest("echo"), tenant="acme")
        cls.server.deploy("echo", guest("echo"), tenant="other")

    def ask(self, port, tenant, name="echo"):
        connection = harness.http.client.HTTPConnection("127.0.0.1", port,
                                                        timeout=60 * harness.PATIENCE)
        with contextlib.closing(connection):
            return harness.exchange(connection, "GET", f"/f/{tenant}/{name}/")

    def listening(self, port):
        """Workers with a socket that listens there."""
        rows = [line.split() for line in
                pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]]
        inodes = {row[9] for row in rows
                  if row[3] == "0A" and int(row[1].rpartition(":")[2], 16) == port}
        found = set()
        for pid in self.server.worker_pids():
            for fd in os.listdir(f"/proc/{pid}/fd"):
                with contextlib.suppress(OSError):
                    if os.readlink(f"/proc/{pid}/fd/{fd}")[8:-1] in inodes:
                        found.add(pid)
        return found

    def own_worker(self):
        """Its process and everybody else's."""
        if os.geteuid() != 0:
            self.skipTest("only root may look into processes that are not dumpable")
        own, = self.listening(self.own_port)
        common, = self.listening(self.server.port)
        self.assertNotEqual(own, common)
        return own, common

    def test_each_is_served_at_its_address_and_nowhere_else(self):
        self.assertEqual(len(self.server.worker_pids()), 2)
        self.assertEqual(self.ask(self.own_port, "acme").status, 200)
        self.assertEqual(self.ask(self.server.port, "other").status, 200)
        for port, tenant, name in ((self.server.port, "acme", "echo"),
                                   (self.own_port, "other", "echo"),
                                   (self.server.port, "acme", "nothing"),
                                   (self.own_port, "other", "nothing")):
            self.problem(self.ask(port, tenant, name), 421, "misdirected")
        self.assertEqual(self.ask(self.own_port, "acme", "nothing").status, 404)
        self.assertEqual(self.ask(self.server.port, "other", "nothing").status, 404)

    def test_what_others_ask_and_keep_is_not_in_its_memory(self):
        if harness.SANITIZED:
            self.skipTest("a sanitizer's memory is terabytes, and keeps what was freed")
        if os.geteuid() != 0:
            self.skipTest("only root can read a worker's memory")
        own, common = self.own_worker()
        for port, tenant, here, there in ((self.server.port, "other", common, own),
                                          (self.own_port, "acme", own, common)):
            canary = CANARY + tenant.encode()
            with socket.create_connection(("127.0.0.1", port), 60 * harness.PATIENCE) as client:
                client.sendall(f"POST /f/{tenant}/echo/ HTTP/1.1\r\nHost: x\r\nConnection: close"
                               f"\r\nContent-Length: {len(canary) + 1}\r\n\r\n".encode() + canary)
                wait_until(lambda pid=here, text=canary: harness.memory_has(pid, text), 30,
                           "the request")
                self.assertFalse(harness.memory_has(there, canary))
                client.sendall(b"!")
                answer = b"".join(iter(lambda source=client: source.recv(65536), b""))
            self.assertIn(canary + b"!", answer)
            self.assertFalse(harness.memory_has(there, canary))

    def test_it_dies_and_comes_back_alone(self):
        own, common = self.own_worker()
        os.kill(own, signal.SIGKILL)
        self.assertEqual(self.ask(self.server.port, "other").status, 200)
        self.assertEqual(self.ask(self.own_port, "acme").status, 200)
        self.assertNotEqual(self.own_worker()[0], own)
        self.assertEqual(self.own_worker()[1], common)

    def test_errands_of_a_tenant_go_to_its_worker(self):
        def runs():
            lines = map(json.loads, self.server.guest_log("echo", tenant="acme").splitlines())
            return [line["status"] for line in lines if line["event"] == "cron_run"]
        self.server.cli("cron", "add", "echo", "0 0 1 1 *", "/", "--tenant", "acme", check=0)
        rows = self.server.admin("GET", "/v1/tenants/acme/functions/echo/cron").json["cron"]
        for count in range(1, 4):   # each of them to the worker that may run it
            self.server.cli("cron", "run", "echo", rows[0]["id"], "--tenant", "acme", check=0)
            wait_until(lambda wanted=count: len(runs()) == wanted, 30, "the run")
        self.assertEqual(runs(), [200] * 3)

    def test_a_deploy_is_live_there_before_it_is_answered(self):
        for text in ("text-first-01", "text-secnd-02"):
            answer = self.server.deploy("text", text_guest(text), tenant="acme")
            self.assertEqual(answer.json["url"], f"http://text.acme.localhost:{self.own_port}/")
            self.assertEqual(self.ask(self.own_port, "acme", "text").text, text)


class Mistakes(harness.unittest.TestCase):
    def refused(self, config, *arguments):
        server = Server(workers=1, config=config, arguments=arguments)
        done = server.cli("serve", *server.arguments)
        self.assertEqual(done.returncode, 3, done)
        self.assertEqual(len(done.stderr.splitlines()), 1, done)
        return done.stderr

    def test_each_is_told_in_words(self):
        own = f"127.0.0.1:{free_port()}"
        self.assertIn("add it there", self.refused(f"isolation: [ acme http://{own} ]\n"))
        self.assertIn("second time", self.refused(
            f"isolation: [ acme http://{own}, other http://{own} ]\n", "--listen", own))
        self.assertIn("no tenant with an address", self.refused("isolation: [ acme ]\n"))
        self.assertIn("no tenant with an address",
                      self.refused(f"isolation: [ A/b http://{own} ]\n"))


class Reload(harness.unittest.TestCase):
    def test_what_isolates_wants_a_restart_and_lasts_over_reloads(self):
        own = free_port()
        config = f"isolation: [ acme http://127.0.0.1:{own} ]\n"
        with Server(workers=1, config=config,
                    arguments=["--listen", f"127.0.0.1:{own}"]) as server:
            server.deploy("text", text_guest("text-isolated"), tenant="acme")
            path = server.home / "skerry.yaml"
            path.write_text(config + "access_log: true\n")
            before = set(server.worker_pids())
            self.assertIn("access_log", server.cli("reload", check=0).stdout)
            wait_until(lambda: len(now := set(server.worker_pids())) == 2 and not now & before, 30,
                       "new workers")
            connection = harness.http.client.HTTPConnection("127.0.0.1", own, timeout=60)
            with contextlib.closing(connection):
                answer = harness.exchange(connection, "GET", "/f/acme/text/")
            self.assertEqual((answer.status, answer.text), (200, "text-isolated"))
            path.write_text("access_log: true\n")
            self.assertIn("isolation", server.cli("reload").stdout)
