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
  host.define = (name, value) =>
    Object.defineProperty(globalThis, name, { value, writable: true, configurable: true });
  host.define("Function", Function.prototype.constructor);
  host.define("eval", refuse);
  host.define("self", globalThis);
  host.define("global", globalThis);
  Object.defineProperty(Math, "random", { value: host.randomNumber, writable: true, configurable: true });

  host.tag = (type, name) =>
    Object.defineProperty(type.prototype, Symbol.toStringTag, { value: name, configurable: true });
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
