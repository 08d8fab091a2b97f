// SPDX-License-Identifier: Apache-2.0
// Handlers of another form: `export const handler = async (event, context) => ({ statusCode, headers, body })`, as AWS
// Lambda has them behind an HTTP API, and Netlify's functions of the first kind. The event has the fields of both
// versions of its payload.
(host) => {
  const base64 = (bytes) => {
    let text = "";
    for (const byte of bytes) text += String.fromCharCode(byte);
    return btoa(text);
  };
  const isText = (type) => /^(text\/|application\/(json|xml|javascript|x-www-form-urlencoded|[\w.+-]*\+(json|xml)))/i.test(type);
  const grouped = (pairs) => {
    const all = {};
    for (const [name, value] of pairs) (all[name] ??= []).push(value);
    return all;
  };
  const joined = (groups) => Object.fromEntries(Object.entries(groups).map(([name, values]) => [name, values.join(",")]));

  const eventOf = async (request) => {
    const url = new URL(request.url);
    const fields = grouped(request.headers);
    const query = grouped(url.searchParams);
    const bytes = request.body === null ? null : await request.bytes();
    const isBase64Encoded = bytes !== null && !isText(request.headers.get("content-type") ?? "");
    const sourceIp = request.headers.get("cf-connecting-ip");
    const userAgent = request.headers.get("user-agent");
    return {
      version: "2.0", routeKey: "$default", rawPath: url.pathname, rawQueryString: url.search.slice(1),
      path: url.pathname, httpMethod: request.method, resource: "/{proxy+}", rawUrl: request.url,
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
    const body = result.body === undefined || result.body === "" ? null
      : result.isBase64Encoded ? Uint8Array.from(atob(result.body), (character) => character.charCodeAt(0)) : `${result.body}`;
    return new Response(body, { status: Number(result.statusCode), headers });
  };

  // A handler of events as one of requests; it may answer by its callback too.
  host.adaptEvents = (handler) => async (request, env, context) => {
    const event = await eventOf(request);
    const lambda = {
      functionName: "skerry", functionVersion: "$LATEST", awsRequestId: event.requestContext.requestId, callbackWaitsForEmptyEventLoop: true,
      getRemainingTimeInMillis: () => 10_000, waitUntil: (promise) => context.waitUntil(promise),
    };
    return responseOf(await new Promise((resolve, reject) => {
      const answer = handler(event, lambda, (error, result) => error ? reject(error) : resolve(result));
      if (answer !== undefined) resolve(answer);
    }));
  };
}
