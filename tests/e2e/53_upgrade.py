# SPDX-License-Identifier: Apache-2.0
"""Another program takes a running server's place: same process, and no request fails.

The other program is a copy of this one in which a few bytes differ: it calls its engine another
build, so that it has to make all artifacts anew.
"""
import concurrent.futures
import contextlib
import http.client
import json
import os
import pathlib
import re
import shutil
import tempfile
import unittest

import h2
import harness
from harness import Load, Server, exchange, guest, text_guest, wait_until
from traffic import KeptConnections, Mixed

UPGRADES = int(os.environ.get("SKERRY_TEST_UPGRADES", "3"))    # tests/soak/nightly: 20


def build_id():
    """16 bytes of this build's program, which say what its engine is made of."""
    text = (pathlib.Path(harness.skerry_path()).parent / "engine" / "build_id.h").read_text()
    return bytes(int(byte, 16) for byte in re.findall(r"0x([0-9a-f]{2})", text))


class Programs(contextlib.ExitStack):
    """Copies of the program, in a folder of their own."""

    def __enter__(self):
        super().__enter__()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="p", dir=harness.SCRATCH))
        self.callback(shutil.rmtree, self.folder)
        return self

    def make(self, name, *changes, mode=0o755):
        data = pathlib.Path(harness.skerry_path()).read_bytes()
        for before, after in changes:
            assert len(before) == len(after) and data.count(before) == 1, before
            data = data.replace(before, after)
        path = self.folder / name
        path.write_bytes(data)
        path.chmod(mode)
        return str(path)

    def other(self, name="other", *changes):
        own = build_id()
        return self.make(name, (own, bytes(16 - len(b"other")) + b"other"), *changes)


def state(server):
    return server.admin("GET", "/v1/upgrade").json


def ask(server, program):
    return server.admin("POST", "/v1/upgrade", json.dumps({"program": program}).encode(),
                        {"Content-Type": "application/json"})


def is_whole(server):
    return len(server.worker_pids()) == server.workers and len(server.pids_of("keys")) == 1


class Upgrades(unittest.TestCase):
    def upgrade(self, server, program):
        """Once the workers of the upgrade before have ended."""
        done = None

        def begins():
            # Control hears of a worker's end a little after that is gone.
            nonlocal done
            done = server.cli("upgrade", program) if is_whole(server) else None
            return done is not None and "still finish what they began" not in done.stderr

        wait_until(begins, 60, "the old workers' end")
        self.assertEqual(done.returncode, 0, f"{done.stdout}{done.stderr}{server.story()}")
        self.assertIn("serves", done.stdout)

    def test_no_request_fails(self):
        with Programs() as programs, Server() as server:
            # What it counts is otherwise, too.
            other = programs.other("other", (b"client_gone ", b"client_g0ne "))
            same = programs.make("same")
            for name in ("text", "more"):
                server.deploy(name, text_guest(f"{name:>13}"))
            for name in ("kv", "events", "echo"):
                server.deploy(name, guest(name))
            pid, workers = server.process.pid, set(server.worker_pids())
            streams = h2.Connection(server.port, 120)
            first = streams.request(b"/f/default/events/")
            while not streams.bodies[first]:
                streams.turn()
            sums = Load(1, KeptConnections(server, "/f/default/kv/sum", "POST"))
            with Mixed(server, sums=sums) as mixed:
                self.upgrade(server, other)
                streams.finish()
                while streams.goaway is None:
                    streams.turn()
                streams.close()
                for i in range(1, UPGRADES):
                    server.deploy("more", text_guest(f"more-{i:08d}"))
                    self.upgrade(server, same if i % 2 else other)
                    self.assertEqual(server.get("more").text, f"more-{i:08d}")
            print(f"{UPGRADES} upgrades among {mixed.story()}: {len(mixed.failures)} failed")
            self.assertEqual(mixed.failures, [])
            self.assertEqual(streams.bodies[first].count(b"data: tick\n\n"), 3)
            # What was acknowledged is there.
            self.assertEqual(server.get("kv", "/sum").text, str(len(sums.results)))
            self.assertEqual(server.process.pid, pid)
            self.assertFalse(workers & set(server.worker_pids()))
            self.assertIsNone(server.process.poll())
            self.assertEqual(server.log().count('"event":"upgraded"'), UPGRADES)
            self.assertNotIn("artifact_rebuild_failed", server.log())
            # Nothing had to be built while somebody waited for it.
            self.assertNotIn('event="rebuilt"} 1', server.admin("GET", "/metrics").text)

    def test_uploads_that_are_under_way_end_well(self):
        module, body = text_guest("text-of-later"), os.urandom(200000)
        with Programs() as programs, Server(workers=1) as server:
            server.deploy("echo", guest("echo"))
            guests = server.connect()
            guests.putrequest("POST", "/f/default/echo/")
            guests.putheader("Content-Length", str(len(body)))
            guests.endheaders(body[:1000])
            admin = harness.UnixConnection(server.socket, 60 * harness.PATIENCE)
            admin.putrequest("PUT", "/v1/tenants/default/functions/late")
            admin.putheader("Content-Type", "application/wasm")
            admin.putheader("Content-Length", str(len(module)))
            admin.endheaders(module[:-1])
            with concurrent.futures.ThreadPoolExecutor(1) as pool:
                done = pool.submit(self.upgrade, server, programs.other())
                wait_until(lambda: "prepares to take over" in server.log(), 60, "the upgrade")
                # Control stays until this is answered, and the worker until that is.
                admin.send(module[-1:])
                self.assertEqual(admin.getresponse().status, 201)
                admin.close()
                done.result()
            self.assertEqual(server.get("late").text, "text-of-later")
            guests.send(body[1000:])
            answer = guests.getresponse()
            self.assertEqual((answer.status, answer.read()[-len(body):] == body), (200, True))
            guests.close()

    def test_artifacts_are_built_before_and_the_old_ones_go_when_nobody_needs_them(self):
        with Programs() as programs, Server(workers=1) as server:
            server.deploy("text", text_guest("text-00000001"))
            folder = server.data / "artifacts"
            before = {path.name for path in folder.glob("*.art")}
            self.upgrade(server, programs.other())
            wait_until(lambda: is_whole(server), 60, "the old worker's end")
            wait_until(lambda: not before & {path.name for path in folder.glob("*.art")}, 60,
                       "the old artifacts' end")
            self.assertEqual(server.get("text").text, "text-00000001")
            self.assertEqual(state(server)["built"], 0)    # this program has built none
            server.deploy("text", text_guest("text-00000002"))
            self.assertEqual(server.get("text").text, "text-00000002")
            # The lock is held all the time.
            done = server.cli("serve", "--data", str(server.data), "--listen", "127.0.0.1:0")
            self.assertEqual(done.returncode, 6, done)
            self.assertIn("in use by another server", done.stderr)

    def test_who_follows_a_log_goes_on_where_it_was(self):
        with Programs() as programs, Server(workers=1) as server:
            server.deploy("text", text_guest("text-00000001"))
            self.upgrade(server, programs.make("same"))
            answer = server.admin("GET", "/v1/tenants/default/functions/text/logs")
            self.assertEqual(answer.status, 200)


class Refusals(unittest.TestCase):
    def check(self, server, program, text, code=1):
        pids = server.worker_pids()
        done = server.cli("upgrade", program)
        self.assertEqual(done.returncode, code, done)
        self.assertIn(text, done.stderr)
        self.assertEqual(server.worker_pids(), pids)
        self.assertEqual(server.get("text").text, "text-00000001")

    def test_what_cannot_take_over_does_not_and_says_why(self):
        with Programs() as programs, Server(workers=1) as server:
            server.deploy("text", text_guest("text-00000001"))
            self.check(server, "/nowhere/skerry", "there is no program", 2)
            self.check(server, str(server.data), "is no program")
            self.check(server, programs.make("plain", mode=0o644), "is no program")
            self.check(server, programs.make("open", mode=0o777), "others than root")
            self.check(server, "/bin/true", "is no skerry that can take over")
            stranger = programs.make("stranger", (b"KV_CHANGE WORKER CONTROL",
                                                  b"KV_CHANCE WORKER CONTROL"))
            self.check(server, stranger, "cannot share workers")
            # It can prepare and cannot start: the program before has its process back.
            newer = programs.other("newer", (b"%s/generation", b"%s/no/eration"))
            done = server.cli("upgrade", newer)
            self.assertEqual(done.returncode, 1, done)
            self.assertIn("the server goes on as it was", done.stderr)
            self.assertIn("no/eration", state(server)["text"])
            self.assertEqual(server.get("text").text, "text-00000001")
            server.deploy("text", text_guest("text-00000002"))
            self.assertEqual(server.get("text").text, "text-00000002")
            wait_until(lambda: is_whole(server), 60, "the end of what the other program left")
            done = server.cli("upgrade", programs.make("same"))
            self.assertEqual(done.returncode, 0, done)
            self.assertEqual(state(server)["state"], "done")

    def test_a_configuration_that_the_new_program_would_not_take_ends_it_before(self):
        with Programs() as programs, Server(workers=1, config="limits: { fuel: 3M }\n") as server:
            server.deploy("text", text_guest("text-00000001"))
            (server.home / "skerry.yaml").write_text("limits: { fuell: 3M }\n")
            self.check(server, programs.make("same"), "unknown key `limits.fuell`")

    def test_nonsense_and_callers_of_the_address(self):
        port = harness.free_port()
        with Server(workers=1, arguments=("--admin", f"127.0.0.1:{port}")) as server:
            for body in (b"", b"{}", b"[]", b'{"program": 3}', b'{"program": "x", "more": 1}'):
                answer = server.admin("POST", "/v1/upgrade", body,
                                      {"Content-Type": "application/json"})
                self.assertEqual((answer.status, answer.json["code"]), (400, "bad_upgrade"), body)
            self.assertEqual(ask(server, "bin/skerry").status, 422)
            self.assertEqual(state(server)["state"], "none")
            token = (server.data / "admin.token").read_text().strip()
            with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port)) as connection:
                answer = exchange(connection, "POST", "/v1/upgrade", b'{"program": "/bin/true"}',
                                  {"Authorization": f"Bearer {token}",
                                   "Content-Type": "application/json"})
            self.assertEqual(answer.status, 403)
            self.assertIn("own socket", answer.json["detail"])


if __name__ == "__main__":
    unittest.main()
