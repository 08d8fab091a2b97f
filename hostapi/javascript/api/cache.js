// SPDX-License-Identifier: Apache-2.0
// `caches`: answers that are kept in the tenant's store, for as long as their Cache-Control says. All workers see one
// cache, and each function its own.
//
// What is kept has one of so many places, found by a hash of function, cache and URL; who comes later to a place has
// it. So all caches of a tenant have at most 48 MiB of its store, whatever is put, and nothing has to be counted.
(host) => {
  const PLACES = [[1 << 14, 1024], [1 << 17, 128], [1 << 20, 16]]; // an answer of at most so many bytes; so many of them
  const AGE_MAX_S = 86400 * 30;
  const STATUSES = [200, 203, 204, 300, 301, 404, 405, 410, 414, 501]; // that may be kept [RFC 9110 15.1]

  // How many seconds an answer may be kept; 0: not at all.
  const ageOf = (response) => {
    const control = (response.headers.get("cache-control") ?? "").toLowerCase();
    if (/(^|[\s,])(no-store|private|no-cache)($|[\s,=])/.test(control) || response.headers.has("set-cookie")) return 0;
    const seconds = /(?:^|[\s,])s-maxage="?(\d+)/.exec(control)?.[1] ?? /(?:^|[\s,])max-age="?(\d+)/.exec(control)?.[1];
    if (seconds !== undefined) return Math.min(Number(seconds), AGE_MAX_S);
    const until = Date.parse(response.headers.get("expires") ?? "");
    return Number.isNaN(until) ? 0 : Math.min(Math.max(0, Math.floor((until - Date.now()) / 1000)), AGE_MAX_S);
  };

  const store = host.kvOf("cache/");
  // Of a URL, which may be longer than a key: its name, and its place among those of each size.
  const placesOf = async (cache, request) => {
    const url = new URL(request.url);
    url.hash = "";
    const text = `${host.requestFact(host.FACTS.FUNCTION)}\n${cache}\n${url.href}`;
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", host.encode(text)));
    const name = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
    const number = new DataView(digest.buffer).getUint32(0);
    return { name, keys: PLACES.map(([, count], size) => `${size}/${number % count}`) };
  };
  // Where it is, if it is: { key, value, metadata }.
  const find = async ({ name, keys }) => {
    for (const key of keys) {
      const { value, metadata } = await store.getWithMetadata(key, "arrayBuffer");
      if (metadata?.name === name) return { key, value, metadata };
    }
    return null;
  };
  const keep = async (places, bytes, metadata, age) => {
    const size = PLACES.findIndex(([most]) => bytes.length + JSON.stringify(metadata).length <= most);
    const before = await find(places);
    if (before !== null && before.key !== places.keys[size]) await store.delete(before.key);
    if (size >= 0) await store.put(places.keys[size], bytes, { expirationTtl: age, metadata });
  };

  class Cache {
    #name;
    constructor(key, name) {
      if (key !== host) throw new TypeError("Illegal constructor");
      this.#name = name;
    }
    async put(input, response) {
      const request = new Request(input);
      if (request.method !== "GET") throw new TypeError("cache.put: only answers to GET are kept");
      if (!(response instanceof Response)) throw new TypeError("cache.put: not a Response");
      if (response.status === 206) throw new TypeError("cache.put: a part of an answer is not kept");
      if (response.headers.get("vary")?.includes("*")) throw new TypeError("cache.put: an answer with `Vary: *` is not kept");
      const age = ageOf(response);
      const bytes = await response.bytes();
      if (age === 0 || !STATUSES.includes(response.status)) return;
      const places = await placesOf(this.#name, request);
      const metadata = { name: places.name, status: response.status, headers: [...response.headers], at: Date.now() };
      try {
        await keep(places, bytes, metadata, age);
      } catch (error) { // a cache that is full keeps nothing, and breaks nothing
        host.log(-1, `cache.put: ${error}`);
      }
    }
    async match(input, options) {
      const request = new Request(input);
      if (request.method !== "GET" && !options?.ignoreMethod) return undefined;
      const found = await find(await placesOf(this.#name, request));
      if (found === null) return undefined;
      const { value, metadata } = found;
      const headers = new Headers(metadata.headers);
      headers.set("age", `${Math.max(0, Math.floor((Date.now() - metadata.at) / 1000))}`);
      headers.set("cf-cache-status", "HIT");
      const wanted = request.headers.get("if-none-match");
      if (wanted !== null && wanted === headers.get("etag")) return new Response(null, { status: 304, headers });
      return new Response(metadata.status === 204 ? null : value, { status: metadata.status, headers });
    }
    async delete(input, options) {
      const request = new Request(input);
      if (request.method !== "GET" && !options?.ignoreMethod) return false;
      const found = await find(await placesOf(this.#name, request));
      if (found !== null) await store.delete(found.key);
      return found !== null;
    }
  }

  class CacheStorage {
    #open = new Map();
    get default() { return this.#named("default"); }
    async open(name) { return this.#named(`named/${name}`); }
    #named(name) {
      if (!this.#open.has(name)) this.#open.set(name, new Cache(host, name));
      return this.#open.get(name);
    }
  }
  for (const type of [Cache, CacheStorage]) {
    host.tag(type, type.name);
    host.define(type.name, type);
  }
  host.define("caches", new CacheStorage());
}
