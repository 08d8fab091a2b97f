# SPDX-License-Identifier: Apache-2.0
"""A disk that fails: every nth write, fsync, rename and open of control's comes back with an error,
or half done. What was answered with success is there afterwards, and nothing else is."""
import errno
import mmap
import pathlib
import shutil
import struct
import subprocess
import tempfile
import unittest

import harness
from harness import SCRATCH, Server, text_guest, wait_until

NONE, WRITE, FSYNC, RENAME, OPEN = range(5)
SHORT = 0
FAULTS = [(kind, number) for kind in (WRITE, FSYNC, RENAME, OPEN)
          for number in (errno.EIO, errno.ENOSPC)] + [(WRITE, SHORT)]
NAMES = {WRITE: "write", FSYNC: "fsync", RENAME: "rename", OPEN: "open"}


def shim():
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang-19")
    if compiler is None:
        raise unittest.SkipTest("no C compiler")
    if harness.SANITIZED:
        raise unittest.SkipTest("a sanitizer has to be loaded first")
    target = SCRATCH / "fault_shim.so"
    subprocess.run([compiler, "-O1", "-shared", "-fPIC", "-o", target,
                    harness.ROOT / "tests" / "support" / "fault_shim.c", "-ldl"], check=True)
    return target


class Faults:
    """What the shim is told, and what it says."""

    def __init__(self, path):
        path.write_bytes(bytes(20))
        with open(path, "r+b") as file:
            self.map = mmap.mmap(file.fileno(), 20)

    def set(self, kind, every=1, number=0):
        self.map[:] = struct.pack("<IIiII", kind, every, number, 0, 0)

    @property
    def failed(self):
        return struct.unpack("<IIiII", self.map[:])[4]


class Disk(unittest.TestCase):
    def text(self, server, name):
        """What a function answers, once its artifact is there: a worker that could not open it has
        it rebuilt, and a request waits for that only so long."""
        wait_until(lambda: server.get(name, seconds=20).status != 503, 20, f"an answer of {name}")
        return server.get(name, seconds=20).text

    def test_each_change_is_an_error_or_durable_and_never_both(self):
        folder = pathlib.Path(tempfile.mkdtemp(dir=SCRATCH))
        faults = Faults(folder / "faults")
        data = folder / "data"
        server = Server(workers=1, data=data, prefix=[
            "env", f"LD_PRELOAD={shim()}", f"FAULTS={folder / 'faults'}", f"FAULTS_IN={data}"])
        server.start()
        server.deploy("first", text_guest("text-first-01"))
        promised, refused, hits = {"first"}, {}, dict.fromkeys(NAMES, 0)
        count = 0
        for kind, number in FAULTS:
            for every in (1, 2, 3, 5):
                count += 1
                name, text = f"f{count}", f"text-{count:08}"
                faults.set(kind, every, number)
                answer = server.put(name, text_guest(text))
                told = (NAMES[kind], errno.errorcode.get(number, "short"), every, answer.status)
                hits[kind] += faults.failed
                faults.set(NONE)
                self.assertIn(answer.status, (201, 500, 503, 507), told)
                if answer.status == 201:
                    promised.add(name)
                    self.assertEqual(self.text(server, name), text, told)
                else:
                    refused[name] = told
                    self.assertNotIn(name, server.functions(), told)
                # It goes on, whatever happened.
                self.assertEqual(self.text(server, "first"), "text-first-01", told)
        for kind, name in NAMES.items():
            self.assertGreater(hits[kind], 0, f"no {name} failed")
        self.assertGreater(len(refused), len(NAMES))
        server.kill_tree()
        server.prefix = []
        server.start()
        self.assertEqual(set(server.functions()), promised, refused)
        for name in sorted(promised - {"first"}):
            self.assertEqual(self.text(server, name), f"text-{int(name[1:]):08}")
        chain = server.admin("GET", "/v1/audit?verify=1&limit=1").json["chain"]
        self.assertTrue(chain["verified"], chain)
        server.stop()


    def test_the_key_value_store_is_opened_anew_after_a_panic(self):
        folder = pathlib.Path(tempfile.mkdtemp(dir=SCRATCH))
        faults = Faults(folder / "faults")
        data = folder / "data"
        server = Server(workers=1, data=data, prefix=[
            "env", f"LD_PRELOAD={shim()}", f"FAULTS={folder / 'faults'}", f"FAULTS_IN={data}"])
        self.addCleanup(server.stop)
        server.start()
        server.deploy("first", text_guest("text-first-01"))
        there, status = {}, {}

        def put(name):
            return server.admin("PUT", f"/v1/tenants/default/kv/{name}", b"x",
                                {"Content-Type": "application/octet-stream"}).status

        for kind in (WRITE, FSYNC):
            for every in range(1, 6):
                name = f"k{kind}-{every}"
                faults.set(kind, every, errno.EIO)
                status[name] = put(name)
                faults.set(NONE)
                there[name] = status[name] in (200, 201, 204)
                self.assertIn(put(f"{name}-again"), (200, 201, 204), status)
                there[f"{name}-again"] = True
        self.assertIn(False, there.values())
        for name, is_there in there.items():
            answer = server.admin("GET", f"/v1/tenants/default/kv/{name}")
            self.assertEqual(answer.status == 200, is_there, (name, status))


class SmallDisk(unittest.TestCase):
    def test_a_full_file_system_of_16_megabytes(self):
        home = pathlib.Path(tempfile.mkdtemp(dir=SCRATCH))
        mount = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c",
                 f'mount -t tmpfs -o size=16m none {home} && exec "$@"', "sh"]
        probe = subprocess.run(mount + ["true"], capture_output=True, text=True, check=False) \
            if shutil.which("unshare") else None
        if probe is None or probe.returncode != 0:
            self.skipTest("no private tmpfs here")
        with Server(data=home / "data", workers=1, prefix=mount) as server:
            server.deploy("text", text_guest("text-small-01"))
            server.deploy("text", text_guest("text-small-02"))

            def ask():
                answer = server.get("text")
                if answer.status != 200:
                    raise AssertionError(answer)

            with harness.Load(2, ask) as load:
                section = b"\x03pad" + bytes(range(256)) * 4000
                size, statuses = len(section) + 1, []
                leb = bytes([size & 0x7f | 0x80, size >> 7 & 0x7f | 0x80, size >> 14])
                while 507 not in statuses and len(statuses) < 30:
                    body = text_guest("text-large-01") + b"\0" + leb + section + \
                        bytes([len(statuses)])
                    statuses.append(server.put(f"big-{len(statuses)}", body).status)
                self.assertEqual(statuses[-1], 507, statuses)
                self.assertEqual(set(statuses[:-1]), {201})
                base = "/v1/tenants/default/functions"
                answer = server.admin("POST", f"{base}/text/rollback", b"{}",
                                      {"Content-Type": "application/json"})
                self.assertEqual(answer.status, 200, answer)
                self.assertEqual(server.get("text").text, "text-small-01")
                self.assertEqual(server.admin("DELETE", f"{base}/big-0").status, 200)
            self.assertEqual(load.failures, [])
            self.assertGreater(len(load.results), 10)
            server.deploy("again", text_guest("text-small-03"))


if __name__ == "__main__":
    unittest.main()
