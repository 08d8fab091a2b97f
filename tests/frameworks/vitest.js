// SPDX-License-Identifier: Apache-2.0
// As much of vitest's interface as the suites need: tests are registered when their module is evaluated, and run by
// `run`, within a request.
const root = { name: "", before: [], beforeOnce: [], after: [], afterOnce: [], left: 0, parent: null };
let suite = root;
const all = [];

const nameOf = (owner) => (owner.parent === null ? "" : `${nameOf(owner.parent)}${owner.name} > `);
export const describe = (name, ...rest) => {
  const made = { name: String(name?.name ?? name), before: [], beforeOnce: [], after: [], afterOnce: [], left: 0, parent: suite, begun: false };
  const outer = suite;
  suite = made;
  rest.find((value) => typeof value === "function")?.();
  suite = outer;
};
// Rows as a list, or as a table in a template.
const rowsOf = (rows, values) => {
  if (rows.raw === undefined) return rows;
  const names = rows[0].split("|").map((name) => name.trim());
  return Array.from({ length: values.length / names.length }, (_, i) => Object.fromEntries(names.map((name, at) => [name, values[i * names.length + at]])));
};
const each = (add) => (rows, ...table) => (name, run) => {
  for (const row of rowsOf(rows, table)) {
    const values = Array.isArray(row) ? row : [row];
    let at = 0;
    const named = String(name).replace(/%[sdijo]/g, () => String(values[at++])).replace(/\$(\w+)/g, (_, key) => String(row[key]));
    add(named, () => run(...values));
  }
};
export const it = (name, ...rest) => {
  all.push({ name: String(name), run: rest.find((value) => typeof value === "function"), suite });
  for (let owner = suite; owner !== null; owner = owner.parent) owner.left++;
};
describe.each = each(describe);
it.each = each(it);
for (const owner of [describe, it]) {
  owner.skip = owner.todo = () => {};
  owner.concurrent = owner.sequential = owner.only = owner;
  owner.skipIf = (condition) => (condition ? () => {} : owner);
  owner.runIf = (condition) => (condition ? owner : () => {});
}
export const test = it;
export const beforeEach = (run) => { suite.before.push(run); };
export const beforeAll = (run) => { suite.beforeOnce.push(run); };
export const afterEach = (run) => { suite.after.push(run); };
export const afterAll = (run) => { suite.afterOnce.push(run); };

// ---- equality

const isAny = (value) => typeof value === "object" && value !== null && typeof value.asymmetric === "function";
const equal = (a, b, strict = false) => {
  if (isAny(b)) return b.asymmetric(a);
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (a instanceof Date && b instanceof Date) return Object.is(a.getTime(), b.getTime());
  if (a instanceof RegExp && b instanceof RegExp) return String(a) === String(b);
  if (a instanceof Error && b instanceof Error) return a.message === b.message;
  if (a instanceof ArrayBuffer && b instanceof ArrayBuffer) return equal([...new Uint8Array(a)], [...new Uint8Array(b)]);
  if (a instanceof Map && b instanceof Map || a instanceof Set && b instanceof Set) return equal([...a], [...b], strict);
  if (a instanceof Headers && b instanceof Headers) return equal([...a], [...b]);
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  if (Array.isArray(a) && a.length !== b.length) return false;
  if (strict && Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
  const keys = (value) => Object.keys(value).filter((key) => strict || value[key] !== undefined);
  const [left, right] = [keys(a), keys(b)];
  return left.length === right.length && left.every((key) => Object.hasOwn(b, key) && equal(a[key], b[key], strict));
};
const matches = (a, b) => {
  if (isAny(b) || typeof b !== "object" || b === null) return equal(a, b);
  if (typeof a !== "object" || a === null) return false;
  if (Array.isArray(b)) return Array.isArray(a) && a.length === b.length && b.every((value, i) => matches(a[i], value));
  return Object.keys(b).every((key) => matches(a[key], b[key]));
};
const show = (value) => {
  try {
    return typeof value === "string" ? JSON.stringify(value) : value instanceof Error ? String(value) : JSON.stringify(value) ?? String(value);
  } catch {
    return String(value);
  }
};

// ---- expectations

const contains = (whole, part, same) => (typeof whole === "string" ? whole.includes(part) : [...whole].some((value) => same(value, part)));
const throwing = (run, wanted) => {
  let thrown;
  try {
    if (typeof run !== "function") throw run; // of rejects
    run();
    return false;
  } catch (error) {
    thrown = error;
  }
  if (wanted === undefined) return true;
  if (typeof wanted === "string") return String(thrown?.message).includes(wanted);
  if (wanted instanceof RegExp) return wanted.test(thrown?.message);
  if (typeof wanted === "function") return thrown instanceof wanted;
  return thrown?.message === wanted.message;
};
const has = (value, path, ...wanted) => {
  const keys = Array.isArray(path) ? path : String(path).split(".");
  for (const key of keys) {
    if (value === null || value === undefined || !(key in Object(value))) return false;
    value = value[key];
  }
  return wanted.length === 0 || equal(value, wanted[0]);
};
const MATCHERS = {
  toBe: (a, b) => Object.is(a, b), toEqual: (a, b) => equal(a, b), toStrictEqual: (a, b) => equal(a, b, true), toBeNull: (a) => a === null,
  toBeUndefined: (a) => a === undefined, toBeDefined: (a) => a !== undefined, toBeFalsy: (a) => !a, toBeTruthy: (a) => !!a, toBeNaN: (a) => Number.isNaN(a),
  toContain: (a, b) => contains(a, b, Object.is), toContainEqual: (a, b) => contains(a, b, equal), toMatch: (a, b) => (typeof b === "string" ? a.includes(b) : b.test(a)),
  toBeInstanceOf: (a, b) => a instanceof b, toMatchObject: matches, toHaveLength: (a, b) => a.length === b, toHaveProperty: has,
  toBeGreaterThan: (a, b) => a > b, toBeGreaterThanOrEqual: (a, b) => a >= b, toBeLessThan: (a, b) => a < b, toBeLessThanOrEqual: (a, b) => a <= b,
  toBeCloseTo: (a, b, digits = 2) => Math.abs(a - b) < 10 ** -digits / 2, toBeTypeOf: (a, b) => typeof a === b, toThrow: throwing, toThrowError: throwing,
  toMatchInlineSnapshot: (a, b) => show(a).replace(/\s/g, "") === String(b).replace(/\s/g, ""),
  toHaveBeenCalled: (a) => a.mock.calls.length > 0, toHaveBeenCalledTimes: (a, count) => a.mock.calls.length === count, toHaveBeenCalledOnce: (a) => a.mock.calls.length === 1,
  toHaveBeenCalledWith: (a, ...values) => a.mock.calls.some((call) => equal(call, values)), toHaveBeenLastCalledWith: (a, ...values) => equal(a.mock.calls.at(-1), values),
  toHaveBeenNthCalledWith: (a, nth, ...values) => equal(a.mock.calls[nth - 1], values), toHaveReturnedWith: (a, value) => a.mock.results.some((row) => equal(row.value, value)),
};
Object.assign(MATCHERS, { toBeCalled: MATCHERS.toHaveBeenCalled, toBeCalledTimes: MATCHERS.toHaveBeenCalledTimes, toBeCalledWith: MATCHERS.toHaveBeenCalledWith, instanceOf: MATCHERS.toBeInstanceOf, match: MATCHERS.toMatch });
const judge = (name, value, not, wanted) => {
  if (MATCHERS[name](value, ...wanted) === not) throw new Error(`${show(value)}: not ${not ? "not " : ""}${name} ${wanted.map(show).join(", ")}`);
};
const expectations = (resolve, not) => Object.fromEntries(Object.keys(MATCHERS).map((name) => [name, (...wanted) => resolve((value) => judge(name, value, not, wanted))]));
const both = (resolve) => Object.assign(expectations(resolve, false), { not: expectations(resolve, true) });
export const expect = (value) => Object.assign(both((use) => use(value)), {
  resolves: both(async (use) => use(await (typeof value === "function" ? value() : value))),
  rejects: both(async (use) => {
    const outcome = await Promise.resolve(typeof value === "function" ? value() : value).then(() => null, (error) => ({ error }));
    if (outcome === null) throw new Error("the promise was kept");
    use(outcome.error);
  }),
});
expect.any = (type) => ({ asymmetric: (value) => (type === String ? typeof value === "string" : type === Number ? typeof value === "number" : type === Function ? typeof value === "function" : type === Object ? typeof value === "object" : value instanceof type) });
expect.anything = () => ({ asymmetric: (value) => value !== null && value !== undefined });
expect.objectContaining = (part) => ({ asymmetric: (value) => matches(value, part) });
expect.stringContaining = (part) => ({ asymmetric: (value) => String(value).includes(part) });
expect.stringMatching = (part) => ({ asymmetric: (value) => (typeof part === "string" ? value.includes(part) : part.test(value)) });
expect.arrayContaining = (parts) => ({ asymmetric: (value) => parts.every((part) => contains(value, part, equal)) });
expect.unreachable = expect.fail = (text) => { throw new Error(text ?? "reached"); };
expect.assertions = expect.hasAssertions = () => {};
expect.extend = () => {};
export const expectTypeOf = () => new Proxy(() => {}, { get: () => expectTypeOf(), apply: () => expectTypeOf() });
export const assertType = () => {};
export const assert = (good, text) => { if (!good) throw new Error(text ?? "assert"); };
assert.equal = (a, b) => judge("toBe", a, false, [b]);

// ---- mocks

const undo = [];
const fn = (run) => {
  const queue = [];
  const mock = function (...values) {
    mock.mock.calls.push(values);
    const implementation = queue.shift() ?? mock.implementation;
    const row = { type: "return", value: undefined };
    mock.mock.results.push(row);
    return row.value = implementation === undefined ? undefined : Reflect.apply(implementation, this, values);
  };
  const again = (change) => (value) => {
    change(value);
    return mock;
  };
  return Object.assign(mock, {
    mock: { calls: [], results: [], get lastCall() { return this.calls.at(-1); } }, implementation: run,
    mockImplementation: again((value) => { mock.implementation = value; }), mockImplementationOnce: again((value) => { queue.push(value); }),
    mockReturnValue: again((value) => { mock.implementation = () => value; }), mockReturnValueOnce: again((value) => { queue.push(() => value); }),
    mockResolvedValue: again((value) => { mock.implementation = async () => value; }), mockResolvedValueOnce: again((value) => { queue.push(async () => value); }),
    mockRejectedValue: again((value) => { mock.implementation = async () => { throw value; }; }), mockRejectedValueOnce: again((value) => { queue.push(async () => { throw value; }); }),
    mockClear: again(() => { mock.mock.calls.length = mock.mock.results.length = 0; }),
    mockReset: again(() => {
      mock.mock.calls.length = mock.mock.results.length = queue.length = 0;
      mock.implementation = run;
    }),
    mockRestore: again(() => mock.restore?.()),
  });
};
const replace = (owner, name, value) => {
  const kept = Object.getOwnPropertyDescriptor(owner, name);
  Object.defineProperty(owner, name, { value, writable: true, configurable: true, enumerable: kept?.enumerable ?? true });
  const back = () => { if (kept === undefined) delete owner[name]; else Object.defineProperty(owner, name, kept); };
  undo.push(back);
  return back;
};
const restore = () => { for (const back of undo.splice(0).reverse()) back(); };
export const vi = {
  fn, stubGlobal: (name, value) => { replace(globalThis, name, value); }, unstubAllGlobals: restore, unstubAllEnvs: restore, restoreAllMocks: restore,
  clearAllMocks() {}, resetAllMocks() {}, resetModules() {}, mocked: (value) => value,
  stubEnv: (name, value) => { replace((globalThis.process ??= { env: {} }).env, name, value); },
  spyOn(owner, name) {
    const mock = fn(owner[name]);
    mock.restore = replace(owner, name, mock);
    return mock;
  },
};
export const jest = vi;

// ---- running

const hooks = (owner, kind) => (owner === null ? [] : [...hooks(owner.parent, kind), ...owner[kind]]);
const begin = async (owner) => {
  if (owner === null || owner.begun) return;
  await begin(owner.parent);
  owner.begun = true;
  for (const run of owner.beforeOnce) await run();
};
const taskOf = (row) => ({ name: row.name, suite: row.suite.parent === null ? undefined : taskOf({ name: row.suite.name, suite: row.suite.parent }) });
const SKIPPED = Symbol("skipped");
export const run = async () => {
  const failures = [];
  for (const row of all) {
    try {
      await begin(row.suite);
      const context = { expect, task: taskOf(row), skip() { throw SKIPPED; } };
      for (const before of hooks(row.suite, "before")) await before(context);
      await row.run?.(context);
    } catch (error) {
      if (error !== SKIPPED) failures.push(`${nameOf(row.suite)}${row.name}: ${error} ${String(error?.stack ?? "").split("\n")[0].trim()}`);
    }
    for (const after of hooks(row.suite, "after")) await Promise.resolve(after()).catch(() => {});
    for (let owner = row.suite; owner !== null; owner = owner.parent) if (--owner.left === 0) for (const after of owner.afterOnce) await after();
  }
  return { count: all.length, failures };
};
// Hono's suites have them as globals.
Object.assign(globalThis, { describe, it, test, expect, vi, beforeEach, beforeAll, afterEach, afterAll, expectTypeOf, assertType });
export default { describe, it, test, expect, vi, beforeEach, beforeAll, afterEach, afterAll };
