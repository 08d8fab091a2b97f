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
    return listOf(headers);
  };

  class Headers {
    constructor(init) {
      this[LIST] = [];
      if (init === undefined || init === null) return;
      if (typeof init !== "object") throw new TypeError("Headers: neither a list of pairs nor a record");
      if (init instanceof Headers) {
        this[LIST] = listOf(init).slice();
      } else if (typeof init[Symbol.iterator] === "function") {
        for (const pair of init) {
          const [name, value, ...more] = pair;
          if (value === undefined || more.length > 0) throw new TypeError("Headers: not a pair");
          this[LIST].push(lower(name), clean(value));
        }
      } else {
        for (const name in init) this[LIST].push(lower(name), clean(init[name]));
      }
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
    forEach(call, self) { for (const [name, value] of this) call.call(self, value, name, this); }
    // Sorted, values of one name joined, but each cookie for itself.
    *entries() {
      const list = listOf(this);
      const names = new Set(list.filter((_, i) => i % 2 === 0));
      for (const name of [...names].sort()) {
        if (name === "set-cookie") for (const value of this.getSetCookie()) yield [name, value];
        else yield [name, this.get(name)];
      }
    }
    *keys() { for (const [name] of this.entries()) yield name; }
    *values() { for (const [, value] of this.entries()) yield value; }
  }
  Headers.prototype[LIST] = null;
  Headers.prototype[FIXED] = false;
  Headers.prototype[Symbol.iterator] = Headers.prototype.entries;

  host.headerList = listOf;
  // Of what the body is, if the script has not said it.
  host.addType = (headers, type) => {
    const list = listOf(headers);
    if (!list.includes("content-type")) list.push("content-type", type);
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
