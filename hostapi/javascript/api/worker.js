// SPDX-License-Identifier: Apache-2.0
// A deployed script and the requests that it answers: `export default { fetch(request, env, ctx) }`, a
// function as the default export, or addEventListener("fetch", ...).
(host) => {
  const FOREVER_MS = 0;
  const MS_PER_S = 1000;
  let handler; // (request, env, context) -> a Response or a promise of one
  const listeners = []; // of the service worker's form

  // ---- env: variables, secrets, and the store

  const asBytes = (value) => {
    if (typeof value === "string") return host.encode(value);
    const bytes = host.bytesOf(value);
    if (bytes === null) throw new TypeError("put: neither text nor bytes");
    return bytes;
  };
  const readers = {
    text: (bytes) => host.decode(bytes, false),
    json: (bytes) => JSON.parse(host.decode(bytes, false)),
    arrayBuffer: (bytes) => bytes.buffer,
    stream: (bytes) => host.streamOf(bytes),
  };
  const change = async (handle) => {
    await host.whenReady(handle);
    host.kvFinish(handle);
  };
  const lifetime = ({ expirationTtl, expiration } = {}) => {
    if (expirationTtl !== undefined) return Math.max(1, Number(expirationTtl) * MS_PER_S);
    return expiration === undefined ? FOREVER_MS : Math.max(1, Number(expiration) * MS_PER_S - Date.now());
  };
  const kv = Object.freeze({
    async get(key, options = "text") {
      const type = typeof options === "string" ? options : options?.type ?? "text";
      if (readers[type] === undefined) throw new TypeError(`get: "${type}" is no type`);
      const bytes = host.kvGet(`${key}`);
      return bytes === null ? null : readers[type](bytes);
    },
    async put(key, value, options) {
      if (value instanceof ReadableStream) value = await new Response(value).bytes();
      await change(host.kvPut(`${key}`, asBytes(value), lifetime(options)));
    },
    async delete(key) { await change(host.kvDelete(`${key}`)); },
    async list({ prefix = "", limit = 1000, cursor = "" } = {}) {
      const names = host.kvList(prefix ?? "", cursor ?? "");
      const keys = names.slice(0, limit);
      const complete = names.length === 0 || keys.length === names.length && host.kvList(prefix ?? "", keys.at(-1)).length === 0;
      return { keys: keys.map((name) => ({ name })), list_complete: complete, ...complete ? {} : { cursor: keys.at(-1) } };
    },
  });
  // Another function of the tenant.
  host.sibling = (name) => Object.freeze({
    async fetch(input, init) {
      const request = new Request(input, init);
      const url = new URL(request.url);
      const bytes = request.body === null ? null : await request.bytes();
      const fields = host.headerList(request.headers);
      return host.responseOf(host.call(name, request.method, url.pathname + url.search, fields, bytes), { url: url.href, method: request.method });
    },
  });
  const env = new Proxy({}, {
    get(target, name) {
      if (typeof name !== "string") return undefined;
      return host.env(name) ?? (name === "KV" ? kv : name === "functions" ? siblings : undefined);
    },
    has: (target, name) => env[name] !== undefined,
  });
  const siblings = new Proxy({}, { get: (target, name) => typeof name === "string" ? host.sibling(name) : undefined });

  // ---- adopting a script

  // Called with the module's exports.
  host.adopt = (exports) => {
    const script = exports.default;
    if (typeof script === "function" && typeof script.prototype?.fetch !== "function") handler = script;
    else if (typeof script?.fetch === "function") handler = (request, environment, context) => script.fetch(request, environment, context);
    else if (listeners.length > 0) handler = dispatchEvent;
    else if (script === undefined) throw new TypeError("the script has no default export, and no listener of `fetch`: write `export default { async fetch(request, env, ctx) { return new Response(\"hello\"); } }`");
    else throw new TypeError("the script's default export has no method `fetch`");
  };

  class FetchEvent extends Event {
    constructor(request, context) {
      super("fetch", { cancelable: true });
      Object.assign(this, { request, answer: undefined });
      this.waitUntil = (promise) => context.waitUntil(promise);
      this.passThroughOnException = () => {};
    }
    respondWith(answer) { this.answer = answer; }
  }
  const dispatchEvent = (request, environment, context) => {
    const event = new FetchEvent(request, context);
    for (const listener of listeners) {
      listener(event);
      if (event.answer !== undefined) return event.answer;
    }
    throw new TypeError("no listener of `fetch` has called respondWith");
  };
  host.define("addEventListener", (type, listener) => {
    if (type === "fetch") listeners.push(listener);
  });
  host.define("removeEventListener", () => {});
  host.define("FetchEvent", FetchEvent);

  // ---- one request: C calls these one after the other, and waits for a promise that one of them answers.
  // What they throw, C says in the log and answers with 500, or ends the response that has begun.

  class Context {
    waitUntil(promise) { (waits ??= []).push(Promise.resolve(promise).catch(host.report)); }
    passThroughOnException() {}
    get props() { return {}; }
  }
  let waits = null;
  host.handle = () => handler(host.incoming(), env, new Context());
  host.answer = (response) => host.respond(response, waits !== null);
  const settle = async () => {
    for (let done = 0; done < waits.length;) {
      done = waits.length;
      await Promise.all(waits);
    }
  };
  // What the script goes on with after its answer.
  host.rest = () => (waits === null ? undefined : settle());

  // QuickJS makes a built-in function when somebody first asks for it. Those that most requests ask for are made
  // here, before the snapshot, and not in each request.
  const TypedArray = Object.getPrototypeOf(Uint8Array);
  const IteratorPrototype = Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]()));
  for (const type of [Array, ArrayBuffer, Date, Error, Function, Map, Number, Object, Promise, RegExp, Set, String, Symbol,
    TypedArray, Uint8Array, { prototype: host }, { prototype: JSON }, { prototype: Math }, { prototype: Reflect },
    { prototype: IteratorPrototype }])
    for (const owner of [type, type.prototype])
      for (const key of Reflect.ownKeys(owner)) Reflect.getOwnPropertyDescriptor(owner, key);
}
