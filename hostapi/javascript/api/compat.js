// SPDX-License-Identifier: Apache-2.0
// What scripts written for Workers, and what was written for node.js and bundled, expect besides the web API; time as
// the web API has it; and what is dispatched to the global object.
(host) => {
  const TIME = Symbol("performance");

  // ---- performance: its time begins when a request first asks, so that nobody is told for how long the machine runs

  const engine = globalThis.performance;
  const tick = engine.now.bind(engine);
  const { now: wall } = Date;
  let origin = null;
  const originOf = () => {
    if (origin !== null) return origin;
    const found = { wall: wall(), tick: tick() };
    if (found.wall !== 0) origin = found; // while a script is evaluated there is no time, and none to keep
    return found;
  };
  host.now = () => tick() - originOf().tick;
  class Performance extends EventTarget {
    constructor(key) {
      if (key !== host) throw new TypeError("Illegal constructor");
      super();
      this[TIME] = true;
    }
    get timeOrigin() { return mine(this, originOf().wall); }
    now() { return mine(this, host.now()); }
    toJSON() { return { timeOrigin: this.timeOrigin }; }
  }
  const mine = (performance, value) => {
    if (!performance?.[TIME]) throw new TypeError("Illegal invocation");
    return value;
  };

  // ---- the global object's events: what nobody has caught

  class PromiseRejectionEvent extends Event {
    #promise;
    #reason;
    constructor(type, options) {
      if (options?.promise === undefined) throw new TypeError("PromiseRejectionEvent: the promise is missing");
      super(type, options);
      this.#promise = options.promise;
      this.#reason = options.reason;
    }
    get promise() { return this.#promise; }
    get reason() { return this.#reason; }
  }
  const scope = new EventTarget();
  for (const type of ["error", "unhandledrejection", "rejectionhandled"]) host.define(`on${type}`, null);
  // Does a listener want it to be no more than that?
  const isTaken = (event) => {
    const handler = globalThis[`on${event.type}`];
    let stops = false;
    if (typeof handler === "function") stops = event.type === "error" ? handler(event.message, "", 0, 0, event.error) === true : handler(event) === false;
    return !scope.dispatchEvent(event) || stops;
  };
  // Called for what is thrown where nobody is; the log has it, unless a listener prevents that.
  let telling = false;
  const tell = (event, error) => {
    if (telling) return host.say(error);
    telling = true;
    try {
      if (!isTaken(event())) host.say(error);
    } catch (more) {
      host.say(error);
      host.say(more);
    } finally {
      telling = false;
    }
  };
  const message = (error) => {
    try {
      return error instanceof Error ? `Uncaught ${error}` : `Uncaught ${String(error)}`;
    } catch {
      return "Uncaught";
    }
  };
  host.report = (error) => tell(() => new ErrorEvent("error", { message: message(error), error, cancelable: true }), error);
  host.reject = (promise, reason) => tell(() => new PromiseRejectionEvent("unhandledrejection", { promise, reason, cancelable: true }), reason);
  host.define("reportError", (error) => host.report(error));
  host.scope = scope;
  host.define("dispatchEvent", (event) => scope.dispatchEvent(event));

  // ---- Workers'

  const bytesIn = (chunk) => {
    const bytes = host.bytesOf(chunk);
    if (bytes === null) throw new TypeError("this stream is of bytes");
    return bytes;
  };
  class IdentityTransformStream extends TransformStream {
    constructor() { super({ transform(chunk, controller) { controller.enqueue(bytesIn(chunk)); } }); }
  }
  class FixedLengthStream extends TransformStream {
    constructor(length) {
      const whole = Number(length);
      if (!Number.isSafeInteger(whole) || whole < 0) throw new TypeError("FixedLengthStream: not a length");
      let left = whole;
      super({
        transform(chunk, controller) {
          const bytes = bytesIn(chunk);
          if (bytes.length > left) throw new TypeError(`FixedLengthStream: more than ${whole} bytes`);
          left -= bytes.length;
          controller.enqueue(bytes);
        },
        flush() { if (left > 0) throw new TypeError(`FixedLengthStream: ${left} bytes less than ${whole}`); },
      });
      host.setLength(this.readable, whole);
    }
  }
  // One digest of all that is written.
  class DigestStream extends WritableStream {
    #digest;
    constructor(algorithm) {
      const pieces = [];
      const { promise, resolve, reject } = Promise.withResolvers();
      promise.catch(() => {});
      super({
        write(chunk) { pieces.push((typeof chunk === "string" ? host.encode(chunk) : bytesIn(chunk)).slice()); },
        close() { resolve(crypto.subtle.digest(algorithm, pieces.length === 0 ? new Uint8Array(0) : host.concat(pieces))); },
        abort: reject,
      });
      this.#digest = promise;
    }
    get digest() { return this.#digest; }
  }
  Object.defineProperty(Crypto.prototype, "DigestStream", { value: DigestStream, writable: true, configurable: true });
  Object.defineProperty(ReadableStreamBYOBReader.prototype, "readAtLeast", {
    value: function readAtLeast(min, view) { return this.read(view, { __proto__: null, min }); }, writable: true, configurable: true });
  Object.defineProperty(Headers.prototype, "getAll", { value: function getAll(name) {
    if (`${name}`.toLowerCase() !== "set-cookie") throw new TypeError("getAll: only for set-cookie");
    return this.getSetCookie();
  }, writable: true, configurable: true });
  const wait = (ms, options = undefined) => new Promise((resolve, reject) => {
    const signal = options?.signal;
    if (signal?.aborted) throw signal.reason;
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    }, { __proto__: null, once: true });
  });

  // ---- node.js'

  host.serving = false;
  const variable = (name) => {
    if (typeof name !== "string") return undefined;
    if (host.serving) return host.env(name) ?? (name === "NODE_ENV" ? "production" : undefined);
    return name === "NODE_ENV" ? "production" : host.env(name); // which says why there is none yet
  };
  const changed = new Map();
  const environment = new Proxy({}, {
    get: (target, name) => changed.has(name) ? changed.get(name) : variable(name),
    has: (target, name) => (changed.has(name) ? changed.get(name) : variable(name)) !== undefined,
    set: (target, name, value) => changed.set(name, `${value}`) !== undefined,
    defineProperty: (target, name, { value }) => changed.set(name, `${value}`) !== undefined,
    deleteProperty: (target, name) => changed.set(name, undefined) !== undefined,
    ownKeys: () => [...changed.keys()].filter((name) => changed.get(name) !== undefined),
    getOwnPropertyDescriptor: (target, name) => {
      const value = changed.has(name) ? changed.get(name) : variable(name);
      return value === undefined ? undefined : { value, enumerable: true, configurable: true, writable: true };
    },
  });

  const values = {
    Performance, performance: new Performance(host), PromiseRejectionEvent, IdentityTransformStream, FixedLengthStream,
    scheduler: Object.freeze({ wait }),
    setImmediate: (call, ...rest) => setTimeout(call, 0, ...rest),
    clearImmediate: (id) => clearTimeout(id),
    process: { env: environment, nextTick: (call, ...rest) => queueMicrotask(() => call(...rest)) },
  };
  for (const type of [Performance, PromiseRejectionEvent]) host.tag(type, type.name);
  for (const [name, value] of Object.entries(values)) host.define(name, value);
}
