// SPDX-License-Identifier: Apache-2.0
// What Workers' scripts and bundled ones of node.js expect besides the web API.
test("streams of Workers", async () => {
  const through = async (stream, ...pieces) => {
    const writer = stream.writable.getWriter();
    const written = (async () => {
      for (const piece of pieces) await writer.write(new TextEncoder().encode(piece));
      await writer.close();
    })();
    written.catch(() => {});
    const text = await new Response(stream.readable).text();
    await written;
    return text;
  };
  same(await through(new IdentityTransformStream(), "a", "b"), "ab");
  same(await through(new FixedLengthStream(2), "a", "b"), "ab");
  await rejects(TypeError, through(new FixedLengthStream(3), "a", "b"));
  await rejects(TypeError, through(new FixedLengthStream(1), "a", "b"));
  for (const length of [-1, 1.5, "x"]) throws(TypeError, () => new FixedLengthStream(length));
  const digest = new crypto.DigestStream("SHA-256");
  await new Response("hello").body.pipeTo(digest);
  same(new Uint8Array(await digest.digest)[0], 0x2c);
  const reader = new Response("abcdef").body.getReader({ mode: "byob" });
  same((await reader.readAtLeast(4, new Uint8Array(8))).value.length, 6);
});
test("time", async () => {
  same(performance instanceof Performance && performance instanceof EventTarget, true);
  throws(TypeError, () => new Performance());
  throws(TypeError, () => Performance.prototype.now.call({}));
  same(Math.abs(performance.timeOrigin + performance.now() - Date.now()) < 1000, true);
  same(performance.toJSON(), { timeOrigin: performance.timeOrigin });
  same(performance.now() < 60000, true);
  const before = performance.now();
  await scheduler.wait(5);
  same(performance.now() > before, true);
  const stop = new AbortController();
  const waits = scheduler.wait(1e6, { signal: stop.signal });
  stop.abort(new TypeError("enough"));
  await rejects(TypeError, waits);
  await new Promise((resolve) => setImmediate(resolve));
});
test("what nobody catches", async () => {
  const seen = [];
  const keep = (event) => {
    seen.push(event.error?.message ?? event.reason?.message);
    event.preventDefault();
  };
  addEventListener("error", keep);
  reportError(new Error("reported"));
  queueMicrotask(() => { throw new Error("in a microtask"); });
  setTimeout(() => { throw new Error("in a timer"); });
  await scheduler.wait(5);
  removeEventListener("error", keep);
  globalThis.onerror = (message, file, line, column, error) => {
    seen.push(error.message);
    return true;
  };
  reportError(new Error("handled"));
  globalThis.onerror = null;
  same(seen, ["reported", "in a microtask", "in a timer", "handled"]);
  throws(TypeError, () => addEventListener("fetch", "not a function"));
});
test("the environment, otherwise", (request, env) => {
  same(process.env.NODE_ENV, "production");
  same([process.env.NOTHING, "NOTHING" in process.env], [undefined, false]);
  process.env.MINE = 1;
  same([process.env.MINE, Object.keys(process.env)], ["1", ["MINE"]]);
  Object.defineProperty(process.env, "DEFINED", { value: 2, configurable: true });
  same([process.env.DEFINED, "DEFINED" in process.env], ["2", true]);
  env.ADDED = 5;
  same(env.ADDED, 5);
});
test("the store's lists and times", async (request, env) => {
  await env.KV.put("listed/1", "x", { metadata: { m: 1 } });
  await env.KV.put("listed/2", "x");
  same((await env.KV.list({ prefix: "listed/" })).keys, [{ name: "listed/1", metadata: { m: 1 } }, { name: "listed/2" }]);
  same((await env.KV.list({ prefix: "listed/", limit: -5 })).keys.length, 1);
  const long = "m".repeat(3000); // than what a list has of each value
  await Promise.all([long, "", "x", long].map((m, i) => env.KV.put(`long/${i}`, new Uint8Array(i * 50000), { metadata: { m } })));
  same((await env.KV.list({ prefix: "long/" })).keys.map(({ metadata }) => metadata.m), [long, "", "x", long]);
  await rejects(TypeError, env.KV.put("listed/3", "x", { expirationTtl: "soon" }));
  await rejects(TypeError, env.KV.get("listed/1", "constructor"));
});
test("the cache has places", async () => {
  const kept = (size) => new Response("x".repeat(size), { headers: { "cache-control": "max-age=60" } });
  const url = "https://example.com/places";
  for (const size of [10, 40000, 200000, 1100000, 10]) {
    await caches.default.put(url, kept(size));
    same((await (await caches.default.match(url))?.text())?.length, size > 1 << 20 ? undefined : size);
  }
  for (let i = 0; i < 20; i++) await caches.default.put(`${url}/${i}`, kept(140000));
  let hits = 0;
  for (let i = 0; i < 20; i++) if (await caches.default.match(`${url}/${i}`) !== undefined) hits++;
  same(hits > 0 && hits <= 16, true, hits);
});
test("headers of Workers", (request) => {
  same(new Headers([["set-cookie", "a"], ["set-cookie", "b"]]).getAll("Set-Cookie"), ["a", "b"]);
  throws(TypeError, () => new Headers().getAll("a"));
  same(typeof request.cf.colo === "string" && request.cf.colo !== "", true);
});
test("stacks begin with what was thrown", () => {
  const stack = new TypeError("text").stack.split("\n");
  same([stack[0], stack[1].startsWith("    at ")], ["TypeError: text", true]);
  class Own extends Error {
    constructor() {
      super("own");
      Error.captureStackTrace(this, Own);
      this.name = "Own";
    }
  }
  same(new Own().stack.split("\n")[0], "Error: own");
  const target = { toString: () => "target" };
  Error.captureStackTrace(target);
  same(target.stack.split("\n")[0], "target");
  same(new Error("x", { cause: 1 }).cause, 1);
});
