# SPDX-License-Identifier: Apache-2.0
"""Verbs that need no server: `run --request`, `validate`, `doctor`."""
import json
import pathlib
import subprocess
import unittest

import harness
from harness import Server, guest, text_guest, write_guest


def skerry(*arguments):
    return subprocess.run([harness.skerry_path(), *arguments], capture_output=True, timeout=60,
                          stdin=subprocess.DEVNULL, check=False)


class Start(unittest.TestCase):
    def test_no_library_of_servers_is_loaded_for_what_needs_none(self):
        if harness.SANITIZED:
            self.skipTest("the linker loads all of them")
        done = subprocess.run([harness.skerry_path(), "version"], capture_output=True, check=True,
                              timeout=60, env={"LD_DEBUG": "files"})
        self.assertIn(b"libjansson", done.stderr)
        for library in (b"libcrypto", b"libssl", b"libh2o", b"libcurl", b"libsodium", b"libidn2"):
            self.assertNotIn(library, done.stderr)


class RunRequest(unittest.TestCase):
    def test_a_handler_answers_as_it_does_in_a_server(self):
        path = write_guest("run-echo", guest("echo"))
        done = skerry("run", path, "--request", "POST /a?b=c", "-H", "X-Probe: hey", "-d", "body")
        self.assertEqual(done.returncode, 0, done)
        with Server(workers=1) as server:
            server.deploy("echo", guest("echo"))
            answer = server.get("echo", "/a?b=c", method="POST", body=b"body",
                                headers={"X-Probe": "hey"})
        self.assertEqual(done.stdout, answer.body)
        head = done.stderr.decode().splitlines()
        self.assertEqual(head[0], "200 OK")
        self.assertEqual([line for line in head if line.startswith("x-echo")],
                         ["x-echo: one", "x-echo: two"])

    def test_a_folder_brings_its_module_and_variables(self):
        module = pathlib.Path(write_guest("run-wagi", guest("wagi")))
        folder = module.parent / "run-folder"
        folder.mkdir(exist_ok=True)
        self.assertIn(b"without function.yaml", skerry("run", folder).stderr)
        (folder / "main.wasm").write_bytes(module.read_bytes())
        manifest = folder / "function.yaml"
        manifest.write_text("name: a\nmain: main.wasm\nenv: { ONE: a, TWO: b }\n")
        done = skerry("run", folder, "--request", "/x", "--env", "TWO=c")
        self.assertIn(b"ONE=a\n", done.stdout, done)
        self.assertIn(b"TWO=c\n", done.stdout)
        manifest.write_text("name: a\norigin: https://a.example\n")
        done = skerry("run", folder, "--request", "/x")
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"`skerry dev` serves the folder", done.stderr)
        manifest.write_text("nmae: a\n")
        self.assertIn(b"did you mean `name`", skerry("run", folder).stderr)
        manifest.unlink()

    def test_a_command_answers_and_what_it_logs_is_on_stderr(self):
        done = skerry("run", write_guest("run-wagi", guest("wagi")), "--request", "/x?y",
                      "-H", "Host: acme.example")
        self.assertEqual(done.returncode, 0, done)
        self.assertIn(b"QUERY_STRING=y\n", done.stdout)
        self.assertIn(b"SERVER_NAME=acme.example\n", done.stdout)
        self.assertIn(b"\n418 ", done.stderr)
        self.assertIn(b"seen on stderr", done.stderr)

    def test_a_body_comes_from_a_file(self):
        body = harness.SCRATCH / "run-body"
        body.write_bytes(bytes(range(256)))
        done = skerry("run", write_guest("run-echo", guest("echo")), "--request", "PUT /",
                      "-d", f"@{body}")
        self.assertTrue(done.stdout.endswith(bytes(range(256))), done)

    def test_a_trap_is_told_with_its_backtrace(self):
        module = harness.wat("""(module
            (import "http_handler" "log" (func (param i32 i32 i32)))
            (memory (export "memory") 1)
            (func (export "handle_request") (result i64) unreachable)
            (func (export "handle_response") (param i32 i32)))""", name="run-trap")
        done = skerry("run", write_guest("run-trap", module), "--request", "/")
        self.assertEqual(done.returncode, 134, done)
        self.assertIn(b"trap: unreachable", done.stderr)
        self.assertEqual(done.stdout, b"")

    def test_wrong_uses_are_refused(self):
        path = write_guest("run-echo", guest("echo"))
        for arguments in (["--request", "GET x"], ["--request", ""], ["-d", "x"],
                          ["-H", "a: b"], ["--request", "/", "-H", "nothing"],
                          ["--request", "/", "-H", "a b: c"], ["--request", "/", "more"],
                          ["--request", "/", "--invoke", "handle_request"], ["--request"]):
            done = skerry("run", path, *arguments)
            self.assertEqual(done.returncode, 2, (arguments, done))
            self.assertEqual(len(done.stderr.splitlines()), 1, done)

    def test_what_is_no_function_is_refused_with_what_it_is_not(self):
        module = harness.wat('(module (func (export "f")))', name="run-none")
        done = skerry("run", write_guest("run-none", module), "--request", "/")
        self.assertEqual(done.returncode, 1, done)


@unittest.skipUnless(harness.has_javascript(), "this build has no JavaScript")
class RunScript(unittest.TestCase):
    def script(self, name, text):
        path = harness.SCRATCH / name
        path.write_text(text)
        return path

    def test_a_script_answers_a_request(self):
        path = self.script("run.js", """export default { async fetch(request, env) {
            console.log("seen", request.method);
            return new Response(`${request.url} ${env.WHO} ${await request.text()}`,
                                { status: 201, headers: { "x-a": "b" } }); } };""")
        done = skerry("run", path, "--request", "POST /x?y", "-d", "body", "--env", "WHO=me")
        self.assertEqual(done.returncode, 0, done)
        self.assertEqual(done.stdout, b"http://localhost/x?y me body")
        head = done.stderr.decode().splitlines()
        self.assertEqual(head[0], "info seen POST")
        self.assertEqual(head[1], "201 Created")
        self.assertIn("x-a: b", head)

    def test_what_is_wrong_with_a_script_is_said(self):
        path = self.script("wrong.mjs", "let a;\nlet b = ;\n")
        done = skerry("run", path, "--request", "/")
        self.assertNotEqual(done.returncode, 0, done)
        self.assertIn(b":2:9", done.stderr)
        done = skerry("run", path)
        self.assertEqual(done.returncode, 2, done)
        self.assertIn(b"--request", done.stderr)


class MaxModule(unittest.TestCase):
    def test_the_size_that_is_taken_can_be_chosen(self):
        path = write_guest("max-module", text_guest("text-maximum1"))
        size = pathlib.Path(path).stat().st_size
        for verb in ("validate", "inspect"):
            self.assertEqual(skerry(verb, "--max-module", str(size), path).returncode, 0)
            done = skerry(verb, "--max-module", str(size - 1), path)
            self.assertEqual(done.returncode, 7, done)
            self.assertIn(b"--max-module", done.stderr)
            self.assertEqual(skerry(verb, "--max-module", "many", path).returncode, 2)
        request = ["--request", "/", "--max-module"]
        self.assertEqual(skerry("run", path, *request, f"{size}").returncode, 0)
        self.assertEqual(skerry("run", path, *request, "1KiB").returncode, 0 if size < 1024 else 7)
        self.assertEqual(skerry("run", path, *request, "8").returncode, 7)


class Doctor(unittest.TestCase):
    def checks(self, *arguments):
        done = skerry("doctor", "--json", *arguments)
        answer = json.loads(done.stdout)
        rows = {row["check"]: row for row in answer["checks"]}
        failed = [row for row in answer["checks"] if row["verdict"] == "fail"]
        self.assertEqual(answer["failed"], len(failed))
        self.assertEqual(done.returncode, 1 if failed else 0)
        return rows

    def test_it_looks_at_the_configuration_and_the_data_directory_that_are_named(self):
        config = harness.SCRATCH / "doctor.yaml"
        config.write_text("pool: { total: 16000 }\n")
        rows = self.checks("--config", str(config), "--data", str(harness.SCRATCH))
        self.assertEqual(rows["configuration"]["detail"], str(config))
        self.assertEqual(rows["data directory"]["detail"], str(harness.SCRATCH))
        self.assertIn("16256 isolates", rows["mappings"]["detail"])
        config.write_text("pool: { totl: 16000 }\n")
        rows = self.checks("--config", str(config))
        self.assertEqual(rows["configuration"]["verdict"], "fail")
        self.assertIn("doctor.yaml:1:9", rows["configuration"]["detail"])
        self.assertNotIn("mappings", rows)
        for domain, verdict in (("localhost", "warn"), ("example.org", "ok")):
            config.write_text(f"public_url: https://example.org:444\ndomain: {domain}\n")
            rows = self.checks("--config", str(config))
            self.assertEqual(rows["public_url"]["verdict"], verdict)

    def test_without_json_it_prints_a_line_a_check(self):
        done = skerry("doctor", "--data", str(harness.SCRATCH))
        self.assertIn(f"ok    data directory: {harness.SCRATCH}\n".encode(), done.stdout)
        self.assertEqual(skerry("doctor", "what").returncode, 2)
