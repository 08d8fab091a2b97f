// SPDX-License-Identifier: Apache-2.0
// The MIME Sniffing Standard's types, and the data of data: URLs.
(host) => {
  const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
  const QUOTED = /^[\t\x20-\x7e\x80-\xff]*$/;
  const trim = (text) => text.replace(/^[\t\n\r ]+|[\t\n\r ]+$/g, "");

  // In quotes from `at` on: the text, and where it ends.
  const readQuoted = (text, at) => {
    let value = "";
    for (at++; at < text.length && text[at] !== '"'; at++) {
      if (text[at] === "\\" && at + 1 < text.length) at++;
      value += text[at];
    }
    return { value, at: at + 1 };
  };
  const readParameters = (text, parameters) => {
    for (let at = 0; at < text.length;) {
      const name = /^[\t\n\r ]*([^;=]*)/.exec(text.slice(at));
      at += name[0].length;
      if (text[at] !== "=") {
        at++;
        continue;
      }
      at++;
      let value;
      if (text[at] === '"') {
        ({ value, at } = readQuoted(text, at));
        at += /^[^;]*/.exec(text.slice(at))[0].length;
      } else {
        value = /^[^;]*/.exec(text.slice(at))[0];
        at += value.length;
        value = value.replace(/[\t\n\r ]+$/, "");
        if (value === "") value = "\u0100"; // none
      }
      at++;
      const key = name[1].toLowerCase();
      if (TOKEN.test(key) && QUOTED.test(value) && !parameters.has(key)) parameters.set(key, value);
    }
  };
  // Its essence and parameters; null: it is none.
  host.parseMime = (text) => {
    const match = /^([^/]+)\/([^;]*)(?:;(.*))?$/s.exec(trim(text));
    if (match === null) return null;
    const [, type, rest, more = ""] = match;
    const subtype = rest.replace(/[\t\n\r ]+$/, "");
    if (!TOKEN.test(type) || !TOKEN.test(subtype)) return null;
    const parameters = new Map();
    readParameters(more, parameters);
    return { essence: `${type}/${subtype}`.toLowerCase(), parameters };
  };
  host.printMime = ({ essence, parameters }) => {
    let text = essence;
    for (const [name, value] of parameters) text += `;${name}=${TOKEN.test(value) ? value : `"${value.replace(/["\\]/g, "\\$&")}"`}`;
    return text;
  };
  // Of the values of Content-Type, one after the other [Fetch 2.2.2]: the last that is one, with the first's charset.
  host.mimeOf = (headers) => {
    const value = headers.get("content-type");
    if (value === null) return null;
    let found = null;
    let charset = null;
    for (const piece of value.match(/(?:"(?:[^"\\]|\\.)*"?|[^,"])+/gs) ?? []) {
      const type = host.parseMime(piece);
      if (type === null || type.essence === "*/*") continue;
      if (type.essence !== found?.essence) charset = type.parameters.get("charset") ?? null;
      else if (!type.parameters.has("charset") && charset !== null) type.parameters.set("charset", charset);
      found = type;
    }
    return found;
  };

  const percentDecode = (text) => {
    const bytes = host.encode(text);
    let count = 0;
    for (let at = 0; at < bytes.length; at++) {
      const code = bytes[at] === 0x25 ? /^[0-9A-Fa-f]{2}$/.exec(String.fromCharCode(bytes[at + 1] ?? 0, bytes[at + 2] ?? 0)) : null;
      bytes[count++] = code === null ? bytes[at] : parseInt(code[0], 16);
      if (code !== null) at += 2;
    }
    return bytes.slice(0, count);
  };
  const latin1 = (bytes) => {
    let text = "";
    for (const byte of bytes) text += String.fromCharCode(byte);
    return text;
  };
  // Of a data: URL without its fragment: bytes and type [Fetch 6].
  host.readData = (href) => {
    const comma = href.indexOf(",");
    if (comma < 0) throw new TypeError("fetch: a data: URL without a comma");
    let type = trim(href.slice("data:".length, comma));
    let bytes = percentDecode(href.slice(comma + 1));
    if (/; *base64$/i.test(type)) {
      try {
        bytes = Uint8Array.from(atob(latin1(bytes)), (character) => character.charCodeAt(0));
      } catch {
        throw new TypeError("fetch: the data: URL is not base64");
      }
      type = type.replace(/; *base64$/i, "");
    }
    const parsed = host.parseMime(type.startsWith(";") ? `text/plain${type}` : type);
    return { bytes, type: parsed === null ? "text/plain;charset=US-ASCII" : host.printMime(parsed) };
  };
}
