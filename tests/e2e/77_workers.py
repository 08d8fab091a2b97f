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
MAP = json.dumps({"version": 3, "sources": ["src/app.ts"], "names": [],
                  "mappings": "AAMA"}).encode()


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


if __name__ == "__main__":
    unittest.main()
