# SPDX-License-Identifier: Apache-2.0
"""Uploads that never end take neither the builders of others nor their own for ever."""
import contextlib
import os
import unittest

from harness import ServerTest, UnixConnection, guest, text_guest, wait_until


class EndlessBuilds(ServerTest):
    workers = 1
    config = "limits: { init_fuel: 1000G }\n"

    def builds(self):
        return self.server.admin("GET", "/v1/stats").json["builds"]

    @unittest.skipIf(len(os.sched_getaffinity(0)) < 2, "one core has one builder")
    def test_they_leave_a_builder_to_the_others_and_end_with_their_clients(self):
        endless = guest("init_loop")
        before = self.builds()
        with contextlib.ExitStack() as stack:
            for i in range(6):
                connection = stack.enter_context(
                    contextlib.closing(UnixConnection(self.server.socket, 60)))
                connection.request("PUT", f"/v1/tenants/greedy/functions/f{i}", body=endless)
            wait_until(lambda: self.builds()["queued"] > 0, 20, "endless uploads to wait")
            for i in range(3):
                self.server.deploy(f"quick{i}", text_guest(f"text-quick-0{i}"), tenant="other")
            now = self.builds()
            self.assertGreater(now["running"], 0)
            self.assertEqual(now["timeout"], before["timeout"])
        wait_until(lambda: self.builds()["running"] + self.builds()["queued"] == 0, 20,
                   "builds without a client to end")
        self.assertEqual(self.builds()["cancelled"] - before["cancelled"], 6)
        self.assertEqual(self.server.functions("greedy"), set())


class EndlessInitialisers(ServerTest):
    workers = 1

    def test_they_end_at_their_fuel(self):
        answer = self.server.put("endless", guest("init_loop"))
        self.problem(answer, 422, "limit")
        self.assertIn("limits.init_fuel", answer.text)
