// SPDX-License-Identifier: Apache-2.0
// What stands before each file of tests: the function answers which of them failed, and why.
const tests = [];
const test = (name, run) => tests.push({ name, run });
const show = (value) => JSON.stringify(value, (_, item) => (item instanceof Uint8Array ? [...item] : item === undefined ? "undefined" : item));
const same = (value, wanted, what = "") => {
  if (show(value) !== show(wanted)) throw new Error(`${what} ${show(value)} is not ${show(wanted)}`);
};
// A type, or the name of a DOMException.
const isOf = (error, type) => (typeof type === "string" ? error.name === type : error instanceof type);
const throws = (type, run) => {
  try {
    run();
  } catch (error) {
    if (isOf(error, type)) return;
    throw error;
  }
  throw new Error(`nothing was thrown by ${run}`);
};
const rejects = async (type, promise) => {
  const outcome = await promise.then(() => null, (error) => error);
  if (outcome === null) throw new Error("the promise was kept");
  if (!isOf(outcome, type)) throw outcome;
};
export default {
  async fetch(request, env, context) {
    const failures = [];
    for (const { name, run } of tests) {
      try {
        await run(request, env, context);
      } catch (error) {
        failures.push(`${name}: ${error} ${error?.stack ?? ""}`);
      }
    }
    return Response.json({ count: tests.length, failures });
  },
};
