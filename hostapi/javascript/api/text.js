// SPDX-License-Identifier: Apache-2.0
// The Encoding Standard's encoder, and its decoder of UTF-8 and UTF-16.
(host) => {
  const STATE = Symbol("decoder");
  const LABELS = {
    "utf-8": ["unicode-1-1-utf-8", "unicode11utf8", "unicode20utf8", "utf-8", "utf8", "x-unicode20utf8"],
    "utf-16le": ["csunicode", "iso-10646-ucs-2", "ucs-2", "unicode", "unicodefeff", "utf-16", "utf-16le"],
    "utf-16be": ["unicodefffe", "utf-16be"],
  };
  const labels = new Map();
  for (const [name, texts] of Object.entries(LABELS)) for (const text of texts) labels.set(text, name);

  class TextEncoder {
    get encoding() { return "utf-8"; }
    encode(text = "") { return host.encode(`${text}`); }
    encodeInto(text, target) {
      let read = 0;
      let written = 0;
      for (const character of `${text}`) {
        const bytes = host.encode(character);
        if (written + bytes.length > target.length) break;
        target.set(bytes, written);
        written += bytes.length;
        read += character.length;
      }
      return { read, written };
    }
  }

  // UTF-16 in pieces: a unit or a surrogate that is not whole waits for the next one.
  const decodeUtf16 = (state, bytes, more) => {
    const big = state.encoding === "utf-16be";
    let text = "";
    let at = 0;
    for (; at + 1 < bytes.length; at += 2) {
      const unit = big ? bytes[at] << 8 | bytes[at + 1] : bytes[at + 1] << 8 | bytes[at];
      if (more && at + 3 >= bytes.length && (unit & 0xfc00) === 0xd800) break;
      text += String.fromCharCode(unit);
    }
    state.rest = more ? bytes.slice(at) : null;
    const whole = more || at === bytes.length;
    if (state.fatal && (!whole || !text.isWellFormed()))
      throw new TypeError(`The encoded data is not valid ${state.encoding}.`);
    return text.toWellFormed() + (whole ? "" : "\ufffd");
  };

  const decodeUtf8 = (state, bytes, more) => {
    const open = more ? host.openBytes(bytes) : 0;
    state.rest = open > 0 ? bytes.slice(bytes.length - open) : null;
    return host.decode(open > 0 ? bytes.subarray(0, bytes.length - open) : bytes, state.fatal);
  };

  class TextDecoder {
    constructor(label = "utf-8", options = {}) {
      const encoding = labels.get(`${label}`.trim().toLowerCase());
      if (encoding === undefined) throw new RangeError(`"${label}" is not an encoding that is known here`);
      this[STATE] = { encoding, fatal: !!options?.fatal, ignoreBOM: !!options?.ignoreBOM, rest: null, begun: false };
    }
    get encoding() { return this[STATE].encoding; }
    get fatal() { return this[STATE].fatal; }
    get ignoreBOM() { return this[STATE].ignoreBOM; }
    decode(input = new Uint8Array(0), options = {}) {
      const state = this[STATE];
      const more = !!options?.stream;
      let bytes = host.bytesOf(input);
      if (bytes === null) throw new TypeError("TextDecoder.decode: not an ArrayBuffer or a view of one");
      if (state.rest !== null) bytes = host.concat([state.rest, bytes]);
      let text = state.encoding === "utf-8" ? decodeUtf8(state, bytes, more) : decodeUtf16(state, bytes, more);
      if (!state.begun && !state.ignoreBOM && text.charCodeAt(0) === 0xfeff) text = text.slice(1);
      state.begun = more && (state.begun || text.length > 0);
      return text;
    }
  }

  host.tag(TextEncoder, "TextEncoder");
  host.tag(TextDecoder, "TextDecoder");
  host.define("TextEncoder", TextEncoder);
  host.define("TextDecoder", TextDecoder);
}
