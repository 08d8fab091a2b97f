# SPDX-License-Identifier: Apache-2.0
"""Functions that are files on a module that many share: a module of the tests' own, and PHP, Python
and Ruby where they are there."""
import json
import os
import pathlib
import shutil
import sys
import tempfile
import unittest
import unittest.mock

import harness
from harness import GUESTS, ROOT, SCRATCH, ServerTest, c_guest, wait_until

MANIFEST = "runtime: runtime.wasm\nfiles: [page.txt]\ncheckpoint: true\n"


def runtime():
    return c_guest("runtime", (GUESTS / "e2e_runtime.c").read_text())


def folder(name, manifest, page="a page\n"):
    made = pathlib.Path(tempfile.mkdtemp(prefix=name, dir=SCRATCH))
    (made / "function.yaml").write_text(f"name: {name}\n{manifest}")
    (made / "page.txt").write_text(page)
    (made / "runtime.wasm").write_bytes(runtime())
    return made


class Runtimes(ServerTest):
    workers = 1

    def artifacts(self):
        return sorted((self.server.data / "artifacts").glob("*.art"),
                      key=lambda path: path.stat().st_size)

    def test_functions_share_the_module_and_have_their_files_and_arguments(self):
        before = set(self.artifacts())
        for i in range(3):
            made = folder(f"f{i}", MANIFEST + f"arguments: [/page.txt, '-x {i}']\n", f"page {i}\n")
            # A section of its own: no other test's functions are on it.
            (made / "runtime.wasm").write_bytes(runtime() + b"\0\6\5alone")
            out = self.server.cli("deploy", str(made), check=0).stdout
            self.assertIn("goes on from its checkpoint", out)
            self.assertEqual(len(set(self.artifacts()) - before), i + 2)
        for i in range(3):
            for sent in ("", "one", "two"):
                answer = self.server.get(f"f{i}", "/?a=b", method="POST", body=sent)
                self.assertEqual(answer.text, f"main\n/page.txt\n-x {i}\npage {i}\nfresh\n{sent}")
        # 512 KiB were written before the checkpoint: each has those, and no code.
        sizes = sorted(path.stat().st_size for path in set(self.artifacts()) - before)
        self.assertLess(sizes[-1], 700_000)
        for i in range(3):
            self.server.cli("rm", f"f{i}", "--yes", check=0)
        wait_until(lambda: set(self.artifacts()) == before, 10, "the base to go with the last")

    def test_it_is_built_again_and_rolled_back(self):
        made = folder("again", MANIFEST + "arguments: [/page.txt]\n")
        self.server.cli("deploy", str(made), check=0)
        (made / "page.txt").write_text("another\n")
        self.server.cli("deploy", str(made), check=0)
        self.server.stop()
        shutil.rmtree(self.server.data / "artifacts")
        self.server.start()

        def answers(page):
            answer = self.server.get("again")
            self.assertIn(answer.status, (200, 503))
            return answer.text == f"main\n/page.txt\n{page}\nfresh\n"
        wait_until(lambda: answers("another"), 60, "the version with another page")
        self.server.cli("rollback", "again", check=0)
        wait_until(lambda: answers("a page"), 60, "the first version")

    def test_a_runtime_is_a_name_a_file_or_a_flag(self):
        made = folder("named", MANIFEST.replace("runtime.wasm", "toy"))
        installed = pathlib.Path(tempfile.mkdtemp(prefix="r", dir=SCRATCH))
        os.environ["SKERRY_RUNTIMES"] = str(installed)
        try:
            out = self.server.cli("deploy", str(made), check=5).stderr
            self.assertIn(f"there is no runtime `toy`: put toy.wasm into {installed}", out)
            shutil.copy(made / "runtime.wasm", installed / "toy.wasm")
            self.server.cli("deploy", str(made), check=0)
            self.assertIn("fresh\n", self.server.get("named").text)
            out = self.server.cli("deploy", str(made), "--runtime", str(made / "runtime.wasm"),
                                  check=0).stdout
            self.assertIn("deployed named v2", out)
            self.server.cli("deploy", str(made), "--runtime", "Not/It", check=3)
        finally:
            del os.environ["SKERRY_RUNTIMES"]
        both = folder("both", MANIFEST + "main: runtime.wasm\n")
        self.assertIn("leave one out", self.server.cli("deploy", str(both), check=3).stderr)

    def test_arguments_are_a_commands(self):
        made = folder("text", "main: text.wasm\narguments: [a]\n")
        (made / "text.wasm").write_bytes(harness.guest("text"))
        out = self.server.cli("deploy", str(made), check=1).stderr
        self.assertIn("only a command is called with arguments", out)
        (made / "function.yaml").write_text("name: text\nmain: text.wasm\narguments: [\"a\\nb\"]\n")
        self.server.cli("deploy", str(made), check=3)
        made = folder("plain", "main: runtime.wasm\narguments: [/none, two]\n")
        self.server.cli("deploy", str(made), check=0)
        self.assertEqual(self.server.get("plain").text.splitlines()[:3], ["main", "/none", "two"])

    def test_a_module_that_is_none_is_refused_and_leaves_nothing(self):
        before = self.artifacts()
        made = folder("broken", MANIFEST)
        (made / "runtime.wasm").write_bytes(runtime()[:500])
        self.server.cli("deploy", str(made), check=1)
        self.assertEqual(self.artifacts(), before)


class Languages(ServerTest):
    """The examples, on modules that are not the project's (docs/runtimes.md says where they are
    from): in SKERRY_RUNTIMES, or among those of other projects."""
    workers = 1
    config = "limits: { build_wall: 120s }\n"

    def example(self, name, language, *beside):
        here = pathlib.Path(os.environ.get("SKERRY_RUNTIMES",
                                           harness.SHARED / "modules" / "runtimes"))
        for path in (here / f"{language}.wasm", *(here / name for name in beside)):
            if not path.exists():
                print(f"SKIP: no {path}: {name} is not tried", file=sys.stderr)
                raise unittest.SkipTest(f"no {path} (set SKERRY_RUNTIMES)")
        made = pathlib.Path(tempfile.mkdtemp(prefix=name, dir=SCRATCH))
        shutil.copytree(ROOT / "examples" / name, made, dirs_exist_ok=True)
        with unittest.mock.patch.dict(os.environ, SKERRY_RUNTIMES=str(here)):
            out = self.server.cli("deploy", str(made), check=0).stdout
        self.assertIn("goes on from its checkpoint", out)

    def refused(self, name, language, file, added, *words):
        """What is deployed with a line too many is refused, and told where that is."""
        made = pathlib.Path(tempfile.mkdtemp(prefix=name, dir=SCRATCH))
        shutil.copytree(ROOT / "examples" / name, made, dirs_exist_ok=True)
        with (made / file).open("a") as source:
            source.write(added)
        here = os.environ.get("SKERRY_RUNTIMES", str(harness.SHARED / "modules" / "runtimes"))
        with unittest.mock.patch.dict(os.environ, SKERRY_RUNTIMES=here):
            said = self.server.cli("deploy", str(made), "-n", f"{language}-wrong", check=1).stderr
        for word in words:
            self.assertIn(word, said)

    def test_php(self):
        self.example("page-php", "php")
        self.assertIn("<p>hello, Ann &amp; Bob", self.server.get("page-php",
                                                                  "/?name=Ann+%26+Bob").text)
        answers = [self.server.get("page-php", "/form", method="POST", body="a=1&b[]=2", headers={
            "Content-Type": "application/x-www-form-urlencoded", "Cookie": "visits=4"})
            for _ in range(2)]
        one, two = (answer.json for answer in answers)
        self.assertEqual(one["sent"], {"a": "1", "b": ["2"]})
        self.assertEqual(answers[0].headers["set-cookie"], "visits=5")
        self.assertNotEqual(one["draw"], two["draw"])
        self.assertNotEqual(one["token"], two["token"])
        for path in ("/none", "/../front", "/pages/index.php"):
            self.assertEqual(self.server.get("page-php", path).status, 404)
        self.refused("page-php", "php", "front.php", "function (\n", "PHP Parse error: ",
                     "in /front.php on line ")

    def test_python(self):
        self.example("wsgi-python", "python", "python/usr")
        one, two = (json.loads(self.server.get("wsgi-python", "/?a=1&a=2", method="POST",
                                               body="body").text) for _ in range(2))
        self.assertEqual((one["method"], one["query"], one["sent"]),
                         ("POST", {"a": ["1", "2"]}, "body"))
        self.assertNotEqual(one["draw"], two["draw"])
        self.assertNotEqual(one["token"], two["token"])
        self.assertEqual(self.server.get("wsgi-python", "/none").status, 404)
        self.refused("wsgi-python", "python", "app.py", "def (:\n", 'File "/app.py", line ',
                     "SyntaxError: ")

    def test_ruby(self):
        self.example("rack-ruby", "ruby")
        one, two = (self.server.get("rack-ruby", "/", method="POST", body="body").text
                    for _ in range(2))
        self.assertIn("POST from ruby", one)
        self.assertIn("sent: body\n", one)
        self.assertNotEqual(one, two)
        self.assertEqual(self.server.get("rack-ruby", "/none").status, 404)
        self.refused("rack-ruby", "ruby", "app.rb", "def (\n", "/app.rb:", "syntax error, ")


if __name__ == "__main__":
    unittest.main()
