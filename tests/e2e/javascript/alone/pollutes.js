// SPDX-License-Identifier: Apache-2.0
// Each function of the built-in object that the path names throws, one after the other, while the web API is used.
const use = async (request, env) => {
  const headers = new Headers({ a: "b", c: "d" });
  headers.append("a", "e");
  [...headers];
  const url = new URL("/x?y=z", request.url);
  url.searchParams.set("y", "w");
  const response = new Response(new Blob(["text"]), { headers });
  const copy = response.clone();
  await copy.text();
  await Response.json({ a: [1, { b: 2 }] }).json();
  await new Response(new ReadableStream({ start(c) { c.enqueue(new Uint8Array(2)); c.close(); } })).bytes();
  structuredClone({ a: new Map([[1, new Set([2])]]) });
  await crypto.subtle.digest("SHA-256", new TextEncoder().encode("x"));
  await env.KV.get("none");
  await new Promise((resolve) => setTimeout(resolve, 0));
  new URLPattern({ pathname: "/:a" }).exec({ pathname: "/b" });
  console.log({ deep: [1] });
};
const names = { TypedArray: Object.getPrototypeOf(Uint8Array), Iterator: { prototype: Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]())) } };
export default {
  async fetch(request, env) {
    const name = new URL(request.url).pathname.slice(1);
    const type = names[name] ?? globalThis[name];
    let thrown = 0, calm = 0;
    for (const owner of [type.prototype, typeof type === "function" || !type.prototype ? type : undefined].filter(Boolean)) {
      for (const key of Reflect.ownKeys(owner)) {
        const kept = Object.getOwnPropertyDescriptor(owner, key);
        if (!kept.configurable || key === "constructor" || typeof (kept.value ?? kept.get) !== "function") continue;
        const evil = function () { throw new Error("evil"); };
        const define = Reflect.defineProperty;
        define(owner, key, kept.get ? { get: evil, configurable: true } : { value: evil, configurable: true, writable: true });
        try {
          await use(request, env);
          calm++;
        } catch (error) {
          thrown++;
        } finally {
          define(owner, key, kept);
        }
      }
    }
    await use(request, env);
    return new Response(`${calm + thrown > 0}`);
  },
};
