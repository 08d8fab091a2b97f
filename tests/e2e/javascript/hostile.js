// SPDX-License-Identifier: Apache-2.0
// What is thrown by what a script gives comes back to the script, and breaks nothing of the web API.
const mine = new Error("mine");
const throwing = { toString() { throw mine; }, valueOf() { throw mine; } };
const thrower = (run) => {
  try {
    run();
  } catch (error) {
    if (error === mine) return;
    throw error;
  }
  throw new Error(`nothing was thrown by ${run}`);
};
test("texts that throw", () => {
  for (const run of [() => new URL(throwing), () => new Headers([[throwing, "x"]]), () => new Headers({ a: throwing }),
    () => new Response(throwing), () => new Request(throwing), () => new TextEncoder().encode(throwing), () => atob(throwing), () => btoa(throwing),
    () => new TextDecoder(throwing), () => new Event(throwing), () => new Blob([throwing]), () => new FormData().append(throwing, "x"),
    () => new CompressionStream(throwing), () => new URLPattern({ pathname: throwing }), () => setTimeout(() => {}, throwing)]) thrower(run);
});
test("getters and iterators that throw", async (request, env) => {
  const trap = new Proxy({}, { get() { throw mine; }, has() { throw mine; }, ownKeys() { throw mine; }, getPrototypeOf() { throw mine; } });
  for (const run of [() => new Response("x", trap), () => new Headers(trap), () => structuredClone(trap), () => new Request("http://h/", trap), () => new URLSearchParams(trap)]) thrower(run);
  const rejected = async (promise) => same(await promise.then(() => null, (error) => error === mine), true);
  await rejected(env.KV.put("hostile", "x", { get expirationTtl() { throw mine; } }));
  await rejected(crypto.subtle.digest({ get name() { throw mine; } }, new Uint8Array(1)));
  await rejected(new Response(new ReadableStream({ pull() { throw mine; } })).text());
  console.log(throwing.constructor.name);
});
test("prototypes that were changed", async () => {
  const kept = Object.getOwnPropertyDescriptor(Array.prototype, "push");
  let pushes = 0;
  try {
    Object.defineProperty(Object.prototype, "polluted", { value: 1, enumerable: true, configurable: true, writable: true });
    Object.defineProperty(Array.prototype, "push", { ...kept, value(...values) { pushes++; return kept.value.apply(this, values); } });
    const headers = new Headers({ a: "b" });
    headers.append("c", "d");
    same([...headers.keys()].includes("a"), true);
    same((await Response.json({ a: 1 }).json()).a, 1);
    same(new URL("http://h/?a=b").searchParams.get("a"), "b");
  } finally {
    Object.defineProperty(Array.prototype, "push", kept);
    delete Object.prototype.polluted;
  }
});
test("promises, with a `then` for all objects", async () => {
  const stream = new ReadableStream({ start(controller) { controller.enqueue(new TextEncoder().encode("hello")); controller.close(); } });
  const read = new Response(stream).text();
  Object.prototype.then = (keep) => keep(new TextEncoder().encode("bye"));
  try {
    same([await read, await new Response(new Uint8Array([104, 105])).text()], ["hello", "hi"]);
  } finally {
    delete Object.prototype.then;
  }
});
test("a record is asked for its fields once", () => {
  const asked = [];
  const record = new Proxy({ a: "b" }, { __proto__: null, get(target, name) { asked.push(name); return target[name]; }, getPrototypeOf() { throw mine; } });
  same(new Headers(record).get("a"), "b");
  same(asked.length, 2);
});
test("lone surrogates and large numbers", async (request, env) => {
  same(new URL("http://h/?\ud800").search, "?%EF%BF%BD");
  same(await new Response("\udfff").text(), "\ufffd");
  await env.KV.put("\ud800", "\udc00");
  same(await env.KV.get("\ud800"), "\ufffd");
  throws(RangeError, () => new Uint8Array(2 ** 31));
  throws(RangeError, () => "x".repeat(2 ** 30));
  for (const value of [NaN, Infinity, -1, 2 ** 53, "x", null]) clearTimeout(value);
  throws(RangeError, () => new Response("x", { status: NaN }));
});
test("buffers that are gone", () => {
  const buffer = new ArrayBuffer(8);
  const view = new Uint8Array(buffer);
  buffer.transfer();
  same(new TextDecoder().decode(view), "");
});
test("too deep", () => {
  const deep = (depth) => depth === 0 ? {} : { deeper: deep(depth - 1) };
  let nested = {}; // what JSON does with such is in 76_javascript.py
  for (let i = 0; i < 20000; i++) nested = { nested };
  for (const run of [() => structuredClone(nested), () => deep(1e6), () => /(?:(?:a?){9}){9}/.test("b")]) {
    try {
      run();
    } catch (error) {
      if (!(error instanceof RangeError || error instanceof SyntaxError)) throw error;
    }
  }
});
test("frames of the web API have no functions", () => {
  const kept = Error.prepareStackTrace;
  Error.prepareStackTrace = (_, frames) => frames;
  let frames;
  try {
    new Response("", { get status() { return (frames = new Error("x").stack, 200); } });
  } finally {
    Error.prepareStackTrace = kept;
  }
  same(frames.some((frame) => frame.getFileName().startsWith("skerry:")), true);
  same(frames.every((frame) => frame.getFunction() === undefined), true);
});
