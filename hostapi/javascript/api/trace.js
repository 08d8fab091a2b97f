// SPDX-License-Identifier: Apache-2.0
// Stacks in the lines of the sources that a bundler made a script from, where it has a source map.
(host) => {
  const maps = new Map(); // of modules by name: their source map, or null

  const read = (text) => {
    if (text.startsWith("data:")) {
      const comma = text.indexOf(",");
      const data = text.slice(comma + 1);
      text = /;base64$/i.test(text.slice(0, comma))
        ? host.decode(Uint8Array.from(atob(data), (byte) => byte.charCodeAt(0)), false)
        : decodeURIComponent(data);
    }
    const map = JSON.parse(text);
    return typeof map.mappings === "string" && Array.isArray(map.sources) ? map : null;
  };
  const mapOf = (name) => {
    if (maps.has(name)) return maps.get(name);
    let map = null;
    try {
      const text = host.sourceMap(name);
      map = text === null ? null : read(text);
    } catch {
      // A map that cannot be read is as none.
    }
    maps.set(name, map);
    return map;
  };

  // "    at f (app.js:1:20)" to "    at f (src/app.ts:7:3)"
  host.mapStack = (stack) => `${stack}`.replace(/([^\s()]+):(\d+):(\d+)/g, (whole, name, line, column) => {
    const map = mapOf(name);
    const place = map === null ? null : host.findPlace(map.mappings, line - 1, column - 1);
    const source = place === null ? undefined : map.sources[place[0]];
    return source === undefined ? whole : `${map.sourceRoot ?? ""}${source.replace(/^(\.\.\/)+/, "")}:${place[1] + 1}:${place[2] + 1}`;
  });
}
