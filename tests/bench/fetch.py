#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a request of a guest to another server costs, beside the same one by libcurl alone.

  python3 tests/bench/fetch.py --build build

The other server is a bare libh2o handler on loopback. By turns: libcurl asks it (fetch_direct); a
client asks a function that answers at once; a client asks the same function to fetch. Everything
is asked one after the other on one connection. What a fetch adds is the third less the other two,
of medians; its CPU time is that of all Skerry's processes for the third less that for the second.
Last, a function whose guest does nothing but pass the request on to that server, its origin: what
Skerry costs as a reverse proxy, all of it; beside nginx's proxy_pass with connections kept to the
origin, where nginx is installed. These two may be asked on more connections than one.
"""
import argparse
import contextlib
import json
import pathlib
import shutil
import statistics
import subprocess
import tempfile

import support

GOAL_ADDED_US = 60
GOAL_CPU_US = 60
GOAL_NGINX = 3  # times its CPU

# One worker, nothing written, and no more headers than Skerry adds.
NGINX_CONF = """daemon off; worker_processes 1; pid {folder}/pid; error_log stderr crit;
events {{ worker_connections 64; }}
http {{
  access_log off; client_body_temp_path {folder}; proxy_temp_path {folder};
  fastcgi_temp_path {folder}; uwsgi_temp_path {folder}; scgi_temp_path {folder};
  keepalive_requests 100000000;
  upstream origin {{ server 127.0.0.1:{origin}; keepalive 8; keepalive_requests 100000000; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    }}
  }}
}}
"""


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", default="build", help="build directory (default: build)")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each (default: 5)")
    parser.add_argument("--seconds", type=int, default=2, help="length of a run (default: 2)")
    parser.add_argument("--connections", type=int, default=1,
                        help="side by side, to the reverse proxies (default: 1)")
    return parser.parse_args()


def make_guest(folder, origin):
    """tests/guests/e2e_fetch.c, which may ask the origin."""
    subprocess.run(["clang-19", "--target=wasm32", "-O2", "-nostdlib", "-Wl,--no-entry",
                    "-I", support.ROOT / "hostapi" / "guest", "-o", folder / "main.wasm",
                    support.ROOT / "tests" / "guests" / "e2e_fetch.c"], check=True)
    (folder / "function.yaml").write_text(
        f'name: fetch\nmain: main.wasm\noutbound: ["{origin}"]\n')


def make_proxy(folder, origin):
    """A handler that says `next`, and ends at the origin."""
    (folder / "proxy.wat").write_text(
        '(module (memory (export "memory") 1 1)'
        ' (func (export "handle_request") (result i64) (i64.const 1))'
        ' (func (export "handle_response") (param i32 i32)))')
    subprocess.run(["wat2wasm", folder / "proxy.wat", "-o", folder / "main.wasm"], check=True)
    (folder / "function.yaml").write_text(f"name: proxy\nmain: main.wasm\norigin: {origin}\n")


@contextlib.contextmanager
def nginx(folder, origin_port):
    """nginx in front of the origin; None where there is none. Not pinned, as Skerry is not."""
    program = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin")
    if program is None:
        print("no nginx here: apt-get install nginx-light brings the row beside `reverse proxy`")
        yield None
        return
    port = support.free_port()
    conf = pathlib.Path(folder) / "nginx.conf"
    conf.write_text(NGINX_CONF.format(folder=folder, port=port, origin=origin_port))
    with support.Server("nginx", [program, "-p", folder, "-c", str(conf)], port,
                        support.pick_cores()[0]) as server:
        server.unpin()
        yield server


def measure(skerry, server, url, core, seconds, connections=1):
    before = server.cpu_seconds()
    report = support.loadtest(skerry, core, "--url", url, "--rate", "max", "--duration",
                              f"{seconds}s", "--connections", str(connections))
    if report["succeeded"] != report["answered"]:
        support.die(f"not all requests succeeded: {report['statuses']}, {report['failures']}")
    return {"p50": report["latency"]["all"]["p50_ms"] * 1e3,
            "p99": report["latency"]["all"]["p99_ms"] * 1e3,
            "cpu": (server.cpu_seconds() - before) * 1e6 / report["answered"]}


def main():
    options = parse_arguments()
    skerry = support.find_program(options.build, "skerry")
    direct = support.find_program(options.build, "fetch_direct")
    cores = support.pick_cores()
    support.print_facts()
    port = support.free_port()
    origin = f"http://127.0.0.1:{port}"
    rounds = []
    with support.Server("bare_h2o", [support.find_program(options.build, "bare_h2o"), str(port)],
                        port, cores[1]), \
         support.SkerryServer(skerry, cores[0],
                              config="outbound: { allow_private: true }\n") as server, \
         tempfile.TemporaryDirectory(prefix="skerry-bench-") as folder, \
         nginx(folder, port) as other:
        server.unpin()
        for make in (make_guest, make_proxy):
            make(pathlib.Path(folder), origin)
            subprocess.run([skerry, "deploy", folder, "--admin-socket", server.admin_socket],
                           check=True, stdout=subprocess.DEVNULL)
        base = f"http://127.0.0.1:{server.port}/f/default/fetch"
        for _ in range(options.rounds):
            alone = json.loads(subprocess.run([direct, origin, str(options.seconds)], check=True,
                                              capture_output=True, text=True).stdout)
            # Asked for nothing that is a URL, the function answers at once.
            plain = measure(skerry, server, f"{base}/none", cores[1], options.seconds)
            fetch = measure(skerry, server, f"{base}/get?{origin}/", cores[1], options.seconds)
            proxy = measure(skerry, server, f"http://127.0.0.1:{server.port}/f/default/proxy/",
                            cores[1], options.seconds, options.connections)
            beside = other and measure(skerry, other, f"http://127.0.0.1:{other.port}/", cores[1],
                                       options.seconds, options.connections)
            rounds.append({"proxy": proxy["p50"], "proxy_cpu": proxy["cpu"],
                           "nginx": beside["p50"] if beside else 0,
                           "nginx_cpu": beside["cpu"] if beside else 1,
                           "direct": alone["p50_us"], "direct_cpu": alone["cpu_us"],
                           "plain": plain["p50"], "fetch": fetch["p50"], "p99": fetch["p99"],
                           "added": fetch["p50"] - plain["p50"] - alone["p50_us"],
                           "cpu": fetch["cpu"] - plain["cpu"]})
    middle = {key: statistics.median(row[key] for row in rounds) for key in rounds[0]}
    print(f"libcurl alone      p50 {middle['direct']:6.1f} us   cpu {middle['direct_cpu']:5.1f} us")
    print(f"function, no fetch p50 {middle['plain']:6.1f} us")
    print(f"function, a fetch  p50 {middle['fetch']:6.1f} us   p99 {middle['p99']:.1f} us")
    print(f"a fetch adds       p50 {middle['added']:6.1f} us   goal {GOAL_ADDED_US}: "
          f"{support.verdict(middle['added'] <= GOAL_ADDED_US)}")
    print(f"  and of CPU           {middle['cpu']:6.1f} us   goal {GOAL_CPU_US}: "
          f"{support.verdict(middle['cpu'] <= GOAL_CPU_US)}")
    print(f"reverse proxy      p50 {middle['proxy']:6.1f} us   cpu {middle['proxy_cpu']:5.1f} us")
    if middle["nginx"] > 0:
        ratio = statistics.median(row["proxy_cpu"] / row["nginx_cpu"] for row in rounds)
        print(f"nginx's proxy_pass p50 {middle['nginx']:6.1f} us   "
              f"cpu {middle['nginx_cpu']:5.1f} us   ours {ratio:.2f} times its CPU, "
              f"goal {GOAL_NGINX}: "
              f"{support.verdict(ratio <= GOAL_NGINX)}")


if __name__ == "__main__":
    main()
