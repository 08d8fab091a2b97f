# SPDX-License-Identifier: Apache-2.0
"""Static assets: files that answer without a guest, over HTTP/1.1 and HTTP/2; what is wrong with
them told when they are deployed; and never an answer of two deploys."""
import contextlib
import gzip
import hashlib
import json
import os
import pathlib
import struct
import tempfile
import unittest

import h2
from harness import PATIENCE, ROOT, SCRATCH, Load, Server, ServerTest, guest, raw

BIG = bytes(range(256)) * 8192      # 2 MiB: several pieces
DEPLOYS = 8


class Site:
    """A folder with assets, and maybe a module."""

    def __init__(self, name, manifest="assets: { dir: public }\n", module=None):
        self.name = name
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"{name}-", dir=SCRATCH))
        (self.folder / "function.yaml").write_text(f"name: {name}\n{manifest}")
        if module is not None:
            (self.folder / "main.wasm").write_bytes(module)
        (self.folder / "public").mkdir()

    def write(self, name, data):
        path = self.folder / "public" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return self

    def deploy(self, server, check=0):
        return server.cli("deploy", str(self.folder), check=check)


class Files(ServerTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        site = Site("site")
        site.write("index.html", "<h1>home</h1>").write("about.html", "about")
        site.write("docs/index.html", "docs").write("app.js", "let a = 1;\n" * 100)
        site.write("app.js.gz", gzip.compress(b"let a = 1;\n" * 100)).write("big.bin", BIG)
        site.write("404.html", "nothing here").write("empty.txt", "").write(".secret", "hidden")
        site.write("\u00e9.txt", "accent")
        site.write("_headers", "/app.js\n  Cache-Control: max-age=60\n/*\n  X-Site: yes\n")
        site.write("_redirects", "/old/* /docs/:splat 301\n/api/* /about.html 200\n")
        site.deploy(cls.server)

    def ask(self, target, **more):
        return self.server.get("site", target, **more)

    def test_a_file_has_its_type_its_tag_and_what_rules_say(self):
        answer = self.ask("/app.js")
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.headers["content-type"], "text/javascript; charset=utf-8")
        self.assertEqual(answer.headers["cache-control"], "max-age=60")
        self.assertEqual(answer.headers["x-site"], "yes")
        self.assertEqual(answer.headers["vary"], "accept-encoding")
        tag = hashlib.sha256(answer.body).hexdigest()[:32]
        self.assertEqual(answer.headers["etag"], f'"{tag}"')
        self.assertEqual(answer.headers["x-skerry-version"], "v1")

    def test_paths_mean_pages_folders_and_rules(self):
        for target, text in {"/": "<h1>home</h1>", "/about": "about", "/docs/": "docs",
                             "/about?x=/..": "about", "/%C3%A9.txt": "accent", "/api/x": "about",
                             "/empty.txt": ""}.items():
            answer = self.ask(target)
            self.assertEqual((answer.status, answer.text), (200, text), target)
        answer = self.ask("/docs?x=1")
        self.assertEqual((answer.status, answer.headers["location"]), (307, "./docs/?x=1"))
        answer = self.ask("/old/a")
        self.assertEqual((answer.status, answer.headers["location"]),
                         (301, "/f/default/site/docs/a"))
        answer = self.server.get_host("site", "/old/a")
        self.assertEqual(answer.headers["location"], "/docs/a")

    def test_tricks_with_paths_find_nothing(self):
        for target in ("/../index.html", "/docs/../about.html", "/%2e%2e/about", "//about.html",
                       "/.secret", "/_headers", "/about.html/", "/docs/%2e%2e/about.html",
                       "/..%5cabout", "/ABOUT", "/" + "a/" * 2000):
            answer = self.ask(target)
            self.assertEqual((answer.status, answer.text), (404, "nothing here"), target)
        for target in ("/%00", "/about%00", "/%ff", "/%zz", "/%", "/a%0d%0aX:%20y"):
            self.problem(self.ask(target), 404, "no_file")

    def test_conditions_and_ranges(self):
        whole = self.ask("/big.bin")
        self.assertEqual(whole.body, BIG)
        tag, date = whole.headers["etag"], whole.headers["last-modified"]
        for headers, status in (({"If-None-Match": tag}, 304), ({"If-None-Match": '"x"'}, 200),
                                ({"If-Modified-Since": date}, 304), ({"If-Match": '"x"'}, 412),
                                ({"Range": "bytes=99999999-"}, 416),
                                ({"Range": "bytes=0-1,5-6"}, 200)):
            answer = self.ask("/big.bin", headers=headers)
            self.assertEqual(answer.status, status, headers)
            self.assertEqual(len(answer.body), len(BIG) if status == 200 else 0, headers)
        for text, first, last in (("bytes=0-0", 0, 1), ("bytes=-5", len(BIG) - 5, len(BIG)),
                                  ("bytes=1000-999999", 1000, 1000000)):
            answer = self.ask("/big.bin", headers={"Range": text, "If-Range": tag})
            self.assertEqual(answer.status, 206, text)
            self.assertEqual(answer.body, BIG[first:last], text)
            self.assertEqual(answer.headers["content-range"],
                             f"bytes {first}-{last - 1}/{len(BIG)}")

    def test_a_head_is_a_get_without_the_body(self):
        for target in ("/app.js", "/big.bin", "/empty.txt", "/nothing"):
            get, head = self.ask(target), self.ask(target, method="HEAD")
            self.assertEqual((head.status, head.body), (get.status, b""))
            for name in ("content-length", "etag", "content-type", "cache-control"):
                self.assertEqual(head.headers[name], get.headers[name], (target, name))

    def test_other_methods_are_refused(self):
        answer = self.ask("/about", method="POST", body="x")
        self.problem(answer, 405, "method_not_allowed")
        self.assertEqual(answer.headers["allow"], "GET, HEAD")
        self.assertEqual(self.ask("/nothing", method="DELETE").status, 404)

    def test_a_coding_that_was_deployed_is_sent_to_who_takes_it(self):
        plain = self.ask("/app.js", headers={"Accept-Encoding": "br, zstd"})
        coded = self.ask("/app.js", headers={"Accept-Encoding": "br, gzip;q=0.5"})
        self.assertEqual(coded.headers["content-encoding"], "gzip")
        self.assertEqual(gzip.decompress(coded.body), plain.body)
        self.assertIsNone(plain.headers["content-encoding"])
        self.assertNotEqual(coded.headers["etag"], plain.headers["etag"])
        self.assertEqual(coded.headers["content-type"], plain.headers["content-type"])

    def test_http2_has_the_same_with_many_streams(self):
        with contextlib.closing(h2.Connection(self.server.port, 30 * PATIENCE)) as client:
            streams = [client.request(b"/f/default/site/big.bin") for _ in range(4)]
            for stream in streams:
                client.send(h2.WINDOW_UPDATE, 0, stream, struct.pack(">I", 1 << 24))
            bodies = client.finish()
            for stream in streams:
                self.assertEqual(bodies[stream], BIG)

    def test_a_client_that_leaves_early_harms_nobody(self):
        for _ in range(5):
            with contextlib.closing(self.server.connect()) as connection:
                connection.request("GET", "/f/default/site/big.bin")
                connection.getresponse().read(10)
        self.assertEqual(self.ask("/big.bin").body, BIG)

    def test_many_requests_on_one_connection(self):
        head = b"GET /f/default/site/about HTTP/1.1\r\nHost: x\r\n"
        answer = raw(self.server.port, (head + b"\r\n") * 9 + head + b"Connection: close\r\n\r\n")
        self.assertEqual(answer.count(b"HTTP/1.1 200 OK"), 10)


class Deploys(ServerTest):
    def test_only_what_the_server_lacks_is_sent(self):
        site = Site("once").write("a.txt", "a").write("b.txt", "b")
        site.deploy(self.server)
        before = self.blobs()
        site.write("b.txt", "c")
        site.deploy(self.server)
        self.assertEqual(len(self.blobs() - before), 1)
        self.assertEqual(self.server.get("once", "/b.txt").text, "c")
        self.assertIn("unchanged", site.deploy(self.server).stdout)
        self.server.cli("rollback", "once", check=0)
        self.assertEqual(self.server.get("once", "/b.txt").text, "b")

    def blobs(self):
        return set(os.listdir(self.server.data / "blobs" / "default"))

    def test_a_function_answers_what_no_file_does(self):
        manifest = "main: main.wasm\nassets: { dir: public, fallback: app.html }\n"
        site = Site("mixed", manifest, guest("text")).write("a.txt", "a").write("app.html", "app")
        site.deploy(self.server)
        self.assertEqual(self.server.get("mixed", "/a.txt").text, "a")
        self.assertEqual(self.server.get("mixed", "/b").text, "text-00000000")
        self.assertEqual(self.server.get("mixed", "/a.txt", method="POST").text, "text-00000000")
        page = self.server.get("mixed", "/b", headers={"Sec-Fetch-Mode": "navigate"})
        self.assertEqual(page.text, "app")

    def test_the_example_is_a_site(self):
        self.server.cli("deploy", str(ROOT / "examples" / "site"), check=0)
        answer = self.server.get("site", "/")
        self.assertIn("Hello, world!", answer.text)
        self.assertEqual(answer.headers["content-security-policy"], "default-src 'self'")
        self.assertEqual(self.server.get("site", "/blog/x").headers["location"],
                         "/f/default/site/notes/x")
        self.assertEqual(self.server.get("site", "/x").status, 404)

    def test_a_single_page_answers_everything(self):
        site = Site("page", "assets: { dir: public, fallback: app.html }\n")
        site.write("app.html", "app").deploy(self.server)
        self.assertEqual(self.server.get("page", "/any/where").text, "app")

    def test_what_is_wrong_is_refused_before_anything_is_changed(self):
        site = Site("wrong").write("a.txt", "a").write("_redirects", "/a /b\n/c /d 418\n")
        self.assertIn("_redirects:2: ", site.deploy(self.server, check=3).stderr)
        site = Site("wrong").write("a.txt", "a").write("_headers", "/*\n  Content-Length: 5\n")
        self.assertIn("_headers:2: ", site.deploy(self.server, check=3).stderr)
        site = Site("wrong", "assets: { dir: public, fallback: x.html }\n").write("a.txt", "a")
        self.assertIn("there is no x.html", site.deploy(self.server, check=3).stderr)
        self.assertIn("no file in", Site("wrong").deploy(self.server, check=3).stderr)
        site = Site("wrong", "steps: [wrong]\nassets: { dir: public }\n").write("a.txt", "a")
        self.assertIn("beside `steps`", site.deploy(self.server, check=3).stderr)
        site = Site("wrong", "assets: { fallback: a.txt }\n").write("a.txt", "a")
        self.assertIn("has no `dir`", site.deploy(self.server, check=3).stderr)
        self.assertNotIn("wrong", self.server.functions())

    def upload(self, manifest, files):
        parts = [("application/json", json.dumps(manifest)),
                 ("application/vnd.skerry.files+json", json.dumps(files))]
        body = "".join(f"--m\r\nContent-Type: {kind}\r\n\r\n{text}\r\n" for kind, text in parts)
        return self.server.admin("PUT", "/v1/tenants/default/functions/api", body + "--m--\r\n",
                                 {"Content-Type": "multipart/related; boundary=m"})

    def test_who_speaks_to_the_api_is_held_to_the_same(self):
        row = {"name": "a", "sha256": hashlib.sha256(b"a").hexdigest(), "size": 1}
        self.server.admin("PUT", f"/v1/tenants/default/blobs/{row['sha256']}", b"a")
        assets = {"assets": {"dir": "public"}}
        self.problem(self.upload({}, {"assets": [row]}), 422, "assets")
        self.problem(self.upload(assets, {"assets": []}), 422, "assets")
        self.problem(self.upload({"assets": {"dir": "public", "fallback": "b"}},
                                 {"assets": [row]}), 422, "assets")
        self.problem(self.upload(assets, {"assets": [dict(row, name="_headers")]}), 422, "assets")
        self.problem(self.upload(assets, {"assets": [dict(row, name="../a")]}), 422, "files")
        answer = self.upload({"assets": {"dir": "public", "redirects": ["/a b"]}},
                             {"assets": [row]})
        self.problem(answer, 422, "manifest")
        self.assertEqual(self.upload(assets, {"assets": [row]}).status, 201)
        self.assertEqual(self.server.get("api", "/a").text, "a")
        self.assertEqual(self.server.admin(
            "GET", "/v1/tenants/default/functions/api").json["kind"], "assets")


class Atomic(unittest.TestCase):
    def test_no_answer_is_of_two_deploys(self):
        """Each version's file says its number all through, and so does its header."""
        with Server(workers=2) as server:
            site = Site("whole")

            def make(number):
                site.write("f.bin", f"{number:03}".encode() * 100_000)
                site.write("_headers", f"/*\n  X-Number: {number:03}\n")
                site.deploy(server)

            def ask():
                answer = server.get("whole", "/f.bin")
                number = answer.headers["x-number"]
                if answer.status != 200 or answer.body != number.encode() * 100_000:
                    raise AssertionError(f"{answer.status} {number} {answer.body[:9]}")
                return number

            make(0)
            with Load(3, ask) as load:
                for number in range(1, DEPLOYS + 1):
                    make(number)
            self.assertEqual(load.failures, [])
            self.assertGreater(len(load.results), DEPLOYS)
            self.assertEqual(ask(), f"{DEPLOYS:03}")
