# SPDX-License-Identifier: Apache-2.0
"""Scripts of several modules, and what Workers' projects ask for besides the web API."""
import json
import pathlib
import unittest

from harness import ServerTest, has_javascript, wait_until

PARTS = {
    "src/index.js": ("application/javascript+module", b"""
import { greet } from "./lib/greet.js";
import data from "./data.json";
import page from "./page.html";
import bytes from "./four.bin";
export default {
  fetch() {
    return Response.json({ greeting: greet("you"), data, page, bytes: [...new Uint8Array(bytes)] });
  },
};"""),
    "src/lib/greet.js": ("text/javascript", b'import { hello } from "../words.js";\n'
                         b"export const greet = (name) => `${hello} ${name}`;"),
    "src/words.js": ("application/octet-stream", b'export const hello = "hello";'),
    "src/data.json": ("application/json", b'{"a": [1, 2]}'),
    "src/page.html": ("", b"<p>\r\n--x</p>"),
    "src/four.bin": ("", b"\0\xff\r\n"),
}
BOUNDARY = "----x"
# what generates: f(), which throws in its third column, is line 7 of src/app.ts
MAPPED = b"""export default { fetch() { throw new Error("mapped"); } };
//# sourceMappingURL=bundle.js.map
"""
MAP = b'{"version": 3, "sources": ["src/app.ts"], "names": [], "mappings": "AAMA"}'

BOUND = b"""
export default {
  async fetch(request, env) {
    await env.NAMES.put("k", "value", { metadata: { m: 1 } });
    const { value, metadata } = await env.NAMES.getWithMetadata("k");
    const limit = [];
    for (let i = 0; i < 3; i++) limit.push((await env.LIMIT.limit({ key: "a" })).success);
    return Response.json({
      got: value, metadata, none: await env.NAMES.get("none"), limit,
      text: env.TEXT, data: env.DATA,
      keys: (await env.NAMES.list()).keys.map((key) => key.name), names: Object.keys(env),
      other: await env.OTHER.fetch("http://other/", { method: "PUT" }).then((r) => r.text()),
    });
  },
};"""
WARMED = b"""
const seen = [];
export const warm = ["/", "/asks", "/throws"];
export default {
  async fetch(request, env) {
    const { pathname } = new URL(request.url);
    seen.push(pathname);
    if (pathname === "/asks") await env.KV.get("x");
    if (pathname === "/throws") throw new Error("no");
    return Response.json({ seen });
  },
};"""
LAMBDA = b"""
export const handler = async (event, context) => ({
  statusCode: 201, headers: { "x-a": "b" },
  body: JSON.stringify({ path: event.rawPath, method: event.httpMethod, cookies: event.cookies,
                         query: event.queryStringParameters.x, body: event.body }),
});"""
EDGE = b"""
export const handler = async ({ Records: [{ cf: { request } }] }) => {
  if (request.uri === "/on") return { ...request, uri: "/a.txt" };
  const lines = [request.method, request.querystring, request.headers.cookie[0].value,
                 atob(request.body?.data ?? "")];
  return { status: "201", statusDescription: "Made", body: btoa(lines.join()),
           bodyEncoding: "base64",
           headers: { "x-a": [{ key: "X-A", value: "b" }, { value: "c" }] } };
};"""
NETLIFY = b"""
export const config = { path: "/hello/:name" };
export default async (request, context) => {
  if (request.method === "DELETE") return;
  context.cookies.set("seen", context.cookies.get("was"));
  return context.json({ params: context.params, ip: context.ip,
                        greeting: Netlify.env.get("GREETING") ?? null });
};"""
ENTRYPOINT = b"""
import { WorkerEntrypoint, env, waitUntil } from "cloudflare:workers";
addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  waitUntil(env.KV.put("rejected", event.reason.message));
});
export default class extends WorkerEntrypoint {
  async fetch(request) {
    Promise.reject(new Error("nobody looked"));
    this.ctx.waitUntil((async () => {
      await scheduler.wait(5);
      await this.env.KV.put("went", "on");
    })());
    throw new Error("not this time");
  }
}"""
OLDER = b"""
const keep = NAMES;
const debug = typeof DEBUG_LEVEL === "undefined";
addEventListener("fetch", (event) => event.respondWith((async () => {
  await keep.put("k", "value");
  return Response.json([await NAMES.get("k"), typeof GREETING, GREETING, typeof OTHER_ONE, debug]);
})()));"""
WHO = b"""
export default {
  scheduled() { throw new Error("nobody may"); },
  fetch(request) {
    return Response.json({
      address: request.headers.get("cf-connecting-ip"),
      all: [...request.headers].filter(([name]) => name === "cf-connecting-ip").length,
      scheme: new URL(request.url).protocol, protocol: request.cf.httpProtocol });
  },
};"""
SSR = """
export default {
  async fetch(request, env) {
    const { pathname } = new URL(request.url);
    const shell = await env.ASSETS.fetch(new URL("/index.html", request.url));
    const css = await env.ASSETS.fetch("http://assets/a.css");
    const any = await env.ASSETS.fetch("http://assets/nothing");
    const text = (await shell.text()).replace("></", `>${pathname}</`);
    const type = css.headers.get("content-type").split(";")[0];
    return new Response(`${text} ${css.status} ${any.status} ${type}`);
  },
};"""
LEAVES = """
addEventListener("fetch", (event) => {
  if (event.request.method === "PUT") event.respondWith(new Response("here"));
});
"""
PASSES = """
export default {
  fetch(request, env, ctx) {
    ctx.passThroughOnException();
    throw new Error("not this time");
  },
};"""


def form(parts):
    body = b""
    for name, (content_type, data) in parts.items():
        body += f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n'.encode()
        if content_type:
            body += f"Content-Type: {content_type}\r\n".encode()
        body += b"\r\n" + data + b"\r\n"
    return body + f"--{BOUNDARY}--\r\n".encode()


@unittest.skipUnless(has_javascript(), "this build has no JavaScript")
class Modules(ServerTest):
    def put(self, name, body):
        return self.server.admin("PUT", f"/v1/tenants/default/functions/{name}", body,
                                 {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"})

    def test_several_modules_are_one_function(self):
        answer = self.put("several", form(PARTS))
        self.assertEqual((answer.status, answer.json.get("kind")), (201, "javascript"), answer)
        self.assertEqual(self.server.get("several").json,
                         {"greeting": "hello you", "data": {"a": [1, 2]},
                          "page": "<p>\r\n--x</p>", "bytes": [0, 255, 13, 10]})

    def test_the_main_module_is_the_one_that_is_said_to_be(self):
        parts = {"a.js": ("", b'export default { fetch: () => new Response("a") };'),
                 "b.js": ("", b'export default { fetch: () => new Response("b") };')}
        self.assertEqual(self.put("main", form(parts)).status, 201)
        self.assertEqual(self.server.get("main").text, "a")
        parts["metadata"] = ("application/json", b'{"main_module": "b.js"}')
        self.assertEqual(self.put("main", form(parts)).status, 201)
        self.assertEqual(self.server.get("main").text, "b")

    def test_what_is_missing_or_wrong_is_named(self):
        whole = form(PARTS)
        main = b"export default { fetch() {} };"
        for wanted, body in {
                "no module `lib/none.js`": form({"a.js": ("", b'import "./lib/none.js";' + main)}),
                "no module `lodash`": form({"a.js": ("", b'import "lodash";' + main)}),
                "is WebAssembly": form({"a.js": ("", b'import "./x.wasm";' + main),
                                        "x.wasm": ("", b"\0asm")}),
                "what it is": form({"a.js": ("", b'import "./x";' + main), "x": ("", b"")}),
                "lib/b.js:2": form({"a.js": ("", b'import "./lib/b.js";' + main),
                                    "lib/b.js": ("", b"\nlet = ;")}),
                "main module": form({"x.txt": ("", b"")}),
                "main module is not among them: z.js": form(
                    {"a.js": ("", main), "metadata": ("", b'{"main_module": "z.js"}')}),
                "is not whole": whole[:-20],
                "have no end": form({"a.js": ("", main)})[:-4] + b"xx",
        }.items():
            with self.subTest(wanted):
                answer = self.put("wrong", body)
                self.assertEqual(answer.status, 422, answer)
                self.assertIn(wanted, answer.json["detail"])

    def test_stacks_have_the_lines_that_were_written(self):
        parts = {"bundle.js": ("", MAPPED), "bundle.js.map": ("", MAP)}
        self.assertEqual(self.put("mapped", form(parts)).status, 201)
        self.problem(self.server.get("mapped"), 500, "exception")
        wait_until(lambda: "src/app.ts:7:1" in self.server.guest_log("mapped"), 5, "the stack")

    def test_metadata_binds_what_env_holds(self):
        metadata = {"bindings": [
            {"type": "kv_namespace", "name": "NAMES", "namespace_id": "abc"},
            {"type": "service", "name": "OTHER", "service": "other"},
            {"type": "ratelimit", "name": "LIMIT", "simple": {"limit": 2, "period": 60}},
            {"type": "plain_text", "name": "TEXT", "text": "a text"},
            {"type": "json", "name": "DATA", "json": {"deep": [1]}}]}
        other = {"a.js": ("", b'export default (request) => new Response(request.method);')}
        self.assertEqual(self.put("other", form(other)).status, 201)
        parts = {"a.js": ("", BOUND),
                 "metadata": ("application/json", json.dumps(metadata).encode())}
        self.assertEqual(self.put("bound", form(parts)).status, 201)
        self.assertEqual(self.server.get("bound").json, {
            "got": "value", "metadata": {"m": 1}, "none": None, "keys": ["k"], "other": "PUT",
            "limit": [True, True, False], "text": "a text", "data": {"deep": [1]},
            "names": ["NAMES", "OTHER", "LIMIT", "TEXT", "DATA"]})
        answer = self.server.admin("GET", "/v1/tenants/default/kv/abc%2Fk")
        self.assertEqual(answer.status, 200)
        metadata["bindings"] = [{"type": "d1", "name": "DB"}]
        parts["metadata"] = ("", json.dumps(metadata).encode())
        answer = self.put("bound", form(parts))
        self.assertEqual(answer.status, 422)
        self.assertIn("the binding DB is of the type", answer.json["detail"])

    def test_what_a_warm_up_leaves_is_there_at_each_request(self):
        answer = self.put("warmed", form({"a.js": ("", WARMED)}))
        self.assertEqual(answer.status, 201, answer)
        for _ in range(2):
            self.assertEqual(self.server.get("warmed").json["seen"],
                             ["/", "/asks", "/throws", "/"])
        answer = self.put("warmed", form({"a.js": ("", WARMED.replace(b'"/asks"', b'"asks"'))}))
        self.assertEqual(answer.status, 422)
        self.assertIn("list of paths", answer.json["detail"])

    def test_a_handler_of_events(self):
        self.assertEqual(self.put("lambda", form({"index.mjs": ("", LAMBDA)})).status, 201)
        answer = self.server.get("lambda", "/a/b?x=1&x=2", method="POST", body=b"text",
                                 headers={"Content-Type": "text/plain", "Cookie": "a=b; c=d"})
        self.assertEqual((answer.status, answer.headers["x-a"]), (201, "b"))
        self.assertEqual(answer.json, {"path": "/a/b", "method": "POST", "query": "1,2",
                                       "cookies": ["a=b", "c=d"], "body": "text"})

    def test_a_handler_of_cloudfronts_events(self):
        metadata = ("application/json", b'{"adapter": "lambda-edge"}')
        parts = {"index.mjs": ("", EDGE), "metadata": metadata}
        self.assertEqual(self.put("edge", form(parts)).status, 201)
        answer = self.server.get("edge", "/x?y=1", method="POST", body=b"text",
                                 headers={"Cookie": "a=b"})
        self.assertEqual((answer.status, answer.text), (201, "POST,y=1,a=b,text"))
        self.assertIn(answer.headers["x-a"], ("b", "c"))
        self.assertEqual(self.server.get("edge", "/on").status, 404)  # it has no files
        parts["metadata"] = ("", b'{"adapter": "other"}')
        answer = self.put("edge", form(parts))
        self.assertEqual(answer.status, 422)
        self.assertIn("lambda-edge", answer.json["detail"])
        parts["metadata"] = ("", b'{"adapter": "netlify"}')
        answer = self.put("edge", form(parts))
        self.assertIn("does not export the handler", answer.json["detail"])

    def test_a_function_of_netlifys(self):
        self.assertEqual(self.put("netlify", form({"index.mjs": ("", NETLIFY)})).status, 201)
        answer = self.server.get("netlify", "/hello/you", headers={"Cookie": "a=b; was=c"})
        self.assertEqual(answer.headers["set-cookie"], "seen=c; Path=/")
        self.assertEqual(answer.json,
                         {"params": {"name": "you"}, "ip": "127.0.0.1", "greeting": None})
        self.assertEqual(self.server.get("netlify", method="DELETE").status, 404)

    def test_what_goes_on_after_an_exception(self):
        self.assertEqual(self.put("entry", form({"index.mjs": ("", ENTRYPOINT)})).status, 201)
        self.problem(self.server.get("entry"), 500, "exception")
        for key in ("went", "rejected"):
            written = f"/v1/tenants/default/kv/{key}"
            wait_until(lambda written=written: self.server.admin("GET", written).status == 200, 5,
                       key)
        self.assertFalse("nobody looked" in self.server.guest_log("entry"))

    def test_what_is_bound_is_global_in_the_older_form(self):
        metadata = {"bindings": [{"type": "kv_namespace", "name": "NAMES", "namespace_id": "x"}]}
        parts = {"a.js": ("", OLDER), "metadata": ("", json.dumps(metadata).encode())}
        self.assertEqual(self.put("older", form(parts)).status, 201)
        self.server.cli("env", "set", "older", "GREETING=hi", check=0)
        self.assertEqual(self.server.get("older").json,
                         ["value", "string", "hi", "undefined", True])
        parts["a.js"] = ("", b"const token = BOT_TOKEN;\n" + OLDER)
        answer = self.put("older", form(parts))
        self.assertEqual(answer.status, 422)
        self.assertIn("call it in the handler", answer.json["detail"])

    def test_what_a_client_cannot_say_of_itself(self):
        self.assertEqual(self.put("who", form({"a.js": ("", WHO)})).status, 201)
        answer = self.server.get("who", method="POST", headers={
            "CF-Connecting-IP": "9.9.9.9", "X-Forwarded-Proto": "https",
            "X-Skerry-Cron": "* * * * *"})
        self.assertEqual(answer.json, {"address": "127.0.0.1", "all": 1, "scheme": "http:",
                                       "protocol": "HTTP/1.1"})


@unittest.skipUnless(has_javascript(), "this build has no JavaScript")
class Folders(ServerTest):
    def deploy(self, name, files):
        folder = pathlib.Path(self.server.data) / f"project-{name}"
        for path, text in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
        return self.server.cli("deploy", str(folder))

    def test_assets_are_asked_for_by_the_script(self):
        self.deploy("assets", {
            "function.yaml": "name: ssr\nmain: app.js\n"
                             "assets: { dir: public, fallback: index.html }\n",
            "app.js": SSR, "public/index.html": "<main></main>", "public/a.css": "css"})
        self.assertEqual(self.server.get("ssr", "/a.css").text, "css")
        answer = self.server.get("ssr", "/page")
        self.assertEqual((answer.status, answer.text), (200, "<main>/page</main> 200 200 text/css"))

    def test_an_exception_may_pass_the_request_on(self):
        for origin, status in (("", 500), ("origin: http://127.0.0.1:1\n", 502)):
            self.deploy("passes", {"function.yaml": f"name: passes\nmain: app.js\n{origin}",
                                   "app.js": PASSES})
            self.assertEqual(self.server.get("passes").status, status)

    def test_a_listener_that_does_not_answer_leaves_it_to_the_origin(self):
        for origin, status in (("", 500), ("origin: http://127.0.0.1:1\n", 502)):
            self.deploy("leaves", {"function.yaml": f"name: leaves\nmain: app.js\n{origin}",
                                   "app.js": LEAVES})
            self.assertEqual(self.server.get("leaves").status, status)
            self.assertEqual(self.server.get("leaves", method="PUT").text, "here")


if __name__ == "__main__":
    unittest.main()
