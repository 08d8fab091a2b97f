# SPDX-License-Identifier: Apache-2.0
"""Modules that other people built, and programs without a server: `skerry run`."""
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
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

    def test_a_guest_in_c_has_the_whole_abi_and_nothing_else_to_link(self):
        clang, linker = shutil.which("clang-19"), shutil.which("wasm-ld-19")
        if clang is None or linker is None:
            self.skipTest("clang-19 and lld-19 are not installed")
        source = harness.ROOT / "tests" / "guests" / "e2e_abi.c"
        target = harness.SCRATCH / "abi"
        subprocess.run([clang, "--target=wasm32", "-O2", "-Wall", "-Wextra", "-Werror",
                        "-ffreestanding", "-I", harness.ROOT / "hostapi" / "guest", "-c",
                        "-o", target.with_suffix(".o"), source], check=True)
        # What is not of the ABI is an error here, and not an import that traps later.
        subprocess.run([linker, "--no-entry", "-o", target.with_suffix(".wasm"),
                        target.with_suffix(".o")], check=True)
        module = target.with_suffix(".wasm").read_bytes()
        answer = self.server.put("abi", module, query="?config=the%20config&debug_log=1")
        self.assertEqual((answer.status, answer.json.get("warnings", [])), (201, []), answer)
        answer = self.server.get("abi", "/x", method="POST", body=b"0123456789")
        self.assertEqual(answer.status, 201, answer)
        self.assertEqual(answer.headers["x-kept"], "yes")
        self.assertNotIn("x-gone", answer.headers)
        self.assertEqual(answer.text, "PATCH /new the config 0123456789 debug\n")

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

    def test_authorization_is_told_only_where_the_version_chose_it(self):
        self.server.deploy("keen", guest("wagi"))
        secret = {"Authorization": "Bearer s3cret", "Proxy-Authorization": "x"}
        self.assertNotIn("s3cret", self.server.get("keen", headers=secret).text)
        answer = self.server.put("keen", guest("wagi"), query="?pass_authorization=1")
        self.assertEqual((answer.status, answer.json["version"]), (201, "v2"), answer)
        lines = self.server.get("keen", headers=secret).text.splitlines()
        self.assertIn("HTTP_AUTHORIZATION=Bearer s3cret", lines)
        self.assertFalse([x for x in lines if x.startswith("HTTP_PROXY")], lines)
        done = self.server.cli("deploy", harness.write_guest("keen", guest("wagi")), check=0)
        self.assertNotIn("s3cret", self.server.get("keen", headers=secret).text, done)
        self.server.cli("deploy", harness.write_guest("keen", guest("wagi")),
                        "--pass-authorization", check=0)
        self.assertIn("s3cret", self.server.get("keen", headers=secret).text)
        self.assertIn("pass-authorization", self.server.cli("show", "keen", check=0).stdout)

    def test_the_query_makes_arguments_and_the_output_makes_the_status(self):
        self.server.deploy("wagi", guest("wagi"))
        answer = self.server.get("wagi", "/p?one=1&two")
        self.assertEqual(answer.status, 418, answer)
        lines = answer.text.splitlines()
        self.assertEqual(lines[1:3], ["one=1", "two"])
        self.assertIn("QUERY_STRING=one=1&two", lines)

    def deploy_exit(self, name, text, status):
        """A command that writes `text` and exits."""
        self.server.deploy(name, harness.wat(
            '(module (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))'
            '(import "wasi_snapshot_preview1" "fd_write"'
            ' (func $write (param i32 i32 i32 i32) (result i32))) (memory (export "memory") 1)'
            f'(data (i32.const 16) "{text}") (func (export "_start")'
            f' (i32.store (i32.const 0) (i32.const 16)) (i32.store (i32.const 4)'
            f' (i32.const {len(text.encode().decode("unicode_escape"))}))'
            ' (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))'
            f' (call $exit (i32.const {status}))))'))

    def test_a_command_that_prints_no_headers_is_500(self):
        self.deploy_exit("mute", "hello", 0)
        answer = self.problem(self.server.get("mute"), 500, "bad_output")
        self.assertIn("exit status was 0", answer["detail"])
        self.deploy_exit("mute", "", 7)
        answer = self.problem(self.server.get("mute"), 500, "bad_output")
        self.assertIn("exit status was 7", answer["detail"])

    def test_a_command_that_fails_after_its_headers_is_500(self):
        self.deploy_exit("half", "content-type: text/plain\\n\\nhalf of ", 0)
        self.assertEqual(self.server.get("half").text, "half of ")
        self.deploy_exit("half", "content-type: text/plain\\n\\nhalf of ", 3)
        answer = self.problem(self.server.get("half"), 500, "exit_status")
        self.assertIn("exit status 3", answer["detail"])
        metrics = self.server.admin("GET", "/metrics").text
        self.assertTrue(re.search(
            r'skerry_guest_faults_total\{[^}]*code="exit_status"\} [1-9]', metrics))

    def test_a_route_to_an_entrypoint_that_is_not_there_is_bad_output(self):
        def say(text, at):
            return (f'(i32.store (i32.const 0) (i32.const {at})) (i32.store (i32.const 4)'
                    f' (i32.const {len(text)}))'
                    ' (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))')
        texts = ("/x nope\n/y/... other\n", "status: 204\n\n", "location: /\n\n")
        escaped = [t.replace("\n", "\\n") for t in texts]
        self.server.deploy("routed", harness.wat(
            '(module (import "wasi_snapshot_preview1" "fd_write"'
            ' (func $write (param i32 i32 i32 i32) (result i32))) (memory (export "memory") 1)'
            f'(data (i32.const 16) "{escaped[0]}") (data (i32.const 64) "{escaped[1]}")'
            f'(data (i32.const 96) "{escaped[2]}")'
            f'(func (export "_routes") {say(texts[0], 16)})'
            f'(func (export "_start") {say(texts[1], 64)})'
            f'(func (export "other") {say(texts[2], 96)}))'))
        answer = self.problem(self.server.get("routed", "/x"), 500, "bad_output")
        self.assertIn("nope", answer["detail"])
        self.assertEqual(self.server.get("routed", "/y/z").status, 302)
        self.assertEqual(self.server.get("routed", "/z").status, 204)

    def test_no_content_needs_no_type(self):
        self.deploy_exit("empty", "status: 204\\n\\n", 0)
        answer = self.server.get("empty")
        self.assertEqual((answer.status, answer.body), (204, b""))
        self.assertNotIn("content-length", answer.headers)

    def test_a_configuration_is_environment(self):
        answer = self.server.put("wagi", guest("wagi"), query="?config=GREETING%3dhi%0aB%3d2")
        self.assertEqual(answer.status, 201, answer)
        lines = self.server.get("wagi").text.splitlines()
        self.assertIn("GREETING=hi", lines)
        self.assertIn("B=2", lines)
        self.assertIn("REQUEST_METHOD=GET", lines)
        for config in ("just%20text", "A%3d1%0aHTTP_HOST%3dx"):
            answer = self.server.put("wagi", guest("wagi"), query=f"?config={config}")
            self.problem(answer, 422, "config")


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

    def says(self, status, wanted, *words):
        """`skerry WORDS` ends with `status`, nothing on stdout, and one line with `wanted`."""
        done = subprocess.run([skerry_path(), *map(str, words)], capture_output=True, text=True,
                              timeout=60 * harness.PATIENCE, check=False)
        self.assertEqual(done.returncode, status, done)
        self.assertEqual(done.stdout, "")
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        self.assertIn(wanted, done.stderr)

    def test_a_wrong_file_is_one_line_with_what_and_where(self):
        folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder)
        plain = guest("plain")
        files = {"empty": b"", "text": b"(module)", "cut": plain[:len(plain) // 2],
                 "version": b"\0asm\2\0\0\0", "component": b"\0asm\x0d\0\1\0"}
        for name, data in files.items():
            pathlib.Path(folder, name).write_bytes(data)
        with open(os.path.join(folder, "huge"), "wb") as huge:
            huge.truncate(2 << 30)
        for verb in ("validate", "inspect", "run"):
            for name, status, wanted in (
                    ("empty", 1, "offset 0x0: unexpected end: a module has at least 8 bytes"),
                    ("text", 1, "offset 0x0: magic header not detected"),
                    ("cut", 1, "offset 0x"), ("version", 1, "0x4: unknown binary version"),
                    ("component", 1, "a component; only core modules"),
                    ("huge", 7, "2147483648 bytes, the limit is"),
                    ("", 2, "a directory"), ("nothing", 5, "No such file")):
                with self.subTest(verb=verb, name=name):
                    self.says(status, wanted, verb, os.path.join(folder, name))

    def test_a_wrong_call_is_one_line_with_what_to_write_instead(self):
        path = harness.write_guest("wrong", harness.wat(
            '(module (memory (export "m") 1) (global (export "g") i32 (i32.const 0))'
            ' (func (export "f") (param i32 f32))'
            ' (func (export "v") (param v128)) (func (export "e") (param externref)))'))
        none = harness.write_guest("none", harness.wat("(module)"))
        for status, wanted, *words in (
                (5, "no function 'x'; it exports these functions: 'f' 'v' 'e'; name one with",
                 "--invoke", "x"),
                (5, "'m' is a memory, not a function", "--invoke", "m"),
                (5, "'g' is a global, not a function", "--invoke", "g"),
                (5, "no _start"),
                (2, "f takes 2 arguments (i32 f32), not 0", "--invoke", "f"),
                (2, "f takes 2 arguments (i32 f32), not 3", "--invoke", "f", 1, 2, 3),
                (2, "'4294967296' is no i32: write", "--invoke", "f", 2**32, 1),
                (2, "'1.5' is no i32", "--invoke", "f", 1.5, 1),
                (2, "'1e39' is no f32: write", "--invoke", "f", 1, "1e39"),
                (2, "'1' is no v128: write i32x4:", "--invoke", "v", 1),
                (2, "'7' is no externref: write null", "--invoke", "e", 7),
                (2, "--invoke wants a value", "--invoke"),
                (2, "--fuel 0: a number from 1", "--fuel", 0),
                (2, "--fuel 99999999999999999999: a number", "--fuel", "9" * 20),
                (2, "--env X: NAME=VALUE", "--env", "X"),
                (2, "unknown option --bogus", "--bogus")):
            with self.subTest(words=words):
                self.says(status, wanted, "run", path, *words)
        self.says(5, "no _start; it exports no function", "run", none)
        self.says(2, "which file?", "run")
        self.says(2, "which file?", "validate")
        self.says(5, "no exported function 'x'", "inspect", path, "--code", "x")
        self.says(5, "no exported function '-1'", "inspect", path, "--code", "-1")
        self.says(5, "no function 3; the module has 3", "inspect", path, "--code", "3")
        self.says(5, "no function 18446744073709551616;", "inspect", path, "--code", 2**64)
        self.says(2, "not both", "inspect", path, "--code", "f", "--stats")
        self.says(2, "there is no verb `x`", "help", "x")
        self.says(2, "there is no verb `x`", "x")

    def test_what_cannot_run_says_what_it_lacks(self):
        for name, text, status, wanted in (
                ("start", '(func (export "_start") (param i32))', 5, "its _start takes arguments"),
                ("memory", '(import "env" "m" (memory 1)) (func (export "_start"))', 1,
                 "unknown import: env.m: nothing provides this memory"),
                ("global", '(import "env" "g" (global i32)) (func (export "_start"))', 1,
                 "unknown import: env.g: nothing provides this global"),
                ("table", '(table 4294967295 funcref) (func (export "_start"))', 7,
                 "4294967295 entries is over the limit of")):
            with self.subTest(name=name):
                self.says(status, wanted, "run",
                          harness.write_guest(name, harness.wat(f"(module {text})")))
        path = harness.write_guest("func", harness.wat(
            '(module (import "env" "f" (func)) (func (export "_start") call 0))'))
        done = self.run_module(path, status=134)
        self.assertIn(b"trap: call of an import that nothing provides: env.f\n", done.stderr)

    def test_what_is_printed_can_be_given_back(self):
        path = harness.write_guest("same", harness.wat(
            '(module (func (export "f") (param i32 i64 f32 f64 v128 externref)'
            ' (result i32 i64 f32 f64 v128 externref) (local.get 0) (local.get 1) (local.get 2)'
            ' (local.get 3) (local.get 4) (local.get 5)))'))
        values = ["-1", "-9223372036854775808", "nan:0xffa00001", "nan:0x7ff0000000000001",
                  "i32x4:1,-2,3,4", "null"]
        out = self.run_module(path, "--invoke", "f", "--", *values).stdout.decode().split()
        self.assertEqual([line.split(":", 1)[1] for line in out[:4]], values[:4])
        self.assertEqual(out[4:], ["i32x4:1,-2,3,4", "externref:null"])

    def test_a_deep_backtrace_says_that_there_is_more(self):
        path = harness.write_guest("deep", harness.wat('(module (func $f (export "f") call $f))'))
        done = self.run_module(path, "--invoke", "f", status=134)
        self.assertIn(b"trap: call stack exhausted\n  at func 0 offset 0x", done.stderr)
        self.assertTrue(done.stderr.endswith(b"  ... and what called it\n"), done.stderr)

    def test_inspect_names_every_kind_of_export(self):
        path = harness.write_guest("kinds", harness.wat(
            '(module (memory (export "m") 1) (table (export "t") 1 funcref) (func (export "f"))'
            ' (global (export "g") i32 (i32.const 0)) (tag (export "e")))',
            "--enable-exceptions"))
        out = subprocess.run([skerry_path(), "inspect", path], capture_output=True, text=True,
                             check=True).stdout
        for kind, name in (("memory", "m"), ("table", "t"), ("func", "f"), ("global", "g"),
                           ("tag", "e")):
            self.assertRegex(out, rf"(?m)^  {kind} +0 {name}\b")

    def test_each_verb_explains_itself(self):
        for verb in ("run", "validate", "inspect", "wast", "serve", "loadtest", "doctor",
                     "completion", "version", "deploy", "limits"):
            for words in ([verb, "--help"], ["help", verb]):
                done = subprocess.run([skerry_path(), *words], capture_output=True, text=True,
                                      check=False)
                self.assertEqual(done.returncode, 0, done)
                self.assertTrue(done.stdout.startswith(f"usage: skerry {verb}"), done)

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
