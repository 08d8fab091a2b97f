// SPDX-License-Identifier: Apache-2.0
// The Streams Standard: readable, writable and transform streams with queues; a stream of type "bytes"
// is one whose chunks are bytes, and its BYOB reader copies.
(host) => {
  const STATE = Symbol("stream");
  const settled = () => {
    const promise = Promise.withResolvers();
    promise.promise.catch(() => {});
    return promise;
  };
  const sizeOf = (strategy) => strategy?.size ?? (() => 1);
  const markOf = (strategy, otherwise) => {
    const mark = strategy?.highWaterMark === undefined ? otherwise : Number(strategy.highWaterMark);
    if (Number.isNaN(mark) || mark < 0) throw new RangeError("highWaterMark: not a number of at least 0");
    return mark;
  };

  // ---- reading

  class ReadableStreamDefaultController {
    constructor(key, stream) {
      if (key !== STATE) throw new TypeError("Illegal constructor");
      this[STATE] = stream;
    }
    get desiredSize() { return desired(this[STATE][STATE]); }
    get byobRequest() { return null; }
    enqueue(chunk) {
      const state = this[STATE][STATE];
      if (state.closing || state.status !== "readable") throw new TypeError("the stream takes no more chunks");
      if (state.bytes) {
        const bytes = host.bytesOf(chunk);
        if (bytes === null) throw new TypeError("a stream of bytes takes bytes only");
        chunk = bytes;
      }
      if (state.reads.length > 0) {
        state.reads.shift().resolve({ value: chunk, done: false });
      } else {
        const size = Number(state.size(chunk));
        state.queue.push({ chunk, size });
        state.queued += size;
      }
      pull(this[STATE]);
    }
    close() {
      const state = this[STATE][STATE];
      if (state.closing || state.status !== "readable") throw new TypeError("the stream is closed already");
      state.closing = true;
      if (state.queue.length === 0) finish(this[STATE]);
    }
    error(reason) { fail(this[STATE], reason); }
  }

  const desired = (state) => state.status === "errored" ? null : state.status === "closed" ? 0 : state.mark - state.queued;

  const finish = (stream) => {
    const state = stream[STATE];
    state.status = "closed";
    for (const read of state.reads.splice(0)) read.resolve({ value: undefined, done: true });
    state.closed.resolve();
  };

  const fail = (stream, reason) => {
    const state = stream[STATE];
    if (state.status !== "readable") return;
    state.status = "errored";
    state.reason = reason;
    state.queue.length = 0;
    for (const read of state.reads.splice(0)) read.reject(reason);
    state.closed.reject(reason);
  };

  const pull = (stream) => {
    const state = stream[STATE];
    const wanted = state.reads.length > 0 || desired(state) > 0;
    if (!state.started || state.closing || state.status !== "readable" || !wanted || state.source.pull === undefined) return;
    if (state.pulling) {
      state.pullAgain = true;
      return;
    }
    state.pulling = true;
    let pulled;
    try {
      pulled = Promise.resolve(state.source.pull(state.controller));
    } catch (error) {
      return fail(stream, error);
    }
    pulled.then(() => {
      state.pulling = false;
      if (state.pullAgain) {
        state.pullAgain = false;
        pull(stream);
      }
    }, (error) => fail(stream, error));
  };

  const read = (stream) => {
    const state = stream[STATE];
    state.disturbed = true;
    if (state.status === "errored") return Promise.reject(state.reason);
    if (state.queue.length > 0) {
      const { chunk, size } = state.queue.shift();
      state.queued -= size;
      if (state.closing && state.queue.length === 0) finish(stream);
      else pull(stream);
      return Promise.resolve({ value: chunk, done: false });
    }
    if (state.status === "closed") return Promise.resolve({ value: undefined, done: true });
    const promise = Promise.withResolvers();
    state.reads.push(promise);
    pull(stream);
    return promise.promise;
  };

  const cancel = async (stream, reason) => {
    const state = stream[STATE];
    state.disturbed = true;
    if (state.status === "closed") return;
    if (state.status === "errored") throw state.reason;
    state.queue.length = 0;
    finish(stream);
    await state.source.cancel?.(reason);
  };

  const release = (reader) => {
    const stream = reader[STATE];
    if (stream === null) return;
    const state = stream[STATE];
    const reason = new TypeError("the reader was released");
    for (const waiting of state.reads.splice(0)) waiting.reject(reason);
    state.reader = null;
    reader[STATE] = null;
  };

  class ReadableStreamDefaultReader {
    constructor(stream) {
      const state = stream?.[STATE];
      if (state?.reads === undefined) throw new TypeError("not a ReadableStream");
      if (state.reader !== null) throw new TypeError("the stream has a reader already");
      state.reader = this;
      this[STATE] = stream;
      this.last = state.closed.promise;
    }
    get closed() { return this[STATE] === null ? Promise.reject(new TypeError("the reader was released")) : this.last; }
    read() { return this[STATE] === null ? Promise.reject(new TypeError("the reader was released")) : read(this[STATE]); }
    cancel(reason) { return this[STATE] === null ? Promise.reject(new TypeError("the reader was released")) : cancel(this[STATE], reason); }
    releaseLock() { release(this); }
  }

  class ReadableStreamBYOBReader extends ReadableStreamDefaultReader {
    async read(view) {
      if (!ArrayBuffer.isView(view) || view.byteLength === 0) throw new TypeError("read: a view with room is needed");
      const stream = this[STATE];
      const { value, done } = await super.read();
      const target = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
      if (done) return { value: new view.constructor(view.buffer, view.byteOffset, 0), done: true };
      const part = value.subarray(0, target.length);
      target.set(part);
      if (part.length < value.length) {
        const rest = value.subarray(part.length);
        stream[STATE].queue.unshift({ chunk: rest, size: rest.length });
        stream[STATE].queued += rest.length;
      }
      return { value: new view.constructor(view.buffer, view.byteOffset, part.length / (view.BYTES_PER_ELEMENT ?? 1)), done: false };
    }
  }

  class ReadableStream {
    constructor(source = {}, strategy = {}) {
      const bytes = source?.type !== undefined && `${source.type}` === "bytes";
      const state = this[STATE] = {
        status: "readable", reason: undefined, source: source ?? {}, size: sizeOf(strategy), mark: markOf(strategy, bytes ? 0 : 1),
        queue: [], queued: 0, reads: [], reader: null, closing: false, started: false, pulling: false, pullAgain: false,
        disturbed: false, bytes, closed: settled(), controller: null,
      };
      state.controller = new ReadableStreamDefaultController(STATE, this);
      const started = source?.start?.(state.controller);
      Promise.resolve(started).then(() => {
        state.started = true;
        pull(this);
      }, (error) => fail(this, error));
    }
    static from(iterable) {
      const iterator = iterable[Symbol.asyncIterator]?.() ?? iterable[Symbol.iterator]();
      return new ReadableStream({
        async pull(controller) {
          const { value, done } = await iterator.next();
          if (done) controller.close();
          else controller.enqueue(await value);
        },
        async cancel(reason) { await iterator.return?.(reason); },
      }, { highWaterMark: 0 });
    }
    get locked() { return this[STATE].reader !== null; }
    getReader(options) {
      if (options?.mode === "byob" && !this[STATE].bytes) throw new TypeError("getReader: not a stream of bytes");
      return options?.mode === "byob" ? new ReadableStreamBYOBReader(this) : new ReadableStreamDefaultReader(this);
    }
    cancel(reason) { return this.locked ? Promise.reject(new TypeError("the stream is locked")) : cancel(this, reason); }
    tee() {
      const reader = this.getReader();
      const branches = [];
      let reading = false;
      let cancelled = 0;
      const next = async () => {
        if (reading) return;
        reading = true;
        const { value, done } = await reader.read().catch((error) => {
          for (const branch of branches) fail(branch, error);
          return { done: true };
        });
        reading = false;
        for (const branch of branches) {
          const state = branch[STATE];
          if (state.status !== "readable") continue;
          if (done) state.controller.close();
          else state.controller.enqueue(value);
        }
      };
      for (let i = 0; i < 2; i++)
        branches.push(new ReadableStream({
          pull: next,
          async cancel(reason) { if (++cancelled === 2) await reader.cancel(reason); },
        }, { highWaterMark: 0 }));
      return branches;
    }
    pipeThrough(pair, options) {
      this.pipeTo(pair.writable, options).catch(() => {});
      return pair.readable;
    }
    async pipeTo(target, { preventClose = false, preventAbort = false, preventCancel = false, signal } = {}) {
      const reader = this.getReader();
      const writer = target.getWriter();
      const onAbort = () => {
        if (!preventAbort) writer.abort(signal.reason).catch(() => {});
        if (!preventCancel) reader.cancel(signal.reason).catch(() => {});
      };
      try {
        signal?.throwIfAborted();
        signal?.addEventListener("abort", onAbort);
        for (;;) {
          await writer.ready;
          const { value, done } = await reader.read();
          signal?.throwIfAborted();
          if (done) break;
          await writer.write(value).catch(async (error) => {
            if (!preventCancel) await reader.cancel(error).catch(() => {});
            throw error;
          });
        }
        if (!preventClose) await writer.close();
      } catch (error) {
        if (!preventAbort) await writer.abort(error).catch(() => {});
        throw error;
      } finally {
        signal?.removeEventListener("abort", onAbort);
        reader.releaseLock();
        writer.releaseLock();
      }
    }
    async *values({ preventCancel = false } = {}) {
      const reader = this.getReader();
      let whole = false;
      try {
        for (;;) {
          const { value, done } = await reader.read();
          if (done) break;
          yield value;
        }
        whole = true;
      } finally {
        if (!whole && !preventCancel) await reader.cancel().catch(() => {});
        reader.releaseLock();
      }
    }
  }
  ReadableStream.prototype[Symbol.asyncIterator] = ReadableStream.prototype.values;

  // ---- writing

  class WritableStreamDefaultController {
    constructor(key, stream) {
      if (key !== STATE) throw new TypeError("Illegal constructor");
      this[STATE] = stream;
      this.abort = new AbortController();
    }
    get signal() { return this.abort.signal; }
    error(reason) { failWriting(this[STATE], reason); }
  }

  const failWriting = (stream, reason) => {
    const state = stream[STATE];
    if (state.status !== "writable") return;
    state.status = "errored";
    state.reason = reason;
    for (const { promise } of state.queue.splice(0)) promise.reject(reason);
    state.ready.reject(reason);
    state.closed.reject(reason);
  };

  // One after the other: chunks, then what `close` is.
  const drain = async (stream) => {
    const state = stream[STATE];
    if (state.draining) return;
    state.draining = true;
    while (state.queue.length > 0 && state.status === "writable") {
      const { chunk, size, last, promise } = state.queue[0];
      try {
        await state.started;
        if (last) await state.sink.close?.();
        else await state.sink.write?.(chunk, state.controller);
      } catch (error) {
        promise.reject(error);
        state.queue.shift();
        failWriting(stream, error);
        break;
      }
      if (state.status !== "writable") break;
      state.queue.shift();
      state.queued -= size;
      promise.resolve();
      if (last) {
        state.status = "closed";
        state.closed.resolve();
      }
      if (state.queued < state.mark) state.ready.resolve();
    }
    state.draining = false;
  };

  const write = (stream, chunk, last) => {
    const state = stream[STATE];
    if (state.status === "errored") return Promise.reject(state.reason);
    if (state.status === "closed" || state.ending) return Promise.reject(new TypeError("the stream is closed"));
    const promise = settled();
    const size = last ? 0 : Number(state.size(chunk));
    state.ending = last;
    state.queue.push({ chunk, size, last, promise });
    state.queued += size;
    if (state.queued >= state.mark && !last) state.ready = settled();
    drain(stream);
    return promise.promise;
  };

  const abortWriting = async (stream, reason) => {
    const state = stream[STATE];
    if (state.status !== "writable") return;
    state.controller.abort.abort(reason);
    failWriting(stream, reason);
    await state.sink.abort?.(reason);
  };

  class WritableStreamDefaultWriter {
    constructor(stream) {
      if (stream?.[STATE]?.sink === undefined) throw new TypeError("not a WritableStream");
      if (stream[STATE].writer !== null) throw new TypeError("the stream has a writer already");
      stream[STATE].writer = this;
      this[STATE] = stream;
    }
    get closed() { return held(this)[STATE].closed.promise; }
    get ready() { return held(this)[STATE].ready.promise; }
    get desiredSize() {
      const state = held(this)[STATE];
      return state.status === "errored" ? null : state.status === "closed" ? 0 : state.mark - state.queued;
    }
    write(chunk) { return this[STATE] === null ? Promise.reject(new TypeError("the writer was released")) : write(this[STATE], chunk, false); }
    close() { return this[STATE] === null ? Promise.reject(new TypeError("the writer was released")) : write(this[STATE], undefined, true); }
    abort(reason) { return this[STATE] === null ? Promise.reject(new TypeError("the writer was released")) : abortWriting(this[STATE], reason); }
    releaseLock() {
      if (this[STATE] !== null) this[STATE][STATE].writer = null;
      this[STATE] = null;
    }
  }
  const held = (writer) => {
    if (writer[STATE] === null) throw new TypeError("the writer was released");
    return writer[STATE];
  };

  class WritableStream {
    constructor(sink = {}, strategy = {}) {
      const state = this[STATE] = {
        status: "writable", reason: undefined, sink: sink ?? {}, size: sizeOf(strategy), mark: markOf(strategy, 1), queue: [],
        queued: 0, writer: null, ending: false, draining: false, ready: settled(), closed: settled(), controller: null, started: null,
      };
      state.controller = new WritableStreamDefaultController(STATE, this);
      if (state.mark > 0) state.ready.resolve();
      state.started = Promise.resolve(sink?.start?.(state.controller));
      state.started.catch((error) => failWriting(this, error));
    }
    get locked() { return this[STATE].writer !== null; }
    getWriter() { return new WritableStreamDefaultWriter(this); }
    abort(reason) { return this.locked ? Promise.reject(new TypeError("the stream is locked")) : abortWriting(this, reason); }
    close() { return this.locked ? Promise.reject(new TypeError("the stream is locked")) : write(this, undefined, true); }
  }

  // ---- from one to the other

  class TransformStreamDefaultController {
    constructor(key, readable) {
      if (key !== STATE) throw new TypeError("Illegal constructor");
      this[STATE] = readable;
    }
    get desiredSize() { return desired(this[STATE][STATE]); }
    enqueue(chunk) { this[STATE][STATE].controller.enqueue(chunk); }
    error(reason) { fail(this[STATE], reason); }
    terminate() { if (!this[STATE][STATE].closing) this[STATE][STATE].controller.close(); }
  }

  class TransformStream {
    constructor(transformer = {}, writableStrategy = {}, readableStrategy = {}) {
      let room = settled(); // kept while the readable side wants chunks
      const readable = new ReadableStream({
        pull: () => room.resolve(),
        async cancel(reason) {
          await transformer?.cancel?.(reason);
          failWriting(writable, reason);
          room.resolve();
        },
      }, { highWaterMark: 0, ...readableStrategy });
      const controller = new TransformStreamDefaultController(STATE, readable);
      const started = Promise.resolve(transformer?.start?.(controller));
      const failed = (error) => {
        fail(readable, error);
        throw error;
      };
      const writable = new WritableStream({
        start: () => started,
        async write(chunk) {
          if (desired(readable[STATE]) <= 0 && readable[STATE].reads.length === 0) {
            room = settled();
            await room.promise;
          }
          if (readable[STATE].status === "errored") throw readable[STATE].reason;
          try {
            if (transformer?.transform === undefined) controller.enqueue(chunk);
            else await transformer.transform(chunk, controller);
          } catch (error) {
            failed(error);
          }
        },
        async close() {
          try {
            await transformer?.flush?.(controller);
          } catch (error) {
            failed(error);
          }
          controller.terminate();
        },
        async abort(reason) {
          await transformer?.cancel?.(reason);
          fail(readable, reason);
        },
      }, writableStrategy);
      this[STATE] = { readable, writable };
    }
    get readable() { return this[STATE].readable; }
    get writable() { return this[STATE].writable; }
  }

  class TextEncoderStream extends TransformStream {
    constructor() {
      let high = ""; // half of a pair
      super({
        transform(chunk, controller) {
          let text = high + `${chunk}`;
          high = /[\ud800-\udbff]$/.test(text) ? text.at(-1) : "";
          if (high !== "") text = text.slice(0, -1);
          if (text !== "") controller.enqueue(host.encode(text));
        },
        flush(controller) { if (high !== "") controller.enqueue(host.encode(high)); },
      });
    }
    get encoding() { return "utf-8"; }
  }

  class TextDecoderStream extends TransformStream {
    constructor(label, options) {
      const decoder = new TextDecoder(label, options);
      super({
        transform(chunk, controller) {
          const text = decoder.decode(chunk, { stream: true });
          if (text !== "") controller.enqueue(text);
        },
        flush(controller) {
          const text = decoder.decode();
          if (text !== "") controller.enqueue(text);
        },
      });
      this.decoder = decoder;
    }
    get encoding() { return this.decoder.encoding; }
    get fatal() { return this.decoder.fatal; }
    get ignoreBOM() { return this.decoder.ignoreBOM; }
  }

  class CountQueuingStrategy {
    constructor({ highWaterMark }) { this.highWaterMark = highWaterMark; }
    get size() { return () => 1; }
  }
  class ByteLengthQueuingStrategy {
    constructor({ highWaterMark }) { this.highWaterMark = highWaterMark; }
    get size() { return (chunk) => chunk.byteLength; }
  }

  host.isDisturbed = (stream) => stream[STATE].disturbed;
  // A stream of one piece that is there already.
  host.streamOf = (bytes) => new ReadableStream({
    type: "bytes",
    start(controller) {
      if (bytes.length > 0) controller.enqueue(bytes);
      controller.close();
    },
  });
  for (const type of [ReadableStream, ReadableStreamDefaultReader, ReadableStreamBYOBReader, ReadableStreamDefaultController,
    WritableStream, WritableStreamDefaultWriter, WritableStreamDefaultController, TransformStream,
    TransformStreamDefaultController, TextEncoderStream, TextDecoderStream, CountQueuingStrategy, ByteLengthQueuingStrategy]) {
    host.tag(type, type.name);
    host.define(type.name, type);
  }
}
