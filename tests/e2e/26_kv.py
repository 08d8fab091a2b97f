# SPDX-License-Identifier: Apache-2.0
"""The key-value store, as functions, scripts and a killed server see it."""
import os
import re
import signal
import tempfile
import threading
import unittest

from harness import Server, ServerTest, guest, in_parallel, wait_until


def names(body):
    """The keys of a list."""
    found = []
    while body:
        count = int.from_bytes(body[:2], "little")
        found.append(body[2:2 + count].decode())
        body = body[2 + count:]
    return found


class Kv(ServerTest):
    config = "limits: { kv: 100KiB }\n"

    def setUp(self):
        self.server.deploy("kv", guest("kv"))

    def call(self, method, key, body=None, tenant="default"):
        return self.server.get("kv", f"/{key}", method=method, body=body, tenant=tenant)

    def test_what_one_request_writes_the_next_one_reads(self):
        self.assertEqual(self.call("GET", "a").status, 598)
        self.assertEqual(self.call("PUT", "a", b"one").status, 200)
        for _ in range(10):    # whichever worker it is
            self.assertEqual(self.call("GET", "a").text, "one")
        self.assertEqual(self.call("DELETE", "a").status, 200)
        self.assertEqual(self.call("DELETE", "a").status, 598)
        self.assertEqual(self.call("GET", "a").status, 598)

    def test_a_request_reads_what_it_has_only_started(self):
        for i in range(50):
            answer = self.call("PATCH", "started", f"value {i}".encode())
            self.assertEqual((answer.status, answer.text), (200, f"value {i}"))

    def test_sums_of_many_at_once_lose_nothing(self):
        answers = in_parallel(200, lambda _: self.call("POST", "sum").status)
        self.assertEqual(answers, [200] * 200)
        self.assertEqual(self.call("GET", "sum").text, "200")

    def test_keys_are_listed_and_a_large_value_comes_whole(self):
        for key in ("list/b", "list/a", "lisp"):
            self.assertEqual(self.call("PUT", key, b"x").status, 200)
        self.assertEqual(names(self.call("GET", "list/*").body), ["list/a", "list/b"])
        large = os.urandom(90_000)
        self.assertEqual(self.call("PUT", "large", large).status, 200)
        self.assertEqual(self.call("GET", "large").body, large)
        # LIMIT: the tenant has no more.
        self.assertEqual(self.call("PUT", "larger", os.urandom(20_000)).status, 596)
        self.assertEqual(self.call("DELETE", "large").status, 200)
        self.assertEqual(self.call("PUT", "larger", os.urandom(20_000)).status, 200)

    def test_tenants_have_nothing_in_common(self):
        self.server.deploy("kv", guest("kv"), tenant="other")
        self.call("PUT", "secret", b"mine")
        self.assertEqual(self.call("GET", "secret", tenant="other").status, 598)

    def test_scripts_and_functions_see_the_same(self):
        path = "/v1/tenants/default/kv/from%2Fscript"
        put = self.server.admin("PUT", path + "?ttl=3600", b"by hand",
                                {"Content-Type": "application/octet-stream"})
        self.assertEqual(put.status, 200, put)
        self.assertEqual(self.call("GET", "from/script").text, "by hand")
        self.call("PUT", "from/guest", b"by guest")
        got = self.server.admin("GET", "/v1/tenants/default/kv/from%2Fguest")
        self.assertEqual((got.status, got.text), (200, "by guest"))
        self.assertEqual(self.server.cli("kv", "get", "from/guest", check=0).stdout, "by guest")
        with tempfile.TemporaryFile() as value:
            value.write(b"by\0pipe\n")
            value.seek(0)
            self.server.cli("kv", "put", "from/pipe", "-", check=0, stdin=value)
        self.assertEqual(self.call("GET", "from/pipe").body, b"by\0pipe\n")

    def test_nothing_is_left_under_way(self):
        in_parallel(100, lambda i: self.call("PATCH", f"left{i}", b"x").status)
        def left():
            text = self.server.admin("GET", "/metrics").text
            found = re.findall(r'^skerry_operations\{worker="\d+",kind="kv"\} (\d+)$', text, re.M)
            return found and set(found) == {"0"}
        wait_until(left, 5, "the last operation's end")


class Killed(unittest.TestCase):
    def test_what_was_answered_survives_kill_nine(self):
        server = Server()
        self.addCleanup(server.kill_tree)
        server.start()
        server.deploy("kv", guest("kv"))
        written, stop = {}, threading.Event()

        def write(i):
            n = 0
            while not stop.is_set():
                try:
                    answer = server.get("kv", f"/{i}", method="PUT", body=str(n).encode())
                except OSError:
                    return
                if answer.status == 200:
                    written[i] = n
                n += 1

        threads = [threading.Thread(target=write, args=(i,)) for i in range(8)]
        for thread in threads:
            thread.start()
        wait_until(lambda: len(written) == 8 and min(written.values()) > 20, 20, "some writes")
        server.kill_tree()
        stop.set()
        for thread in threads:
            thread.join()
        server.start()
        for i, n in written.items():
            found = int(server.get("kv", f"/{i}").text)
            self.assertIn(found, (n, n + 1), f"key {i}")    # one more may have been under way
        server.stop()

    def test_a_worker_that_is_killed_takes_nothing_with_it(self):
        server = Server()
        self.addCleanup(server.kill_tree)
        server.start()
        server.deploy("kv", guest("kv"))
        # Not three times: a worker that has answered may still be at it, and a version that three
        # died of is not run.
        for round_ in range(2):
            self.assertEqual(server.get("kv", "/k", method="PUT", body=b"%d" % round_).status, 200)
            for pid in server.worker_pids():
                os.kill(pid, signal.SIGKILL)
            wait_until(lambda: server.get("kv", "/k").text == str(round_), 10, "the value")
        server.stop()
