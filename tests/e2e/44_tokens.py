# SPDX-License-Identifier: Apache-2.0
"""Tokens over a real address: what each is good for, how soon it is not, and who changed what."""
import contextlib
import http.client
import json
import os
import stat
import subprocess
import unittest

from harness import PATIENCE, Server, ServerTest, exchange, free_port, guest, skerry_path, \
    text_guest, wait_until, write_guest


class Tokens(ServerTest):
    workers = 1
    port = free_port()
    config = f"admin: {{ listen: \"127.0.0.1:{port}\" }}\n"
    url = f"http://127.0.0.1:{port}"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for tenant in ("acme", "beta"):
            cls.server.deploy("f", text_guest("text-of-tenant"[:13]), tenant)

    def ask(self, token, method, path, body=None, headers=None):
        headers = dict(headers or {})
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60 * PATIENCE)
        with contextlib.closing(connection):
            return exchange(connection, method, path, body, headers)

    def make(self, **order):
        answer = self.server.admin("POST", "/v1/tokens", json.dumps(order))
        self.assertEqual(answer.status, 201, answer)
        return answer.json["token"], answer.json["id"]

    def client(self, *words, home=None, stdin=None, **environment):
        """The command line as somebody else has it: no socket, and a home of their own."""
        clean = {k: v for k, v in os.environ.items() if not k.startswith("SKERRY_")}
        clean.update(XDG_CONFIG_HOME=str(home or self.server.home / "nobody"), **environment)
        return subprocess.run([skerry_path(), *words], env=clean, input=stdin or "", text=True,
                              capture_output=True, timeout=120 * PATIENCE, check=False)

    def test_a_token_is_good_for_its_tenant_and_its_verbs(self):
        token, _ = self.make(tenant="acme", verbs=["read", "deploy"])
        upload = {"Content-Type": "application/wasm"}
        self.assertEqual(self.ask(token, "GET", "/v1/tenants/acme/functions/f").status, 200)
        self.assertEqual(self.ask(token, "PUT", "/v1/tenants/acme/functions/g", guest("text"),
                                  upload).status, 201)
        self.problem(self.ask(token, "GET", "/v1/tenants/acme/kv"), 403, "forbidden")
        self.problem(self.ask(token, "GET", "/v1/stats"), 403, "forbidden")
        for tenant in ("beta", "nobody"):
            for method, path in (("GET", "/functions/f"), ("DELETE", "/functions/f"),
                                 ("GET", "/kv"), ("GET", ""), ("GET", "/functions/f/logs")):
                answer = self.ask(token, method, f"/v1/tenants/{tenant}{path}")
                detail = self.problem(answer, 404, "not_found")["detail"]
                self.assertEqual(detail, f"there is no tenant `{tenant}`")
        names = [t["tenant"] for t in self.ask(token, "GET", "/v1/tenants").json["tenants"]]
        self.assertEqual(names, ["acme"])
        self.assertNotIn('tenant="', self.ask(token, "GET", "/metrics").text)

    def test_a_revoked_token_is_none_at_the_next_request(self):
        token, number = self.make(verbs=["read", "logs"])
        self.assertEqual(self.ask(token, "GET", "/v1/tenants").status, 200)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60 * PATIENCE)
        with contextlib.closing(connection):
            # A log that is followed, on a connection that was good.
            connection.request("GET", "/v1/tenants/acme/functions/f/logs?follow=1",
                               headers={"Authorization": f"Bearer {token}"})
            stream = connection.getresponse()
            self.assertEqual(stream.status, 200)
            self.assertEqual(self.server.admin("DELETE", f"/v1/tokens/{number}").status, 200)
            self.problem(self.ask(token, "GET", "/v1/tenants"), 401, "unauthorized")
            with contextlib.suppress(ConnectionError, http.client.HTTPException):
                self.assertEqual(stream.read(), b"")    # it ends, rather than going on
        # Another server would not know it either, nor this one after a restart.
        self.assertEqual([t for t in self.server.admin("GET", "/v1/tokens").json["tokens"]
                          if t["id"] == number], [])

    def test_login_keeps_a_token_for_nobody_else_to_read(self):
        token, number = self.make(tenant="acme", verbs=["read", "deploy"], note="laptop")
        home = self.server.home / "somebody"
        self.assertEqual(self.client("list", "--url", self.url, "-t", "acme").returncode, 4)
        wrong = self.client("login", self.url, home=home, stdin="skt_wrong\n")
        self.assertEqual(wrong.returncode, 4, wrong)
        self.assertFalse(home.exists())
        done = self.client("login", self.url + "/", home=home, stdin=token + "\n")
        self.assertEqual(done.returncode, 0, done)
        self.assertIn(f"as token {number}, for tenant acme", done.stdout)
        self.assertNotIn(token[21:], done.stdout + done.stderr)
        kept = home / "skerry" / "tokens.json"
        self.assertEqual(stat.S_IMODE(kept.stat().st_mode), 0o600)
        listed = self.client("list", "--url", self.url, "-t", "acme", home=home)
        self.assertEqual(listed.returncode, 0, listed)
        self.assertIn("\nf ", listed.stdout)
        deployed = self.client("deploy", write_guest("kept", guest("text")), "-t", "acme",
                               home=home, SKERRY_URL=self.url)
        self.assertEqual(deployed.returncode, 0, deployed)
        used = [t for t in self.server.admin("GET", "/v1/tokens").json["tokens"]
                if t["id"] == number]
        self.assertEqual(used[0]["note"], "laptop")
        self.assertIsNotNone(used[0]["used"])
        # The environment goes before the file.
        other = self.client("list", "--url", self.url, "-t", "acme", home=home,
                            SKERRY_TOKEN="skt_wrong")
        self.assertEqual(other.returncode, 4, other)
        kept.chmod(0o644)
        self.assertIn("chmod 600", self.client("list", "--url", self.url, home=home).stderr)
        kept.chmod(0o600)
        self.assertEqual(self.client("logout", self.url, home=home).returncode, 0)
        self.assertEqual(self.client("list", "--url", self.url, home=home).returncode, 4)

    def test_the_command_line_makes_lists_and_revokes(self):
        made = self.server.cli("token", "create", "-t", "beta", "--verbs", "read", "--functions",
                               "f", "--expires", "1h", "--note", "ci", check=0)
        token = made.stdout.splitlines()[0]
        self.assertTrue(token.startswith("skt_"), made.stdout)
        self.assertEqual(self.ask(token, "GET", "/v1/tenants/beta/functions/f").status, 200)
        self.problem(self.ask(token, "GET", "/v1/tenants/beta/functions/x"), 404, "not_found")
        number = token.split("_")[1]
        self.assertRegex(self.server.cli("token", "list", check=0).stdout,
                         rf"{number}  beta .*read .*ci  for f\n")
        self.assertIn(number, self.server.cli("token", "list", "-t", "beta", check=0).stdout)
        self.assertNotIn(number, self.server.cli("token", "list", "-t", "acme", check=0).stdout)
        self.server.cli("token", "rm", number, check=0)
        self.problem(self.ask(token, "GET", "/v1/tenants/beta/functions/f"), 401, "unauthorized")
        self.server.cli("token", "rm", number, check=5)
        self.server.cli("token", "create", check=2)
        self.server.cli("token", "create", "-t", "nobody", check=5)

    def test_the_audit_says_who_it_was(self):
        token, number = self.make(tenant="beta", verbs=["deploy", "admin"])
        self.assertEqual(self.ask(token, "PUT", "/v1/tenants/beta/functions/f/env/A", "1").status,
                         200)
        records = self.ask(token, "GET", "/v1/audit").json["records"]
        self.assertEqual({r["tenant"] for r in records}, {"beta"})
        self.assertEqual((records[0]["who"], records[0]["from"], records[0]["name"]),
                         (f"token {number}", "127.0.0.1", "A"))
        mine = [r for r in records if r["action"] == "token_create"][0]
        self.assertEqual((mine["who"], mine["from"]), (f"uid {os.geteuid()}", "socket"))
        shown = self.server.cli("audit", "--verify", check=0).stdout
        self.assertIn(f"token {number}", shown)
        self.assertIn("verified ", shown)


class Expiry(ServerTest):
    workers = 1
    port = free_port()
    config = f"admin: {{ listen: \"127.0.0.1:{port}\" }}\n"

    def status(self, token):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60 * PATIENCE)
        with contextlib.closing(connection):
            return exchange(connection, "GET", "/v1/caller", None,
                            {"Authorization": f"Bearer {token}"})

    def test_a_token_ends_and_wrong_ones_are_not_looked_at_for_long(self):
        made = self.server.admin("POST", "/v1/tokens", '{"verbs":["read"],"expires":"1500ms"}')
        token = made.json["token"]
        good = self.server.admin("POST", "/v1/tokens", '{"verbs":["read"]}').json["token"]
        answer = wait_until(lambda: (a := self.status(token)).status != 200 and a, 10, "its end")
        self.problem(answer, 401, "token_expired")
        self.assertEqual(self.status(good).status, 200)
        last = None
        for i in range(30):
            last = self.status(f"skt_{i:016x}_{i:064x}")
            if last.status == 429:
                break
        self.problem(last, 429, "too_many_failures")
        self.assertEqual(last.headers["Retry-After"], "60")
        # Not even a good one, from there; the socket is another matter.
        self.problem(self.status(good), 429, "too_many_failures")
        self.assertEqual(self.server.admin("GET", "/v1/caller").status, 200)
        self.assertIn("requests came to the admin address without its token", self.server.log())


class Quotas(ServerTest):
    workers = 2
    config = "limits: { fuel: 10M }\n"

    def limits(self, tenant, **quotas):
        words = [f"{name}={value}" for name, value in quotas.items()]
        return self.server.cli("tenant", "limits", tenant, *words, check=0)

    def test_deploys_stop_at_the_quota_and_say_which(self):
        self.server.cli("tenant", "create", "small", check=0)
        self.limits("small", functions=1, stored="1KiB")
        path = write_guest("small", text_guest("text-of-small"))
        self.server.cli("deploy", path, "-t", "small", "-n", "one", check=0)
        done = self.server.cli("deploy", path, "-t", "small", "-n", "two", check=7)
        self.assertIn("its quota `functions` is 1", done.stderr)
        self.limits("small", functions="default", stored=300)
        done = self.server.cli("deploy", write_guest("more", guest("counter")), "-t", "small", "-n",
                               "one", check=7)
        self.assertIn("its quota `stored` is 300", done.stderr)
        # What was there before goes on.
        self.assertEqual(self.server.get("one", tenant="small").text, "text-of-small")
        self.assertIn("functions  1\n", self.server.cli("tenant", "show", "small", check=0).stdout)
        self.server.cli("tenant", "rm", "small", check=6)
        self.server.cli("tenant", "limits", "small", "function=1", check=2)

    def test_requests_over_the_rate_are_refused_in_all_workers_and_others_are_not(self):
        for tenant in ("fast", "slow"):
            self.server.deploy("f", text_guest("text-of-rates"), tenant)
        self.limits("slow", requests_per_s=1)
        ends = [self.server.get("f", tenant="slow") for _ in range(60)]
        refused = [a for a in ends if a.status != 200]
        # However slow this machine is: sixty requests take no minute.
        self.assertTrue(refused)
        for answer in refused:
            self.problem(answer, 429, "request_rate")
            self.assertEqual(answer.headers["Retry-After"], "1")
        self.assertEqual({self.server.get("f", tenant="fast").status for _ in range(20)}, {200})
        self.limits("slow", requests_per_s="default")
        self.assertEqual({self.server.get("f", tenant="slow").status for _ in range(20)}, {200})

    def test_fuel_that_is_used_up_is_used_up_for_all_its_functions(self):
        self.server.deploy("burn", guest("loop"), "burns")
        self.server.deploy("f", text_guest("text-of-burns"), "burns")
        self.limits("burns", fuel_per_s="1k")
        self.problem(self.server.get("burn", tenant="burns"), 500, "fuel_exhausted")
        answer = self.server.get("f", tenant="burns")
        self.problem(answer, 429, "fuel_rate")
        self.limits("burns", fuel_per_s="default")
        self.assertEqual(self.server.get("f", tenant="burns").status, 200)

    def test_a_suspended_tenant_is_silent_until_it_is_resumed(self):
        self.server.deploy("f", text_guest("text-of-quiet"), "quiet")
        self.assertEqual(self.server.get("f", tenant="quiet").status, 200)
        self.server.cli("tenant", "suspend", "quiet", check=0)
        self.problem(self.server.get("f", tenant="quiet"), 503, "tenant_suspended")
        self.assertIn("(suspended)", self.server.cli("tenant", "show", "quiet", check=0).stdout)
        self.server.cli("tenant", "resume", "quiet", check=0)
        self.assertEqual(self.server.get("f", tenant="quiet").text, "text-of-quiet")


class FirstToken(unittest.TestCase):
    def test_a_server_that_had_an_address_keeps_its_token(self):
        port = free_port()
        config = f"admin: {{ listen: \"127.0.0.1:{port}\" }}\n"
        with Server(workers=1, config=config) as server:
            first = (server.data / "admin.token").read_text()
        with Server(workers=1, config=config, data=server.data) as again:
            self.assertEqual((again.data / "admin.token").read_text(), first)
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60 * PATIENCE)
            with contextlib.closing(connection):
                answer = exchange(connection, "GET", "/v1/caller", None,
                                  {"Authorization": f"Bearer {first.strip()}"})
            self.assertEqual(answer.json["who"], "admin.token")
            self.assertIn("operator", answer.json["verbs"])
