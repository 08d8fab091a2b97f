# SPDX-License-Identifier: Apache-2.0
"""Which host leads to which function, and which of its versions a client gets."""
import contextlib
import json
import re
import unittest

import harness
from harness import Server, ServerTest, exchange, guest, text_guest


def version_of(answer):
    return answer.headers["X-Skerry-Version"]


class Traffic(ServerTest):
    def path(self, name, rest=""):
        return f"/v1/tenants/default/functions/{name}{rest}"

    def deploy_versions(self, name, count, activate=True):
        for i in range(1, count + 1):
            query = "" if activate or i == 1 else "?activate=0"
            answer = self.server.put(name, text_guest(f"text-{i:08d}"), query=query)
            self.assertEqual(answer.status, 201, answer)

    def split(self, name, shares, headers=None, **more):
        body = {"versions": [{"version": v, "percent": p} for v, p in shares.items()], **more}
        return self.server.admin("PUT", self.path(name, "/deployment"), json.dumps(body), headers)

    def ask_host(self, host, target="/", method="GET", headers=None):
        with contextlib.closing(self.server.connect()) as connection:
            return exchange(connection, method, target, None, {"Host": host, **(headers or {})})

    def seen(self, name, clients=200, target="/"):
        """Which version each client gets, told apart by a cookie."""
        with contextlib.closing(self.server.connect()) as connection:
            return [version_of(exchange(connection, "GET", f"/f/default/{name}{target}", None,
                                        {"Cookie": f"a=b; id=c{i}; z=1"}))
                    for i in range(clients)]

    def test_metrics_tell_versions_apart(self):
        self.deploy_versions("tallied", 2, activate=False)
        self.split("tallied", {"v1": 50, "v2": 50}, by="cookie:id")
        seen = self.seen("tallied")
        self.server.deploy("tallied", guest("trap"))
        self.assertEqual(self.server.get("v3--tallied", "/unreachable").status, 500)
        found = {}

        def number(family, version):
            labels = rf'tenant="default",function="tallied",version="{version}"'
            return float(re.search(rf"^skerry_version_{family}_total{{{labels}}} (\S+)$",
                                   found["text"], re.M)[1])

        def told():
            found["text"] = self.server.admin("GET", "/metrics").text
            rows = dict(re.findall(r'requests_total{tenant="default",function="tallied",'
                                   r'version="(v\d)"} (\d+)', found["text"]))
            return rows == {"v1": str(seen.count("v1")), "v2": str(seen.count("v2")), "v3": "1"}

        harness.wait_until(told, 5, "each version's requests")
        for version, failed in (("v1", 0), ("v2", 0), ("v3", 1)):
            self.assertEqual(number("failures", version), failed)
            self.assertGreater(number("seconds", version), number("run_seconds", version))
            self.assertGreater(number("run_seconds", version), 0)
            self.assertGreater(number("fuel", version), 0)
        self.assertIn('skerry_version_requests_total{tenant="_other",function="_other",'
                      'version="_other"} 0\n', found["text"])

    def test_clients_are_split_and_each_one_stays_where_it_is(self):
        self.deploy_versions("shared", 2, activate=False)
        self.assertEqual(set(self.seen("shared")), {"v1"})
        answer = self.split("shared", {"v1": 80, "v2": 20}, by="cookie:id")
        self.assertEqual(answer.status, 200, answer)
        first = self.seen("shared")
        self.assertEqual(set(first), {"v1", "v2"})
        self.assertLess(first.count("v2"), 100)
        self.assertEqual(self.seen("shared"), first)
        self.split("shared", {"v1": 50, "v2": 50}, by="cookie:id")
        later = self.seen("shared")
        self.assertTrue(all(b == "v2" for a, b in zip(first, later) if a == "v2"))
        self.assertGreater(later.count("v2"), first.count("v2"))
        self.split("shared", {"v2": 100})
        self.assertEqual(set(self.seen("shared")), {"v2"})
        # Back to the deployment before, which was two versions, and back again.
        self.assertEqual(self.server.cli("rollback", "shared").returncode, 0)
        self.assertEqual(self.seen("shared"), later)
        self.server.cli("rollback", "shared", check=0)
        self.assertEqual(set(self.seen("shared")), {"v2"})

    def test_one_address_is_one_client(self):
        self.deploy_versions("by-address", 2)
        self.split("by-address", {"v1": 50, "v2": 50})
        self.assertEqual(len({version_of(self.server.get("by-address")) for _ in range(20)}), 1)

    def test_what_a_version_says_is_that_versions(self):
        self.deploy_versions("mixed", 2)
        self.split("mixed", {"v1": 50, "v2": 50}, by="cookie:id")
        with contextlib.closing(self.server.connect()) as connection:
            for i in range(200):
                answer = exchange(connection, "GET", "/f/default/mixed/", None,
                                  {"Cookie": f"id={i}"})
                number = int(version_of(answer)[1:])
                self.assertEqual(answer.text, f"text-{number:08d}")

    def test_versions_and_aliases_have_hosts_of_their_own(self):
        self.deploy_versions("seen", 2)
        port = self.server.port
        for label, version in (("seen", "v2"), ("v1--seen", "v1"), ("V1--Seen", "v1"),
                               ("v2--seen", "v2")):
            answer = self.ask_host(f"{label}.default.localhost:{port}")
            self.assertEqual((answer.status, version_of(answer)), (200, version))
        for label in ("v3--seen", "stage--seen", "--seen", "v1--", "v1--none", "v0--seen"):
            self.problem(self.ask_host(f"{label}.default.localhost"), 404)
        self.server.cli("alias", "set", "seen", "stage", "v1", check=0)
        answer = self.ask_host("stage--seen.default.localhost")
        self.assertEqual(version_of(answer), "v1")
        self.assertEqual(version_of(self.server.get("stage--seen")), "v1")
        self.server.cli("alias", "set", "seen", "stage", "v2", check=0)
        self.assertEqual(version_of(self.ask_host("stage--seen.default.localhost")), "v2")
        self.assertIn("stage", self.server.cli("alias", "list", "seen", check=0).stdout)
        self.server.cli("alias", "rm", "seen", "stage", check=0)
        self.problem(self.ask_host("stage--seen.default.localhost"), 404)
        self.server.cli("alias", "rm", "seen", "stage", check=5)

    def test_a_name_with_two_dashes_stays_a_name(self):
        self.deploy_versions("dashes", 2)
        self.server.deploy("v1--dashes", text_guest("text-own-name"))
        self.assertEqual(self.ask_host("v1--dashes.default.localhost").text, "text-own-name")
        self.assertEqual(version_of(self.ask_host("v2--dashes.default.localhost")), "v2")

    def test_what_is_in_use_is_kept_however_old(self):
        self.deploy_versions("old", 2)
        self.server.cli("alias", "set", "old", "first", "v1", check=0)
        self.split("old", {"v1": 50, "v2": 50})
        for i in range(3, 25):
            self.server.put("old", text_guest(f"text-{i:08d}"), query="?activate=0")
        rows = self.server.admin("GET", self.path("old", "/versions")).json["versions"]
        kept = {row["version"] for row in rows}
        self.assertEqual(kept, {"v1", "v2"} | {f"v{i}" for i in range(15, 25)})
        self.server.deploy("old", text_guest("text-newest01"))
        self.server.deploy("old", text_guest("text-newest02"))
        self.server.deploy("old", text_guest("text-newest03"))
        rows = self.server.admin("GET", self.path("old", "/versions")).json["versions"]
        kept = {row["version"] for row in rows}
        self.assertIn("v1", kept)       # its alias
        self.assertNotIn("v2", kept)

    def test_a_lost_race_is_told(self):
        self.deploy_versions("race", 2)
        seen = self.server.admin("GET", self.path("race", "/deployment"))
        tag = seen.headers["ETag"]
        self.assertEqual(self.split("race", {"v1": 100}, {"If-Match": tag}).status, 200)
        answer = self.split("race", {"v2": 100}, {"If-Match": tag})
        self.problem(answer, 412, "precondition_failed")
        self.assertEqual(version_of(self.server.get("race")), "v1")
        self.assertEqual(self.split("race", {"v2": 100}, {"If-Match": "*"}).status, 200)

    def test_what_is_no_deployment_is_refused(self):
        self.deploy_versions("bad", 2)
        for shares, status in (({"v1": 50}, 400), ({"v1": 60, "v2": 60}, 400), ({"v9": 100}, 404),
                               ({"v1": 0, "v2": 100}, 400), ({"v1": 99.999, "v2": 0.001}, 400),
                               ({"one": 100}, 400), ({}, 400), ({"v1": "100"}, 400)):
            self.problem(self.split("bad", shares), status)
        for more in ({"by": "mood"}, {"by": "cookie:"}, {"by": "cookie:a b"}, {"canary": 2},
                     {"canary": {"factor": 0.5}}, {"canary": {"factor": 2, "requests": 0}},
                     {"bye": 1}):
            self.problem(self.split("bad", {"v1": 50, "v2": 50}, **more), 400, "bad_deployment")
        answer = self.server.put("bad", text_guest("text-00000009"), query="?percent=0")
        self.problem(answer, 400, "bad_query")
        self.assertEqual(version_of(self.server.get("bad")), "v2")

    def test_the_command_line_says_it_all(self):
        self.deploy_versions("told", 1)
        path = harness.write_guest("told", text_guest("text-00000002"))
        done = self.server.cli("deploy", path, "-n", "told", "--percent", "10", check=0)
        self.assertIn("skerry promote told", done.stdout)
        shown = self.server.cli("split", "told", check=0).stdout
        self.assertIn("v2           10 %", shown)
        self.assertIn("v1           90 %", shown)
        self.server.cli("promote", "told", "--percent", "25", check=0)
        self.assertIn("25 %", self.server.cli("split", "told", check=0).stdout)
        self.server.cli("promote", "told", check=0)
        self.assertEqual(version_of(self.server.get("told")), "v2")
        self.server.cli("rollback", "told", check=0)
        self.assertIn("25 %", self.server.cli("split", "told", check=0).stdout)
        self.server.cli("split", "told", "v1=50", "v2=50", "--by", "cookie:id", "--canary", "2",
                        check=0)
        self.server.cli("split", "told", "v1", check=2)
        self.server.cli("promote", "told", "--percent", "0", check=2)

    def test_a_canary_that_fails_is_undone(self):
        self.deploy_versions("canary", 1)
        answer = self.server.put("canary", harness.guest("trap"), query="?percent=50")
        self.assertEqual(answer.status, 201, answer)
        self.split("canary", {"v1": 50, "v2": 50}, by="cookie:id",
                   canary={"factor": 2, "requests": 20})

        def undone():
            self.seen("canary", 60, "/u")
            shown = self.server.admin("GET", self.path("canary", "/deployment")).json
            return [row["version"] for row in shown["versions"]] == ["v1"]
        harness.wait_until(undone, 30, "the canary's end")
        self.assertEqual(set(self.seen("canary")), {"v1"})
        harness.wait_until(lambda: "canary_undone" in self.server.guest_log("canary"), 30,
                           "a line in the function's log")


class Domains(ServerTest):
    def ask(self, host, target="/"):
        with contextlib.closing(self.server.connect()) as connection:
            return exchange(connection, "GET", target, None, {"Host": host})

    def test_a_domain_leads_to_its_function(self):
        self.server.deploy("web", text_guest("text-the-web0"), tenant="acme")
        self.server.deploy("api", text_guest("text-the-api0"), tenant="acme")
        self.server.deploy("web", text_guest("text-another0"), tenant="other")
        self.problem(self.ask("www.acme.example"), 404, "unknown_host")
        self.server.cli("domain", "add", "WWW.Acme.example.", "web", "-t", "acme", check=0)
        for host in ("www.acme.example", "WWW.ACME.EXAMPLE", "www.acme.example.:80"):
            self.assertEqual(self.ask(host).text, "text-the-web0")
        self.server.cli("route", "add", "api", "www.acme.example/v1", "-t", "acme", check=0)
        self.assertEqual(self.ask("www.acme.example", "/v1/x").text, "text-the-api0")
        self.assertEqual(self.ask("www.acme.example", "/v2").text, "text-the-web0")
        self.server.cli("domain", "add", "*.acme.example", "api", "-t", "acme", check=0)
        self.assertEqual(self.ask("any.acme.example").text, "text-the-api0")
        self.assertEqual(self.ask("www.acme.example").text, "text-the-web0")
        self.problem(self.ask("a.b.acme.example"), 404, "unknown_host")
        self.server.cli("domain", "add", "www.acme.example", "web", "-t", "other", check=6)
        self.server.cli("route", "add", "web", "any.acme.example", "-t", "other", check=6)
        self.server.cli("domain", "add", "b\u00fccher.example", "web", "-t", "other", check=0)
        self.assertEqual(self.ask("xn--bcher-kva.example").text, "text-another0")
        self.server.cli("domain", "rm", "*.acme.example", "-t", "acme", check=0)
        self.problem(self.ask("any.acme.example"), 404, "unknown_host")

    def test_hosts_that_are_nobodys_lead_where_the_operator_says(self):
        self.server.deploy("web", text_guest("text-the-web0"), tenant="acme")
        self.server.deploy("api", text_guest("text-the-api0"), tenant="acme")
        self.server.cli("domain", "add", "www.acme.example", "api", "-t", "acme", check=0)
        self.server.cli("domain", "add", "*", "web", "-t", "acme", check=0)
        for host in ("any.example", "127.0.0.1:8080", "[::1]", "localhost", "*"):
            self.assertEqual(self.ask(host).text, "text-the-web0")
        self.assertEqual(self.ask("127.0.0.1", "/f/acme/api").text, "text-the-api0")
        self.assertEqual(self.ask("www.acme.example").text, "text-the-api0")
        self.problem(self.ask("none.acme.localhost"), 404, "unknown_function")
        self.server.cli("domain", "rm", "*", "-t", "acme", check=0)
        self.problem(self.ask("127.0.0.1"), 404, "unknown_host")


class Diff(ServerTest):
    def deploy(self, module, rest):
        folder = self.server.home / "api"
        folder.mkdir(exist_ok=True)
        (folder / "m.wasm").write_bytes(module)
        (folder / "function.yaml").write_text("name: api\nmain: m.wasm\n" + rest)
        self.server.cli("deploy", str(folder), check=0)

    def test_what_differs_is_told_by_its_key(self):
        self.deploy(text_guest("----------one"), "env: { A: b, C: d }\nlimits: { fuel: 3M }\n")
        self.deploy(guest("trap"), "env: { A: x }\nlimits: { fuel: 3M, wall: 1s }\n")
        lines = self.server.cli("diff", "api", "v1", "v2", check=0).stdout.splitlines()
        for line in ("- manifest.env.A: b", "+ manifest.env.A: x", "- manifest.env.C: d",
                     "+ manifest.limits.wall: 1s"):
            self.assertIn(line, lines)
        self.assertIn("module_bytes", "".join(lines))
        self.assertNotIn("fuel", "".join(lines))
        self.assertIn("- imports: http_handler.set_header_value", lines)
        self.assertNotIn("exports", "".join(lines))
        module = self.server.admin("GET", "/v1/tenants/default/functions/api/versions/v2").json
        self.assertIn("handle_request", module["exports"])
        same = self.server.cli("diff", "api", "v1", "v1", check=0)
        self.assertIn("have the same in them", same.stdout)
        rows = json.loads(self.server.cli("diff", "api", "v2", "v1", "--json", check=0).stdout)
        self.assertIn({"key": "manifest.limits.wall", "from": "1s", "to": None}, rows["changes"])
        self.assertEqual(self.server.cli("diff", "api", "v1", "v9").returncode, 5)
        self.assertEqual(self.server.cli("diff", "api", "v1", "x/y").returncode, 2)


class DryRun(unittest.TestCase):
    """What a change would come to, and nothing is another afterwards."""

    def test_a_change_is_told_and_not_made(self):
        with Server(workers=1) as server:
            server.deploy("api", text_guest("----------one"))
            server.deploy("api", text_guest("----------two"))
            done = server.cli("rollback", "api", "--dry-run", check=0)
            self.assertIn("v1", done.stdout)
            self.assertIn("nothing was changed", done.stderr)
            server.cli("rm", "api", "--dry-run", check=0)
            server.cli("env", "set", "api", "A=b", "--dry-run", check=0)
            self.assertEqual(json.loads(server.cli("env", "list", "api", "--json",
                                                   check=0).stdout)["variables"], [])
            done = server.cli("kv", "put", "key", "value", "--dry-run")
            self.assertEqual(done.returncode, 2, done)
            self.assertIn("dry_run", done.stderr)
            self.assertEqual(server.get("api").text, "----------two")


class Health(unittest.TestCase):
    """A version that is asked how it is before it gets clients."""

    def deploy(self, server, module, *more):
        path = server.home / "module.wasm"
        path.write_bytes(module)
        return server.cli("deploy", str(path), "-n", "api", "--health", "/healthz?full=1", *more)

    def active(self, server):
        path = "/v1/tenants/default/functions/api/deployment"
        return server.admin("GET", path).json["versions"][0]["version"]

    def test_who_answers_well_gets_clients_and_who_does_not_gets_none(self):
        with Server(workers=1, config="limits: { fuel: 3M, wall: 2s }\n") as server:
            self.assertEqual(self.deploy(server, text_guest("----------one")).returncode, 0)
            self.assertEqual(server.get("api").text, "----------one")
            for module, why in ((guest("trap"), "500 trap"), (guest("loop"), "500 fuel_exhausted")):
                done = self.deploy(server, module)
                self.assertEqual(done.returncode, 9, done)
                self.assertIn("GET /healthz?full=1 was answered with " + why, done.stderr)
                self.assertIn("skerry logs api -t default", done.stderr)
                self.assertEqual((self.active(server), server.get("api").text),
                                 ("v1", "----------one"))
            # It is there, to be looked at, and can be put live all the same.
            self.assertEqual(server.get("v2--api", "/healthz?full=1").status, 500)
            done = self.deploy(server, text_guest("---------four"), "--percent", "100")
            self.assertEqual(done.returncode, 0, done)
            self.assertEqual((self.active(server), server.get("api").text), ("v4", "---------four"))

    def test_the_longest_name_is_asked_and_split_as_any(self):
        name = "a" * 63
        with Server(workers=1) as server:
            workers = server.worker_pids()
            for i in (1, 2):
                path = server.home / "module.wasm"
                path.write_bytes(text_guest(f"text-{i:08d}"))
                done = server.cli("deploy", str(path), "-n", name, "--health", "/")
                self.assertEqual(done.returncode, 0, done)
            server.cli("split", name, "v1=50", "v2=50", check=0)
            seen = {server.get(f"v{i}--{name}").text for i in (1, 2)} | {server.get(name).text}
            self.assertEqual(seen, {"text-00000001", "text-00000002"})
            self.assertEqual(server.worker_pids(), workers)

    def test_the_manifest_says_what_is_asked(self):
        with Server(workers=1) as server:
            folder = server.home / "f"
            folder.mkdir()
            (folder / "m.wasm").write_bytes(guest("trap"))
            (folder / "function.yaml").write_text(
                "name: api\nmain: m.wasm\nhealth: { path: /up, wall: 1s }\n")
            done = server.cli("deploy", str(folder))
            self.assertEqual(done.returncode, 9, done)
            self.assertEqual(server.get("api").status, 404)
            # A flag goes before the file; an empty one asks for nothing.
            self.assertEqual(server.cli("deploy", str(folder), "--health", "").returncode, 0)
            self.assertEqual(server.get("api", "/up").status, 500)

    def test_what_is_no_path_is_refused(self):
        with Server(workers=1) as server:
            for path in ("healthz", "/a b", "/a%0d%0ab", "/" + "x" * 256, "%zz"):
                answer = server.put("api", text_guest("------------x"),
                                    query="?health=" + path.replace(" ", "%20"))
                self.assertEqual((answer.status, answer.json["code"]), (400, "bad_query"), path)
            self.assertEqual(server.functions(), set())
            for text in ("{ path: up }", "{ wall: 1s }", "{ path: /x, wall: 2h }", "[]"):
                (server.home / "function.yaml").write_text(
                    f"name: api\nmain: m.wasm\nhealth: {text}\n")
                (server.home / "m.wasm").write_bytes(text_guest("------------x"))
                self.assertEqual(server.cli("deploy", str(server.home)).returncode, 3, text)
