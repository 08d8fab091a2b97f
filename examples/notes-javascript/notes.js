// SPDX-License-Identifier: Apache-2.0
// Evaluated once, when it is deployed; each request begins with what is here then.
const PREFIX = "notes-javascript/";

const actions = {
  async GET(env, name) {
    if (name === "") {
      const { keys } = await env.KV.list({ prefix: PREFIX });
      return Response.json({ greeting: env.GREETING, notes: keys.map((key) => key.name.slice(PREFIX.length)) });
    }
    const text = await env.KV.get(PREFIX + name);
    return text === null ? new Response("no such note\n", { status: 404 }) : new Response(text);
  },
  async PUT(env, name, request) {
    await env.KV.put(PREFIX + name, await request.text());
    return new Response("kept\n", { status: 201 });
  },
  async DELETE(env, name) {
    await env.KV.delete(PREFIX + name);
    return new Response(null, { status: 204 });
  },
};

export default {
  async fetch(request, env) {
    const name = decodeURIComponent(new URL(request.url).pathname.slice(1));
    const action = actions[request.method];
    if (action === undefined) return new Response("not here\n", { status: 405, headers: { allow: Object.keys(actions).join(", ") } });
    console.log(request.method, name);
    return action(env, name, request);
  },
};
