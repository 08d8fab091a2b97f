# SPDX-License-Identifier: Apache-2.0
"""What an operator does to a server that runs, and what it says of itself."""
import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import unittest

import harness
from harness import Server, guest, text_guest, wait_until


def events(server, name):
    """The log's lines of this event."""
    lines = (json.loads(line) for line in server.log().splitlines() if line.startswith("{"))
    return [line for line in lines if line["event"] == name]


class Signals(unittest.TestCase):
    def hang_up(self, server, text):
        """SIGHUP with this skerry.yaml; the line that it makes control write."""
        (server.home / "skerry.yaml").write_text(text)
        before = len(events(server, "reload"))
        server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: len(events(server, "reload")) > before, 10, "a word on the reload")
        return events(server, "reload")[-1]

    def test_a_hang_up_checks_the_configuration_and_says_what_a_restart_would_change(self):
        # `workers` is given as a flag, which goes before the file.
        with Server(workers=1, config="limits: { wall: 5s }\n") as server:
            told = self.hang_up(server, "limits: { wall: 5s }\n")
            self.assertEqual((told["level"], "as it was" in told["message"]), ("info", True))
            told = self.hang_up(server, "workers: 2\nstore: { versions: 3 }\n")
            self.assertIn("these keys changed and need a restart: store.versions",
                          told["message"])
            told = self.hang_up(server, "domain: x\nlimits: { wal: 6s }\n")
            self.assertEqual(told["level"], "error")
            self.assertIn("skerry.yaml:2:11: unknown key `limits.wal`", told["message"])
            server.deploy("text", text_guest("text-hang-up1"))
            self.assertEqual(server.get("text").text, "text-hang-up1")

    def test_signals_without_a_meaning_end_nothing(self):
        with Server(workers=1) as server:
            before = server.worker_pids()
            for pid in [server.process.pid, *before]:
                os.kill(pid, signal.SIGUSR1)
                os.kill(pid, signal.SIGUSR2)
            server.deploy("text", text_guest("text-signals1"))
            self.assertEqual(server.get("text").text, "text-signals1")
            self.assertEqual(server.worker_pids(), before)


class Lifecycle(unittest.TestCase):
    def test_what_happens_to_a_server_and_its_functions_is_in_the_log(self):
        server = Server(workers=1)
        with server:
            server.deploy("text", text_guest("text-life0001"), tenant="acme")
            server.deploy("text", text_guest("text-life0002"), tenant="acme")
            path = "/v1/tenants/acme/functions/text"
            self.assertEqual(server.admin("POST", path + "/rollback", b"{}").status, 200)
            self.assertEqual(server.admin("DELETE", path).status, 200)
        names = [json.loads(line)["event"] for line in server.log().splitlines()]
        # Helpers are ready in no order; of walls is told what is missing here.
        names = [name for name in names if name not in ("helper_ready", "walls")]
        self.assertEqual(names, ["start", "ready", "deploy", "deploy", "rollback", "delete",
                                 "drain", "stop"])
        deployed = events(server, "deploy")[1]
        self.assertEqual((deployed["tenant"], deployed["function"], deployed["version"]),
                         ("acme", "text", "v2"))
        self.assertEqual(events(server, "rollback")[0]["version"], "v1")

    def test_ctrl_c_is_answered(self):
        server = Server(workers=1)
        with contextlib.suppress(AssertionError), server:   # it ends with 130
            server.process.send_signal(signal.SIGINT)
            wait_until(lambda: any("Ctrl-C again" in line for line in server.output), 10,
                       "a word on the end")
            self.assertEqual(server.process.wait(20), 130)
            server.process = None


class Drain(unittest.TestCase):
    def test_answers_while_it_drains_close_their_connections(self):
        with Server(workers=1, config="limits: { fuel: 1000G, wall: 1s }\n") as server:
            server.deploy("loop", guest("loop"))
            with contextlib.closing(server.connect()) as connection:
                connection.request("GET", "/f/default/loop/")
                wait_until(lambda: re.search(r'in_flight{worker="0"} 1',
                                             server.admin("GET", "/metrics").text), 10, "it runs")
                server.process.send_signal(signal.SIGTERM)
                answer = connection.getresponse()
                self.assertEqual(answer.status, 504)
                self.assertEqual(answer.headers["connection"], "close")


class NoRoom(unittest.TestCase):
    def test_connections_that_find_no_descriptor_are_told_of(self):
        server = Server(workers=1, prefix=["sh", "-c", 'ulimit -n 120; exec "$@"', "sh"])
        with server, contextlib.ExitStack() as stack:
            for _ in range(100):
                stack.enter_context(socket.create_connection(("127.0.0.1", server.port)))
            wait_until(lambda: events(server, "no_descriptors"), 10, "a word on it")
            self.assertIn("ulimit -n", events(server, "no_descriptors")[0]["message"])
            self.assertLess(len(events(server, "no_descriptors")), 10)

    def test_more_functions_than_descriptors_are_served_and_leave_some_to_connections(self):
        functions = [f"text{i}" for i in range(60)]
        server = Server(workers=1, prefix=["sh", "-c", 'ulimit -n 120; exec "$@"', "sh"])
        with server, contextlib.ExitStack() as stack:
            for name in functions:
                server.deploy(name, text_guest(f"{name:>13}"))
            for name in functions:
                self.assertEqual(server.get(name).text, f"{name:>13}")
            clients = [stack.enter_context(contextlib.closing(server.connect()))
                       for _ in range(50)]
            for client in clients:
                client.request("GET", "/f/default/text0/")
            self.assertEqual({client.getresponse().status for client in clients}, {200})
            self.assertEqual(events(server, "no_descriptors") + events(server, "start_failed"), [])


class AnotherUser(unittest.TestCase):
    def test_who_may_not_open_the_socket_is_told_so_and_what_would_help(self):
        if os.geteuid() != 0:
            self.skipTest("only root can become somebody else")
        with Server(workers=1) as server:
            done = subprocess.run([harness.skerry_path(), "list"], env=server.environment(),
                                  user=65534, group=65534, extra_groups=[], capture_output=True,
                                  text=True, timeout=60, check=False)
            self.assertEqual(done.returncode, 4, done)
            self.assertEqual(len(done.stderr.splitlines()), 1, done)
            for word in ("permission denied", "user 0", "SKERRY_TOKEN", "admin.listen"):
                self.assertIn(word, done.stderr)
