# SPDX-License-Identifier: Apache-2.0
"""/v1/openapi.json against the server that it describes: every call that it names is there, no
other is, and whatever is refused is refused by a problem; and what every call has."""
import base64
import hashlib
import itertools
import re
import unittest

from harness import Server, ServerTest, text_guest

METHODS = ("get", "put", "post", "delete")
NAMES = {"tenant": "default", "function": "hello", "version": "v1", "key": "thing"}
BOUNDED = {"list_versions", "list_aliases", "list_variables", "list_routes", "list_crons",
           "list_secrets", "list_audit"}
UNKNOWN = {"tenant": "nobody", "function": "nothing", "version": "v99", "key": "nowhere"}


def is_servers_own(method, path):
    """Drain, reload and the like: they do something to the server whatever their body says."""
    return method != "get" and "{" not in path


class Document(ServerTest):
    workers = 1

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server.deploy("hello", text_guest("text-openapi1"))
        cls.paths = cls.server.admin("GET", "/v1/openapi.json").json["paths"]

    def fill(self, path, names):
        for name, value in names.items():
            path = path.replace("{%s}" % name, value)
        self.assertNotIn("{", path)
        return path

    def calls(self):
        return [(method, path, item[method]) for path, item in self.paths.items()
                for method in METHODS if method in item]

    def check_answer(self, answer, what):
        """Well-formed, whatever it says; a refusal is a problem."""
        self.assertLess(answer.status, 500, (what, answer))
        if answer.status >= 400:
            self.problem(answer, answer.status)
            self.assertEqual(answer.json["status"], answer.status, what)
            self.assertTrue(answer.json.get("request_id"), what)
        elif answer.body and answer.headers["content-type"] == "application/json":
            self.assertIsInstance(answer.json, dict, what)

    def test_every_call_is_there_and_no_other_method(self):
        for path in self.paths:
            target = self.fill(path, UNKNOWN)
            # A word may stand where another path has a name: `blobs/missing`, `blobs/{key}`.
            documented = {method for other, operations in self.paths.items()
                          if re.fullmatch(re.sub(r"{\w+}", "[^/]+", other), target)
                          for method in METHODS if method in operations}
            for method in METHODS + ("patch",):
                if method in documented and is_servers_own(method, path):
                    continue
                answer = self.server.admin(method.upper(), target)
                what = f"{method} {path}"
                if method in documented:
                    self.assertNotEqual(answer.status, 405, what)
                    self.check_answer(answer, what)
                    if answer.status == 404:
                        self.assertNotEqual(answer.json["code"], "no_such_call", what)
                    continue
                self.problem(answer, 405)
                allowed = {word.strip().lower() for word in answer.headers["allow"].split(",")}
                self.assertEqual(allowed & set(METHODS), documented, what)

    def test_what_can_be_read_is_read(self):
        for method, path, _ in self.calls():
            if method == "get":
                self.check_answer(self.server.admin("GET", self.fill(path, NAMES)), path)

    def test_names_that_cannot_be_are_refused_everywhere(self):
        for (method, path, _), bad in itertools.product(self.calls(), ("%2e%2e", "A_b", "%00")):
            if "{tenant}" in path:
                target = self.fill(path, dict(NAMES, tenant=bad))
                self.problem(self.server.admin(method.upper(), target), 400, "bad_name")

    def test_what_is_not_in_it_is_not_there(self):
        for target in ("/v1", "/v1/", "/v2/tenants", "/v1/tenants/default/nothing", "/",
                       "/v1/tenant"):
            self.problem(self.server.admin("GET", target), 404)

    def test_parameters_and_types_that_nobody_knows_are_refused(self):
        for method, path, operation in self.calls():
            target = self.fill(path, NAMES)
            if method == "get" and path.startswith("/v1"):
                self.problem(self.server.admin("GET", target + "?no_such=1"), 400, "bad_query")
            if "requestBody" in operation and not is_servers_own(method, path):
                answer = self.server.admin(method.upper(), target, b"x",
                                           {"Content-Type": "text/x-nothing"})
                self.problem(answer, 415, "unsupported_media_type")

    def test_json_that_is_none_is_told_with_its_line_and_column(self):
        count = 0
        for method, path, operation in self.calls():
            if "application/json" not in operation.get("requestBody", {}).get("content", {}):
                continue
            answer = self.server.admin(method.upper(), self.fill(path, NAMES), b'{\n  "a": }',
                                       {"Content-Type": "application/json"})
            self.assertIn("line 2, column 8", self.problem(answer, 400, "bad_json")["detail"])
            count += 1
        self.assertGreater(count, 10)

    def test_a_list_has_pages_or_a_bound(self):
        bounded = set()
        for method, path, call in self.calls():
            if method != "get" or not call["operationId"].startswith("list_"):
                continue
            target = self.fill(path, NAMES)
            refused = [self.server.admin("GET", f"{target}?{name}=*").json.get("detail", "")
                       for name in ("after", "cursor")]
            if all("unknown parameter" in detail for detail in refused):
                bounded.add(call["operationId"])
        self.assertEqual(bounded, BOUNDED)  # docs/tenants.md says by what

    def test_a_body_is_what_its_digest_says(self):
        module = text_guest("text-digest-1")
        right = base64.b64encode(hashlib.sha256(module).digest()).decode()
        wrong = base64.b64encode(hashlib.sha256(b"").digest()).decode()
        target = "/v1/tenants/default/functions/digested"
        kind = {"Content-Type": "application/wasm"}
        answer = self.server.admin("PUT", target, module,
                                   {"Content-Digest": f"sha-256=:{wrong}:", **kind})
        self.problem(answer, 400, "bad_digest")
        self.assertNotIn("digested", self.server.functions())
        answer = self.server.admin("PUT", target, module,
                                   {"Content-Digest": f"md5=:AAAA:, sha-256=:{right}:", **kind})
        self.assertEqual(answer.status, 201)

    def test_a_change_that_is_sent_again_is_made_once(self):
        def put(text, key):
            return self.server.admin("PUT", "/v1/tenants/default/functions/again",
                                     text_guest(text), {"Content-Type": "application/wasm",
                                                        "Idempotency-Key": key})
        first, second = put("text-again-01", "a"), put("text-again-01", "a")
        self.assertEqual((first.status, second.status, first.body), (201, 201, second.body))
        other = put("text-again-02", "a")
        self.assertEqual((other.status, other.json["code"]), (422, "idempotency_key_reused"))
        self.assertEqual(put("text-again-02", "b").json["version"], "v2")
        self.assertEqual(put("text-again-01", "a").json["version"], "v1")    # as it was then
        self.assertEqual(put("text-again-01", "x" * 256).json["code"], "bad_idempotency_key")
        versions = self.server.admin("GET", "/v1/tenants/default/functions/again/versions").json
        self.assertEqual(len(versions["versions"]), 2)
        self.server.admin("DELETE", "/v1/tenants/default/functions/again")


class Verbs(unittest.TestCase):
    def test_no_verb_colours_what_it_says(self):
        with Server(workers=1) as server:
            for words in (["list"], ["stats"], ["limits"], ["show", "nothing"]):
                done = server.cli(*words)
                self.assertNotIn("\x1b", done.stdout + done.stderr)
