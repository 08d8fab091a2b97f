# SPDX-License-Identifier: Apache-2.0
"""What goes on while a server changes: deploys, reloads, and its end. Nothing is lost."""
import contextlib
import http.client
import json
import os
import socket
import threading
import time
import unittest

import h2
import harness
from harness import Load, Server, guest, text_guest, wait_until
from traffic import KeptConnections, Mixed

DEPLOYS = int(os.environ.get("SKERRY_TEST_DEPLOYS", "100"))    # tests/soak/nightly: 1,000
RELOADS = int(os.environ.get("SKERRY_TEST_RELOADS", "8"))      # and 100
CONFIG = "limits: {{ fuel: {fuel}M }}\n"


def events(server, name):
    return server.log().count(f'"event":"{name}"')


def post(server, path):
    return server.admin("POST", path, b"{}", {"Content-Type": "application/json"})


class Deploys(unittest.TestCase):
    def test_no_request_fails_or_mixes_versions_while_a_function_is_deployed(self):
        with Server() as server:
            server.deploy("text", text_guest("text-00000001"))
            seen = []
            began = time.monotonic()
            with Load(4, KeptConnections(server, "/f/default/text/")) as load:
                for i in range(2, DEPLOYS + 2):
                    server.deploy("text", text_guest(f"text-{i:08d}"))
                    # The answer of the deploy comes first: what is asked after it is the new one.
                    answer = server.get("text")
                    seen.append(answer.text == f"text-{i:08d}")
            print(f"{DEPLOYS} deploys among {len(load.results)} requests in "
                  f"{time.monotonic() - began:.1f} s, {len(load.failures)} failed")
            self.assertEqual(load.failures, [])
            self.assertEqual(seen.count(False), 0)
            for _, answer in load.results:
                number = int(answer.headers["X-Skerry-Version"][1:])
                self.assertEqual(answer.text, f"text-{number:08d}")


class Reloads(unittest.TestCase):
    def write(self, server, text):
        (server.home / "skerry.yaml").write_text(text)

    def reload(self, server, fuel):
        """Reloads with other fuel, once the workers before the last ones have gone."""
        self.write(server, CONFIG.format(fuel=fuel))
        before = events(server, "reloaded")
        wait_until(lambda: post(server, "/v1/reload").status == 202, 30, "the reload's beginning")
        wait_until(lambda: events(server, "reloaded") > before, 30, "the reload's end")

    def upload_slowly(self, server, goes_on):
        """Half of a body, then the rest when `goes_on` is set; the answer's body."""
        half = b"x" * 1000
        with contextlib.closing(socket.create_connection(("127.0.0.1", server.port))) as client:
            client.sendall(b"POST /f/default/echo/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
                           b"Content-Length: 2000\r\n\r\n" + half)
            goes_on.wait(60)
            client.sendall(half)
            response = http.client.HTTPResponse(client)
            response.begin()
            return response.status, response.read()

    def test_no_request_fails_while_workers_are_replaced(self):
        with Server(config=CONFIG.format(fuel=100)) as server:
            server.deploy("text", text_guest("text-00000001"))
            server.deploy("echo", guest("echo"))
            server.deploy("events", guest("events"))
            goes_on = threading.Event()
            uploads = []
            upload = threading.Thread(
                target=lambda: uploads.append(self.upload_slowly(server, goes_on)))
            upload.start()
            streams = h2.Connection(server.port, 60)
            first = streams.request(b"/f/default/events/")
            while not streams.bodies[first]:
                streams.turn()
            pids = set(server.worker_pids())
            with Mixed(server) as mixed:
                self.reload(server, 101)
                goes_on.set()
                streams.finish()
                while streams.goaway is None:
                    streams.turn()
                streams.close()
                for fuel in range(102, 101 + RELOADS):
                    self.reload(server, fuel)
            upload.join()
            print(f"{RELOADS} reloads among {mixed.story()}: {len(mixed.failures)} failed")
            self.assertEqual(mixed.failures, [])
            self.assertEqual(streams.bodies[first].count(b"data: tick\n\n"), 3)
            self.assertEqual(uploads[0][0], 200)
            self.assertIn(b"x" * 2000, uploads[0][1])
            self.assertFalse(pids & set(server.worker_pids()))
            limits = server.admin("GET", "/v1/limits").json["limits"]
            self.assertEqual(limits["fuel"]["value"], (100 + RELOADS) * 1000000)

    def test_a_configuration_that_is_wrong_changes_nothing(self):
        with Server(workers=1, config=CONFIG.format(fuel=100)) as server:
            pids = server.worker_pids()
            self.write(server, "limits: { fuell: 3M }\n")
            done = server.cli("reload")
            self.assertEqual(done.returncode, 3, done)
            self.assertIn("unknown key `limits.fuell`", done.stderr)
            self.write(server, CONFIG.format(fuel=100))
            self.assertIn("nothing has changed", server.cli("reload", check=0).stdout)
            self.write(server, "store: { versions: 3 }\n" + CONFIG.format(fuel=100))
            done = server.cli("reload", check=0)
            self.assertIn("these keys need a restart: store.versions", done.stdout)
            self.assertEqual(server.worker_pids(), pids)

    def test_what_is_reloaded_is_in_force(self):
        with Server(workers=1, config="limits: { body: 1KiB }\n") as server:
            server.deploy("echo", guest("echo"))
            body = b"x" * 3000
            self.assertEqual(server.get("echo", method="POST", body=body).status, 413)
            self.write(server, "limits: { body: 1MiB }\n")
            done = server.cli("reload", "--json", check=0)
            self.assertEqual(json.loads(done.stdout),
                             {"status": "reloading", "changed": ["limits.body"],
                              "needs_restart": []})
            wait_until(lambda: events(server, "reloaded"), 30, "the reload's end")
            # Who retires may still take a connection before it hears of it.
            wait_until(lambda: server.get("echo", method="POST", body=body).status == 200, 30,
                       "the new configuration")


class Drain(unittest.TestCase):
    def test_the_command_ends_the_server_when_its_requests_have(self):
        server = Server(workers=1)
        with server:
            server.deploy("events", guest("events"))
            streams = h2.Connection(server.port, 60)
            first = streams.request(b"/f/default/events/")
            while not streams.bodies[first]:
                streams.turn()
            self.assertIn("finishes what is under way", server.cli("drain", check=0).stdout)
            streams.finish()
            self.assertEqual(streams.bodies[first].count(b"data: tick\n\n"), 3)
            streams.close()
            self.assertEqual(server.process.wait(harness.STOP_SECONDS), 0)
