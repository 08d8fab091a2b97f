// SPDX-License-Identifier: Apache-2.0
// The Encoding Standard's encoder, and its decoders.
(host) => {
  const STATE = Symbol("decoder");
  // Each encoding's name and its other labels. Behind UTF-8 and UTF-16 they are in the order of C's numbers.
  const ENCODINGS = [
    "utf-8 unicode-1-1-utf-8 unicode11utf8 unicode20utf8 utf8 x-unicode20utf8",
    "utf-16le csunicode iso-10646-ucs-2 ucs-2 unicode unicodefeff utf-16",
    "utf-16be unicodefffe",
    "ibm866 866 cp866 csibm866",
    "iso-8859-2 csisolatin2 iso-ir-101 iso8859-2 iso88592 iso_8859-2 iso_8859-2:1987 l2 latin2",
    "iso-8859-3 csisolatin3 iso-ir-109 iso8859-3 iso88593 iso_8859-3 iso_8859-3:1988 l3 latin3",
    "iso-8859-4 csisolatin4 iso-ir-110 iso8859-4 iso88594 iso_8859-4 iso_8859-4:1988 l4 latin4",
    "iso-8859-5 csisolatincyrillic cyrillic iso-ir-144 iso8859-5 iso88595 iso_8859-5 iso_8859-5:1988",
    "iso-8859-6 arabic asmo-708 csiso88596e csiso88596i csisolatinarabic ecma-114 iso-8859-6-e iso-8859-6-i iso-ir-127 iso8859-6 iso88596 iso_8859-6 iso_8859-6:1987",
    "iso-8859-7 csisolatingreek ecma-118 elot_928 greek greek8 iso-ir-126 iso8859-7 iso88597 iso_8859-7 iso_8859-7:1987 sun_eu_greek",
    "iso-8859-8 csiso88598e csisolatinhebrew hebrew iso-8859-8-e iso-ir-138 iso8859-8 iso88598 iso_8859-8 iso_8859-8:1988 visual",
    "iso-8859-10 csisolatin6 iso-ir-157 iso8859-10 iso885910 l6 latin6",
    "iso-8859-13 iso8859-13 iso885913",
    "iso-8859-14 iso8859-14 iso885914",
    "iso-8859-15 csisolatin9 iso8859-15 iso885915 iso_8859-15 l9",
    "iso-8859-16",
    "koi8-r cskoi8r koi koi8 koi8_r",
    "koi8-u koi8-ru",
    "macintosh csmacintosh mac x-mac-roman",
    "windows-874 dos-874 iso-8859-11 iso8859-11 iso885911 tis-620",
    "windows-1250 cp1250 x-cp1250",
    "windows-1251 cp1251 x-cp1251",
    "windows-1252 ansi_x3.4-1968 ascii cp1252 cp819 csisolatin1 ibm819 iso-8859-1 iso-ir-100 iso8859-1 iso88591 iso_8859-1 iso_8859-1:1987 l1 latin1 us-ascii x-cp1252",
    "windows-1253 cp1253 x-cp1253",
    "windows-1254 cp1254 csisolatin5 iso-8859-9 iso-ir-148 iso8859-9 iso88599 iso_8859-9 iso_8859-9:1989 l5 latin5 x-cp1254",
    "windows-1255 cp1255 x-cp1255",
    "windows-1256 cp1256 x-cp1256",
    "windows-1257 cp1257 x-cp1257",
    "windows-1258 cp1258 x-cp1258",
    "x-mac-cyrillic x-mac-ukrainian",
    "gb18030",
    "big5 big5-hkscs cn-big5 csbig5 x-x-big5",
    "euc-jp cseucpkdfmtjapanese x-euc-jp",
    "iso-2022-jp csiso2022jp",
    "shift_jis csshiftjis ms932 ms_kanji shift-jis sjis windows-31j x-sjis",
    "euc-kr cseuckr csksc56011987 iso-ir-149 korean ks_c_5601-1987 ks_c_5601-1989 ksc5601 ksc_5601 windows-949",
    "replacement csiso2022kr hz-gb-2312 iso-2022-cn iso-2022-cn-ext iso-2022-kr",
    "x-user-defined",
    "gbk chinese csgb2312 csiso58gb231280 gb2312 gb_2312 gb_2312-80 iso-ir-58 x-gbk",
    "iso-8859-8-i csiso88598i logical",
  ];
  const OLDER = 3; // the first of C's
  const labels = new Map(); // label: index
  ENCODINGS.forEach((row, index) => { for (const label of row.split(" ")) labels.set(label, index); });
  const SAME = { gbk: "gb18030", "iso-8859-8-i": "iso-8859-8" }; // decoded alike
  const nameOf = (index) => ENCODINGS[index].split(" ", 1)[0];
  const numberOf = (name) => labels.get(SAME[name] ?? name) - OLDER;

  class TextEncoder {
    get encoding() { return "utf-8"; }
    encode(text = "") { return host.encode(`${text}`); }
    encodeInto(text, target) {
      if (!(target instanceof Uint8Array)) throw new TypeError("encodeInto: not a Uint8Array");
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
    if (state.fatal && (!whole || !text.isWellFormed())) return null;
    return text.toWellFormed() + (whole ? "" : "\ufffd");
  };

  const decodeUtf8 = (state, bytes, more) => {
    const open = more ? host.openBytes(bytes) : 0;
    state.rest = open > 0 ? bytes.slice(bytes.length - open) : null;
    return host.decode(open > 0 ? bytes.subarray(0, bytes.length - open) : bytes, state.fatal);
  };
  const decodePiece = (state, bytes, more) => {
    if (state.number !== undefined) return host.decodeOlder(state.number, state.kept, bytes, more, state.fatal);
    if (state.rest !== null) bytes = host.concat([state.rest, bytes]);
    return state.encoding === "utf-8" ? decodeUtf8(state, bytes, more) : decodeUtf16(state, bytes, more);
  };
  const startOf = (label, options) => {
    const index = labels.get(`${label}`.replace(/^[\t\n\f\r ]+|[\t\n\f\r ]+$/g, "").toLowerCase());
    const encoding = index === undefined ? "replacement" : nameOf(index);
    if (encoding === "replacement") throw new RangeError(`"${label}" is not an encoding that is known here`);
    const state = { encoding, fatal: !!options?.fatal, ignoreBOM: !!options?.ignoreBOM, rest: null, begun: false, kept: null, number: undefined };
    if (index >= OLDER) Object.assign(state, { number: numberOf(encoding), kept: new Uint8Array(8) });
    return state;
  };

  class TextDecoder {
    constructor(label = "utf-8", options = {}) { this[STATE] = startOf(label, options); }
    get encoding() { return this[STATE].encoding; }
    get fatal() { return this[STATE].fatal; }
    get ignoreBOM() { return this[STATE].ignoreBOM; }
    decode(input = new Uint8Array(0), options = {}) {
      const state = this[STATE];
      const more = !!options?.stream;
      const bytes = host.bytesOf(input);
      if (bytes === null) throw new TypeError("TextDecoder.decode: not an ArrayBuffer or a view of one");
      let text = decodePiece(state, bytes, more);
      if (text === null) {
        state.rest = null;
        state.begun = false;
        throw new TypeError(`The encoded data is not valid ${state.encoding}.`);
      }
      if (!state.begun && !state.ignoreBOM && state.number === undefined && text.charCodeAt(0) === 0xfeff) {
        text = text.slice(1);
        state.begun = true;
      }
      state.begun = more && (state.begun || text.length > 0);
      return text;
    }
  }

  host.tag(TextEncoder, "TextEncoder");
  host.tag(TextDecoder, "TextDecoder");
  host.define("TextEncoder", TextEncoder);
  host.define("TextDecoder", TextDecoder);
}
