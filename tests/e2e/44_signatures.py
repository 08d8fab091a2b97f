# SPDX-License-Identifier: Apache-2.0
"""Signed uploads: what a tenant that wants them takes, and what it does not."""
import hashlib
import json
import pathlib
import stat
import subprocess
import unittest

from harness import ServerTest, has_javascript, text_guest, write_guest


def module_of(word):
    """A module that answers with the word, and dots after it."""
    return text_guest(word.ljust(13, "."))


class Signatures(ServerTest):
    workers = 1

    def setUp(self):
        self.tenant = self.id().rsplit(".", 1)[1].replace("_", "-")[5:45].strip("-")
        self.server.cli("tenant", "create", self.tenant, check=0)
        self.key, self.public = self.make_key("key")
        self.server.cli("tenant", "signers", self.tenant, self.public, check=0)

    def make_key(self, name):
        path = self.server.home / f"{self.tenant}-{name}.pem"
        made = self.server.cli("key", "create", str(path), check=0)
        return path, made.stdout.splitlines()[0]

    def sign(self, key, body, tenant=None, function="f", query="", kind="application/wasm"):
        """The signature as docs/tenants.md tells it, made by another program."""
        parts = (kind.encode(), query.encode(), body)
        digest = [hashlib.sha256(part).hexdigest() for part in parts]
        text = (f"skerry upload 1\ntenant {tenant or self.tenant}\nfunction {function}\n"
                f"type {digest[0]}\nquery {digest[1]}\nbody {digest[2]}\n")
        statement = self.server.home / "statement"
        statement.write_bytes(text.encode())
        made = subprocess.run(["openssl", "pkeyutl", "-sign", "-rawin", "-inkey", str(key), "-in",
                               str(statement)], capture_output=True, check=True)
        return made.stdout.hex()

    def put(self, body, signature, function="f", query="", kind="application/wasm", tenant=None):
        headers = {"Content-Type": kind}
        if signature is not None:
            headers["Skerry-Signature"] = signature
        mark = "?" if query else ""
        path = f"/v1/tenants/{tenant or self.tenant}/functions/{function}{mark}{query}"
        return self.server.admin("PUT", path, body, headers)

    def changes(self):
        text = self.server.cli("audit", "-t", self.tenant, "--json", check=0).stdout
        return json.loads(text)["records"]

    def test_the_command_line_signs(self):
        module = write_guest("signed", module_of("hello"))
        refused = self.server.cli("deploy", module, "-n", "f", "-t", self.tenant)
        self.assertEqual(refused.returncode, 4, refused)
        self.assertIn("--sign KEYFILE", refused.stderr)
        words = ("deploy", module, "-n", "f", "-t", self.tenant, "--sign", str(self.key))
        self.server.cli(*words, check=0)
        self.assertIn("is unchanged", self.server.cli(*words, check=0).stdout)
        self.assertEqual(self.server.get("f", tenant=self.tenant).status, 200)
        shown = self.server.cli("tenant", "show", self.tenant, check=0).stdout
        self.assertIn(f"signed by  {self.public}", shown)
        deployed = [c for c in self.changes() if c["action"] == "deploy"]
        self.assertEqual([c["signed_by"] for c in deployed], [self.public])
        self.assertIn(f"signed by {self.public}",
                      self.server.cli("audit", "-t", self.tenant, check=0).stdout)
        switched = [c for c in self.changes() if c["action"] == "signers"]
        self.assertEqual(switched[0]["signers"], [self.public])

    def test_scripts_and_folders_are_signed(self):
        folder = pathlib.Path(self.server.home) / "folder"
        (folder / "pages").mkdir(parents=True, exist_ok=True)
        (folder / "pages" / "index.html").write_text("<p>signed</p>")
        (folder / "function.yaml").write_text("name: site\nassets: { dir: pages }\n")
        script = pathlib.Path(self.server.home) / "script.js"
        script.write_text("export default { fetch() { return new Response('signed'); } };\n")
        self.assertEqual(self.server.cli("deploy", str(folder), "-t", self.tenant).returncode, 4)
        uploads = [(str(folder),)]
        if has_javascript():
            uploads.append((str(script), "-n", "script"))
        for words in uploads:
            self.server.cli("deploy", *words, "-t", self.tenant, "--sign", str(self.key), check=0)
        self.assertIn("signed", self.server.get("site", tenant=self.tenant).text)

    def test_nothing_else_is_taken(self):
        body = module_of("hello")
        good = self.sign(self.key, body)
        other, _ = self.make_key("other")
        flipped = good[:-1] + ("0" if good[-1] != "0" else "1")
        self.problem(self.put(body, None), 403, "signature_required")
        for signature in ("", good[:-2], good + "00", good.upper(), "zz" * 64, flipped,
                          "00" * 64, self.sign(other, body),
                          self.sign(self.key, body, tenant="default"),
                          self.sign(self.key, body, function="g"),
                          self.sign(self.key, body, query="activate=1"),
                          self.sign(self.key, body, kind="text/javascript"),
                          self.sign(self.key, body + b"\0")):
            self.problem(self.put(body, signature), 403, "bad_signature")
        # A good one, moved: to another function, another query, another kind, another tenant.
        self.problem(self.put(body, good, function="g"), 403, "bad_signature")
        self.problem(self.put(body, good, query="deterministic=1"), 403, "bad_signature")
        self.problem(self.put(body, good, kind="text/javascript"), 403, "bad_signature")
        neighbour = self.tenant[:30] + "-2"
        self.server.cli("tenant", "create", neighbour, check=0)
        self.server.cli("tenant", "signers", neighbour, self.public, check=0)
        self.problem(self.put(body, good, tenant=neighbour), 403, "bad_signature")
        # Not even a module is looked at before the signature is.
        self.problem(self.put(b"no module", None), 403, "signature_required")
        self.assertEqual(self.server.functions(self.tenant), set())
        self.assertEqual(self.put(body, good).status, 201)

    def test_old_versions_stay_and_keys_go(self):
        self.server.cli("tenant", "signers", self.tenant, "none", check=0)
        self.assertEqual(self.put(module_of("one"), None).status, 201)
        self.server.cli("tenant", "signers", self.tenant, self.public, check=0)
        two = module_of("two")
        query = "activate=1"
        self.assertEqual(self.put(two, self.sign(self.key, two, query=query), query=query).status,
                         201)
        # What was taken before can be live again.
        self.server.cli("rollback", "f", "-t", self.tenant, check=0)
        self.assertEqual(self.server.get("f", tenant=self.tenant).text, "one..........")
        # A key that is none of the tenant's any more signs nothing.
        other, public = self.make_key("new")
        self.server.cli("tenant", "signers", self.tenant, public, check=0)
        three = module_of("three")
        self.problem(self.put(three, self.sign(self.key, three)), 403, "bad_signature")
        self.assertEqual(self.put(three, self.sign(other, three)).status, 201)
        # And a tenant that is made anew has none.
        self.server.cli("rm", "f", "--yes", "-t", self.tenant, check=0)
        self.server.cli("tenant", "rm", self.tenant, check=0)
        self.server.cli("tenant", "create", self.tenant, check=0)
        self.assertEqual(self.put(three, None).status, 201)

    def test_a_key_is_for_nobody_else(self):
        module = write_guest("kept", module_of("hello"))
        words = ("deploy", module, "-n", "f", "-t", self.tenant, "--sign", str(self.key))
        self.assertEqual(stat.S_IMODE(self.key.stat().st_mode), 0o600)
        again = self.server.cli("key", "create", str(self.key))
        self.assertEqual(again.returncode, 6, again)
        shown = self.server.cli("key", "show", str(self.key), check=0).stdout
        self.assertEqual(shown.splitlines()[0], self.public)
        self.key.chmod(0o640)
        self.assertIn("others can read", self.server.cli(*words).stderr)
        self.key.chmod(0o600)
        self.key.write_text("-----BEGIN PRIVATE KEY-----\n")
        self.assertIn("no Ed25519 private key", self.server.cli(*words).stderr)
        self.assertEqual(self.server.cli("key", "show", "nowhere.pem").returncode, 5)
        for keys in (["12"], [self.public.upper()], [self.public + "00"], [7], "none", {}):
            answer = self.server.admin("PUT", f"/v1/tenants/{self.tenant}/signers",
                                       json.dumps({"keys": keys}))
            self.problem(answer, 400, "bad_json")
        many = [f"{i:064x}" for i in range(17)]
        answer = self.server.admin("PUT", f"/v1/tenants/{self.tenant}/signers",
                                   json.dumps({"keys": many}))
        self.problem(answer, 400, "bad_json")
        answer = self.server.admin("PUT", "/v1/tenants/nobody/signers", '{"keys":[]}')
        self.problem(answer, 404, "not_found")


if __name__ == "__main__":
    unittest.main()
