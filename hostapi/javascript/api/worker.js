// SPDX-License-Identifier: Apache-2.0
// A deployed script and the requests that it answers: `export default { fetch(request, env, ctx) }`, a
// function as the default export, addEventListener("fetch", ...), or `export const handler`.
(host) => {
  const FACT_HAS_NEXT = 4; // enum skerry_request_fact
  const env = host.env_;
  let handler; // (request, env, context) -> a Response or a promise of one
  let scheduled = null; // (controller, env, context)
  let warm = []; // paths that are asked for before the snapshot
  const listeners = []; // of the service worker's form: [type, listener]

  // ---- adopting a script

  const NOTHING = "the script has no default export, and no listener of `fetch`: write `export default { async fetch(request, env, ctx) { return new Response(\"hello\"); } }`";
  const hears = (type) => listeners.some((row) => row[0] === type);
  // A class that extends WorkerEntrypoint has `env` and `ctx` of its own for each request.
  const isEntrypoint = (script) => typeof script === "function" && typeof script.prototype?.fetch === "function";
  const chooseHandler = (script, exports) => {
    if (isEntrypoint(script)) return (request, environment, context) => new script(context, environment).fetch(request);
    if (typeof script === "function") return script;
    if (typeof script?.fetch === "function") return (request, environment, context) => script.fetch(request, environment, context);
    if (hears("fetch")) return dispatchFetch;
    if (typeof exports.handler === "function") return host.adaptEvents(exports.handler);
    if (scheduled !== null) return () => new Response("this function has no `fetch`\n", { status: 404 });
    throw new TypeError(script === undefined ? NOTHING : "the script's default export has no method `fetch`");
  };
  // Called with the module's exports.
  host.adopt = (exports) => {
    const script = exports.default;
    if (typeof script?.scheduled === "function") scheduled = (controller, environment, context) => script.scheduled(controller, environment, context);
    else if (hears("scheduled")) scheduled = dispatchScheduled;
    handler = chooseHandler(script, exports);
    host.bind(host.metadata.bindings ?? []);
    warm = [...exports.warm ?? [], ...host.metadata.warm ?? []];
    if (warm.some((path) => typeof path !== "string" || !path.startsWith("/"))) throw new TypeError("`warm` is a list of paths, each beginning with a slash");
  };
  // The handler is asked before the snapshot, so that what it makes when it is first called is in it. It may only
  // compute, and what it answers is thrown away. A promise, if there is something to ask.
  host.warm = () => warm.length === 0 ? undefined : (async () => {
    for (const path of warm) {
      try {
        const response = await handler(new Request(`http://localhost${path}`), env, new Context());
        if (response instanceof Response) await response.text();
      } catch (error) {
        host.log(-1, `warm ${path}: ${error}`);
      }
    }
    waits = null;
    passes = false;
  })();

  class ExtendableEvent extends Event {
    constructor(type, context) {
      super(type, { cancelable: true });
      this.waitUntil = (promise) => context.waitUntil(promise);
    }
  }
  class FetchEvent extends ExtendableEvent {
    constructor(request, context) {
      super("fetch", context);
      Object.assign(this, { request, answer: undefined });
      this.passThroughOnException = () => context.passThroughOnException();
    }
    respondWith(answer) { this.answer = answer; }
  }
  const dispatchFetch = (request, environment, context) => {
    const event = new FetchEvent(request, context);
    for (const [type, listener] of listeners) {
      if (type === "fetch") listener(event);
      if (event.answer !== undefined) return event.answer;
    }
    throw new TypeError("no listener of `fetch` has called respondWith");
  };
  const dispatchScheduled = (controller, environment, context) => {
    const event = Object.assign(new ExtendableEvent("scheduled", context), controller);
    for (const [type, listener] of listeners) if (type === "scheduled") listener(event);
  };
  host.define("addEventListener", (type, listener) => { listeners.push([type, listener]); });
  host.define("removeEventListener", () => {});
  host.define("ExtendableEvent", ExtendableEvent);
  host.define("FetchEvent", FetchEvent);

  // ---- one request: C calls these one after the other, and waits for a promise that one of them answers.
  // What they throw, C says in the log and answers with 500, or ends the response that has begun.

  class Context {
    waitUntil(promise) { (waits ??= []).push(Promise.resolve(promise).catch(host.report)); }
    passThroughOnException() { passes = true; }
    get props() { return {}; }
  }
  let waits = null;
  let passes = false;

  // A cron trigger's run (docs/cron.md): no client can send such a field.
  const runScheduled = async (cron) => {
    const scheduledTime = Number(host.requestHeader("x-skerry-scheduled-time") ?? Date.now());
    await scheduled({ cron, scheduledTime, type: "scheduled", noRetry() {} }, env, new Context());
    return new Response(null, { status: 204 });
  };
  host.handle = () => {
    const request = host.incoming();
    if (scheduled !== null && request.method === "POST") {
      const cron = host.requestHeader("x-skerry-cron");
      if (cron !== null) return runScheduled(cron);
    }
    return handler(request, env, new Context());
  };
  host.answer = (response) => host.respond(response, waits !== null);
  const settle = async () => {
    for (let done = 0; done < waits.length;) {
      done = waits.length;
      await Promise.all(waits);
    }
  };
  // What the script goes on with after its answer.
  host.rest = () => (waits === null ? undefined : settle());
  // After an exception: does the next handler answer in the script's place?
  host.passes = () => passes && host.requestFact(FACT_HAS_NEXT) === "1";

  host.finishTypes();

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
