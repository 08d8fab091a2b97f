// SPDX-License-Identifier: Apache-2.0
// Server-side rendering: a shell among the assets, a page put into it.
const planets = { mercury: 0, venus: 0, earth: 1, mars: 2, jupiter: 95 };
const templates = new Map(); // compiled when they are first used: by the warm-up

const escape = (text) => text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
const template = (text) => {
  if (!templates.has(text)) {
    const parts = text.split(/\{(\w+)\}/);
    templates.set(text, (values) => parts.map((part, i) => (i % 2 === 0 ? part : escape(`${values[part]}`))).join(""));
  }
  return templates.get(text);
};

const pages = [
  [new URLPattern({ pathname: "/planets/:name" }), ({ name }) => name in planets
    ? template("<h1>{name}</h1><p>{moons} moons</p>")({ name, moons: planets[name] }) : null],
  [new URLPattern({ pathname: "/" }), () =>
    `<ul>${Object.keys(planets).map((name) => template('<li><a href="/planets/{name}">{name}</a></li>')({ name })).join("")}</ul>`],
];

export default {
  async fetch(request, env) {
    let content = null;
    for (const [pattern, page] of pages) {
      const found = pattern.exec(request.url);
      if (found !== null) content ??= page(found.pathname.groups);
    }
    const shell = await (await env.ASSETS.fetch("http://assets/shell.html")).text();
    return new Response(shell.replace("<!-- page -->", () => content ?? "<h1>Not here</h1>"),
      { status: content === null ? 404 : 200, headers: { "content-type": "text/html; charset=utf-8" } });
  },
};
