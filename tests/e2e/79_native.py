# SPDX-License-Identifier: Apache-2.0
"""The native tier in a server: workers run code that lies in artifacts, answer what they would
without, and run nothing that was damaged."""
import unittest

import harness
from harness import Server, wait_until

# How native code begins (engine/native/emit.c): the way to a threaded cell.
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


def code_mappings(server):
    """Of artifacts, executable, in all workers."""
    found = []
    for pid in server.worker_pids():
        with open(f"/proc/{pid}/maps", encoding="utf-8") as maps:
            found += [line for line in maps if ".art" in line and "x" in line.split()[1]]
    return found


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
        self.assertEqual(answers["on"], answers["off"])

    def test_an_artifact_with_damaged_native_code_is_made_again_and_not_run(self):
        with Server(workers=1) as server:
            server.deploy("work", harness.wat(WORK))
            expected = server.get("work").text
            path = artifact(server)
        whole = path.read_bytes()
        if THUNK not in whole:
            self.skipTest("this build has no native tier")
        # Traps of the processor: a worker that runs them dies.
        path.chmod(0o600)
        with open(path, "r+b") as file:
            file.seek(whole.index(THUNK))
            file.write(b"\xcc" * 2048)
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
