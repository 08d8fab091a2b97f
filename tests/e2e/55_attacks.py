# SPDX-License-Identifier: Apache-2.0
"""The programs of attacks/, each against a server of its own kind, with fewer rounds."""
import pathlib
import sys

import harness
from harness import ServerTest, guest, text_guest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "attacks"))
# pylint: disable=wrong-import-position
import attack
import empty_frames
import header_bomb
import rapid_reset


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
