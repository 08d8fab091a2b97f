// SPDX-License-Identifier: Apache-2.0
// The Fetch Standard's Request, Response and fetch.
//
// A body is text or bytes that are there, or a stream, or what C holds of the request that is served; it becomes
// a stream only when a script asks for `body`, so that what is answered in one piece goes to C in one piece.
// What an object has by default is its prototype's: setting a property is dear here, and most are never set.
(host) => {
  const BODY = Symbol("body"); // a string, a Uint8Array, a ReadableStream, INCOMING, or null
  const TYPE = Symbol("type"); // the content type that the body brings, or null
  const USED = Symbol("used");
  const HEADERS = Symbol("headers"); // null: not made yet
  const URL_ = Symbol("url");
  const METHOD = Symbol("method");
  const REDIRECT = Symbol("redirect");
  const SIGNAL = Symbol("signal");
  const CF = Symbol("cf");
  const STATUS = Symbol("status");
  const TEXT = Symbol("text");
  const KIND = Symbol("kind");
  const REDIRECTED = Symbol("redirected");
  const INCOMING = Symbol("incoming"); // the body of the request that is served, which C reads
  const NULL_BODY = [101, 103, 204, 205, 304];
  const REDIRECTS = [301, 302, 303, 307, 308];
  const FLAG_BODY = 1; // enum skerry_fetch_flag
  const FLAG_FOLLOW = 2;

  // ---- bodies

  const setBody = (owner, value) => {
    if (typeof value === "string") {
      owner[BODY] = value;
      owner[TYPE] = "text/plain;charset=UTF-8";
    } else if (value instanceof ReadableStream) {
      if (value.locked || host.isDisturbed(value)) throw new TypeError("the stream is locked or was read");
      owner[BODY] = value;
    } else if (value instanceof Blob) {
      owner[BODY] = host.blobBytes(value);
      owner[TYPE] = value.type === "" ? null : value.type;
    } else if (value instanceof FormData) {
      const { bytes, type } = host.printForm(value);
      owner[BODY] = bytes;
      owner[TYPE] = type;
    } else if (value instanceof URLSearchParams) {
      owner[BODY] = value.toString();
      owner[TYPE] = "application/x-www-form-urlencoded;charset=UTF-8";
    } else {
      const bytes = host.bytesOf(value);
      if (bytes === null) return setBody(owner, `${value}`);
      owner[BODY] = bytes.slice();
    }
  };

  const bytesIn = (chunk) => {
    const bytes = host.bytesOf(chunk);
    if (bytes === null) throw new TypeError("a body is made of bytes");
    return bytes;
  };
  const openIncoming = () => new ReadableStream({
    __proto__: null,
    type: "bytes",
    pull(controller) {
      const piece = host.readBody();
      if (piece === null) controller.close();
      else controller.enqueue(piece);
    },
  });
  const isStream = (body) => typeof body === "object" && body instanceof ReadableStream;
  const toBytes = (body) => typeof body === "string" ? host.encode(body) : body;

  // The body, which is used up then.
  const take = (owner) => {
    const body = owner[BODY];
    if (body === null) return null;
    if (isStream(body)) host.throwIfErrored(body);
    if (owner.bodyUsed || isStream(body) && body.locked) throw new TypeError("the body was read already");
    owner[USED] = true;
    return body;
  };
  // Adds what it is made of to `pieces`, and answers a promise of nothing if that takes its time: what else a promise
  // is kept with is asked for `then`, which a script may have given to all objects.
  const takePieces = (owner, pieces) => {
    const body = take(owner);
    if (body === null) return undefined;
    if (isStream(body)) return host.readAll(body, (chunk) => { pieces.push(bytesIn(chunk)); });
    if (body !== INCOMING) pieces.push(toBytes(body));
    else for (let piece = host.readBody(); piece !== null; piece = host.readBody()) pieces.push(piece);
    return undefined;
  };
  const whole = (pieces) => pieces.length === 0 ? new Uint8Array(0) : host.concat(pieces);
  const textOf = (pieces) => {
    const text = host.decode(whole(pieces), false);
    return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
  };
  // The body as a stream, and it is one from then on.
  const open = (owner) => {
    const body = owner[BODY];
    if (body !== null && !isStream(body)) owner[BODY] = body === INCOMING ? openIncoming() : host.streamOf(toBytes(body).slice()); // a copy: a stream takes its bytes away
    return owner[BODY];
  };

  class Body {
    get body() { return this[USED] && !isStream(this[BODY]) ? spent(this) : open(this); }
    get bodyUsed() { return this[USED] || isStream(this[BODY]) && host.isDisturbed(this[BODY]); }
    async text() {
      if (typeof this[BODY] === "string") return take(this).toWellFormed();
      const pieces = [];
      await takePieces(this, pieces);
      return textOf(pieces);
    }
    async json() {
      if (typeof this[BODY] === "string") return JSON.parse(take(this).toWellFormed());
      const pieces = [];
      await takePieces(this, pieces);
      return JSON.parse(textOf(pieces));
    }
    async bytes() {
      const pieces = [];
      await takePieces(this, pieces);
      return whole(pieces).slice();
    }
    async arrayBuffer() {
      const pieces = [];
      await takePieces(this, pieces);
      return whole(pieces).slice().buffer;
    }
    async blob() {
      const type = host.mimeOf(this.headers);
      const pieces = [];
      await takePieces(this, pieces);
      return new Blob(pieces, { type: type === null ? "" : host.printMime(type) });
    }
    async formData() {
      const type = this.headers.get("content-type") ?? "";
      const pieces = [];
      await takePieces(this, pieces);
      return host.parseForm(whole(pieces), type);
    }
  }
  Object.assign(Body.prototype, { [BODY]: null, [TYPE]: null, [USED]: false, [HEADERS]: null });

  // A stream that somebody has read, of a body that was read otherwise.
  const spent = (owner) => owner[BODY] = owner[BODY] === null ? null : host.spentStream();

  // Two bodies of one: a stream is teed, what is there is shared.
  const cloneBody = (owner, copy) => {
    if (owner.bodyUsed || isStream(owner[BODY]) && owner[BODY].locked) throw new TypeError("clone: the body was read already");
    if (owner[BODY] === INCOMING) open(owner);
    if (isStream(owner[BODY])) [owner[BODY], copy[BODY]] = host.teeBody(owner[BODY]);
    else copy[BODY] = owner[BODY];
  };

  // ---- Request

  const METHODS = ["DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"];
  const methodOf = (method) => {
    method = host.fieldName(`${method}`) && `${method}`; // a token too
    const upper = method.toUpperCase();
    if (["CONNECT", "TRACE", "TRACK"].includes(upper)) throw new TypeError(`${upper} is not for fetch`);
    return METHODS.includes(upper) ? upper : method;
  };
  const urlOf = (input) => {
    const url = new URL(`${input}`);
    if (host.hasCredentials(url)) throw new TypeError("Request: a URL with a user name or password");
    return url.href;
  };
  const incomingUrl = () => {
    return `${host.requestFact(host.FACTS.SCHEME)}://${host.requestHeader("host") ?? "localhost"}${host.requestUri()}`;
  };

  // Of what Workers say of a connection, what is known here.
  const incomingCf = () => {
    const tlsVersion = host.requestFact(host.FACTS.TLS);
    return { colo: host.requestFact(host.FACTS.NODE), httpProtocol: host.requestProtocol(), ...tlsVersion !== "" && { tlsVersion } };
  };

  // What browsers look at, and is kept here: the first value is the default.
  const CHOICES = {
    mode: ["cors", "same-origin", "no-cors", "navigate"], credentials: ["same-origin", "omit", "include"],
    cache: ["default", "no-store", "reload", "no-cache", "force-cache", "only-if-cached"],
    referrerPolicy: ["", "no-referrer", "no-referrer-when-downgrade", "same-origin", "origin", "strict-origin", "origin-when-cross-origin",
      "strict-origin-when-cross-origin", "unsafe-url"],
  };
  const OPTIONS = Symbol("options");
  const choose = (options, init, name) => {
    if (init[name] === undefined) return;
    const value = `${init[name]}`;
    if (!CHOICES[name].includes(value)) throw new TypeError(`Request: "${value}" is no ${name}`);
    options[name] = value;
  };
  const optionsOf = (init, from) => {
    const options = { __proto__: null, ...from };
    for (const name of ["mode", "credentials", "cache", "referrerPolicy"]) choose(options, init, name);
    if (init.integrity !== undefined) options.integrity = `${init.integrity}`;
    if (init.keepalive !== undefined) options.keepalive = !!init.keepalive;
    if (init.referrer !== undefined) options.referrer = `${init.referrer}` === "" ? "" : /^about:\/*client$/.test(init.referrer) ? "about:client" : new URL(`${init.referrer}`).href;
    if (init.window !== undefined && init.window !== null) throw new TypeError("Request: window is not null");
    if (init.duplex !== undefined && `${init.duplex}` !== "half") throw new TypeError(`Request: "${init.duplex}" is no duplex`);
    if (init.priority !== undefined && !["high", "low", "auto"].includes(`${init.priority}`)) throw new TypeError(`Request: "${init.priority}" is no priority`);
    if (options.mode === "navigate") throw new TypeError('Request: the mode is "navigate"');
    if (options.cache === "only-if-cached" && options.mode !== "same-origin") throw new TypeError('Request: the cache is "only-if-cached", the mode not "same-origin"');
    return options;
  };
  const followerOf = (signal) => {
    if (signal === null || signal === undefined) return null;
    if (!(signal instanceof AbortSignal)) throw new TypeError("Request: signal is not an AbortSignal");
    return AbortSignal.any([signal]);
  };

  class Request {
    constructor(input, init = undefined) {
      const from = input instanceof Request ? input : null;
      if (init !== undefined && init !== null && typeof init !== "object" && typeof init !== "function") throw new TypeError("Request: the options are not an object");
      if (init !== undefined && init !== null || from?.[OPTIONS]) this[OPTIONS] = optionsOf(init ?? {}, from?.[OPTIONS]);
      init ??= {};
      this[URL_] = from === null ? urlOf(input) : from.url;
      this[METHOD] = init.method !== undefined ? methodOf(init.method) : from?.[METHOD] ?? "GET";
      this[HEADERS] = new Headers(init.headers === undefined ? from?.headers : init.headers);
      this[REDIRECT] = init.redirect ?? from?.[REDIRECT] ?? "follow";
      this[SIGNAL] = followerOf(init.signal !== undefined ? init.signal : from?.[SIGNAL]);
      this[CF] = init.cf ?? from?.[CF];
      if (!["follow", "error", "manual"].includes(this[REDIRECT])) throw new TypeError(`redirect: "${this[REDIRECT]}"`);
      const given = init.body !== undefined && init.body !== null;
      const inherits = !given && init.body === undefined && from !== null && from[BODY] !== null;
      if ((given || inherits) && (this[METHOD] === "GET" || this[METHOD] === "HEAD"))
        throw new TypeError(`a request with the method ${this[METHOD]} has no body`);
      if (inherits) {
        this[BODY] = take(from);
        if (isStream(this[BODY])) this[BODY] = host.proxyStream(this[BODY]);
      }
      if (!given) return;
      if (this.keepalive && init.body instanceof ReadableStream) throw new TypeError("a request with keepalive has no stream for a body");
      setBody(this, init.body);
      if (this[TYPE] !== null) host.addType(this[HEADERS], this[TYPE]);
    }
    get url() { return this[URL_] ??= incomingUrl(); }
    get method() { return this[METHOD]; }
    get headers() { return this[HEADERS] ??= host.incomingHeaders(); }
    get redirect() { return this[REDIRECT]; }
    get signal() { return this[SIGNAL] ??= new AbortController().signal; }
    get cf() { return this[CF] ??= this === served ? incomingCf() : undefined; }
    get cache() { return this[OPTIONS]?.cache ?? "default"; }
    get credentials() { return this[OPTIONS]?.credentials ?? "same-origin"; }
    get destination() { return ""; }
    get integrity() { return this[OPTIONS]?.integrity ?? ""; }
    get keepalive() { return this[OPTIONS]?.keepalive ?? false; }
    get mode() { return this[OPTIONS]?.mode ?? "cors"; }
    get referrer() { return this[OPTIONS]?.referrer ?? "about:client"; }
    get referrerPolicy() { return this[OPTIONS]?.referrerPolicy ?? ""; }
    get isReloadNavigation() { return false; }
    get isHistoryNavigation() { return false; }
    get duplex() { return "half"; }
    clone() {
      const copy = new Request(this.url, { method: this[METHOD], headers: this.headers, redirect: this[REDIRECT], signal: this[SIGNAL], cf: this[CF] });
      if (this[OPTIONS] !== null) copy[OPTIONS] = this[OPTIONS];
      cloneBody(this, copy);
      return copy;
    }
  }
  // What they have of a body is above them in the chain of prototypes; a class that extends costs each `new`.
  Object.setPrototypeOf(Request.prototype, Body.prototype);
  Object.assign(Request.prototype, { [URL_]: null, [METHOD]: "GET", [REDIRECT]: "manual", [SIGNAL]: null, [CF]: undefined, [OPTIONS]: null });

  let served = null;
  // The request that is served: its parts stay in C until they are asked for.
  host.incoming = () => {
    const request = served = Object.create(Request.prototype);
    const method = host.requestMethod();
    if (method === "GET") return request;
    request[METHOD] = method;
    if (method !== "HEAD") request[BODY] = INCOMING;
    return request;
  };

  // ---- Response

  const statusOf = (status) => {
    status = Number(status);
    if (!(status >= 200 && status <= 599)) throw new RangeError(`${status} is not the status of a response`);
    return Math.trunc(status);
  };

  const reasonOf = (text) => {
    text = `${text}`;
    if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(text)) throw new TypeError("Response: statusText has characters that it cannot have");
    return text;
  };

  class Response {
    constructor(body = undefined, init = undefined) {
      if (init !== undefined && init !== null) {
        const { status } = init;
        if (status !== undefined && status !== 200) this[STATUS] = statusOf(status); // else it is the prototype's
        if (typeof init !== "object" && typeof init !== "function") throw new TypeError("Response: the options are not an object");
        if (init.statusText !== undefined) this[TEXT] = reasonOf(init.statusText);
        if (init.headers !== undefined) this[HEADERS] = new Headers(init.headers);
      }
      if (body === undefined || body === null) return;
      if (NULL_BODY.includes(this[STATUS])) throw new TypeError(`a response with the status ${this[STATUS]} has no body`);
      setBody(this, body);
      if (this[TYPE] !== null && this[HEADERS] !== null) host.addType(this[HEADERS], this[TYPE]);
    }
    static error() {
      const response = new Response();
      response[KIND] = "error";
      response[STATUS] = 0;
      host.fixHeaders(response.headers);
      return response;
    }
    static json(data, init = undefined) {
      const text = JSON.stringify(data);
      if (text === undefined) throw new TypeError("Response.json: the value has no JSON");
      const response = new Response(null, init);
      if (NULL_BODY.includes(response[STATUS])) throw new TypeError(`a response with the status ${response[STATUS]} has no body`);
      response[BODY] = text;
      response[TYPE] = "application/json";
      if (response[HEADERS] !== null) host.addType(response[HEADERS], response[TYPE]);
      return response;
    }
    static redirect(url, status = 302) {
      if (!REDIRECTS.includes(status)) throw new RangeError(`${status} is not the status of a redirect`);
      return new Response(null, { status, headers: { location: new URL(`${url}`).href } });
    }
    get status() { return this[STATUS]; }
    get ok() { return this[STATUS] >= 200 && this[STATUS] <= 299; }
    get statusText() { return this[TEXT]; }
    get headers() { return this[HEADERS] ??= host.headersOf(this[TYPE] === null ? [] : ["content-type", this[TYPE]], false); }
    get type() { return this[KIND]; }
    get url() { return this[URL_]; }
    get redirected() { return this[REDIRECTED]; }
    clone() {
      const copy = new Response();
      for (const key of [STATUS, TEXT, KIND, URL_, REDIRECTED]) copy[key] = this[key];
      copy[HEADERS] = new Headers(this.headers);
      cloneBody(this, copy);
      return copy;
    }
  }
  Object.setPrototypeOf(Response.prototype, Body.prototype);
  Object.assign(Response.prototype, { [STATUS]: 200, [TEXT]: "", [KIND]: "default", [URL_]: "", [REDIRECTED]: false });

  // ---- fetch

  const sendBody = async (handle, stream) => {
    try {
      await host.readAll(stream, (chunk) => host.fetchWrite(handle, bytesIn(chunk)));
      host.fetchEnd(handle);
    } catch (error) {
      host.close(handle);
      throw error;
    }
  };

  // The answer's body comes piece by piece, when it is wanted.
  const receive = (handle, signal) => new ReadableStream({
    __proto__: null,
    type: "bytes",
    start(controller) { signal?.addEventListener("abort", () => controller.error(signal.reason), { __proto__: null, once: true }); },
    async pull(controller) {
      if (signal?.aborted) throw signal.reason;
      await host.whenReady(handle);
      if (signal?.aborted) throw signal.reason;
      const piece = host.fetchRead(handle);
      if (piece !== null) return controller.enqueue(piece);
      host.close(handle);
      controller.close();
    },
    cancel() { host.close(handle); },
  });

  // [RFC 9110 15]: the words that servers send are not kept, and newer versions of HTTP have none.
  const REASONS = { HTTP_STATUSES }; // of http_status.def: embed.py writes them here

  // What a handle of C answers, as a Response.
  host.responseOf = async (handle, { url = "", method = "GET", signal = null } = {}) => {
    const aborted = signal === null ? null : new Promise((_, reject) => {
      signal.addEventListener("abort", () => {
        host.close(handle);
        reject(signal.reason);
      }, { __proto__: null, once: true });
    });
    await (aborted === null ? host.whenReady(handle) : Promise.race([host.whenReady(handle), aborted]));
    const status = host.fetchStatus(handle);
    const response = new Response();
    const at = host.fetchUrl(handle);
    response[STATUS] = status;
    response[TEXT] = REASONS[status] ?? "";
    response[KIND] = "basic";
    response[URL_] = at === "" ? url : at;
    response[REDIRECTED] = at !== "" && url !== "" && at !== url;
    response[HEADERS] = host.headersOf(host.fetchHeaders(handle), true);
    if (NULL_BODY.includes(status) || method === "HEAD") host.close(handle);
    else response[BODY] = receive(handle, signal);
    return response;
  };

  host.signalOf = (request) => request[SIGNAL];

  const fetchData = (url, isHead) => {
    const { bytes, type } = host.readData(host.urlWithoutFragment(url));
    const response = new Response(isHead ? null : bytes, { headers: { "content-type": type } });
    response[TEXT] = "OK";
    response[KIND] = "basic";
    response[URL_] = url.href;
    return response;
  };

  // [Subresource Integrity] Of the strongest hash that is named, one has to fit.
  const checkIntegrity = async (response, integrity) => {
    const rows = integrity.split(/[\t\n\f\r ]+/).map((text) => /^sha(256|384|512)-([A-Za-z0-9+/_-]+={0,2})(\?|$)/i.exec(text)).filter((row) => row !== null);
    if (rows.length === 0) return;
    const bits = `${Math.max(...rows.map(([, size]) => Number(size)))}`;
    const pieces = [];
    await takePieces(response, pieces);
    const bytes = whole(pieces);
    const unpadded = (text) => text.replace(/=+$/, "");
    const digest = unpadded(btoa(String.fromCharCode(...host.digest(`SHA-${bits}`, bytes))));
    if (!rows.some(([, size, text]) => size === bits && unpadded(text).replaceAll("-", "+").replaceAll("_", "/") === digest))
      throw new TypeError("fetch failed: the answer is not what `integrity` says");
    response[USED] = false;
    response[BODY] = bytes;
  };

  const fetch = async (input, init = undefined) => {
    const request = new Request(input, init);
    const body = request[BODY];
    const signal = request[SIGNAL];
    const redirect = request[REDIRECT];
    if (signal?.aborted) throw signal.reason;
    const url = new URL(request.url);
    if (url.protocol === "data:") return fetchData(url, request.method === "HEAD");
    if (url.protocol !== "http:" && url.protocol !== "https:") throw new TypeError(`fetch: ${url.protocol} is not http: or https:`);
    const target = host.urlWithoutFragment(url);
    const streams = body === INCOMING || isStream(body);
    const bytes = body === null || streams ? null : toBytes(take(request));
    const flags = (streams ? FLAG_BODY : 0) | (redirect === "follow" ? FLAG_FOLLOW : 0);
    const handle = host.fetch(request.method, target, host.headerList(request.headers), bytes, flags, 0);
    const sent = streams ? sendBody(handle, request.body) : null;
    sent?.catch(() => {});
    const response = await host.responseOf(handle, { url: target, method: request.method, signal });
    if (redirect === "error" && REDIRECTS.includes(response.status)) throw new TypeError("fetch failed: a redirect");
    if (request.integrity !== "") await checkIntegrity(response, request.integrity);
    return response;
  };

  // ---- the answer of the script

  const LENGTH = Symbol("length");
  // How long a stream will be, if it keeps its word.
  host.setLength = (stream, length) => { stream[LENGTH] = length; };

  const writeStream = (stream) => host.readAll(stream, (chunk) => {
    host.write(typeof chunk === "string" ? chunk : bytesIn(chunk));
    host.flush();
  });
  // Sends a response, and answers a promise if that takes its time; `more` says that the script goes on after
  // it, so the client is told its length.
  host.respond = (response, more) => {
    if (!(response instanceof Response)) throw new TypeError("the handler's answer is not a Response");
    const status = response[STATUS];
    if (status === 0) throw new TypeError("the handler's answer is Response.error()");
    let body = take(response);
    let fields = response[HEADERS] !== null ? host.headerList(response[HEADERS]) : response[TYPE] === null ? [] : ["content-type", response[TYPE]];
    if (body === INCOMING) body = openIncoming();
    if (isStream(body)) {
      if (body[LENGTH] !== undefined && !fields.includes("content-length")) fields = [...fields, "content-length", `${body[LENGTH]}`];
      host.sendHead(status, fields);
      return writeStream(body);
    }
    if (more && !NULL_BODY.includes(status) && !fields.includes("content-length")) {
      body = body === null ? new Uint8Array(0) : toBytes(body);
      fields = [...fields, "content-length", `${body.length}`];
    }
    host.sendHead(status, fields);
    if (body !== null) host.write(body);
    if (more) host.flush();
    return undefined;
  };

  host.tag(Request, "Request");
  host.tag(Response, "Response");
  host.define("Request", Request);
  host.define("Response", Response);
  host.define("fetch", fetch);
}
