# SPDX-License-Identifier: Apache-2.0
"""Rate limits: one for all workers, over their deaths, and new again when the window has passed."""
import os
import signal

from harness import ServerTest, guest, in_parallel, wait_until


class Rates(ServerTest):
    workers = 2

    def setUp(self):
        self.server.deploy("rate", guest("rate"))

    def take(self, path, tenant="default"):
        return self.server.get("rate", path, tenant=tenant).status

    def test_all_workers_count_together(self):
        statuses = in_parallel(200, lambda _: self.take("/together"))
        allowed = statuses.count(200)
        self.assertEqual(allowed + statuses.count(429), 200, set(statuses))
        self.assertIn(allowed, (50, 51))    # by one call of the other worker at most
        self.assertEqual(self.take("/another"), 200)

    def test_tenants_have_limits_of_their_own(self):
        self.server.deploy("rate", guest("rate"), tenant="other")
        self.assertEqual([self.take("/own") for _ in range(51)], [200] * 50 + [429])
        self.assertEqual(self.take("/own", tenant="other"), 200)

    def test_a_worker_that_dies_does_not_begin_anew(self):
        self.assertEqual([self.take("/dies") for _ in range(51)], [200] * 50 + [429])
        for pid in self.server.worker_pids():
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: self.take("/alive") == 200, 10, "a successor")
        self.assertEqual([self.take("/dies") for _ in range(10)], [429] * 10)

    def test_a_window_that_has_passed_is_forgotten(self):
        self.assertIn(429, [self.take("/short") for _ in range(20)])
        wait_until(lambda: self.take("/short") == 200, 5, "room in the next window")
