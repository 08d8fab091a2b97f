// SPDX-License-Identifier: Apache-2.0
// Timers, structuredClone, console, crypto's random part, and what else is global.
(host) => {
  const LOG = { debug: -1, info: 0, warn: 1, error: 2 }; // enum skerry_log_level
  const INSPECT_DEPTH = 3;
  const INSPECT_ITEMS = 100;
  const THROWS = "[throws when it is looked at]";

  // ---- console

  const errorText = (error) => {
    const head = `${error}`;
    const stack = error.stack ? host.mapStack(error.stack).trimEnd() : "";
    return stack === "" || stack.startsWith(head) ? stack || head : `${head}\n${stack}`;
  };
  const keyText = (key) => typeof key === "symbol" ? `[${String(key)}]` : /^[A-Za-z_$][\w$]*$/.test(key) ? key : JSON.stringify(key);
  const attempt = (make, otherwise) => {
    try {
      return make();
    } catch {
      return otherwise;
    }
  };
  const describe = (value, depth, seen) => {
    if (typeof value === "string") return depth === 0 ? value : JSON.stringify(value);
    if (typeof value === "bigint") return `${value}n`;
    if (typeof value === "function") return `[Function ${value.name || "(anonymous)"}]`;
    if (typeof value !== "object" || value === null) return String(value);
    if (value instanceof Error) return errorText(value);
    if (value instanceof Date || value instanceof RegExp || value instanceof URL) return String(value);
    if (seen.includes(value)) return "[Circular]";
    const name = value.constructor?.name ?? "Object";
    if (depth > INSPECT_DEPTH) return `[${name}]`;
    const within = [...seen, value];
    const show = (item) => inspect(item, depth + 1, within);
    const list = (items, open, close) => {
      const shown = items.slice(0, INSPECT_ITEMS);
      if (items.length > shown.length) shown.push(`... ${items.length - shown.length} more`);
      return shown.length === 0 ? open + close : `${open} ${shown.join(", ")} ${close}`;
    };
    if (Array.isArray(value)) return list(value.slice(0, INSPECT_ITEMS + 1).map(show), "[", "]");
    if (ArrayBuffer.isView(value)) return `${name}(${value.byteLength}) ${list([...new Uint8Array(value.buffer, value.byteOffset, Math.min(value.byteLength, INSPECT_ITEMS))].map(String), "[", "]")}`;
    if (value instanceof Map) return `Map(${value.size}) ${list([...value].map(([k, v]) => `${show(k)} => ${show(v)}`), "{", "}")}`;
    if (value instanceof Set) return `Set(${value.size}) ${list([...value].map(show), "{", "}")}`;
    if (value instanceof Headers) return `Headers ${list([...value].map(([k, v]) => `${keyText(k)}: ${show(v)}`), "{", "}")}`;
    const rows = Object.keys(value).map((key) => `${keyText(key)}: ${attempt(() => show(value[key]), THROWS)}`);
    return (name === "Object" ? "" : `${name} `) + list(rows, "{", "}");
  };
  // What is looked at may be anything, and a line of the log is no reason to fail.
  const inspect = (value, depth, seen) => attempt(() => describe(value, depth, seen), THROWS);
  const numberOf = (value) => attempt(() => Number(value), NaN);
  const format = (values) => {
    if (typeof values[0] !== "string" || !values[0].includes("%")) return values.map((value) => inspect(value, 0, [])).join(" ");
    let at = 1;
    const text = values[0].replace(/%([sdifoOjc%])/g, (whole, kind) => {
      if (kind === "%") return "%";
      if (at >= values.length) return whole;
      const value = values[at++];
      if (kind === "c") return "";
      if (kind === "d" || kind === "i") return String(kind === "i" ? Math.trunc(numberOf(value)) : numberOf(value));
      if (kind === "f") return String(numberOf(value));
      return kind === "s" ? inspect(value, 0, []) : inspect(value, 1, []);
    });
    return [text, ...values.slice(at).map((value) => inspect(value, 0, []))].join(" ");
  };
  const counts = new Map();
  const times = new Map();
  const say = (level) => (...values) => host.log(LOG[level], format(values));
  const console = {
    __proto__: {},
    debug: say("debug"), log: say("info"), info: say("info"), warn: say("warn"), error: say("error"), dir: say("info"), dirxml: say("info"),
    table: say("info"), group: say("info"), groupCollapsed: say("info"), groupEnd() {}, clear() {},
    trace: (...values) => host.log(LOG.debug, `${format(values)}\n${host.mapStack(new Error().stack)}`),
    assert(good, ...values) { if (!good) host.log(LOG.error, `Assertion failed${values.length > 0 ? `: ${format(values)}` : ""}`); },
    count(label = "default") {
      label = `${label}`;
      counts.set(label, (counts.get(label) ?? 0) + 1);
      host.log(LOG.info, `${label}: ${counts.get(label)}`);
    },
    countReset(label = "default") { counts.delete(`${label}`); },
    time(label = "default") { times.set(`${label}`, performance.now()); },
    timeLog(label = "default", ...values) {
      label = `${label}`;
      if (times.has(label)) host.log(LOG.info, `${label}: ${performance.now() - times.get(label)} ms ${format(values)}`.trimEnd());
    },
    timeEnd(label = "default") {
      label = `${label}`;
      console.timeLog(label);
      times.delete(label);
    },
  };
  Object.defineProperty(console, Symbol.toStringTag, { value: "console", configurable: true });
  host.say = (error) => host.log(LOG.error, inspect(error, 0, []));

  // ---- timers

  const timer = (again) => (call, ms = 0, ...values) => {
    if (typeof call !== "function") throw new TypeError("a timer needs a function");
    return host.setTimer(values.length === 0 ? call : () => call(...values), ms, again);
  };
  const clear = (id) => { if (id !== undefined && id !== null) host.clearTimer(id); };

  // ---- structuredClone

  const ERRORS = { Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError };
  const refuseClone = (value) => { throw new DOMException(`${inspect(value, 0, [])} cannot be cloned`, "DataCloneError"); };
  const cloneView = (value, clone) => {
    const buffer = clone(value.buffer);
    return new value.constructor(buffer, value.byteOffset, value instanceof DataView ? value.byteLength : value.length);
  };
  const cloneError = (value, clone) => {
    const copy = Object.create((ERRORS[value.name] ?? Error).prototype);
    for (const key of ["message", "stack", "cause"])
      if (Object.hasOwn(value, key)) Object.defineProperty(copy, key, { value: clone(value[key]), writable: true, configurable: true });
    return copy;
  };
  const structuredClone = (input, { transfer = [] } = {}) => {
    const seen = new Map();
    const clone = (value) => {
      if (typeof value === "function" || typeof value === "symbol") refuseClone(value);
      if (typeof value !== "object" || value === null) return value;
      if (seen.has(value)) return seen.get(value);
      const keep = (copy) => {
        seen.set(value, copy);
        return copy;
      };
      if (value instanceof Date) return keep(new Date(value));
      if (value instanceof RegExp) return keep(new RegExp(value.source, value.flags));
      if (value instanceof Boolean || value instanceof Number || value instanceof String || value instanceof BigInt) return keep(Object(value.valueOf()));
      if (value instanceof ArrayBuffer) return keep(transfer.includes(value) ? value.transfer() : value.slice(0));
      if (ArrayBuffer.isView(value)) return keep(cloneView(value, clone));
      if (value instanceof Error) return keep(cloneError(value, clone));
      if (value instanceof Blob) return keep(value);
      if (value instanceof Map) {
        const copy = keep(new Map());
        for (const [key, item] of [...value]) copy.set(clone(key), clone(item));
        return copy;
      }
      if (value instanceof Set) {
        const copy = keep(new Set());
        for (const item of [...value]) copy.add(clone(item));
        return copy;
      }
      const prototype = Object.getPrototypeOf(value);
      const isPlain = Array.isArray(value) || prototype === null || Object.prototype.toString.call(value) === "[object Object]";
      if (!isPlain || value instanceof Promise || value instanceof WeakMap || value instanceof WeakSet) refuseClone(value);
      const copy = keep(Array.isArray(value) ? new Array(value.length) : {});
      for (const key of Object.keys(value)) copy[key] = clone(value[key]);
      return copy;
    };
    return clone(input);
  };

  // ---- crypto

  const hex = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, "0"));
  class Crypto {
    getRandomValues(view) {
      if (!ArrayBuffer.isView(view) || view instanceof DataView || view instanceof Float32Array || view instanceof Float64Array)
        throw new DOMException("getRandomValues: not an array of integers", "TypeMismatchError");
      if (view.byteLength > 65536) throw new DOMException("getRandomValues: more than 65,536 bytes", "QuotaExceededError");
      host.random(new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
      return view;
    }
    randomUUID() {
      const bytes = this.getRandomValues(new Uint8Array(16));
      bytes[6] = bytes[6] & 0x0f | 0x40;
      bytes[8] = bytes[8] & 0x3f | 0x80;
      const text = Array.from(bytes, (byte) => hex[byte]).join("");
      return `${text.slice(0, 8)}-${text.slice(8, 12)}-${text.slice(12, 16)}-${text.slice(16, 20)}-${text.slice(20)}`;
    }
  }

  host.tag(Crypto, "Crypto");
  const values = {
    console, structuredClone, Crypto, crypto: new Crypto(),
    setTimeout: timer(false), setInterval: timer(true), clearTimeout: clear, clearInterval: clear,
    queueMicrotask(call) {
      if (typeof call !== "function") throw new TypeError("queueMicrotask: not a function");
      Promise.resolve().then(() => { call(); }).catch(host.report);
    },
    navigator: Object.freeze({ userAgent: "Skerry", language: "en", hardwareConcurrency: 1 }),
  };
  for (const [name, value] of Object.entries(values)) host.define(name, value);
}
