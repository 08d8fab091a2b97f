# SPDX-License-Identifier: Apache-2.0
"""Functions in JavaScript: the web API by tests that are functions themselves, uploads that are
refused, and what a request may and may not leave behind."""
import json
import pathlib
import shutil
import unittest

from harness import Server, ServerTest, guest, has_javascript, wait_until

HERE = pathlib.Path(__file__).resolve().parent / "javascript"
HELLO = b'export default { async fetch() { return new Response("hello\\n"); } };'
POLLUTES = (HERE / "alone" / "pollutes.js").read_bytes()
POLLUTED = ["Object", "Function", "Array", "String", "Number", "Promise", "Map", "Set", "RegExp",
            "Symbol", "TypedArray", "Uint8Array", "ArrayBuffer", "DataView", "Iterator", "Error",
            "Date", "Reflect", "JSON", "Math", "Headers", "Request", "Response", "URL",
            "URLSearchParams", "ReadableStream", "AbortSignal", "EventTarget", "Blob",
            "TextEncoder"]
SLOW = b"export default { fetch() { return new Promise((done) => setTimeout(done, 1e6)); } };"
KEEPS = b"""
let requests = 0;
export default {
  fetch() {
    globalThis.left = (globalThis.left ?? 0) + 1;
    Array.prototype.mine = 1;
    return Response.json({ requests: ++requests, left, draw: Math.random(),
                           id: crypto.randomUUID(), now: Date.now() });
  },
};
"""
# 256 MiB of zeros.
BOMB = (b"z///f/gnAOKxQCD3/p/////wTwDEYQGA7v0/////4Z8AiMMiAN37f/7//8M/ARCHBQC69//8//+HfwIg"
        b"DgsAdO//+f//D/8EQBwWAOje//P//x/+CYA4LADQvf/n//8//BMAcVgAoHv/z///f/gnAOKwAED3/p//"
        b"///wTwDEYQGA7v0/////4Z8AiMMCAN37f/7//8M/ARCHBQC69//8//+HfwIgDgsAdO//+f//D/8EQBwW"
        b"AOje//P//x/+CYA4LADQvf/P//9//BMAcVgAoHv/Dw==")
WAYS = b"""
export default {
  async fetch(request, env, ctx) {
    const url = new URL(request.url);
    switch (url.pathname) {
      case "/throw": throw new TypeError("the developer's business");
      case "/reject": return Promise.reject("a text");
      case "/none": return;
      case "/never": return new Promise(() => {});
      case "/loop": for (;;);
      case "/regex": return new Response(/^(a+)+$/.test("a".repeat(50) + "b"));
      case "/nested": return new Response(JSON.parse("[".repeat(100000)));
      case "/storm": for (;;) await Promise.all(Array.from({ length: 1000 }, async () => {}));
      case "/timers": for (;;) setTimeout(() => {}, 1e9);
      case "/grow": for (let all = []; ;) all.push(new Uint8Array(1 << 20).fill(1));
      case "/list": return new Response(new Array(2 ** 28).fill("x").join(""));
      case "/text": for (let all = "x"; ; all += all) all.charCodeAt(0);
      case "/bomb": {
        const bytes = Uint8Array.from(atob("BOMB"), (each) => each.charCodeAt(0));
        return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("br")));
      }
      case "/late": return new Response(new ReadableStream({
        start(controller) { controller.enqueue(new TextEncoder().encode("begun")); },
        pull() { throw new Error("in the middle"); } }));
      case "/stream": return new Response(ReadableStream.from((async function* () {
        for (const word of ["one ", "two ", "three"]) {
          await new Promise((resolve) => setTimeout(resolve, 5));
          yield new TextEncoder().encode(word);
        }
      })()));
      case "/after":
        ctx.waitUntil((async () => {
          await new Promise((resolve) => setTimeout(resolve, 5));
          await env.KV.put("after", "done");
        })());
        return new Response("before");
      case "/log":
        console.log("a line", { deep: [1, { x: "y" }] }, new Map([["k", 1]]));
        console.error("%s is %d", "six", 6);
        const hostile = { get a() { throw 1; }, b: new Proxy({}, { get() { throw 2; } }), c: 3 };
        const textless = Object.assign(new Error("e"), { toString() { throw 4; } });
        console.log(hostile, "%d", Symbol(), textless);
        console.log("%d", { valueOf() { throw 5; } });
        console.debug("not kept");
        return new Response(null, { status: 204 });
      case "/lost": Promise.reject(new Error("nobody looked")); return new Response("ok");
      case "/env": return new Response(`${env.GREETING} ${env.NOPE} ${"GREETING" in env}`);
      case "/sibling": return env.functions.hello.fetch("http://hello/");
      case "/aborted": {
        const ask = (signal) => env.functions.slow.fetch("http://slow/", { signal });
        const why = await ask(AbortSignal.timeout(5)).catch((error) => error.name);
        const after = await ask(AbortSignal.abort("at once")).catch((error) => error);
        const hello = await env.functions.hello.fetch("http://hello/");
        return new Response([why, after, await hello.text()].join());
      }
      case "/head": return new Response("body", { headers: { "x-a": "b", "content-length": "4" } });
      case "/redirect": return Response.redirect("https://example.com/", 301);
    }
    return new Response("not found", { status: 404 });
  },
};
""".replace(b"BOMB", BOMB)
REFUSED = {
    "syntax": (b"let a;\nlet b = ;\n", "app.js:2:9"),
    "no export": (b"export const a = 1;", "no default export"),
    "no fetch": (b"export default { get() {} };", "no method `fetch`"),
    "throws": (b'throw new Error("at the top");', "at the top"),
    "imports": (b'import fs from "node:fs"; export default { fetch() {} };', "`node:fs`"),
    "random": (b"const a = Math.random(); export default { fetch() {} };", "Math.random"),
    "fetches": (b'await fetch("http://h/"); export default { fetch() {} };', "fetch has no answer"),
    "generates": (b'await crypto.subtle.generateKey({ name: "X25519" }, true, ["deriveBits"]); '
                  b"export default { fetch() {} };", "generateKey has no answer"),
    "timer": (b"setTimeout(() => {}, 1); export default { fetch() {} };", "a timer has no answer"),
    "awaits": (b"await new Promise(() => {}); export default { fetch() {} };", "never comes"),
    "loops": (b"for (;;);", "limits.init_fuel"),
    "recursion": (b"const f = () => f() + 1; f();", "RangeError"),
    "huge": (b'"x".repeat(2 ** 29).repeat(8); export default { fetch() {} };', "the script"),
    "text": (b"\xff\xfe\x00", "the script gave up"),
}


@unittest.skipUnless(has_javascript(), "this build has no JavaScript: cargo, wasi-libc or "
                     "libclang-rt-19-dev-wasm32 was missing")
class JavaScript(ServerTest):
    config = "limits: { init_fuel: 250M }\n"

    def put_script(self, name, text, content_type="text/javascript", server=None):
        return (server or self.server).admin(
            "PUT", f"/v1/tenants/default/functions/{name}", text, {"Content-Type": content_type})

    def deploy_script(self, name, text):
        answer = self.put_script(name, text)
        self.assertIn(answer.status, (200, 201), answer)
        return answer.json

    def test_the_web_api(self):
        names = sorted(path.stem for path in HERE.glob("*.js") if path.stem != "harness")
        self.assertGreaterEqual(len(names), 4)
        for name in names:
            with self.subTest(name):
                self.deploy_script(name, (HERE / "harness.js").read_bytes() +
                                   (HERE / f"{name}.js").read_bytes())
                answer = self.server.get(name, "/path", method="POST", body=b"the body",
                                         headers={"X-Sent": "yes"})
                self.assertEqual(answer.status, 200, answer)
                self.assertGreater(answer.json["count"], 0)
                self.assertEqual(answer.json["failures"], [])

    def test_scripts_that_cannot_be_used_are_refused_with_the_reason(self):
        for name, (text, wanted) in REFUSED.items():
            with self.subTest(name):
                answer = self.put_script("refused", text)
                self.assertEqual(answer.status, 422, answer)
                self.assertIn(wanted, answer.json["detail"])
        self.assertEqual(self.server.get("refused").status, 404)

    def test_built_in_functions_that_throw_break_nothing_for_good(self):
        self.deploy_script("pollutes", POLLUTES)
        for name in POLLUTED:
            with self.subTest(name):
                self.assertEqual(self.server.get("pollutes", f"/{name}").text, "true")

    def test_what_an_upload_becomes(self):
        self.assertEqual(self.deploy_script("kind", HELLO)["kind"], "javascript")
        self.assertEqual(self.put_script("kind", HELLO, "application/javascript").status, 200)
        answer = self.server.admin("PUT", "/v1/tenants/default/functions/kind?config=x", HELLO,
                                   {"Content-Type": "text/javascript"})
        self.assertEqual(answer.status, 422, answer)
        self.assertIn("no configuration", answer.json["detail"])
        self.assertEqual(self.server.get("kind").text, "hello\n")

    def test_other_forms_of_a_script(self):
        self.deploy_script("form", b'export default () => new Response("function");')
        self.assertEqual(self.server.get("form").text, "function")
        self.deploy_script("form", b'addEventListener("fetch", (event) => '
                           b'event.respondWith(new Response("event")));')
        self.assertEqual(self.server.get("form").text, "event")
        self.deploy_script("form", b'word = "not strict"; addEventListener("fetch", (event) => '
                           b'event.respondWith(new Response(word)));')
        self.assertEqual(self.server.get("form").text, "not strict")
        self.deploy_script("form", b'const word = await "waits"; addEventListener("fetch", '
                           b'(event) => event.respondWith(new Response(word)));')
        self.assertEqual(self.server.get("form").text, "waits")

    def test_a_file_is_deployed_by_its_name(self):
        file = pathlib.Path(self.server.data) / "by-name.js"
        file.write_bytes(HELLO)
        said = self.server.cli("deploy", str(file)).stdout
        self.assertIn("deployed by-name v1 (javascript", said)
        self.assertEqual(self.server.get("by-name").text, "hello\n")

    def test_paths_that_warm_are_said_when_it_is_deployed(self):
        file = pathlib.Path(self.server.data) / "warmed.js"
        file.write_bytes(b"let table; export default { fetch(request) { const before = table; "
                         b'table ??= new URL(request.url).pathname; return new Response(before); '
                         b"} };")
        self.server.cli("deploy", str(file), "--warm", "/first,/second")
        self.assertEqual(self.server.get("warmed").text, "/first")
        said = self.server.cli("deploy", str(file), "--warm", "first", check=1).stderr
        self.assertIn("`warm` is a list of paths", said)
        module = file.with_suffix(".wasm")
        module.write_bytes(guest("text"))
        said = self.server.cli("deploy", str(module), "--warm", "/", check=2)
        self.assertIn("--warm is for scripts", said.stderr)

    def test_a_source_alone_is_bundled(self):
        folder = pathlib.Path(self.server.data) / "project"
        bundler = folder / "node_modules" / ".bin" / "esbuild"
        bundler.parent.mkdir(parents=True)
        bundler.write_text('#!/bin/sh\nfor word; do case $word in --outfile=*) mkdir -p build; '
                           'sed "s/: Request//" "$1" >"${word#*=}";; esac; done\n')
        bundler.chmod(0o755)
        source = folder / "typed.ts"
        source.write_text('export default { fetch(_: Request) { return new Response("ts"); } };')
        said = self.server.cli("deploy", str(source)).stdout
        self.assertIn("deployed typed v1 (javascript", said)
        self.assertEqual(self.server.get("typed").text, "ts")
        said = self.server.cli("deploy", str(folder / "none.ts"), check=5).stderr
        self.assertIn("none.ts: No such file", said)

    def test_nothing_of_a_request_is_left_and_nothing_is_drawn_twice(self):
        self.deploy_script("keeps", KEEPS)
        answers = [self.server.get("keeps").json for _ in range(20)]
        self.assertEqual({(answer["requests"], answer["left"]) for answer in answers}, {(1, 1)})
        for name in ("draw", "id"):
            self.assertEqual(len({answer[name] for answer in answers}), len(answers), name)
        self.assertGreater(answers[0]["now"], 1.7e12)


@unittest.skipUnless(has_javascript(), "this build has no JavaScript")
class Ways(ServerTest):
    config = "limits: { wall: 3s, fuel: 200M }\n"

    def setUp(self):
        for name, text in (("ways", WAYS), ("hello", HELLO), ("slow", SLOW)):
            answer = self.server.admin("PUT", f"/v1/tenants/default/functions/{name}", text,
                                       {"Content-Type": "text/javascript"})
            self.assertIn(answer.status, (200, 201), answer)

    def log(self):
        return [json.loads(line)["message"] for line in self.server.guest_log("ways").splitlines()]

    def test_what_goes_wrong_is_told_to_the_developer_only(self):
        for path, text in (("/throw", "TypeError: the developer's business"), ("/reject", "a text"),
                           ("/none", "not a Response"), ("/never", "waits for what never comes")):
            with self.subTest(path):
                answer = self.server.get("ways", path)
                self.problem(answer, 500, "exception")
                self.assertNotIn(text, answer.text)
                wait_until(lambda text=text: any(text in line for line in self.log()), 5, text)
        for path, codes in (("/loop", ["fuel_exhausted"]), ("/regex", ["fuel_exhausted"]),
                            ("/storm", ["fuel_exhausted"]),
                            ("/nested", ["exception", "trap"]), ("/timers", ["exception"]),
                            ("/grow", ["exception", "memory_exhausted", "trap"]),
                            ("/list", ["exception", "fuel_exhausted", "memory_exhausted",
                                       "trap"]),
                            ("/bomb", ["exception", "fuel_exhausted", "memory_exhausted", "trap"]),
                            ("/text", ["exception", "memory_exhausted", "trap"])):
            with self.subTest(path):
                answer = self.server.get("ways", path)
                self.assertEqual(answer.status, 500, answer)
                self.assertIn(answer.json["code"], codes)
        self.assertEqual(self.server.get("ways", "/lost").text, "ok")
        wait_until(lambda: any("nobody looked" in line for line in self.log()), 5, "the rejection")

    def test_a_response_that_breaks_is_not_taken_for_whole(self):
        with self.assertRaises(Exception):
            self.server.get("ways", "/late")

    def test_streams_and_what_goes_on_after_the_answer(self):
        self.assertEqual(self.server.get("ways", "/stream").text, "one two three")
        self.assertEqual(self.server.get("ways", "/after").text, "before")
        written = "/v1/tenants/default/kv/after"
        wait_until(lambda: self.server.admin("GET", written).status == 200, 5,
                   "what waitUntil waits for")

    def test_the_console(self):
        self.assertEqual(self.server.get("ways", "/log").status, 204)
        wait_until(lambda: "six is 6" in self.log(), 5, "the lines")
        self.assertIn("a line { deep: [ 1, { x: \"y\" } ] } Map(1) { \"k\" => 1 }", self.log())
        throws = "[throws when it is looked at]"
        self.assertIn(f"{{ a: {throws}, b: {throws}, c: 3 }} %d Symbol() {throws}", self.log())
        self.assertIn("NaN", self.log())
        self.assertFalse(any("not kept" in line for line in self.log()))

    def test_env_and_siblings(self):
        self.server.cli("env", "set", "ways", "GREETING=hi", check=0)
        self.assertEqual(self.server.get("ways", "/env").text, "hi undefined true")
        self.assertEqual(self.server.get("ways", "/sibling").text, "hello\n")

    def test_what_was_aborted_while_it_was_waited_for_holds_nothing_up(self):
        self.assertEqual(self.server.get("ways", "/aborted").text, "TimeoutError,at once,hello\n")

    def test_heads_and_redirects(self):
        answer = self.server.get("ways", "/head", method="HEAD")
        self.assertEqual((answer.status, answer.headers["x-a"], answer.body), (200, "b", b""))
        answer = self.server.get("ways", "/redirect")
        self.assertEqual((answer.status, answer.headers["location"]), (301, "https://example.com/"))


@unittest.skipUnless(has_javascript(), "this build has no JavaScript")
class AfterARestart(unittest.TestCase):
    def test_a_script_is_built_again_from_what_the_store_has(self):
        with Server() as server:
            answer = server.admin("PUT", "/v1/tenants/default/functions/hello", HELLO,
                                  {"Content-Type": "text/javascript"})
            self.assertEqual(answer.status, 201, answer)
            server.stop()
            shutil.rmtree(pathlib.Path(server.data) / "artifacts")
            server.start()
            wait_until(lambda: server.get("hello").text == "hello\n", 20, "the artifact")


if __name__ == "__main__":
    unittest.main()
