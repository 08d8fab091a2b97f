# SPDX-License-Identifier: Apache-2.0
"""What the processes of a server are given, and what they are not."""
import contextlib
import json
import os
import pathlib
import re
import subprocess
import sys
import threading
import unittest

import h2
import harness
from harness import Server, text_guest, wait_until

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "attacks"))
# pylint: disable=wrong-import-position
import calls

ROLES = pathlib.Path(harness.ROOT / "server" / "control" / "roles.def").read_text()

# Its start function runs until the builder is killed.
ENDLESS = """(module
  (import "http_handler" "log" (func (param i32 i32 i32)))
  (func $start (loop $again (br $again)))
  (func (export "handle_request") (result i64) (i64.const 0))
  (func (export "handle_response") (param i32 i32))
  (memory (export "memory") 1)
  (start $start))"""


def paths_of(role):
    """Column `paths` of roles.def, as {path: rights}."""
    row = re.search(rf"^ROLE\({role}, .*?\)\n(?=ROLE|#undef)", ROLES, re.S | re.M).group(0)
    texts = re.findall(r'"([^"]*)"', row)
    return dict(word.split(":") for word in texts[-3].split())


class Process:
    """One process, as /proc shows it."""

    def __init__(self, pid):
        self.pid = pid
        self.path = pathlib.Path(f"/proc/{pid}")

    def environment(self):
        lines = (self.path / "environ").read_bytes().decode().split("\0")
        return {line.split("=", 1)[0] for line in lines if line}

    def status(self):
        return dict(line.split(":\t", 1)
                    for line in (self.path / "status").read_text().splitlines() if ":\t" in line)

    def capabilities(self):
        """Those sets that are not empty; of root, the bounding set too."""
        names = ["CapInh", "CapPrm", "CapEff", "CapAmb"] + ["CapBnd"] * (os.geteuid() == 0)
        status = self.status()
        return [name for name in names if int(status[name], 16) != 0]

    def limits(self):
        rows = (self.path / "limits").read_text().splitlines()[1:]
        return {row[:25].strip(): row[25:].split()[:2] for row in rows}

    def descriptors(self):
        """{number: what it is}; a process that is still beginning opens and closes some."""
        found = {}
        for fd in (self.path / "fd").iterdir():
            with contextlib.suppress(FileNotFoundError):
                found[int(fd.name)] = os.readlink(fd)
        return found

    def files(self):
        """Paths that are open or mapped."""
        mapped = re.findall(r"(/\S.*)$", (self.path / "maps").read_text(), re.M)
        return set(mapped) | {t for t in self.descriptors().values() if t.startswith("/")}

    def writable(self):
        """Paths that it could write to, through a descriptor or a shared mapping."""
        found = set(re.findall(r"^\S+ .w.s .*?(/\S.*)$", (self.path / "maps").read_text(), re.M))
        for fd, path in self.descriptors().items():
            with contextlib.suppress(FileNotFoundError):
                facts = (self.path / f"fdinfo/{fd}").read_text()
                flags = re.search(r"^flags:\s+(\d+)", facts, re.M)
                if int(flags[1], 8) & os.O_ACCMODE != os.O_RDONLY:
                    found.add(path)
        return found

    def oom_score(self):
        return int((self.path / "oom_score_adj").read_text())


class Confined(unittest.TestCase):
    def looks_right(self, server, pid, role):
        process = Process(pid)
        # `ready` is said of the workers: a helper may still be building its walls.
        wait_until(lambda: not process.capabilities(), 10, f"{role} without capabilities")
        status = process.status()
        self.assertEqual(status["NoNewPrivs"].strip(), "1")
        self.assertEqual(process.limits()["Max core file size"], ["0", "0"])
        ours = Process(server.process.pid).oom_score()
        self.assertGreater(process.oom_score(), min(ours, 999))
        if not harness.SANITIZED and os.geteuid() != 0:
            # It cannot be read by its own user, not even by a test.
            with self.assertRaises(PermissionError):
                process.environment()
            return
        known = {"PATH", "TZ", "LANG"}
        if harness.SANITIZED:
            known |= {"ASAN_OPTIONS", "LSAN_OPTIONS", "UBSAN_OPTIONS"}
        self.assertLessEqual(process.environment(), known)
        descriptors = process.descriptors()
        self.assertEqual([descriptors[0], descriptors[1]], ["/dev/null", "/dev/null"])
        self.assertNotIn(str(server.stray), descriptors.values())
        self.paths_are(server, process.files(), paths_of(role))
        self.paths_are(server, process.writable(),
                       {name for name, rights in paths_of(role).items() if "w" in rights})

    def paths_are(self, server, paths, allowed):
        data = str(server.data) + "/"
        for path in paths:
            if path.startswith(data):
                below = path.removeprefix(data).removesuffix(" (deleted)")
                self.assertTrue(any(below == name or below.startswith(name + "/")
                                    for name in allowed), path)

    def test_a_worker_has_what_its_role_says_and_no_more(self):
        server = careless_server()
        with server:
            server.deploy("text", text_guest("text-process1"))
            self.assertEqual(server.get("text").text, "text-process1")
            pid, = server.worker_pids()
            self.looks_right(server, pid, "WORKER")
            self.assertEqual(set(paths_of("WORKER").values()), {"r"})

    def test_a_worker_has_nothing_of_the_stores_that_it_could_write_to(self):
        """Not even LMDB's lock file, by which it could stop or confuse control."""
        with Server(workers=1) as server:
            server.deploy("text", text_guest("text-process2"))
            self.assertEqual(server.get("text").text, "text-process2")
            pid, = server.worker_pids()
            process = Process(pid)
            if not harness.SANITIZED and os.geteuid() != 0:
                self.skipTest("only root may look into it")
            for name in ("store", "kv"):
                folder = f"{server.data}/{name}/"
                self.assertEqual({path for path in process.files() if path.startswith(folder)},
                                 {folder + "data.mdb"})
                self.assertFalse([path for path in process.writable() if path.startswith(folder)])

    def test_a_helper_has_what_its_role_says_and_no_more(self):
        server = careless_server()
        with server:
            pid, = server.pids_of("keys")
            self.looks_right(server, pid, "KEYS")

    def test_a_builder_has_what_its_role_says_and_no_more(self):
        server = careless_server()
        with server, endless_build(server) as pid:
            limits = Process(pid).limits()
            self.looks_right(server, pid, "BUILDER")
            self.assertEqual(limits["Max open files"], ["32", "32"])
            self.assertNotIn("unlimited", limits["Max cpu time"])


@contextlib.contextmanager
def endless_build(server):
    """A builder that works on something, until it is killed."""
    texts = []
    upload = threading.Thread(target=lambda: texts.append(
        server.put("endless", harness.wat(ENDLESS, name="endless")).text))
    upload.start()
    pid, = wait_until(lambda: server.pids_of("builder"), 10, "a builder")
    try:
        # it maps the upload when its walls are up
        wait_until(lambda: "/memfd:module" in pathlib.Path(f"/proc/{pid}/maps").read_text(), 10,
                   "its work")
        yield pid
    finally:
        os.kill(pid, 9)
        upload.join()
    assert "signal 9" in texts[0], texts


def careless_server():
    """Started by somebody with secrets in the environment and a file open."""
    server = Server(workers=1)
    server.stray = server.home / "stray"
    server.stray.write_text("secret")
    server.prefix = ["sh", "-c", f'exec 9<{server.stray}; SECRET=1 exec "$@"', "sh"]
    return server


def lacking(call):
    """What makes a command run as where there is no such call."""
    return [sys.executable, str(harness.ROOT / "tests" / "support" / "lacking.py"), "ENOSYS", call,
            "--"]


def write_config(server, text):
    path = server.home / "other.yaml"
    path.write_text(text)
    return str(path)


WALL_CHECKS = ("seccomp", "landlock", "namespaces")


def has_walls():
    """Has this machine, and may this user have, all that walls are made of?"""
    done = subprocess.run([harness.skerry_path(), "doctor", "--json"], capture_output=True,
                          text=True, check=False)
    verdicts = {row["check"]: row["verdict"] for row in json.loads(done.stdout)["checks"]}
    return all(verdicts.get(name) == "ok" for name in WALL_CHECKS)


@unittest.skipIf(harness.SANITIZED, "sanitizers need what walls forbid")
@unittest.skipUnless(has_walls(), "this kernel, user or container has not all of them")
class Walls(unittest.TestCase):
    """What a process can do no more once it has started."""

    @staticmethod
    def wait_for_helpers(server):
        for name in ("keys", "egress"):
            wait_until(lambda name=name: f"{name} serves" in server.log(), 10, name)

    @unittest.skipUnless(calls.is_possible(), "ptrace wants root, on x86-64")
    def test_each_process_makes_its_own_calls_and_opens_its_own_files_only(self):
        with Server(workers=1, config="walls: require\n") as server:
            server.deploy("text", text_guest("text-wallsup1"))
            self.wait_for_helpers(server)
            with endless_build(server) as builder:
                pids = [*harness.children_of(server.process.pid), server.process.pid]
                self.assertIn(builder, pids)
                self.assertEqual({calls.role_of(pid) for pid in pids}, set(calls.ROLES))
                for pid in pids:
                    calls.run(pid, server.data)
            # They are as they were.
            self.assertEqual(server.get("text").text, "text-wallsup1")

    def test_all_of_them_are_up_where_the_kernel_has_them(self):
        with Server(workers=1) as server:
            self.wait_for_helpers(server)
            filters = int(Process(server.process.pid).status()["Seccomp_filters"])
            for pid in harness.children_of(server.process.pid):
                status = Process(pid).status()
                self.assertEqual(status["Seccomp"].strip(), "2")
                self.assertEqual(int(status["Seccomp_filters"]), filters + 1)

    def test_none_is_up_where_nobody_wants_them_and_the_log_says_so(self):
        with Server(workers=1, config="walls: off\n") as server:
            self.assertIn("walls: off", server.log())
            self.wait_for_helpers(server)
            ours = pathlib.Path("/proc/self/status").read_text()
            for pid in harness.children_of(server.process.pid):
                self.assertEqual(Process(pid).status()["Seccomp"].strip(),
                                 re.search(r"^Seccomp:\s+(\d)", ours, re.M)[1])

    def test_a_wall_that_is_neither_is_an_error_of_the_configuration(self):
        server = Server(workers=1, config="walls: on\n")
        done = subprocess.run([harness.skerry_path(), "serve", *server.arguments],
                              env=server.environment(), capture_output=True, text=True,
                              timeout=60, check=False)
        self.assertEqual(done.returncode, 3)
        self.assertIn("walls: `on` is none of auto, require and off", done.stderr)


@unittest.skipIf(harness.SANITIZED, "sanitizers need what walls forbid")
@unittest.skipUnless(has_walls(), "this kernel, user or container has not all of them")
class LackingKernel(unittest.TestCase):
    """Where one wall cannot be put up, the others are, and all are told; or nothing starts."""

    def lacks(self, call, check, words):
        """Without `call` the line `check` of doctor is not well, and the log has `words`."""
        self.serves_without(call, words)
        server = Server(workers=1, config="walls: require\n", prefix=lacking(call))
        for mode, verdict in (("auto", "warn"), ("require", "FAIL")):
            done = self.run_without(call, server, "doctor", "--json", "--config",
                                    write_config(server, f"walls: {mode}\n"))
            rows = {row["check"]: row["verdict"] for row in json.loads(done.stdout)["checks"]}
            self.assertEqual({name: rows[name] for name in WALL_CHECKS if rows[name] != "ok"},
                             {check: verdict.lower()}, rows)
            self.assertEqual(done.returncode != 0, mode == "require", done)
        done = self.run_without(call, server, "serve", *server.arguments)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(f"walls: require: {words}", done.stderr)
        self.assertNotIn("ready", done.stdout.split())

    def serves_without(self, call, words):
        with Server(workers=1, prefix=lacking(call)) as server:
            Walls.wait_for_helpers(server)
            server.deploy("text", text_guest("text-lacking1"))
            self.assertEqual(server.get("text").text, "text-lacking1")
            told = {line.get("process", "control")
                    for line in map(json.loads, server.log().splitlines())
                    if line["event"] == "walls" and words in line["message"]}
            self.assertLessEqual({"worker 0", "keys", "egress"}, told)
            if call != "seccomp":
                filters = int(Process(server.process.pid).status()["Seccomp_filters"])
                for pid in harness.children_of(server.process.pid):
                    self.assertEqual(int(Process(pid).status()["Seccomp_filters"]), filters + 1)

    @staticmethod
    def run_without(call, server, *words):
        return subprocess.run([*lacking(call), harness.skerry_path(), *words],
                              env=server.environment(), capture_output=True, text=True,
                              timeout=60 * harness.PATIENCE, check=False)

    def test_without_landlock(self):
        self.lacks("landlock_create_ruleset", "landlock", "this kernel has no landlock")

    def test_without_namespaces(self):
        self.lacks("unshare", "namespaces", "namespaces cannot be made")

    def test_without_seccomp(self):
        self.lacks("seccomp", "seccomp", "seccomp's filter cannot be put up")


class Helpers(unittest.TestCase):
    """Processes that workers talk to directly."""

    def test_one_that_dies_has_a_successor_and_workers_go_on(self):
        with Server(workers=2) as server:
            server.deploy("text", text_guest("text-helpers1"))
            workers = set(server.worker_pids())
            for times in range(1, 4):
                wait_until(lambda times=times: server.log().count("keys serves") == times, 5,
                           "the key process")
                pid, = server.pids_of("keys")
                os.kill(pid, 9)
                wait_until(lambda gone=pid: server.pids_of("keys") not in ([], [gone]), 5,
                           "its successor")
                self.assertEqual(server.get("text").text, "text-helpers1")
            self.assertEqual(set(server.worker_pids()), workers)
            wait_until(lambda: server.log().count("keys serves") == 4, 5, "all of them")
            self.assertGreaterEqual(server.log().count('"peer_lost"'), 2)

    def test_they_end_with_the_server(self):
        server = Server(workers=1)
        with server:
            pid, = server.pids_of("keys")
        self.assertFalse(pathlib.Path(f"/proc/{pid}").exists())


class NoRoom(unittest.TestCase):
    def test_too_few_descriptors_are_said_in_words(self):
        server = Server(workers=1)
        done = subprocess.run(["sh", "-c", 'ulimit -n 32; exec "$@"', "sh", harness.skerry_path(),
                               "serve", *server.arguments],
                              env=server.environment(), capture_output=True, text=True,
                              timeout=60, check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        self.assertIn("32 descriptors are too few", done.stderr)
        self.assertIn("ulimit -n", done.stderr)


class StalledLog(unittest.TestCase):
    """Whoever reads the log reads no more: nobody waits for him."""

    def serve(self, *arguments):
        """A server that writes its log into a fifo; returns it and the end that can be read."""
        server = Server(workers=1, arguments=arguments)
        fifo = server.home / "fifo"
        os.mkfifo(fifo)
        reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
        server.prefix = ["sh", "-c", f'exec "$@" 2>{fifo}', "sh"]
        self.addCleanup(os.close, reader)
        return server, reader

    @staticmethod
    def dropped(server, family):
        found = re.findall(rf"^{family}(?:{{.*}})? (\d+)$", server.admin("GET", "/metrics").text,
                           re.M)
        return sum(map(int, found))

    def test_requests_are_answered_and_lost_lines_are_counted(self):
        server, reader = self.serve("--access-log")
        with server:
            server.deploy("text", text_guest("text-stalled1"))
            with contextlib.closing(server.connect()) as connection:
                for _ in range(3000):
                    answer = harness.exchange(connection, "GET", "/f/default/text/")
                    self.assertEqual(answer.text, "text-stalled1")
            self.assertGreater(self.dropped(server, "skerry_control_log_dropped_total"), 0)
            self.assertEqual(server.admin("GET", "/healthz").status, 200)
            # What was written is whole lines, and when it is read again there are new ones.
            data = os.read(reader, 1 << 20)
            for line in data.splitlines():
                json.loads(line)
            self.assertEqual(server.get("text").status, 200)

            def read_on():
                with contextlib.suppress(BlockingIOError):
                    return b'"status":200' in os.read(reader, 1 << 20)
                return False
            wait_until(read_on, 10, "a line")

    def test_frames_that_libh2o_talks_of_stop_no_worker(self):
        server, _ = self.serve()
        with server:
            server.deploy("text", text_guest("text-stalled2"))
            with contextlib.suppress(OSError), \
                    contextlib.closing(h2.Connection(server.port, 10)) as connection:
                for _ in range(300):
                    connection.socket.sendall(b"\0\0\0\xfe\0\0\0\0\0" * 100)
            self.assertEqual(server.get("text", seconds=10).text, "text-stalled2")
