// SPDX-License-Identifier: Apache-2.0
// @NAME@ answers "Hello, <path>!".
//
// What stands at the top level is evaluated once, when the function is deployed; each request begins
// with the memory that it left.
const greeting = "Hello";

export default {
  async fetch(request, env, ctx) {
    const name = new URL(request.url).pathname.slice(1) || "world";
    return new Response(`${greeting}, ${name}!\n`);
  },
};
