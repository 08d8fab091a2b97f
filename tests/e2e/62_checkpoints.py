# SPDX-License-Identifier: Apache-2.0
"""Checkpoints: commands frozen in the middle of a call, and what each request has of its own."""
import unittest

from harness import GUESTS, SCRATCH, ServerTest, c_guest, in_parallel, wait_until, write_guest

SOURCE = (GUESTS / "e2e_checkpoint.c").read_text()


def command(name, **defines):
    """The guest, with macros set."""
    lines = "".join(f"#define {key} {value}\n" for key, value in defines.items())
    return c_guest(f"checkpoint-{name}", lines + SOURCE)


def facts(answer):
    return dict(line.split("=", 1) for line in answer.text.splitlines())


class Checkpoints(ServerTest):
    config = "limits: { init_fuel: 100M }\n"
    workers = 1

    def put(self, name, module, query=""):
        answer = self.server.put(name, module, query=query)
        self.assertEqual(answer.status, 201, answer)
        return answer.json

    def refused(self, name, *words, query="", **defines):
        answer = self.server.put(name, command(name, **defines), query=query)
        self.assertEqual(answer.status, 422, answer)
        for word in words:
            self.assertIn(word, answer.json["detail"])

    def test_a_command_goes_on_from_its_checkpoint(self):
        made = self.put("goes", command("goes"))["checkpoint"]
        self.assertGreater(made["fuel"], 1000000)
        self.assertEqual(made["clock_reads"], 1)
        self.assertEqual(made["random_bytes"], 0)
        self.assertEqual((made["argument_reads"], made["environment_reads"]), (1, 1))
        out = self.server.cli("deploy", write_guest("shown", command("goes")), check=0).stdout
        self.assertRegex(out, r"goes on from its checkpoint, after \d+ fuel; .*clock 1 times")
        seen = []
        for i in range(6):
            answer = self.server.get("goes", f"/path{i}?q={i}", method="POST",
                                     body=f"body {i}".encode(), headers={"X-Own": f"own {i}"})
            self.assertEqual(answer.status, 200, answer)
            told = facts(answer)
            self.assertEqual(told["went_on"], "1")
            self.assertEqual(told["sum"], str(sum(n * n for n in range(51))))
            self.assertEqual(told["QUERY_STRING"], f"q={i}")
            self.assertEqual(told["PATH_INFO"], f"/path{i}")
            self.assertEqual(told["HTTP_X_OWN"], f"own {i}")
            self.assertEqual(told["body"], f"body {i}")
            self.assertGreater(int(told["time_after"]), int(told["time_before"]))
            seen.append(told)
        self.assertEqual(len({told["token_after"] for told in seen}), len(seen))
        for name in ("prepared", "time_before"):
            self.assertEqual(len({told[name] for told in seen}), 1)

    def test_many_at_once_each_have_their_own(self):
        self.put("many", command("many"))
        answers = in_parallel(8, lambda i: [
            facts(self.server.get("many", f"/?{i}-{k}", method="POST", body=f"{i}-{k}".encode()))
            for k in range(20)])
        for i, told in enumerate(answers):
            for k, row in enumerate(told):
                self.assertEqual((row["QUERY_STRING"], row["body"]), (f"{i}-{k}", f"{i}-{k}"))
        tokens = [row["token_after"] for told in answers for row in told]
        self.assertEqual(len(set(tokens)), len(tokens))

    def test_who_read_random_bytes_before_has_to_say_that_it_reads_new_ones(self):
        self.refused("random", "8 random bytes", "reseeds: true", RANDOM=1)
        module = command("random", RANDOM=1)
        self.assertEqual(self.put("random", module, "?reseeds=1")["checkpoint"]["random_bytes"], 8)
        told = [facts(self.server.get("random")) for _ in range(2)]
        self.assertEqual(told[0]["token_before"], told[1]["token_before"])
        self.assertNotEqual(told[0]["token_after"], told[1]["token_after"])

    def test_deep_frames_are_there_again(self):
        self.put("deeper", command("deeper", DEPTH=2000))
        for _ in range(3):
            told = facts(self.server.get("deeper"))
            self.assertEqual(told["sum"], str(sum(n * n for n in range(2001))))

    def test_under_a_callback_it_is_a_call_as_any(self):
        self.put("callback", command("callback", CALLBACK=1))
        for _ in range(3):
            told = facts(self.server.get("callback"))
            self.assertEqual((told["went_on"], told["sum"]),
                             ("1", str(sum(n * n for n in range(51)))))

    def test_a_hundred_megabytes_are_frozen_and_put_back(self):
        self.put("large", command("large", PAGES=1600))
        for _ in range(3):
            told = facts(self.server.get("large"))
            self.assertEqual((told["went_on"], told["pages"]), ("1", str(sum(range(1601)))))

    def test_what_cannot_be_frozen_is_refused_with_its_reason(self):
        self.refused("reads", "stdin was read before", DEFECT="fd_read(0, &vector, 1, &bytes)")
        self.refused("writes", "stdout was written before", "it said: Parse error in line 7",
                     DEFECT='print("Parse error in line 7")')
        self.refused("kv", "kv_get_v1", DEFECT='skerry_kv_get("k", 1, body, 9, 0)')
        self.refused("hangs", "limits.init_fuel",
                     DEFECT='while (bytes == 0) __asm__ volatile("")')
        self.refused("traps", "on the way to its checkpoint", "unreachable",
                     DEFECT="if (bytes == 0) __builtin_trap()")
        self.refused("says", "trapped: unreachable", "it said: in app: 2; no such thing",
                     DEFECT=r'struct vector said = {"in app: 2\n  no such thing\n", 26}; '
                            'fd_write(2, &said, 1, &bytes); if (bytes != 0) __builtin_trap()')
        start = ("SKERRY_EXPORT(\"_initialize\") void early(void) { skerry_checkpoint(); }\n"
                 "SKERRY_EXPORT(\"handle_request\") uint64_t handle(void) { return 0; }\n")
        answer = self.server.put("early", c_guest("early", '#include "skerry.h"\n' + start))
        self.assertEqual(answer.status, 422, answer)
        self.assertIn("checkpoint_v1 was called by a start function", answer.json["detail"])
        routes = "SKERRY_EXPORT(\"_routes\") void routes(void) {}\n"
        answer = self.server.put("routes", c_guest("routes", SOURCE + routes))
        self.assertEqual(answer.status, 422, answer)
        self.assertIn("_routes", answer.json["detail"])

    def test_a_handler_has_none_and_a_second_one_ends_the_request(self):
        handler = ('#include "skerry.h"\nSKERRY_EXPORT("handle_request") uint64_t handle(void)'
                   " { skerry_checkpoint(); return 0; }\n")
        self.put("handler", c_guest("handler", handler))
        self.assertEqual(self.server.get("handler").status, 500)
        wait_until(lambda: "called by a handler" in self.server.guest_log("handler"), 10, "the log")
        self.put("twice", command("twice", TWICE=1))
        self.problem(self.server.get("twice"), 500, "trap")
        wait_until(lambda: "called twice" in self.server.guest_log("twice"), 10, "the log")

    def test_one_that_never_comes_to_it_begins_anew_each_time_and_says_so(self):
        made = self.put("never", command("never", DEFECT="if (bytes == 0) return"))
        self.assertIsNone(made["checkpoint"])
        self.assertIn("ended without calling checkpoint_v1", made["warnings"][0])

    def test_a_restart_finds_it_and_a_lost_artifact_is_made_again(self):
        self.put("again", command("again"))
        before = facts(self.server.get("again"))
        for path in (self.server.data / "artifacts").glob("*.art"):
            path.unlink()
        self.server.stop()
        self.server.start()
        told = facts(self.server.get("again"))
        self.assertEqual(told["went_on"], "1")
        self.assertEqual(told["prepared"], before["prepared"])

    def test_who_cannot_import_it_reads_a_file(self):
        module = c_guest("device", (GUESTS / "e2e_device.c").read_text())
        self.put("device-none", module)
        self.assertEqual(self.server.get("device-none").text, "")
        self.assertIsNotNone(self.put("device", module, "?checkpoint=1")["checkpoint"])
        for i in range(3):
            went_on, _, environment = self.server.get("device", f"/?{i}").text.partition("\n")
            self.assertEqual(went_on, "1")
            rows = dict(row.split("=", 1) for row in environment.split("\0") if row)
            self.assertEqual(rows["QUERY_STRING"], str(i))
            self.assertEqual(rows["REQUEST_METHOD"], "GET")

    def test_a_file_of_the_version_is_open_where_it_was(self):
        place = SCRATCH / "paged"
        place.mkdir(exist_ok=True)
        (place / "paged.wasm").write_bytes(
            c_guest("device", (GUESTS / "e2e_device.c").read_text()))
        (place / "page.txt").write_text("read: not yet")
        (place / "function.yaml").write_text(
            "name: paged\nmain: paged.wasm\nfiles: [page.txt]\ncheckpoint: true\n")
        self.server.cli("deploy", str(place), check=0)
        for _ in range(3):
            answer = self.server.get("paged").text
            self.assertEqual((answer[:2], answer.rpartition("\0")[2]), ("1\n", "not yet"))


if __name__ == "__main__":
    unittest.main()
