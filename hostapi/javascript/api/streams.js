// SPDX-License-Identifier: Apache-2.0
// The Streams Standard: what its streams share, and streams that are read by chunks. Of bytes: streams_bytes.js,
// written: streams_write.js, from one to the other: streams_pipe.js. `host.streams` is what these share.
//
// A stream, reader or controller of a script keeps its state under one symbol; the functions here take states. Who
// waits for a chunk is a request with `chunk`, `close` and `error`, so that nothing a script has put into prototypes
// stands between two streams. Names are the standard's where it has them.
(host) => {
  const STATE = Symbol("stream");
  const { apply } = Reflect;
  const PromiseType = Promise;
  const { then } = Promise.prototype;
  const AsyncIteratorPrototype = Object.getPrototypeOf(Object.getPrototypeOf(async function* () {}).prototype);
  const noop = () => {};
  const isObject = (value) => typeof value === "object" && value !== null || typeof value === "function";

  // ---- promises

  const kept = (value) => new PromiseType((resolve) => resolve(value));
  const broken = (reason) => new PromiseType((_, reject) => reject(reason));
  const react = (promise, onKept, onBroken) => apply(then, promise, [onKept, onBroken]);
  const upon = (promise, onKept = noop, onBroken = noop) => { apply(then, promise, [onKept, onBroken]); };
  class Deferred {
    constructor() {
      this.isDone = false;
      this.promise = new PromiseType((resolve, reject) => {
        this.keep = resolve;
        this.break_ = reject;
      });
    }
    resolve(value) {
      this.isDone = true;
      this.keep(value);
    }
    reject(reason) {
      this.isDone = true;
      this.break_(reason);
    }
  }
  const handled = (deferred) => {
    apply(then, deferred.promise, [undefined, noop]);
    return deferred;
  };
  const deferredKept = () => {
    const deferred = new Deferred();
    deferred.resolve();
    return deferred;
  };
  const deferredBroken = (reason) => {
    const deferred = handled(new Deferred());
    deferred.reject(reason);
    return deferred;
  };

  // ---- what scripts give: dictionaries and callbacks [Web IDL 3]

  const method = (owner, name) => {
    const value = owner[name];
    if (value === undefined) return undefined;
    if (typeof value !== "function") throw new TypeError(`${name} is not a function`);
    return value;
  };
  const call = (callback, self, values) => {
    try {
      return kept(apply(callback, self, values));
    } catch (error) {
      return broken(error);
    }
  };
  const NOTHING = Object.freeze(Object.create(null));
  const dictionary = (value, what) => {
    if (value === undefined || value === null) return NOTHING;
    if (!isObject(value)) throw new TypeError(`${what} is not an object`);
    return value;
  };
  const strategyOf = (strategy) => {
    strategy = dictionary(strategy, "the strategy");
    let mark = strategy.highWaterMark;
    if (mark !== undefined) mark = Number(mark);
    return { mark, size: method(strategy, "size") };
  };
  const markOf = ({ mark }, otherwise) => {
    if (mark === undefined) return otherwise;
    if (Number.isNaN(mark) || mark < 0) throw new RangeError("highWaterMark: not a number of at least 0");
    return mark;
  };
  const one = () => 1;
  const illegal = () => new TypeError("Illegal invocation");
  const stateOf = (owner, kind) => {
    const state = isObject(owner) ? owner[STATE] : undefined;
    if (state?.kind !== kind) throw illegal();
    return state;
  };
  // A function of an interface that answers a promise: what it throws breaks that.
  const promising = (run) => {
    try {
      return run();
    } catch (error) {
      return broken(error);
    }
  };

  // ---- queues of chunks

  const enqueueSized = (controller, value, size) => {
    size = Number(size);
    if (!(size >= 0) || size === Infinity) throw new RangeError("the size of a chunk is a number of at least 0");
    controller.queue.push({ value, size });
    controller.total += size;
  };
  const dequeue = (controller) => {
    const { value, size } = controller.queue.shift();
    controller.total = Math.max(controller.total - size, 0);
    return value;
  };
  const resetQueue = (controller) => {
    controller.queue = [];
    controller.total = 0;
  };

  // ---- a stream that is read

  const closeStream = (stream) => {
    stream.status = "closed";
    const { reader } = stream;
    if (reader === null) return;
    reader.closed.resolve();
    if (reader.kind !== "reader") return;
    const { requests } = reader;
    reader.requests = [];
    for (const request of requests) request.close();
  };
  const errorRequests = (reader, reason) => {
    const { requests } = reader;
    reader.requests = [];
    for (const request of requests) request.error(reason);
  };
  const errorStream = (stream, reason) => {
    stream.status = "errored";
    stream.reason = reason;
    const { reader } = stream;
    if (reader === null) return;
    reader.closed.reject(reason);
    errorRequests(reader, reason);
  };
  const cancelStream = (stream, reason) => {
    stream.disturbed = true;
    if (stream.status === "closed") return kept();
    if (stream.status === "errored") return broken(stream.reason);
    closeStream(stream);
    const { reader } = stream;
    if (reader?.kind === "byob") {
      const { requests } = reader;
      reader.requests = [];
      for (const request of requests) request.close(undefined);
    }
    return react(stream.controller.cancelSteps(reason), noop);
  };
  const waiting = (stream, kind) => stream.reader?.kind === kind && stream.reader.requests.length > 0;

  // ---- its readers

  const acquire = (stream, kind, owner = null) => {
    if (stream.reader !== null) throw new TypeError("the stream has a reader already");
    const reader = stream.reader = { kind, owner, stream, requests: [], closed: handled(new Deferred()) };
    if (stream.status === "closed") reader.closed.resolve();
    else if (stream.status === "errored") reader.closed.reject(stream.reason);
    return reader;
  };
  const release = (reader) => {
    const { stream } = reader;
    if (stream === null) return;
    const reason = new TypeError("the reader was released");
    if (stream.status === "readable") reader.closed.reject(reason);
    else reader.closed = deferredBroken(reason);
    stream.controller.releaseSteps();
    stream.reader = null;
    reader.stream = null;
    errorRequests(reader, new TypeError("the reader was released"));
  };
  const readRequest = (reader, request) => {
    const { stream } = reader;
    stream.disturbed = true;
    if (stream.status === "closed") request.close();
    else if (stream.status === "errored") request.error(stream.reason);
    else stream.controller.pullSteps(request);
  };
  const released = () => broken(new TypeError("the reader was released"));

  class PromisedRead {
    constructor() { this.deferred = new Deferred(); }
    chunk(value) { this.deferred.resolve({ value, done: false }); }
    close(value) { this.deferred.resolve({ value, done: true }); }
    error(reason) { this.deferred.reject(reason); }
  }

  // `kind` is a reader's: both have these three.
  const addReading = (type, kind) => {
    Object.defineProperties(type.prototype, Object.getOwnPropertyDescriptors({
      get closed() { return promising(() => stateOf(this, kind).closed.promise); },
      cancel(reason = undefined) {
        return promising(() => {
          const reader = stateOf(this, kind);
          return reader.stream === null ? released() : cancelStream(reader.stream, reason);
        });
      },
      releaseLock() { release(stateOf(this, kind)); },
    }));
  };

  class ReadableStreamDefaultReader {
    constructor(stream) { this[STATE] = acquire(stateOf(stream, "readable"), "reader", this); }
    read() {
      return promising(() => {
        const reader = stateOf(this, "reader");
        if (reader.stream === null) return released();
        const request = new PromisedRead();
        readRequest(reader, request);
        return request.deferred.promise;
      });
    }
  }
  addReading(ReadableStreamDefaultReader, "reader");

  // ---- its controller

  const canEnqueue = (controller) => !controller.closing && controller.stream.status === "readable";
  const desiredSize = ({ stream, mark, total }) => stream.status === "errored" ? null : stream.status === "closed" ? 0 : mark - total;
  const pullIfNeeded = (controller) => {
    if (!controller.shouldPull()) return;
    if (controller.pulling) {
      controller.pullAgain = true;
      return;
    }
    controller.pulling = true;
    upon(controller.pull(), () => {
      controller.pulling = false;
      if (!controller.pullAgain) return;
      controller.pullAgain = false;
      pullIfNeeded(controller);
    }, (error) => controller.error(error));
  };

  class DefaultController {
    kind = "readable-controller"; stream; mark; size; owner = null; queue = []; total = 0; started = false; closing = false; pulling = false; pullAgain = false;
    pull = kept; cancel = kept;
    constructor(stream, mark, size) {
      this.stream = stream;
      this.mark = mark;
      this.size = size;
      stream.controller = this;
    }
    shouldPull() { return canEnqueue(this) && this.started && (waiting(this.stream, "reader") || this.mark - this.total > 0); }
    clear() { this.pull = this.cancel = kept; }
    pullSteps(request) {
      if (this.queue.length === 0) {
        this.stream.reader.requests.push(request);
        return pullIfNeeded(this);
      }
      const chunk = dequeue(this);
      if (this.closing && this.queue.length === 0) {
        this.clear();
        closeStream(this.stream);
      } else {
        pullIfNeeded(this);
      }
      request.chunk(chunk);
    }
    cancelSteps(reason) {
      resetQueue(this);
      const done = this.cancel(reason);
      this.clear();
      return done;
    }
    releaseSteps() {}
    enqueue(chunk) {
      if (!canEnqueue(this)) return;
      if (waiting(this.stream, "reader")) {
        this.stream.reader.requests.shift().chunk(chunk);
      } else {
        try {
          const { size } = this;
          enqueueSized(this, chunk, size(chunk));
        } catch (error) {
          this.error(error);
          throw error;
        }
      }
      pullIfNeeded(this);
    }
    close() {
      if (!canEnqueue(this)) return;
      this.closing = true;
      if (this.queue.length > 0) return;
      this.clear();
      closeStream(this.stream);
    }
    error(reason) {
      if (this.stream.status !== "readable") return;
      resetQueue(this);
      this.clear();
      errorStream(this.stream, reason);
    }
  }

  class ReadableStreamDefaultController {
    constructor() { throw new TypeError("Illegal constructor"); }
    get desiredSize() { return desiredSize(stateOf(this, "readable-controller")); }
    enqueue(chunk = undefined) {
      const controller = stateOf(this, "readable-controller");
      if (!canEnqueue(controller)) throw new TypeError("the stream takes no more chunks");
      controller.enqueue(chunk);
    }
    close() {
      const controller = stateOf(this, "readable-controller");
      if (!canEnqueue(controller)) throw new TypeError("the stream is closed already");
      controller.close();
    }
    error(reason = undefined) { stateOf(this, "readable-controller").error(reason); }
  }

  const ownerOf = (controller, type) => {
    if (controller.owner === null) {
      controller.owner = Object.create(type.prototype);
      controller.owner[STATE] = controller;
    }
    return controller.owner;
  };
  // Runs what a script begins with, then the first pull.
  const begin = (controller, start) => {
    upon(kept(start()), () => {
      controller.started = true;
      pullIfNeeded(controller);
    }, (error) => controller.error(error));
  };
  const newStream = (owner) => owner[STATE] = { kind: "readable", owner, status: "readable", reader: null, reason: undefined, disturbed: false, controller: null };

  // A stream of ours: `pull` and `cancel` answer promises.
  const makeReadable = ({ start = noop, pull = kept, cancel = kept, mark = 1, size = one }) => {
    const stream = newStream(Object.create(ReadableStream.prototype));
    const controller = new DefaultController(stream, mark, size);
    controller.pull = pull;
    controller.cancel = cancel;
    begin(controller, start);
    return stream;
  };

  const openSource = (stream, source, dict, strategy) => {
    const isBytes = dict.type === "bytes";
    if (isBytes && strategy.size !== undefined) throw new RangeError("a stream of bytes has no size");
    const mark = markOf(strategy, isBytes ? 0 : 1);
    const controller = isBytes ? host.streams.byteController(stream, mark, dict.autoAllocateChunkSize) : new DefaultController(stream, mark, strategy.size ?? one);
    const owner = ownerOf(controller, isBytes ? ReadableByteStreamController : ReadableStreamDefaultController);
    if (dict.pull !== undefined) controller.pull = () => call(dict.pull, source, [owner]);
    if (dict.cancel !== undefined) controller.cancel = (reason) => call(dict.cancel, source, [reason]);
    begin(controller, dict.start === undefined ? noop : () => apply(dict.start, source, [owner]));
  };
  const integer = (value, what) => {
    value = Number(value);
    if (!Number.isFinite(value) || Math.trunc(value) < 0 || value > Number.MAX_SAFE_INTEGER) throw new TypeError(`${what} is no count`);
    return Math.trunc(value);
  };
  const sourceOf = (source) => {
    const dict = { __proto__: null, autoAllocateChunkSize: source.autoAllocateChunkSize, type: undefined };
    if (dict.autoAllocateChunkSize !== undefined) dict.autoAllocateChunkSize = integer(dict.autoAllocateChunkSize, "autoAllocateChunkSize");
    for (const name of ["cancel", "pull", "start"]) dict[name] = method(source, name);
    const { type } = source;
    if (type !== undefined && `${type}` !== "bytes") throw new TypeError(`"${type}" is not a type of streams`);
    if (type !== undefined) dict.type = "bytes";
    if (dict.autoAllocateChunkSize === 0) throw new TypeError("autoAllocateChunkSize is 0");
    return dict;
  };

  // ---- iterating

  const ITERATOR = Symbol("iterator");
  const step = (state) => {
    if (state.finished) return kept({ value: undefined, done: true });
    const next = new Deferred();
    const end = () => {
      release(state.reader);
      state.finished = true;
    };
    readRequest(state.reader, {
      chunk: (value) => next.resolve({ value, done: false }),
      close() {
        end();
        next.resolve({ value: undefined, done: true });
      },
      error(reason) {
        end();
        next.reject(reason);
      },
    });
    return next.promise;
  };
  const leave = (state, value) => {
    if (state.finished) return kept({ value, done: true });
    state.finished = true;
    const done = state.preventCancel ? kept() : cancelStream(state.reader.stream, value);
    release(state.reader);
    return react(done, () => ({ value, done: true }));
  };
  // One after the other, in the order of the calls.
  const inTurn = (state, run) => state.last = state.last === null ? run() : react(state.last, run, run);
  const iteratorPrototype = Object.setPrototypeOf({
    next() { return promising(() => inTurn(iteratorOf(this), () => step(this[ITERATOR]))); },
    return(value) { return promising(() => inTurn(iteratorOf(this), () => leave(this[ITERATOR], value))); },
  }, AsyncIteratorPrototype);
  const iteratorOf = (iterator) => {
    if (!isObject(iterator) || iterator[ITERATOR] === undefined) throw illegal();
    return iterator[ITERATOR];
  };

  const iteratorFrom = (iterable) => {
    const make = iterable[Symbol.asyncIterator];
    const isSync = make === undefined || make === null;
    const iterator = apply(isSync ? iterable[Symbol.iterator] : make, iterable, []);
    if (!isObject(iterator)) throw new TypeError("the iterator is not an object");
    return { iterator, next: iterator.next, isSync };
  };
  const mustBeObject = (value) => {
    if (!isObject(value)) throw new TypeError("what an iterator answers is not an object");
    return value;
  };
  const fromIterable = (iterable) => {
    const { iterator, next, isSync } = iteratorFrom(iterable);
    const stream = makeReadable({
      __proto__: null,
      mark: 0,
      pull: () => react(call(next, iterator, []), (result) => {
        if (mustBeObject(result).done) return stream.controller.close();
        if (!isSync) return stream.controller.enqueue(result.value);
        return react(kept(result.value), (value) => stream.controller.enqueue(value));
      }),
      cancel(reason) {
        return promising(() => {
          const end = iterator.return;
          if (end === undefined || end === null) return kept();
          return react(kept(apply(end, iterator, [reason])), (result) => { mustBeObject(result); });
        });
      },
    });
    return stream.owner;
  };

  class ReadableStream {
    constructor(source = undefined, strategy = undefined) {
      if (source !== undefined && !isObject(source)) throw new TypeError("the source is not an object");
      const chosen = strategyOf(strategy);
      const dict = sourceOf(source ?? NOTHING);
      openSource(newStream(this), source, dict, chosen);
    }
    static from(iterable) { return fromIterable(iterable); }
    get locked() { return stateOf(this, "readable").reader !== null; }
    cancel(reason = undefined) {
      return promising(() => {
        const stream = stateOf(this, "readable");
        return stream.reader !== null ? broken(new TypeError("the stream is locked")) : cancelStream(stream, reason);
      });
    }
    getReader(options = undefined) {
      stateOf(this, "readable");
      const { mode } = dictionary(options, "the options");
      if (mode === undefined) return new ReadableStreamDefaultReader(this);
      if (`${mode}` !== "byob") throw new TypeError(`"${mode}" is not a mode of readers`);
      return new ReadableStreamBYOBReader(this);
    }
    tee() { return host.streams.tee(stateOf(this, "readable")).map((branch) => branch.owner); }
    pipeThrough(transform, options = undefined) { return host.streams.pipeThrough(stateOf(this, "readable"), transform, options); }
    pipeTo(target, options = undefined) { return promising(() => host.streams.pipeTo(stateOf(this, "readable"), target, options)); }
    values(options = undefined) {
      const stream = stateOf(this, "readable");
      const preventCancel = !!dictionary(options, "the options").preventCancel;
      const iterator = Object.create(iteratorPrototype);
      iterator[ITERATOR] = { reader: acquire(stream, "reader"), preventCancel, last: null, finished: false };
      return iterator;
    }
  }
  Object.defineProperty(ReadableStream.prototype, Symbol.asyncIterator, { value: ReadableStream.prototype.values, writable: true, configurable: true });

  // ---- strategies

  const addStrategy = (name, sizeFunction) => {
    const type = class {
      constructor(init) {
        if (!isObject(init) || init.highWaterMark === undefined) throw new TypeError(`${name}: highWaterMark is missing`);
        this[STATE] = { kind: name, mark: Number(init.highWaterMark) };
      }
      get highWaterMark() { return stateOf(this, name).mark; }
      get size() { return stateOf(this, name) && sizeFunction; }
    };
    Object.defineProperty(type, "name", { value: name });
    host.streams.add(type);
  };

  // ---- for the rest of the web API

  host.isDisturbed = (stream) => stream[STATE].disturbed;
  host.throwIfErrored = (stream) => { if (stream[STATE].status === "errored") throw stream[STATE].reason; };
  // A stream of one piece that is there already.
  host.streamOf = (bytes) => new ReadableStream({
    __proto__: null,
    type: "bytes",
    start(controller) {
      if (bytes.length > 0) controller.enqueue(bytes);
      controller.close();
    },
  });
  // Calls `take` with each chunk; a promise of the end. What it throws cancels the stream.
  host.readAll = (owner, take) => {
    const end = new Deferred();
    const reader = acquire(owner[STATE], "reader");
    let isSync;
    let again;
    const pump = () => {
      do {
        again = false;
        isSync = true;
        readRequest(reader, request);
        isSync = false;
      } while (again);
    };
    const request = {
      chunk(value) {
        try {
          take(value);
        } catch (error) {
          upon(cancelStream(reader.stream, error));
          return end.reject(error);
        }
        if (isSync) again = true;
        else pump();
      },
      close: () => end.resolve(),
      error: (reason) => end.reject(reason),
    };
    pump();
    return end.promise;
  };

  host.streams = { STATE, NOTHING, DefaultController, Deferred, PromisedRead, acquire, apply, broken, call, canEnqueue, cancelStream, closeStream, deferredBroken, deferredKept,
    dequeue, desiredSize, dictionary, enqueueSized, errorStream, handled, integer, isObject, kept, makeReadable, markOf, method, newStream, noop, one, ownerOf, promising,
    pullIfNeeded, react, readRequest, release, released, resetQueue, stateOf, strategyOf, upon, waiting, begin, addReading,
    add(type) {
      host.tag(type, type.name);
      host.define(type.name, type);
    } };
  addStrategy("CountQueuingStrategy", { size() { return 1; } }.size);
  addStrategy("ByteLengthQueuingStrategy", { size(chunk) { return chunk.byteLength; } }.size);
  for (const type of [ReadableStream, ReadableStreamDefaultReader, ReadableStreamDefaultController]) host.streams.add(type);
}
