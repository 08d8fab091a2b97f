// SPDX-License-Identifier: Apache-2.0
import { Hono } from "hono";

type Task = { done: boolean };
type Store = {
  get(key: string, type: "json"): Promise<Task | null>;
  put(key: string, value: string): Promise<void>;
  delete(key: string): Promise<void>;
  list(options: { prefix: string }): Promise<{ keys: { name: string }[] }>;
};

const PREFIX = "api-hono/";
const app = new Hono<{ Bindings: { KV: Store } }>();

app.get("/", (c) => c.text("tasks\n"));
app.get("/tasks", async (c) => {
  const { keys } = await c.env.KV.list({ prefix: PREFIX });
  return c.json(keys.map((key) => key.name.slice(PREFIX.length)));
});
app.get("/tasks/:name", async (c) => {
  const task = await c.env.KV.get(PREFIX + c.req.param("name"), "json");
  return task === null ? c.notFound() : c.json(task);
});
app.put("/tasks/:name", async (c) => {
  const { done } = await c.req.json<Task>();
  if (typeof done !== "boolean") throw new TypeError("`done` is true or false");
  await c.env.KV.put(PREFIX + c.req.param("name"), JSON.stringify({ done }));
  return c.body(null, 204);
});
app.delete("/tasks/:name", async (c) => {
  await c.env.KV.delete(PREFIX + c.req.param("name"));
  return c.body(null, 204);
});
app.onError((error, c) => {
  console.error(error);
  return c.json({ error: error.message }, 400);
});

export default app;
