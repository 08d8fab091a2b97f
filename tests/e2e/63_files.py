# SPDX-License-Identifier: Apache-2.0
"""Files of a version: deployed with a folder, read by its guest, gone with it; scratch space."""
import hashlib
import pathlib
import shutil
import subprocess
import unittest

from harness import GUESTS, SCRATCH, ServerTest, wait_until

SYSROOT = pathlib.Path("/usr/include/wasm32-wasi")


def command(name, *options):
    """tests/guests/e2e_files.c, with wasi-libc."""
    clang = shutil.which("clang-19")
    if clang is None or shutil.which("wasm-ld-19") is None or not SYSROOT.is_dir():
        raise unittest.SkipTest("clang-19, lld-19 and wasi-libc are not installed")
    target = SCRATCH / f"{name}.wasm"
    subprocess.run([clang, "--target=wasm32-wasi", "-O1", "-Wall", "-Wextra", *options, "-o",
                    target, GUESTS / "e2e_files.c"], check=True)
    return target.read_bytes()


class Folders(ServerTest):
    """Functions of folders, and asking them."""
    workers = 1

    def folder(self, name, files, module=None, more=""):
        """A function's folder; `files` by name."""
        folder = SCRATCH / f"folder-{name}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        (folder / "main.wasm").write_bytes(module or command("files"))
        for path, text in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(text)
        (folder / "function.yaml").write_text(f"name: {name}\nmain: main.wasm\n{more}")
        return folder

    def deploy(self, name, files, patterns="site/**", **options):
        more = options.pop("more", "")
        folder = self.folder(name, files, more=f"files: [\"{patterns}\"]\n{more}", **options)
        self.server.cli("deploy", folder)
        return folder

    def ask(self, name, *words):
        answer = self.server.get(name, "/?" + "&".join(words))
        self.assertEqual(answer.status, 200, answer)
        return answer.text.splitlines()


class Files(Folders):
    def blobs(self):
        return sorted(path.name for path in
                      pathlib.Path(self.server.data, "blobs", "default").glob("*"))

    def test_a_guest_reads_what_its_version_brought(self):
        large = bytes(range(256)) * 4096
        files = {"site/a.txt": b"first", "site/deep/b.txt": b"second", "site/large": large,
                 "other.txt": b"not taken"}
        self.deploy("reads", files)
        self.assertEqual(self.ask("reads", "cat:/site/a.txt", "cat:site/deep/../deep/b.txt"),
                         ["first", "second"])
        self.assertEqual(self.ask("reads", "ls:/", "ls:/site", "ls:/site/deep"),
                         ["./ ../ site/ ", "./ ../ a.txt deep/ large ", "./ ../ b.txt "])
        self.assertEqual(self.ask("reads", "stat:/site", "stat:/site/large", "stat:/other.txt"),
                         ["folder 0", f"file {len(large)}",
                          "/other.txt: No such file or directory"])
        self.assertEqual(self.ask("reads", "cat:/site/a.txt:2", "cat:/site/a.txt:-3"),
                         ["rst", "rst"])
        answer = self.server.get("reads", "/?cat:/site/large")
        self.assertEqual(hashlib.sha256(answer.body).hexdigest(),
                         hashlib.sha256(large + b"\n").hexdigest())

    def test_nothing_can_be_changed_and_nothing_else_be_seen(self):
        self.deploy("only", {"site/a.txt": b"first"})
        said = self.ask("only", "write:/site/a.txt:x", "write:/new:x", "mkdir:/site/d",
                        "rm:/site/a.txt", "cat:/../etc/passwd", "cat:/etc/passwd", "ls:/..",
                        "cat:/site", "write:/tmp/x:y")
        for line in filter(None, said):
            self.assertRegex(line, "Read-only file system|Capabilities insufficient|"
                                   "No such file or directory|Is a directory|Not permitted", said)
        self.assertEqual(self.ask("only", "cat:/site/a.txt"), ["first"])

    def test_without_a_server_a_folder_stands_for_them(self):
        folder = self.folder("alone", {"site/a.txt": b"first", "site/deep/b.txt": b"second"})
        done = self.server.cli("run", str(folder / "main.wasm"), "--dir", f"{folder}/site::/",
                               "--request", "/?cat:/a.txt&ls:/&cat:/../main.wasm&write:/c:new",
                               check=0)
        lines = done.stdout.splitlines()
        self.assertEqual((lines[0], sorted(lines[1].split())[-2:]), ("first", ["a.txt", "deep/"]))
        self.assertIn("/../main.wasm: ", lines[2])
        self.assertEqual((folder / "site" / "c").read_bytes(), b"new")

    def test_files_come_and_go_with_their_version(self):
        self.deploy("goes", {"site/a": b"one of a kind 1", "site/b": b"stays 1"})
        first = self.blobs()
        self.deploy("goes", {"site/a": b"one of a kind 2", "site/b": b"stays 1"})
        self.assertEqual(self.ask("goes", "cat:/site/a", "cat:/site/b"),
                         ["one of a kind 2", "stays 1"])
        self.assertEqual(len(set(self.blobs()) - set(first)), 1)
        self.server.cli("rollback", "goes")
        self.assertEqual(self.ask("goes", "cat:/site/a"), ["one of a kind 1"])
        again = self.server.cli("deploy", self.folder("goes", {"site/a": b"one of a kind 1",
                                                               "site/b": b"stays 1"},
                                                      more="files: [site/**]\n")).stdout
        self.assertIn("unchanged", again)
        self.server.cli("rm", "goes", "--yes")
        kept = {hashlib.sha256(text).hexdigest() for text in (b"one of a kind 1", b"stays 1")}
        self.assertFalse(kept & set(self.blobs()))

    def test_an_initialiser_may_freeze_what_it_reads(self):
        module = command("early", "-DEARLY")
        self.deploy("early", {"greeting.txt": b"hello 1"}, patterns="*.txt", module=module)
        self.assertEqual(self.ask("early", "early:x"), ["hello 1"])
        self.deploy("early", {"greeting.txt": b"hello 2"}, patterns="*.txt", module=module)
        self.assertEqual(self.ask("early", "early:x"), ["hello 2"])
        shutil.rmtree(pathlib.Path(self.server.data, "artifacts"))
        self.server.stop()
        self.server.start()
        wait_until(lambda: self.server.get("early", "/?early:x").status == 200, 30, "a rebuild")
        self.assertEqual(self.ask("early", "early:x"), ["hello 2"])

    def test_files_are_there_after_a_restart(self):
        self.deploy("stays", {"site/a": b"still there"})
        self.server.stop()
        self.server.start()
        self.assertEqual(self.ask("stays", "cat:/site/a"), ["still there"])

    def test_scratch_space_is_bounded_and_vanishes(self):
        self.deploy("scratch", {"site/a": b"x"}, more="limits: { scratch: 256KiB }\n")
        self.assertEqual(self.ask("scratch", "mkdir:/tmp/d", "write:/tmp/d/x:one",
                                  "write:/tmp/d/x:two", "cat:/tmp/d/x", "ls:/tmp", "ls:/tmp/d"),
                         ["wrote /tmp/d/x", "wrote /tmp/d/x", "onetwo", "./ ../ d/ ", "./ ../ x "])
        self.assertEqual(self.ask("scratch", "ls:/tmp", "cat:/tmp/d/x"),
                         ["./ ../ ", "/tmp/d/x: No such file or directory"])
        self.assertEqual(self.ask("scratch", "fill:/tmp/x", "rm:/tmp/x", "write:/tmp/y:z"),
                         ["/tmp/x: No space left on device", "wrote /tmp/y"])

    def test_what_is_wrong_with_a_folder_is_told_before_anything_is_stored(self):
        folder = self.folder("wrong", {"site/a": b"x"}, more="files: [nothing/**]\n")
        said = self.server.cli("deploy", folder, check=3)
        self.assertIn("no file in", said.stderr)
        (folder / "function.yaml").write_text("name: wrong\nmain: main.wasm\nfiles: [site/**]\n")
        (folder / "site" / "link").symlink_to("/etc/passwd")
        self.assertIn("is no plain file", self.server.cli("deploy", folder, check=3).stderr)
        (folder / "site" / "link").unlink()
        (folder / "function.yaml").write_text("name: wrong\nmain: main.wasm\nfiles: [../**]\n")
        self.assertIn("is no pattern", self.server.cli("deploy", folder, check=3).stderr)
        self.assertEqual(self.server.cli("show", "wrong", check=5).returncode, 5)


class ScratchIsMemory(Folders):
    config = "limits: { scratch: 64MiB, tenant_memory: 8MiB, fuel: 100G, wall: 60s }\n"

    def test_scratch_space_counts_as_its_tenants_memory(self):
        self.deploy("large", {"site/a": b"x"}, more="limits: { scratch: 64MiB }\n")
        for _ in range(2):  # the second finds what the first had given back
            answer = self.server.get("large", "/?fill:/tmp/x")
            self.assertEqual(answer.status, 500, answer)
            self.assertIn("memory_exhausted", answer.text)
        self.assertEqual(self.ask("large", "write:/tmp/y:z"), ["wrote /tmp/y"])


if __name__ == "__main__":
    unittest.main()
