# SPDX-License-Identifier: Apache-2.0
"""The native API, and what a parked request holds and leaves behind."""
import json
import re
import socket
import unittest

import harness
from harness import Server, guest, in_parallel, wait_until


def gauge(server, name, labels=""):
    """The sum over workers."""
    text = server.admin("GET", "/metrics").text
    found = re.findall(rf'^{name}\{{worker="\d+"{labels}\}} (\d+)$', text, re.M)
    assert found, name
    return sum(map(int, found))


class Native(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(workers=1,
                            config="limits: { concurrency: 1, wall: 60s, parked: 600 }\n")
        cls.addClassCleanup(cls.server.kill_tree)
        cls.server.start()
        cls.server.deploy("native", guest("native"))

    def parked(self, path, count):
        """So many connections, each with a request under way."""
        connections = []
        for _ in range(count):
            connection = socket.create_connection(("127.0.0.1", self.server.port))
            self.addCleanup(connection.close)
            connection.sendall(f"GET /f/default/native{path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            connections.append(connection)
        wait_until(lambda: gauge(self.server, "skerry_requests_parked") == count, 10,
                   f"{count} parked requests")
        return connections

    def test_a_line_of_the_log_has_its_fields(self):
        self.assertEqual(self.server.get("native", "/n").status, 200)
        line = wait_until(lambda: [line for line in self.server.guest_log("native").splitlines()
                                   if '"a line"' in line], 5, "the line")[0]
        line = json.loads(line)
        self.assertEqual((line["level"], line["field_user"], line["field_path"]),
                         ("warn", "7", "/n"))

    def test_what_it_counts_is_in_the_metrics(self):
        for _ in range(2):
            self.assertEqual(self.server.get("native", "/c").status, 200)
        wait_until(lambda: 'skerry_function_counter_total{tenant="default",function="native",'
                           'name="user"} 6' in self.server.admin("GET", "/metrics").text, 5,
                   "the counter")

    def test_a_variable_that_is_not_set_is_not_found(self):
        self.assertEqual(self.server.get("native", "/e").text, "none")

    def test_who_sleeps_is_in_nobodys_way(self):
        answers = in_parallel(20, lambda _: self.server.get("native", "/s").status)
        self.assertEqual(set(answers), {200})
        connections = self.parked("/p", 20)
        self.assertEqual(self.server.get("native", "/n").status, 200)
        for connection in connections:
            connection.close()
        self.nothing_is_left()

    def nothing_is_left(self):
        wait_until(lambda: gauge(self.server, "skerry_requests_parked") == 0
                   and gauge(self.server, "skerry_requests_in_flight") == 0
                   and gauge(self.server, "skerry_pool_in_use") == 0, 10, "empty gauges")
        for kind in ("kv", "fetch", "secret", "sibling"):
            self.assertEqual(gauge(self.server, "skerry_operations", f',kind="{kind}"'), 0)

    def test_clients_that_leave_take_their_parked_requests_with_them(self):
        for _ in range(3):
            for connection in self.parked("/p", 300):
                connection.close()
            self.nothing_is_left()


if __name__ == "__main__":
    unittest.main()
