# SPDX-License-Identifier: Apache-2.0
"""function.yaml: what it says holds for the version; variables and routes that belong to the
function; who may have a host."""
import contextlib
import json
import pathlib

from harness import SCRATCH, ServerTest, exchange, guest, text_guest


class Manifests(ServerTest):
    def folder(self, name, module, manifest):
        folder = pathlib.Path(SCRATCH / name)
        folder.mkdir(exist_ok=True)
        (folder / "main.wasm").write_bytes(module)
        (folder / "function.yaml").write_text("main: main.wasm\n" + manifest)
        return str(folder)

    def told(self, name, **more):
        return dict(line.split("=", 1) for line in self.server.get(name, **more).text.splitlines()
                    if "=" in line)

    def routed(self, host, target, method="GET"):
        with contextlib.closing(self.server.connect()) as connection:
            return exchange(connection, method, target, headers={"Host": host})

    def test_what_it_says_holds_for_the_version_and_goes_with_a_rollback(self):
        one = self.folder("one", guest("wagi"), "name: told\nenv: { GREETING: hi, N: 5 }\n")
        self.assertIn("deployed told v1 (wagi", self.server.cli("deploy", one, check=0).stdout)
        two = self.folder("two", guest("wagi"), "name: told\nenv: { GREETING: salut }\n")
        self.server.cli("deploy", two, check=0)
        said = self.told("told")
        self.assertEqual((said["GREETING"], "N" in said), ("salut", False))
        self.server.cli("rollback", "told", check=0)
        said = self.told("told")
        self.assertEqual((said["GREETING"], said["N"]), ("hi", "5"))
        self.assertIn('manifest  env: {"GREETING":"hi","N":"5"}',
                      self.server.cli("show", "told", check=0).stdout)

    def test_a_functions_own_variables_go_over_it_and_are_seen_at_once(self):
        place = self.folder("own", guest("wagi"), "name: own\nenv: { A: version, B: version }\n")
        self.server.cli("deploy", place, check=0)
        self.assertEqual(self.told("own")["A"], "version")
        self.server.cli("env", "set", "own", "A=function", "HTTP_HOST=evil", check=0)
        for _ in range(8):      # of whichever worker
            said = self.told("own")
            self.assertEqual((said["A"], said["B"]), ("function", "version"))
            self.assertNotEqual(said["HTTP_HOST"], "evil")
        self.server.cli("env", "rm", "own", "A", check=0)
        for _ in range(8):
            self.assertEqual(self.told("own")["A"], "version")

    def test_own_limits_hold(self):
        spin = self.folder("spin", guest("loop"), "name: spin\nlimits: { fuel: 1M }\n")
        self.server.cli("deploy", spin, check=0)
        answer = self.server.get("spin")
        self.assertEqual((answer.status, answer.json["code"]), (500, "fuel_exhausted"))
        loop = self.folder("late", guest("loop"), "name: late\nlimits: { wall: 20ms }\n")
        self.server.cli("deploy", loop, check=0)
        answer = self.server.get("late")
        self.assertEqual((answer.status, answer.json["code"]), (504, "deadline"))
        grow = self.folder("grow", guest("grow"), "name: grow\nlimits: { memory: 1MiB }\n")
        self.server.cli("deploy", grow, check=0)
        # The same module without a manifest is another isolate, and may have more.
        self.server.deploy("large", guest("grow"))
        for _ in range(4):
            self.assertEqual(self.server.get("grow").text, "00016\n")
            self.assertGreater(int(self.server.get("large").text), 16)
        done = self.server.cli("deploy", self.folder("tiny", guest("wagi"),
                                                     "name: tiny\nlimits: { memory: 64KiB }\n"))
        self.assertEqual(done.returncode, 7, done)
        self.assertIn("over the limit of 65536 bytes", done.stderr)
        done = self.server.cli("deploy", self.folder("much", guest("text"),
                                                     "name: much\nlimits: { fuel: 1T }\n"))
        self.assertEqual(done.returncode, 3, done)
        self.assertIn("limits.fuel: 1T is above the server's", done.stderr)

    def test_a_slip_is_told_with_its_place(self):
        place = self.folder("slip", guest("text"), "nmae: x\n")
        done = self.server.cli("deploy", place)
        self.assertEqual(done.returncode, 3, done)
        self.assertIn("function.yaml:2:1: unknown key `nmae`; did you mean `name`?", done.stderr)

    def test_routes_lead_to_functions_by_the_longest_prefix(self):
        for name, text in (("root", "text-root-000"), ("sub", "text-sub-0000")):
            self.server.deploy(name, text_guest(text), tenant="acme")
        place = self.folder("wagi", guest("wagi"), "name: api\nroutes:\n"
                            "- { host: api.example.com, path: /v1/*, methods: [GET] }\n")
        self.server.cli("deploy", place, "-t", "acme", check=0)
        self.server.cli("route", "add", "root", "api.example.com", "-t", "acme", check=0)
        self.server.cli("route", "add", "sub", "API.example.com/v1/sub", "-t", "acme", check=0)
        answer = self.routed("api.example.com:80", "/v1/a?b")
        said = dict(line.split("=", 1) for line in answer.text.splitlines() if "=" in line)
        self.assertEqual((said["SCRIPT_NAME"], said["PATH_INFO"]), ("/v1", "/a"))
        self.assertEqual(answer.headers["X-Skerry-Version"], "v1")
        self.assertIn("X-Request-Id", answer.headers)
        self.assertEqual(self.routed("Api.Example.Com.", "/v1/sub/x").text, "text-sub-0000")
        self.assertEqual(self.routed("api.example.com", "/v1/sub", "POST").text, "text-sub-0000")
        self.assertEqual(self.routed("api.example.com", "/v1/a", "POST").text, "text-root-000")
        # The host is the tenant's: /f/ of it is no way to another's function.
        self.server.deploy("else", text_guest("text-else-000"), tenant="evil")
        self.assertEqual(self.routed("api.example.com", "/f/evil/else/").text, "text-root-000")
        self.assertEqual(self.routed("other.example.com", "/f/evil/else/").text, "text-else-000")
        done = self.server.cli("route", "add", "else", "api.example.com/login", "-t", "evil")
        self.assertEqual(done.returncode, 6, done)
        self.assertIn("host api.example.com is another tenant's: it is tenant acme's", done.stderr)
        ids = [row["id"] for row in json.loads(
            self.server.cli("route", "list", "root", "-t", "acme", "--json", check=0).stdout
        )["routes"]]
        self.server.cli("route", "rm", "root", ids[0], "-t", "acme", check=0)
        answer = self.routed("api.example.com", "/elsewhere")
        self.assertEqual((answer.status, answer.json["code"]), (404, "unknown_route"))
        self.server.cli("rm", "api", "-t", "acme", "--yes", check=0)
        self.server.cli("rm", "sub", "-t", "acme", "--yes", check=0)
        self.assertEqual(self.routed("api.example.com", "/f/evil/else/").text, "text-else-000")

    def test_a_manifest_survives_a_restart(self):
        place = self.folder("kept", guest("wagi"), "name: kept\nenv: { A: kept }\n"
                            "routes: [{ host: kept.example.com }]\n")
        self.server.cli("deploy", place, check=0)
        self.server.stop()
        self.server.start()
        self.assertIn("A=kept", self.routed("kept.example.com", "/").text)
