# SPDX-License-Identifier: Apache-2.0
"""Every limit bites where it should, says its name, and costs the neighbours nothing."""
import http.client
import os
import pathlib
import re
import resource
import statistics
import time

import harness
from harness import Load, ServerTest, guest, text_guest, wait_until


class Fuel(ServerTest):
    config = "limits: { fuel: 5M, wall: 60s }\n"

    def test_an_endless_loop_ends_when_its_fuel_is_spent(self):
        self.server.deploy("loop", guest("loop"))
        for _ in range(5):
            detail = self.problem(self.server.get("loop"), 500, "fuel_exhausted")
            self.assertNotIn("secret", str(detail))

    def test_a_function_that_ran_out_serves_its_next_request_from_a_new_isolate(self):
        self.server.deploy("grow", guest("grow"))
        self.server.deploy("loop", guest("loop"))
        self.server.get("loop")
        self.assertEqual(self.server.get("grow").status, 200)


class Wall(ServerTest):
    config = "limits: { fuel: 1000G, wall: 300ms }\n"

    def test_a_request_past_its_deadline_is_504(self):
        self.server.deploy("loop", guest("loop"))
        started = time.monotonic()
        self.problem(self.server.get("loop"), 504, "deadline")
        elapsed = time.monotonic() - started
        self.assertGreater(elapsed, 0.25)
        self.assertLess(elapsed, 2 * harness.PATIENCE)


class Memory(ServerTest):
    config = "limits: { memory: 4MiB, response: 1MiB }\n"

    def test_growth_stops_at_the_limit(self):
        self.server.deploy("grow", guest("grow"))
        for _ in range(20):
            answer = self.server.get("grow")
            self.assertEqual((answer.status, answer.text), (200, "00064\n"))

    def test_a_guest_that_cannot_go_on_without_memory_says_so(self):
        module = harness.wat('(module (import "http_handler" "write_body" '
                             '(func (param i32 i32 i32))) (memory (export "memory") 1) '
                             '(func (export "handle_request") (result i64) '
                             '(if (i32.eq (memory.grow (i32.const 64)) (i32.const -1)) '
                             '(then unreachable)) (i64.const 0)) '
                             '(func (export "handle_response") (param i32 i32)))')
        self.server.deploy("hungry", module)
        for _ in range(3):
            self.problem(self.server.get("hungry"), 500, "memory_exhausted")

    def test_a_module_that_needs_more_than_the_limit_is_refused(self):
        module = harness.wat('(module (import "http_handler" "write_body" '
                             '(func (param i32 i32 i32))) (memory (export "memory") 65) '
                             '(func (export "handle_request") (result i64) (i64.const 0)) '
                             '(func (export "handle_response") (param i32 i32)))')
        answer = self.server.put("greedy", module)
        self.problem(answer, 422)
        self.assertNotIn("greedy", self.server.functions())

    def test_an_answer_over_the_limit_is_the_guests_fault(self):
        self.server.deploy("big", guest("big"))
        self.assertEqual(self.server.get("big", "/1024").status, 200)
        # The head was out long before: what the client gets is not whole, and it can see that.
        with self.assertRaises(http.client.IncompleteRead):
            self.server.get("big", "/1025")
        self.assertEqual(self.server.get("big", "/1").status, 200)


def leb(value):
    """A signed number, as constants have it."""
    out = bytearray()
    while True:
        byte, value = value & 0x7f, value >> 7
        if value == -(byte >> 6):
            return bytes(out) + bytes([byte])
        out.append(byte | 0x80)


class Objects(ServerTest):
    """Objects on the heap count like memory: bounded, named, and gone after the request."""
    config = "limits: { fuel: 10G, heap: 16MiB, memory: 1MiB, table: 1000, wall: 60s }\n"
    workers = 1
    HEAP_MIB = 16 * 5 // 4      # with what the collector needs to mark
    # Types: 0 list node, 1 bytes, 2 array of nodes, 3 ... functions. Global 0: the list.
    NODE, BYTES, NODES = b"\x00", b"\x01", b"\x02"
    LIST = b"\x23\x00"
    NEW, NEW_ARRAY, NEW_BYTES = b"\xfb\x00\x00", b"\xfb\x07", b"\xfb\x06\x01"
    AGAIN = b"\x0c\x00\x0b"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server.deploy("text", text_guest("text-objects1"), tenant="other")

    @staticmethod
    def module(body, nodes=b"\xd0\x02"):
        """An http-wasm handler of this body, with a global array of nodes that starts as
        `nodes` (the assembler here knows no objects)."""
        def sized(data):
            return len(data).to_bytes(1, "little") if len(data) < 128 else \
                bytes([len(data) & 0x7f | 0x80, len(data) >> 7])

        def section(number, count, data):
            data = bytes([count]) + data
            return bytes([number]) + sized(data) + data

        def name(text):
            return bytes([len(text)]) + text.encode()

        code = b"\x00" + body + b"\x42\x00\x0b"
        return (b"\0asm\1\0\0\0" +
                section(1, 6, bytes.fromhex("5f026300017e01" "5e7801" "5e630001" "6000017e"
                                            "60027f7f00" "60037f7f7f00")) +
                section(2, 1, name("http_handler") + name("write_body") + b"\x00\x05") +
                section(3, 2, b"\x03\x04") + section(4, 1, b"\x6e\x00\x01") +
                section(5, 1, b"\x00\x01") +
                section(6, 2, b"\x63\x00\x01\xd0\x00\x0b\x63\x02\x00" + nodes + b"\x0b") +
                section(7, 3, name("memory") + b"\x02\x00" + name("handle_request") + b"\x00\x01" +
                        name("handle_response") + b"\x00\x02") +
                section(10, 2, sized(code) + code + b"\x02\x00\x0b"))

    def memory_mib(self, key):
        worker, = self.server.worker_pids()
        return harness.memory_mib(worker, key)

    def neighbour(self):
        started = time.monotonic()
        text = self.server.get("text", tenant="other").text
        return text, time.monotonic() - started

    def does(self, name, body, code):
        self.server.deploy(name, self.module(body))
        workers = self.server.worker_pids()
        pathlib.Path(f"/proc/{workers[0]}/clear_refs").write_text("5")     # VmHWM from here on
        before = self.memory_mib("VmRSS")
        for _ in range(4):
            with Load(1, self.neighbour) as other:
                answer = self.server.get(name)
            if code is None:
                self.assertEqual(answer.status, 200)
            else:
                self.problem(answer, 500, code)
            self.assertEqual(other.failures, [])
            self.assertEqual({text for _, (text, _) in other.results}, {"text-objects1"})
            latencies = [seconds for _, (_, seconds) in other.results]
            self.assertLess(max(latencies), 0.25 * harness.PATIENCE)
        self.assertEqual(self.server.worker_pids(), workers)
        if not harness.SANITIZED:
            self.assertLess(self.memory_mib("VmHWM") - before, self.HEAP_MIB + 8)
            harness.wait_until(lambda: self.memory_mib("VmRSS") < before + 4, 5,
                               f"what {name} took is given back; it was {before} MiB before")
        return answer

    def test_an_array_larger_than_the_limit_is_refused_at_once(self):
        one = b"\x41" + leb(1 << 30) + self.NEW_ARRAY + self.BYTES + b"\x1a"
        answer = self.does("gib", one, "memory_exhausted")
        self.assertIn("limits.heap", answer.text)

    def test_a_list_without_end_fills_the_heap_and_no_more(self):
        body = b"\x03\x40" + self.LIST + b"\x42\x07" + self.NEW + b"\x24\x00" + self.AGAIN
        answer = self.does("list", body, "memory_exhausted")
        self.assertIn("heap exhausted", answer.text)

    def test_large_arrays_that_nobody_keeps_are_collected(self):
        turn = b"\x41\x05" + b"\x41" + leb(1 << 20) + self.NEW_BYTES + b"\x1a"
        count = b"\x41\x00\x41\x00\x28\x02\x00\x41\x01\x6a\x36\x02\x00" \
                b"\x41\x00\x28\x02\x00\x41" + leb(200) + b"\x48\x0d\x00\x0b"
        self.does("garbage", b"\x03\x40" + turn + count, None)

    def test_a_module_that_fills_the_heap_when_it_starts_is_refused(self):
        nodes = b"\x41" + leb(1 << 20) + b"\xfb\x07\x02"
        self.server.deploy("mib", self.module(b"", nodes))
        self.assertEqual(self.server.get("mib").status, 200)
        nodes = b"\x41" + leb(1 << 27) + b"\xfb\x07\x02"
        answer = self.server.put("full", self.module(b"", nodes))
        self.problem(answer, 422)
        self.assertIn("heap exhausted", answer.text)
        self.assertNotIn("full", self.server.functions())

    def test_a_table_grows_to_its_limit(self):
        body = b"\x03\x40\xd0\x6e\x41" + leb(100) + b"\xfc\x0f\x00\x41\x7f\x47\x0d\x00\x0b" \
               b"\xfc\x10\x00\x41" + leb(901) + b"\x47\x04\x40\x00\x0b"
        self.does("table", body, None)


class Traps(ServerTest):
    WORDING = {
        "u": "unreachable",
        "o": "out of bounds memory access",
        "d": "integer divide by zero",
        "s": "call stack exhausted",
        "i": "undefined element",
        "n": "uninitialized element",
    }

    def test_each_trap_is_500_with_its_wording_and_nothing_of_the_guest(self):
        self.server.deploy("traps", guest("trap"))
        for letter, wording in self.WORDING.items():
            answer = self.server.get("traps", f"/{letter}")
            self.problem(answer, 500, "trap")
            self.assertIn(wording, answer.text)
            self.assertNotIn("secret", answer.text)
        self.problem(self.server.get("traps", "/h"), 500)
        self.assertEqual(self.server.get("traps", "/x").text, "fine\n")

    def test_a_missing_import_traps_by_name_only_when_it_is_called(self):
        answer = self.server.put("missing", guest("missing"), query="?allow_missing=1")
        self.assertEqual(answer.status, 201, answer)
        self.assertIn("nowhere", answer.text)
        self.assertIn("to_be_found", answer.text)
        self.assertEqual(self.server.get("missing", "/x").text, "fine\n")
        called = self.server.get("missing", "/c")
        self.problem(called, 500, "trap")
        self.assertIn("to_be_found", called.text)


class Worst(ServerTest):
    """A guest that does its worst: a bounded cost, a named reason, and nothing left of it."""
    config = "limits: { fuel: 20M, memory: 8MiB, wall: 5s }\npool: { prewarm: 0s }\n"
    workers = 1     # so that the next request meets what the last one left

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server.deploy("worst", guest("worst"))
        cls.server.deploy("text", text_guest("text-worst-01"))
        cls.worker = cls.server.worker_pids()

    def does(self, letter, status, code=None):
        for _ in range(3):
            started = time.monotonic()
            answer = self.server.get("worst", f"/{letter}")
            self.assertLess(time.monotonic() - started, 2 * harness.PATIENCE)
            if code is None:
                self.assertEqual((answer.status, answer.text), (status, "sorry\n"))
            else:
                self.problem(answer, status, code)
            self.assertEqual(self.server.get("worst", "/c").text, "clean\n")
            self.assertEqual(self.server.get("text").text, "text-worst-01")
        self.assertEqual(self.server.worker_pids(), self.worker)

    def test_it_dirties_all_its_memory(self):
        self.does("d", 200)

    def test_it_grows_to_the_limit(self):
        self.does("g", 200)

    def test_it_recurses(self):
        self.does("r", 500, "trap")

    def test_it_loops(self):
        self.does("l", 500, "fuel_exhausted")

    def test_it_calls_the_host_in_a_storm(self):
        self.does("h", 500, "fuel_exhausted")

    def test_it_sleeps_and_others_are_served_meanwhile(self):
        with Load(4, lambda: self.server.get("worst", "/s").text) as sleepers:
            time.sleep(0.1)
            latencies = []
            for _ in range(20):
                started = time.monotonic()
                self.assertEqual(self.server.get("text").text, "text-worst-01")
                latencies.append(time.monotonic() - started)
        self.assertEqual(sleepers.failures, [])
        self.assertEqual({text for _, text in sleepers.results}, {"sorry\n"})
        self.assertLess(statistics.median(latencies), 0.25 * harness.PATIENCE)
        self.does("s", 200)


class NoRoom(ServerTest):
    """Address space for two more isolates (a limit on mappings ends in the same mmap)."""
    config = "limits: { fuel: 100G, wall: 2s }\npool: { prewarm: 0s }\n"
    workers = 1

    def setUp(self):
        if harness.SANITIZED:
            self.skipTest("sanitizers want terabytes of address space")
        self.server.deploy("loop", guest("loop"))
        self.server.deploy("text", text_guest("text-room-001"))
        self.server.get("text")
        self.worker, = self.server.worker_pids()
        pages = int(pathlib.Path(f"/proc/{self.worker}/statm").read_text().split()[0])
        room = pages * os.sysconf("SC_PAGE_SIZE") + (20 << 30)
        resource.prlimit(self.worker, resource.RLIMIT_AS, (room, resource.RLIM_INFINITY))

    def tearDown(self):
        resource.prlimit(self.worker, resource.RLIMIT_AS,
                         (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    def test_without_room_a_request_is_503_and_the_log_says_what_to_do(self):
        answers = harness.in_parallel(8, lambda _: self.server.get("loop"))
        refused = [answer for answer in answers if answer.status == 503]
        self.assertTrue(refused, answers)
        for answer in refused:
            self.problem(answer, 503, "busy")
            self.assertTrue(answer.headers.get("retry-after"), answer)
        self.assertEqual({a.status for a in answers if a not in refused}, {504})
        log = self.server.log()
        self.assertIn('"event":"start_failed"', log)
        self.assertIn("vm.max_map_count", log)
        self.assertLess(log.count('"event":"start_failed"'), len(refused) + 1)
        self.assertEqual(self.server.get("text").text, "text-room-001")
        self.assertEqual(self.server.worker_pids(), [self.worker])

    def test_idle_isolates_give_way_to_a_request_that_needs_their_room(self):
        for _ in range(2):
            for number in range(6):
                name, text = f"room-{number}", f"text-room-{number:03d}"
                if name not in self.server.functions():
                    self.server.deploy(name, text_guest(text))
                answer = self.server.get(name)
                self.assertEqual((answer.status, answer.text), (200, text))
        self.assertEqual(self.server.worker_pids(), [self.worker])


class Neighbours(ServerTest):
    config = "limits: { fuel: 1000G, wall: 3s }\n"

    def test_twenty_endless_loops_do_not_stop_another_tenants_function(self):
        self.server.deploy("loop", guest("loop"), tenant="rude")
        self.server.deploy("text", text_guest("text-polite-1"), tenant="polite")

        latencies = []
        with Load(20, lambda: self.server.get("loop", tenant="rude").status) as rude:
            time.sleep(0.5)
            deadline = time.monotonic() + 4
            while time.monotonic() < deadline:
                started = time.monotonic()
                answer = self.server.get("text", tenant="polite")
                latencies.append(time.monotonic() - started)
                self.assertEqual((answer.status, answer.text), (200, "text-polite-1"))
        self.assertEqual(rude.failures, [])
        self.assertEqual({status for _, status in rude.results}, {504})
        self.assertGreater(len(latencies), 20)
        print(f"beside 20 loops: {len(latencies)} answers, median "
              f"{statistics.median(latencies) * 1000:.2f} ms, max {max(latencies) * 1000:.2f} ms")
        self.assertLess(statistics.median(latencies), 0.1 * harness.PATIENCE)
        self.assertLess(max(latencies), 1.5 * harness.PATIENCE)

    def test_one_tenants_loops_do_not_stop_its_own_other_function(self):
        self.server.deploy("loop", guest("loop"))
        self.server.deploy("text", text_guest("text-brother1"))
        with Load(20, lambda: self.server.get("loop").status):
            time.sleep(0.2)
            for _ in range(10):
                self.assertEqual(self.server.get("text").text, "text-brother1")


class Logs(ServerTest):
    config = "limits: { log: 16KiB, log_rate: 64KiB }\n"

    def counter(self, family):
        text = self.server.admin("GET", "/metrics").text
        return sum(map(int, re.findall(rf"^{family}{{[^}}]*}} (\d+)$", text, re.M)))

    def test_what_is_logged_is_bounded_as_it_is_written_and_the_loss_is_told(self):
        self.server.deploy("chatty", guest("chatty"))
        answer = self.server.get("chatty")
        self.assertEqual(answer.status, 200)
        mine = f'"request_id":"{answer.headers["x-request-id"]}"'

        def cut():
            """This request's lines, once the last of them, about the loss, is there."""
            lines = [line for line in self.server.guest_log("chatty").splitlines() if mine in line]
            return lines if any('"guest_log_cut"' in line for line in lines) else None

        log = "\n".join(wait_until(cut, 5, "the line about what was lost"))
        self.assertGreater(log.count('"event":"guest"'), 20)
        self.assertLessEqual(len(log), (16 << 10) + 512)
        self.assertNotIn('"message":""', log)
        lost = self.counter("skerry_guest_log_lost_bytes_total")
        self.assertGreater(lost, 10_000)
        # The tenant's budget ends before its requests do.
        began = time.monotonic()
        for _ in range(20):
            self.assertEqual(self.server.get("chatty").status, 200)
        wait_until(lambda: self.counter("skerry_guest_log_lost_bytes_total") > 8 * lost, 5,
                   "all of them to be written or lost")
        seconds = time.monotonic() - began
        # A full bucket at first, what flowed into it since the deploy, and lines of others.
        self.assertLessEqual(len(self.server.guest_log("chatty")), (64 << 10) * (3 + seconds))

    def test_a_guest_gives_no_orders_to_a_proxy(self):
        self.server.deploy("chatty", guest("chatty"))
        answer = self.server.get("chatty")
        self.assertNotIn("x-accel-redirect", {name.lower() for name in answer.headers})
        self.assertGreater(self.counter("skerry_guest_headers_dropped_total"), 0)


class OfATenant(ServerTest):
    config = "limits: { fuel: 1000G, wall: 1s, queue_wait: 100ms }\n"
    workers = 1

    def statuses(self, tenant):
        self.server.deploy("loop", guest("loop"), tenant=tenant)
        answers = harness.in_parallel(8, lambda _: self.server.get("loop", tenant=tenant))
        return sorted(answer.status for answer in answers)

    def test_a_tenants_own_limits_bind_it_and_nobody_else(self):
        limits = "/v1/tenants/small/limits"
        answer = self.server.admin("PUT", limits, '{"concurrency": 1, "queue": 1}')
        self.assertEqual(answer.status, 200, answer)
        told = self.server.admin("GET", limits).json
        self.assertEqual({name: value for name, value in told.items() if value is not None},
                         {"concurrency": 1, "queue": 1})
        self.assertIn("cpu_share", told)
        self.assertEqual(self.statuses("other"), [504] * 8)
        statuses = self.statuses("small")
        # One runs at a time, one more may wait; whoever comes after the first loop's end runs too.
        self.assertGreaterEqual(statuses.count(503), 4, statuses)
        # The operator's again, seen by the very next request.
        self.server.cli("limits", "-t", "small", "concurrency=default", "queue=default", check=0)
        self.assertEqual(self.statuses("small"), [504] * 8)

    def test_an_unknown_limit_is_answered_with_the_nearest(self):
        answer = self.server.admin("PUT", "/v1/tenants/small/limits", '{"concurrencey": 1}')
        self.problem(answer, 400, "bad_limit")
        self.assertIn("did you mean `concurrency`?", answer.text)


class Concurrency(ServerTest):
    config = "limits: { fuel: 1000G, wall: 1s, concurrency: 2, queue: 2, queue_wait: 100ms }\n"
    workers = 1

    def test_what_can_neither_run_nor_wait_is_told_when_to_come_back(self):
        self.server.deploy("loop", guest("loop"))
        answers = harness.in_parallel(12, lambda _: self.server.get("loop"))
        statuses = [a.status for a in answers]
        # Two run to their deadline, two wait in vain, the rest find the queue full.
        self.assertGreaterEqual(statuses.count(504), 2, statuses)
        self.assertEqual(set(statuses), {503, 504})
        codes = {a.json["code"] for a in answers if a.status == 503}
        self.assertEqual(codes, {"busy", "queue_full"})
        for answer in answers:
            if answer.status != 504:
                self.assertRegex(answer.headers.get("retry-after", ""), r"^\d+$", answer)
