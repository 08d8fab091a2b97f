#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The same scripts in Skerry, in workerd and in node, in one run.

  npm install --prefix DIRECTORY workerd esbuild hono
  python3 tests/bench/javascript.py --build build --workerd DIRECTORY/node_modules/.bin/workerd \
      --hono DIRECTORY

CPU time of the whole server per warm request, medians of rounds by turns, all servers on one core
and the client on another; with --hono of a route of that framework, bundled, too, and what a deploy
of it takes. Then, of Skerry alone, many scripts that are each called once: what the
server says their start took, and the worker's memory more. Peers that are not there are left out,
and said to be. V8 compiles; QuickJS, and what runs it, interpret.
"""
import argparse
import concurrent.futures
import contextlib
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import density
import support

SCRIPTS = {
    "hello": "export default { async fetch() { return new Response('hello\\n'); } };",
    "route": """
const routes = new Map([["/", () => new Response("root")],
  ["/items", (url) => Response.json({ items: [1, 2, 3], page: url.searchParams.get("page") })]]);
export default {
  async fetch(request) {
    const url = new URL(request.url);
    const route = routes.get(url.pathname);
    if (!route) return new Response("not found", { status: 404 });
    const response = route(url);
    response.headers.set("x-agent", request.headers.get("user-agent") ?? "none");
    return response;
  },
};""",
    "json": """
const data = { items: Array.from({ length: 20 },
                                 (_, i) => ({ id: i, name: `item ${i}`, ok: i % 2 === 0 })) };
export default { async fetch() { return Response.json(JSON.parse(JSON.stringify(data))); } };""",
}
HONO = """
import { Hono } from "hono";
const app = new Hono();
for (let at = 0; at < 30; at++)
  app.get(`/things/${at}/:id`, (context) => context.json({ at, id: context.req.param("id") }));
app.get("/", (context) => context.text("root"));
app.get("/users/:id/posts/:post", (context) => {
  const { id, post } = context.req.param();
  return context.json({ id, post, page: context.req.query("page") });
});
app.post("/users", async (context) => context.json(await context.req.json(), 201));
export default app;
"""
PATHS = {"hello": "/", "route": "/items?page=2", "json": "/", "hono": "/users/7/posts/8?page=2"}
# Which exports workerd does not take.
WARM = {"hono": 'export const warm = ["/"];'}
# What node lacks of a server of that form.
NODE = """
import http from "node:http";
import script from "./script.mjs";
http.createServer(async (incoming, outgoing) => {
  const request = new Request(`http://${incoming.headers.host}${incoming.url}`,
                              { method: incoming.method, headers: incoming.headers });
  const response = await script.fetch(request, {}, {});
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  outgoing.end(await response.text());
}).listen(Number(process.argv[2]), "127.0.0.1");
"""


DEPLOYS = 20


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--build", default="build", help="build directory (default: build)")
    parser.add_argument("--workerd", help="the program (default: found on PATH)")
    parser.add_argument("--native", choices=["on", "off"], default="on",
                        help="off: Skerry interprets (default: on)")
    parser.add_argument("--hono", help="folder with node_modules of hono and esbuild")
    parser.add_argument("--rounds", type=int, default=5, help="of each server (default: 5)")
    parser.add_argument("--seconds", type=int, default=2, help="length of a run (default: 2)")
    parser.add_argument("--functions", type=int, default=200, help="called once (default: 200)")
    parser.add_argument("--tenants", type=int, default=1, help="of those (default: 1)")
    parser.add_argument("--deployers", type=int, default=1,
                        help="clients that deploy those (default: 1)")
    return parser.parse_args()


def bundle_hono(folder):
    with tempfile.TemporaryDirectory() as place:
        source = pathlib.Path(place, "hono.js")
        source.write_text(HONO, encoding="utf-8")
        modules = pathlib.Path(folder, "node_modules").resolve()
        return subprocess.run([modules / ".bin" / "esbuild", source, "--bundle", "--format=esm",
                               "--minify"], env=os.environ | {"NODE_PATH": str(modules)},
                              stdout=subprocess.PIPE, text=True, check=True).stdout


def put(server, name, script, tenant="t"):
    admin = support.Admin(server.admin_socket)
    body = script.encode()
    admin.socket.sendall(f"PUT /v1/tenants/{tenant}/functions/{name} HTTP/1.1\r\nhost: x\r\n"
                         f"content-type: text/javascript\r\ncontent-length: {len(body)}\r\n\r\n"
                         .encode() + body)
    answer = admin.receive()
    if b" 201 " not in answer.split(b"\r\n", 1)[0]:
        support.die(f"deploying {name}: {answer.decode()}")


# ---- the servers ---------------------------------------------------------------------------------

def start_skerry(skerry, core, stack, options):
    config = f"limits: {{ native: {options.native} }}\n"
    server = stack.enter_context(support.SkerryServer(skerry, core, config=config))
    for name, script in SCRIPTS.items():
        put(server, name, script + WARM.get(name, ""))
    return {name: (server, f"http://127.0.0.1:{server.port}/f/t/{name}{PATHS[name]}")
            for name in SCRIPTS}


def start_workerd(program, core, stack):
    folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
    servers = {}
    for name, script in SCRIPTS.items():
        port = support.free_port()
        (folder / f"{name}.js").write_text(script, encoding="utf-8")
        (folder / f"{name}.capnp").write_text(
            'using Workerd = import "/workerd/workerd.capnp";\nconst config :Workerd.Config = ('
            f'services = [(name = "w", worker = (modules = [(name = "m.js", esModule = embed '
            f'"{name}.js")], compatibilityDate = "2024-01-01"))], sockets = [(name = "s", address '
            f'= "127.0.0.1:{port}", http = (), service = "w")]);\n', encoding="utf-8")
        arguments = [program, "serve", str(folder / f"{name}.capnp")]
        server = stack.enter_context(support.Server("workerd", arguments, port, core))
        servers[name] = (server, f"http://127.0.0.1:{port}{PATHS[name]}")
    return servers


def start_node(program, core, stack):
    servers = {}
    for name, script in SCRIPTS.items():
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        port = support.free_port()
        (folder / "script.mjs").write_text(script, encoding="utf-8")
        (folder / "server.mjs").write_text(NODE, encoding="utf-8")
        arguments = [program, str(folder / "server.mjs"), str(port)]
        server = stack.enter_context(support.Server("node", arguments, port, core))
        servers[name] = (server, f"http://127.0.0.1:{port}{PATHS[name]}")
    return servers


def measure(skerry, server, url, core, options):
    """Microseconds of CPU per request."""
    before = server.cpu_seconds()
    report = support.loadtest(skerry, core, "--url", url, "--rate", "max", "--duration",
                              f"{options.seconds}s", "--warmup", "500ms", "--connections", "16")
    if report["succeeded"] != report["answered"] or report["failed"] > 0:
        support.die(f"{server.name}: not all requests succeeded: {report['statuses']}")
    return (server.cpu_seconds() - before) * 1e6 / (report["answered"] + report["warmup"])


def compare(skerry, peers, cores, options):
    names = list(peers)
    print(f"  {'CPU us per request':<22}" + "".join(f"{name:>12}" for name in names)
          + "".join(f"{'/ ' + name:>12}" for name in names[1:]))
    for script in SCRIPTS:
        costs = {name: [] for name in names}
        for _ in range(options.rounds):
            for name in names:
                server, url = peers[name][script]
                costs[name].append(measure(skerry, server, url, cores[1], options))
        medians = [statistics.median(costs[name]) for name in names]
        print(f"  {script:<22}" + "".join(f"{value:>12.1f}" for value in medians)
              + "".join(f"{medians[0] / value:>12.2f}" for value in medians[1:]), flush=True)


def measure_deploys(skerry, core):
    """Of the bundle, each other by a comment."""
    script = SCRIPTS["hono"] + WARM["hono"]
    took = []
    with support.SkerryServer(skerry, core) as server:
        server.unpin()
        put(server, "first", SCRIPTS["hello"])
        for index in range(DEPLOYS):
            began = time.monotonic()
            put(server, f"hono{index}", f"{script}// {index}")
            took.append((time.monotonic() - began) * 1000)
    print(f"\n  {DEPLOYS} deploys of {len(script)} bytes with hono: p50 "
          f"{statistics.median(took):.1f} ms, longest {max(took):.1f} ms")


def print_memory(what, before, after, count):
    private = (after["Private_Dirty"] - before["Private_Dirty"]) / count
    print(f"  {what}: {private:.0f} KiB a script that nobody shares and that are not a file's")


def measure_starts(skerry, core, options):
    count = options.functions
    names = [(f"t{index % options.tenants}", f"f{index}") for index in range(count)]
    config = f"pool: {{ prewarm: 0s }}\nlimits: {{ native: {options.native} }}\n"
    with support.SkerryServer(skerry, core, config=config) as server:
        server.unpin()  # builders may use the whole machine
        put(server, "first", SCRIPTS["hello"])
        density.call_all(server, [("t", "first")])
        began = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(options.deployers) as pool:
            list(pool.map(lambda row: put(server, row[1], f"{SCRIPTS['hello']} // {row[1]}",
                                          row[0]), names))
        took = (time.monotonic() - began) * 1000 / count
        workers = server.workers()
        before = support.memory_kib(workers)
        rows = density.call_all(server, names)
        after = support.memory_kib(workers)
        time.sleep(density.TRIM_SECONDS)
        later = support.memory_kib(workers)
        again = density.call_all(server, names)
    starts = sorted(row["start"] for row in rows)
    late = starts[int(len(starts) * 0.99)]
    print(f"\n  {count} scripts of {options.tenants} tenants, deployed in {took:.1f} ms each; each "
          f"called once: start p50 {statistics.median(starts):.3f} ms, p99 {late:.3f} ms; "
          f"{len(again)} called again")
    print_memory("once called", before, after, count)
    print_memory(f"{density.TRIM_SECONDS} s later", before, later, count)


def main():
    options = parse_arguments()
    skerry = support.find_program(options.build, "skerry")
    cores = support.pick_cores()
    support.print_facts()
    if options.hono is not None:
        SCRIPTS["hono"] = bundle_hono(options.hono)
    with contextlib.ExitStack() as stack:
        peers = {"Skerry": start_skerry(skerry, cores[0], stack, options)}
        found = {"workerd": options.workerd or shutil.which("workerd"),
                 "node": shutil.which("node")}
        for name, start in (("workerd", start_workerd), ("node", start_node)):
            if found[name] is None:
                print(f"  SKIP: no {name}: nothing is compared with it", file=sys.stderr)
                continue
            version = subprocess.run([found[name], "--version"], stdout=subprocess.PIPE, text=True,
                                     check=True).stdout.strip()
            print(f"  {name}: {version}")
            peers[name] = start(found[name], cores[0], stack)
        if options.rounds > 0:
            compare(skerry, peers, cores, options)
    if options.hono is not None:
        measure_deploys(skerry, cores[0])
    measure_starts(skerry, cores[0], options)


if __name__ == "__main__":
    main()
