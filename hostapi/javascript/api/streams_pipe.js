// SPDX-License-Identifier: Apache-2.0
// From one stream to others: pipes, two branches of one, and transforms.
(host) => {
  const { STATE, Deferred, NOTHING, acquire, abortStream, acquireWriter, apply, broken, call, cancelStream, canEnqueue, closeWritable, dictionary, failIfWritable, isClosing, isObject, kept,
    makeReadable, makeWritable, markOf, method, noop, one, promising, react, readRequest, release, releaseWriter, stateOf, strategyOf, upon, write } = host.streams;

  // ---- pipes

  // With `signal`, which may be undefined.
  const pipe = (source, target, { preventClose, preventAbort, preventCancel, signal }) => {
    const reader = acquire(source, "reader");
    const writer = acquireWriter(target);
    const end = new Deferred();
    let isEnding = false;
    let lastWrite = kept();
    source.disturbed = true;

    const finish = (isError, error) => {
      releaseWriter(writer);
      release(reader);
      signal?.removeEventListener("abort", onAbort);
      if (isError) end.reject(error);
      else end.resolve();
    };
    const writesEnd = () => {
      const last = lastWrite;
      return react(last, () => last === lastWrite ? undefined : writesEnd());
    };
    // `action` is what is to be done first; without one nothing is.
    const shutDown = (action, isError, error) => {
      if (isEnding) return;
      isEnding = true;
      const act = () => {
        if (action === null) return finish(isError, error);
        upon(action(), () => finish(isError, error), (other) => finish(true, other));
      };
      if (target.status === "writable" && !isClosing(target)) upon(writesEnd(), act);
      else act();
    };
    const onAbort = () => {
      const { reason } = signal;
      const actions = [];
      if (!preventAbort) actions.push(() => target.status === "writable" ? abortStream(target, reason) : kept());
      if (!preventCancel) actions.push(() => source.status === "readable" ? cancelStream(source, reason) : kept());
      shutDown(() => {
        const all = actions.map((action) => action());
        return react(kept(), async () => { for (const one_ of all) await one_; });
      }, true, reason);
    };

    const sourceFailed = (error) => shutDown(preventAbort ? null : () => abortStream(target, error), true, error);
    const targetFailed = (error) => shutDown(preventCancel ? null : () => cancelStream(source, error), true, error);
    const closeTarget = () => {
      if (isClosing(target) || target.status === "closed") return kept();
      return target.status === "errored" ? broken(target.reason) : closeWritable(target);
    };
    const sourceClosed = () => shutDown(preventClose ? null : closeTarget, false);

    const step = (done) => {
      if (done || isEnding) return;
      upon(react(writer.ready.promise, () => {
        if (isEnding) return true;
        const next = new Deferred();
        readRequest(reader, {
          chunk(chunk) {
            lastWrite = react(write(writer, chunk), undefined, noop);
            next.resolve(false);
          },
          close: () => next.resolve(true),
          error: () => next.resolve(true),
        });
        return next.promise;
      }), step);
    };

    if (signal?.aborted) {
      onAbort();
      return end.promise;
    }
    signal?.addEventListener("abort", onAbort);
    if (source.status === "errored") sourceFailed(source.reason);
    else upon(reader.closed.promise, undefined, sourceFailed);
    if (target.status === "errored") targetFailed(target.reason);
    else upon(writer.closed.promise, undefined, targetFailed);
    if (source.status === "closed") sourceClosed();
    else upon(reader.closed.promise, sourceClosed);
    if (isClosing(target) || target.status === "closed") targetFailed(new TypeError("the stream that is written to is closed"));
    step(false);
    return end.promise;
  };

  const pipeOptions = (options) => {
    options = dictionary(options, "the options");
    const [preventAbort, preventCancel, preventClose] = ["preventAbort", "preventCancel", "preventClose"].map((name) => !!options[name]);
    const { signal } = options;
    if (signal !== undefined && !(signal instanceof AbortSignal)) throw new TypeError("signal is not an AbortSignal");
    return { preventAbort, preventCancel, preventClose, signal };
  };
  host.streams.pipeTo = (source, owner, options) => {
    const target = stateOf(owner, "writable");
    options = pipeOptions(options);
    if (source.reader !== null || target.writer !== null) return broken(new TypeError("a stream of the pipe is locked"));
    return pipe(source, target, options);
  };
  host.streams.pipeThrough = (source, transform, options) => {
    if (!isObject(transform)) throw new TypeError("pipeThrough: not a pair of streams");
    const { readable } = transform;
    stateOf(readable, "readable");
    const target = stateOf(transform.writable, "writable");
    options = pipeOptions(options);
    if (source.reader !== null || target.writer !== null) throw new TypeError("a stream of the pipe is locked");
    upon(pipe(source, target, options));
    return readable;
  };

  // ---- two branches of one

  // `copies`: the second branch gets clones, as a body's does.
  host.streams.tee = (stream, copies = false) => {
    if (stream.controller.kind === "byte-controller") return host.streams.teeBytes(stream);
    const reader = acquire(stream, "reader");
    let isReading = false;
    let readAgain = false;
    const cancelled = [false, false];
    const reasons = [undefined, undefined];
    const end = new Deferred();
    const branches = [];
    const give = (chunk) => {
      readAgain = false;
      let second = chunk;
      if (copies && !cancelled[1]) {
        try {
          second = structuredClone(chunk);
        } catch (error) {
          for (const branch of branches) branch.controller.error(error);
          return end.resolve(cancelStream(stream, error));
        }
      }
      if (!cancelled[0]) branches[0].controller.enqueue(chunk);
      if (!cancelled[1]) branches[1].controller.enqueue(second);
      isReading = false;
      if (readAgain) pull();
    };
    const pull = () => {
      if (isReading) {
        readAgain = true;
        return kept();
      }
      isReading = true;
      readRequest(reader, {
        chunk: (chunk) => upon(kept(), () => give(chunk)),
        close() {
          isReading = false;
          for (const i of [0, 1]) if (!cancelled[i]) branches[i].controller.close();
          if (!cancelled[0] || !cancelled[1]) end.resolve();
        },
        error() { isReading = false; },
      });
      return kept();
    };
    for (const i of [0, 1])
      branches.push(makeReadable({ __proto__: null, mark: 1, size: one, start: noop, pull, cancel(reason) {
        cancelled[i] = true;
        reasons[i] = reason;
        if (cancelled[1 - i]) end.resolve(cancelStream(stream, reasons));
        return end.promise;
      } }));
    upon(reader.closed.promise, undefined, (reason) => {
      for (const branch of branches) branch.controller.error(reason);
      if (!cancelled[0] || !cancelled[1]) end.resolve();
    });
    return branches;
  };
  host.teeBody = (owner) => host.streams.tee(owner[STATE], true).map((branch) => branch.owner);

  // For bodies: one that goes on with another's chunks, and one that is read already.
  host.proxyStream = (owner) => {
    const reader = acquire(owner[STATE], "reader");
    const stream = makeReadable({
      __proto__: null,
      mark: 0,
      pull() {
        const read = new host.streams.Deferred();
        readRequest(reader, {
          chunk(value) {
            stream.controller.enqueue(value);
            read.resolve();
          },
          close() {
            stream.controller.close();
            read.resolve();
          },
          error: (reason) => read.reject(reason),
        });
        return read.promise;
      },
      cancel: (reason) => cancelStream(owner[STATE], reason),
    });
    return stream.owner;
  };
  host.spentStream = () => {
    const owner = host.streamOf(new Uint8Array(0));
    acquire(owner[STATE], "reader");
    owner[STATE].disturbed = true;
    return owner;
  };

  // ---- transforms

  const setBackpressure = (transform, isFull) => {
    transform.change?.resolve();
    transform.change = new Deferred();
    transform.isFull = isFull;
  };
  const unblock = (transform) => { if (transform.isFull) setBackpressure(transform, false); };
  const failWriting = (transform, error) => {
    transform.clear();
    failIfWritable(transform.writable.controller, error);
    unblock(transform);
  };
  const fail = (transform, error) => {
    transform.readable.controller.error(error);
    failWriting(transform, error);
  };

  // Both sides of a transform, and its controller's state.
  class Transform {
    kind = "transform-controller"; owner = null; readable = null; writable = null; change = null; isFull = undefined; ending = null;
    transform = kept; flush = kept; cancel = kept;
    clear() { this.transform = this.flush = this.cancel = kept; }
    enqueue(chunk) {
      const { controller } = this.readable;
      if (!canEnqueue(controller)) throw new TypeError("the stream takes no more chunks");
      try {
        controller.enqueue(chunk);
      } catch (error) {
        failWriting(this, error);
        throw this.readable.reason;
      }
      const isFull = !controller.shouldPull();
      if (isFull !== this.isFull) setBackpressure(this, true);
    }
    terminate() {
      this.readable.controller.close();
      failWriting(this, new TypeError("the transform was terminated"));
    }
    run(chunk) {
      return react(this.transform(chunk), undefined, (error) => {
        fail(this, error);
        throw error;
      });
    }
    write(chunk) {
      if (!this.isFull) return this.run(chunk);
      return react(this.change.promise, () => {
        if (this.writable.status === "erroring") throw this.writable.reason;
        return this.run(chunk);
      });
    }
    // Ends once: `ask` is the script's part, `done` what follows when `other` is not errored.
    end(ask, other, done, failed) {
      if (this.ending !== null) return this.ending.promise;
      const ending = this.ending = new Deferred();
      const asked = ask();
      this.clear();
      upon(asked, () => {
        if (other.status === "errored") return ending.reject(other.reason);
        done();
        ending.resolve();
      }, (error) => {
        failed(error);
        ending.reject(error);
      });
      return ending.promise;
    }
    failReading(error) { this.readable.controller.error(error); }
    failWritten(error) {
      failIfWritable(this.writable.controller, error);
      unblock(this);
    }
    open(started, marks) {
      this.writable = makeWritable({
        __proto__: null,
        start: () => started, mark: marks.writable.mark, size: marks.writable.size,
        write: (chunk) => this.write(chunk),
        abort: (reason) => this.end(() => this.cancel(reason), this.readable, () => this.failReading(reason), (error) => this.failReading(error)),
        close: () => this.end(() => this.flush(), this.readable, () => this.readable.controller.close(), (error) => this.failReading(error)),
      });
      this.readable = makeReadable({
        __proto__: null,
        start: () => started, mark: marks.readable.mark, size: marks.readable.size,
        pull: () => {
          setBackpressure(this, false);
          return this.change.promise;
        },
        cancel: (reason) => this.end(() => this.cancel(reason), this.writable, () => this.failWritten(reason), (error) => this.failWritten(error)),
      });
      setBackpressure(this, true);
    }
  }

  class TransformStreamDefaultController {
    constructor() { throw new TypeError("Illegal constructor"); }
    get desiredSize() { return host.streams.desiredSize(stateOf(this, "transform-controller").readable.controller); }
    enqueue(chunk = undefined) { stateOf(this, "transform-controller").enqueue(chunk); }
    error(reason = undefined) { fail(stateOf(this, "transform-controller"), reason); }
    terminate() { stateOf(this, "transform-controller").terminate(); }
  }

  const strategyFor = (strategy, otherwise) => ({ mark: markOf(strategy, otherwise), size: strategy.size ?? one });
  class TransformStream {
    constructor(transformer = undefined, writableStrategy = undefined, readableStrategy = undefined) {
      if (transformer !== undefined && !isObject(transformer)) throw new TypeError("the transformer is not an object");
      const [forWriting, forReading] = [strategyOf(writableStrategy), strategyOf(readableStrategy)];
      const from = transformer ?? NOTHING;
      const [cancel, flush] = ["cancel", "flush"].map((name) => method(from, name));
      const { readableType } = from;
      const [start, transform] = ["start", "transform"].map((name) => method(from, name));
      if (readableType !== undefined || from.writableType !== undefined) throw new RangeError("a transformer has no types");
      const marks = { readable: strategyFor(forReading, 0), writable: strategyFor(forWriting, 1) };
      const state = new Transform();
      const started = new Deferred();
      state.open(started.promise, marks);
      const owner = host.streams.ownerOf(state, TransformStreamDefaultController);
      state.transform = transform !== undefined ? (chunk) => call(transform, transformer, [chunk, owner]) : (chunk) => promising(() => kept(state.enqueue(chunk)));
      if (flush !== undefined) state.flush = () => call(flush, transformer, [owner]);
      if (cancel !== undefined) state.cancel = (reason) => call(cancel, transformer, [reason]);
      this[STATE] = { kind: "transform", state };
      started.resolve(start === undefined ? undefined : apply(start, transformer, [owner]));
    }
    get readable() { return stateOf(this, "transform").state.readable.owner; }
    get writable() { return stateOf(this, "transform").state.writable.owner; }
  }

  // A transform of ours: `change(chunk, enqueue)` and `flush(enqueue)` may throw.
  host.makeTransform = (change, flush) => {
    const state = new Transform();
    state.open(undefined, { readable: { mark: 0, size: one }, writable: { mark: 1, size: one } });
    const enqueue = (chunk) => state.enqueue(chunk);
    state.transform = (chunk) => promising(() => kept(change(chunk, enqueue)));
    state.flush = () => promising(() => kept(flush(enqueue)));
    return { readable: state.readable.owner, writable: state.writable.owner };
  };

  const PAIR = Symbol("pair");
  const addPair = (type) => {
    Object.defineProperties(type.prototype, Object.getOwnPropertyDescriptors({
      get readable() { return pairOf(this).readable; },
      get writable() { return pairOf(this).writable; },
    }));
    host.streams.add(type);
  };
  const pairOf = (owner) => {
    if (!isObject(owner) || owner[PAIR] === undefined) throw new TypeError("Illegal invocation");
    return owner[PAIR];
  };
  host.streams.PAIR = PAIR;
  host.streams.addPair = addPair;

  class TextEncoderStream {
    constructor() {
      let high = ""; // half of a surrogate pair
      this[PAIR] = host.makeTransform((chunk, enqueue) => {
        let text = high + `${chunk}`;
        high = /[\ud800-\udbff]$/.test(text) ? text.at(-1) : "";
        if (high !== "") text = text.slice(0, -1);
        if (text !== "") enqueue(host.encode(text));
      }, (enqueue) => { if (high !== "") enqueue(host.encode(high)); });
    }
    get encoding() { return pairOf(this) && "utf-8"; }
  }

  const DECODER = Symbol("decoder");
  class TextDecoderStream {
    constructor(label = undefined, options = undefined) {
      const decoder = this[DECODER] = new TextDecoder(label, options);
      this[PAIR] = host.makeTransform((chunk, enqueue) => {
        if (host.bytesOf(chunk) === null) throw new TypeError("a stream that is decoded takes bytes");
        const text = decoder.decode(chunk, { stream: true });
        if (text !== "") enqueue(text);
      }, (enqueue) => {
        const text = decoder.decode();
        if (text !== "") enqueue(text);
      });
    }
    get encoding() { return this[DECODER].encoding; }
    get fatal() { return this[DECODER].fatal; }
    get ignoreBOM() { return this[DECODER].ignoreBOM; }
  }

  for (const type of [TransformStream, TransformStreamDefaultController]) host.streams.add(type);
  for (const type of [TextEncoderStream, TextDecoderStream]) addPair(type);
}
