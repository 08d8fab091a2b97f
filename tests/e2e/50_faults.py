# SPDX-License-Identifier: Apache-2.0
"""Things die and fill up; what was promised still holds."""
import contextlib
import http.client
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import unittest

import harness
from harness import Load, Server, guest, text_guest, wait_until

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "attacks"))
# pylint: disable=wrong-import-position
import attack
import killed

KILLS = 50


class WorkerKilled(unittest.TestCase):
    def test_it_comes_back_and_only_its_own_requests_fail(self):
        with Server(workers=2) as server:
            server.deploy("hello", text_guest("text-faults-1"))
            # a third could be held against the function
            killed.run(attack.Target(server.port, worker=server.worker_pids()[0]), kills=2)
            self.assertEqual(server.get("hello").text, "text-faults-1")

    def test_a_fault_of_its_own_ends_it_with_a_report(self):
        with Server(workers=1) as server:
            server.deploy("text", text_guest("text-faults-3"))
            self.assertEqual(server.get("text").text, "text-faults-3")
            victim, = server.worker_pids()
            os.kill(victim, signal.SIGSEGV)
            wait_until(lambda: server.worker_pids() not in ([], [victim]), 5, "a new worker")
            self.assertEqual(server.get("text", seconds=10).text, "text-faults-3")
            self.assertIn("worker 0 was ended by signal 11", server.log())

    def test_with_all_workers_dead_requests_wait_for_the_next(self):
        with Server(workers=2) as server:
            server.deploy("text", text_guest("text-faults-2"))
            for pid in server.worker_pids():
                os.kill(pid, signal.SIGKILL)
            # The sockets are control's: a connection made now waits in them.
            answer = server.get("text", seconds=10)
            self.assertEqual(answer.text, "text-faults-2")


class WorkerStuck(unittest.TestCase):
    """One that is there, and does nothing."""

    def test_others_take_its_connections_and_it_is_replaced(self):
        with Server(workers=2) as server:
            server.deploy("text", text_guest("text-faults-8"))
            victim, other = server.worker_pids()
            os.kill(victim, signal.SIGSTOP)
            # Half of these wait in its queue until control sees that it stands still.
            answers = harness.in_parallel(40, lambda _: server.get("text", seconds=30))
            self.assertEqual({a.text for a in answers}, {"text-faults-8"})
            lent = re.search(r"skerry_connections_lent_total (\d+)",
                             server.admin("GET", "/metrics").text)
            self.assertGreater(int(lent.group(1)), 0)
            self.assertIn('"event":"worker_stalled"', server.log())

            def replaced():
                pids = server.worker_pids()
                return len(pids) == 2 and victim not in pids
            wait_until(replaced, 30, "a new worker")
            self.assertIn(other, server.worker_pids())
            self.assertIn('"event":"worker_hung"', server.log())
            wait_until(lambda: server.admin("GET", "/readyz").status == 200, 10, "it to serve")
            self.assertIn('"event":"worker_recovered"', server.log())

    def test_a_single_one_is_replaced_while_its_connections_wait(self):
        with Server(workers=1) as server:
            server.deploy("text", text_guest("text-faults-9"))
            victim, = server.worker_pids()
            os.kill(victim, signal.SIGSTOP)
            self.assertEqual(server.get("text", seconds=60).text, "text-faults-9")
            self.assertNotIn(victim, server.worker_pids())
            self.assertIn('"event":"worker_hung"', server.log())

    def test_one_that_goes_on_in_time_is_left_alone(self):
        with Server(workers=2) as server:
            server.deploy("text", text_guest("text-faults-7"))
            before = set(server.worker_pids())
            victim = min(before)
            os.kill(victim, signal.SIGSTOP)
            wait_until(lambda: server.admin("GET", "/readyz").status == 503, 10, "control to see")
            os.kill(victim, signal.SIGCONT)
            wait_until(lambda: server.admin("GET", "/readyz").status == 200, 10, "it to serve")
            answers = harness.in_parallel(20, lambda _: server.get("text", seconds=30))
            self.assertEqual({a.text for a in answers}, {"text-faults-7"})
            self.assertEqual(set(server.worker_pids()), before)


class Quarantine(unittest.TestCase):
    """Workers that die while one version runs, again and again."""

    def kill_while_running(self, server, name):
        """A worker's death with a request of `name` under way; waits for the next worker."""
        told = self.told(server, name)
        while self.told(server, name) == told:     # it may have died between two slices
            self.kill(server, name)

    @staticmethod
    def told(server, name):
        return server.log().count(f"died while it ran default/{name} ")

    def kill(self, server, name):
        victim, = server.worker_pids()
        asked = threading.Thread(target=self.ask, args=(server, name))
        asked.start()

        wait_until(lambda: re.search(r'skerry_requests_in_flight{worker="0"} [1-9]',
                                     server.admin("GET", "/metrics").text), 10, "it to run")
        os.kill(victim, signal.SIGKILL)
        asked.join()
        wait_until(lambda: server.worker_pids() not in ([], [victim])
                   and server.admin("GET", "/readyz").status == 200, 10, "the next worker")

    @staticmethod
    def ask(server, name):
        with contextlib.suppress(OSError, http.client.HTTPException):
            server.get(name)

    def test_a_version_that_kills_three_workers_is_held_back_and_nobody_else(self):
        with Server(workers=1, config="limits: { fuel: 1000G, wall: 60s }\n") as server:
            server.deploy("loop", guest("loop"))
            server.deploy("text", text_guest("text-faults-9"))
            for _ in range(3):
                self.assertNotEqual(server.get("text").status, 503)
                self.kill_while_running(server, "loop")
            answer = server.get("loop")
            self.assertEqual((answer.status, answer.json["code"]), (503, "quarantined"), answer)
            self.assertTrue(answer.headers.get("retry-after"), answer)
            self.assertEqual(server.get("text").text, "text-faults-9")
            shown = server.admin("GET", "/v1/tenants/default/functions/loop").json
            self.assertGreater(shown["quarantined_us"], 0)
            self.assertIn("503", server.cli("show", "loop", check=0).stdout)
            metrics = server.admin("GET", "/metrics").text
            self.assertIn("skerry_quarantined 1", metrics)
            self.assertIn('"event":"quarantined"', server.log())
            # Another version is another matter.
            server.deploy("loop", text_guest("text-faults10"))
            self.assertEqual(server.get("loop").text, "text-faults10")


class TreeKilled(unittest.TestCase):
    def test_no_acknowledged_deploy_is_lost_and_none_is_half_there(self):
        text_guest("text-00000000")     # or skipped, here and not in a thread
        dice = random.Random(7)
        server = Server(workers=1)
        acknowledged = {}       # name -> text, None when removed
        under_way = {}          # name -> texts that may have happened too
        counter = iter(range(1, 10**8))
        deploys = 0
        self.addCleanup(server.kill_tree)

        def change():
            """One deploy or removal after another until the server dies."""
            nonlocal deploys
            while True:
                name = f"f{dice.randrange(12)}"
                remove = acknowledged.get(name) is not None and dice.random() < 0.2
                text = None if remove else f"text-{next(counter):08d}"
                under_way[name] = text
                try:
                    if remove:
                        answer = server.admin("DELETE", f"/v1/tenants/default/functions/{name}")
                    else:
                        answer = server.put(name, text_guest(text))
                except OSError:
                    return
                except Exception:   # an answer cut in the middle  # pylint: disable=broad-except
                    return
                if answer.status not in (200, 201, 204):
                    raise AssertionError(f"{name}: {answer}")
                acknowledged[name] = text
                del under_way[name]
                deploys += 1

        for round_number in range(KILLS):
            server.start()
            self.check(server, acknowledged, under_way, round_number)
            errors = []

            def run(errors=errors):
                try:
                    change()
                except AssertionError as error:
                    errors.append(error)
            thread = threading.Thread(target=run)
            thread.start()
            time.sleep(dice.uniform(0.002, 0.25) * harness.PATIENCE)
            server.kill_tree()
            thread.join()
            self.assertEqual(errors, [])

        with server:
            self.check(server, acknowledged, under_way, KILLS)
        print(f"{KILLS} kills, {deploys} acknowledged changes")
        self.assertGreater(deploys, KILLS // 2)     # or it has shown nothing

    def check(self, server, acknowledged, under_way, round_number):
        """What is served is what was acknowledged, or the one change that was cut short."""
        chain = server.admin("GET", "/v1/audit?verify=1&limit=1").json["chain"]
        self.assertTrue(chain["verified"], (round_number, chain))
        listed = server.functions()
        for name in sorted(set(acknowledged) | set(under_way)):
            allowed = {acknowledged.get(name)}
            if name in under_way:
                allowed.add(under_way.pop(name))
            answer = server.get(name)
            found = None if answer.status == 404 else answer.text
            self.assertIn(answer.status, (200, 404), (round_number, name, answer))
            self.assertIn(found, allowed, (round_number, name))
            self.assertEqual(name in listed, found is not None, (round_number, name))
            acknowledged[name] = found


class Start(unittest.TestCase):
    def refuse(self, server, status, words):
        """serve leaves at once with this status and one line on stderr."""
        done = server.cli("serve", *server.arguments)
        lines = done.stderr.strip().splitlines()
        self.assertEqual(done.returncode, status, done)
        self.assertEqual(len(lines), 1, done.stderr)
        for word in words:
            self.assertIn(word, lines[0])

    def test_a_port_in_use_is_named(self):
        server = Server()
        with contextlib.closing(socket.socket()) as taken:
            taken.bind(("127.0.0.1", server.port))
            taken.listen()
            self.refuse(server, 6, [str(server.port)])

    def test_a_directory_of_somebody_elses_is_left_alone(self):
        server = Server()
        server.data.mkdir()
        (server.data / "thesis.txt").write_text("years of work")
        self.refuse(server, 6, [str(server.data)])
        self.assertEqual(os.listdir(server.data), ["thesis.txt"])

    def test_a_directory_in_use_by_another_server_is_refused(self):
        with Server() as first:
            second = Server(data=first.data)
            self.refuse(second, 6, [str(first.data)])
            self.assertEqual(first.admin("GET", "/healthz").status, 200)

    def test_a_directory_of_another_format_is_refused(self):
        server = Server()
        with server:
            pass
        (server.data / "FORMAT").write_text("skerry data 999\n")
        done = server.cli("serve", *server.arguments)
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)


class Artifacts(unittest.TestCase):
    """Whatever lies where an artifact should be: it is never run, it is built again, and the
    log and the counters say so."""
    FAULTS = "skerry_artifacts_refused_total"

    def counted(self, server, reason):
        found = re.findall(rf'{self.FAULTS}{{worker="\d+",reason="{reason}"}} (\d+)',
                           server.admin("GET", "/metrics").text)
        return sum(map(int, found))

    def serves_again(self, server, name, text):
        """503 until it was built again, and never anything else."""
        def answered():
            answer = server.get(name)
            self.assertIn(answer.status, (200, 503), answer)
            if answer.status == 503:
                self.assertEqual(answer.json["code"], "busy")
                self.assertTrue(answer.headers.get("retry-after"), answer)
                return False
            self.assertEqual(answer.text, text)
            return True
        wait_until(answered, 10, "the artifact to be built again")

    def suffers(self, harm, reason, event):
        """One function that was never called has its artifact harmed by `harm(path, other)`."""
        with Server(workers=1) as server:
            server.deploy("other", text_guest("text-other-01"))
            other, = (server.data / "artifacts").glob("*.art")
            server.deploy("text", text_guest("text-cache-01"))
            path, = set((server.data / "artifacts").glob("*.art")) - {other}
        path.chmod(0o600)
        harm(path, other)
        with server:
            self.serves_again(server, "text", "text-cache-01")
            self.serves_again(server, "other", "text-other-01")
            self.assertGreaterEqual(self.counted(server, reason), 1)
            # Lines come by way of control.
            wait_until(lambda: f'"event":"{event}"' in (log := server.log())
                       and "default/text: " in log, 5, "its line in the log")
            self.assertTrue(path.is_file() and not path.is_symlink())
            self.assertIn('skerry_artifacts_total{event="rebuilt"} 1',
                          server.admin("GET", "/metrics").text)

    @staticmethod
    def flip(path, at, keep_times=False):
        facts = path.stat()
        with open(path, "r+b") as file:
            file.seek(at, os.SEEK_SET if at >= 0 else os.SEEK_END)
            byte = file.read(1)[0]
            file.seek(-1, os.SEEK_CUR)
            file.write(bytes([byte ^ 0x20]))
        if keep_times:
            os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))

    def test_one_that_vanished(self):
        self.suffers(lambda path, _: path.unlink(), "missing", "artifact_missing")

    def test_a_flipped_byte_in_the_header(self):
        self.suffers(lambda path, _: self.flip(path, 50), "damaged", "artifact_damaged")

    def test_a_flipped_byte_in_the_code(self):
        self.suffers(lambda path, _: self.flip(path, 1000), "damaged", "artifact_damaged")

    def test_a_flipped_byte_in_the_memory_image(self):
        self.suffers(lambda path, _: self.flip(path, -1), "damaged", "artifact_damaged")

    def test_one_that_was_cut(self):
        self.suffers(lambda path, _: os.truncate(path, 100), "damaged", "artifact_damaged")

    def test_one_that_is_empty(self):
        self.suffers(lambda path, _: path.write_bytes(b""), "damaged", "artifact_damaged")

    def test_another_functions_artifact_in_its_place(self):
        self.suffers(lambda path, other: shutil.copy2(other, path), "damaged",
                     "artifact_damaged")

    def test_one_of_another_build(self):
        self.suffers(lambda path, _: self.flip(path, 8, keep_times=True), "stale",
                     "artifact_stale")

    def test_no_artifact_at_all_under_an_unbroken_seal(self):
        self.suffers(lambda path, _: self.flip(path, 0, keep_times=True), "damaged",
                     "artifact_damaged")

    def test_a_symbolic_link(self):
        def harm(path, other):
            path.unlink()
            path.symlink_to(other)
        self.suffers(harm, "damaged", "artifact_damaged")

    def test_a_fifo(self):
        def harm(path, _):
            path.unlink()
            os.mkfifo(path)
        self.suffers(harm, "damaged", "artifact_damaged")

    def test_a_folder(self):
        def harm(path, _):
            path.unlink()
            path.mkdir()
        self.suffers(harm, "damaged", "artifact_damaged")

    def test_one_that_cannot_be_read(self):
        if os.geteuid() == 0:
            self.skipTest("root reads everything")
        self.suffers(lambda path, _: path.chmod(0), "damaged", "artifact_damaged")

    def test_bytes_that_went_bad_while_it_was_in_use_are_found_and_replaced(self):
        """As a disk does it, without a trace in the file's times: the scrub reads everything."""
        with Server(workers=1) as server:
            server.deploy("text", text_guest("text-cache-01"))
            self.assertEqual(server.get("text").text, "text-cache-01")
        path, = (server.data / "artifacts").glob("*.art")
        data = path.read_bytes()
        path.chmod(0o600)
        self.flip(path, data.index(b"text-cache-01"), keep_times=True)
        with server:
            def found():
                return ('"event":"artifact_damaged"' in server.log()
                        and "wrong checksum" in server.log())
            wait_until(found, 10, "the scrub to find it")

            def replaced():
                answer = server.get("text")
                self.assertEqual(answer.status, 200)
                return answer.text == "text-cache-01"
            wait_until(replaced, 10, "the worker to open the new one")
            self.assertEqual(path.read_bytes(), data)
            metrics = server.admin("GET", "/metrics").text
            self.assertIn('skerry_artifacts_total{event="damaged"} 1', metrics)
            self.assertIn('skerry_artifacts_total{event="rebuilt"} 1', metrics)

    def test_one_harmed_while_the_server_runs_is_not_opened_by_the_next_worker(self):
        with Server(workers=1) as server:
            server.deploy("text", text_guest("text-cache-01"))
            path, = (server.data / "artifacts").glob("*.art")
            path.chmod(0o600)
            self.flip(path, 1000)
            victim, = server.worker_pids()
            os.kill(victim, signal.SIGKILL)
            self.serves_again(server, "text", "text-cache-01")


class Removed(unittest.TestCase):
    """What somebody takes away from the data directory."""

    def test_the_folder_of_artifacts_is_made_again_while_the_server_runs(self):
        with Server(workers=1) as server:
            server.deploy("old", text_guest("text-removed1"))
            shutil.rmtree(server.data / "artifacts")
            self.assertEqual(server.deploy("new", text_guest("text-removed2")).status, 201)

            def answered(name):
                answer = server.get(name)
                self.assertIn(answer.status, (200, 503), answer)
                return answer.status == 200
            # by new workers, since walls are around a folder and not around its name
            wait_until(lambda: answered("new"), 10, "workers that may open it")
            for victim in server.worker_pids():
                os.kill(victim, signal.SIGKILL)
            wait_until(lambda: answered("old"), 10, "it to be built again")
            self.assertEqual(len(list((server.data / "artifacts").glob("*.art"))), 2)

    def test_a_store_that_is_gone_is_no_store_without_functions(self):
        server = Server(workers=1)
        with server:
            server.deploy("text", text_guest("text-removed3"))
        shutil.rmtree(server.data / "store")
        done = server.cli("serve", *server.arguments)
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        self.assertIn("no store", done.stderr)
        self.assertFalse((server.data / "store").exists())

    def test_a_store_that_was_cut_short_is_refused(self):
        server = Server(workers=1)
        with server:
            server.deploy("text", text_guest("text-removed4") + bytes([0, 200, 1, 3])
                          + b"pad" + bytes(196))
        path = server.data / "store" / "data.mdb"
        os.truncate(path, path.stat().st_size // 4096 * 4096 // 2)
        done = server.cli("serve", *server.arguments)
        self.assertEqual(done.returncode, 1, done)
        self.assertIn("the store is damaged or cut short", done.stderr)
        self.assertIn(f"({path})", done.stderr)

    def test_a_store_that_is_cut_under_a_running_server_is_named(self):
        server = Server(workers=1)
        self.addCleanup(server.kill_tree)
        server.start()
        server.deploy("text", text_guest("text-removed5"))
        os.truncate(server.data / "store" / "data.mdb", 0)
        with contextlib.suppress(OSError, http.client.HTTPException):
            server.get("text", seconds=2)
        wait_until(lambda: "data.mdb: the file was cut short" in server.log(), 10, "the name")

    def test_too_few_addresses_are_said_in_words(self):
        server = Server(workers=1)
        done = subprocess.run(["sh", "-c", 'ulimit -v 4000000; exec "$@"', "sh",
                               harness.skerry_path(), "serve", *server.arguments],
                              env=server.environment(), capture_output=True, text=True,
                              timeout=60, check=False)
        if harness.SANITIZED:
            self.skipTest("a sanitizer wants more addresses for itself")
        self.assertEqual(done.returncode, 7, done)
        self.assertIn("ulimit -v", done.stderr)


class DiskFull(unittest.TestCase):
    def test_a_deploy_that_does_not_fit_is_refused_and_serving_goes_on(self):
        if shutil.which("unshare") is None:
            self.skipTest("unshare is not installed")
        home = pathlib.Path(harness.tempfile.mkdtemp(dir=harness.SCRATCH))
        mount = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c",
                 f'mount -t tmpfs -o size=3m none {home} && exec "$@"', "sh"]
        probe = subprocess.run(mount + ["true"], capture_output=True, text=True, check=False)
        if probe.returncode != 0:
            self.skipTest(f"no private tmpfs here: {probe.stderr.strip()}")
        with Server(data=home / "data", prefix=mount) as server:
            server.deploy("text", text_guest("text-small-01"))
            padding = random.Random(1).randbytes(400_000)
            statuses = []
            for i in range(12):
                section = b"\x03pad" + padding + bytes([i])
                size = len(section)
                leb = bytes([size & 0x7f | 0x80, size >> 7 & 0x7f | 0x80, size >> 14])
                answer = server.put(f"big-{i}", text_guest("text-large-01") + b"\0" + leb + section)
                statuses.append(answer.status)
                if answer.status != 201:
                    self.assertEqual(answer.status, 507, answer)
            self.assertIn(507, statuses)
            self.assertEqual(server.get("text").text, "text-small-01")
            self.assertEqual(len(server.functions()), 1 + statuses.count(201))
