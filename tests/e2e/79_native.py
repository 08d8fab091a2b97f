# SPDX-License-Identifier: Apache-2.0
"""The native tier in a server: workers run code that lies in artifacts, answer what they would
without, and run nothing that was damaged."""
import re
import unittest

import harness
from harness import Server, wait_until

# How native code begins (engine/native/ways.c): the way to a threaded cell.
THUNK = bytes.fromhex("496304244801f0ffe0")
# Adds up to a number that the path gives, or traps at its end.
WORK = """(module
  (import "http_handler" "write_body" (func $write (param i32 i32 i32)))
  (import "http_handler" "get_uri" (func $uri (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func $sum (param $n i32) (result i32) (local $s i32)
    (loop $again
      (local.set $s (i32.add (i32.mul (local.get $s) (i32.const 31)) (local.get $n)))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $s))
  (func (export "handle_request") (result i64) (local $s i32) (local $i i32)
    (drop (call $uri (i32.const 64) (i32.const 64)))
    (if (i32.eq (i32.load8_u (i32.const 65)) (i32.const 116)) ;; /t
      (then (drop (i32.load (i32.const 0xffff0000)))))
    (if (i32.eq (i32.load8_u (i32.const 65)) (i32.const 108)) ;; /l
      (then (loop $for_ever (br $for_ever))))
    (local.set $s (call $sum (i32.const 100000)))
    (loop $digits
      (i32.store8 (local.get $i) (i32.add (i32.const 97)
        (i32.and (i32.shr_u (local.get $s) (i32.mul (local.get $i) (i32.const 4)))
                 (i32.const 15))))
      (br_if $digits (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1)))
                               (i32.const 8))))
    (call $write (i32.const 1) (i32.const 0) (i32.const 8))
    (i64.const 0))
  (func (export "handle_response") (param i32 i32)))"""


SCRIPT = b"""export default { fetch() {
  let s = 0; for (let i = 0; i < 1000; i++) s = (s * 31 + i) >>> 0;
  return new Response(String(s)); } };"""


def code_mappings(server):
    """Of artifacts, executable, in all workers."""
    found = []
    for pid in server.worker_pids():
        with open(f"/proc/{pid}/maps", encoding="utf-8") as maps:
            found += [line for line in maps if ".art" in line and "x" in line.split()[1]]
    return found


def code_bytes_in_use(server):
    """Of those mappings: what was run of them, and what the kernel maps around that."""
    total = 0
    for pid in server.worker_pids():
        inside = False
        with open(f"/proc/{pid}/smaps", encoding="utf-8") as lines:
            for line in lines:
                words = line.split()
                if "-" in words[0] and not words[0].endswith(":"):
                    inside = ".art" in line and "x" in words[1]
                elif inside and words[0] == "Rss:":
                    total += int(words[1]) * 1024
    return total


def fuel(server, family):
    """Of all workers."""
    text = server.admin("GET", "/metrics").text
    return sum(map(int, re.findall(rf'^{family}{{worker="\d+"}} (\d+)$', text, re.M)))


def artifact(server):
    path, = (server.data / "artifacts").glob("*.art")
    return path


class Native(unittest.TestCase):
    def answers(self, server):
        work = server.get("work")
        trap = server.get("work", "/t")
        loop = server.get("work", "/l")
        self.assertEqual((work.status, trap.status, loop.status), (200, 500, 500))
        lines = [line.split(" ", 1)[-1] for line in server.guest_log("work") if "trap" in line]
        return work.text, trap.json["code"], loop.json["code"], lines

    def test_workers_run_it_and_answer_what_they_answer_without(self):
        answers = {}
        for mode in ("off", "on"):
            config = f"limits: {{ native: {mode}, fuel: 10M, wall: 60s }}\n"
            with Server(workers=1, config=config) as server:
                server.deploy("work", harness.wat(WORK))
                answers[mode] = self.answers(server)
                has_code = THUNK in artifact(server).read_bytes()
                self.assertEqual(bool(code_mappings(server)), has_code)
                self.assertFalse(has_code and mode == "off")
                for line in code_mappings(server):
                    self.assertNotIn("w", line.split()[1])
                wait_until(lambda: fuel(server, "skerry_fuel_total") > 10_000_000, 10, "the sums")
                native = fuel(server, "skerry_native_fuel_total")
                self.assertEqual(native > 10_000_000, has_code)
                self.assertLessEqual(native, fuel(server, "skerry_fuel_total"))
        self.assertEqual(answers["on"], answers["off"])

    def test_a_function_may_stay_threaded(self):
        # Isolates that wait are not trimmed meanwhile: that gives back what was run.
        with Server(workers=1, config="pool: { trim: 60m }\n") as server:
            folder = harness.SCRATCH / "threaded"
            folder.mkdir()
            (folder / "main.wasm").write_bytes(harness.wat(WORK))
            answers = []
            for mode in ("off", "auto"):
                (folder / "function.yaml").write_text(f"main: main.wasm\nnative: {mode}\n")
                server.cli("deploy", str(folder), "--name", mode, check=0)
                answers.append(server.get(mode).text)
                runs = mode != "off" and bool(code_mappings(server))
                self.assertEqual(code_bytes_in_use(server) > 0, runs)
            self.assertEqual(answers[0], answers[1])

    def test_a_tenant_may_stay_threaded(self):
        """From its next request on, whatever its versions say; others run what they ran."""
        with Server(workers=1, config="pool: { trim: 60m }\n") as server:
            server.deploy("work", harness.wat(WORK))
            answers = set()
            for mode, shown in (("off", "off"), ("default", None), ("on", "on")):
                server.cli("tenant", "limits", "default", f"native={mode}", check=0)
                limits = server.admin("GET", "/v1/tenants/default/limits").json
                self.assertEqual(limits["native"], shown)
                answers.add(server.get("work").text)
                runs = mode != "off" and bool(code_mappings(server))
                self.assertEqual(code_bytes_in_use(server) > 0, runs)
            self.assertEqual(len(answers), 1)
            answer = server.admin("PUT", "/v1/tenants/default/limits", b'{"native":1}')
            self.assertEqual(answer.status, 400)

    @unittest.skipUnless(harness.has_javascript(), "this build has no JavaScript")
    def test_what_has_a_base_runs_threaded_where_the_operator_says_so(self):
        """The engine's artifact has the code; neither it nor what stands on it maps any."""
        with Server(workers=1, config="pool: { trim: 60m }\n") as server:
            answer = server.admin("PUT", "/v1/tenants/default/functions/script", SCRIPT,
                                  {"Content-Type": "text/javascript"})
            self.assertIn(answer.status, (200, 201), answer)
            text = server.get("script").text
            self.assertEqual(code_bytes_in_use(server) > 0, bool(code_mappings(server)))
        (server.home / "skerry.yaml").write_text("limits: { native: off }\n")
        with server:
            self.assertEqual(server.get("script").text, text)
            self.assertEqual(code_mappings(server), [])

    def test_damaged_native_code_is_made_again_and_not_run(self):
        """Flipped, cut off, another artifact's, of another build: none of it is run."""
        with Server(workers=1) as server:
            server.deploy("other", harness.wat(WORK.replace("31", "37")))
            other = artifact(server)
            others = other.read_bytes()
            server.deploy("work", harness.wat(WORK))
            expected = server.get("work").text
            path, = set(other.parent.glob("*.art")) - {other}
        whole = path.read_bytes()
        if THUNK not in whole:
            self.skipTest("this build has no native tier")
        at = whole.index(THUNK)
        # Traps of the processor: a worker that runs them dies.
        flipped = whole[:at] + b"\xcc" * 2048 + whole[at + 2048:]
        start, theirs = at & ~4095, others.index(THUNK) & ~4095
        swapped = whole[:start] + others[theirs:theirs + 4096] + whole[start + 4096:]
        # An image begins with two words, then the id of the build (engine/image/image.h).
        stale = whole[:8] + bytes([whole[8] ^ 1]) + whole[9:]
        self.assertNotIn(whole, (flipped, swapped, others))
        for what, damaged in {"flipped": flipped, "cut": whole[:at + 16], "swapped": swapped,
                              "another's": others, "another build's": stale}.items():
            with self.subTest(what):
                path.chmod(0o600)
                path.write_bytes(damaged)
                with server:
                    def answered():
                        answer = server.get("work")
                        self.assertIn(answer.status, (200, 503), answer)
                        return answer.status == 200
                    wait_until(answered, 60, "the artifact to be made again")
                    self.assertEqual(server.get("work").text, expected)
                    self.assertEqual(path.read_bytes(), whole)


if __name__ == "__main__":
    unittest.main()
