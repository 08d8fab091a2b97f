#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Requests that wait: how late they go on, and what many of them cost.

  python3 tests/bench/wake.py --build build

Late: a guest sleeps until moments that it chooses, and reads its clock first thing afterwards; how
long after the moment that is. Alone, beside a tenant that keeps endless loops running, and beside
the parked ones; and in the same rounds, on the same core, a process that does nothing but sleep,
since what the machine adds is no matter of the server's. The goal is a p99 of one turn of the event
loop (one and a half slices) and 50 us more than that.
Parked: isolates that wait for an hour in two workers, each with its client: CPU while nothing
happens.
"""
import argparse
import contextlib
import os
import pathlib
import random
import resource
import selectors
import socket
import subprocess
import tempfile
import time

import modules
import support

SLICE_US = 100  # limits.slice
LATE_GOAL_US = 1.5 * SLICE_US + 50
PARKED_GOAL = 0.02  # of a core
NAPS = 400  # a request
NAP_SECONDS = 0.001  # to five times that

# The moments are at any time of a millisecond, as those of events from outside are.
SLEEPER = """
typedef unsigned long long u64;
typedef unsigned int u32;
#define IMPORT(module, name) __attribute__((import_module(module), import_name(name)))
#define EXPORT(name) __attribute__((export_name(name)))
#define WASI "wasi_snapshot_preview1"
IMPORT("http_handler", "write_body") void write_body(u32 kind, const void *from, u32 count);
IMPORT(WASI, "clock_time_get") u32 now(u32 clock, u64 precision, u64 *ret_ns);
IMPORT(WASI, "poll_oneoff") u32 poll(const void *in, void *out, u32 count, u32 *ret_count);

static struct { u64 user; u64 tag; u64 clock; u64 until; u64 precision; u64 flags; } nap;
static u32 late[NAPS];

static u64 moment(void) { u64 ns; now(1, 0, &ns); return ns; }

EXPORT("handle_request") u64 handle(void)
{
    unsigned char event[32];
    u64 dice = moment();
    u32 count;
    for (u32 i = 0; i < NAPS; i++) {
        dice = dice * 6364136223846793005u + 1442695040888963407u;
        nap.clock = 1;
        nap.until = moment() + NAP_NS + (dice >> 33) % (4 * NAP_NS);
        nap.flags = 1;
        poll(&nap, event, 1, &count);
        late[i] = (u32)(moment() - nap.until);
    }
    write_body(1, late, sizeof(late));
    return 0;
}
EXPORT("handle_response") void handled(u32 context, u32 error) { (void)context; (void)error; }
"""
HOUR_NS = 3_600_000_000_000


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", default="build", help="build directory (default: build)")
    parser.add_argument("--rounds", type=int, default=5, help="of naps (default: 5)")
    parser.add_argument("--loops", type=int, default=50, help="endless ones (default: 50)")
    parser.add_argument("--parked", type=int, default=10000, help="isolates (default: 10000)")
    parser.add_argument("--seconds", type=int, default=10, help="of parking (default: 10)")
    return parser.parse_args()


def sleeper(naps, nap_ns):
    with tempfile.NamedTemporaryFile(suffix=".wasm") as target:
        subprocess.run(["clang-19", "--target=wasm32", "-O2", "-nostdlib", "-Wl,--no-entry",
                        f"-DNAPS={naps}", f"-DNAP_NS={nap_ns}ull", "-x", "c", "-", "-o",
                        target.name], input=SLEEPER.encode(), check=True)
        return pathlib.Path(target.name).read_bytes()  # a new file by that name


def machine_late_us(core):
    own = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    late = []
    for _ in range(NAPS):
        nap = NAP_SECONDS * random.uniform(1, 5)
        until = time.monotonic() + nap
        time.sleep(nap)
        late.append((time.monotonic() - until) * 1e6)
    os.sched_setaffinity(0, own)
    return late


def late_us(server, rounds, core=None):
    """How late each nap ended, and each of a process that does nothing else; sorted."""
    late, machine = [], []
    for _ in range(rounds):
        if core is not None:
            machine += machine_late_us(core)
        connection = support.Connection(socket.AF_INET, ("127.0.0.1", server.port))
        status, _, body = connection.exchange("GET", "/f/sleepy/nap/")
        connection.socket.close()
        if status != 200 or len(body) != 4 * NAPS:
            support.die(f"the sleeper answered {status}: {body[:200]}")
        late += [ns / 1000 for ns in memoryview(body).cast("I")]
    return sorted(late), sorted(machine)


def report_late(name, both):
    (p50, p99), (machine_p50, machine_p99) = (
        (late[len(late) // 2], late[len(late) * 99 // 100]) for late in both)
    met = p99 <= machine_p99 + LATE_GOAL_US
    print(f"late {name:21} p50 {p50:6.1f} us   p99 {p99:6.1f} us; a process that only sleeps "
          f"{machine_p50:.1f} and {machine_p99:.1f} us (goal {LATE_GOAL_US:.0f} us more: "
          f"{support.verdict(met)})")


@contextlib.contextmanager
def loops(skerry, core, server, count):
    process = subprocess.Popen(
        [skerry, "loadtest", "--url", f"http://127.0.0.1:{server.port}/f/noisy/loop/", "--rate",
         "max", "--connections", str(count), "--duration", "600s", "--timeout", "60s"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        preexec_fn=lambda: support.pin(core, 19))
    try:
        late_us(server, 1)  # until they run
        yield
    finally:
        process.kill()
        process.wait()


def park(server, count):
    """Clients whose requests wait, for the caller to close, and what hears of an answer."""
    clients = []
    watch = selectors.DefaultSelector()
    for _ in range(count):
        client = socket.create_connection(("127.0.0.1", server.port), timeout=60)
        client.sendall(b"GET /f/sleepy/parked/ HTTP/1.1\r\nhost: x\r\n\r\n")
        clients.append(client)
        watch.register(client, selectors.EVENT_READ)
    return clients, watch


def measure_one_worker(skerry, cores, config, options):
    with support.SkerryServer(skerry, cores[0], config=config) as server:
        admin = support.Admin(server.admin_socket)
        admin.deploy("sleepy", "nap", sleeper(NAPS, int(NAP_SECONDS * 1e9)))
        admin.deploy("noisy", "loop", modules.endless())
        late_us(server, 1)
        report_late("alone", late_us(server, options.rounds, cores[0]))
        with loops(skerry, cores[1], server, options.loops):
            report_late(f"beside {options.loops} loops", late_us(server, options.rounds, cores[0]))


def measure_parked(skerry, cores, config, options):
    with support.SkerryServer(skerry, cores[0], config=config, workers=2) as server, \
            contextlib.ExitStack() as stack:
        server.unpin()
        admin = support.Admin(server.admin_socket)
        admin.deploy("sleepy", "nap", sleeper(NAPS, int(NAP_SECONDS * 1e9)))
        admin.deploy("sleepy", "parked", sleeper(1, HOUR_NS))
        late_us(server, 1)
        clients, watch = park(server, options.parked)
        stack.enter_context(watch)
        for client in clients:
            stack.enter_context(client)
        report_late(f"beside {options.parked} parked", late_us(server, options.rounds, cores[0]))
        before = server.cpu_seconds()
        time.sleep(options.seconds)
        share = (server.cpu_seconds() - before) / options.seconds
        if watch.select(0):
            support.die("a parked request was answered")
        print(f"parked: {options.parked} isolates in two workers: {share:.2%} of a core "
              f"(goal {PARKED_GOAL:.0%}: {support.verdict(share < PARKED_GOAL)})")


def main():
    options = parse_arguments()
    support.print_facts()
    skerry = support.find_program(options.build, "skerry")
    cores = support.pick_cores()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    options.parked = min(options.parked, most // 2 - 200)
    room = options.parked + 200
    config = (f"limits: {{ clock_resolution: 1us, wall: 1h, parked: {room}, concurrency: {room}, "
              f"connections_per_address: 100000 }}\npool: {{ total: {room} }}\n")
    support.pin(cores[1])
    measure_one_worker(skerry, cores, config, options)
    measure_parked(skerry, cores, config, options)


main()
