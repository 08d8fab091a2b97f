# SPDX-License-Identifier: Apache-2.0
"""Every example is built by its one command, deployed by the README's, and says hello."""
import contextlib
import hashlib
import hmac
import http.server
import io
import shutil
import struct
import subprocess
import threading
import zlib

from harness import ROOT, SCRATCH, ServerTest, has_javascript, text_guest


class Backend(http.server.BaseHTTPRequestHandler):
    """A server that examples ask: a page with two links, and what it was sent."""
    asked = []

    def do_GET(self):
        self.asked.append(self.headers)
        body = b'<a href="/one">1</a> <a href="https://two.example/">2</a>'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def png(width, height):
    """A picture: a gradient."""
    rows = b"".join(b"\0" + bytes(value for x in range(width) for value in
                                  (x * 255 // width, y * 255 // height, 128))
                    for y in range(height))

    def chunk(name, data):
        return (struct.pack(">I", len(data)) + name + data
                + struct.pack(">I", zlib.crc32(name + data)))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows))
            + chunk(b"IEND", b""))


def jpeg_size(data):
    """Of the first frame: width and height."""
    stream = io.BytesIO(data)
    assert stream.read(2) == b"\xff\xd8"
    while True:
        marker, length = struct.unpack(">HH", stream.read(4))
        if marker in (0xffc0, 0xffc2):
            height, width = struct.unpack(">xHH", stream.read(5))
            return width, height
        stream.seek(length - 2, 1)


class Examples(ServerTest):
    config = "outbound: { allow_private: true }\n"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        backend = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Backend)
        threading.Thread(target=backend.serve_forever, daemon=True).start()
        cls.addClassCleanup(backend.server_close)
        cls.addClassCleanup(backend.shutdown)
        cls.backend = f"http://127.0.0.1:{backend.server_port}"

    def folder(self, name, module, change=None):
        """Builds and deploys examples/<name> by its manifest, of which something is changed."""
        manifest = (ROOT / "examples" / name / "function.yaml").read_text()
        self.assertIn("\nbuild: ./build.sh\n", manifest)
        place = SCRATCH / name
        place.mkdir()
        for old, new in (change or {}).items():
            self.assertIn(old, manifest)
            manifest = manifest.replace(old, new)
        (place / "function.yaml").write_text(manifest)
        self.build(name, module, deploy=[], fetch=place)
        self.server.cli("deploy", "--no-build", str(place), check=0)

    def build(self, name, module, seconds=300, deploy=None, fetch=None):
        """Builds and deploys examples/<name>/<module>.wasm, or what `deploy` says; or copies it."""
        folder = ROOT / "examples" / name
        module = folder / f"{module}.wasm"
        module.unlink(missing_ok=True)
        try:
            built = subprocess.run([folder / "build.sh"], capture_output=True, text=True,
                                   stdin=subprocess.DEVNULL, timeout=seconds, check=False)
        except subprocess.TimeoutExpired:
            self.skipTest(f"build.sh took more than {seconds} s")
        if built.returncode != 0:
            said = (built.stderr + built.stdout).strip()
            tools = ("not found", "skip:", "ENOTFOUND", "EAI_AGAIN", "ETIMEDOUT", "ECONNREFUSED",
                     "SELF_SIGNED_CERT", "UNABLE_TO_GET_ISSUER_CERT")   # no way to the registry
            if any(word in said for word in tools):
                self.skipTest(f"toolchain is missing: {said.splitlines()[-1]}")
            self.fail(said)
        if fetch is not None:
            shutil.copy(module, fetch)
            return
        self.server.cli("deploy", *(deploy or (str(module), "-n", name)), check=0)

    def hello(self, name):
        self.build(name, "hello")
        for target, text in (("/world", "Hello, world!\n"), ("/", "Hello, world!\n"),
                             ("/a/b?c=d", "Hello, a/b!\n")):
            for answer in (self.server.get(name, target), self.server.get_host(name, target)):
                self.assertEqual((answer.status, answer.text), (200, text))
                self.assertEqual(answer.headers["content-type"], "text/plain")

    def test_c(self):
        self.hello("hello-c")

    def test_wat(self):
        self.hello("hello-wat")

    def test_rust(self):
        self.hello("hello-rust")

    def test_wagi_c(self):
        self.hello("hello-wagi-c")

    def test_wagi_rust(self):
        self.hello("hello-wagi-rust")

    def test_wagi_go(self):
        self.hello("hello-wagi-go")

    def test_assemblyscript(self):
        self.hello("hello-assemblyscript")

    def test_javascript(self):
        if not has_javascript():
            self.skipTest("this build has no JavaScript")
        name = "notes-javascript"
        self.server.cli("deploy", str(ROOT / "examples" / name), check=0)
        self.assertEqual(self.server.get(name, "/milk", method="PUT", body=b"two").status, 201)
        self.assertEqual(self.server.get(name, "/milk").text, "two")
        self.assertEqual(self.server.get(name).json, {"greeting": "hello", "notes": ["milk"]})
        self.assertEqual(self.server.get(name, "/milk", method="DELETE").status, 204)
        self.assertEqual(self.server.get(name, "/milk").status, 404)
        self.assertEqual(self.server.get(name, "/", method="POST").status, 405)

    def test_a_folder_with_a_manifest(self):
        self.build("greeting-c", "greeting", deploy=[str(ROOT / "examples" / "greeting-c")])
        self.assertEqual(self.server.get("greeting", "/world").text, "Good morning, world!\n")
        with contextlib.closing(self.server.connect()) as connection:
            connection.request("GET", "/hi/you", headers={"Host": "greeting.example.com"})
            self.assertEqual(connection.getresponse().read(), b"Good morning, you!\n")
        self.server.cli("env", "set", "greeting", "GREETING=Salut", check=0)
        self.assertEqual(self.server.get("greeting", "/world").text, "Salut, world!\n")

    def test_events_come_while_the_function_waits(self):
        self.build("events-c", "events")
        with contextlib.closing(self.server.connect()) as connection:
            connection.request("GET", "/f/default/events-c/")
            answer = connection.getresponse()
            self.assertEqual(answer.headers["content-type"], "text/event-stream")
            for _ in range(2):
                self.assertEqual(answer.readline(), b"event: time\n")
                self.assertRegex(answer.readline(), rb"data: \d{10}\n")
                self.assertEqual(answer.readline(), b"\n")

    def test_several_servers_are_asked_at_once(self):
        self.folder("gather-c", "gather", {"https://api.example.com": self.backend})
        answer = self.server.get("gather-c")
        self.assertEqual(answer.headers["content-type"], "text/plain")
        self.assertEqual(sorted(answer.text.splitlines()),
                         [f"{self.backend}/{page}: 200, 57 bytes" for page in ("one", "two")])

    def test_a_page_is_fetched_transformed_and_kept(self):
        self.folder("feed-rust", "feed", {'"https://www.debian.org/News/"': self.backend + "/",
                                          '"https://www.debian.org"': self.backend})
        for how in ("fetched", "kept"):
            answer = self.server.get("feed")
            self.assertEqual((answer.status, answer.headers["x-feed"]), (200, how), answer)
            self.assertEqual(answer.json, ["/one", "https://two.example/"])

    def test_a_json_api_has_its_routes(self):
        self.folder("notes-go", "notes")

        def ask(method, path, body=None):
            answer = self.server.get("notes", path, method=method, body=body)
            return answer.status, answer.json
        self.assertEqual(ask("GET", "/notes"), (200, []))
        self.assertEqual(ask("POST", "/notes", '{"text": "milk"}'),
                         (201, {"id": "1", "text": "milk"}))
        self.assertEqual(ask("GET", "/notes/1"), (200, {"id": "1", "text": "milk"}))
        self.assertEqual(ask("GET", "/notes"), (200, [{"id": "1", "text": "milk"}]))
        self.assertEqual(ask("DELETE", "/notes/1")[0], 200)
        for method, path, body, status in (("GET", "/notes/1", None, 404),
                                           ("DELETE", "/notes/1", None, 404),
                                           ("POST", "/notes", "no json", 400),
                                           ("PUT", "/notes", "{}", 405), ("GET", "/", None, 404)):
            self.assertEqual(ask(method, path, body)[1]["status"], status)

    def test_a_command_has_learnt_before_its_requests(self):
        self.folder("words-go", "words")
        sentences = [self.server.get("words", "/?from=builder").text for _ in range(8)]
        for sentence in sentences:
            self.assertRegex(sentence, r"^builder (freezes|froze)( [a-z]+){10}\n$")
        self.assertGreater(len(set(sentences)), 1)

    def test_a_webhook_is_taken_once_and_only_with_its_signature(self):
        self.folder("webhook-go", "webhook")
        self.assertEqual(self.server.get("webhook", method="POST", body="{}").status, 503)
        secret = SCRATCH / "webhook.secret"
        secret.write_bytes(b"secret")
        self.server.cli("secret", "put", "webhook", "WEBHOOK_SECRET", "--file", str(secret),
                        check=0)
        signature = hmac.new(b"secret", b"{}", hashlib.sha256).hexdigest()
        for sent, status in ((signature, 202), (signature, 200), (signature[:-1] + "x", 401),
                             ("", 401)):
            answer = self.server.get("webhook", method="POST", body="{}",
                                     headers={"X-Hub-Signature-256": "sha256=" + sent})
            self.assertEqual(answer.status, status, answer)

    def test_a_chain_divides_visitors_into_halves(self):
        self.server.deploy("shop", text_guest("text-shop-001"))
        self.folder("ab-assemblyscript", "ab")
        answer = self.server.get("ab")
        self.assertEqual((answer.status, answer.text), (200, "text-shop-001"))
        self.assertRegex(answer.headers["set-cookie"], "^half=[ab]; Path=/")
        answer = self.server.get("ab", headers={"Cookie": "x=y; half=b"})
        self.assertEqual((answer.text, answer.headers["set-cookie"]), ("text-shop-001", None))

    def test_a_gate_lets_the_right_token_through(self):
        self.folder("gate-c", "gate", {"https://backend.example.com": self.backend})
        self.assertEqual(self.server.get("gate").status, 503)
        token = SCRATCH / "gate.token"
        token.write_bytes(b"open-sesame")
        self.server.cli("secret", "put", "gate", "GATE_TOKEN", "--file", str(token), check=0)
        for sent in ({}, {"Authorization": "Bearer open-sesamX"}, {"Authorization": "Bearer "}):
            answer = self.server.get("gate", headers=sent)
            self.assertEqual((answer.status, answer.headers["www-authenticate"]), (401, "Bearer"))
        Backend.asked.clear()
        answer = self.server.get("gate", headers={"Authorization": "Bearer open-sesame"})
        self.assertEqual((answer.status, len(answer.body)), (200, 57), answer)
        self.assertNotIn("Authorization", Backend.asked[-1])

    def test_a_page_is_made_of_files(self):
        self.build("page-wagi-rust", "page", deploy=[str(ROOT / "examples" / "page-wagi-rust"),
                                                     "--no-build"])
        answer = self.server.get("page", "/fog")
        self.assertEqual(answer.headers["content-type"], "text/html; charset=utf-8", answer)
        self.assertIn('<li><a href="fog">fog</a>\n<li><a href="tyger">tyger</a>\n', answer.text)
        self.assertIn("on little cat feet.\n</pre>", answer.text)
        for path in ("/", "/none"):
            self.assertIn("Choose one.\n</pre>", self.server.get("page", path).text)

    def test_a_picture_becomes_a_thumbnail(self):
        self.folder("thumbnail-c", "thumbnail")
        for target, size in (("/?side=64", (64, 48)), ("/", (128, 96)), ("/?side=9", (9, 6))):
            answer = self.server.get("thumbnail", target, method="POST", body=png(320, 240))
            self.assertEqual((answer.status, answer.headers["content-type"]),
                             (200, "image/jpeg"), answer)
            self.assertEqual(jpeg_size(answer.body), size)
        for body, status in ((b"no picture", 415), (png(320, 240)[:300], 422)):
            self.assertEqual(self.server.get("thumbnail", method="POST", body=body).status, status)

    def test_visits_are_counted_and_kept(self):
        self.build("visits-c", "visits")
        for visit in (1, 2, 3):
            self.assertEqual(self.server.get("visits-c", "/a").text, f"visit {visit} of /a\n")
        self.assertEqual(self.server.get("visits-c", "/b?c=d").text, "visit 1 of /b?c=d\n")
        self.assertEqual(self.server.get("visits-c", "/stats").text, "/a 3\n/b?c=d 1\n")
        listed = self.server.cli("kv", "list", "visits:", check=0).stdout
        self.assertIn('"visits:/a"', listed)

    def test_every_folder_is_covered_and_holds_no_binary(self):
        names = {p.name for p in (ROOT / "examples").iterdir() if p.is_dir()}
        # embed-engine is no function: tests/library builds and runs it; site is in 48_assets,
        # most in JavaScript are in 71_examples_javascript, those of runtimes in 79_runtimes.
        bare = {"notes-javascript", "token-javascript", "page-javascript", "shop-workers",
                "api-hono", "site", "page-php", "wsgi-python", "rack-ruby"}
        self.assertEqual(names, {"hello-c", "hello-wat", "hello-rust", "hello-assemblyscript",
                                 "hello-wagi-c", "hello-wagi-rust", "hello-wagi-go",
                                 "events-c", "gather-c", "greeting-c", "visits-c", "gate-c",
                                 "thumbnail-c", "feed-rust", "notes-go", "webhook-go", "words-go",
                                 "ab-assemblyscript", "page-wagi-rust",
                                 "embed-engine"} | bare)
        for name in names:
            for needed in ("README.md",) if name in bare else ("README.md", "build.sh"):
                self.assertTrue((ROOT / "examples" / name / needed).exists(), (name, needed))
        if shutil.which("git") is None:
            self.skipTest("git is not installed")
        tracked = subprocess.run(["git", "ls-files", "examples"], cwd=ROOT, capture_output=True,
                                 text=True, check=False).stdout
        self.assertNotIn(".wasm", tracked)
