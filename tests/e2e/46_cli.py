# SPDX-License-Identifier: Apache-2.0
"""The command line: hints that can be pasted, names that are not guessed, errors that say what."""
import os
import pathlib
import shutil
import subprocess
import unittest

from harness import PATIENCE, SCRATCH, ServerTest, guest, skerry_path, text_guest, write_guest


class Hints(ServerTest):
    workers = 1

    def shell(self, line):
        """Runs a line as a person would who has `skerry` in the path."""
        environment = self.server.environment()
        environment.pop("SKERRY_URL")
        folder = SCRATCH / "bin"
        folder.mkdir(exist_ok=True)
        program = folder / "skerry"
        if not program.exists():
            program.symlink_to(os.path.abspath(skerry_path()))
        environment["PATH"] = f"{folder}:{environment['PATH']}"
        return subprocess.run(["sh", "-c", line], env=environment, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=60 * PATIENCE, check=False)

    def paste(self, line, most=8):
        """Runs it, then each of its hints, and theirs, each kind of hint once."""
        seen = set()
        lines = [line]
        while lines:
            done = self.shell(lines[0])
            self.assertEqual(done.returncode, 0, f"{lines[0]}: {done.stdout}{done.stderr}")
            lines.pop(0)
            for out in done.stdout.splitlines():
                if not out.startswith("next: "):
                    continue
                for hint in out.removeprefix("next: ").split("   or   "):
                    verb = tuple(hint.split()[:2])
                    if verb not in seen and len(seen) < most:
                        seen.add(verb)
                        lines.append(hint)
        return seen

    def test_every_hint_can_be_pasted_and_works(self):
        if shutil.which("curl") is None:
            raise unittest.SkipTest("curl is not installed (apt-get install curl)")
        place = f"--admin-socket {self.server.socket}"
        first = write_guest("hints", text_guest("text-hints-01"))
        folder = pathlib.Path(SCRATCH / "a folder")
        folder.mkdir(exist_ok=True)
        second = folder / "hints.wasm"
        second.write_bytes(text_guest("text-hints-02"))
        self.paste(f"skerry list {place}")
        self.paste(f"skerry deploy {first} {place}")
        self.paste(f"skerry deploy {first} -t acme {place}")
        seen = self.paste(f"skerry deploy '{second}' -n hints -t acme --no-activate {place}")
        self.assertIn(("skerry", "activate"), seen)
        seen = self.paste(f"skerry deploy '{second}' -n dry -t acme -c \"it's\" --deterministic "
                          f"--dry-run {place}")
        self.assertIn(("skerry", "deploy"), seen)
        for line in ("skerry list", "skerry show hints", "skerry versions hints",
                     "skerry rollback hints", "skerry starts hints",
                     "skerry limits", "skerry limits concurrency=5", "skerry stats",
                     "skerry rm dry --yes"):
            self.paste(f"{line} -t acme {place}")
        self.paste(f"skerry stats {place}")
        self.paste(f"skerry limits {place}")

    def complete(self, *words):
        done = self.shell("bash -c 'source <(skerry completion bash); "
                          f"COMP_WORDS=({' '.join(words)}); COMP_CWORD={len(words) - 1}; "
                          "_skerry; echo \"${COMPREPLY[@]}\"'")
        self.assertEqual(done.returncode, 0, done)
        return done.stdout.split()

    def test_other_shells_complete_the_same_verbs(self):
        for shell in ("zsh", "fish"):
            script = self.server.cli("completion", shell, check=0).stdout
            self.assertIn("rollback", script)
            if shutil.which(shell) is not None:
                done = subprocess.run([shell, "-n"], input=script, text=True, check=False,
                                      capture_output=True)
                self.assertEqual(done.returncode, 0, done)
        self.assertIn("bash | zsh | fish", self.server.cli("completion", "csh", check=2).stderr)

    def test_completion_knows_verbs_flags_and_names(self):
        if shutil.which("bash") is None:
            raise unittest.SkipTest("bash is not installed (apt-get install bash)")
        self.server.deploy("completed", text_guest("text-hints-03"), tenant="words")
        self.assertIn("deploy", self.complete("skerry", "dep"))
        self.assertEqual(self.complete("skerry", "deploy", "--config-f"), ["--config-file"])
        self.assertEqual(self.complete("skerry", "show", "-t", "words", "--admin-socket",
                                       self.server.socket, "comp"), ["completed"])


class Words(ServerTest):
    workers = 1

    def says(self, status, words, *arguments):
        done = self.server.cli(*arguments)
        self.assertEqual(done.returncode, status, done)
        for word in [words] if isinstance(words, str) else words:
            self.assertIn(word, done.stdout + done.stderr)
        return done

    def test_a_name_is_guessed_only_if_the_file_has_it(self):
        for name, proposal in (("api-", "api"), ("hello.v2", "hello-v2"), ("My_Func", "my-func")):
            path = write_guest(name, guest("text"))
            self.says(2, f"like -n {proposal}", "deploy", path)
        self.assertEqual(self.server.functions(), set())
        self.says(0, "deployed plain v1", "deploy", write_guest("plain", guest("text")))

    def test_what_is_wrong_is_named(self):
        self.says(2, ["`extra` is a word too many", "usage: skerry show NAME"], "show", "x",
                  "extra")
        for words in (("version", "x"), ("--version", "x"), ("help", "deploy", "x")):
            self.says(2, "`x` is a word too many", *words)
        self.says(2, "`a!b` cannot be", "show", "a!b")
        self.says(5, "cannot read /nonexistent.wasm", "deploy", "/nonexistent.wasm", "-n", "x")
        self.says(2, "is not a file", "deploy", "/dev/null", "-n", "x")
        self.says(5, "there is no tenant `nosuch`", "stats", "-t", "nosuch")

    def test_an_empty_tenant_can_be_removed(self):
        self.says(0, "concurrency     5 ", "limits", "-t", "gone", "concurrency=5")
        self.says(0, "gone", "tenant", "list")
        self.says(0, "removed tenant gone", "tenant", "rm", "gone")
        self.says(5, "there is no tenant `gone`", "tenant", "rm", "gone")
        self.says(5, "there is no tenant `gone`", "tenant", "show", "gone")

    def test_stats_are_one_screen_and_structured(self):
        self.server.deploy("counted", guest("text"))
        self.assertEqual(self.server.get("counted").status, 200)
        lines = self.server.cli("stats", check=0).stdout.splitlines()
        self.assertLess(len(lines), 40, lines)
        self.assertTrue([line for line in lines if line.startswith("responses_total")
                         and "2xx" in line], lines)
        rows = self.server.admin("GET", "/v1/stats").json["workers"]
        found = [row for row in rows if row["name"] == "skerry_responses_total"
                 and row["labels"] == {"worker": "0", "class": "2xx"}]
        self.assertGreaterEqual(found[0]["value"], 1)

    def test_cold_starts_are_measured_wherever_the_server_is(self):
        done = self.says(0, f"(127.0.0.1:{self.server.port})", "loadtest", "--cold",
                         "--functions", "3", "--admin-socket", self.server.socket)
        if "warm" in done.stdout:
            self.assertIn("pool.prewarm: 0s", done.stdout)
