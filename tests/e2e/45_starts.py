# SPDX-License-Identifier: Apache-2.0
"""Every start is explained: each reason is provoked, alone, and told everywhere in the same words.

A reason must be the same in the answer's Server-Timing, in the access log, in the counters and in
the function's history, and all phases must be there with it.
"""
import json
import os
import re
import signal
import time
import unittest

import harness
from harness import Server, guest, in_parallel, text_guest, wait_until

PHASES = ["queue", "lookup", "load", "map", "restore", "run"]
REASONS = ["first_request", "new_version", "pool_empty", "evicted", "restart", "discarded"]
TIMING = re.compile(r'(\w+);dur=(\d+\.\d{3})(?:;desc="([^"]*)")?')


def timing_of(answer):
    """Server-Timing as {name: (milliseconds, description)}."""
    return {name: (float(ms), text) for name, ms, text
            in TIMING.findall(answer.headers["server-timing"])}


def why(answer):
    """"warm", or the reason of a cold start."""
    text = timing_of(answer)["start"][1]
    return text.removeprefix("cold:")


class Starts(unittest.TestCase):
    """Each test has a server of its own: what others did would be in its counters. It makes
    nothing ahead of first requests: these tests want them cold."""

    def serve(self, config="", pool=""):
        config += f"pool: {{ prewarm: 0s{pool} }}\n"
        server = Server(workers=1, config=config, arguments=["--access-log"])
        server.start()
        self.addCleanup(server.kill_tree)
        self.addCleanup(server.stop)
        return server

    def starts(self, server, name, tenant="default"):
        answer = server.admin("GET", f"/v1/tenants/{tenant}/functions/{name}/starts")
        self.assertEqual(answer.status, 200, answer)
        return answer.json

    def counters(self, server):
        text = server.admin("GET", "/metrics").text
        found = re.findall(r'^skerry_starts_total\{worker="0",reason="(\w+)"\} (\d+)$', text, re.M)
        return {reason: int(count) for reason, count in found if int(count) > 0}

    def logged(self, server, name):
        """Starts of the function's requests, in the order of the access log."""
        lines = [json.loads(line) for line in server.log().splitlines() if '"access"' in line]
        return [line for line in lines if line.get("function") == name and "start" in line]

    def expect(self, server, name, *reasons):
        """So did the function's requests start, and so say all who know of it."""
        cold = [reason for reason in reasons if reason != "warm"]
        history = wait_until(
            lambda: (found := self.starts(server, name))["cold"] == len(cold)
            and found["warm"] == len(reasons) - len(cold) and found, 5, f"{reasons} in the history")
        self.assertEqual({r: n for r, n in history["reasons"].items() if n},
                         {r: cold.count(r) for r in cold})
        self.assertEqual(list(history["reasons"]), REASONS)
        self.assertEqual([start["reason"] for start in history["recent"]], cold[::-1][:16])
        lines = wait_until(lambda: len(found := self.logged(server, name)) >= len(reasons)
                           and found, 5, "the access log")
        self.assertEqual([line["start"] for line in lines], list(reasons))
        self.assertEqual(history["lost"], 0)
        return history

    # -- the reasons, one by one --

    def test_first_request(self):
        server = self.serve()
        server.deploy("f", text_guest("text-first-01"))
        answers = [server.get("f") for _ in range(3)]
        self.assertEqual([why(a) for a in answers], ["first_request", "warm", "warm"])
        self.expect(server, "f", "first_request", "warm", "warm")
        self.assertEqual(self.counters(server), {"first_request": 1, "warm": 2})

    def test_new_version(self):
        server = self.serve()
        server.deploy("f", text_guest("text-one-0001"))
        server.get("f")
        server.deploy("f", text_guest("text-two-0001"))
        answer = server.get("f")
        self.assertEqual((why(answer), answer.headers["x-skerry-version"]), ("new_version", "v2"))
        history = self.expect(server, "f", "first_request", "new_version")
        self.assertEqual([start["version"] for start in history["recent"]], ["v2", "v1"])
        self.assertEqual(self.counters(server), {"first_request": 1, "new_version": 1})

    def test_pool_empty(self):
        server = self.serve("limits: { fuel: 200M }\n")
        server.deploy("loop", guest("loop"))
        # Each runs for a good part of a second, so the second finds the first's isolate in use.
        answers = in_parallel(2, lambda _: server.get("loop"))
        self.assertEqual({a.status for a in answers}, {500})
        self.assertEqual(sorted(why(a) for a in answers), ["first_request", "pool_empty"])
        self.assertEqual(self.counters(server), {"first_request": 1, "pool_empty": 1})

    def test_evicted(self):
        server = self.serve(pool=", per_function: 1, total: 1")
        for name in ("one", "two"):
            server.deploy(name, text_guest(f"text-{name}-0002"))
        self.assertEqual([why(server.get(name)) for name in ("one", "two", "one")],
                         ["first_request", "first_request", "evicted"])
        self.expect(server, "one", "first_request", "evicted")
        self.expect(server, "two", "first_request")

    def test_evicted_for_want_of_use(self):
        server = self.serve(pool=", idle: 1ms")
        server.deploy("f", text_guest("text-idle-001"))
        server.get("f")

        def swept():
            metrics = server.admin("GET", "/metrics").text
            return 'skerry_pool_evicted_total{worker="0"} 1\n' in metrics
        wait_until(swept, 5, "the sweep")
        self.assertEqual(why(server.get("f")), "evicted")
        self.expect(server, "f", "first_request", "evicted")

    def test_restart(self):
        server = self.serve()
        server.deploy("f", text_guest("text-again-01"))
        server.get("f")
        # The line comes after the answer; a worker that is killed in between writes none.
        wait_until(lambda: self.logged(server, "f"), 5, "the access log")
        victim, = server.worker_pids()
        os.kill(victim, signal.SIGKILL)
        wait_until(lambda: server.worker_pids() not in ([], [victim]), 5, "a new worker")
        self.assertEqual([why(server.get("f")) for _ in range(2)], ["restart", "warm"])
        # What was deployed since is none of the restart's.
        server.deploy("g", text_guest("text-since-01"))
        self.assertEqual(why(server.get("g")), "first_request")
        self.expect(server, "f", "first_request", "restart", "warm")
        self.expect(server, "g", "first_request")
        server.stop()
        server.start()
        self.assertEqual(why(server.get("g")), "restart")

    def test_discarded(self):
        # The second request waits for the first one's permit, and gets it with no turn in between
        # in which the worker could have replaced what the first one lost. It has to come before
        # the first one ends, which native code makes short.
        server = self.serve("limits: { fuel: 1G, concurrency: 1, queue_wait: 60s }\n")
        server.deploy("loop", guest("loop"))
        answers = in_parallel(2, lambda _: server.get("loop"))
        self.assertEqual(sorted(why(a) for a in answers), ["discarded", "first_request"])
        history = self.expect(server, "loop", "first_request", "discarded")
        waited, first = (start["phases_us"] for start in history["recent"])
        self.assertGreater(waited["queue"], first["run"] / 2)

    # -- the phases --

    def test_the_phases_of_a_cold_start_are_told_alike_everywhere(self):
        server = self.serve()
        server.deploy("f", text_guest("text-phase-01"))
        answer = server.get("f")
        timing = timing_of(answer)
        # What ran is called `exec` there.
        told = {p: timing["exec" if p == "run" else p][0] * 1000 for p in PHASES}
        history = self.expect(server, "f", "first_request")
        phases = history["recent"][0]["phases_us"]
        line, = self.logged(server, "f")
        self.assertEqual(list(phases), PHASES)
        self.assertEqual(list(history["phases"]), PHASES)
        for phase in PHASES:
            self.assertEqual(told[phase], int(phases[phase]), phase)
            self.assertEqual(line[f"{phase}_us"], int(phases[phase]), phase)
            row = history["phases"][phase]
            self.assertEqual((row["count"], row["sum_us"], row["max_us"]),
                             (1, phases[phase], phases[phase]))
            self.assertEqual((sum(row["buckets"]), len(row["buckets"])),
                             (1, len(history["bucket_le_us"]) + 1))
        # A function that is known is not looked up.
        for phase in ("load", "map", "restore", "run"):
            self.assertGreater(phases[phase], 0, phase)
        text = server.admin("GET", "/metrics").text
        for phase in PHASES:
            labels = f'worker="0",start="cold",phase="{phase}"'
            self.assertIn(f"skerry_start_phase_seconds_count{{{labels}}} 1\n", text)
            seconds = float(re.search(
                rf"skerry_start_phase_seconds_sum{{{labels}}} (\S+)", text)[1])
            self.assertAlmostEqual(seconds * 1e6, phases[phase], places=2)

    def test_a_second_isolate_of_a_mapped_artifact_loads_nothing(self):
        server = self.serve("limits: { fuel: 200M }\n")
        server.deploy("loop", guest("loop"))
        in_parallel(2, lambda _: server.get("loop"))
        recent = wait_until(lambda: len(found := self.starts(server, "loop")["recent"]) == 2
                            and found, 5, "both starts")
        loads = {start["reason"]: start["phases_us"]["load"] for start in recent}
        self.assertGreater(loads["first_request"], 0)
        self.assertEqual(loads["pool_empty"], 0)

    def test_what_a_guest_sleeps_is_no_waiting_of_its_request(self):
        server = self.serve()
        module = harness.wat((harness.GUESTS / "hostapi_sleep.wat").read_text())
        server.deploy("sleeps", module)
        began = time.monotonic()
        answer = server.get("sleeps")
        self.assertGreater(time.monotonic() - began, 0.9)
        line = wait_until(lambda: self.logged(server, "sleeps"), 5, "the access log")[0]
        self.assertLess(line["queue_us"], 100_000 * harness.PATIENCE, answer)

    # -- the history --

    def test_a_function_nobody_called_has_an_empty_history(self):
        server = self.serve()
        server.deploy("quiet", text_guest("text-quiet-01"))
        history = self.starts(server, "quiet")
        self.assertEqual((history["since"], history["warm"], history["cold"], history["recent"]),
                         (None, 0, 0, []))
        self.assertEqual(set(history["reasons"].values()), {0})
        self.assertEqual(list(history["phases"]), PHASES)
        said = server.cli("starts", "quiet", check=0).stdout
        self.assertIn("quiet: 0 warm and 0 cold starts", said)

    def test_who_is_not_there_has_none(self):
        server = self.serve()
        answer = server.admin("GET", "/v1/tenants/default/functions/nobody/starts")
        self.assertEqual((answer.status, answer.json["code"]), (404, "not_found"))
        self.assertEqual(server.cli("starts", "nobody").returncode, 5)

    def test_a_function_made_anew_has_none_of_its_predecessors(self):
        server = self.serve()
        server.deploy("phoenix", text_guest("text-old-0001"))
        server.get("phoenix")
        self.expect(server, "phoenix", "first_request")
        server.cli("rm", "phoenix", "--yes", check=0)
        server.deploy("phoenix", text_guest("text-new-0001"))
        self.assertEqual(self.starts(server, "phoenix")["cold"], 0)
        server.get("phoenix")
        wait_until(lambda: self.starts(server, "phoenix")["cold"] == 1, 5, "its own start")

    def test_tenants_have_histories_of_their_own(self):
        server = self.serve()
        for tenant, count in (("left", 1), ("right", 3)):
            server.deploy("f", text_guest("text-whose-01"), tenant=tenant)
            for _ in range(count):
                server.get("f", tenant=tenant)
        for tenant, warm in (("left", 0), ("right", 2)):
            wait_until(lambda t=tenant, w=warm: self.starts(server, "f", t)["warm"] == w, 5,
                       f"{warm} warm starts")
            self.assertEqual(self.starts(server, "f", tenant)["cold"], 1)

    def test_more_functions_than_are_remembered_are_counted(self):
        server = self.serve("starts: { functions: 2 }\n")
        for name in ("one", "two", "three"):
            server.deploy(name, text_guest("text-many-001"))
            server.get(name)
            self.assertEqual(self.starts(server, name)["cold"], 1)
        self.assertEqual(self.starts(server, "one")["cold"], 0)
        metrics = server.admin("GET", "/metrics").text
        self.assertIn("\nskerry_start_histories 2\n", metrics)
        self.assertIn("\nskerry_start_histories_forgotten_total 1\n", metrics)
        self.assertIn("\nskerry_start_records_refused_total 0\n", metrics)
        self.assertIn('\nskerry_function_starts_total{tenant="default",function="three",'
                      'reason="first_request"} 1\n', metrics)
        self.assertNotIn('skerry_function_starts_total{tenant="default",function="one"', metrics)
        self.assertIn("\nskerry_function_metrics_left_out 0\n", metrics)

    def test_the_command_line_shows_reasons_and_phases(self):
        server = self.serve()
        server.deploy("shown", text_guest("text-shown-02"), tenant="acme")
        server.get("shown", tenant="acme")
        said = server.cli("starts", "shown", "-t", "acme", check=0).stdout
        self.assertIn("shown: 0 warm and 1 cold starts since 20", said)
        self.assertRegex(said, r"first_request +1\n")
        for phase in PHASES:
            self.assertRegex(said, rf"(?m)^{phase} +\d+\.\d +\d")
        self.assertIn("next: skerry show shown -t acme", said)
        done = server.cli("starts", "shown", "-t", "acme", "--json", check=0)
        self.assertEqual(json.loads(done.stdout)["reasons"]["first_request"], 1)
