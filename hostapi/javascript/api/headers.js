// SPDX-License-Identifier: Apache-2.0
// Headers, over the array that crosses to C: name, value, name, value, names in lower case.
(host) => {
  const LIST = Symbol("headers");
  const FIXED = Symbol("fixed");
  const lower = host.fieldName;
  const clean = host.fieldValue;
  // Those of the request that is served stay in C until somebody wants more than one by its name.
  const listOf = (headers) => headers[LIST] ??= host.requestHeaders();
  const mutable = (headers) => {
    if (headers[FIXED]) throw new TypeError("these headers cannot be changed");
    if (headers[SORTED] !== null) headers[SORTED] = null;
    return listOf(headers);
  };

  // Sorted, values of one name joined, but each cookie for itself; kept until something changes.
  const SORTED = Symbol("sorted");
  const sortedOf = (headers) => {
    if (headers[SORTED] !== null) return headers[SORTED];
    const list = listOf(headers);
    const rows = [];
    for (const name of [...new Set(list.filter((_, i) => i % 2 === 0))].sort()) {
      if (name === "set-cookie") for (const value of headers.getSetCookie()) rows.push([name, value]);
      else rows.push([name, headers.get(name)]);
    }
    return headers[SORTED] = rows;
  };
  const listOfPairs = (init, iterate) => {
    const list = [];
    for (const pair of { [Symbol.iterator]: () => Reflect.apply(iterate, init, []) }) {
      if (typeof pair !== "object" || pair === null || typeof pair[Symbol.iterator] !== "function") throw new TypeError("Headers: not a pair");
      const [name, value, ...more] = pair;
      if (more.length > 0 || value === undefined && [...pair].length !== 2) throw new TypeError("Headers: not a pair");
      list.push(lower(name), clean(value));
    }
    return list;
  };
  const listFrom = (init) => {
    if (init === null || typeof init !== "object" && typeof init !== "function") throw new TypeError("Headers: neither a list of pairs nor a record");
    const iterate = init[Symbol.iterator];
    if (iterate === entries && !host.isProxy(init) && init instanceof Headers) return [...listOf(init)];
    return iterate === undefined || iterate === null ? host.recordFields(init) : listOfPairs(init, iterate);
  };

  class Headers {
    constructor(init = undefined) {
      this[LIST] = init === undefined ? [] : listFrom(init);
    }
    append(name, value) { mutable(this).push(lower(name), clean(value)); }
    delete(name) {
      name = lower(name);
      const list = mutable(this);
      for (let i = list.length - 2; i >= 0; i -= 2) if (list[i] === name) list.splice(i, 2);
    }
    get(name) {
      name = lower(name);
      const list = this[LIST];
      if (list === null) return host.requestHeader(name);
      let found = null;
      for (let i = 0; i < list.length; i += 2) if (list[i] === name) found = found === null ? list[i + 1] : `${found}, ${list[i + 1]}`;
      return found;
    }
    getSetCookie() {
      const list = listOf(this);
      return list.filter((_, i) => i % 2 === 1 && list[i - 1] === "set-cookie");
    }
    has(name) {
      name = lower(name);
      const list = listOf(this);
      for (let i = 0; i < list.length; i += 2) if (list[i] === name) return true;
      return false;
    }
    set(name, value) {
      name = lower(name);
      value = clean(value);
      const list = mutable(this);
      let at = -1;
      for (let i = list.length - 2; i >= 0; i -= 2) {
        if (list[i] !== name) continue;
        if (at >= 0) list.splice(at, 2);
        at = i;
      }
      if (at < 0) list.push(name, value);
      else list[at + 1] = value;
    }
  }
  Headers.prototype[LIST] = null;
  Headers.prototype[FIXED] = false;
  Headers.prototype[SORTED] = null;
  host.addIteration(Headers, (headers, index) => {
    if (!(headers instanceof Headers)) throw new TypeError("Illegal invocation");
    return sortedOf(headers)[index];
  });
  const { entries } = Headers.prototype;

  host.headerList = listOf;
  // Of what the body is, if the script has not said it.
  host.addType = (headers, type) => {
    const list = listOf(headers);
    if (list.includes("content-type")) return;
    list.push("content-type", type);
    headers[SORTED] = null;
  };
  // Headers of a list of C's, which nobody else holds.
  host.headersOf = (list, fixed) => {
    const headers = Object.create(Headers.prototype);
    headers[LIST] = list;
    if (fixed) headers[FIXED] = true;
    return headers;
  };
  host.incomingHeaders = () => Object.create(Headers.prototype);
  host.fixHeaders = (headers) => {
    headers[FIXED] = true;
    return headers;
  };
  host.tag(Headers, "Headers");
  host.define("Headers", Headers);
}
