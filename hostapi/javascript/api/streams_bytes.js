// SPDX-License-Identifier: Apache-2.0
// Streams of bytes: their controller, whose chunks may be written into buffers that the reader brings, and that reader.
(host) => {
  const { STATE, Deferred, PromisedRead, acquire, apply, broken, canEnqueue, closeStream, desiredSize, dictionary, errorStream, integer, kept, ownerOf,
    promising, pullIfNeeded, react, released, resetQueue, stateOf, waiting } = host.streams;
  const { transfer } = ArrayBuffer.prototype;
  const isDetachedOf = Object.getOwnPropertyDescriptor(ArrayBuffer.prototype, "detached").get;
  const move = (buffer) => apply(transfer, buffer, []);
  const isDetached = (buffer) => buffer instanceof ArrayBuffer && apply(isDetachedOf, buffer, []);
  const TYPES = Object.fromEntries([Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array, Float32Array,
    Float64Array, BigInt64Array, BigUint64Array].map((type) => [type.name, type]));
  if (typeof Float16Array === "function") TYPES.Float16Array = Float16Array;
  const nameOfView = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag).get;
  const typeOfView = (view) => TYPES[apply(nameOfView, view, [])] ?? DataView;

  // A pull-into: what a reader brought, and how much of it is filled.
  const viewOf = (into) => new into.type(move(into.buffer), into.offset, into.filled / into.element);

  class ByteController {
    kind = "byte-controller"; stream; mark; auto; owner = null; queue = []; total = 0; started = false; closing = false; pulling = false; pullAgain = false;
    pull = kept; cancel = kept; intos = []; request = null;
    constructor(stream, mark, auto) {
      this.stream = stream;
      this.mark = mark;
      this.auto = auto;
      stream.controller = this;
    }
    shouldPull() { return canEnqueue(this) && this.started && (waiting(this.stream, "reader") || waiting(this.stream, "byob") || this.mark - this.total > 0); }
    clear() { this.pull = this.cancel = kept; }
    forgetRequest() {
      if (this.request === null) return;
      Object.assign(this.request[STATE], { controller: null, view: null });
      this.request = null;
    }
    cancelSteps(reason) {
      this.forgetRequest();
      this.intos = [];
      resetQueue(this);
      const done = this.cancel(reason);
      this.clear();
      return done;
    }
    releaseSteps() {
      if (this.intos.length === 0) return;
      this.intos[0].reader = "none";
      this.intos.length = 1;
    }
    error(reason) {
      if (this.stream.status !== "readable") return;
      this.forgetRequest();
      this.intos = [];
      resetQueue(this);
      this.clear();
      errorStream(this.stream, reason);
    }
    // After something was taken out of the queue.
    drained() {
      if (this.total > 0 || !this.closing) return pullIfNeeded(this);
      this.clear();
      closeStream(this.stream);
    }
    takeFirst(request) {
      const { buffer, offset, length } = this.queue.shift();
      this.total -= length;
      this.drained();
      request.chunk(new Uint8Array(buffer, offset, length));
    }
    pullSteps(request) {
      if (this.total > 0) return this.takeFirst(request);
      if (this.auto !== undefined) {
        try {
          this.intos.push({ buffer: new ArrayBuffer(this.auto), whole: this.auto, offset: 0, length: this.auto, filled: 0, least: 1, element: 1, type: Uint8Array, reader: "reader" });
        } catch (error) {
          return request.error(error);
        }
      }
      this.stream.reader.requests.push(request);
      pullIfNeeded(this);
    }
    put(buffer, offset, length) {
      this.queue.push({ buffer, offset, length });
      this.total += length;
    }
    putCopy(buffer, offset, length) {
      try {
        this.put(buffer.slice(offset, offset + length), 0, length);
      } catch (error) {
        this.error(error);
        throw error;
      }
    }
    // What was written into the buffer of a reader that is gone.
    putOrphan(into) {
      if (into.filled > 0) this.putCopy(into.buffer, into.offset, into.filled);
      this.intos.shift();
    }
    enqueue({ buffer, byteOffset, byteLength }) {
      if (!canEnqueue(this)) return;
      if (isDetached(buffer)) throw new TypeError("the chunk's buffer is detached");
      const moved = move(buffer);
      if (this.intos.length > 0) {
        const first = this.intos[0];
        if (isDetached(first.buffer)) throw new TypeError("the buffer that was asked for is detached");
        this.forgetRequest();
        first.buffer = move(first.buffer);
        if (first.reader === "none") this.putOrphan(first);
      }
      const { reader } = this.stream;
      if (reader?.kind === "reader") {
        while (reader.requests.length > 0 && this.total > 0) this.takeFirst(reader.requests.shift());
        if (reader.requests.length === 0) {
          this.put(moved, byteOffset, byteLength);
        } else {
          if (this.intos.length > 0) this.intos.shift();
          reader.requests.shift().chunk(new Uint8Array(moved, byteOffset, byteLength));
        }
      } else {
        this.put(moved, byteOffset, byteLength);
        if (reader?.kind === "byob") this.commitAll(this.fillIntos());
      }
      pullIfNeeded(this);
    }
    close() {
      if (!canEnqueue(this)) return;
      if (this.total > 0) {
        this.closing = true;
        return;
      }
      if (this.intos.length > 0 && this.intos[0].filled % this.intos[0].element !== 0) {
        const error = new TypeError("the stream ends within an element");
        this.error(error);
        throw error;
      }
      this.clear();
      closeStream(this.stream);
    }
    commit(into) {
      const isClosed = this.stream.status === "closed";
      const request = this.stream.reader.requests.shift();
      const view = viewOf(into);
      if (!isClosed) request.chunk(view);
      else if (into.reader === "byob") request.close(view);
      else request.close();
    }
    commitAll(intos) { for (const into of intos) this.commit(into); }
    // Whether it has as many whole elements as are wanted at least.
    fill(into) {
      const most = into.filled + Math.min(this.total, into.length - into.filled);
      const aligned = most - most % into.element;
      const isReady = aligned >= into.least;
      let rest = (isReady ? aligned : most) - into.filled;
      while (rest > 0) {
        const head = this.queue[0];
        const count = Math.min(rest, head.length);
        new Uint8Array(into.buffer, into.offset + into.filled, count).set(new Uint8Array(head.buffer, head.offset, count));
        if (head.length === count) this.queue.shift();
        head.offset += count;
        head.length -= count;
        this.total -= count;
        into.filled += count;
        rest -= count;
      }
      return isReady;
    }
    fillIntos() {
      const filled = [];
      while (this.intos.length > 0 && this.total > 0) if (this.fill(this.intos[0])) filled.push(this.intos.shift());
      return filled;
    }
    pullInto(view, least, request) {
      const type = typeOfView(view);
      const element = type.BYTES_PER_ELEMENT ?? 1;
      const { byteOffset, byteLength } = view;
      let buffer;
      try {
        buffer = move(view.buffer);
      } catch (error) {
        return request.error(error);
      }
      const into = { buffer, whole: buffer.byteLength, offset: byteOffset, length: byteLength, filled: 0, least: least * element, element, type, reader: "byob" };
      if (this.intos.length === 0 && this.stream.status === "closed") return request.close(new type(buffer, byteOffset, 0));
      if (this.intos.length === 0 && this.total > 0) {
        if (this.fill(into)) {
          const filled = viewOf(into);
          this.drained();
          return request.chunk(filled);
        }
        if (this.closing) {
          const error = new TypeError("the stream ends within an element");
          this.error(error);
          return request.error(error);
        }
      }
      const isFirst = this.intos.length === 0;
      this.intos.push(into);
      this.stream.reader.requests.push(request);
      if (isFirst) pullIfNeeded(this);
    }
    checkResponse(count) {
      if (this.stream.status === "closed") {
        if (count !== 0) throw new TypeError("the stream is closed: only 0 bytes may come");
      } else if (count === 0) {
        throw new TypeError("0 bytes come only when the stream is closed");
      }
      if (this.intos[0].filled + count > this.intos[0].length) throw new RangeError("more bytes came than were asked for");
    }
    respond(count) {
      this.checkResponse(count);
      this.intos[0].buffer = move(this.intos[0].buffer);
      this.responded(count);
    }
    respondWithNewView(view) {
      const first = this.intos[0];
      this.checkResponse(view.byteLength);
      if (first.offset + first.filled !== view.byteOffset || first.whole !== view.buffer.byteLength) throw new RangeError("the view is not of what was asked for");
      const count = view.byteLength;
      first.buffer = move(view.buffer);
      this.responded(count);
    }
    responded(count) {
      const first = this.intos[0];
      this.forgetRequest();
      if (this.stream.status === "closed") this.respondedClosed(first);
      else this.respondedReadable(first, count);
      pullIfNeeded(this);
    }
    respondedClosed(first) {
      if (first.reader === "none") this.intos.shift();
      const { reader } = this.stream;
      if (reader?.kind !== "byob") return;
      this.commitAll(this.intos.splice(0, reader.requests.length));
    }
    respondedReadable(first, count) {
      first.filled += count;
      if (first.reader === "none") {
        this.putOrphan(first);
        return this.commitAll(this.fillIntos());
      }
      if (first.filled < first.least) return;
      this.intos.shift();
      const rest = first.filled % first.element;
      if (rest > 0) this.putCopy(first.buffer, first.offset + first.filled - rest, rest);
      first.filled -= rest;
      const filled = this.fillIntos();
      this.commit(first);
      this.commitAll(filled);
    }
    byobRequest() {
      if (this.request === null && this.intos.length > 0) {
        const { buffer, offset, filled, length } = this.intos[0];
        this.request = Object.create(ReadableStreamBYOBRequest.prototype);
        this.request[STATE] = { kind: "byob-request", controller: this, view: new Uint8Array(buffer, offset + filled, length - filled) };
      }
      return this.request;
    }
  }

  const viewGiven = (view) => {
    if (!ArrayBuffer.isView(view) || view.buffer instanceof SharedArrayBuffer) throw new TypeError("not a view of an ArrayBuffer");
    return view;
  };

  class ReadableByteStreamController {
    constructor() { throw new TypeError("Illegal constructor"); }
    get byobRequest() { return stateOf(this, "byte-controller").byobRequest(); }
    get desiredSize() { return desiredSize(stateOf(this, "byte-controller")); }
    enqueue(chunk) {
      const controller = stateOf(this, "byte-controller");
      if (viewGiven(chunk).byteLength === 0 || chunk.buffer.byteLength === 0) throw new TypeError("the chunk is empty");
      if (!canEnqueue(controller)) throw new TypeError("the stream takes no more chunks");
      controller.enqueue(chunk);
    }
    close() {
      const controller = stateOf(this, "byte-controller");
      if (!canEnqueue(controller)) throw new TypeError("the stream is closed already");
      controller.close();
    }
    error(reason = undefined) { stateOf(this, "byte-controller").error(reason); }
  }

  const answering = (request) => {
    if (request.controller === null) throw new TypeError("the request was answered already");
    return request.controller;
  };
  class ReadableStreamBYOBRequest {
    constructor() { throw new TypeError("Illegal constructor"); }
    get view() { return stateOf(this, "byob-request").view; }
    respond(count) {
      const request = stateOf(this, "byob-request");
      if (arguments.length === 0) throw new TypeError("respond: the count is missing");
      count = integer(count, "respond");
      const controller = answering(request);
      if (isDetached(request.view.buffer)) throw new TypeError("the view's buffer is detached");
      controller.respond(count);
    }
    respondWithNewView(view) {
      const request = stateOf(this, "byob-request");
      viewGiven(view);
      const controller = answering(request);
      if (isDetached(view.buffer)) throw new TypeError("the view's buffer is detached");
      controller.respondWithNewView(view);
    }
  }

  const lengthOf = (view) => view.length ?? view.byteLength;
  class ReadableStreamBYOBReader {
    constructor(owner) {
      const stream = stateOf(owner, "readable");
      if (stream.reader === null && stream.controller.kind !== "byte-controller") throw new TypeError("not a stream of bytes");
      this[STATE] = acquire(stream, "byob", this);
    }
    read(view, options = undefined) {
      return promising(() => {
        const reader = stateOf(this, "byob");
        const { min } = dictionary(options, "the options");
        const least = min === undefined ? 1 : integer(min, "min");
        if (viewGiven(view).byteLength === 0 || view.buffer.byteLength === 0) throw new TypeError("read: the view has no room");
        if (isDetached(view.buffer)) throw new TypeError("read: the view's buffer is detached");
        if (least === 0) throw new TypeError("read: min is 0");
        if (least > lengthOf(view)) throw new RangeError("read: min is more than the view has room for");
        if (reader.stream === null) return released();
        const request = new PromisedRead();
        readInto(reader, view, least, request);
        return request.deferred.promise;
      });
    }
  }
  host.streams.addReading(ReadableStreamBYOBReader, "byob");
  const readInto = ({ stream }, view, least, request) => {
    stream.disturbed = true;
    if (stream.status === "errored") request.error(stream.reason);
    else stream.controller.pullInto(view, least, request);
  };

  // ---- two streams of one

  host.streams.teeBytes = (stream) => {
    const { Deferred: Later, begin, cancelStream, newStream, readRequest, release, upon } = host.streams;
    let reader = acquire(stream, "reader");
    let isReading = false;
    const again = [false, false];
    const cancelled = [false, false];
    const reasons = [undefined, undefined];
    const branches = [];
    const end = new Later();
    const watch = (watched) => upon(watched.closed.promise, undefined, (reason) => {
      if (watched !== reader) return;
      for (const branch of branches) branch.controller.error(reason);
      if (!cancelled[0] || !cancelled[1]) end.resolve();
    });
    const become = (kind) => {
      if (reader.kind === kind) return;
      release(reader);
      reader = acquire(stream, kind);
      watch(reader);
    };
    const copyOf = (view) => new Uint8Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
    const failCopy = (error) => {
      for (const branch of branches) branch.controller.error(error);
      end.resolve(cancelStream(stream, error));
    };
    const next = () => {
      isReading = false;
      for (const i of [0, 1]) if (again[i]) return pull(i);
      return undefined;
    };
    const closeBranches = () => {
      isReading = false;
      for (const i of [0, 1]) if (!cancelled[i]) branches[i].controller.close();
    };
    const pullDefault = () => {
      become("reader");
      readRequest(reader, {
        chunk: (chunk) => upon(kept(), () => {
          again.fill(false);
          let copy = chunk;
          try {
            if (!cancelled[0] && !cancelled[1]) copy = copyOf(chunk);
          } catch (error) {
            return failCopy(error);
          }
          if (!cancelled[0]) branches[0].controller.enqueue(chunk);
          if (!cancelled[1]) branches[1].controller.enqueue(copy);
          next();
        }),
        close() {
          closeBranches();
          for (const branch of branches) if (branch.controller.intos.length > 0) branch.controller.respond(0);
          if (!cancelled[0] || !cancelled[1]) end.resolve();
        },
        error() { isReading = false; },
      });
    };
    const pullByob = (view, i) => {
      become("byob");
      const [mine, other] = [i, 1 - i];
      readInto(reader, view, 1, {
        chunk: (chunk) => upon(kept(), () => {
          again.fill(false);
          if (!cancelled[other]) {
            let copy;
            try {
              copy = copyOf(chunk);
            } catch (error) {
              return failCopy(error);
            }
            if (!cancelled[mine]) branches[mine].controller.respondWithNewView(chunk);
            branches[other].controller.enqueue(copy);
          } else if (!cancelled[mine]) {
            branches[mine].controller.respondWithNewView(chunk);
          }
          next();
        }),
        close(chunk) {
          closeBranches();
          if (chunk !== undefined) {
            if (!cancelled[mine]) branches[mine].controller.respondWithNewView(chunk);
            if (!cancelled[other] && branches[other].controller.intos.length > 0) branches[other].controller.respond(0);
          }
          if (!cancelled[mine] || !cancelled[other]) end.resolve();
        },
        error() { isReading = false; },
      });
    };
    const pull = (i) => {
      if (isReading) {
        again[i] = true;
        return kept();
      }
      isReading = true;
      const request = branches[i].controller.byobRequest();
      if (request === null) pullDefault();
      else pullByob(request[STATE].view, i);
      return kept();
    };
    for (const i of [0, 1]) {
      const branch = newStream(Object.create(ReadableStream.prototype));
      const controller = new ByteController(branch, 0, undefined);
      ownerOf(controller, ReadableByteStreamController);
      controller.pull = () => pull(i);
      controller.cancel = (reason) => {
        cancelled[i] = true;
        reasons[i] = reason;
        if (cancelled[1 - i]) end.resolve(cancelStream(stream, reasons));
        return end.promise;
      };
      branches.push(branch);
    }
    for (const branch of branches) begin(branch.controller, host.streams.noop);
    watch(reader);
    return branches;
  };

  host.streams.byteController = (stream, mark, auto) => new ByteController(stream, mark, auto);
  for (const type of [ReadableStreamBYOBReader, ReadableByteStreamController, ReadableStreamBYOBRequest]) host.streams.add(type);
}
