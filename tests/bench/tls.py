#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""TLS: what a full handshake, a resumed one and a request cost, next to a bare libh2o that keeps
its key itself.

  python3 tests/bench/tls.py --build build

Both servers sit on one core, with all their processes, the client on another. The measure is server
CPU time per operation, which a busy neighbour distorts less than rates; the rate that it allows is
its inverse. A request is asked for alone, on one connection, and by `wrk`, where that is installed
(apt-get install wrk), on 32 at once. How long handshakes waited for the key process is what the
server itself counted.
"""
import argparse
import pathlib
import re
import shutil
import socket
import ssl
import statistics
import subprocess
import tempfile
import time

import support

HOST = "cold-0001.default.localhost"
KINDS = {"rsa": ["rsa:2048"], "ecdsa": ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"],
         "ed25519": ["ed25519"]}
BATCH = 1       # requests that are asked for at once
FLOOD = ["wrk", "-t1", "-c32", "-d3", "-H", f"Host: {HOST}"]
ASK = f"GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--build", default="build", help="build directory (default: build)")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each (default: 3)")
    parser.add_argument("--handshakes", type=int, default=1000, help="in a run (default: 1000)")
    parser.add_argument("--requests", type=int, default=20000, help="in a run (default: 20000)")
    parser.add_argument("--kind", choices=sorted(KINDS), help="of key (default: each)")
    parser.add_argument("--hosts", type=int, default=1, help="certificates stored (default: 1)")
    return parser.parse_args()


def make_certificate(folder, kind):
    chain, key = f"{folder}/{kind}.pem", f"{folder}/{kind}.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", *KINDS[kind], "-nodes", "-keyout", key,
                    "-out", chain, "-subj", "/CN=bench", "-addext",
                    f"subjectAltName=DNS:{HOST},DNS:localhost"],
                   check=True, capture_output=True)
    return chain, key


def connect(port, context, session=None, host=HOST):
    return context.wrap_socket(socket.create_connection(("127.0.0.1", port)),
                               server_hostname=host, session=session)


def context_for(chain):
    context = ssl.create_default_context(cafile=chain)
    context.maximum_version = ssl.TLSVersion.TLSv1_2    # Python resumes its sessions at once
    return context


def shake(port, context, count, session=None):
    for _ in range(count):
        with connect(port, context, session) as connection:
            if connection.session_reused != (session is not None):
                support.die("a handshake was not of the kind that was asked for")


def shake_many(port, chain, count, hosts):
    """Full handshakes, each for another host than those before, as long as there are some."""
    context = context_for(pathlib.Path(chain).parent / "many.pem")
    for i in range(count):
        connect(port, context, host=f"h{1 + i * 7919 % (hosts - 1)}.many.test").close()


def ends(answers):
    """Is the last answer whole?"""
    head, _, body = answers.rpartition(b"HTTP/1.1 200")[2].partition(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head, re.I)
    return length is not None and len(body) >= int(length.group(1))


def ask(port, context, count):
    with connect(port, context) as connection:
        for _ in range(count // BATCH):
            connection.sendall(ASK * BATCH)
            answers = b""
            while answers.count(b"HTTP/1.1 200") < BATCH or not ends(answers):
                answers += connection.recv(65536)


def flood(server, port, core):
    """Server CPU microseconds of a request on one of many connections."""
    spent = 0
    for _ in range(2):      # the first warms
        before = server.cpu_seconds()
        done = subprocess.run(["taskset", "-c", str(core), *FLOOD, f"https://localhost:{port}/"],
                              check=True, capture_output=True, text=True)
        spent = server.cpu_seconds() - before
    count = int(re.search(r"(\d+) requests in", done.stdout).group(1))
    if count == 0 or "Non-2xx" in done.stdout:
        support.die(f"wrk was not answered:\n{done.stdout}")
    return spent * 1e6 / count


def microseconds(server, act, count):
    before = server.cpu_seconds()
    act()
    return (server.cpu_seconds() - before) * 1e6 / count


def measure(server, port, chain, options, core):
    context = context_for(chain)
    with connect(port, context) as connection:
        session = connection.session
    count = options.handshakes
    row = {
        "full handshake": microseconds(server, lambda: shake(port, context, count), count),
        "resumed": microseconds(server, lambda: shake(port, context, count, session), count),
        "request": microseconds(server, lambda: ask(port, context, options.requests),
                                options.requests)}
    if shutil.which("wrk") is not None:
        row["request, 32 at once"] = flood(server, port, core)
    return row


def measure_many(server, port, chain, options):
    """A certificate that is not parsed yet for each, and how long a client waits for it."""
    count = min(options.handshakes, options.hosts - 1)
    begun = time.perf_counter()
    spent = microseconds(server, lambda: shake_many(port, chain, count, options.hosts), count)
    return {"full, another host": spent,
            "... as its client sees": (time.perf_counter() - begun) * 1e6 / count}


def waited(server):
    """Microseconds that a signature took, as the workers counted."""
    _, _, text = support.Admin(server.admin_socket).exchange("GET", "/metrics")
    numbers = [float(re.search(rf"^{name}{{[^}}]*}} (\S+)", text.decode(), re.M).group(1))
               for name in ("skerry_tls_signing_seconds_total", "skerry_tls_signatures_total")]
    return numbers[0] * 1e6 / max(numbers[1], 1)


def store_more(server, chain, key, count):
    admin = support.Admin(server.admin_socket)
    folder = pathlib.Path(chain).parent
    for i in range(1, count):
        host = f"h{i}.many.test"
        if i == 1:
            subprocess.run(["openssl", "req", "-x509", "-key", key, "-nodes", "-out",
                            f"{folder}/many.pem", "-subj", "/CN=many", "-addext",
                            "subjectAltName=DNS:*.many.test"], check=True, capture_output=True)
            pem = pathlib.Path(f"{folder}/many.pem").read_bytes() + pathlib.Path(key).read_bytes()
        status, _, text = admin.exchange("PUT", f"/v1/certificates/{host}", pem)
        if status != 200:
            support.die(f"certificate of {host}: {status} {text.decode()}")


def run_kind(kind, options, folder, cores):
    skerry = support.find_program(options.build, "skerry")
    bare = support.find_program(options.build, "bare_h2o")
    chain, key = make_certificate(folder, kind)
    rows = {"skerry": [], "libh2o": []}
    for _ in range(options.rounds):
        tls, plain = support.free_port(), support.free_port()
        with support.SkerryServer(
                skerry, cores[0], config=f'tls: {{ certificates: ["{chain} {key}"] }}\n',
                more=["--listen", f"https://127.0.0.1:{tls}"]) as server:
            support.loadtest(skerry, cores[1], "--cold", "--functions", "1", "--keep",
                             "--admin-socket", server.admin_socket, "--url",
                             f"http://127.0.0.1:{server.port}/")
            store_more(server, chain, key, options.hosts)
            rows["skerry"].append(measure(server, tls, chain, options, cores[1]))
            rows["skerry"][-1]["waited for a signature"] = waited(server)
            if options.hosts > 1:
                rows["skerry"][-1].update(measure_many(server, tls, chain, options))
        with support.Server("libh2o", [bare, str(plain), chain, key], plain, cores[0]) as server:
            rows["libh2o"].append(measure(server, plain, chain, options, cores[1]))
    for name in rows["skerry"][0]:
        ours = statistics.median(row[name] for row in rows["skerry"])
        theirs = [row[name] for row in rows["libh2o"] if name in row]
        if not theirs:
            print(f"{kind:8} {name:24} {ours:8.1f} us")
            continue
        other = statistics.median(theirs)
        print(f"{kind:8} {name:24} {ours:8.1f} us   libh2o {other:8.1f} us   "
              f"{100 * other / max(ours, 1e-9):5.0f} % of its rate")


def main():
    options = parse_arguments()
    support.print_facts()
    cores = support.pick_cores()
    with tempfile.TemporaryDirectory() as folder:
        for kind in [options.kind] if options.kind else KINDS:
            run_kind(kind, options, folder, cores)


if __name__ == "__main__":
    main()
