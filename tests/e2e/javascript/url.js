// SPDX-License-Identifier: Apache-2.0
const GOOD = [ // text, base, href
  ["http://example.com", , "http://example.com/"],
  ["HTTP://EXAMPLE.com:80/a/../b/./c?q#f", , "http://example.com/b/c?q#f"],
  ["https://user:pa%20ss@host:8443/", , "https://user:pa%20ss@host:8443/"],
  ["https://a@b@c/", , "https://a%40b@c/"],
  ["http:\\\\x\\y", , "http://x/y"],
  ["  http://a b".slice(0, 10) + "/ ", , "http://a/"],
  ["ht\ntp://a\t.com/", , "http://a.com/"],
  ["http:example.com/", "https://b/", "http://example.com/"],
  ["http:path", "http://b/c/d", "http://b/c/path"],
  ["//other/x", "https://b/c", "https://other/x"],
  ["/x", "https://b/c/d?e#f", "https://b/x"],
  ["x", "https://b/c/d?e#f", "https://b/c/x"],
  ["../../../x", "https://b/c/d", "https://b/x"],
  ["?n", "https://b/c/d?e#f", "https://b/c/d?n"],
  ["#n", "https://b/c/d?e#f", "https://b/c/d?e#n"],
  ["", "https://b/c/d?e#f", "https://b/c/d?e"],
  ["./%2e%2E/%2e/y", "https://b/c/d/e", "https://b/c/y"],
  ["http://h/a b\"<>`{}^", , "http://h/a%20b%22%3C%3E%60%7B%7D%5E"],
  ["http://h/?a b\"<>'", , "http://h/?a%20b%22%3C%3E%27"],
  ["x://h/?'", , "x://h/?'"],
  ["http://h/#a b\"<>`", , "http://h/#a%20b%22%3C%3E%60"],
  ["http://h/\u00e9?\u00e9#\u00e9", , "http://h/%C3%A9?%C3%A9#%C3%A9"],
  ["http://h/%zz%", , "http://h/%zz%"],
  ["http://127.1/", , "http://127.0.0.1/"],
  ["http://0x7f.1", , "http://127.0.0.1/"],
  ["http://017700000001/", , "http://127.0.0.1/"],
  ["http://4294967295/", , "http://255.255.255.255/"],
  ["http://1.2.3./", , "http://1.2.0.3/"],
  ["http://1.2.3.4.", , "http://1.2.3.4/"],
  ["http://[::1]:80/", , "http://[::1]/"],
  ["http://[2001:DB8:0:0:1:0:0:1]/", , "http://[2001:db8::1:0:0:1]/"],
  ["http://[::ffff:1.2.3.4]/", , "http://[::ffff:102:304]/"],
  ["http://[1:2:3:4:5:6:7:8]/", , "http://[1:2:3:4:5:6:7:8]/"],
  ["http://[1::8]/", , "http://[1::8]/"],
  ["http://[1:0:3:4:5:6:7:8]/", , "http://[1:0:3:4:5:6:7:8]/"],
  ["http://%65xample.com/", , "http://example.com/"],
  ["http://b\u00fccher.example/", , "http://xn--bcher-kva.example/"],
  ["http://\uff45xample.com/", , "http://example.com/"],
  ["http://\u65e5\u672c\u8a9e.jp/", , "http://xn--wgv71a119e.jp/"],
  ["mailto:a@b", , "mailto:a@b"],
  ["data:text/plain,a b#c d", , "data:text/plain,a b#c%20d"],
  ["#f", "mailto:a@b", "mailto:a@b#f"],
  ["file:///a/b", , "file:///a/b"],
  ["file://localhost/a", , "file:///a"],
  ["file:/a", , "file:///a"],
  ["a:/b/../..//c", , "a:/.//c"],
  ["a:b/c", , "a:b/c"],
  ["non-special://H\u00f6st/p", , "non-special://H%C3%B6st/p"],
  ["https://h:/", , "https://h/"],
  ["https://h:00443/", , "https://h/"],
  ["wss://h:443/", , "wss://h/"],
  ["blob:https://h/x", , "blob:https://h/x"],
  ["http:///h/p", , "http://h/p"],
  ["http://a.b/c?d?e#f#g", , "http://a.b/c?d?e#f#g"],
];
const BAD = [
  "", "x", "/x", "http://", "http:///", "http://:80", "http://a:b", "http://a:65536", "http://a:-1", "http://a b/", "http://a<b",
  "http://a%00b", "http://a%b/", "http://[::1", "http://[::1]x", "http://[1:2:3]", "http://[1:2:3:4:5:6:7:8:9]", "http://[:1]",
  "http://[1::2::3]", "http://[::1.2.3]", "http://[::1.2.3.256]", "http://256.0.0.1", "http://1.2.3.4.5", "http://1.2.3.09",
  "http://0x100000000", "http://user@", "http://a@:80", "http://a^b", "http://a|b", "://x", "1http://x",
];

test("texts that are URLs", () => {
  for (const [text, base, href] of GOOD) same(new URL(text, base).href, href, `${text} on ${base}:`);
});
test("texts that are none", () => {
  for (const text of BAD) {
    same(URL.canParse(text), false, text);
    throws(TypeError, () => new URL(text));
    same(URL.parse(text), null, text);
  }
  throws(TypeError, () => new URL("x", "mailto:a"));
});
test("parts", () => {
  const url = new URL("https://u:p@h.example:8080/a/b?c=d#e");
  same([url.protocol, url.username, url.password, url.host, url.hostname, url.port, url.pathname, url.search, url.hash, url.origin],
    ["https:", "u", "p", "h.example:8080", "h.example", "8080", "/a/b", "?c=d", "#e", "https://h.example:8080"]);
  same([new URL("data:x").origin, new URL("blob:https://h/x").origin, new URL("file:///x").origin], ["null", "https://h", "null"]);
  same(JSON.stringify({ url }), `{"url":"${url.href}"}`);
});
test("setters", () => {
  const set = (text, name, value) => {
    const url = new URL(text);
    url[name] = value;
    return url.href;
  };
  same(set("http://h/p", "protocol", "https"), "https://h/p");
  same(set("http://h/p", "protocol", "mailto"), "http://h/p");
  same(set("https://h:80/p", "protocol", "http:"), "http://h/p");
  same(set("http://h/p", "host", "g:81"), "http://g:81/p");
  same(set("http://h:80/p", "hostname", "g:81"), "http://h/p");
  same(set("http://h/p", "hostname", "a b"), "http://h/p");
  same(set("http://h/p", "port", "8080x"), "http://h:8080/p");
  same(set("http://h:1/p", "port", ""), "http://h/p");
  same(set("http://h/p", "port", "99999"), "http://h/p");
  same(set("http://h/p", "pathname", "a/../b c?"), "http://h/b%20c%3F");
  same(set("http://h/p?x", "search", ""), "http://h/p");
  same(set("http://h/p", "search", "?a=b c"), "http://h/p?a=b%20c");
  same(set("http://h/p", "hash", "x y"), "http://h/p#x%20y");
  same(set("http://h/p#f", "hash", ""), "http://h/p");
  same(set("http://h/p", "username", "a:b"), "http://a%3Ab@h/p");
  same(set("http://h/p", "password", "a/b"), "http://:a%2Fb@h/p");
  same(set("mailto:a", "pathname", "b"), "mailto:a");
  throws(TypeError, () => set("http://h/", "href", "nope"));
});
test("search parameters", () => {
  const params = new URLSearchParams("?a=1&b=2&a=3&c=%20+%C3%A9&d&=e&&f=%zz");
  same([...params], [["a", "1"], ["b", "2"], ["a", "3"], ["c", "  \u00e9"], ["d", ""], ["", "e"], ["f", "%zz"]]);
  same([params.get("a"), params.getAll("a"), params.has("b"), params.has("b", "3"), params.get("x"), params.size], ["1", ["1", "3"], true, false, null, 7]);
  params.set("a", "9");
  params.delete("c");
  params.append("z", "\u00fc &=");
  params.sort();
  same(params.toString(), "=e&a=9&b=2&d=&f=%25zz&z=%C3%BC+%26%3D");
  same(new URLSearchParams({ a: 1, b: "c" }).toString(), "a=1&b=c");
  same(new URLSearchParams([["a", "b"]]).toString(), "a=b");
  same(new URLSearchParams(new URLSearchParams("x=y")).toString(), "x=y");
  throws(TypeError, () => new URLSearchParams([["a"]]));
});
test("search parameters of a URL", () => {
  const url = new URL("http://h/?a=b");
  url.searchParams.append("c", "d e");
  same(url.href, "http://h/?a=b&c=d+e");
  url.search = "?x=1";
  same([...url.searchParams], [["x", "1"]]);
  url.searchParams.delete("x");
  same(url.href, "http://h/");
  same(url.searchParams === url.searchParams, true);
});
test("plain urls are cut, and others parsed, to the same", () => {
  const rows = {
    "http://h/a?b#c": "http://h/a?b#c", "http://h:80/": "http://h/", "https://h:443/": "https://h/", "http://h:443/": "http://h:443/",
    "http://h:0080/a": "http://h/a", "http://h:65536/": null, "http://h:/x": "http://h/x", "http://h": "http://h/", "http://h?q": "http://h/?q",
    "http://h/a/./b": "http://h/a/b", "http://h/a/../b": "http://h/b", "http://h/%2e%2E/b": "http://h/b", "http://h/a/.b": "http://h/a/.b",
    "http://1.2.3/": "http://1.2.0.3/", "http://127.0.0.1:8080/x": "http://127.0.0.1:8080/x", "http://01.2.3.4/": "http://1.2.3.4/",
    "http://256.1.1.1/": null, "http://1.2.3.4./": "http://1.2.3.4/", "http://1.2.3.4.5/": null, "http://a.1/": null, "http://0x7f.1/": "http://127.0.0.1/",
    "http://H/": "http://h/", "http://h\\a": "http://h/a", "http://h/\\a": "http://h//a", "http://h/a b?c d#e f": "http://h/a%20b?c%20d#e%20f",
    "http://h/'?'#'": "http://h/'?%27#'", "http://h/^?^#^": "http://h/%5E?^#^", "http://h/`{}?`{}#`": "http://h/%60%7B%7D?`{}#%60", "http://h/|[]?|[]": "http://h/|[]?|[]",
    "http://u@h/": "http://u@h/", "http://[::1]/": "http://[::1]/", "http:h/": "http://h/", " http://h/ ": "http://h/",
    "http://h/a\tb": "http://h/ab", "http://h/\u00e9": "http://h/%C3%A9", "http://h/a?": "http://h/a?", "http://h/a#": "http://h/a#", "http:///h/": "http://h/",
  };
  for (const [text, wanted] of Object.entries(rows)) same(URL.parse(text)?.href ?? null, wanted, text);
  const params = new URL("http://h/?a=1+2&b=%41%zz&&c&=d&e=%ff&a=%C3%A9").searchParams;
  same([...params], [["a", "1 2"], ["b", "A%zz"], ["c", ""], ["", "d"], ["e", "\ufffd"], ["a", "\u00e9"]]);
});
test("an opaque base has only fragments", () => {
  same([URL.parse("", "data:x"), URL.parse("#a", "data:x")?.href, URL.parse("?a", "data:x")], [null, "data:x#a", null]);
});
test("files have drives", () => {
  const rows = [["file:c:\\a", "file:///x/y", "file:///c:/a"], ["/", "file:///C:/a/b", "file:///C:/"], ["..", "file:///C:/", "file:///C:/"], ["C|/a", "file://h/d", "file://h/C:/a"],
    ["//C:/", "file://h/", "file:///C:/"], ["x", "file://h/a/b", "file://h/a/x"], ["file:", "file://h/a?q", "file://h/a?q"], ["file://h:1/", undefined, null]];
  for (const [text, base, wanted] of rows) same(URL.parse(text, base)?.href ?? null, wanted, text);
});
test("names are mapped, and what is no name is refused", () => {
  const rows = { "http://a\u00adb/": "ab", "http://a\u3002b/": "a.b", "http://\u00df/": "xn--zca", "http://xn--zca/": "xn--zca", "http://xn--/": null, "http://xn--a/": null,
    "http://xn--pokxncvks/": null, "http://\ufffd/": null, "http://h%80/": null, "http://\ufdd0/": null, "http://a\0b/": null, "http://\u00ad/": null };
  for (const [text, wanted] of Object.entries(rows)) same(URL.parse(text)?.hostname ?? null, wanted, text);
});
test("zero bytes end nothing", () => {
  same([new URL("http://h/a\0b?c\0d#e\0f").href, new URL("x:a\0b").href], ["http://h/a%00b?c%00d#e%00f", "x:a%00b"]);
  const url = new URL("http://h/");
  url.hostname = "a\0b";
  url.pathname = "/a\0";
  same(url.href, "http://h/a%00");
});
test("setters, of what is nothing but breaks", () => {
  const url = new URL("http://h/p?q#f");
  url.search = "\t";
  url.hash = "\n";
  same(url.href, "http://h/p?#");
  url.search = "\t?a";
  url.hash = "";
  same(url.href, "http://h/p??a");
});
