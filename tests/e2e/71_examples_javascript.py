# SPDX-License-Identifier: Apache-2.0
"""The examples in JavaScript that do something, each deployed as its README says."""
import base64
import hashlib
import hmac
import json
import shutil
import subprocess
import time
import unittest

from harness import ROOT, SCRATCH, ServerTest, has_javascript, wait_until

NO_REGISTRY = ("ENOTFOUND", "EAI_AGAIN", "ETIMEDOUT", "ECONNREFUSED", "SELF_SIGNED_CERT",
               "UNABLE_TO_GET_ISSUER_CERT", "E401", "E403", "E404")


def token(claims, key, algorithm="HS256"):
    def part(data):
        return base64.urlsafe_b64encode(data).rstrip(b"=")
    head = part(json.dumps({"alg": algorithm}).encode()) + b"." + part(json.dumps(claims).encode())
    return (head + b"." + part(hmac.digest(key, head, hashlib.sha256))).decode()


@unittest.skipUnless(has_javascript(), "this build has no JavaScript")
class Examples(ServerTest):
    def deploy(self, name):
        return self.server.cli("deploy", str(ROOT / "examples" / name), check=0)

    def test_a_token_is_checked(self):
        name, key = "token-javascript", b"a long random text"
        self.deploy(name)
        secret = SCRATCH / "token-key"
        secret.write_bytes(key)
        with secret.open("rb") as stdin:
            self.server.cli("secret", "put", name, "TOKEN_KEY", check=0, stdin=stdin)
        now = int(time.time())
        for shown, status, said in (
                (token({"sub": "me", "exp": now + 3600}, key), 200, "me"),
                (token({"sub": "me", "exp": now - 3600}, key), 401, "over"),
                (token({"sub": "me"}, b"another"), 401, "forged"),
                (token({"sub": "me"}, key, "none"), 401, "not signed"),
                ("no.token", 401, "not a token"),
                (None, 401, "no token")):
            headers = {} if shown is None else {"Authorization": f"Bearer {shown}"}
            answer = self.server.get(name, headers=headers)
            self.assertEqual(answer.status, status, answer)
            self.assertIn(said, answer.text)

    def test_a_page_is_made_of_a_file(self):
        name = "page-javascript"
        self.deploy(name)
        answer = self.server.get(name, "/planets/mars")
        self.assertEqual((answer.status, answer.headers["content-type"]),
                         (200, "text/html; charset=utf-8"))
        self.assertIn("<body>\n<h1>mars</h1><p>2 moons</p>\n</body>", answer.text)
        self.assertIn('<a href="/planets/earth">', self.server.get(name).text)
        self.assertEqual(self.server.get(name, "/planets/pluto").status, 404)
        self.assertEqual(self.server.get(name, "/style.css").headers["content-type"],
                         "text/css; charset=utf-8")

    def test_a_workers_project_is_taken_as_it_is(self):
        name = "shop-workers"
        self.assertIn("`d1_databases`: D1 is not here", self.deploy(name).stderr)
        self.assertEqual(self.server.get(name).json, {"shop": "pears", "database": False})
        body = json.dumps({"item": "pear", "count": 2}).encode()
        answer = self.server.get(name, "/orders", method="POST", body=body)
        self.assertEqual((answer.status, answer.json["price"]), (201, 6))
        self.assertEqual(self.server.get(name, "/orders").json,
                         [{"item": "pear", "count": 2, "price": 6}])
        statuses = [self.server.get(name, "/orders", method="POST", body=body).status
                    for _ in range(8)]
        self.assertEqual(sorted(set(statuses)), [201, 429])
        last = "/v1/tenants/default/kv/4f2c0a6e0d6b4b0e9a4b%2Flast"
        wait_until(lambda: self.server.admin("GET", last).status == 200, 5, "waitUntil")
        self.server.cli("cron", "run", name, "manifest-1", check=0)
        wait_until(lambda: "*/30 * * * *: " in self.server.guest_log(name), 20, "scheduled")

    def test_typescript_and_a_package(self):
        if shutil.which("npm") is None:
            self.skipTest("npm is not installed")
        place = SCRATCH / "api-hono"
        shutil.copytree(ROOT / "examples" / "api-hono", place,
                        ignore=shutil.ignore_patterns("node_modules", "build"))
        got = subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"],
                             cwd=place, capture_output=True, text=True, check=False)
        if got.returncode != 0 and any(word in got.stderr for word in NO_REGISTRY):
            self.skipTest(f"no way to the registry: {got.stderr.strip().splitlines()[-1]}")
        self.assertEqual(got.returncode, 0, got.stderr)
        self.server.cli("deploy", str(place), check=0)
        self.assertEqual(self.server.get("api-hono").text, "tasks\n")
        put = self.server.get("api-hono", "/tasks/wash", method="PUT", body=b'{"done": true}')
        self.assertEqual(put.status, 204)
        self.assertEqual(self.server.get("api-hono", "/tasks/wash").json, {"done": True})
        self.assertEqual(self.server.get("api-hono", "/tasks").json, ["wash"])
        self.assertEqual(self.server.get("api-hono", "/tasks/none").status, 404)
        answer = self.server.get("api-hono", "/tasks/wash", method="PUT", body=b"{}")
        self.assertEqual(answer.status, 400)
        wait_until(lambda: "src/index.ts:" in self.server.guest_log("api-hono"), 5,
                   "the line that was written")


if __name__ == "__main__":
    unittest.main()
