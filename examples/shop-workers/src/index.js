// SPDX-License-Identifier: Apache-2.0
import { priceOf } from "./lib/prices.js";

const order = async (request, env, ctx) => {
  const { success } = await env.LIMIT.limit({ key: request.headers.get("cf-connecting-ip") });
  if (!success) return new Response("too many orders\n", { status: 429 });
  const { item, count } = await request.json();
  const price = priceOf(env.PRICES, item, count);
  if (price === undefined) return new Response("we have none\n", { status: 404 });
  const id = crypto.randomUUID();
  await env.ORDERS.put(id, JSON.stringify({ item, count, price }), { metadata: { at: Date.now() }, expirationTtl: 3600 });
  ctx.waitUntil(env.ORDERS.put("last", id));
  return Response.json({ id, price }, { status: 201 });
};

export default {
  async fetch(request, env, ctx) {
    const { pathname } = new URL(request.url);
    if (pathname !== "/orders") return Response.json({ shop: env.SHOP, database: env.DB !== undefined });
    if (request.method === "POST") return order(request, env, ctx);
    const { keys } = await env.ORDERS.list();
    const names = keys.map((key) => key.name).filter((name) => name !== "last");
    return Response.json([...(await env.ORDERS.get(names, "json")).values()]);
  },

  async scheduled(controller, env) {
    const { keys } = await env.ORDERS.list();
    console.log(`${controller.cron}: ${keys.length} orders`);
  },
};
