// SPDX-License-Identifier: Apache-2.0
// The Compression Standard's streams.
(host) => {
  const STREAM = Symbol("codec");
  const FORMATS = ["gzip", "deflate", "deflate-raw"]; // in the order of C's
  const NONE = new Uint8Array(0);

  const open = (format, compresses) => {
    const at = FORMATS.indexOf(`${format}`);
    if (at < 0) throw new TypeError(`"${format}" is not a format of compression: ${FORMATS.join(", ")}`);
    let codec = null; // opened when the first bytes come
    const feed = (controller, bytes, isLast) => {
      codec ??= host.codecOpen(at, compresses);
      const made = host.codecWrite(codec, bytes, isLast);
      if (made.length > 0) controller.enqueue(made);
    };
    return new TransformStream({
      transform(chunk, controller) {
        const bytes = host.bytesOf(chunk);
        if (bytes === null) throw new TypeError("a stream of compression takes bytes");
        if (bytes.length > 0) feed(controller, bytes, false);
      },
      flush(controller) { feed(controller, NONE, true); },
    });
  };

  class CompressionStream {
    constructor(format) { this[STREAM] = open(format, true); }
    get readable() { return this[STREAM].readable; }
    get writable() { return this[STREAM].writable; }
  }
  class DecompressionStream {
    constructor(format) { this[STREAM] = open(format, false); }
    get readable() { return this[STREAM].readable; }
    get writable() { return this[STREAM].writable; }
  }
  for (const type of [CompressionStream, DecompressionStream]) {
    host.tag(type, type.name);
    host.define(type.name, type);
  }
}
