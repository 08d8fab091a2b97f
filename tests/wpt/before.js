// SPDX-License-Identifier: Apache-2.0
// What stands before the harness: the handler that is the test, and what a window or a worker has that a server has not,
// an address, which relative ones are completed with. In the older form, for tests are not strict.
addEventListener("fetch", (event) => event.respondWith((async () => {
    const location = new URL(WPT_HERE);
    const GLOBAL = { isWindow: () => false, isWorker: () => true, isShadowRealm: () => false };
    const complete = (input) => (typeof input === "object" && input instanceof WptRequest ? input : new URL(`${input}`, location).href);
    const WptRequest = Request;
    const wptFetch = fetch;
    const RequestHere = new Proxy(WptRequest, { construct: (type, [input, ...more], made) => Reflect.construct(type, [complete(input), ...more], made === RequestHere ? type : made) });
    WptRequest.prototype.constructor = RequestHere;
    // Browsers' only, and tests read blobs with it.
    class FileReaderHere extends EventTarget {
      #read(blob, convert) {
        (async () => {
          this.result = convert(await blob.arrayBuffer());
          for (const type of ["load", "loadend"]) this.dispatchEvent(new Event(type));
        })();
      }
      readAsText(blob, label) { this.#read(blob, (buffer) => new TextDecoder(label).decode(buffer)); }
      readAsArrayBuffer(blob) { this.#read(blob, (buffer) => buffer); }
    }
    // Tests have the constructor of SharedArrayBuffer from a memory.
    const WebAssembly = { Memory: class { buffer = new SharedArrayBuffer(1); } };
    Object.assign(globalThis, { WebAssembly, location, GLOBAL, Request: RequestHere, FileReader: FileReaderHere,
      fetch(input, ...more) {
        try {
          return wptFetch(complete(input), ...more);
        } catch (error) {
          return Promise.reject(error);
        }
      } });
