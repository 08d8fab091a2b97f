# SPDX-License-Identifier: Apache-2.0
"""A person's first ten minutes: `skerry new`, `build`, `deploy`, and `dev` with what goes wrong."""
import contextlib
import http.client
import os
import pathlib
import shutil
import signal
import subprocess
import threading
import unittest

from harness import (PATIENCE, ROOT, SCRATCH, ServerTest, exchange, free_port, has_javascript,
                     skerry_path, text_guest, tree_of, wait_until)

TOOLCHAINS = {"c": ("clang-19", "wasm-ld-19"), "wat": ("wat2wasm",), "rust": ("rustc",),
              "go": ("go",), "assemblyscript": ("npm",), "javascript": ("curl",),
              "php": ("curl",), "python": ("curl",), "ruby": ("curl",)}
PATHS = {"php": "/?name=moon"}  # pages have names of their own
# What is said where a toolchain or a runtime is missing, or no registry can be reached.
MISSING = (" is not installed: ", "there is no runtime ", "no rustc with target", "no go: ",
           "requires go >= ", "ENOTFOUND", "EAI_AGAIN", "ETIMEDOUT", "ECONNREFUSED",
           "SELF_SIGNED_CERT", "UNABLE_TO_GET_ISSUER_CERT", "npm error", "npm ERR")


class New(ServerTest):
    workers = 1

    def language(self, language):
        """A project of the template passes its own test, is deployed, and answers."""
        for tool in TOOLCHAINS[language]:
            if shutil.which(tool) is None:
                self.skipTest(f"{tool} is not installed")
        place = SCRATCH / f"new-{language}"
        made = self.server.cli("new", language, str(place), check=0)
        self.assertEqual(made.stderr, "")
        fetched = ROOT / "examples" / "hello-assemblyscript" / "node_modules"
        if language == "assemblyscript" and fetched.exists():   # a build of the example did
            (place / "node_modules").symlink_to(fetched)
        tested = subprocess.run([place / "test.sh"], capture_output=True, text=True, check=False,
                                stdin=subprocess.DEVNULL, timeout=300 * PATIENCE,
                                env=self.server.environment() | {"SKERRY": skerry_path()})
        said = tested.stdout + tested.stderr
        if any(word in said for word in MISSING):
            self.skipTest(f"toolchain is missing: {said.strip().splitlines()[0]}")
        self.assertEqual((tested.returncode, tested.stdout), (0, "ok\n"), said)
        self.server.cli("deploy", str(place), "--no-build", check=0)
        path = PATHS.get(language, "/moon")
        self.assertEqual(self.server.get(place.name, path).text, "Hello, moon!\n")
        for _ in range(2):
            self.assertEqual(self.server.get_host(place.name).text, "Hello, world!\n"
                             if language != "wat" else "Hello, !\n")

    def test_c(self):
        self.language("c")

    def test_wat(self):
        self.language("wat")

    def test_rust(self):
        self.language("rust")

    def test_go(self):
        self.language("go")

    def test_assemblyscript(self):
        self.language("assemblyscript")

    def test_javascript(self):
        if "no JavaScript" in self.server.cli("version", check=0).stdout:
            self.skipTest("this build has no JavaScript")
        self.language("javascript")

    def test_runtimes(self):
        if "SKERRY_RUNTIMES" not in os.environ:
            self.skipTest("SKERRY_RUNTIMES is not set (docs/runtimes.md)")
        for language in ("php", "python", "ruby"):
            with self.subTest(language):
                self.language(language)

    def test_what_cannot_be_made_is_refused_in_one_line(self):
        taken = SCRATCH / "taken"
        taken.mkdir()
        for words, status, part in (
                (("cobol", "x"), 2, "choose one of c, rust, go, assemblyscript, javascript, php, "
                                    "python, ruby, wat"),
                (("c", "Not_a_name"), 2, "use 1 to 63 of a-z, 0-9 and `-`"),
                (("c", str(taken)), 6, "is there already"),
                (("c", str(SCRATCH / "none" / "x")), 5, "No such file"),
                (("c",), 2, "usage: skerry new LANGUAGE NAME")):
            done = self.server.cli("new", *words, check=status)
            self.assertIn(part, done.stderr)
            self.assertEqual((done.stderr.count("\n"), done.stdout), (1, ""))

    def test_a_missing_toolchain_is_named_with_its_package(self):
        environment = self.server.environment() | {"PATH": "/nonexistent"}
        place = SCRATCH / "no-tools"
        made = subprocess.run([os.path.abspath(skerry_path()), "new", "c", str(place)],
                              env=environment, capture_output=True, text=True, check=True)
        self.assertEqual(made.stderr, "warning: clang-19 is not installed: apt-get install clang-19"
                                      " lld-19\n")


class Dev:
    """`skerry dev` of a folder or file, with its lines as they come."""

    def __init__(self, target, *arguments):
        self.port = free_port()
        self.said = ""
        self.process = subprocess.Popen(
            [skerry_path(), "dev", str(target), "--listen", f"127.0.0.1:{self.port}", *arguments],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            start_new_session=True)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.said += line

    def wait(self, text, seconds=30):
        """Until it has said this, of what it said since the last wait."""
        try:
            wait_until(lambda: text in self.said, seconds, text)
        except AssertionError as failure:
            raise AssertionError(f"{failure}: {self.said}") from None
        self.said = self.said.split(text, 1)[1]

    def get(self, name, target="/"):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60 * PATIENCE)
        with contextlib.closing(connection):
            return exchange(connection, "GET", f"/f/default/{name}{target}")

    def get_bare(self, target="/"):
        """As who is told the port only."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60 * PATIENCE)
        with contextlib.closing(connection):
            return exchange(connection, "GET", target)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        tree = tree_of(self.process.pid)
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            status = self.process.wait(30 * PATIENCE)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            raise AssertionError(f"Ctrl-C was not enough: {self.said}") from None
        left = [pid for pid in tree if os.path.exists(f"/proc/{pid}/exe")]
        assert status == 0 and not left, (status, left, self.said)


class Watched(unittest.TestCase):
    def project(self, name, build="cp source.bin function.wasm"):
        folder = SCRATCH / name
        folder.mkdir()
        self.manifest(folder, build)
        self.write(folder, "text-dev-0001")
        return folder

    @staticmethod
    def manifest(folder, build):
        (folder / "function.yaml").write_text(
            f"name: {folder.name}\nmain: function.wasm\nbuild: '{build}'\n")

    @staticmethod
    def write(folder, text):
        """As editors do: under another name first."""
        (folder / ".new").write_bytes(text_guest(text))
        (folder / ".new").rename(folder / "source.bin")

    def test_an_edit_is_built_deployed_and_answered(self):
        folder = self.project("edited")
        with Dev(folder) as dev:
            dev.wait("serving on http://127.0.0.1:")
            dev.wait("deployed edited v1")
            self.assertEqual(dev.get("edited", "/a").text, "text-dev-0001")
            dev.wait("  GET /a  200  13 bytes  start ")
            dev.wait("  fuel ")
            self.write(folder, "text-dev-0002")
            dev.wait("source.bin changed")
            dev.wait("deployed edited v2")
            self.assertEqual(dev.get("edited").text, "text-dev-0002")

    def test_the_bare_address_leads_to_the_function_that_is_deployed(self):
        folder = self.project("bare")
        with Dev(folder) as dev:
            dev.wait("deployed bare v1")
            wait_until(lambda: dev.get_bare("/x").text == "text-dev-0001", 30, "the bare address")
            self.manifest(folder, "sed s/0001/0002/ source.bin > function.wasm")
            (folder / "function.yaml").write_text(
                (folder / "function.yaml").read_text().replace("name: bare", "name: renamed"))
            dev.wait("deployed renamed v1")
            wait_until(lambda: dev.get_bare().text == "text-dev-0002", 30, "the new name's")

    def test_what_is_wrong_is_said_and_waited_for(self):
        folder = self.project("mistaken", "echo bad >&2; false")
        with Dev(folder) as dev:
            dev.wait("bad\n")
            dev.wait("the build failed: `echo bad >&2; false` ended with status 1")
            (folder / "function.yaml").write_text("name: [\n")
            dev.wait("function.yaml:2:1: not YAML")
            (folder / "function.yaml").unlink()
            dev.wait("function.yaml: No such file")
            self.manifest(folder, "true")
            dev.wait("the build made no ")
            self.manifest(folder, "echo never; sleep 1000 & wait")
            dev.wait("never\n")
            self.manifest(folder, "cp source.bin function.wasm")
            dev.wait("function.yaml changed: the build begins again")
            dev.wait("deployed mistaken v1")
            (folder / "function.yaml").write_text("name: mistaken\nmain: source.bin\n")
            (folder / "source.bin").write_bytes(b"no module at all")
            dev.wait("skerry dev: ")
            self.assertEqual(dev.get("mistaken").text, "text-dev-0001")

    def test_a_workers_project_has_the_variables_of_its_developer(self):
        if not has_javascript():
            self.skipTest("this build has no JavaScript")
        folder = SCRATCH / "worker"
        folder.mkdir()
        (folder / "wrangler.toml").write_text(
            'name = "worker"\nmain = "w.js"\n[vars]\nA = "file"\n')
        (folder / "w.js").write_text("export default { fetch: (_, env) => "
                                     "new Response(`${env.A} ${env.KEY}`) };")
        (folder / ".dev.vars").write_text('A = "mine"\nKEY=secret\n')
        with Dev(folder) as dev:
            dev.wait("deployed worker v1")
            self.assertEqual(dev.get("worker").text, "mine secret")

    def test_a_trap_is_shown_with_the_names_of_funcs(self):
        folder = self.project("trapping", "wat2wasm --debug-names a.wat -o function.wasm")
        if shutil.which("wat2wasm") is None:
            self.skipTest("wat2wasm is not installed")
        (folder / "a.wat").write_text("""(module
            (import "http_handler" "get_uri" (func (param i32 i32) (result i32)))
            (memory (export "memory") 1)
            (func $inner unreachable)
            (func (export "handle_request") (result i64) (call $inner) (i64.const 0))
            (func (export "handle_response") (param i32 i32)))""")
        with Dev(folder) as dev:
            dev.wait("deployed trapping v1")
            self.assertEqual(dev.get("trapping").status, 500)
            dev.wait("  trap: unreachable\n")
            dev.wait(" inner\n")

    def test_a_file_that_is_half_written_is_not_deployed(self):
        module = SCRATCH / "halves.wasm"
        module.write_bytes(text_guest("text-dev-0001"))
        with Dev(module) as dev:
            dev.wait("deployed halves v1")
            new = text_guest("text-dev-0002")
            with open(module, "wb") as file:
                file.write(new[:len(new) // 2])
                file.flush()
                # Answers say that it still serves; what it looked at meanwhile was half a module.
                for _ in range(20):
                    self.assertEqual(dev.get("halves").text, "text-dev-0001")
                self.assertNotIn("skerry dev: ", dev.said)
                file.write(new[len(new) // 2:])
            dev.wait("deployed halves v2")
            self.assertEqual(dev.get("halves").text, "text-dev-0002")

    def test_ctrl_c_ends_a_build_that_hangs(self):
        folder = self.project("hanging", "echo hangs; sleep 1000 & wait")
        with Dev(folder) as dev:
            dev.wait("hangs\n")

    def test_a_file_s_name_has_to_be_a_function_s(self):
        module = SCRATCH / "No Name.wasm"
        module.write_bytes(text_guest("text-dev-0001"))
        with Dev(module) as dev:
            dev.wait("pass one, like -n no-name")
        self.assertEqual(pathlib.Path(SCRATCH / ".skerry").exists(), False)
