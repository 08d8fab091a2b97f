# SPDX-License-Identifier: Apache-2.0
"""The door for uploads: what is wrong is refused with its reason, and nothing of it stays."""
import json
import os
import random
import re
import unittest

import harness
from harness import Server, ServerTest, guest, text_guest, wait_until, write_guest


class Refused(ServerTest):
    config = "limits: { module: 64KiB, build_wall: 5s, init_fuel: 10M }\n"

    def refuse(self, module, status=422, words=()):
        """Refused as a new function and as a new version of one that works."""
        before = self.server.functions()
        answer = self.server.put("bad", module)
        self.problem(answer, status)
        for word in words:
            self.assertIn(word, answer.text.lower())
        self.assertEqual(self.server.functions(), before)
        self.assertEqual(self.server.get("bad").status, 404)

        self.server.deploy("good", text_guest("text-good-001"))
        self.problem(self.server.put("good", module), status)
        self.assertEqual(self.server.get("good").text, "text-good-001")
        return answer

    def test_empty(self):
        self.refuse(b"")

    def test_bytes_that_are_no_wasm(self):
        self.refuse(b"#!/bin/sh\necho hello\n", words=["magic"])
        self.refuse(b"\x7fELF" + b"\0" * 100, words=["magic"])

    def test_another_version_of_the_format(self):
        module = bytearray(guest("text"))
        module[4] = 2
        self.refuse(bytes(module), words=["version"])

    def test_a_module_cut_anywhere_names_the_offset(self):
        module = guest("echo")
        step = max(1, len(module) // 25)
        for cut in list(range(1, len(module), step)) + [len(module) - 1]:
            answer = self.server.put("bad", module[:cut])
            self.problem(answer, 422)
            self.assertIn("offset", answer.text)
        self.assertNotIn("bad", self.server.functions())
        self.refuse(module[:-1], words=["offset"])

    def test_mutated_modules_are_refused_or_work_but_never_break_anything(self):
        dice = random.Random(20)
        module = guest("counter")
        refused = 0
        for _ in range(60 if harness.SANITIZED else 150):
            mutant = bytearray(module)
            for _ in range(dice.randint(1, 3)):
                mutant[dice.randrange(8, len(mutant))] = dice.randrange(256)
            answer = self.server.put("mutant", bytes(mutant))
            self.assertIn(answer.status, (200, 201, 422), answer)
            if answer.status == 422:
                self.problem(answer, 422)
                refused += 1
            else:
                self.assertLess(self.server.get("mutant").status, 600)
        self.assertGreater(refused, 20)
        self.server.deploy("good", text_guest("text-good-002"))
        self.assertEqual(self.server.get("good").text, "text-good-002")

    def test_oversized(self):
        module = guest("text")
        padding = 64 * 1024
        custom = b"\x04name" + b"\0" * padding
        size = len(custom)
        leb = bytes([size & 0x7f | 0x80, size >> 7 & 0x7f | 0x80, size >> 14])
        self.refuse(module + b"\0" + leb + custom, status=413)

    def test_a_module_of_no_known_kind_is_refused_with_the_list(self):
        self.refuse(guest("plain"), words=["http-wasm", "wagi"])

    def test_an_initialiser_that_traps(self):
        self.refuse(guest("init_trap"), words=["unreachable"])

    def test_an_initialiser_that_would_freeze_random_bytes(self):
        init = '(func (export "skerry_init")'
        text = (harness.GUESTS / "e2e_own_init.wat").read_text()
        self.assertIn(init, text)
        call = " (drop (call $random (i32.const 0) (i32.const 8)))"
        self.refuse(harness.wat(text.replace(init, init + call)), words=["random_get"])

    # What is not the same for every request: the call, and the word that names it.
    OUTSIDE = {
        "clock_time_get": ("i32 i64 i32", "clock_time_get"),
        "random_get": ("i32 i32", "random_get"),
        "poll_oneoff": ("i32 i32 i32 i32", "poll_oneoff"),
        "args_sizes_get": ("i32 i32", "args_sizes_get"),
        "args_get": ("i32 i32", "args_get"),
        "environ_sizes_get": ("i32 i32", "environ_sizes_get"),
        "environ_get": ("i32 i32", "environ_get"),
        "sock_accept": ("i32 i32 i32", "a function of the network"),
        "sock_recv": ("i32 i32 i32 i32 i32 i32", "a function of the network"),
        "sock_send": ("i32 i32 i32 i32 i32", "a function of the network"),
        "sock_shutdown": ("i32 i32", "a function of the network"),
    }

    def test_an_initialiser_that_asks_the_outside_world_is_told_what_and_why(self):
        for name, (types, word) in self.OUTSIDE.items():
            constants = " ".join(f"({t}.const 0)" for t in types.split())
            call = f"(drop (call $outside {constants}))"

            def command(initialiser, name=name, types=types):
                return harness.wat(
                    f'(module (import "wasi_snapshot_preview1" "{name}" '
                    f'(func $outside (param {types}) (result i32))) '
                    f'(memory (export "memory") 1) (func (export "_start")) '
                    f'(func (export "wizer.initialize") {initialiser}))')
            answer = self.server.put("bad", command(call))
            self.problem(answer, 422)
            self.assertIn(f"{word} was called while the snapshot is made: its answer would be the "
                          "same for every request", answer.json["detail"])
            # To import it is no fault.
            self.assertEqual(self.server.put("good", command("")).status, 201, name)

    def test_an_initialiser_that_never_ends(self):
        self.refuse(guest("init_loop"))

    def test_an_import_that_is_no_function(self):
        module = harness.wat('(module (import "http_handler" "write_body" '
                             '(func (param i32 i32 i32))) (import "env" "memory" (memory 1)) '
                             '(func (export "handle_request") (result i64) (i64.const 0)) '
                             '(func (export "handle_response") (param i32 i32)))')
        self.refuse(module, words=["memory"])

    def test_names_that_are_none(self):
        for name in ("Upper", "under_score", "-dash", "dash-", "dot.ted", "x" * 64, "%20", "a%2fb"):
            answer = self.server.put(name, guest("text"))
            self.assertIn(answer.status, (400, 404, 422), (name, answer))
            answer = self.server.put("fine", guest("text"), tenant=name)
            self.assertIn(answer.status, (400, 404, 422), (name, answer))


class Api(ServerTest):
    def test_unknown_targets_are_404_and_wrong_methods_405(self):
        admin = self.server.admin
        self.problem(admin("GET", "/v1/nothing"), 404)
        self.problem(admin("GET", "/"), 404)
        self.problem(admin("GET", "/v1/tenants/default/functions/nobody"), 404)
        self.problem(admin("DELETE", "/v1/tenants/default/functions/nobody"), 404)
        self.problem(admin("POST", "/v1/tenants/default/functions/nobody"), 405)

    def test_show_tells_what_was_deployed(self):
        deployed = self.server.deploy("shown", text_guest("text-shown-01")).json
        shown = self.server.admin("GET", "/v1/tenants/default/functions/shown")
        self.assertEqual(shown.status, 200, shown)
        self.assertIn(deployed["sha256"], shown.text)
        self.assertIn("http-wasm", shown.text)

    def test_versions_count_up(self):
        for i in range(1, 4):
            answer = self.server.deploy("counted", text_guest(f"text-{i:08d}"))
            self.assertEqual(answer.json["version"], f"v{i}")
            self.assertEqual(self.server.get("counted").headers["x-skerry-version"], f"v{i}")

    def test_health_readiness_and_metrics_answer(self):
        self.assertEqual(self.server.admin("GET", "/healthz").status, 200)
        self.assertEqual(self.server.admin("GET", "/readyz").status, 200)
        metrics = self.server.admin("GET", "/metrics")
        self.assertEqual(metrics.status, 200)
        self.assertRegex(metrics.text, r"(?m)^skerry_\w+(\{.*\})? \d")

    def test_a_deploy_beside_another_waits_its_turn_and_both_succeed(self):
        def put(i):
            return self.server.put(f"many-{i}", text_guest(f"text-{i:08d}")).status
        self.assertEqual(harness.in_parallel(8, put), [201] * 8)
        for i in range(8):
            self.assertEqual(self.server.get(f"many-{i}").text, f"text-{i:08d}")

    def importing(self, import_text):
        return harness.wat(
            f'(module (import {import_text}) (memory (export "memory") 1) '
            '(func (export "handle_request") (result i64) (i64.const 0)) '
            '(func (export "handle_response") (param i32 i32)))')

    def test_a_foreign_import_is_refused_with_its_family_unless_it_may_be_missing(self):
        answer = self.server.put("warned", guest("missing"))
        detail = self.problem(answer, 422, "foreign_import")
        self.assertIn("`nowhere.to_be_found`", detail["detail"])
        self.assertIn("allow_missing", detail["hint"])
        suborbital = self.importing('"env" "return_result" (func (param i32 i32 i32))')
        detail = self.problem(self.server.put("sub", suborbital), 422, "foreign_import")
        self.assertIn("Suborbital", detail["detail"])

        answer = self.server.put("warned", guest("missing"), query="?allow_missing=1")
        self.assertEqual(answer.status, 201, answer)
        self.assertTrue(any("to_be_found" in w for w in answer.json["warnings"]), answer)
        self.assertTrue(answer.json["allow_missing"])

        # An ABI's func with another type is not provided either.
        other = self.importing('"http_handler" "write_body" (func (param i64))')
        detail = self.problem(self.server.put("other", other), 422, "foreign_import")["detail"]
        self.assertIn("must be [i32 i32 i32] -> [], and is [i64] -> []", detail)
        other = self.server.put("other", other, query="?allow_missing=1").json
        self.assertTrue(any("write_body" in w for w in other["warnings"]), other)

    def test_a_func_that_a_known_family_lacks_is_a_warning(self):
        module = self.importing('"http_handler" "get_weather" (func)')
        detail = self.problem(self.server.put("lacks", module, query="?strict=1"), 422,
                              "foreign_import")["detail"]
        self.assertIn("`http_handler.get_weather`", detail)
        answer = self.server.put("lacks", module, query="?strict=1&allow_missing=1")
        self.assertIn("exclude each other", self.problem(answer, 400, "bad_query")["detail"])
        answer = self.server.put("lacks", module)
        self.assertEqual(answer.status, 201, answer)
        self.assertTrue(any("get_weather" in w for w in answer.json["warnings"]), answer)

    def test_no_warning_where_all_is_there(self):
        calm = self.server.deploy("calm", guest("text")).json
        self.assertEqual(calm.get("warnings", []), [])


class CommandLine(ServerTest):
    def test_a_refused_upload_is_one_line_and_status_1(self):
        done = self.server.cli("deploy", write_guest("cut", guest("text")[:50]), "-n", "cut")
        self.assertEqual(done.returncode, 1, done)
        self.assertIn("offset", done.stderr)
        self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)

    def test_a_file_that_is_not_there(self):
        done = self.server.cli("deploy", "/nowhere/at/all.wasm", "-n", "x")
        self.assertEqual(done.returncode, 5, done)
        self.assertIn("/nowhere/at/all.wasm", done.stderr)

    def test_wrong_usage_is_status_2(self):
        for arguments in (["deploy"], ["deploy", "--no-such-flag", "x"], ["rm"]):
            self.assertEqual(self.server.cli(*arguments).returncode, 2, arguments)

    def test_json_output_is_json(self):
        module = write_guest("json", text_guest("text-json-001"))
        answer = json.loads(self.server.cli("deploy", module, "-n", "json", "--json",
                                            check=0).stdout)
        self.assertEqual(answer["version"], "v1")

    def test_removing_without_a_terminal_wants_yes(self):
        self.server.deploy("careful", text_guest("text-careful1"))
        done = self.server.cli("rm", "careful")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("--yes", done.stderr)
        self.assertEqual(self.server.get("careful").status, 200)

    def test_a_tenant_is_chosen_by_flag(self):
        module = write_guest("tenant", text_guest("text-tenant01"))
        self.server.cli("deploy", module, "-n", "mine", "-t", "acme", check=0)
        self.assertEqual(self.server.get("mine", tenant="acme").text, "text-tenant01")
        self.assertIn("mine", self.server.cli("list", "-t", "acme", check=0).stdout)


class Prewarm(unittest.TestCase):
    """The first request after a deploy need not wait for its isolate."""

    def number(self, server, family):
        """The sum of a family's rows."""
        rows = re.findall(rf"^{re.escape(family)}(?:{{.*}})? (\d+)$",
                          server.admin("GET", "/metrics").text, re.MULTILINE)
        return sum(map(int, rows))

    def prepared(self, server, count):
        # Gauges and the pool's counters are copied out about once a second.
        wait_until(lambda: self.number(server, "skerry_pool_prepared_total") == count, 10,
                   f"{count} isolates made ahead")

    @staticmethod
    def reason(answer):
        timing = answer.headers["server-timing"]
        return re.search(r'start;(?:[^,]*;)?desc="(?:cold:)?(\w+)', timing)[1]

    def test_the_first_request_after_a_deploy_a_rollback_and_a_new_version_is_warm(self):
        with Server(workers=1) as server:
            for count, text in enumerate(("text-ahead-01", "text-ahead-02"), 1):
                server.deploy("text", text_guest(text))
                self.prepared(server, count)
                answer = server.get("text")
                self.assertEqual((answer.text, self.reason(answer)), (text, "warm"))
            server.cli("rollback", "text", check=0)
            self.prepared(server, 3)
            answer = server.get("text")
            self.assertEqual((answer.text, self.reason(answer)), ("text-ahead-01", "warm"))

    def test_a_function_that_nobody_calls_is_given_back(self):
        with Server(workers=2, config="pool: { prewarm: 100ms }\n") as server:
            server.deploy("text", text_guest("text-ahead-03"))
            self.prepared(server, 2)    # one in each worker
            wait_until(lambda: self.number(server, "skerry_pool_functions") == 0
                       and self.number(server, "skerry_pool_warm") == 0, 10,
                       "the pools to be empty")
            answer = server.get("text")
            self.assertEqual((answer.text, self.reason(answer)),
                             ("text-ahead-03", "first_request"))

    def test_a_removed_function_leaves_the_pool_at_once(self):
        with Server(workers=1) as server:
            server.deploy("text", text_guest("text-ahead-04"))
            self.prepared(server, 1)
            self.assertEqual(server.get("text").status, 200)
            server.cli("rm", "text", "--yes", check=0)
            wait_until(lambda: self.number(server, "skerry_pool_functions") == 0, 5,
                       "the pool to forget it")
            self.assertEqual(server.get("text").status, 404)

    def test_nothing_is_made_ahead_after_a_restart_or_when_it_is_switched_off(self):
        server = Server(workers=1, config="pool: { prewarm: 0s }\n")
        with server:
            server.deploy("text", text_guest("text-ahead-05"))
            answer = server.get("text")
            self.assertEqual((answer.text, self.reason(answer)),
                             ("text-ahead-05", "first_request"))
        with server:
            answer = server.get("text")
            self.assertEqual((answer.text, self.reason(answer)), ("text-ahead-05", "restart"))
            self.assertEqual(self.number(server, "skerry_pool_prepared_total"), 0)


class KeptMemory(ServerTest):
    workers = 1

    def answers(self, name, count):
        return "".join(self.server.get(name).text for _ in range(count))

    def test_a_function_keeps_its_memory_for_as_many_requests_as_it_chose(self):
        module = write_guest("count", guest("count"))
        self.server.cli("deploy", module, check=0)
        self.assertEqual(self.answers("count", 4), "1111")
        out = self.server.cli("deploy", module, "--reuse", "3", check=0).stdout
        self.assertIn("deployed count v2", out)
        self.assertEqual(self.answers("count", 8), "12312312")
        self.assertIn("reuse     memory is kept for 3 requests or 1h",
                      self.server.cli("show", "count", check=0).stdout)
        # Another choice is another version, and finds nothing of the one before.
        self.server.cli("deploy", module, "--reuse", "4", check=0)
        self.assertEqual(self.answers("count", 5), "12341")
        self.server.cli("rollback", "count", check=0)
        self.assertEqual(self.answers("count", 4), "1231")
        self.server.cli("rollback", "count", "v1", check=0)
        self.assertEqual(self.answers("count", 3), "111")

    def test_deterministic_code_is_a_version_with_canonical_nans(self):
        canonical = (0x7ff8000000000000).to_bytes(8, "little") * 2
        module = write_guest("nan", guest("nan"))
        self.server.cli("deploy", module, check=0)
        self.assertNotEqual(self.server.get("nan").body, canonical)
        out = self.server.cli("deploy", module, "--deterministic", check=0).stdout
        self.assertIn("deployed nan v2", out)
        self.assertEqual(self.server.get("nan").body, canonical)
        self.assertIn("choice    deterministic", self.server.cli("show", "nan", check=0).stdout)
        out = self.server.cli("deploy", module, "--deterministic", check=0).stdout
        self.assertNotIn("deployed nan v3", out)
        # An artifact that is gone is built again as it was.
        for artifact in (self.server.data / "artifacts").glob("*.art"):
            artifact.unlink()
        self.server.stop()
        self.server.start()
        self.assertEqual(self.server.get("nan").body, canonical)
        self.server.cli("rollback", "nan", check=0)
        self.assertNotEqual(self.server.get("nan").body, canonical)

    def test_a_removed_functions_memory_is_not_found_by_its_successor(self):
        query = "?reuse_requests=9"
        for _ in range(2):
            self.assertEqual(self.server.put("again", guest("count"), query=query).status, 201)
            self.assertEqual(self.answers("again", 3), "123")
            self.server.cli("rm", "again", "--yes", check=0)

    def test_a_fault_ends_what_was_kept(self):
        self.server.put("fragile", guest("count"), query="?reuse_for=1h")
        self.assertEqual(self.answers("fragile", 3), "123")
        self.problem(self.server.get("fragile", "/trap"), 500, "trap")
        self.assertEqual(self.answers("fragile", 3), "123")

    def test_memory_is_kept_for_a_time(self):
        self.server.put("timed", guest("count"), query="?reuse_for=2s")
        self.assertEqual(self.answers("timed", 2), "12")
        harness.wait_until(lambda: self.server.get("timed").text == "1", 5, "a pristine isolate")

    def test_a_command_cannot_keep_its_memory(self):
        answer = self.server.put("command", guest("wagi"), query="?reuse_requests=2")
        self.problem(answer, 422, "reuse_unsupported")
        self.assertEqual(self.server.get("command").status, 404)


class WrongStart(unittest.TestCase):
    def test_serve_names_the_unknown_key_and_the_nearest(self):
        server = harness.Server(config="limits: { feul: 1M }\n")
        done = server.cli("serve", *server.arguments)
        self.assertEqual(done.returncode, 3, done)
        self.assertIn("feul", done.stderr)
        self.assertIn("fuel", done.stderr)
        self.assertIn("skerry.yaml", done.stderr)

    def test_serve_refuses_an_address_that_is_none(self):
        server = harness.Server()
        done = server.cli("serve", "--data", str(server.data), "--listen", "nonsense")
        self.assertIn(done.returncode, (2, 3), done)
        self.assertFalse(os.path.exists(server.data / "store"))
