// SPDX-License-Identifier: Apache-2.0
// URL and URLSearchParams over the parser in C, which answers components.
(host) => {
  const PARTS = Symbol("url");
  const LIST = Symbol("pairs");
  // In the order of C's enum url_part, and its flags.
  const [SCHEME, USER, PASSWORD, HOST, PORT, PATH, QUERY, FRAGMENT, HAS_HOST, HAS_QUERY, HAS_FRAGMENT, OPAQUE] =
    Array.from({ length: 12 }, (_, i) => i);
  const [SET_CONTROL, SET_FRAGMENT, SET_QUERY, SET_SPECIAL_QUERY, SET_PATH, SET_USER] =
    Array.from({ length: 6 }, (_, i) => i);
  const SPECIAL = { http: "80", https: "443", ws: "80", wss: "443", ftp: "21", file: "" };

  const serialise = (parts, withFragment = true) => {
    let text = `${parts[SCHEME]}:`;
    if (parts[HAS_HOST]) {
      text += "//";
      if (parts[USER] !== "" || parts[PASSWORD] !== "")
        text += parts[USER] + (parts[PASSWORD] === "" ? "" : `:${parts[PASSWORD]}`) + "@";
      text += parts[HOST] + (parts[PORT] === "" ? "" : `:${parts[PORT]}`);
    } else if (!parts[OPAQUE] && parts[PATH].startsWith("//")) {
      text += "/.";
    }
    text += parts[PATH];
    if (parts[HAS_QUERY]) text += `?${parts[QUERY]}`;
    if (withFragment && parts[HAS_FRAGMENT]) text += `#${parts[FRAGMENT]}`;
    return text;
  };

  // ---- application/x-www-form-urlencoded

  const parseForm = host.parseQuery;
  const encodeForm = (text) => {
    let out = "";
    for (const byte of host.encode(text)) {
      const plain = byte >= 0x30 && byte <= 0x39 || byte >= 0x41 && byte <= 0x5a || byte >= 0x61 && byte <= 0x7a ||
        byte === 0x2a || byte === 0x2d || byte === 0x2e || byte === 0x5f;
      out += plain ? String.fromCharCode(byte) : byte === 0x20 ? "+" : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
    }
    return out;
  };
  const isPlain = (text) => /^[A-Za-z0-9*\-._]*$/.test(text);
  const printForm = (list) =>
    list.map(([name, value]) => `${isPlain(name) ? name : encodeForm(name)}=${isPlain(value) ? value : encodeForm(value)}`).join("&");

  class URLSearchParams {
    constructor(init = "") {
      this[LIST] = [];
      if (typeof init !== "object" && typeof init !== "function" || init === null) {
        const text = `${init}`;
        this[LIST] = parseForm(text.startsWith("?") ? text.slice(1) : text);
      } else if (typeof init[Symbol.iterator] === "function") {
        for (const pair of init) {
          const [name, value, ...more] = pair;
          if (more.length > 0 || [...pair].length !== 2) throw new TypeError("URLSearchParams: not a pair");
          this[LIST].push([`${name}`.toWellFormed(), `${value}`.toWellFormed()]);
        }
      } else {
        const pairs = new Map(); // two names may become one
        for (const name of Reflect.ownKeys(init)) {
          if (!Reflect.getOwnPropertyDescriptor(init, name)?.enumerable) continue;
          if (typeof name === "symbol") throw new TypeError("URLSearchParams: a symbol is no name");
          pairs.set(name.toWellFormed(), `${init[name]}`.toWellFormed());
        }
        this[LIST] = [...pairs];
      }
    }
    get size() { return this[LIST].length; }
    append(name, value) {
      this[LIST].push([`${name}`.toWellFormed(), `${value}`.toWellFormed()]);
      changed(this);
    }
    delete(name, value = undefined) {
      name = `${name}`;
      this[LIST] = this[LIST].filter((pair) => pair[0] !== name || value !== undefined && pair[1] !== `${value}`);
      changed(this);
    }
    get(name) {
      name = `${name}`;
      for (const pair of this[LIST]) if (pair[0] === name) return pair[1];
      return null;
    }
    getAll(name) {
      name = `${name}`;
      return this[LIST].filter((pair) => pair[0] === name).map((pair) => pair[1]);
    }
    has(name, value = undefined) {
      name = `${name}`;
      return this[LIST].some((pair) => pair[0] === name && (value === undefined || pair[1] === `${value}`));
    }
    set(name, value) {
      name = `${name}`.toWellFormed();
      const at = this[LIST].findIndex((pair) => pair[0] === name);
      if (at < 0) return this.append(name, value);
      this[LIST] = this[LIST].filter((pair, i) => i <= at || pair[0] !== name);
      this[LIST][at] = [name, `${value}`.toWellFormed()];
      changed(this);
    }
    sort() {
      this[LIST].sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0));
      changed(this);
    }
    toString() { return printForm(this[LIST]); }
  }
  URLSearchParams.prototype[PARTS] = null; // the URL that it is of
  host.addIteration(URLSearchParams, (params, index) => params[LIST][index]);

  const changed = (params) => {
    const url = params[PARTS];
    if (url === null) return;
    const query = params.toString();
    url[PARTS][QUERY] = query;
    url[PARTS][HAS_QUERY] = query !== "";
    stripOpaque(url[PARTS]);
  };
  // An opaque path that nothing follows ends in no blank.
  const stripOpaque = (parts) => { if (parts[OPAQUE] && !parts[HAS_QUERY] && !parts[HAS_FRAGMENT]) parts[PATH] = parts[PATH].replace(/ +$/, ""); };
  const withoutBreaks = (text) => `${text}`.toWellFormed().replace(/[\t\n\r]/g, "");

  class URL {
    constructor(text, base = undefined) {
      const parts = host.parseUrl(`${text}`, base === undefined ? undefined : `${base}`);
      if (parts === null) throw new TypeError(`Invalid URL: ${text}`);
      this[PARTS] = parts;
    }
    static canParse(text, base = undefined) {
      return host.parseUrl(`${text}`, base === undefined ? undefined : `${base}`) !== null;
    }
    static parse(text, base = undefined) {
      try {
        return new URL(text, base);
      } catch {
        return null;
      }
    }
    get href() { return serialise(this[PARTS]); }
    set href(text) {
      const parts = host.parseUrl(`${text}`, undefined);
      if (parts === null) throw new TypeError(`Invalid URL: ${text}`);
      this[PARTS] = parts;
      refresh(this);
    }
    get origin() {
      const parts = this[PARTS];
      if (parts[SCHEME] === "blob") {
        const inner = URL.parse(parts[PATH]);
        return inner !== null && /^https?:$/.test(inner.protocol) ? inner.origin : "null";
      }
      if (!(parts[SCHEME] in SPECIAL) || parts[SCHEME] === "file") return "null";
      return `${parts[SCHEME]}://${this.host}`;
    }
    get protocol() { return `${this[PARTS][SCHEME]}:`; }
    set protocol(text) {
      const parts = this[PARTS];
      const name = /^([A-Za-z][A-Za-z0-9+.-]*)(:|$)/.exec(withoutBreaks(text))?.[1].toLowerCase();
      if (name === undefined || name in SPECIAL !== parts[SCHEME] in SPECIAL) return;
      if (name === "file" && (parts[USER] !== "" || parts[PASSWORD] !== "" || parts[PORT] !== "")) return;
      if (parts[SCHEME] === "file" && parts[HOST] === "") return;
      parts[SCHEME] = name;
      if (parts[PORT] === SPECIAL[name]) parts[PORT] = "";
    }
    get username() { return this[PARTS][USER]; }
    set username(text) { if (canHavePort(this)) this[PARTS][USER] = host.percentEncode(`${text}`.toWellFormed(), SET_USER); }
    get password() { return this[PARTS][PASSWORD]; }
    set password(text) { if (canHavePort(this)) this[PARTS][PASSWORD] = host.percentEncode(`${text}`.toWellFormed(), SET_USER); }
    get host() { return this[PARTS][HOST] + (this[PARTS][PORT] === "" ? "" : `:${this[PARTS][PORT]}`); }
    set host(text) { setHost(this, withoutBreaks(text), true); }
    get hostname() { return this[PARTS][HOST]; }
    set hostname(text) { setHost(this, withoutBreaks(text), false); }
    get port() { return this[PARTS][PORT]; }
    set port(text) {
      if (!canHavePort(this)) return;
      text = withoutBreaks(text);
      const digits = /^[0-9]+/.exec(text)?.[0];
      if (text === "") this[PARTS][PORT] = "";
      else if (digits !== undefined && Number(digits) <= 65535)
        this[PARTS][PORT] = `${Number(digits)}` === SPECIAL[this[PARTS][SCHEME]] ? "" : `${Number(digits)}`;
    }
    get pathname() { return this[PARTS][PATH]; }
    set pathname(text) {
      const parts = this[PARTS];
      if (parts[OPAQUE]) return;
      const special = parts[SCHEME] in SPECIAL;
      text = `${text}`.toWellFormed().replaceAll("?", "%3F").replaceAll("#", "%23");
      if (text === "" && !special && parts[HAS_HOST]) {
        parts[PATH] = "";
        return;
      }
      if (!(text.startsWith("/") || special && text.startsWith("\\"))) text = `/${text}`;
      // "#": what stands at the end is not around the URL.
      const parsed = host.parseUrl(`${special ? parts[SCHEME] === "file" ? "file://" : "http://h" : "x://h"}${text}#`, undefined);
      if (parsed !== null) parts[PATH] = parsed[PATH];
    }
    get search() { return this[PARTS][HAS_QUERY] && this[PARTS][QUERY] !== "" ? `?${this[PARTS][QUERY]}` : ""; }
    set search(text) {
      const parts = this[PARTS];
      text = `${text}`;
      parts[HAS_QUERY] = text !== "";
      parts[QUERY] = host.percentEncode(withoutBreaks(text.startsWith("?") ? text.slice(1) : text), parts[SCHEME] in SPECIAL ? SET_SPECIAL_QUERY : SET_QUERY);
      stripOpaque(parts);
      refresh(this);
    }
    get searchParams() {
      if (this[LIST] === null) {
        const params = Object.create(URLSearchParams.prototype);
        params[PARTS] = this;
        params[LIST] = parseForm(this[PARTS][QUERY]);
        this[LIST] = params;
      }
      return this[LIST];
    }
    get hash() { return this[PARTS][HAS_FRAGMENT] && this[PARTS][FRAGMENT] !== "" ? `#${this[PARTS][FRAGMENT]}` : ""; }
    set hash(text) {
      text = `${text}`;
      this[PARTS][HAS_FRAGMENT] = text !== "";
      this[PARTS][FRAGMENT] = host.percentEncode(withoutBreaks(text.startsWith("#") ? text.slice(1) : text), SET_FRAGMENT);
      stripOpaque(this[PARTS]);
    }
    toString() { return serialise(this[PARTS]); }
    toJSON() { return serialise(this[PARTS]); }
  }

  URL.prototype[LIST] = null; // its searchParams, once somebody asks
  const refresh = (url) => { if (url[LIST] !== null) url[LIST][LIST] = parseForm(url[PARTS][QUERY]); };
  const canHavePort = (url) => url[PARTS][HOST] !== "" && url[PARTS][SCHEME] !== "file";
  const setHost = (url, text, withPort) => {
    const parts = url[PARTS];
    if (parts[OPAQUE]) return;
    const special = parts[SCHEME] in SPECIAL;
    const isFile = parts[SCHEME] === "file";
    const end = text.search(special ? /[/?#\\]/ : /[/?#]/);
    if (end >= 0) text = text.slice(0, end);
    if (text.includes("@")) return;
    const port = isFile ? null : /:([0-9]*)[^\]]*$/.exec(text);
    if (port !== null && !withPort) return;
    if (port !== null) text = text.slice(0, port.index);
    if (text === "" && (special && !isFile || port !== null || parts[PORT] !== "" || host.hasCredentials(url))) return;
    // A slash: what stands at the end is not around the URL; a file's host is not a drive here.
    const parsed = text === "" ? null : isFile && /^[a-z][:|]$/i.test(text) ? undefined : host.parseUrl(`${special ? isFile ? "file" : "http" : "x"}://${text}/`, undefined);
    if (parsed === undefined || parsed === null && text !== "") return;
    parts[HOST] = parsed === null ? "" : parsed[HOST];
    parts[HAS_HOST] = true;
    if (withPort && port !== null && port[1] !== "") url.port = port[1];
  };

  host.urlWithoutFragment = (url) => serialise(url[PARTS], false);
  host.hasCredentials = (url) => url[PARTS][USER] !== "" || url[PARTS][PASSWORD] !== "";
  host.tag(URL, "URL");
  host.tag(URLSearchParams, "URLSearchParams");
  host.define("URL", URL);
  host.define("URLSearchParams", URLSearchParams);
}
