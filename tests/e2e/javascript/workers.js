// SPDX-License-Identifier: Apache-2.0
const through = async (stream, ...pieces) => {
  const writer = stream.writable.getWriter();
  const written = (async () => {
    for (const piece of pieces) await writer.write(piece);
    await writer.close();
  })();
  written.catch(() => {});
  const bytes = await new Response(stream.readable).bytes();
  await written;
  return bytes;
};
test("compression", async () => {
  const data = new TextEncoder().encode("hello hello hello ".repeat(2000));
  for (const format of ["gzip", "deflate", "deflate-raw", "brotli", "br"]) {
    const packed = await through(new CompressionStream(format), data.subarray(0, 7), data.subarray(7));
    same(packed.length < 400, true);
    const whole = await through(new DecompressionStream(format), packed.subarray(0, 11), packed.subarray(11));
    same(new TextDecoder().decode(whole) === new TextDecoder().decode(data), true);
    await rejects(TypeError, through(new DecompressionStream(format), packed.subarray(0, packed.length - 5)));
  }
  const known = Uint8Array.from(atob("H4sIAAAAAAAAA8tIzcnJBwCGphA2BQAAAA=="), (c) => c.charCodeAt(0));
  same(new TextDecoder().decode(await through(new DecompressionStream("gzip"), known)), "hello");
  await rejects(TypeError, through(new DecompressionStream("gzip"), new Uint8Array(20)));
  await rejects(TypeError, through(new DecompressionStream("gzip"), new Uint8Array([...known, 1])));
  const brotli = Uint8Array.from(atob("CwKAaGVsbG8D"), (c) => c.charCodeAt(0));
  same(new TextDecoder().decode(await through(new DecompressionStream("br"), brotli)), "hello");
  await rejects(TypeError, through(new DecompressionStream("br"), new Uint8Array(20).fill(0xff)));
  await rejects(TypeError, through(new DecompressionStream("br"), new Uint8Array([...brotli, 1])));
  await rejects(TypeError, through(new DecompressionStream("br")));
  const noise = new Uint8Array(30000).map((_, at) => (at * at * 7919) >> 5);
  const many = Array.from({ length: 30 }, (_, at) => noise.subarray(at * 1000, (at + 1) * 1000));
  same(await through(new DecompressionStream("br"), await through(new CompressionStream("br"), ...many)), noise);
  throws(TypeError, () => new CompressionStream("zstd"));
  const packed = new Response("text").body.pipeThrough(new CompressionStream("gzip"));
  same(await new Response(packed.pipeThrough(new DecompressionStream("gzip"))).text(), "text");
});
test("url patterns", () => {
  const pattern = new URLPattern({ pathname: "/items/:id/:rest*" });
  same(pattern.exec("https://h/items/7/a/b").pathname.groups, { id: "7", rest: "a/b" });
  same(pattern.test("https://h/items/7"), true);
  same(pattern.test("https://h/items"), false);
  const whole = new URLPattern("https://*.example.com/:page.html?q=:q");
  same([whole.protocol, whole.hostname, whole.pathname, whole.search, whole.port, whole.hash], ["https", "*.example.com", "/:page.html", "q=:q", "", "*"]);
  const found = whole.exec("https://a.b.example.com/home.html?q=1");
  same([found.hostname.groups["0"], found.pathname.groups.page, found.search.groups.q], ["a.b", "home", "1"]);
  same(whole.test("http://a.example.com/home.html?q=1"), false);
  same(new URLPattern("/a/:b?", "https://h:8080/x").test("https://h:8080/a"), true);
  same(new URLPattern("/a/:b?", "https://h:8080/x").test("https://h/a"), false);
  same(new URLPattern({ pathname: "/:n(\\d+)" }).hasRegExpGroups, true);
  same([new URLPattern({ pathname: "/:n(\\d+)" }).test("http://h/12"), new URLPattern({ pathname: "/:n(\\d+)" }).test("http://h/a")], [true, false]);
  same(new URLPattern({ pathname: "/a{.:ext}?" }).exec("http://h/a.png").pathname.groups, { ext: "png" });
  same(new URLPattern({ pathname: "/A" }, { ignoreCase: true }).test("http://h/a"), true);
  same(new URLPattern({ hostname: "H" }).test("http://h/"), true);
  same(new URLPattern().test("http://h/"), true);
  same(new URLPattern("https://h:443/*").test("https://h/x"), true);
  for (const bad of ["/relative", "https://h/(", "https://h/{a"]) throws(TypeError, () => new URLPattern(bad));
  throws(TypeError, () => new URLPattern({ pathname: "/:a/:a" }));
});
test("the cache", async () => {
  const url = "https://example.com/kept?x=1";
  same(await caches.default.match(url), undefined);
  await caches.default.put(url, new Response("text", { headers: { "cache-control": "public, max-age=60", etag: '"e"', "x-a": "b" } }));
  const hit = await caches.default.match(new Request(`${url}#fragment`));
  same([hit.status, await hit.text(), hit.headers.get("x-a"), hit.headers.get("cf-cache-status")], [200, "text", "b", "HIT"]);
  same((await caches.default.match(new Request(url, { headers: { "if-none-match": '"e"' } }))).status, 304);
  same(await (await caches.open("other")).match(url), undefined);
  for (const control of ["no-store", "private, max-age=9", "max-age=0"]) {
    await caches.default.put("https://example.com/not", new Response("x", { headers: { "cache-control": control } }));
    same(await caches.default.match("https://example.com/not"), undefined, control);
  }
  await rejects(TypeError, caches.default.put(new Request(url, { method: "POST" }), new Response("x")));
  same([await caches.default.delete(url), await caches.default.delete(url), await caches.default.match(url)], [true, false, undefined]);
});
