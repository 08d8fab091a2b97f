// SPDX-License-Identifier: Apache-2.0
// A deployed script and the requests that it answers: `export default { fetch(request, env, ctx) }`, a
// function as the default export, addEventListener("fetch", ...), or `export const handler`.
(host) => {
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
  const adapt = (name, exports) => {
    if (host.adapters[name] === undefined) throw new TypeError(`the adapter "${name}" is not here: workers, ${Object.keys(host.adapters).join(", ")}`);
    const found = host.adapters[name](exports);
    if (!found) throw new TypeError(`the script does not export the handler that the adapter "${name}" is for`);
    return found;
  };
  const chooseHandler = (script, exports) => {
    const adapter = host.metadata.adapter ?? exports.adapter ?? (typeof script === "function" && exports.config?.path !== undefined ? "netlify" : undefined);
    if (adapter !== undefined && adapter !== "workers") return adapt(`${adapter}`, exports);
    if (isEntrypoint(script)) return (request, environment, context) => new script(context, environment).fetch(request);
    if (typeof script === "function") return script;
    if (typeof script?.fetch === "function") return (request, environment, context) => script.fetch(request, environment, context);
    if (hears("fetch")) return dispatchFetch;
    if (typeof exports.handler === "function") return adapt("lambda", exports);
    if (scheduled !== null) return () => new Response("this function has no `fetch`\n", { status: 404 });
    throw new TypeError(script === undefined ? NOTHING : "the script's default export has no method `fetch`");
  };
  // In the older form what `env` holds are global names: those that are bound, and of others what the script calls in
  // capitals, since nobody knows all names of variables and secrets before a request.
  const CAPITALS = /(?<![\w$.])[A-Z][A-Z0-9_]{2,63}(?![\w$])/g;
  const bindGlobals = (text) => {
    const asked = new Set([...text.matchAll(/typeof\s+([A-Z][A-Z0-9_]{2,63})/g)].map((found) => found[1]));
    for (const name of new Set([...host.boundNames(), ...text.match(CAPITALS) ?? []])) {
      if (name in globalThis) continue;
      Object.defineProperty(globalThis, name, { configurable: true,
        get: () => !host.serving && asked.has(name) ? undefined : env[name], set: (value) => { host.define(name, value); } });
    }
  };
  // Called before the script is evaluated, with its text if it is of the older form, or null.
  host.prepare = (text) => {
    host.bind(host.metadata.bindings ?? []);
    if (text !== null) bindGlobals(text);
  };
  // Called with the module's exports.
  host.adopt = (exports) => {
    const script = exports.default;
    if (typeof script?.scheduled === "function") scheduled = (controller, environment, context) => script.scheduled(controller, environment, context);
    else if (hears("scheduled")) scheduled = dispatchScheduled;
    handler = chooseHandler(script, exports);
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
    passes = leaves = false;
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
    passes = leaves = true; // as a Worker leaves the request to its origin
    throw new TypeError("no listener of `fetch` has called respondWith, and there is no next step and no origin");
  };
  const dispatchScheduled = (controller, environment, context) => {
    const event = Object.assign(new ExtendableEvent("scheduled", context), controller);
    for (const [type, listener] of listeners) if (type === "scheduled") listener(event);
  };
  const isServed = (type) => type === "fetch" || type === "scheduled";
  host.define("addEventListener", (type, listener, options) => {
    if (!isServed(type)) return host.scope.addEventListener(type, listener, options);
    if (typeof listener?.handleEvent === "function") listener = listener.handleEvent.bind(listener);
    if (typeof listener !== "function") throw new TypeError(`the listener of \`${type}\` is not a function`);
    listeners.push([type, listener]);
  });
  host.define("removeEventListener", (type, listener, options) => {
    if (!isServed(type)) return host.scope.removeEventListener(type, listener, options);
    const at = listeners.findIndex((row) => row[0] === type && row[1] === listener);
    if (at >= 0) listeners.splice(at, 1);
  });
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
  let leaves = false; // ... without an exception

  // A cron trigger's run (docs/cron.md): no client can send such a field.
  const runScheduled = async (cron) => {
    const scheduledTime = Number(host.requestHeader("x-skerry-scheduled-time") ?? Date.now());
    await scheduled({ cron, scheduledTime, type: "scheduled", noRetry() {} }, env, new Context());
    return new Response(null, { status: 204 });
  };
  host.handle = () => {
    host.serving = true;
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
  // After an exception: does the next handler answer in the script's place? 0 no, 1 yes, 2 yes, and nothing went wrong.
  host.passes = () => !passes || host.requestFact(host.FACTS.HAS_NEXT) !== "1" ? 0 : leaves ? 2 : 1;

  // ---- modules that are here without being deployed

  class WorkerEntrypoint {
    constructor(context, environment) { Object.assign(this, { ctx: context, env: environment }); }
  }
  // The classes of what is not here are, so that what else such a script exports can run.
  host.builtins = { __proto__: null, "cloudflare:workers": {
    WorkerEntrypoint, env, waitUntil: (promise) => new Context().waitUntil(promise), RpcTarget: class RpcTarget {},
    DurableObject: class DurableObject extends WorkerEntrypoint {}, WorkflowEntrypoint: class WorkflowEntrypoint extends WorkerEntrypoint {},
  } };

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
