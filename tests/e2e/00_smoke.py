# SPDX-License-Identifier: Apache-2.0
"""One session from first deploy to removal, as a person does it: binary, curl, command line."""
import json
import shutil
import subprocess
import unittest

import harness
from harness import Load, Server, ServerTest, text_guest, write_guest


def curl(*arguments):
    if shutil.which("curl") is None:
        raise unittest.SkipTest("curl is not installed (apt-get install curl)")
    return subprocess.run(["curl", "-sS", "--max-time", "60", *arguments], capture_output=True,
                          text=True, check=True).stdout


class Session(ServerTest):
    def test_a_function_is_deployed_by_command_called_listed_and_removed(self):
        server = self.server
        module = write_guest("hello", text_guest("text-smoke-01"))

        said = server.cli("deploy", module, "-n", "smoke", check=0).stdout
        self.assertIn("http-wasm", said)
        self.assertIn("http://", said)

        for answer in (server.get("smoke", "/world"), server.get_host("smoke", "/world")):
            self.assertEqual((answer.status, answer.text), (200, "text-smoke-01"))
            self.assertEqual(answer.headers["content-type"], "text/plain")

        self.assertIn("smoke", server.cli("list", check=0).stdout)
        listing = json.loads(server.cli("list", "--json", check=0).stdout)
        self.assertIn("smoke", json.dumps(listing))

        server.cli("rm", "smoke", "--yes", check=0)
        self.assertEqual(server.get("smoke").status, 404)
        self.assertNotIn("smoke", server.cli("list", check=0).stdout)
        self.assertEqual(server.cli("rm", "smoke", "--yes").returncode, 5)

    def test_a_function_is_deployed_by_curl_over_the_admin_socket(self):
        server = self.server
        module = write_guest("curled", text_guest("text-curl-001"))
        url = "http://localhost/v1/tenants/default/functions/curled"
        answer = json.loads(curl("--unix-socket", server.socket, "-T", module, url))
        self.assertEqual(answer["kind"], "http-wasm")
        self.assertEqual(answer["version"], "v1")
        self.assertEqual(len(answer["sha256"]), 64)
        self.assertIn("curled", answer["url"])
        for phase in ("validate_us", "translate_us", "snapshot_us", "commit_us"):
            self.assertGreaterEqual(answer["timings"][phase], 0)

        by_path = curl("-i", f"http://127.0.0.1:{server.port}/f/default/curled/world")
        self.assertIn("200", by_path.splitlines()[0])
        self.assertTrue(by_path.endswith("text-curl-001"), by_path)
        by_host = curl("-i", "--resolve", f"curled.default.localhost:{server.port}:127.0.0.1",
                       f"http://curled.default.localhost:{server.port}/world")
        self.assertTrue(by_host.endswith("text-curl-001"), by_host)

        removed = curl("--unix-socket", server.socket, "-X", "DELETE", "-o", "/dev/null",
                       "-w", "%{http_code}", url)
        self.assertIn(removed, ("200", "204"))

    def test_every_answer_says_who_made_it_and_how_it_started(self):
        server = self.server
        server.deploy("named", text_guest("text-named-01"))
        answer = server.get("named")
        self.assertTrue(answer.headers["x-request-id"])
        self.assertEqual(answer.headers["x-skerry-version"], "v1")
        timing = answer.headers["server-timing"]
        self.assertRegex(timing, r"queue;dur=\d+\.\d{3}")
        self.assertRegex(timing, r'start;dur=\d+\.\d{3};desc="(warm|cold:first_request)"')
        self.assertRegex(timing, r"exec;dur=\d+\.\d{3}")

        def warm():
            return 'desc="warm"' in server.get("named").headers["server-timing"]
        harness.wait_until(warm, 5, "a warm start")

        other = server.get("named")
        self.assertNotEqual(answer.headers["x-request-id"], other.headers["x-request-id"])

    def test_the_same_bytes_again_change_nothing(self):
        server = self.server
        module = text_guest("text-same-001")
        self.assertEqual(server.put("same", module).status, 201)
        again = server.put("same", module)
        self.assertEqual(again.status, 200, again)
        self.assertIn("unchanged", again.text)
        self.assertEqual(server.get("same").headers["x-skerry-version"], "v1")


class Redeploy(ServerTest):
    def test_a_new_version_is_live_before_its_upload_is_answered_and_no_request_fails(self):
        server = self.server
        versions = [f"text-{i:08d}" for i in range(30)]
        server.deploy("moving", text_guest(versions[0]))
        allowed = set(versions)

        def ask():
            answer = server.get("moving")
            if answer.status != 200 or answer.text not in allowed:
                raise AssertionError(answer)
            return answer.text

        with Load(4, ask) as load:
            for text in versions[1:]:
                server.deploy("moving", text_guest(text))
                # The upload was answered: from now on every worker serves it.
                for _ in range(6):
                    self.assertEqual(server.get("moving").text, text)
        self.assertEqual(load.failures, [])
        self.assertGreater(len(load.results), 50)

    def test_a_function_that_was_removed_can_be_deployed_again(self):
        server = self.server
        for i in range(5):
            server.deploy("phoenix", text_guest(f"text-{i:08d}"))
            self.assertEqual(server.get("phoenix").text, f"text-{i:08d}")
            self.assertIn(server.admin("DELETE", "/v1/tenants/default/functions/phoenix").status,
                          (200, 204))
            self.assertEqual(server.get("phoenix").status, 404)


class Life(unittest.TestCase):
    def test_what_was_deployed_is_there_after_a_restart(self):
        server = Server()
        with server:
            server.deploy("stays", text_guest("text-stays-01"), tenant="acme")
        with server:
            self.assertEqual(server.get("stays", tenant="acme").text, "text-stays-01")
            self.assertEqual(server.functions("acme"), {"stays"})

    def test_it_says_what_listens_where_and_then_ready(self):
        with Server(workers=1) as server:
            before = "\n".join(server.output[:server.output.index("ready")])
            self.assertIn(f"127.0.0.1:{server.port}", before)
            self.assertIn(server.socket, before)

    def test_version_and_help_name_the_program(self):
        server = Server()
        self.assertRegex(server.cli("version", check=0).stdout, r"skerry \d+\.\d+\.\d+")
        for verb in ("serve", "deploy", "list", "rm", "run", "loadtest"):
            self.assertIn(verb, server.cli("help", check=0).stdout)
        self.assertEqual(server.cli("no-such-verb").returncode, 2)

    def test_a_client_without_a_server_says_so(self):
        done = Server().cli("list")
        self.assertEqual(done.returncode, 8, done.stderr)
        self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)
