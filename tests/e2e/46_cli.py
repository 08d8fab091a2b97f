# SPDX-License-Identifier: Apache-2.0
"""The command line: hints that can be pasted, names that are not guessed, errors that say what."""
import contextlib
import json
import os
import pathlib
import pty
import re
import shutil
import subprocess
import threading
import unittest

from harness import (PATIENCE, SCRATCH, Server, ServerTest, free_port, guest, skerry_path,
                     text_guest, wait_until, write_guest)

VERBS = pathlib.Path(__file__).resolve().parents[2] / "deploy" / "cli"
# Which tells a person what happens, until Ctrl-C.
NO_JSON = {"dev"}
READING = {"list", "show", "versions", "diff", "starts", "logs", "stats", "audit"}
ESCAPE = "\x1b"


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
            self.assertLessEqual(verbs(), set(re.findall(r"\w+", script)), shell)
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
        self.says(2, "--percent says nothing to it", "list", "--percent", "5")
        self.says(2, "leave --dry-run out", "login", "http://localhost:1", "--dry-run")
        self.says(2, "`a!b` cannot be", "show", "a!b")
        self.says(5, "cannot read /nonexistent.wasm", "deploy", "/nonexistent.wasm", "-n", "x")
        self.says(2, "is not a file", "deploy", "/dev/null", "-n", "x")
        self.says(5, "there is no tenant `nosuch`", "stats", "-t", "nosuch")

    def test_a_tenants_limits_are_set_all_at_once(self):
        wanted = {"functions": 2, "versions": 5, "stored": 1 << 20, "requests_per_s": 1000,
                  "fuel_per_s": 2000000, "memory": 64 << 20, "connections": 100, "queue": 7,
                  "cpu_share": 3, "concurrency": 4, "pool": 9}
        self.says(0, "connections", "tenant", "limits", "bound",
                  *(f"{name}={value}" for name, value in wanted.items()))
        limits = json.loads(self.server.cli("limits", "-t", "bound", "--json").stdout)
        self.assertEqual({name: limits[name] for name in wanted}, wanted)
        self.says(0, "removed", "tenant", "rm", "bound")

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
        done = self.says(0, f"GET http://127.0.0.1:{self.server.port}/f/default/cold-NNNN/ ",
                         "loadtest", "--cold", "--functions", "3", "--admin-socket",
                         self.server.socket)
        if "warm" in done.stdout:
            self.assertIn("pool.prewarm: 0s", done.stdout)


def json_values(text):
    """The one value that it is, or one a line; raises ValueError."""
    try:
        return [json.loads(text)]
    except ValueError:
        return [json.loads(line) for line in text.splitlines()]


def verbs():
    return {verb for name in ("verbs.def", "verbs_project.def")
            for verb in re.findall(r"^VERB\((\w+),", (VERBS / name).read_text(), re.M)}


class Json(unittest.TestCase):
    """Every verb, in an order in which each of them works."""

    def rows(self, server):
        module = write_guest("forms", text_guest("text-forms-01"))
        second = write_guest("forms-2", text_guest("text-forms-02"))
        folder = server.home / "made"
        url = f"http://127.0.0.1:{self.port}"
        odd = str(server.home / 'a "quoted" backup')
        kept = server.home / "binary"
        kept.write_bytes(b"\xff\x00")
        certificate = server.home / "chain.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-days", "9", "-subj",
                        "/CN=forms.test", "-addext", "subjectAltName=DNS:forms.test", "-keyout",
                        str(server.home / "key.pem"), "-out", str(certificate)],
                       check=True, capture_output=True)
        yield "deploy", module, "-n", "forms", "--dry-run"
        yield "deploy", module, "-n", "forms"
        yield "deploy", second, "-n", "forms", "--no-activate"
        yield ("list",)
        yield "show", "forms"
        yield "versions", "forms"
        yield "diff", "forms", "v1", "v2"
        yield "split", "forms", "v1=90", "v2=10"
        yield "split", "forms"
        yield "promote", "forms", "v2"
        yield "activate", "forms", "v1"
        yield "rollback", "forms"
        yield "alias", "set", "forms", "beta", "v1"
        yield "alias", "list", "forms"
        yield "alias", "rm", "forms", "beta"
        yield "starts", "forms"
        yield "logs", "forms"
        yield ("stats",)
        yield "stats", "-t", "default"
        yield ("limits",)
        yield "limits", "-t", "default", "concurrency=5"
        yield "tenant", "create", "forms"
        yield "tenant", "list"
        yield "tenant", "limits", "forms", "concurrency=5"
        yield "tenant", "show", "forms"
        yield "tenant", "suspend", "forms"
        yield "tenant", "resume", "forms"
        yield "tenant", "rm", "forms"
        yield "kv", "put", "k", "some \"text\"\n"
        yield "kv", "put", "b", "--file", str(kept)
        yield "kv", "list"
        yield "kv", "get", "k"
        yield "kv", "get", "b"
        yield "kv", "rm", "k"
        yield "env", "set", "forms", "A=1", "B=2"
        yield "env", "list", "forms"
        yield "env", "rm", "forms", "A", "B"
        yield "domain", "add", "forms.test", "forms"
        yield "domain", "show", "forms.test"
        yield "domain", "list"
        yield "route", "add", "forms", "forms.test/x"
        yield "route", "rm", "forms", self.last[0]["id"]
        yield "route", "list", "forms"
        yield "cron", "add", "forms", "0 3 * * *"
        number = self.last[0]["id"]
        yield "cron", "run", "forms", number
        yield "cron", "list", "forms"
        yield "cron", "rm", "forms", number
        yield "domain", "rm", "forms.test"
        yield "secret", "put", "forms", "KEY", "--file", module
        yield "secret", "list", "forms"
        yield "secret", "rm", "forms", "KEY"
        yield "secret", "rotate"
        yield "cert", "add", "forms.test", str(certificate), str(server.home / "key.pem")
        yield "cert", "list"
        yield "cert", "rm", "forms.test"
        yield "token", "create", "--all-tenants", "--verbs", "admin,read"
        (server.home / "token").write_text(self.last[0]["token"])
        number = self.last[0]["id"]
        yield "token", "list"
        yield "login", url, "--file", str(server.home / "token")
        yield "logout", url
        yield "token", "rm", number
        yield "audit", "--verify"
        yield "backup", odd
        yield "restore", odd, "--data", str(server.home / "restored")
        yield "new", "wat", str(folder)
        (folder / "build.sh").write_text("#!/bin/sh\necho a word of the build\n: >main.wasm\n")
        (folder / "function.yaml").write_text(
            "name: made\nmain: main.wasm\nbuild: sh build.sh\n")
        yield "build", str(folder)
        yield "key", "create", str(server.home / "signer.pem")
        yield "key", "show", str(server.home / "signer.pem")
        yield "rm", "forms", "--yes"
        yield ("reload",)
        yield "upgrade", os.path.abspath(skerry_path())
        yield ("drain",)

    def run_verb(self, server, words, **more):
        environment = {**server.environment(), "XDG_CONFIG_HOME": str(server.home / "config"),
                       **more}
        return subprocess.run([skerry_path(), *words], env=environment, text=True, check=False,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=120 * PATIENCE)

    def test_every_verb_prints_json_if_asked(self):
        self.port = free_port()
        server = Server(workers=1,
                        config=f'admin: {{ listen: "127.0.0.1:{self.port}" }}\n').start()
        self.addCleanup(server.stop)
        seen = set()
        for words in self.rows(server):
            seen.add(words[0])
            done = self.run_verb(server, (*words, "--json"))
            self.assertEqual(done.returncode, 0, (words, done))
            try:
                self.last = json_values(done.stdout)
            except ValueError:
                self.fail(f"{words}: {done.stdout!r}")
            if words[0] != "logs":  # whose lines may be none
                self.assertTrue(self.last and done.stdout.endswith("\n"), (words, done))
            self.assertNotIn(ESCAPE, done.stdout + done.stderr, words)
            if READING.intersection(words[:2]):
                plain = self.run_verb(server, words)
                self.assertIn("\nnext: ", "\n" + plain.stdout + plain.stderr, words)
        self.assertEqual(verbs() - seen, NO_JSON)
        for verb in NO_JSON:
            self.assertEqual(self.run_verb(server, (verb, "--json")).returncode, 2)

    def on_a_terminal(self, server, *words, **more):
        """What a verb writes on a terminal."""
        ours, its = pty.openpty()
        environment = {**server.environment(), "TERM": "xterm-256color", **more}
        with subprocess.Popen([skerry_path(), *words], env=environment, stdin=its, stdout=its,
                              stderr=its) as process:
            os.close(its)
            said = b""
            try:
                while piece := os.read(ours, 65536):
                    said += piece
            except OSError:
                pass  # so the other end's close is told
            os.close(ours)
        return process.returncode, said.decode()

    def test_a_servers_log_on_a_terminal_is_for_who_looks_at_it(self):
        for no_color, painted in (("", True), ("1", False)):
            server = Server(workers=1)
            ending = threading.Thread(target=self.end_when_it_serves, args=[server])
            ending.start()
            status, said = self.on_a_terminal(server, "serve", *server.arguments,
                                              NO_COLOR=no_color)
            ending.join()
            self.assertEqual(status, 0, said)
            self.assertNotIn('{"ts"', said)
            self.assertRegex(said, r"\d\d:\d\d:\d\d\.\d{3} .*info.* start: skerry ")
            self.assertEqual(ESCAPE in said, painted, said)

    @staticmethod
    def end_when_it_serves(server):
        def is_ready():
            with contextlib.suppress(OSError):
                return server.admin("GET", "/readyz").status == 200
            return False
        wait_until(is_ready, 20, "a server on a terminal")
        server.cli("drain", check=0)

    def test_no_color_means_none_on_a_terminal(self):
        with Server(workers=1) as server:
            module = write_guest("plain", guest("text"))
            for words in (("deploy", module), ("list",), ("show", "plain"), ("stats",),
                          ("logs", "plain"), ("show", "nosuch")):
                status, said = self.on_a_terminal(server, *words, NO_COLOR="1")
                self.assertEqual(status, 5 if "nosuch" in words else 0, said)
                self.assertNotIn(ESCAPE, said)
