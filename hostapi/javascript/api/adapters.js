// SPDX-License-Identifier: Apache-2.0
// Handlers of other forms than Workers'. Which one a script has is told by its shape, or else by `adapter`:
//
//   lambda       export const handler = async (event, context) => ({ statusCode, headers, body }): AWS Lambda behind an HTTP
//                API, and Netlify's functions of the first kind. The event has the fields of both versions of its payload
//   lambda-edge  the same, with CloudFront's events: answers { status, headers }, or the request, which goes on
//   netlify      export default (request, context) => Response: Netlify's functions of the second kind and edge functions;
//                told by `export const config = { path }` too
(host) => {
  const base64 = (bytes) => {
    let text = "";
    for (const byte of bytes) text += String.fromCharCode(byte);
    return btoa(text);
  };
  const fromBase64 = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const isText = (type) => /^(text\/|application\/(json|xml|javascript|x-www-form-urlencoded|[\w.+-]*\+(json|xml)))/i.test(type);
  const grouped = (pairs) => {
    const all = { __proto__: null };
    for (const [name, value] of pairs) (all[name] ??= []).push(value);
    return Object.fromEntries(Object.entries(all));
  };
  const joined = (groups) => Object.fromEntries(Object.entries(groups).map(([name, values]) => [name, values.join(",")]));
  const addressOf = (request) => request.headers.get("cf-connecting-ip");
  // A handler of events, which may answer by its callback too.
  const call = async (handler, event, context) => {
    const requestId = crypto.randomUUID();
    const lambda = {
      functionName: host.requestFact(host.FACTS.FUNCTION), functionVersion: "$LATEST", awsRequestId: requestId, callbackWaitsForEmptyEventLoop: true,
      getRemainingTimeInMillis: () => 10_000, waitUntil: (promise) => context.waitUntil(promise),
    };
    return new Promise((resolve, reject) => {
      const answer = handler(event, lambda, (error, result) => error ? reject(error) : resolve(result));
      if (answer !== undefined) resolve(answer);
    });
  };

  // ---- lambda

  const eventOf = async (request) => {
    const url = new URL(request.url);
    const fields = grouped(request.headers);
    const query = grouped(url.searchParams);
    const bytes = request.body === null ? null : await request.bytes();
    const isBase64Encoded = bytes !== null && !isText(request.headers.get("content-type") ?? "");
    const sourceIp = addressOf(request);
    const userAgent = request.headers.get("user-agent");
    return {
      version: "2.0", routeKey: "$default", rawPath: url.pathname, rawQueryString: url.search.slice(1),
      path: url.pathname, httpMethod: request.method, resource: "/{proxy+}", rawUrl: request.url, rawQuery: url.search.slice(1),
      headers: joined(fields), multiValueHeaders: fields,
      queryStringParameters: joined(query), multiValueQueryStringParameters: query,
      cookies: request.headers.get("cookie")?.split("; ") ?? [], pathParameters: { proxy: url.pathname.slice(1) }, stageVariables: null,
      requestContext: {
        accountId: "skerry", apiId: "skerry", stage: "$default", domainName: url.hostname, requestId: crypto.randomUUID(), timeEpoch: Date.now(),
        path: url.pathname, httpMethod: request.method, identity: { sourceIp, userAgent },
        http: { method: request.method, path: url.pathname, protocol: request.cf?.httpProtocol ?? "HTTP/1.1", sourceIp, userAgent },
      },
      body: bytes === null ? null : isBase64Encoded ? base64(bytes) : host.decode(bytes, false), isBase64Encoded,
    };
  };
  const responseOf = (result) => {
    if (result instanceof Response) return result;
    if (typeof result !== "object" || result === null || result.statusCode === undefined)
      return typeof result === "string" ? new Response(result, { headers: { "content-type": "application/json" } }) : Response.json(result ?? null);
    const headers = new Headers();
    for (const [name, value] of Object.entries(result.headers ?? {})) headers.set(name, `${value}`);
    for (const [name, values] of Object.entries(result.multiValueHeaders ?? {})) for (const value of values) headers.append(name, `${value}`);
    for (const cookie of result.cookies ?? []) headers.append("set-cookie", cookie);
    if (!headers.has("content-type")) headers.set("content-type", "application/json");
    const body = result.body === undefined || result.body === "" ? null : result.isBase64Encoded ? fromBase64(result.body) : `${result.body}`;
    return new Response(body, { status: Number(result.statusCode), headers });
  };

  // ---- lambda-edge

  // CloudFront's headers: by their names in lower case, a list of { key, value }.
  const listed = (headers) => {
    const all = { __proto__: null };
    for (const [key, value] of headers) (all[key] ??= []).push({ key, value });
    return Object.fromEntries(Object.entries(all));
  };
  const unlisted = (headers = {}) => new Headers(Object.entries(headers).flatMap(([name, rows]) => rows.map((row) => [row.key ?? name, `${row.value}`])));
  const recordOf = async (request) => {
    const { pathname, search, hostname } = new URL(request.url);
    const bytes = request.body === null ? null : await request.bytes();
    return {
      config: { distributionDomainName: hostname, distributionId: "skerry", eventType: "viewer-request", requestId: crypto.randomUUID() },
      request: {
        clientIp: addressOf(request), method: request.method, uri: pathname, querystring: search.slice(1), headers: listed(request.headers),
        ...bytes !== null && { body: { action: "read-only", encoding: "base64", data: base64(bytes), inputTruncated: false } },
      },
    };
  };
  // The request that a handler passed on: to its origin, or to the function's files.
  const goOn = (from, env) => {
    const path = `${from.uri}${from.querystring ? `?${from.querystring}` : ""}`;
    const headers = unlisted(from.headers);
    headers.delete("cf-connecting-ip");
    const given = from.body?.data;
    const body = given === undefined || ["GET", "HEAD"].includes(from.method) ? undefined : from.body.encoding === "text" ? given : fromBase64(given);
    const to = from.origin?.custom ?? from.origin?.s3;
    if (to === undefined) return env.ASSETS.fetch(new Request(`http://assets${path}`, { method: from.method, headers, body }));
    headers.delete("host");
    return fetch(`${to.protocol ?? "https"}://${to.domainName}${to.port === undefined ? "" : `:${to.port}`}${to.path ?? ""}${path}`, { method: from.method, headers, body });
  };
  const edgeResponseOf = (result, env) => {
    if (typeof result?.uri === "string" && result.status === undefined) return goOn(result, env);
    if (typeof result !== "object" || result === null) throw new TypeError("the handler answered neither a response nor the request");
    const body = result.body === undefined || result.body === "" ? null : result.bodyEncoding === "base64" ? fromBase64(result.body) : `${result.body}`;
    return new Response(body, { status: Number(result.status), statusText: result.statusDescription ?? "", headers: unlisted(result.headers) });
  };

  // ---- netlify

  const cookiesOf = (request) => {
    const set = [];
    const given = () => Object.fromEntries((request.headers.get("cookie") ?? "").split(/; */).filter(Boolean).map((row) => [row.split("=", 1)[0], row.slice(row.indexOf("=") + 1)]));
    const print = ({ name, value, path = "/", domain, expires, maxAge, httpOnly, secure, sameSite }) => [`${name}=${value}`, `Path=${path}`, domain && `Domain=${domain}`,
      expires && `Expires=${new Date(expires).toUTCString()}`, maxAge !== undefined && `Max-Age=${maxAge}`, httpOnly && "HttpOnly", secure && "Secure", sameSite && `SameSite=${sameSite}`].filter(Boolean).join("; ");
    return {
      set_: set,
      get: (name) => given()[typeof name === "object" ? name.name : name],
      set: (name, value) => { set.push(print(typeof name === "object" ? name : { name, value })); },
      delete: (name) => { set.push(print({ ...typeof name === "object" ? name : { name }, value: "", expires: 0 })); },
    };
  };
  const paramsOf = (config, url) => {
    for (const path of [config?.path ?? []].flat()) {
      const found = new URLPattern({ pathname: path }).exec(url);
      if (found !== null) return { ...found.pathname.groups };
    }
    return {};
  };
  const adaptNetlify = (handler, exports) => async (request, env, context) => {
    const url = new URL(request.url);
    const { set_: set, ...cookies } = cookiesOf(request);
    const next = (input = request) => env.ASSETS.fetch(input instanceof Request ? input : new URL(input, url));
    const netlify = {
      account: { id: "" }, cookies, deploy: { id: "", context: "production", published: true }, geo: {}, ip: addressOf(request), params: paramsOf(exports.config, url.href),
      requestId: crypto.randomUUID(), server: { region: host.requestFact(host.FACTS.NODE) }, site: { id: "", name: host.requestFact(host.FACTS.FUNCTION), url: url.origin }, url,
      json: (data, init) => Response.json(data, init), log: (...values) => console.log(...values), next, rewrite: async (to) => next(to),
      waitUntil: (promise) => context.waitUntil(promise),
    };
    const answer = await handler(request, netlify);
    if (answer instanceof URL) return next(answer);
    const response = answer ?? await next();
    if (set.length === 0 || !(response instanceof Response)) return response;
    const changed = new Response(response.body, response);
    for (const row of set) changed.headers.append("set-cookie", row);
    return changed;
  };

  host.adapters = {
    __proto__: null,
    lambda: ({ handler }) => typeof handler === "function" && (async (request, env, context) => responseOf(await call(handler, await eventOf(request), context))),
    "lambda-edge": ({ handler }) => typeof handler === "function" &&
      (async (request, env, context) => edgeResponseOf(await call(handler, { Records: [{ cf: await recordOf(request) }] }, context), env)),
    netlify: (exports) => typeof exports.default === "function" && adaptNetlify(exports.default, exports),
  };
  host.define("Netlify", { env: {
    get: (name) => process.env[name], has: (name) => name in process.env, set: (name, value) => { process.env[name] = value; },
    delete: (name) => delete process.env[name], toObject: () => ({ ...process.env }),
  } });
}
