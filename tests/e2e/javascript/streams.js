// SPDX-License-Identifier: Apache-2.0
const numbers = (count) => {
  let next = 0;
  return new ReadableStream({ pull(controller) { if (next === count) controller.close(); else controller.enqueue(next++); } });
};
const all = async (stream) => {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
};
test("reading", async () => {
  same(await all(numbers(4)), [0, 1, 2, 3]);
  const reader = numbers(1).getReader();
  same([await reader.read(), await reader.read()], [{ value: 0, done: false }, { value: undefined, done: true }]);
  await reader.closed;
});
test("locks", async () => {
  const stream = numbers(2);
  const reader = stream.getReader();
  same(stream.locked, true);
  throws(TypeError, () => stream.getReader());
  await rejects(TypeError, stream.cancel());
  reader.releaseLock();
  same(stream.locked, false);
  await rejects(TypeError, reader.read());
  same(await all(stream), [0, 1]);
});
test("errors", async () => {
  await rejects(RangeError, all(new ReadableStream({ start() { return Promise.reject(new RangeError("x")); } })));
  await rejects(RangeError, all(new ReadableStream({ pull() { throw new RangeError("x"); } })));
  throws(RangeError, () => new ReadableStream({ start() { throw new RangeError("x"); } }));
  let controller;
  const stream = new ReadableStream({ start(given) { controller = given; } });
  controller.close();
  throws(TypeError, () => controller.enqueue(1));
  throws(TypeError, () => controller.close());
  same(await all(stream), []);
});
test("cancelling", async () => {
  let reason;
  const stream = new ReadableStream({ pull(controller) { controller.enqueue(1); }, cancel(given) { reason = given; } });
  for await (const chunk of stream) if (chunk === 1) break;
  same([reason, stream.locked], [undefined, false]);
  const other = new ReadableStream({ cancel(given) { reason = given; } });
  await other.cancel("why");
  same(reason, "why");
});
test("back-pressure", async () => {
  let pulls = 0;
  const stream = new ReadableStream({ pull(controller) { controller.enqueue(pulls++); } }, { highWaterMark: 3 });
  await new Promise((resolve) => setTimeout(resolve, 1));
  same(pulls, 3);
  await stream.getReader().read();
  await new Promise((resolve) => setTimeout(resolve, 1));
  same(pulls, 4);
});
test("tee", async () => {
  const [one, two] = numbers(3).tee();
  same([await all(one), await all(two)], [[0, 1, 2], [0, 1, 2]]);
});
test("writing", async () => {
  const written = [];
  const stream = new WritableStream({ write(chunk) { written.push(chunk); }, close() { written.push("closed"); } });
  const writer = stream.getWriter();
  writer.write(1);
  await writer.write(2);
  await writer.close();
  same(written, [1, 2, "closed"]);
  await rejects(TypeError, writer.write(3));
  const failing = new WritableStream({ write() { throw new RangeError("x"); } }).getWriter();
  await rejects(RangeError, failing.write(1));
  await rejects(RangeError, failing.closed);
  let why;
  await new WritableStream({ abort(reason) { why = reason; } }).abort("reason");
  same(why, "reason");
});
test("pipes", async () => {
  const written = [];
  await numbers(3).pipeTo(new WritableStream({ write(chunk) { written.push(chunk); } }));
  same(written, [0, 1, 2]);
  const doubled = numbers(3).pipeThrough(new TransformStream({ transform(chunk, controller) { controller.enqueue(chunk * 2); }, flush(controller) { controller.enqueue("end"); } }));
  same(await all(doubled), [0, 2, 4, "end"]);
  same(await all(numbers(2).pipeThrough(new TransformStream())), [0, 1]);
  const failed = numbers(3).pipeThrough(new TransformStream({ transform() { throw new RangeError("x"); } }));
  await rejects(RangeError, all(failed));
  await rejects("AbortError", numbers(2).pipeTo(new WritableStream(), { signal: AbortSignal.abort() }));
});
test("text", async () => {
  const bytes = [new Uint8Array([0xe2, 0x82]), new Uint8Array([0xac, 0x41])];
  same((await all(ReadableStream.from(bytes).pipeThrough(new TextDecoderStream()))).join(""), "\u20acA");
  const encoded = await all(ReadableStream.from(["\ud83d", "\ude00"]).pipeThrough(new TextEncoderStream()));
  same(encoded.flatMap((chunk) => [...chunk]), [0xf0, 0x9f, 0x98, 0x80]);
});
test("bytes", async () => {
  const stream = new ReadableStream({ type: "bytes", start(controller) { controller.enqueue(new Uint8Array([1, 2, 3])); controller.close(); } });
  const reader = stream.getReader({ mode: "byob" });
  const first = await reader.read(new Uint8Array(2));
  same([[...first.value], first.done], [[1, 2], false]);
  same([...(await reader.read(new Uint8Array(2))).value], [3]);
  same((await reader.read(new Uint8Array(2))).done, true);
  throws(TypeError, () => numbers(1).getReader({ mode: "byob" }));
});
test("a response of a transform", async () => {
  const { readable, writable } = new TransformStream();
  const writer = writable.getWriter();
  const done = (async () => {
    await writer.write(new TextEncoder().encode("a"));
    await writer.write(new TextEncoder().encode("b"));
    await writer.close();
  })();
  same(await new Response(readable).text(), "ab");
  await done;
});
test("a stream of bytes fills what its reader brings", async () => {
  const stream = new ReadableStream({ type: "bytes", pull(controller) {
    const { view } = controller.byobRequest;
    view.set([1, 2, 3].slice(0, view.byteLength));
    controller.byobRequest.respond(Math.min(view.byteLength, 3));
  } });
  const reader = stream.getReader({ mode: "byob" });
  const buffer = new ArrayBuffer(4);
  const { value, done } = await reader.read(new Uint8Array(buffer, 1, 2));
  same([[...value], value.byteOffset, done, buffer.byteLength], [[1, 2], 1, false, 0]);
  same((await reader.read(new Uint16Array(2), { min: 2 })).value.byteLength, 4);
});
test("a body does not take the bytes of its blob away", async () => {
  const blob = new Blob(["abc"]);
  same(await Promise.all([0, 1].map(async () => (await new Response(blob).body.getReader().read()).value)), [[97, 98, 99], [97, 98, 99]]);
  same(await blob.text(), "abc");
});
test("what a writer, a transform and a pipe say of an error", async () => {
  const error = new Error("mine");
  const transform = new TransformStream({ transform() { throw error; } });
  const piped = ReadableStream.from(["x"]).pipeTo(transform.writable).catch((reason) => reason === error);
  same(await transform.readable.getReader().read().catch((reason) => reason === error), true);
  same(await piped, true);
  const writer = new WritableStream({ write() { throw error; } }).getWriter();
  same(await writer.write("x").catch((reason) => reason === error), true);
  same(await writer.closed.catch((reason) => reason === error), true);
  same(writer.desiredSize, null);
});
test("streams do not look at prototypes", async () => {
  Object.defineProperty(Object.prototype, "highWaterMark", { get() { throw new Error("looked"); }, configurable: true });
  try {
    same(await new Response(new ReadableStream({ start(controller) {
      controller.enqueue(new Uint8Array([65]));
      controller.close();
    } }, { __proto__: null })).text(), "A");
  } finally {
    delete Object.prototype.highWaterMark;
  }
});
