// SPDX-License-Identifier: Apache-2.0
test("Headers", () => {
  const headers = new Headers({ "Content-Type": " a/b ", X: "1" });
  headers.append("x", "2");
  headers.append("Set-Cookie", "a=1");
  headers.append("set-cookie", "b=2");
  same([headers.get("content-type"), headers.get("X"), headers.get("nope"), headers.has("x")], ["a/b", "1, 2", null, true]);
  same([...headers], [["content-type", "a/b"], ["set-cookie", "a=1"], ["set-cookie", "b=2"], ["x", "1, 2"]]);
  same(headers.getSetCookie(), ["a=1", "b=2"]);
  headers.set("x", "3");
  headers.delete("set-cookie");
  same([...new Headers(headers)], [["content-type", "a/b"], ["x", "3"]]);
  for (const name of ["", "a b", "a:", "\u00e9", "a\n"]) throws(TypeError, () => headers.set(name, "x"));
  for (const value of ["a\nb", "a\0b", "\u0100"]) throws(TypeError, () => headers.set("x", value));
  headers.set("x", "\u00e9");
  same(headers.get("x"), "\u00e9");
  throws(TypeError, () => new Headers([["a"]]));
  same(Object.prototype.toString.call(headers), "[object Headers]");
});
test("Response", async () => {
  const response = new Response("hi", { status: 201, statusText: "Made", headers: { a: "b" } });
  same([response.status, response.statusText, response.ok, response.type, response.headers.get("content-type"), response.bodyUsed],
    [201, "Made", true, "default", "text/plain;charset=UTF-8", false]);
  same(await response.text(), "hi");
  same(response.bodyUsed, true);
  await rejects(TypeError, response.text());
  throws(RangeError, () => new Response("", { status: 199 }));
  throws(RangeError, () => new Response("", { status: 600 }));
  throws(TypeError, () => new Response("x", { status: 204 }));
  same(new Response(null, { status: 204 }).body, null);
  same(new Response("x", { headers: { "content-type": "a/b" } }).headers.get("content-type"), "a/b");
});
test("bodies of all kinds", async () => {
  same(await new Response(new Uint8Array([1, 2])).bytes(), new Uint8Array([1, 2]));
  same(await new Response(new Uint8Array([1, 2]).buffer).text(), "\u0001\u0002");
  same(await new Response(new URLSearchParams("a=b")).text(), "a=b");
  same(new Response(new URLSearchParams("a=b")).headers.get("content-type"), "application/x-www-form-urlencoded;charset=UTF-8");
  same(await new Response(new Blob(["x"], { type: "a/b" })).blob().then((blob) => [blob.type, blob.size]), ["a/b", 1]);
  same(await new Response('{"a":1}').json(), { a: 1 });
  await rejects(SyntaxError, new Response("{").json());
  same(await new Response("\ufeffx").text().then((text) => text.length), 2);
  same(await new Response(12).text(), "12");
  same(await new Response().text(), "");
  const stream = new ReadableStream({ start(controller) { controller.enqueue(new Uint8Array([104])); controller.enqueue(new Uint8Array([105])); controller.close(); } });
  same(await new Response(stream).text(), "hi");
});
test("Response's makers", async () => {
  const json = Response.json({ a: [1] }, { status: 202 });
  same([json.status, json.headers.get("content-type"), await json.text()], [202, "application/json", '{"a":[1]}']);
  throws(TypeError, () => Response.json(undefined));
  const redirect = Response.redirect("http://h/x", 307);
  same([redirect.status, redirect.headers.get("location")], [307, "http://h/x"]);
  throws(RangeError, () => Response.redirect("http://h/", 200));
  same([Response.error().type, Response.error().status], ["error", 0]);
});
test("clones", async () => {
  const response = new Response("text", { headers: { a: "b" } });
  const copy = response.clone();
  same([await response.text(), await copy.text(), copy.headers.get("a")], ["text", "text", "b"]);
  throws(TypeError, () => response.clone());
  const streaming = new Response(ReadableStream.from([new Uint8Array([1]), new Uint8Array([2])]));
  const two = streaming.clone();
  same([await streaming.bytes(), await two.bytes()], [new Uint8Array([1, 2]), new Uint8Array([1, 2])]);
});
test("Request", async () => {
  const request = new Request("http://h/p?q", { method: "post", body: "x", headers: { a: "b" } });
  same([request.url, request.method, request.headers.get("a"), request.headers.get("content-type"), request.redirect],
    ["http://h/p?q", "POST", "b", "text/plain;charset=UTF-8", "follow"]);
  same(await request.clone().text(), "x");
  const changed = new Request(request, { headers: { c: "d" } });
  same([changed.method, changed.headers.get("c"), changed.headers.get("a"), await changed.text(), request.bodyUsed], ["POST", "d", null, "x", true]);
  throws(TypeError, () => new Request("http://h/", { body: "x" }));
  throws(TypeError, () => new Request("nope"));
  throws(TypeError, () => new Request("http://u:p@h/"));
  throws(TypeError, () => new Request("http://h/", { method: "a b" }));
  throws(TypeError, () => new Request("http://h/", { method: "CONNECT" }));
  same(new Request("http://h/", { method: "patch" }).method, "patch");
});
test("the request that is served", async (request) => {
  same(request.method, "POST");
  same(new URL(request.url).pathname, "/path");
  same(request.headers.get("x-sent"), "yes");
  same(request instanceof Request, true);
  const copy = request.clone();
  same([await request.text(), await copy.text()], ["the body", "the body"]);
});
test("forms", async () => {
  const typed = { headers: { "content-type": "application/x-www-form-urlencoded" } };
  same([...await new Response("?a=1&b", typed).formData()], [["?a", "1"], ["b", ""]]);
  const form = new FormData();
  form.append("a", "1");
  form.append("a", "2");
  form.append("f", new File(["content"], 'na"me.txt', { type: "text/x" }));
  const response = new Response(form);
  same(response.headers.get("content-type").startsWith("multipart/form-data; boundary="), true);
  const read = await response.formData();
  same([read.getAll("a"), read.get("f").name, read.get("f").type, await read.get("f").text()], [["1", "2"], 'na"me.txt', "text/x", "content"]);
  const simple = await new Response("a=b+c&d=%C3%A9", { headers: { "content-type": "application/x-www-form-urlencoded" } }).formData();
  same([...simple], [["a", "b c"], ["d", "\u00e9"]]);
  await rejects(TypeError, new Response("x").formData());
  await rejects(TypeError, new Response("--b\r\n", { headers: { "content-type": "multipart/form-data; boundary=b" } }).formData());
});
test("fetch without permission", async () => {
  await rejects(TypeError, fetch("http://127.0.0.1:1/"));
  await rejects(TypeError, fetch("ftp://h/"));
  await rejects("AbortError", fetch("http://h/", { signal: AbortSignal.abort() }));
});
test("data: URLs", async () => {
  const read = async (url) => {
    const response = await fetch(url);
    return [response.status, response.headers.get("content-type"), await response.text()];
  };
  same(await read("data:,a%20b#c"), [200, "text/plain;charset=US-ASCII", "a b"]);
  same(await read("data:text/html;charset=utf-8;base64,w6k="), [200, "text/html;charset=utf-8", "\u00e9"]);
  await rejects(TypeError, fetch("data:x"));
  await rejects(TypeError, fetch("data:;base64,!"));
});
test("headers while they are iterated, and records", () => {
  const headers = new Headers([["b", "1"], ["a", "2"]]);
  const seen = [];
  for (const [name] of headers) {
    seen.push(name);
    headers.delete("b");
  }
  same([seen, String(headers.entries())], [["a"], "[object Headers Iterator]"]);
  throws(TypeError, () => new Headers(null));
  same([...new Headers({ B: " x ", a: "\u00ff", 7: 8, __proto__: null })], [["7", "8"], ["a", "\u00ff"], ["b", "x"]]);
  const asked = [];
  const says = (name, value) => ({ enumerable: true, get() { asked.push(name); return value; } });
  for (const [name, value] of [["a", "\u0100"], ["\u0100", "b"], ["a b", "c"], ["a", "b\nc"], ["", "a"], ["a", Symbol()], [Symbol(), "a"]]) {
    asked.length = 0;
    throws(TypeError, () => new Headers(Object.defineProperties({}, { [name]: says("first", value), last: says("last", "y") })));
    same(asked.includes("last"), ["a b", ""].includes(name) || value === "b\nc" || typeof name === "symbol"); // after what is no text of bytes
  }
  same([...new Headers(Object.create({ inherited: "x" }, { own: { value: "y", enumerable: true }, hidden: { value: "z" } }))], [["own", "y"]]);
});
test("a request of a request", async () => {
  const controller = new AbortController();
  const first = new Request("http://h/", { method: "POST", body: "x", signal: controller.signal });
  const second = new Request(first);
  controller.abort();
  same([first.bodyUsed, second.signal.aborted, second.signal === first.signal, await second.text()], [true, true, false, "x"]);
  throws(TypeError, () => new Request("http://h/", { mode: "navigate" }));
  throws(TypeError, () => new Request("http://h/", { signal: {} }));
  throws(TypeError, () => new Response("x", { statusText: "\n" }));
  const read = new Response("x");
  await read.text();
  throws(TypeError, () => read.body.getReader());
});
