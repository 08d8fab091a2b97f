// SPDX-License-Identifier: Apache-2.0
// JSON of plain data is done by code of ours, and the rest by QuickJS: with a replacer or a reviver all is. Both are the same.
let seed = 7;
const draw = (count) => {
  seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
  return (seed >>> 8) % count;
};
const one = (list) => list[draw(list.length)];
const TEXTS = ["", "a", "id", "name", "0", "12", "007", "4294967295", "toJSON", "__proto__", "é", "ÿ", "Ā", "😀", "\ud800", "\udc00x", '"q"', "\\", "\n\t\b\f\r", "\0\x1f\x7f", "a".repeat(40)];
const text = () => draw(3) ? one(TEXTS) : one(TEXTS) + one(TEXTS);
const plain = () => one([text(), draw(2) === 0, null, draw(1e5), -0, 999999999, 1e9, 2147483648, -2147483648, 1e21, -1.25e-7, NaN, Infinity, undefined, Symbol("s"), () => "called"]);
const odd = () => one([new Date(0), Object("s"), Object(3), Object(true), new Map(), /x/, new Uint8Array(2), Object.create(null), Object.create({ toJSON: () => "above" }), new (class A { b = 1; get c() { return 2; } })(),
  new Proxy({ p: 1 }, {}), new Proxy([1], {}), { toJSON: () => "mine" }, { toJSON: 5, x: 1 }, { get got() { return 1; } }, [, 1], { [Symbol("s")]: 1, b: 2 }]);
const value = (depth) => {
  const kind = draw(depth > 2 ? 4 : 12);
  if (kind < 4) return plain();
  if (kind === 4) return draw(3) ? plain() : odd();
  const count = draw(draw(10) ? 4 : 40);
  if (kind < 8) return Array.from({ length: count }, (_, i) => kind === 5 ? { id: i, [one(["name", "a"])]: value(depth + 2), last: text() } : value(depth + 1));
  const object = {};
  for (let i = 0; i < count; i++) Object.defineProperty(object, text() + (count > 9 ? i : ""), { value: value(depth + 1), enumerable: draw(10) > 0, configurable: true });
  if (draw(9) === 0) delete object[Object.keys(object)[0]];
  return object;
};
const attempt = (run) => {
  try {
    return run();
  } catch (error) {
    return `${error}`;
  }
};
// Of what was read, with each property's attributes.
const shown = (read) => {
  if (typeof read !== "object" || read === null) return Object.is(read, -0) ? "-0" : `${typeof read} ${read}`;
  const rows = Reflect.ownKeys(read).map((key) => {
    const { value: inner, ...rest } = Object.getOwnPropertyDescriptor(read, key);
    return `${key} ${shown(inner)} ${Object.values(rest).join()}`;
  });
  return `${Array.isArray(read)} ${Object.getPrototypeOf(read) === (Array.isArray(read) ? Array : Object).prototype} {${rows.join(";")}}`;
};
const keep = (key, kept) => kept;
const sameRead = (json) => same([json.slice(0, 99), attempt(() => shown(JSON.parse(json))) === attempt(() => shown(JSON.parse(json, keep)))], [json.slice(0, 99), true]);
test("what is drawn", () => {
  const PIECES = ["", ",", "}", "]", "{", "[", '"', "\\u00e9", "\\u12", "\\ud83d\\ude00", "\\/", "\\q", "0", "-", "e", ".", " ", "\n", "\u00a0", "nul", "null", "1E+2", "00", '"a":1', ":"];
  for (let i = 0; i < 100; i++) {
    const made = value(0);
    let json = attempt(() => JSON.stringify(made));
    same([i, json === attempt(() => JSON.stringify(made, keep))], [i, true]);
    if (typeof json !== "string") continue;
    sameRead(json);
    for (let changes = draw(3); changes > 0; changes--) {
      const at = draw(json.length + 1);
      json = json.slice(0, at) + one(PIECES) + json.slice(at + draw(2));
    }
    sameRead(json);
  }
});
test("what is chosen", () => {
  for (const json of ["1", "-0", "-", "", " ", "01", "1.", ".5", "1e", "1e+", '"', '"\\', '"\\u00', "[", "[1", "[1,", "[1,]", "{", '{"a"', '{"a":', '{"a":1', '{"a":1,', '{"a":1,}', "{a:1}", "tru", "true ", "truex", '"\x01"',
    '{"a":1,"a":2}', '[{"a":1},{"a":1,"a":2},{"a":1,"b":2,"b":3},{"a":1,"b":2},{"b":1,"a":2}]', '{"__proto__":1,"2":3,"1":4}', "123456789012345678901234567890", "1e400", "-1e-400", "\ufeff1", "[[],{},[{}],[{}]]",
    "[".repeat(63) + "]".repeat(63), "[".repeat(99) + "]".repeat(99)]) sameRead(json);
  const circle = { a: [] };
  circle.a.push(circle);
  throws(TypeError, () => JSON.stringify(circle));
  same(JSON.stringify({ a: [1, "é\n"], b: undefined, c: NaN }), '{"a":[1,"é\\n"],"c":null}');
  for (const owner of [Object.prototype, Array.prototype]) {
    owner.toJSON = function () { return "changed"; };
    try {
      same(JSON.stringify([{ a: 1 }]), JSON.stringify([{ a: 1 }], keep));
    } finally {
      delete owner.toJSON;
    }
  }
  Object.defineProperty(Object.prototype, "id", { set() { throw new Error("asked"); }, configurable: true });
  try {
    same(JSON.parse('[{"id":1},{"id":2}]').map((row) => row.id), [1, 2]);
  } finally {
    delete Object.prototype.id;
  }
  same([JSON.parse.name, JSON.parse.length, JSON.stringify.name, JSON.stringify.length, Object.keys(JSON).length], ["parse", 2, "stringify", 3, 0]);
});
