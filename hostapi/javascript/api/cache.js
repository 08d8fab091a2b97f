// SPDX-License-Identifier: Apache-2.0
// `caches`: answers that are kept in the tenant's store, under keys of their own, for as long as their Cache-Control
// says. All workers see one cache.
(host) => {
  const BODY_MAX = 1 << 20; // bytes; more is not kept
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

  class Cache {
    #store;
    constructor(key, name) {
      if (key !== host) throw new TypeError("Illegal constructor");
      this.#store = host.kvOf(`cache/${name}/`);
    }
    async put(input, response) {
      const request = new Request(input);
      if (request.method !== "GET") throw new TypeError("cache.put: only answers to GET are kept");
      if (!(response instanceof Response)) throw new TypeError("cache.put: not a Response");
      if (response.status === 206) throw new TypeError("cache.put: a part of an answer is not kept");
      if (response.headers.get("vary")?.includes("*")) throw new TypeError("cache.put: an answer with `Vary: *` is not kept");
      const age = ageOf(response);
      const bytes = await response.bytes();
      if (age === 0 || bytes.length > BODY_MAX || !STATUSES.includes(response.status)) return;
      const metadata = { status: response.status, headers: [...response.headers], at: Date.now() };
      await this.#store.put(await keyOf(request), bytes, { expirationTtl: age, metadata });
    }
    async match(input, options) {
      const request = new Request(input);
      if (request.method !== "GET" && !options?.ignoreMethod) return undefined;
      const { value, metadata } = await this.#store.getWithMetadata(await keyOf(request), "arrayBuffer");
      if (metadata === null) return undefined;
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
      const key = await keyOf(request);
      if (await this.#store.get(key, "arrayBuffer") === null) return false;
      await this.#store.delete(key);
      return true;
    }
  }
  // A URL may be longer than a key.
  const keyOf = async (request) => {
    const url = new URL(request.url);
    url.hash = "";
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", host.encode(url.href)));
    return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  };

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
