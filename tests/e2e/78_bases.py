# SPDX-License-Identifier: Apache-2.0
"""Artifacts with a base: what functions share is there once, is never taken for another, and comes
back whatever becomes of it."""
import os
import pathlib
import shutil
import tempfile
import unittest

import harness
from harness import Server, has_javascript, text_guest, wait_until

SMALL = 400_000     # bytes: what a script has of its own; the engine has some millions


def says(text):
    return f'export default {{ fetch() {{ return new Response("{text}"); }} }};'.encode()


def deploy(server, name, text, query=""):
    answer = server.admin("PUT", f"/v1/tenants/default/functions/{name}{query}", says(text),
                          {"Content-Type": "text/javascript"})
    if answer.status not in (200, 201):
        raise AssertionError(answer)


def artifacts(server):
    return sorted((server.data / "artifacts").glob("*.art"), key=lambda p: p.stat().st_size)


def flip(path, at, keep_times=False):
    facts = path.stat()
    path.chmod(0o600)
    with open(path, "r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 0x20]))
    if keep_times:
        os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))


@unittest.skipUnless(has_javascript(), "this build has no JavaScript")
class Bases(unittest.TestCase):
    def answers(self, server, name, text):
        """503 until it is there again, and never anything else."""
        def answered():
            answer = server.get(name)
            self.assertIn(answer.status, (200, 503), answer)
            if answer.status == 200:
                self.assertEqual(answer.text, text)
            return answer.status == 200
        wait_until(answered, 60, f"{name} to answer")

    def test_functions_share_the_engine_and_the_last_takes_it_along(self):
        with Server(workers=1) as server:
            for name in ("one", "two", "three"):
                deploy(server, name, name)
            *own, base = artifacts(server)
            self.assertEqual(len(own), 3)
            self.assertLess(own[-1].stat().st_size, SMALL)
            self.assertGreater(base.stat().st_size, 4 * SMALL)
            for name in ("one", "two", "three"):
                self.assertEqual(server.get(name).text, name)
            maps = pathlib.Path(f"/proc/{server.worker_pids()[0]}/maps").read_text()
            self.assertEqual(len([line for line in maps.splitlines()
                                  if base.name in line and "r--s 00000000" in line]), 1)
            for left, name in ((2, "two"), (1, "one")):
                server.cli("rm", name, "--yes", check=0)
                self.assertEqual(len(artifacts(server)), left + 1)
                self.assertEqual(server.get("three").text, "three")
            server.cli("rm", "three", "--yes", check=0)
            self.assertEqual(artifacts(server), [])
            answer = server.admin("PUT", "/v1/tenants/default/functions/bad", b"let a = ;",
                                  {"Content-Type": "text/javascript"})
            self.assertEqual(answer.status, 422)
            self.assertEqual(artifacts(server), [])
            deploy(server, "again", "again")
            self.assertEqual(server.get("again").text, "again")

    def test_a_base_that_is_harmed_is_never_run_and_built_again(self):
        with Server(workers=1) as server:
            deploy(server, "one", "one")
            base = artifacts(server)[-1]
            deploy(server, "other", "other", "?deterministic=1")
            other, = set(artifacts(server)[-2:]) - {base}
        whole = base.read_bytes()
        harms = [
            lambda: base.unlink(),
            lambda: flip(base, len(whole) // 2),
            lambda: base.write_bytes(b""),
            lambda: (base.unlink(), base.symlink_to(other)),
            lambda: (base.unlink(), shutil.copy2(other, base)),
        ]
        for harm in harms:
            harm()
            with server:
                self.answers(server, "one", "one")
                self.assertFalse(base.is_symlink())
                self.assertEqual(base.read_bytes(), whole)
                self.answers(server, "other", "other")

    def test_bytes_that_went_bad_on_the_disk_are_found_by_the_scrub(self):
        with Server(workers=1) as server:
            deploy(server, "one", "one")
        base = artifacts(server)[-1]
        whole = base.read_bytes()
        flip(base, len(whole) // 3, keep_times=True)
        with server:
            wait_until(lambda: "wrong checksum" in server.log(), 30, "the scrub to find it")
            wait_until(lambda: base.exists() and base.read_bytes() == whole, 60, "the new one")
            self.answers(server, "one", "one")

    def test_all_are_there_after_restarts_rollbacks_and_the_loss_of_everything(self):
        with Server(workers=1) as server:
            deploy(server, "one", "first")
            deploy(server, "one", "second")
            before = [p.stat().st_ino for p in artifacts(server)]
            server.kill_tree()
            server.start()
            self.assertEqual(server.get("one").text, "second")
            server.cli("rollback", "one", check=0)
            self.assertEqual(server.get("one").text, "first")
            self.assertEqual([p.stat().st_ino for p in artifacts(server)], before)
            server.stop()
            shutil.rmtree(server.data / "artifacts")
            server.start()
            self.answers(server, "one", "first")
            server.cli("rollback", "one", check=0)
            self.answers(server, "one", "second")
            self.assertEqual(len(artifacts(server)), 3)

    def test_what_a_kill_left_between_base_and_version_is_cleared_away(self):
        with Server(workers=1) as server:
            deploy(server, "one", "one")
            base = artifacts(server)[-1]
            content, facts = base.read_bytes(), base.stat()
            server.cli("rm", "one", "--yes", check=0)
            self.assertEqual(artifacts(server), [])
            server.kill_tree()
            base.write_bytes(content)     # as it was published, and no version has it
            os.utime(base, ns=(facts.st_atime_ns, facts.st_mtime_ns))
            server.start()
            wait_until(lambda: artifacts(server) == [], 30, "the scrub to remove it")
            deploy(server, "one", "again")
            self.assertEqual(server.get("one").text, "again")

    def test_a_backup_has_what_bases_are_built_from(self):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="b", dir=harness.SCRATCH))
        with Server(workers=1) as server:
            deploy(server, "one", "one")
            server.deploy("text", text_guest("text-plain-01"))
            server.cli("backup", str(folder / "all"), check=0)
        server.cli("restore", str(folder / "all"), "--data", str(folder / "data"), check=0)
        with Server(workers=1, data=folder / "data") as other:
            self.answers(other, "one", "one")
            self.answers(other, "text", "text-plain-01")
            self.assertEqual(len(artifacts(other)), 3)
            deploy(other, "two", "two")
            self.assertEqual(len(artifacts(other)), 4)
            self.assertEqual(other.get("two").text, "two")


if __name__ == "__main__":
    unittest.main()
