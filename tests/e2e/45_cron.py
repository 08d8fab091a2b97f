# SPDX-License-Identifier: Apache-2.0
"""Functions that run by themselves. When they are due is a unit test's: nobody waits here."""
import json
import unittest

from harness import ServerTest, guest, text_guest, wait_until

TRIGGERS = '[{ schedule: "0 0 1 1 *", path: /tick, missed: once }, { schedule: "@yearly" }]'


class Cron(ServerTest):
    def cron(self, method, rest="", body=None, function="job"):
        path = f"/v1/tenants/default/functions/{function}/cron{rest}"
        return self.server.admin(method, path, None if body is None else json.dumps(body).encode(),
                                 {"Content-Type": "application/json"})

    def deploy(self, triggers):
        folder = self.server.home / "job"
        folder.mkdir(exist_ok=True)
        (folder / "m.wasm").write_bytes(guest("echo"))
        (folder / "function.yaml").write_text(f"name: job\nmain: m.wasm\ncron: {triggers}\n")
        return self.server.cli("deploy", str(folder))

    def runs(self, function="job"):
        lines = [json.loads(line) for line in self.server.guest_log(function).splitlines()]
        return [line for line in lines if line["event"] == "cron_run"]

    def test_triggers_are_made_shown_run_and_removed(self):
        self.assertEqual(self.deploy(TRIGGERS).returncode, 0)
        rows = self.cron("GET").json["cron"]
        self.assertEqual([row["id"] for row in rows], ["manifest-1", "manifest-2"])
        self.assertEqual([(row["path"], row["missed"]) for row in rows],
                         [("/tick", "once"), ("/", "skip")])
        self.assertRegex(rows[0]["next"], r"^20\d\d-01-01T00:00:00Z$")
        done = self.server.cli("cron", "add", "job", "30 4 * * *", "/night", "--overlap", "allow")
        self.assertEqual(done.returncode, 0, done)
        mine = [row for row in self.cron("GET").json["cron"] if row["overlap"] == "allow"]
        self.assertEqual((len(mine), mine[0]["path"]), (1, "/night"))
        for trigger in ("manifest-1", mine[0]["id"]):
            done = self.server.cli("cron", "run", "job", trigger)
            self.assertEqual(done.returncode, 0, done)
        wait_until(lambda: len(self.runs()) == 2, 30, "both runs")
        self.assertEqual({(run["status"], run["version"]) for run in self.runs()}, {(200, "v1")})
        self.assertEqual(self.server.cli("cron", "rm", "job", mine[0]["id"]).returncode, 0)
        self.assertEqual(self.server.cli("cron", "rm", "job", mine[0]["id"]).returncode, 5)
        # Those of the manifest are the manifest's.
        self.assertEqual(self.cron("DELETE", "/manifest-1").status, 409)
        self.assertEqual(self.deploy("[]").returncode, 0)
        self.assertEqual(self.cron("GET").json["cron"], [])
        self.assertEqual(self.cron("POST", "/manifest-1/run", {}).status, 404)
        self.assertEqual(self.server.cli("rm", "job", "--yes").returncode, 0)

    def test_what_is_wrong_is_refused_and_said_where(self):
        for text, why in (('[{ schedule: "61 * * * *" }]', "its minute is wrong"),
                          ('[{ path: /x }]', "has no schedule"),
                          ('[{ schedule: "0 0 30 2 *" }]', "never comes"),
                          ('[{ schedule: "@daily", path: x }]', "has a `path` that is none"),
                          ('[{ schedule: "@daily", overlap: wait }]', "neither skip nor allow"),
                          ('[{ schedule: "@daily", missed: all }]', "neither skip nor once"),
                          ('[{ schedul: "@daily" }]', "schedule"), ('"@daily"', "must be a list")):
            done = self.deploy(text)
            self.assertEqual(done.returncode, 3, done)
            self.assertIn(why, done.stderr)
        self.server.deploy("job", guest("echo"))
        for body in (None, {}, [], {"schedule": 3}, {"schedule": "* * * *"},
                     {"schedule": "@daily", "more": 1}):
            answer = self.cron("PUT", "/mine", body)
            self.assertEqual((answer.status, answer.json["code"]), (400, "bad_cron"), body)
        self.assertEqual(self.cron("PUT", "/Mine", {"schedule": "@daily"}).status, 400)
        self.assertEqual(self.cron("GET", "/mine").status, 404)
        self.assertEqual(self.server.cli("rm", "job", "--yes").returncode, 0)

    def test_a_run_is_the_active_versions_whatever_clients_get(self):
        self.server.deploy("night", guest("echo"))
        self.server.deploy("night", text_guest("----------two"))
        self.assertEqual(self.cron("PUT", "/mine", {"schedule": "@yearly"}, "night").status, 200)
        seen = set()
        for count, (active, split) in enumerate((("v1", ("v1=51", "v2=49")),
                                                 ("v2", ("v1=49", "v2=51"))), 1):
            self.server.cli("split", "night", *split, check=0)
            if self.server.get("night").headers["x-skerry-version"] != active:
                seen.add(active)
            self.server.cli("cron", "run", "night", "mine", check=0)
            wait_until(lambda count=count: len(self.runs("night")) == count, 30, "the run")
            self.assertEqual(self.runs("night")[-1]["version"], active)
        self.assertTrue(seen, "in one of both this machine's clients get the other version")
        self.assertEqual(self.server.cli("rm", "night", "--yes").returncode, 0)

    def test_no_client_can_say_that_it_is_a_trigger(self):
        self.server.deploy("job", guest("echo"))
        answer = self.server.get("job", headers={"X-Skerry-Cron": "* * * * *", "X-Other": "1"})
        self.assertNotIn("x-skerry-cron", answer.text.lower())
        self.assertEqual(self.server.cli("rm", "job", "--yes").returncode, 0)


if __name__ == "__main__":
    unittest.main()
