// SPDX-License-Identifier: Apache-2.0
// The File API's blobs, and FormData with its two forms on the wire.
(host) => {
  const STATE = Symbol("blob");
  const LIST = Symbol("entries");

  // Texts are encoded later, when it is known how their lines end.
  const piecesOf = (parts) => {
    const pieces = [];
    for (const part of parts) {
      if (part instanceof Blob) pieces.push(part[STATE].bytes);
      else pieces.push(host.bytesOf(part)?.slice() ?? `${part}`);
    }
    return pieces;
  };
  const encodePiece = (piece, native) => typeof piece !== "string" ? piece : host.encode(native ? piece.replace(/\r\n?/g, "\n") : piece);
  const wordOf = (value, otherwise) => value === undefined ? otherwise : `${value}`;
  const NONE = Object.freeze(Object.create(null));
  const optionsOf = (options) => {
    if (options === undefined || options === null) return NONE;
    if (typeof options !== "object" && typeof options !== "function") throw new TypeError("the options are not an object");
    return options;
  };
  const typeOf = (type) => (/^[\x20-\x7e]*$/.test(type) ? type.toLowerCase() : "");

  class Blob {
    constructor(parts = [], options = undefined) {
      if (typeof parts !== "object" && typeof parts !== "function" || typeof parts?.[Symbol.iterator] !== "function")
        throw new TypeError("Blob: the parts are no list");
      const pieces = piecesOf(parts);
      const given = optionsOf(options);
      const endings = wordOf(given.endings, "transparent");
      if (endings !== "transparent" && endings !== "native") throw new TypeError(`Blob: "${endings}" is no way of ending lines`);
      const type = typeOf(wordOf(given.type, ""));
      const encoded = pieces.map((piece) => encodePiece(piece, endings === "native"));
      this[STATE] = { bytes: encoded.length === 0 ? new Uint8Array(0) : host.concat(encoded), type };
    }
    get size() { return this[STATE].bytes.length; }
    get type() { return this[STATE].type; }
    slice(begin = 0, end = this.size, type = "") {
      const blob = new Blob([], { type });
      blob[STATE].bytes = this[STATE].bytes.slice(Number(begin), Number(end));
      return blob;
    }
    async text() { return host.decode(this[STATE].bytes, false); }
    async bytes() { return this[STATE].bytes.slice(); }
    async arrayBuffer() { return this[STATE].bytes.slice().buffer; }
    stream() { return host.streamOf(this[STATE].bytes.slice()); }
  }

  class File extends Blob {
    constructor(parts, name, options = undefined) {
      if (arguments.length < 2) throw new TypeError("File: the parts or the name are missing");
      super(parts, options);
      const { lastModified } = optionsOf(options);
      Object.assign(this[STATE], { name: `${name}`.toWellFormed(), lastModified: lastModified === undefined ? Date.now() : Math.trunc(Number(lastModified)) || 0 });
    }
    get name() { return this[STATE].name; }
    get lastModified() { return this[STATE].lastModified; }
  }

  const entryOf = (name, value, filename) => {
    if (!(value instanceof Blob)) return [`${name}`.toWellFormed(), `${value}`.toWellFormed()];
    if (value instanceof File && filename === undefined) return [`${name}`.toWellFormed(), value];
    return [`${name}`.toWellFormed(), new File([value], filename ?? "blob", { type: value.type, lastModified: value.lastModified })];
  };

  class FormData {
    constructor(form = undefined) {
      if (form !== undefined) throw new TypeError("FormData: there are no forms here");
      this[LIST] = [];
    }
    append(name, value, filename = undefined) { this[LIST].push(entryOf(name, value, filename)); }
    set(name, value, filename = undefined) {
      const entry = entryOf(name, value, filename);
      const at = this[LIST].findIndex((row) => row[0] === entry[0]);
      this[LIST] = this[LIST].filter((row, i) => i <= at || row[0] !== entry[0]);
      if (at < 0) this[LIST].push(entry);
      else this[LIST][at] = entry;
    }
    delete(name) { this[LIST] = this[LIST].filter((row) => row[0] !== `${name}`); }
    get(name) { return this[LIST].find((row) => row[0] === `${name}`)?.[1] ?? null; }
    getAll(name) { return this[LIST].filter((row) => row[0] === `${name}`).map((row) => row[1]); }
    has(name) { return this[LIST].some((row) => row[0] === `${name}`); }
  }
  host.addIteration(FormData, (form, index) => form[LIST][index]);

  // ---- multipart/form-data [RFC 7578]

  const quote = (text) => text.replaceAll("\n", "%0A").replaceAll("\r", "%0D").replaceAll('"', "%22");
  const lines = (text) => text.replace(/\r\n?|\n/g, "\r\n");
  host.printForm = (form) => {
    const boundary = `----skerry${crypto.randomUUID().replaceAll("-", "")}`;
    const pieces = [];
    for (const [name, value] of form) {
      const isFile = value instanceof Blob;
      const file = isFile ? `; filename="${quote(value.name)}"\r\nContent-Type: ${value.type || "application/octet-stream"}` : "";
      pieces.push(host.encode(`--${boundary}\r\nContent-Disposition: form-data; name="${quote(lines(name))}"${file}\r\n\r\n`));
      pieces.push(isFile ? value[STATE].bytes : host.encode(lines(value)));
      pieces.push(host.encode("\r\n"));
    }
    pieces.push(host.encode(`--${boundary}--\r\n`));
    return { bytes: host.concat(pieces), type: `multipart/form-data; boundary=${boundary}` };
  };

  const find = (bytes, sought, from) => {
    for (let at = bytes.indexOf(sought[0], from); at >= 0; at = bytes.indexOf(sought[0], at + 1)) {
      let same = 1;
      while (same < sought.length && bytes[at + same] === sought[same]) same++;
      if (same === sought.length) return at;
    }
    return -1;
  };
  const parsePart = (head, body, form) => {
    const disposition = /^content-disposition:\s*form-data;(.*)$/im.exec(head)?.[1] ?? "";
    const name = /(?:^|;)\s*name="([^"]*)"/i.exec(disposition)?.[1];
    const filename = /(?:^|;)\s*filename="([^"]*)"/i.exec(disposition)?.[1];
    if (name === undefined) throw new TypeError("formData: a part without a name");
    const unquote = (text) => text.replaceAll("%22", '"').replaceAll("%0D", "\r").replaceAll("%0A", "\n");
    const type = /^content-type:\s*(.*?)\s*$/im.exec(head)?.[1] ?? "text/plain";
    if (filename === undefined) form.append(unquote(name), host.decode(body, false));
    else form.append(unquote(name), new File([body], unquote(filename), { type }));
  };
  const parseMultipart = (bytes, boundary) => {
    const form = new FormData();
    const line = host.encode(`--${boundary}`);
    const blank = host.encode("\r\n\r\n");
    let at = find(bytes, line, 0);
    for (;;) {
      if (at < 0) throw new TypeError("formData: the body is not whole");
      at += line.length;
      if (bytes[at] === 0x2d && bytes[at + 1] === 0x2d) return form;
      const head = find(bytes, blank, at);
      const next = head < 0 ? -1 : find(bytes, host.encode(`\r\n--${boundary}`), head + 2);
      if (next < 0) throw new TypeError("formData: the body is not whole");
      parsePart(host.decode(bytes.subarray(at, head), false), bytes.subarray(head + 4, Math.max(next, head + 4)), form);
      at = next + 2;
    }
  };
  host.parseForm = (bytes, type) => {
    const boundary = /^multipart\/form-data\s*;.*?boundary=(?:"([^"]+)"|([^;\s]+))/i.exec(type);
    if (boundary !== null) return parseMultipart(bytes, boundary[1] ?? boundary[2]);
    if (!/^application\/x-www-form-urlencoded\s*(;|$)/i.test(type)) throw new TypeError("formData: the body is not a form");
    const form = new FormData();
    for (const [name, value] of new URLSearchParams(`?${host.decode(bytes, false)}`)) form.append(name, value);
    return form;
  };
  host.blobBytes = (blob) => blob[STATE].bytes;
  for (const type of [Blob, File, FormData]) {
    host.tag(type, type.name);
    host.define(type.name, type);
  }
}
