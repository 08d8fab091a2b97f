// SPDX-License-Identifier: Apache-2.0
// What javascript_same.py asks two servers: calls of the web API by name, forms, and an echo.
const parts = (url) => ["href", "origin", "protocol", "username", "password", "host", "hostname",
  "port", "pathname", "search", "hash"].map((name) => url[name]);
const tries = (run) => { try { return run(); } catch (error) { return `${error.name}`; } };
const hex = (bytes) => Array.from(new Uint8Array(bytes), (byte) => byte.toString(16)).join(" ");
const checks = {
  url: (text, base) => tries(() => parts(new URL(text, base || undefined))),
  set: (text, name, value) => tries(() => { const url = new URL(text); url[name] = value; return parts(url); }),
  params: (text) => { const params = new URLSearchParams(text); params.sort(); return [[...params], `${params}`]; },
  headers: (name, value) => tries(() => { const headers = new Headers(); headers.append(name, value); headers.append("b", "1"); headers.append("b", "2"); return [...headers]; }),
  btoa: (text) => tries(() => btoa(text)),
  atob: (text) => tries(() => hex(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)))),
  encode: (text) => hex(new TextEncoder().encode(text)),
  decode: (text, label) => tries(() => new TextDecoder(label).decode(Uint8Array.from(text, (c) => c.charCodeAt(0) & 255))),
  clone: (text) => tries(() => structuredClone(JSON.parse(text))),
  status: (text) => tries(() => { const response = new Response("x", { status: Number(text) }); return [response.status, response.ok]; }),
  request: (method, url) => tries(() => { const request = new Request(url, { method }); return [request.method, request.url, request.redirect]; }),
  pattern: (pattern, url) => tries(() => Object.entries(new URLPattern({ pathname: pattern }).exec(url)?.pathname.groups ?? {}).map(([name, value]) => [name, value ?? ""])),
};
export default {
  async fetch(request) {
    const url = new URL(request.url);
    if (url.pathname === "/check") {
      const [name, ...values] = await request.json();
      return Response.json(await checks[name](...values) ?? null);
    }
    if (url.pathname === "/form") {
      try {
        const form = await request.formData();
        const rows = await Promise.all([...form].map(async ([name, value]) =>
          typeof value === "string" ? [name, value] : [name, value.name, value.type, await value.text()]));
        return Response.json(rows);
      } catch (error) {
        return new Response(error.name, { status: 400 });
      }
    }
    const headers = new Headers({ "x-method": request.method, "x-query": url.search });
    for (const name of ["accept", "x-a", "content-type"]) headers.append("x-seen", `${name}=${request.headers.get(name)}`);
    const text = await request.text();
    return new Response(JSON.stringify([url.pathname, [...url.searchParams], text]), { status: 200 + text.length % 3, headers });
  },
};
