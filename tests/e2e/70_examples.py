# SPDX-License-Identifier: Apache-2.0
"""Every example is built by its one command, deployed by the README's, and says hello."""
import contextlib
import shutil
import subprocess

from harness import ROOT, SCRATCH, ServerTest


class Examples(ServerTest):
    def build(self, name, module, seconds=300, deploy=None):
        """Builds and deploys examples/<name>/<module>.wasm, or what `deploy` says."""
        folder = ROOT / "examples" / name
        module = folder / f"{module}.wasm"
        module.unlink(missing_ok=True)
        try:
            built = subprocess.run([folder / "build.sh"], capture_output=True, text=True,
                                   stdin=subprocess.DEVNULL, timeout=seconds, check=False)
        except subprocess.TimeoutExpired:
            self.skipTest(f"build.sh took more than {seconds} s")
        if built.returncode != 0:
            said = (built.stderr + built.stdout).strip()
            tools = ("not found", "skip:", "ENOTFOUND", "EAI_AGAIN", "ETIMEDOUT", "ECONNREFUSED",
                     "SELF_SIGNED_CERT", "UNABLE_TO_GET_ISSUER_CERT")   # no way to the registry
            if any(word in said for word in tools):
                self.skipTest(f"toolchain is missing: {said.splitlines()[-1]}")
            self.fail(said)
        self.server.cli("deploy", *(deploy or (str(module), "-n", name)), check=0)

    def hello(self, name):
        self.build(name, "hello")
        for target, text in (("/world", "Hello, world!\n"), ("/", "Hello, world!\n"),
                             ("/a/b?c=d", "Hello, a/b!\n")):
            for answer in (self.server.get(name, target), self.server.get_host(name, target)):
                self.assertEqual((answer.status, answer.text), (200, text))
                self.assertEqual(answer.headers["content-type"], "text/plain")

    def test_c(self):
        self.hello("hello-c")

    def test_wat(self):
        self.hello("hello-wat")

    def test_rust(self):
        self.hello("hello-rust")

    def test_wagi_c(self):
        self.hello("hello-wagi-c")

    def test_wagi_rust(self):
        self.hello("hello-wagi-rust")

    def test_wagi_go(self):
        self.hello("hello-wagi-go")

    def test_assemblyscript(self):
        self.hello("hello-assemblyscript")

    def test_a_folder_with_a_manifest(self):
        self.build("greeting-c", "greeting", deploy=[str(ROOT / "examples" / "greeting-c")])
        self.assertEqual(self.server.get("greeting", "/world").text, "Good morning, world!\n")
        with contextlib.closing(self.server.connect()) as connection:
            connection.request("GET", "/hi/you", headers={"Host": "greeting.example.com"})
            self.assertEqual(connection.getresponse().read(), b"Good morning, you!\n")
        self.server.cli("env", "set", "greeting", "GREETING=Salut", check=0)
        self.assertEqual(self.server.get("greeting", "/world").text, "Salut, world!\n")

    def test_events_come_while_the_function_waits(self):
        self.build("events-c", "events")
        with contextlib.closing(self.server.connect()) as connection:
            connection.request("GET", "/f/default/events-c/")
            answer = connection.getresponse()
            self.assertEqual(answer.headers["content-type"], "text/event-stream")
            for _ in range(2):
                self.assertEqual(answer.readline(), b"event: time\n")
                self.assertRegex(answer.readline(), rb"data: \d{10}\n")
                self.assertEqual(answer.readline(), b"\n")

    def test_several_servers_are_asked_at_once(self):
        self.build("gather-c", "gather")
        own = f"http://127.0.0.1:{self.server.port}"
        folder = SCRATCH / "gather"
        folder.mkdir()
        shutil.copy(ROOT / "examples" / "gather-c" / "gather.wasm", folder)
        manifest = (ROOT / "examples" / "gather-c" / "function.yaml").read_text()
        (folder / "function.yaml").write_text(manifest.replace("https://api.example.com", own))
        self.server.cli("deploy", str(folder), check=0)
        answer = self.server.get("gather-c")
        self.assertEqual(answer.headers["content-type"], "text/plain")
        self.assertEqual({line.split(": ")[0] for line in answer.text.splitlines()},
                         {f"{own}/one", f"{own}/two"})
        self.assertEqual(answer.text.count(": the server's address may not be connected to: "), 2)

    def test_visits_are_counted_and_kept(self):
        self.build("visits-c", "visits")
        for visit in (1, 2, 3):
            self.assertEqual(self.server.get("visits-c", "/a").text, f"visit {visit} of /a\n")
        self.assertEqual(self.server.get("visits-c", "/b?c=d").text, "visit 1 of /b?c=d\n")
        self.assertEqual(self.server.get("visits-c", "/stats").text, "/a 3\n/b?c=d 1\n")
        listed = self.server.cli("kv", "list", "visits:", check=0).stdout
        self.assertIn('"visits:/a"', listed)

    def test_every_folder_is_covered_and_holds_no_binary(self):
        names = {p.name for p in (ROOT / "examples").iterdir() if p.is_dir()}
        # embed-engine is no function: tests/library builds and runs it.
        self.assertEqual(names, {"hello-c", "hello-wat", "hello-rust", "hello-assemblyscript",
                                 "hello-wagi-c", "hello-wagi-rust", "hello-wagi-go",
                                 "events-c", "gather-c", "greeting-c", "visits-c",
                                 "embed-engine"})
        for name in names:
            for needed in ("README.md", "build.sh"):
                self.assertTrue((ROOT / "examples" / name / needed).exists(), (name, needed))
        if shutil.which("git") is None:
            self.skipTest("git is not installed")
        tracked = subprocess.run(["git", "ls-files", "examples"], cwd=ROOT, capture_output=True,
                                 text=True, check=False).stdout
        self.assertNotIn(".wasm", tracked)
