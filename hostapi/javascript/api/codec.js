// SPDX-License-Identifier: Apache-2.0
// The Compression Standard's streams.
(host) => {
  const FORMATS = ["gzip", "deflate", "deflate-raw", "brotli"]; // in the order of C's
  const NONE = new Uint8Array(0);
  const { PAIR, addPair } = host.streams;

  const open = (format, compresses) => {
    const name = `${format}`;
    const at = FORMATS.indexOf(name === "br" ? "brotli" : name); // as HTTP calls it
    if (at < 0) throw new TypeError(`"${name}" is not a format of compression: ${FORMATS.join(", ")}`);
    let codec = null; // opened when the first bytes come
    const feed = (enqueue, bytes, isLast) => {
      codec ??= host.codecOpen(at, compresses);
      const made = host.codecWrite(codec, bytes, isLast);
      if (made.length > 0) enqueue(made);
    };
    return host.makeTransform((chunk, enqueue) => {
      const bytes = host.bytesOf(chunk);
      if (bytes === null) throw new TypeError("a stream of compression takes bytes");
      if (bytes.length > 0) feed(enqueue, bytes, false);
    }, (enqueue) => feed(enqueue, NONE, true));
  };

  class CompressionStream {
    constructor(format) { this[PAIR] = open(format, true); }
  }
  class DecompressionStream {
    constructor(format) { this[PAIR] = open(format, false); }
  }
  for (const type of [CompressionStream, DecompressionStream]) addPair(type);
}
