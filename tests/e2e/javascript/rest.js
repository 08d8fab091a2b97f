// SPDX-License-Identifier: Apache-2.0
test("text both ways", () => {
  same([...new TextEncoder().encode("a\u00e9\u20ac\ud83d\ude00\ud800")], [0x61, 0xc3, 0xa9, 0xe2, 0x82, 0xac, 0xf0, 0x9f, 0x98, 0x80, 0xef, 0xbf, 0xbd]);
  same(new TextEncoder().encodeInto("a\u20ac", new Uint8Array(3)), { read: 1, written: 1 });
  const decode = (...bytes) => new TextDecoder().decode(new Uint8Array(bytes));
  same(decode(0xef, 0xbb, 0xbf, 0x41), "A");
  same(decode(0xc0, 0x80, 0xe2, 0x82, 0x41, 0xed, 0xa0, 0x80, 0xf4, 0x90, 0x80, 0x80), "\ufffd\ufffd\ufffdA\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd");
  throws(TypeError, () => new TextDecoder("utf-8", { fatal: true }).decode(new Uint8Array([0xff])));
  throws(RangeError, () => new TextDecoder("klingon"));
  const stream = new TextDecoder();
  same(stream.decode(new Uint8Array([0xe2, 0x82]), { stream: true }) + stream.decode(new Uint8Array([0xac])), "\u20ac");
  same(new TextDecoder("utf-16le").decode(new Uint8Array([0x41, 0, 0x3d, 0xd8, 0, 0xde])), "A\ud83d\ude00");
  same(new TextDecoder("UTF8").encoding, "utf-8");
  same([atob("aGk="), btoa("hi")], ["hi", "aGk="]);
});
test("events", () => {
  const target = new EventTarget();
  const seen = [];
  const listener = (event) => seen.push(event.type);
  target.addEventListener("x", listener);
  target.addEventListener("x", listener);
  target.addEventListener("x", () => seen.push("once"), { once: true });
  target.addEventListener("x", { handleEvent: () => seen.push("object") });
  target.dispatchEvent(new Event("x"));
  target.removeEventListener("x", listener);
  target.dispatchEvent(new CustomEvent("x", { detail: 1 }));
  same(seen, ["x", "once", "object", "object"]);
  const event = new Event("y", { cancelable: true });
  target.addEventListener("y", (given) => given.preventDefault());
  same([target.dispatchEvent(event), event.defaultPrevented], [false, true]);
});
test("aborting", async () => {
  const controller = new AbortController();
  let told = 0;
  controller.signal.addEventListener("abort", () => told++);
  const any = AbortSignal.any([controller.signal]);
  controller.abort("why");
  controller.abort("again");
  same([controller.signal.aborted, controller.signal.reason, any.reason, told], [true, "why", "why", 1]);
  throws("AbortError", () => AbortSignal.abort().throwIfAborted());
  throws(TypeError, () => new AbortSignal());
  const timeout = AbortSignal.timeout(5);
  await new Promise((resolve) => timeout.addEventListener("abort", resolve));
  same(timeout.reason.name, "TimeoutError");
});
test("timers", async () => {
  const order = [];
  await new Promise((resolve) => {
    setTimeout((text) => order.push(text), 0, "soon");
    clearTimeout(setTimeout(() => order.push("never"), 0));
    queueMicrotask(() => order.push("job"));
    let times = 0;
    const id = setInterval(() => {
      order.push("again");
      if (++times < 2) return;
      clearInterval(id);
      setTimeout(resolve, 1);
    }, 1);
  });
  same(order, ["job", "soon", "again", "again"]);
  throws(TypeError, () => setTimeout("code", 1));
});
test("structuredClone", () => {
  const value = { a: [1, { b: new Date(5) }], m: new Map([[1, new Set([2])]]), u: new Uint8Array([1, 2]), e: new RangeError("x"), r: /x/g };
  value.self = value;
  const copy = structuredClone(value);
  same([copy.a[1].b.getTime(), [...copy.m.get(1)], [...copy.u], copy.e instanceof RangeError, copy.e.message, copy.r.source, copy.self === copy, copy.a === value.a],
    [5, [2], [1, 2], true, "x", "x", true, false]);
  throws("DataCloneError", () => structuredClone(() => {}));
  throws("DataCloneError", () => structuredClone({ a: Symbol("x") }));
});
test("random", () => {
  same(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(crypto.randomUUID()), true);
  same(crypto.getRandomValues(new Uint32Array(4)).some((word) => word !== 0), true);
  throws("QuotaExceededError", () => crypto.getRandomValues(new Uint8Array(65537)));
  const draws = Array.from({ length: 100 }, Math.random);
  same(draws.every((draw) => draw >= 0 && draw < 1) && new Set(draws).size > 90, true);
});
test("no code from text", () => {
  throws(EvalError, () => eval("1"));
  throws(EvalError, () => new Function("1"));
  throws(EvalError, () => (() => {}).constructor("1"));
  throws(EvalError, () => (async () => {}).constructor("1"));
  throws(EvalError, () => (function* () {}).constructor("1"));
});
test("deep recursion can be caught", () => {
  const dive = () => dive() + 1;
  throws(RangeError, dive);
});
test("blobs", async () => {
  const blob = new Blob(["ab", new Uint8Array([99]), new Blob(["d"])], { type: "Text/X" });
  same([blob.size, blob.type, await blob.text(), await blob.slice(1, 3).text()], [4, "text/x", "abcd", "bc"]);
  same([...await blob.bytes()], [97, 98, 99, 100]);
  same(await new Response(blob.stream()).text(), "abcd");
});
test("the store", async (request, env) => {
  await env.KV.put("key", "value");
  await env.KV.put("bytes", new Uint8Array([1, 2]));
  await env.KV.put("other/x", JSON.stringify({ a: 1 }), { expirationTtl: 60 });
  same([await env.KV.get("key"), await env.KV.get("other/x", "json"), await env.KV.get("nope")], ["value", { a: 1 }, null]);
  same([...new Uint8Array(await env.KV.get("bytes", { type: "arrayBuffer" }))], [1, 2]);
  same(await env.KV.list({ prefix: "other/" }), { keys: [{ name: "other/x" }], list_complete: true });
  await env.KV.delete("key");
  await env.KV.delete("key");
  same(await env.KV.get("key"), null);
  await rejects(TypeError, env.KV.put("", "x"));
});
test("older encodings", () => {
  const rows = [["latin1", [0x80, 0xe9], "\u20ac\u00e9"], ["koi8-r", [0xc1], "\u0430"], ["shift_jis", [0x82, 0xa0, 0xb1], "\u3042\uff71"], ["euc-jp", [0xa4, 0xa2, 0x8f, 0xb0, 0xa1], "\u3042\u4e02"],
    ["gbk", [0xd6, 0xd0], "\u4e2d"], ["big5", [0xa4, 0xa4, 0x88, 0x62], "\u4e2d\u00ca\u0304"],
    ["euc-kr", [0xb0, 0xa1], "\uac00"], ["iso-2022-jp", [0x1b, 0x24, 0x42, 0x24, 0x22, 0x1b, 0x28, 0x42, 0x41], "\u3042A"], ["x-user-defined", [0x80], "\uf780"], ["windows-874", [0xa1], "\u0e01"]];
  for (const [label, bytes, wanted] of rows) same(new TextDecoder(label).decode(new Uint8Array(bytes)), wanted, label);
  const decoder = new TextDecoder("big5", { fatal: true }); // in pieces
  same(decoder.decode(new Uint8Array([0xa4]), { stream: true }) + decoder.decode(new Uint8Array([0xa4])), "\u4e2d");
  throws(TypeError, () => new TextDecoder("gbk", { fatal: true }).decode(new Uint8Array([0x81])));
  throws(RangeError, () => new TextDecoder("iso-2022-kr"));
  same(new TextDecoder("gb18030").decode(new Uint8Array([0x90, 0x30, 0x81, 0x30, 0x81, 0x30, 0x81])), "\u{10000}\ufffd");
});
test("signals that follow others", () => {
  const order = [];
  const controller = new AbortController();
  const any = AbortSignal.any([AbortSignal.any([controller.signal])]);
  any.onabort = () => order.push("any");
  controller.signal.addEventListener("abort", (event) => order.push(event.isTrusted));
  controller.abort("why");
  same([order, any.reason, AbortSignal.any([any]).aborted], [[true, "any"], "why", true]);
});
test("a listener that is passive, one that is taken away", () => {
  const target = new EventTarget();
  const event = new Event("x", { cancelable: true });
  target.addEventListener("x", (given) => given.preventDefault(), { passive: true });
  const second = () => { throw new Error("called"); };
  target.addEventListener("x", () => target.removeEventListener("x", second));
  target.addEventListener("x", second);
  same([target.dispatchEvent(event), event.defaultPrevented, event.eventPhase], [true, false, 0]);
  throws(TypeError, () => target.dispatchEvent({}));
});
