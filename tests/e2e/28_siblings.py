# SPDX-License-Identifier: Apache-2.0
"""Functions of one tenant that call one another."""
import re
import socket
import unittest

from harness import Server, guest, in_parallel, wat, wait_until

SLEEPER = """(module
  (import "skerry" "wait_v1" (func $wait (param i32 i32 i64) (result i32)))
  (memory (export "memory") 1 1)
  (func (export "handle_request") (result i64)
    (drop (call $wait (i32.const 0) (i32.const 0) (i64.const 3600000)))
    (i64.const 0))
  (func (export "handle_response") (param i32 i32)))"""


class Siblings(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(workers=1, config="limits: { concurrency: 1, fuel: 200M }\n")
        cls.addClassCleanup(cls.server.kill_tree)
        cls.server.start()
        for i in range(11):
            cls.server.deploy(f"s{i}", guest("sibling"))

    def ask(self, path):
        return self.server.get("s0", path)

    def test_an_answer_goes_back_with_status_and_body(self):
        self.assertEqual(self.ask("/?s1").text, "hello\n")
        self.assertEqual(self.ask("/?s1/s2/s3/s4").text, "hello\n")
        answer = self.ask("/?nobody")
        self.assertEqual((answer.status, answer.json["code"]), (404, "unknown_function"))
        self.assertEqual(self.ask("/?-").status, 404)

    def test_another_function_sees_a_request_like_any_other(self):
        self.server.deploy("echo", guest("echo"))
        answer = self.ask("/?echo")
        self.assertEqual(answer.status, 200)
        self.assertIn("hello", answer.text)

    def test_nobody_calls_who_waits_for_him(self):
        self.assertEqual(self.ask("/?s0").text, "error 03\n")
        self.assertEqual(self.ask("/?s1/s0").text, "error 03\n")
        self.assertEqual(self.ask("/?s1/s2/s1").text, "error 03\n")

    def test_eight_stand_behind_one_another_and_no_more(self):
        chain = "/".join(f"s{i}" for i in range(1, 9))
        self.assertEqual(self.ask(f"/?{chain}").text, "hello\n")
        self.assertEqual(self.ask(f"/?{chain}/s9").text, "error 04\n")

    def test_a_loop_uses_the_callers_fuel_and_no_more(self):
        self.server.deploy("loop", guest("loop"))
        answer = self.ask("/?loop")
        self.assertEqual((answer.status, answer.json["code"]), (500, "fuel_exhausted"))

    def test_many_at_once_leave_nothing_behind(self):
        answers = in_parallel(50, lambda _: self.ask("/?s1/s2").text)
        self.assertEqual(set(answers), {"hello\n"})
        self.nothing_is_left()

    def nothing_is_left(self):
        def gauges():
            text = self.server.admin("GET", "/metrics").text
            names = ["skerry_requests_in_flight", "skerry_requests_parked", "skerry_pool_in_use",
                     "skerry_operations"]
            return [int(count) for name in names for count in
                    re.findall(rf"^{name}\{{[^}}]*\}} (\d+)$", text, re.M)]
        wait_until(lambda: set(gauges()) == {0}, 10, "empty gauges")

    def test_a_client_that_leaves_ends_what_was_called_for_it(self):
        self.server.deploy("sleeper", wat(SLEEPER, name="sleeper"))
        connections = []
        for _ in range(20):
            connection = socket.create_connection(("127.0.0.1", self.server.port))
            connection.sendall(b"GET /f/default/s0/?sleeper HTTP/1.1\r\nHost: x\r\n\r\n")
            connections.append(connection)
        # Callers and called.
        wait_until(lambda: 'skerry_requests_parked{worker="0"} 40'
                   in self.server.admin("GET", "/metrics").text, 10, "40 parked requests")
        for connection in connections:
            connection.close()
        self.nothing_is_left()


if __name__ == "__main__":
    unittest.main()
