// SPDX-License-Identifier: Apache-2.0
// Each file of the web API is a function of `host`: C's functions, and what the files share. What a class
// keeps is under symbols, which are quicker here than private fields and as far out of the way.
(host) => {
  // No code but what was deployed: `eval` and the constructors of functions throw.
  const refuse = () => { throw new EvalError("code cannot be made from text here"); };
  for (const sample of [function () {}, async function () {}, function* () {}, async function* () {}]) {
    const prototype = Object.getPrototypeOf(sample);
    const constructor = function () { refuse(); };
    constructor.prototype = prototype;
    Object.defineProperty(constructor, "name", { value: prototype.constructor.name });
    Object.defineProperty(prototype, "constructor", { value: constructor });
  }
  host.FACTS = Object.freeze({ SCHEME: 0, FUNCTION: 3, HAS_NEXT: 4, TLS: 5, NODE: 6 }); // enum skerry_request_fact
  host.define = (name, value) =>
    Object.defineProperty(globalThis, name, { value, writable: true, configurable: true });
  host.define("Function", Function.prototype.constructor);
  host.define("eval", refuse);
  host.define("self", globalThis);
  host.define("global", globalThis);
  // Of a frame a script gets the place, and not the function, which may be one of ours: as V8 has it of strict code.
  const prepare = Error.prepareStackTrace;
  Error.prepareStackTrace = (_, frames) => frames;
  const Frame = Object.getPrototypeOf(new Error("").stack[0]);
  Error.prepareStackTrace = prepare;
  Object.defineProperty(Frame, "getFunction", { value: function getFunction() { return undefined; }, writable: true, configurable: true });

  // A stack begins with what the error says, as scripts for V8 expect that print nothing else.
  const frames = Object.getOwnPropertyDescriptor(Error.prototype, "stack");
  const headed = (error, stack) => {
    if (typeof stack !== "string") return stack;
    let head = "Error";
    try {
      head = `${error}`;
    } catch {} // it is a script's own
    return `${head}\n${stack}`.trimEnd();
  };
  Object.defineProperty(Error.prototype, "stack", { ...frames, get() { return headed(this, Reflect.apply(frames.get, this, [])); } });
  const { captureStackTrace: capture } = Error;
  Object.defineProperty(Error, "captureStackTrace", { writable: true, configurable: true, value: function captureStackTrace(target, above = captureStackTrace) {
    capture(target, above);
    const own = Object.getOwnPropertyDescriptor(target, "stack");
    if (typeof own?.value === "string") Object.defineProperty(target, "stack", { ...own, value: headed(target, own.value) });
  } });

  Object.defineProperty(Math, "random", { value: host.randomNumber, writable: true, configurable: true });

  const types = [];
  host.tag = (type, name) => {
    types.push(type);
    Object.defineProperty(type.prototype, Symbol.toStringTag, { value: name, configurable: true });
  };
  // As Web IDL has it, what an interface has can be enumerated.
  host.finishTypes = () => {
    for (const type of types)
      for (const owner of [type, type.prototype])
        for (const key of Object.getOwnPropertyNames(owner))
          if (!["constructor", "prototype", "length", "name"].includes(key) && Object.getOwnPropertyDescriptor(owner, key).configurable) Object.defineProperty(owner, key, { enumerable: true });
  };
  // entries, keys, values and forEach over rows of a name and a value: `rowAt(owner, index)` answers one, or undefined
  // at the end. What is changed meanwhile is seen.
  host.addIteration = (type, rowAt) => {
    const ITERATION = Symbol("iteration");
    const prototype = Object.create(Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]())));
    Object.defineProperty(prototype, "next", { enumerable: true, writable: true, configurable: true, value: function next() {
      const state = this?.[ITERATION];
      if (state === undefined) throw new TypeError("Illegal invocation");
      const row = rowAt(state.owner, state.index++);
      if (row === undefined) return { value: undefined, done: true };
      return { value: state.part === undefined ? [row[0], row[1]] : row[state.part], done: false };
    } });
    Object.defineProperty(prototype, Symbol.toStringTag, { value: `${type.name} Iterator`, configurable: true });
    const iterate = (owner, part) => {
      rowAt(owner, 0); // it is such an object
      const iterator = Object.create(prototype);
      iterator[ITERATION] = { owner, part, index: 0 };
      return iterator;
    };
    const methods = {
      entries() { return iterate(this, undefined); },
      keys() { return iterate(this, 0); },
      values() { return iterate(this, 1); },
      forEach(call, self = undefined) {
        if (typeof call !== "function") throw new TypeError("forEach: not a function");
        for (let index = 0, row; (row = rowAt(this, index)) !== undefined; index++) Reflect.apply(call, self, [row[1], row[0], this]);
      },
    };
    for (const [name, value] of Object.entries(methods)) Object.defineProperty(type.prototype, name, { value, writable: true, configurable: true });
    Object.defineProperty(type.prototype, Symbol.iterator, { value: methods.entries, writable: true, configurable: true });
  };
  // As Web IDL turns a value into bytes: null if it is none.
  host.bytesOf = (value) => {
    if (value instanceof Uint8Array) return value;
    if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
    if (value instanceof ArrayBuffer || value instanceof SharedArrayBuffer) return new Uint8Array(value);
    return null;
  };
  host.concat = (pieces) => {
    if (pieces.length === 1) return pieces[0];
    const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
    let at = 0;
    for (const piece of pieces) {
      whole.set(piece, at);
      at += piece.length;
    }
    return whole;
  };
}
