// SPDX-License-Identifier: Apache-2.0
// The URL Pattern Standard: each component of a URL has a pattern, which becomes a regular expression.
(host) => {
  const STATE = Symbol("pattern");
  const PARTS = ["protocol", "username", "password", "hostname", "port", "pathname", "search", "hash"];
  const PORTS = { http: "80", https: "443", ws: "80", wss: "443", ftp: "21" };
  const SET_FRAGMENT = 1, SET_QUERY = 2, SET_PATH = 4; // enum url_set
  // What a group without an expression of its own takes, and what belongs to it if it stands before it.
  const SEGMENTS = { pathname: "[^\\/]+?", hostname: "[^\\.]+?" };
  const PREFIXES = { pathname: "/" };
  const ENCODE = {
    hostname: (text) => text.toLowerCase(),
    pathname: (text) => host.percentEncode(text, SET_PATH),
    search: (text) => host.percentEncode(text, SET_QUERY),
    hash: (text) => host.percentEncode(text, SET_FRAGMENT),
  };
  const escape = (text) => text.replace(/[.+*?^${}()[\]|/\\]/g, "\\$&");
  const escapePattern = (text) => text.replace(/[+*?:{}()\\]/g, "\\$&");

  // ---- a pattern's parts: { text } or { name, expression, prefix, suffix, modifier }

  // From an opening parenthesis to behind its end.
  const endOfGroup = (text, from) => {
    let depth = 0;
    for (let at = from; at < text.length; at++) {
      if (text[at] === "\\") at++;
      else if (text[at] === "(") depth++;
      else if (text[at] === ")" && --depth === 0) return at + 1;
    }
    throw new TypeError(`URLPattern: a parenthesis is not closed: ${text}`);
  };
  // One token at `at`: [kind, what it says, where it ends].
  const tokenAt = (text, at) => {
    if (text[at] === "\\") {
      if (at + 1 === text.length) throw new TypeError("URLPattern: nothing is escaped");
      return ["text", text[at + 1], at + 2];
    }
    if (text[at] === "*") return ["group", { expression: ".*" }, at + 1];
    const name = /^:([A-Za-z_$][\w$]*)/.exec(text.slice(at, at + 128))?.[1];
    if (name !== undefined) {
      const next = at + 1 + name.length;
      if (text[next] !== "(") return ["group", { name }, next];
      const end = endOfGroup(text, next);
      return ["group", { name, expression: text.slice(next + 1, end - 1), own: true }, end];
    }
    if (text[at] === "(") {
      const end = endOfGroup(text, at);
      return ["group", { expression: text.slice(at + 1, end - 1), own: true }, end];
    }
    return [text[at] === "{" || text[at] === "}" ? text[at] : "text", text[at], at + 1];
  };
  const modifierAt = (text, at) => at < text.length && "?+*".includes(text[at]) ? text[at] : "";

  const parse = (text, part) => {
    const parts = [];
    let fixed = "";
    const flush = () => {
      if (fixed !== "") parts.push({ text: fixed });
      fixed = "";
    };
    const takeBraces = (from) => {
      const inner = { prefix: "", suffix: "", group: null };
      for (let at = from; ;) {
        if (at >= text.length) throw new TypeError(`URLPattern: a brace is not closed: ${text}`);
        const [kind, value, end] = tokenAt(text, at);
        at = end;
        if (kind === "}") return [inner, at];
        if (kind === "{" || kind === "group" && inner.group !== null) throw new TypeError("URLPattern: braces in braces, or two groups in them");
        if (kind === "group") inner.group = value;
        else inner[inner.group === null ? "prefix" : "suffix"] += value;
      }
    };
    for (let at = 0; at < text.length;) {
      const [kind, value, end] = tokenAt(text, at);
      at = end;
      if (kind === "text") {
        fixed += value;
      } else if (kind === "}") {
        throw new TypeError(`URLPattern: a brace that is not open: ${text}`);
      } else if (kind === "{") {
        const [inner, next] = takeBraces(at);
        const modifier = modifierAt(text, next);
        at = next + modifier.length;
        if (inner.group === null && modifier === "") {
          fixed += inner.prefix;
          continue;
        }
        flush();
        parts.push({ ...inner.group ?? { expression: null }, prefix: inner.prefix, suffix: inner.suffix, modifier });
      } else {
        const modifier = modifierAt(text, at);
        at += modifier.length;
        let prefix = "";
        if (PREFIXES[part] !== undefined && fixed.endsWith(PREFIXES[part])) {
          prefix = PREFIXES[part];
          fixed = fixed.slice(0, -1);
        }
        flush();
        parts.push({ ...value, prefix, suffix: "", modifier });
      }
    }
    flush();
    return parts;
  };

  const compile = (text, part, ignoreCase) => {
    const names = [];
    let count = 0;
    const encode = ENCODE[part] ?? ((value) => value);
    const encoded = (value) => escape(encode(value));
    let source = "^";
    const parts = parse(text, part);
    for (const row of parts) {
      if (row.text !== undefined) {
        source += encoded(row.text);
        continue;
      }
      const before = encoded(row.prefix);
      const after = encoded(row.suffix);
      if (row.expression === null) {
        source += `(?:${before}${after})${row.modifier}`;
        continue;
      }
      const name = row.name ?? `${count++}`;
      if (names.includes(name)) throw new TypeError(`URLPattern: two groups are called ${name}`);
      names.push(name);
      const inner = row.expression ?? SEGMENTS[part] ?? ".+?";
      const repeats = row.modifier === "+" || row.modifier === "*";
      const group = repeats ? `((?:${inner})(?:${after}${before}(?:${inner}))*)` : `(${inner})`;
      const optional = row.modifier === "?" || row.modifier === "*" ? "?" : "";
      source += before === "" && after === "" && !repeats ? group + optional : `(?:${before}${group}${after})${optional}`;
    }
    try {
      return { text, names, expression: new RegExp(`${source}$`, ignoreCase ? "ui" : "u"), own: parts.some((row) => row.own) };
    } catch (error) {
      throw new TypeError(`URLPattern: ${error.message}`);
    }
  };

  // ---- a whole pattern as one text

  // Where one of the characters stands outside groups, from `from` on; -1: nowhere. A `?` behind a group is a modifier.
  const findOutside = (text, characters, from = 0) => {
    let depth = 0;
    let behind = false;
    for (let at = from; at < text.length;) {
      const [kind, , end] = tokenAt(text, at);
      if (depth === 0 && end === at + 1 && characters.includes(text[at]) && kind === "text" && !(text[at] === "?" && behind)) return at;
      behind = kind === "group" || kind === "}";
      depth += kind === "{" ? 1 : kind === "}" ? -1 : 0;
      at = end;
    }
    return -1;
  };
  const cut = (text, at) => at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
  const takeAuthority = (text, init) => {
    const sign = findOutside(text, "@");
    let place = text;
    if (sign >= 0) {
      [init.username, init.password] = cut(text.slice(0, sign), findOutside(text.slice(0, sign), ":"));
      place = text.slice(sign + 1);
    }
    const closing = place.startsWith("[") ? place.indexOf("]") : 0;
    const colon = findOutside(place, ":", Math.max(closing, 0));
    [init.hostname, init.port] = cut(place, colon);
    init.port ??= "";
  };
  const split = (text) => {
    const init = {};
    let rest = text;
    [rest, init.hash] = cut(rest, findOutside(rest, "#"));
    [rest, init.search] = cut(rest, findOutside(rest, "?"));
    const colon = findOutside(rest, ":");
    const slash = findOutside(rest, "/");
    if (colon >= 0 && (slash < 0 || colon < slash)) {
      init.protocol = rest.slice(0, colon);
      rest = rest.slice(colon + 1);
      if (rest.startsWith("//")) {
        const end = findOutside(rest, "/", 2);
        takeAuthority(rest.slice(2, end < 0 ? rest.length : end), init);
        rest = end < 0 ? init.search === undefined && init.hash === undefined ? undefined : "/" : rest.slice(end);
      }
    }
    if (rest !== undefined && (rest !== "" || init.protocol !== undefined)) init.pathname = rest;
    if (init.hash !== undefined && init.search === undefined) init.search = "";
    for (const part of PARTS) if (init[part] === undefined) delete init[part];
    return init;
  };
  // What is not said comes from the base, as far as nothing before it is said.
  const inherit = (init, base) => {
    const url = new URL(base);
    const from = { protocol: url.protocol.slice(0, -1), username: url.username, password: url.password, hostname: url.hostname,
      port: url.port, pathname: url.pathname, search: url.search.slice(1), hash: "" };
    const out = { ...init };
    const isSaid = (...parts) => parts.some((part) => init[part] !== undefined);
    out.protocol ??= escapePattern(from.protocol);
    if (!isSaid("protocol", "hostname")) out.hostname = escapePattern(from.hostname);
    if (!isSaid("protocol", "hostname", "port")) out.port = escapePattern(from.port);
    if (!isSaid("protocol", "hostname", "port", "pathname")) {
      out.pathname = escapePattern(from.pathname);
      if (!isSaid("search")) out.search = escapePattern(from.search);
    } else if (out.pathname !== undefined && !/^(\/|\\|\{\/|\*|:|\()/.test(out.pathname)) {
      out.pathname = escapePattern(from.pathname.slice(0, from.pathname.lastIndexOf("/") + 1)) + out.pathname;
    }
    return out;
  };
  const initOf = (input, base) => {
    if (typeof input === "object" && input !== null) {
      if (base !== undefined) throw new TypeError("URLPattern: a base beside an object stands in it");
      const init = {};
      for (const part of PARTS) if (input[part] !== undefined) init[part] = `${input[part]}`;
      if (init.protocol?.endsWith(":")) init.protocol = init.protocol.slice(0, -1);
      if (init.search?.startsWith("?")) init.search = init.search.slice(1);
      if (init.hash?.startsWith("#")) init.hash = init.hash.slice(1);
      return input.baseURL === undefined ? init : inherit(init, `${input.baseURL}`);
    }
    const init = split(`${input}`);
    if (base !== undefined) return inherit(init, `${base}`);
    if (init.protocol === undefined) throw new TypeError(`URLPattern: "${input}" is relative, and there is no base`);
    return init;
  };
  const partsOf = (input, base) => {
    if (typeof input === "object" && input !== null && !(input instanceof URL)) {
      const init = initOf(input);
      return Object.fromEntries(PARTS.map((part) => [part, init[part] ?? ""]));
    }
    const url = URL.parse(`${input}`, base);
    return url === null ? null : { protocol: url.protocol.slice(0, -1), username: url.username, password: url.password, hostname: url.hostname,
      port: url.port, pathname: url.pathname, search: url.search.slice(1), hash: url.hash.slice(1) };
  };

  class URLPattern {
    constructor(input = {}, base, options) {
      if (typeof base === "object" && base !== null) [base, options] = [undefined, base];
      const init = initOf(input, base);
      if (PORTS[init.protocol] !== undefined && init.port === PORTS[init.protocol]) init.port = "";
      this[STATE] = Object.fromEntries(PARTS.map((part) => [part, compile(init[part] ?? "*", part, !!options?.ignoreCase)]));
    }
    test(input = {}, base) { return this.exec(input, base) !== null; }
    exec(input = {}, base) {
      const values = partsOf(input, base);
      if (values === null) return null;
      const result = { inputs: base === undefined ? [input] : [input, base] };
      for (const part of PARTS) {
        const { names, expression } = this[STATE][part];
        const found = expression.exec(values[part]);
        if (found === null) return null;
        result[part] = { input: values[part], groups: Object.fromEntries(names.map((name, i) => [name, found[i + 1]])) };
      }
      return result;
    }
    get hasRegExpGroups() { return PARTS.some((part) => this[STATE][part].own); }
  }
  for (const part of PARTS)
    Object.defineProperty(URLPattern.prototype, part, { get() { return this[STATE][part].text; }, enumerable: true, configurable: true });
  host.tag(URLPattern, "URLPattern");
  host.define("URLPattern", URLPattern);
}
