# SPDX-License-Identifier: Apache-2.0
"""The programs of attacks/, each against a server of its own kind, with fewer rounds."""
import concurrent.futures
import pathlib
import sys

import harness
from harness import ServerTest, guest, text_guest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "attacks"))
# pylint: disable=wrong-import-position
import attack
import bodies
import empty_frames
import header_bomb
import idle
import rapid_reset
import slots
import slow
import unread


class Attacks(ServerTest):
    workers = 1

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server.deploy("hello", text_guest("hello-attack1"))
        cls.server.deploy("big", guest("big"))

    def setUp(self):
        # memory says little where a sanitizer keeps what was freed
        worker = None if harness.SANITIZED else self.server.worker_pids()[0]
        self.target = attack.Target(self.server.port, worker=worker)
        self.workers_before = self.server.worker_pids()

    def tearDown(self):
        self.assertEqual(self.server.worker_pids(), self.workers_before)
        for line in self.server.log().splitlines():
            self.assertTrue(line.startswith("{"), f"not ours: {line[:200]}")

    def test_frames_that_bring_nothing(self):
        empty_frames.run(self.target, frames=20_000)

    def test_streams_that_are_reset(self):
        rapid_reset.run(self.target, count=5000)

    def test_headers_that_are_bombs(self):
        header_bomb.run(self.target)

    def test_clients_that_do_not_read_and_that_do_not_speak(self):
        # each waits for what ends it, so they wait together
        big = attack.Target(self.target.port, "/f/default/big/", self.target.worker)
        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            for done in (pool.submit(unread.run, big, 25), pool.submit(idle.run, self.target),
                         pool.submit(slow.run, self.target, 100)):
                done.result()


class LittleMemory(ServerTest):
    workers = 1
    config = "limits: { worker_memory: 128MiB }\n"

    def coming_bytes(self):
        text = self.server.admin("GET", "/metrics").text
        return int(text.partition('skerry_coming_bytes{worker="0"} ')[2].partition("\n")[0])

    def test_what_is_reset_or_whole_is_counted_no_more(self):
        target = attack.Target(self.server.port, "/f/default/nothing/")
        with attack.begin_http2(target) as client:
            for stream in (1, 3):
                client.sendall(attack.frame(attack.HEADERS, attack.END_HEADERS, stream,
                                            attack.request_block(target.path, b"POST"))
                               + attack.frame(attack.DATA, 0, stream, bytes(10000)))
            harness.wait_until(lambda: self.coming_bytes() == 20000, 10, "both count")
            client.sendall(attack.frame(attack.RST_STREAM, 0, 1, bytes(4)))
            harness.wait_until(lambda: self.coming_bytes() == 10000, 10, "the reset one has gone")
            client.sendall(attack.frame(attack.DATA, attack.END_STREAM, 3, b"x"))
            harness.wait_until(lambda: self.coming_bytes() == 0, 10, "the whole one has gone")

    def test_bodies_that_are_never_finished(self):
        self.server.deploy("hello", text_guest("hello-attack1"))
        worker, = self.server.worker_pids()
        bodies.run(attack.Target(self.server.port,
                                 worker=None if harness.SANITIZED else worker))
        self.assertEqual(self.server.worker_pids(), [worker])
        harness.wait_until(lambda: self.coming_bytes() == 0, 10, "nothing is counted")
        for line in self.server.log().splitlines():
            self.assertTrue(line.startswith("{"), f"not ours: {line[:200]}")


class FewConnections(harness.unittest.TestCase):
    def test_idle_connections_that_take_all_there_are(self):
        with harness.Server(workers=1, prefix=["prlimit", "--nofile=400:400"]) as server:
            server.deploy("hello", text_guest("hello-attack1"))
            slots.run(attack.Target(server.port))
            metrics = server.admin("GET", "/metrics").text
            row = 'skerry_connections_ended_total{worker="0",reason="room"}'
            self.assertIn(row, metrics)
            self.assertNotIn(row + " 0\n", metrics)
