// SPDX-License-Identifier: Apache-2.0
// What `env` holds: variables and secrets, the store, other functions, files, rate limits; and what the upload's
// metadata binds, as Workers' projects declare it.
(host) => {
  const FOREVER_MS = 0;
  const MS_PER_S = 1000;
  const KEYS_MAX = 1000; // of one list
  const ASSETS = "*assets"; // call_start_v1
  const MARK = Uint8Array.of(0, 0x53, 0x6b, 0x4d, 1); // before a value with metadata: then its length, and it
  const HEAD_BYTES = MARK.length + 4;
  const LISTED_BYTES = HEAD_BYTES + 1024; // of each value, for a list; of longer metadata the value is read

  // ---- the store

  const asBytes = (value) => {
    if (typeof value === "string") return host.encode(value);
    const bytes = host.bytesOf(value);
    if (bytes === null) throw new TypeError("put: neither text nor bytes");
    return bytes;
  };
  const wrap = (bytes, metadata) => {
    if (metadata === undefined || metadata === null) return bytes;
    const text = host.encode(JSON.stringify(metadata));
    const length = new Uint8Array(4);
    new DataView(length.buffer).setUint32(0, text.length, true);
    return host.concat([MARK, length, text, bytes]);
  };
  const endOf = (bytes) => HEAD_BYTES + new DataView(bytes.buffer, bytes.byteOffset).getUint32(MARK.length, true);
  const unwrap = (bytes) => {
    if (bytes.length < HEAD_BYTES || !MARK.every((byte, i) => bytes[i] === byte)) return { bytes, metadata: null };
    const end = endOf(bytes);
    return { bytes: bytes.slice(end), metadata: JSON.parse(host.decode(bytes.subarray(HEAD_BYTES, end), false)) };
  };
  const readers = {
    __proto__: null,
    text: (bytes) => host.decode(bytes, false),
    json: (bytes) => JSON.parse(host.decode(bytes, false)),
    arrayBuffer: (bytes) => bytes.buffer,
    stream: (bytes) => host.streamOf(bytes),
  };
  const change = async (handle) => {
    await host.whenReady(handle);
    host.kvFinish(handle);
  };
  const lifetime = ({ expirationTtl, expiration }) => {
    if (expirationTtl === undefined && expiration === undefined) return FOREVER_MS;
    const ms = expirationTtl !== undefined ? Number(expirationTtl) * MS_PER_S : Number(expiration) * MS_PER_S - Date.now();
    if (Number.isNaN(ms)) throw new TypeError("put: the expiration is no number of seconds");
    return Math.max(1, Math.min(ms, Number.MAX_SAFE_INTEGER));
  };
  // A namespace is what keys begin with.
  const kvOf = (namespace) => {
    const read = (key, options) => {
      const type = typeof options === "string" ? options : options?.type ?? "text";
      if (readers[type] === undefined) throw new TypeError(`get: "${type}" is no type`);
      const bytes = host.kvGet(`${namespace}${key}`);
      if (bytes === null) return { value: null, metadata: null };
      const found = unwrap(bytes);
      return { value: readers[type](found.bytes), metadata: found.metadata };
    };
    const rowOf = (key, head) => {
      const name = key.slice(namespace.length);
      if (head === null || head.length < HEAD_BYTES) return { name };
      const bytes = endOf(head) <= head.length ? head : host.kvGet(key);
      const metadata = bytes === null ? null : unwrap(bytes).metadata;
      return metadata === null ? { name } : { name, metadata };
    };
    const listed = (begin, after) => host.kvList(begin, after, MARK, LISTED_BYTES);
    const each = (keys, options, pick) => new Map(keys.map((key) => [key, pick(read(key, options))]));
    return Object.freeze({
      async get(key, options) { return Array.isArray(key) ? each(key, options, ({ value }) => value) : read(key, options).value; },
      async getWithMetadata(key, options) { return Array.isArray(key) ? each(key, options, (found) => found) : { ...read(key, options) }; },
      async put(key, value, options) {
        if (value instanceof ReadableStream) value = await new Response(value).bytes();
        await change(host.kvPut(`${namespace}${key}`, wrap(asBytes(value), options?.metadata), lifetime(options ?? {})));
      },
      async delete(key) { await change(host.kvDelete(`${namespace}${key}`)); },
      async list({ prefix, limit = KEYS_MAX, cursor } = {}) {
        limit = Math.min(Math.max(1, Math.trunc(Number(limit)) || KEYS_MAX), KEYS_MAX);
        const begin = `${namespace}${prefix ?? ""}`;
        const after = cursor === undefined || cursor === null || cursor === "" ? "" : `${namespace}${cursor}`;
        const found = listed(begin, after); // a key, its value's head, and so on
        const keys = [];
        for (let i = 0; i < found.length && keys.length < limit; i += 2) keys.push(rowOf(found[i], found[i + 1]));
        const last = keys.at(-1)?.name;
        const complete = found.length === 0 || keys.length * 2 === found.length && listed(begin, `${namespace}${last}`).length === 0;
        return { keys, list_complete: complete, ...complete ? {} : { cursor: last } };
      },
    });
  };

  // ---- other functions, files, rate limits

  const siblingOf = (name) => Object.freeze({
    async fetch(input, init) {
      const request = new Request(input, init);
      const url = new URL(request.url);
      const bytes = request.body === null ? null : await request.bytes();
      const fields = host.headerList(request.headers);
      const signal = host.signalOf(request);
      signal?.throwIfAborted();
      return host.responseOf(host.call(name, request.method, url.pathname + url.search, fields, bytes), { url: url.href, method: request.method, signal });
    },
  });
  const limiterOf = (name, { limit, period }) => Object.freeze({
    async limit({ key }) { return { success: host.rate(`${name}:${key}`, limit, period * MS_PER_S) }; },
  });

  const bound = new Map();
  const KINDS = {
    __proto__: null,
    kv_namespace: (row) => kvOf(row.namespace_id === undefined ? "" : `${row.namespace_id}/`),
    service: (row) => siblingOf(row.service),
    assets: () => siblingOf(ASSETS),
    ratelimit: (row) => limiterOf(row.namespace_id ?? row.name, row.simple),
    plain_text: (row) => row.text,
    json: (row) => row.json,
  };
  // Of the upload's metadata.
  host.bind = (rows) => {
    for (const row of rows) {
      if (!(row.type in KINDS)) throw new TypeError(`the binding ${row.name} is of the type "${row.type}", which is not here`);
      bound.set(`${row.name}`, KINDS[row.type](row));
    }
  };
  host.boundNames = () => [...bound.keys()];
  const siblings = new Proxy({}, { get: (target, name) => typeof name === "string" ? siblingOf(name) : undefined });
  const always = new Map([["KV", kvOf("")], ["ASSETS", siblingOf(ASSETS)], ["functions", siblings]]);
  const find = (name) => bound.get(name) ?? host.env(name) ?? always.get(name);
  host.kvOf = kvOf;
  host.env_ = new Proxy({}, {
    get: (target, name) => typeof name === "string" ? find(name) : undefined,
    has: (target, name) => typeof name === "string" && find(name) !== undefined,
    set: (target, name, value) => bound.set(name, value) === bound, // of this request
    ownKeys: () => [...bound.keys()],
    getOwnPropertyDescriptor: (target, name) => bound.has(name) ? { value: bound.get(name), enumerable: true, configurable: true, writable: true } : undefined,
  });
}
