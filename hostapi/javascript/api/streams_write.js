// SPDX-License-Identifier: Apache-2.0
// Streams that are written: what the sink is asked one after the other, and what ends that.
(host) => {
  const { STATE, Deferred, apply, broken, call, deferredBroken, deferredKept, dequeue, enqueueSized, handled, isObject, kept, markOf, method, NOTHING, one,
    ownerOf, promising, resetQueue, stateOf, strategyOf, upon } = host.streams;
  const CLOSE = Symbol("close"); // in the queue: what ends it

  // ---- the stream

  const isClosing = (stream) => stream.closeRequest !== null || stream.inFlightClose !== null;
  const rejectClosed = (stream) => {
    if (stream.closeRequest !== null) {
      stream.closeRequest.reject(stream.reason);
      stream.closeRequest = null;
    }
    stream.writer?.closed.reject(stream.reason);
  };
  const finishErroring = (stream) => {
    stream.status = "errored";
    resetQueue(stream.controller);
    for (const request of stream.requests.splice(0)) request.reject(stream.reason);
    const { aborting } = stream;
    if (aborting === null) return rejectClosed(stream);
    stream.aborting = null;
    if (aborting.wasErroring) {
      aborting.deferred.reject(stream.reason);
      return rejectClosed(stream);
    }
    const done = stream.controller.abort(aborting.reason);
    stream.controller.clear();
    upon(done, () => {
      aborting.deferred.resolve();
      rejectClosed(stream);
    }, (error) => {
      aborting.deferred.reject(error);
      rejectClosed(stream);
    });
  };
  const breakReady = (writer, reason) => {
    if (writer.ready.isDone) writer.ready = deferredBroken(reason);
    else writer.ready.reject(reason);
  };
  const startErroring = (stream, reason) => {
    stream.status = "erroring";
    stream.reason = reason;
    if (stream.writer !== null) breakReady(stream.writer, reason);
    if (stream.inFlightWrite === null && stream.inFlightClose === null && stream.controller.started) finishErroring(stream);
  };
  const reject = (stream, reason) => {
    if (stream.status === "writable") startErroring(stream, reason);
    else finishErroring(stream);
  };
  const setBackpressure = (stream, isFull) => {
    if (stream.writer !== null && isFull !== stream.isFull) {
      if (isFull) stream.writer.ready = handled(new Deferred());
      else stream.writer.ready.resolve();
    }
    stream.isFull = isFull;
  };
  const abortStream = (stream, reason) => {
    const isOver = () => stream.status === "closed" || stream.status === "errored";
    if (isOver()) return kept();
    stream.controller.abortController.abort(reason);
    if (isOver()) return kept();
    if (stream.aborting !== null) return stream.aborting.deferred.promise;
    const wasErroring = stream.status === "erroring";
    const aborting = stream.aborting = { deferred: new Deferred(), reason: wasErroring ? undefined : reason, wasErroring };
    if (!wasErroring) startErroring(stream, reason);
    return aborting.deferred.promise;
  };
  const closeStream = (stream) => {
    if (stream.status === "closed" || stream.status === "errored") return broken(new TypeError("the stream is closed"));
    const request = stream.closeRequest = new Deferred();
    if (stream.writer !== null && stream.isFull && stream.status === "writable") stream.writer.ready.resolve();
    enqueueSized(stream.controller, CLOSE, 0);
    advance(stream.controller);
    return request.promise;
  };

  // ---- its controller

  const isFull = (controller) => controller.mark - controller.total <= 0;
  const closeSink = (controller) => {
    const { stream } = controller;
    stream.inFlightClose = stream.closeRequest;
    stream.closeRequest = null;
    dequeue(controller);
    const done = controller.close();
    controller.clear();
    upon(done, () => {
      stream.inFlightClose.resolve();
      stream.inFlightClose = null;
      if (stream.status === "erroring") {
        stream.reason = undefined;
        stream.aborting?.deferred.resolve();
        stream.aborting = null;
      }
      stream.status = "closed";
      stream.writer?.closed.resolve();
    }, (error) => {
      stream.inFlightClose.reject(error);
      stream.inFlightClose = null;
      stream.aborting?.deferred.reject(error);
      stream.aborting = null;
      reject(stream, error);
    });
  };
  const writeSink = (controller, chunk) => {
    const { stream } = controller;
    stream.inFlightWrite = stream.requests.shift();
    upon(controller.write(chunk), () => {
      stream.inFlightWrite.resolve();
      stream.inFlightWrite = null;
      dequeue(controller);
      if (!isClosing(stream) && stream.status === "writable") setBackpressure(stream, isFull(controller));
      advance(controller);
    }, (error) => {
      if (stream.status === "writable") controller.clear();
      stream.inFlightWrite.reject(error);
      stream.inFlightWrite = null;
      reject(stream, error);
    });
  };
  const advance = (controller) => {
    const { stream } = controller;
    if (!controller.started || stream.inFlightWrite !== null) return;
    if (stream.status === "erroring") return finishErroring(stream);
    if (controller.queue.length === 0) return;
    const { value } = controller.queue[0];
    if (value === CLOSE) closeSink(controller);
    else writeSink(controller, value);
  };
  const failIfWritable = (controller, error) => {
    if (controller.stream.status !== "writable") return;
    controller.clear();
    startErroring(controller.stream, error);
  };
  const sizeOf = (controller, chunk) => {
    const { size } = controller;
    try {
      return size(chunk);
    } catch (error) {
      failIfWritable(controller, error);
      return 1;
    }
  };
  const write = (writer, chunk) => {
    const { stream } = writer;
    const size = sizeOf(stream.controller, chunk);
    if (stream !== writer.stream) return broken(new TypeError("the writer was released"));
    if (stream.status === "errored") return broken(stream.reason);
    if (isClosing(stream) || stream.status === "closed") return broken(new TypeError("the stream is closed"));
    if (stream.status === "erroring") return broken(stream.reason);
    const request = new Deferred();
    stream.requests.push(request);
    const { controller } = stream;
    try {
      enqueueSized(controller, chunk, size);
    } catch (error) {
      failIfWritable(controller, error);
      return request.promise;
    }
    if (!isClosing(stream) && stream.status === "writable") setBackpressure(stream, isFull(controller));
    advance(controller);
    return request.promise;
  };

  class SinkController {
    kind = "writable-controller"; stream; mark; size; owner = null; queue = []; total = 0; started = false; abortController = new AbortController();
    write = kept; close = kept; abort = kept;
    constructor(stream, mark, size) {
      this.stream = stream;
      this.mark = mark;
      this.size = size;
      stream.controller = this;
    }
    clear() {
      this.write = this.close = this.abort = kept;
      this.size = one;
    }
  }
  const begin = (controller, start) => {
    const { stream } = controller;
    setBackpressure(stream, isFull(controller));
    upon(kept(start()), () => {
      controller.started = true;
      advance(controller);
    }, (error) => {
      controller.started = true;
      reject(stream, error);
    });
  };

  class WritableStreamDefaultController {
    constructor() { throw new TypeError("Illegal constructor"); }
    get signal() { return stateOf(this, "writable-controller").abortController.signal; }
    error(reason = undefined) { failIfWritable(stateOf(this, "writable-controller"), reason); }
  }

  // ---- its writer

  const acquireWriter = (stream) => {
    if (stream.writer !== null) throw new TypeError("the stream has a writer already");
    const writer = stream.writer = { kind: "writer", stream, ready: null, closed: handled(new Deferred()) };
    const { status } = stream;
    if (status === "writable") writer.ready = !isClosing(stream) && stream.isFull ? handled(new Deferred()) : deferredKept();
    else if (status === "closed") writer.ready = deferredKept();
    else writer.ready = deferredBroken(stream.reason);
    if (status === "closed") writer.closed.resolve();
    else if (status === "errored") writer.closed.reject(stream.reason);
    return writer;
  };
  const releaseWriter = (writer) => {
    const { stream } = writer;
    const reason = new TypeError("the writer was released");
    breakReady(writer, reason);
    if (writer.closed.isDone) writer.closed = deferredBroken(reason);
    else writer.closed.reject(reason);
    stream.writer = null;
    writer.stream = null;
  };
  const writerSize = ({ stream }) => {
    if (stream === null) throw new TypeError("the writer was released");
    if (stream.status === "errored" || stream.status === "erroring") return null;
    return stream.status === "closed" ? 0 : stream.controller.mark - stream.controller.total;
  };
  const held = (owner, run) => promising(() => {
    const writer = stateOf(owner, "writer");
    return writer.stream === null ? broken(new TypeError("the writer was released")) : run(writer);
  });

  class WritableStreamDefaultWriter {
    constructor(stream) { this[STATE] = acquireWriter(stateOf(stream, "writable")); }
    get closed() { return promising(() => stateOf(this, "writer").closed.promise); }
    get ready() { return promising(() => stateOf(this, "writer").ready.promise); }
    get desiredSize() { return writerSize(stateOf(this, "writer")); }
    abort(reason = undefined) { return held(this, ({ stream }) => abortStream(stream, reason)); }
    close() { return held(this, ({ stream }) => isClosing(stream) ? broken(new TypeError("the stream is being closed")) : closeStream(stream)); }
    write(chunk = undefined) { return held(this, (writer) => write(writer, chunk)); }
    releaseLock() {
      const writer = stateOf(this, "writer");
      if (writer.stream !== null) releaseWriter(writer);
    }
  }

  const newStream = (owner) => owner[STATE] = { kind: "writable", owner, status: "writable", reason: undefined, writer: null, controller: null, isFull: false,
    closeRequest: null, inFlightWrite: null, inFlightClose: null, aborting: null, requests: [] };
  // A stream of ours: what it is given answers promises.
  const makeWritable = ({ start = host.streams.noop, write: onWrite, close: onClose, abort: onAbort, mark, size }) => {
    const controller = new SinkController(newStream(Object.create(WritableStream.prototype)), mark, size);
    Object.assign(controller, { write: onWrite, close: onClose, abort: onAbort });
    begin(controller, start);
    return controller.stream;
  };

  class WritableStream {
    constructor(sink = undefined, strategy = undefined) {
      if (sink !== undefined && !isObject(sink)) throw new TypeError("the sink is not an object");
      const chosen = strategyOf(strategy);
      const from = sink ?? NOTHING;
      const [abort, close, start] = ["abort", "close", "start"].map((name) => method(from, name));
      if (from.type !== undefined) throw new RangeError("a sink has no type");
      const onWrite = method(from, "write");
      const controller = new SinkController(newStream(this), markOf(chosen, 1), chosen.size ?? one);
      const owner = ownerOf(controller, WritableStreamDefaultController);
      if (onWrite !== undefined) controller.write = (chunk) => call(onWrite, sink, [chunk, owner]);
      if (close !== undefined) controller.close = () => call(close, sink, []);
      if (abort !== undefined) controller.abort = (reason) => call(abort, sink, [reason]);
      begin(controller, start === undefined ? host.streams.noop : () => apply(start, sink, [owner]));
    }
    get locked() { return stateOf(this, "writable").writer !== null; }
    abort(reason = undefined) {
      return promising(() => {
        const stream = stateOf(this, "writable");
        return stream.writer !== null ? broken(new TypeError("the stream is locked")) : abortStream(stream, reason);
      });
    }
    close() {
      return promising(() => {
        const stream = stateOf(this, "writable");
        if (stream.writer !== null || isClosing(stream)) return broken(new TypeError("the stream is locked or being closed"));
        return closeStream(stream);
      });
    }
    getWriter() { return new WritableStreamDefaultWriter(this); }
  }

  Object.assign(host.streams, { abortStream, acquireWriter, closeWritable: closeStream, failIfWritable, isClosing, makeWritable, releaseWriter, write });
  for (const type of [WritableStream, WritableStreamDefaultWriter, WritableStreamDefaultController]) host.streams.add(type);
}
