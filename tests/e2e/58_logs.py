# SPDX-License-Identifier: Apache-2.0
"""A function's log: what its guests wrote and how they failed, to be read, followed and resumed."""
import contextlib
import json
import os
import select
import signal
import subprocess
import unittest

import harness
from harness import Server, ServerTest, UnixConnection, guest, wait_until


def rows(text):
    return [json.loads(line) for line in text.splitlines()]


class Log(ServerTest):
    def said(self, name, count, query="?limit=10000"):
        """The log, once it has so many lines: they come by way of control."""
        def look():
            found = rows(self.server.guest_log(name, query=query))
            return found if len(found) >= count else None
        return wait_until(look, 5, f"{count} lines of {name}")

    def test_lines_are_told_with_whose_they_are_and_in_one_line_each(self):
        self.server.deploy("log", guest("log"))
        answer = self.server.get("log", "/hello")
        found = self.said("log", 3)
        self.assertEqual(len(found), 3)
        for row in found:
            self.assertEqual(row["request_id"], answer.headers["x-request-id"])
            self.assertEqual((row["tenant"], row["function"], row["version"]),
                             ("default", "log", "v1"))
        self.assertEqual([row["level"] for row in found], ["warn", "info", "info"])
        self.assertEqual(found[0]["message"], "/hello")
        # What is no text is told as what it was, and a newline makes another line.
        self.assertTrue(found[1]["message"].startswith('\\x1b[31m"red"'), found[1])
        self.assertEqual(found[2]["message"], "forged")
        self.assertLess(int(found[0]["id"]), int(found[1]["id"]))
        # The server's own log has none of it.
        self.assertNotIn("/hello", self.server.log())
        self.assertNotIn("/hello", "\n".join(self.server.output))

    def test_a_fault_follows_what_led_to_it(self):
        self.server.deploy("fault", guest("log"))
        self.assertEqual(self.server.get("fault", "/x!").status, 500)
        found = self.said("fault", 4)
        self.assertEqual([row["event"] for row in found], ["guest"] * 3 + ["guest_fault"])
        self.assertEqual(found[3]["code"], "trap")
        self.assertIn("func", found[3]["frame0"])
        self.assertEqual([row["event"] for row in self.said("fault", 1, "?level=error")],
                         ["guest_fault"])

    def test_whoever_follows_hears_of_it_and_goes_on_where_it_was(self):
        self.server.deploy("events", guest("log"))
        self.server.get("events", "/before")
        self.said("events", 2)
        with contextlib.closing(UnixConnection(self.server.socket, 10 * harness.PATIENCE)) as one:
            one.request("GET", "/v1/tenants/default/functions/events/logs?level=warn",
                        headers={"Accept": "text/event-stream"})
            answer = one.getresponse()
            self.assertEqual(answer.status, 200)
            self.assertEqual(answer.headers["content-type"], "text/event-stream")
            last = answer.fp.readline().decode().removeprefix("id: ").strip()
            self.assertEqual(json.loads(answer.fp.readline()[6:])["message"], "/before")
            self.assertEqual(answer.fp.readline(), b"\n")
            self.server.get("events", "/while")
            answer.fp.readline()
            self.assertEqual(json.loads(answer.fp.readline()[6:])["message"], "/while")
        missed = self.server.admin(
            "GET", f"/v1/tenants/default/functions/events/logs?after={last}&level=warn")
        self.assertEqual([row["message"] for row in rows(missed.text)], ["/while"])

    def test_the_command_follows_too(self):
        self.server.deploy("tail", guest("log"))
        command = [harness.skerry_path(), "logs", "-f", "tail", "--level", "warn", "--url",
                   f"unix:{self.server.socket}"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as follower:
            # It follows from when its request is there, so it is spoken to until it hears.
            def spoken():
                self.server.get("tail", "/spoken")
                return select.select([follower.stdout], [], [], 0.2)[0]
            wait_until(spoken, 10, "a line of the follower")
            self.assertIn(b"/spoken", follower.stdout.readline())
            follower.send_signal(signal.SIGINT)
            follower.communicate(timeout=10)

    def test_a_worker_that_is_killed_takes_no_line_with_it_that_it_had_told(self):
        self.server.deploy("killed", guest("log"))
        for i in range(20):
            self.server.get("killed", f"/{i}")
        self.said("killed", 60)
        for pid in self.server.worker_pids():
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: self.server.get("killed", "/after").status == 200, 10, "a successor")
        self.assertEqual(self.said("killed", 63)[-3]["message"], "/after")


class Stdout(unittest.TestCase):
    def test_a_server_that_is_asked_to_prints_them_too_and_keeps_them_over_a_restart(self):
        server = Server(arguments=["--guest-logs", "stdout"])
        self.addCleanup(server.kill_tree)
        server.start()
        server.deploy("log", guest("log"))
        server.get("log", "/printed")
        wait_until(lambda: any("/printed" in line for line in server.output), 5, "the line")
        server.stop()
        server.start()
        self.assertIn("/printed", server.guest_log("log"))
        server.stop()
