# SPDX-License-Identifier: Apache-2.0
"""Modules that other people built, and programs without a server: `skerry run`."""
import re
import subprocess
import unittest
import urllib.parse

import harness
from harness import ServerTest, guest, shared_module, skerry_path


class HttpWasm(ServerTest):
    def deploy(self, name):
        self.server.deploy(name, shared_module(f"http-wasm/ex-{name}.wasm").read_bytes())

    def test_auth_wants_the_right_credentials(self):
        self.deploy("auth")
        none = self.server.get("auth")
        self.assertEqual(none.status, 401)
        self.assertEqual(none.headers["www-authenticate"], 'Basic realm="test"')
        wrong = self.server.get("auth", headers={"Authorization": "Basic " + "A" * 28})
        self.assertEqual(wrong.status, 401)
        right = self.server.get("auth", headers={"Authorization":
                                                 "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="})
        self.problem(right, 404, "no_next_handler")

    def test_log_logs_and_passes_on(self):
        self.deploy("log")
        self.problem(self.server.get("log"), 404, "no_next_handler")

    def test_router_strips_its_prefix_or_answers(self):
        self.deploy("router")
        here = self.server.get("router", "/elsewhere")
        self.assertEqual((here.status, here.text), (200, "hello world"))
        self.assertEqual(here.headers["content-type"], "text/plain")
        self.problem(self.server.get("router", "/host/x"), 404, "no_next_handler")

    def test_wasi_prints_request_and_response(self):
        self.deploy("wasi")
        answer = self.server.get("wasi", "/x", method="POST", body=b"a body")
        self.problem(answer, 404, "no_next_handler")

    def put_configured(self, name, config):
        return self.server.put(name, shared_module(f"http-wasm/ex-{name}.wasm").read_bytes(),
                               query="?config=" + urllib.parse.quote(config))

    def test_a_configuration_given_with_the_module_reaches_its_start_function(self):
        module = shared_module("http-wasm/ex-config.wasm").read_bytes()
        without = self.server.put("config", module)
        self.problem(without, 422)
        self.assertIn("unreachable", without.text)
        # Eight bytes: the features that it wants, and four that it ignores.
        answer = self.server.put("config", module, query="?config=%03%00%00%00%00%00%00%00")
        self.assertEqual(answer.status, 201, answer)
        self.problem(self.server.get("config"), 404, "no_next_handler")

    def test_redact_strikes_its_secret_out_of_the_answer(self):
        module = shared_module("http-wasm/ex-redact.wasm").read_bytes()
        self.problem(self.server.put("redact", module), 422)
        self.assertEqual(self.server.put("redact", module, query="?config=handler").status, 201)
        for _ in range(3):
            answer = self.server.get("redact", method="POST", body=b"with a body")
            self.assertEqual(answer.status, 404)
            self.assertIn("no_next_#######", answer.text)
            self.assertNotIn("handler", answer.text.lower().replace("handle_request", ""))
        # Another secret, the same module: another version. (It only strikes out odd lengths.)
        answer = self.server.put("redact", module, query="?config=Found")
        self.assertEqual(answer.json["version"], "v2", answer)
        self.assertIn("Not #####", self.server.get("redact").text)

    def test_the_conformance_kit_is_recognised(self):
        module = shared_module("http-wasm/tck.wasm").read_bytes()
        self.assertEqual(self.server.deploy("tck", module).json["kind"], "http-wasm")


class Configuration(unittest.TestCase):
    def answers(self, server, name, text):
        def answered():
            answer = server.get(name)
            self.assertIn(answer.status, (200, 503), answer)
            return answer.status == 200 and answer
        answer = harness.wait_until(answered, 10, f"{name} to answer {text}")
        self.assertEqual(answer.text, text)

    def test_each_version_has_its_own_also_after_its_artifact_is_gone(self):
        module = harness.write_guest("config", guest("config"))
        with harness.Server() as server:
            server.cli("deploy", module, "-n", "a", "-c", "first & %", check=0)
            self.answers(server, "a", "[first & %|first & %]")
            out = server.cli("deploy", module, "-n", "a", "--config", "second", check=0).stdout
            self.assertIn("deployed a v2", out)
            self.answers(server, "a", "[second|second]")
            out = server.cli("deploy", module, "-n", "a", "--config", "second", check=0).stdout
            self.assertIn("unchanged", out)
            out = server.cli("show", "a", check=0).stdout
            self.assertIn('config    6 bytes: "second"', out)
            server.cli("deploy", module, "-n", "b", check=0)
            self.answers(server, "b", "[|]")
        for artifact in (server.data / "artifacts").iterdir():
            artifact.unlink()
        with server:
            self.answers(server, "a", "[second|second]")
            self.answers(server, "b", "[|]")
            server.cli("rollback", "a", check=0)
            self.answers(server, "a", "[first & %|first & %]")
            # What no version has any more is removed with the last.
            self.assertEqual(len(list((server.data / "artifacts").iterdir())), 3)
            server.cli("rm", "a", "--yes", check=0)
            self.assertEqual(len(list((server.data / "artifacts").iterdir())), 1)
            self.answers(server, "b", "[|]")

    def test_as_many_bytes_as_the_limit_and_no_more(self):
        with harness.Server() as server:
            data = bytes(range(1, 256)) * 65
            path = harness.SCRATCH / "long.config"
            path.write_bytes(data[:16384])
            module = harness.write_guest("config", guest("config"))
            server.cli("deploy", module, "--config-file", path, check=0)
            self.assertEqual(server.get("config").body,
                             b"[" + data[:16384] + b"|" + data[:16384] + b"]")
            path.write_bytes(data[:16385])
            done = server.cli("deploy", module, "--config-file", path, check=7)
            self.assertIn("limits.guest_config (16384)", done.stderr)


class Wagi(ServerTest):
    def test_hello_answers(self):
        self.server.deploy("hello", shared_module("wagi/hello-wat.wasm").read_bytes())
        answer = self.server.get("hello")
        self.assertEqual((answer.status, answer.text), (200, "hello world\n"))
        self.assertEqual(answer.headers["content-type"], "text/plain")

    def test_a_large_rust_program_answers(self):
        deployed = self.server.deploy("log", shared_module("wagi/log.wasm").read_bytes())
        self.assertEqual(deployed.json["kind"], "wagi")
        answer = self.server.get("log")
        self.assertEqual(answer.status, 200, answer)
        self.assertTrue(answer.headers["content-type"].startswith("text/"), answer)

    def test_a_command_is_told_what_cgi_promises(self):
        self.server.deploy("wagi", guest("wagi"))
        answer = self.server.get("wagi", "/a%20b/c", method="POST", body=b"the body",
                                 headers={"X-Probe": "p", "Content-Type": "text/x",
                                          "Proxy": "evil", "Authorization": "secret"})
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(answer.headers["x-wagi"], "yes")
        told, body = answer.text.split("\n\n", 1)
        lines = told.splitlines()
        self.assertEqual(body, "the body")
        for line in ("REQUEST_METHOD=POST", "PATH_INFO=/a b/c", "X_RAW_PATH_INFO=/a%20b/c",
                     "QUERY_STRING=", "CONTENT_TYPE=text/x", "CONTENT_LENGTH=8",
                     "GATEWAY_INTERFACE=CGI/1.1", "HTTP_X_PROBE=p", "REMOTE_ADDR=127.0.0.1"):
            self.assertIn(line, lines)
        self.assertFalse([x for x in lines if x.startswith(("HTTP_PROXY=", "HTTP_AUTHORIZATION="))])

    def test_the_query_makes_arguments_and_the_output_makes_the_status(self):
        self.server.deploy("wagi", guest("wagi"))
        answer = self.server.get("wagi", "/p?one=1&two")
        self.assertEqual(answer.status, 418, answer)
        lines = answer.text.splitlines()
        self.assertEqual(lines[1:3], ["one=1", "two"])
        self.assertIn("QUERY_STRING=one=1&two", lines)

    def test_a_command_that_prints_no_headers_is_500(self):
        module = harness.wat('(module (import "wasi_snapshot_preview1" "proc_exit" '
                             '(func (param i32))) (memory (export "memory") 1) '
                             '(func (export "_start")))')
        self.server.deploy("mute", module)
        self.problem(self.server.get("mute"), 500)


class Run(unittest.TestCase):
    def run_module(self, *arguments, status=0, seconds=60, stdin=b""):
        done = subprocess.run([skerry_path(), "run", *map(str, arguments)], input=stdin,
                              capture_output=True, timeout=seconds * harness.PATIENCE, check=False)
        self.assertEqual(done.returncode, status, done)
        return done

    def test_hello_in_three_languages(self):
        for name in ("c-hello", "tinygo-hello", "go-hello"):
            module = shared_module(f"wasi-p1/{name}.wasm")
            self.assertEqual(self.run_module(module).stdout, b"Hello World!\n", name)

    def test_arguments_are_passed(self):
        out = self.run_module(shared_module("wasi-p1/wz-print_args.wasm"), "--", "a", "bc").stdout
        self.assertTrue(out.endswith(b"\0a\0bc\0"), out)

    def test_the_wasi_smoke_program_is_satisfied(self):
        out = self.run_module(shared_module("wasi-p1/test.wasm"), "--", "one").stdout.decode()
        for line in ("Hello world", "Constructor OK", "Hello printf!"):
            self.assertIn(line, out)
        a, b, total = map(int, re.search(r"(\d+) \+ (\d+) = (\d+)", out).groups())
        self.assertEqual(a + b, total)
        self.assertRegex(out, r"Args: \S+; one; ")
        self.assertIn("fib(20) = 6765", out)
        self.assertIn("=== done ===", out)

    def test_an_exit_status_is_the_guests(self):
        self.run_module(shared_module("wasi-p1/wz-exit_on_start.wasm"), status=2)

    def test_coremark_runs_until_its_fuel_is_spent(self):
        module = shared_module("wasi-p1/coremark.wasm")
        done = self.run_module("--fuel", "300000000", module, status=134)
        self.assertIn(b"fuel", done.stderr)

    def test_a_trap_is_134_with_the_specifications_wording(self):
        path = harness.write_guest("trapping", harness.wat(
            '(module (memory (export "memory") 1) (func (export "_start") unreachable))'))
        done = self.run_module(path, status=134)
        self.assertIn(b"trap: unreachable", done.stderr)

    def test_an_exported_function_is_called_with_arguments(self):
        path = harness.write_guest("plain", guest("plain"))
        done = self.run_module(path, "--invoke", "add", "--", "40", "0x2")
        self.assertEqual(done.stdout, b"i32:42\n")

    def test_fuel_is_the_same_every_time(self):
        path = harness.write_guest("plain", guest("plain"))
        runs = {re.search(rb'"fuel": *(\d+)', self.run_module(
            "--stats", path, "--invoke", "add", "--", "1", "2").stderr).group(1) for _ in range(3)}
        self.assertEqual(len(runs), 1)

    def test_validate_says_where_and_why(self):
        good = harness.write_guest("plain", guest("plain"))
        bad = harness.write_guest("cut", guest("plain")[:-3])
        skerry = skerry_path()
        done = subprocess.run([skerry, "validate", good], capture_output=True, check=False)
        self.assertEqual(done.returncode, 0, done)
        done = subprocess.run([skerry, "validate", bad], capture_output=True, text=True,
                              check=False)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr + done.stdout, r"\d+")

    def test_inspect_shows_imports_exports_and_kind(self):
        path = harness.write_guest("text", guest("text"))
        done = subprocess.run([skerry_path(), "inspect", path], capture_output=True, text=True,
                              check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        for word in ("http_handler", "write_body", "handle_request", "http-wasm"):
            self.assertIn(word, done.stdout)
