#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Commands that go on from a checkpoint: CPU time of a warm request, and how cold starts go.

  python3 tests/bench/checkpoint.py --build build

Go: the same program with the call and without it. C and Rust: a command with a checkpoint next to
an http-wasm handler that answers the same. Rounds alternate, the least of each is shown. Cold: as
many different commands of C and Rust, each called once. Go, and Rust with a WASI target (rustup's
wasm32-wasip1 or Debian's wasm32-wasi), are left out where they are not installed.
"""
import argparse
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile

import density
import support

TEXT = "hello\n"
QUOTED = "hello\\n"
C_COMMAND = """
#include "skerry.h"
#define WASI(name) __attribute__((import_module("wasi_snapshot_preview1"), import_name(name)))
WASI("fd_write") int fd_write(int fd, const void *vectors, int count, uint32_t *sum);
SKERRY_EXPORT("_start") void start(void)
{
    static const char text[] = "content-type: text/plain\\n\\n%s";
    struct { const char *data; uint32_t bytes; } vector = {text, sizeof(text) - 1};
    uint32_t sum;
    (void)skerry_checkpoint();
    (void)fd_write(1, &vector, 1, &sum);
}
""" % QUOTED
C_HANDLER = """
#include "skerry.h"
SKERRY_EXPORT("handle_request") uint64_t handle(void)
{
    skerry_set_header(SKERRY_RESPONSE_HEADERS, "content-type", 12, "text/plain", 10);
    skerry_write_body(SKERRY_RESPONSE_BODY, "%s", %d);
    return SKERRY_ANSWERED;
}
""" % (QUOTED, len(TEXT))
GO = """
package main

import (
    "fmt"
    %s
)

func main() {
    %s
    fmt.Print("content-type: text/plain\\n\\n%s")
}
"""

RUST_COMMAND = """
fn main() {
    skerry::checkpoint();
    print!("content-type: text/plain\\n\\n%s");
}
""" % QUOTED
RUST_HANDLER = """
skerry::handler!(handle);

fn handle() {
    skerry::set_header("content-type", "text/plain");
    skerry::say("%s");
}
""" % QUOTED
RUST_TARGETS = ("wasm32-wasip1", "wasm32-wasi")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", default="build", help="build directory (default: build)")
    parser.add_argument("--requests", type=int, default=5000, help="of a round (default: 5000)")
    parser.add_argument("--rounds", type=int, default=5, help="default: 5")
    parser.add_argument("--cold", type=int, default=100, help="commands (default: 100)")
    return parser.parse_args()


def c_module(text):
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder) / "f.c"
        source.write_text(text)
        subprocess.run(["clang-19", "--target=wasm32", "-O2", "-nostdlib", "-Wl,--no-entry", "-I",
                        support.ROOT / "hostapi" / "guest", "-o", source.with_suffix(".wasm"),
                        source], check=True)
        return source.with_suffix(".wasm").read_bytes()


def go_module(frozen):
    with tempfile.TemporaryDirectory() as folder:
        place = pathlib.Path(folder)
        uses = ('"skerry/command"', "command.Checkpoint()") if frozen else ("", "")
        (place / "main.go").write_text(GO % (*uses, QUOTED))
        (place / "go.mod").write_text(
            "module bench\n\ngo 1.24\n\nrequire skerry v0.0.0\n\nreplace skerry => "
            f"{support.ROOT}/hostapi/guest/go\n")
        environment = os.environ | {"GOOS": "wasip1", "GOARCH": "wasm", "GOTOOLCHAIN": "local",
                                    "GOFLAGS": "-mod=mod"}
        subprocess.run(["go", "build", "-o", "f.wasm", "."], cwd=place, env=environment,
                       check=True)
        return (place / "f.wasm").read_bytes()


def rust_compiler():
    """The command of the first rustc that has a WASI target; None without one."""
    for rustc in ("rustc", "/usr/bin/rustc"):
        for target in RUST_TARGETS:
            found = shutil.which(rustc) and subprocess.run(
                [rustc, "--print", "target-libdir", "--target", target], capture_output=True,
                text=True, check=False).stdout.strip()
            if found and os.path.isdir(found):
                return [rustc, "--edition", "2021", "--target", target, "-C", "opt-level=s",
                        "-C", "panic=abort", "-C", "strip=debuginfo"]
    return None


def rust_module(compiler, text, kind):
    with tempfile.TemporaryDirectory() as folder:
        place = pathlib.Path(folder)
        (place / "f.rs").write_text(text)
        link = ["-C", "linker=wasm-ld-19", "-C", "linker-flavor=wasm-ld", "-C",
                "link-arg=--no-fatal-warnings"] if shutil.which("wasm-ld-19") else []
        subprocess.run([*compiler, "--crate-name", "skerry", "--crate-type", "rlib", "-o",
                        place / "libskerry.rlib",
                        support.ROOT / "hostapi" / "guest" / "rust" / "src" / "lib.rs"], check=True)
        subprocess.run([*compiler, *link, "--crate-type", kind, "--extern",
                        f"skerry={place}/libskerry.rlib", "-o", place / "f.wasm", place / "f.rs"],
                       check=True)
        return (place / "f.wasm").read_bytes()


def cpu_us(server, connection, name, count):
    """CPU time of a warm request."""
    path = f"/f/default/{name}/"
    for _ in range(20):
        status, _, body = connection.exchange("GET", path)
        if status != 200 or body != TEXT.encode():
            support.die(f"{name} answered {status}: {body[:200]}")
    before = sum(support.cpu_seconds(pid) for pid in server.workers())
    for _ in range(count):
        connection.exchange("GET", path)
    after = sum(support.cpu_seconds(pid) for pid in server.workers())
    return (after - before) / count * 1e6


def measure(skerry, modules, arguments):
    core = support.pick_cores()
    least = {}
    with support.SkerryServer(skerry, core[0]) as server:
        admin = support.Admin(server.admin_socket)
        for name, module in modules.items():
            admin.deploy("default", name, module, "?reseeds=1")
        os.sched_setaffinity(0, {core[1]})
        connection = support.Connection(socket.AF_INET, ("127.0.0.1", server.port))
        for _ in range(arguments.rounds):
            for name in modules:
                count = arguments.requests // (20 if name == "go-start" else 1)
                took = cpu_us(server, connection, name, count)
                least[name] = min(least.get(name, took), took)
    return least


def tagged(module, tag):
    """The module with a section that says nothing."""
    return module + bytes([0, 1 + len(tag), len(tag)]) + tag


def say_command(language, least, cold):
    """A command with a checkpoint next to a handler."""
    command, handler = (least[f"{language.lower()}-{kind}"] for kind in ("command", "handler"))
    ratio = command / handler
    print(f"{language}: {command:.1f} us of CPU a request as a command with a checkpoint, "
          f"{handler:.1f} us as a handler: {ratio:.2f}x "
          f"(goal 1.5: {support.verdict(ratio <= 1.5)}); "
          f"cold p50 {cold:.0f} us (goal 60: {support.verdict(cold <= 60)})")


def measure_cold(skerry, module, count):
    """Start in the server of a command's first request: median, in microseconds."""
    core = support.pick_cores()[0]
    names = [("default", f"f{index:04}") for index in range(count)]
    made = {"/".join(name): tagged(module, name[1].encode())
            for name in [("default", "first"), *names]}
    with support.SkerryServer(skerry, core, config="pool: { prewarm: 0s }\n") as server:
        density.deploy_all(server, [("default", "first"), *names], made.get, 1)
        density.call_all(server, [("default", "first")])
        rows = density.call_all(server, names)
    return density.quantile([row["start"] for row in rows], 0.5) * 1000


def main():
    arguments = parse_arguments()
    skerry = support.find_program(arguments.build, "skerry")
    support.print_facts()
    modules = {"c-command": c_module(C_COMMAND), "c-handler": c_module(C_HANDLER)}
    compiler = rust_compiler()
    if compiler is None:
        print("no rustc has a WASI target: left out")
    else:
        modules |= {"rust-command": rust_module(compiler, RUST_COMMAND, "bin"),
                    "rust-handler": rust_module(compiler, RUST_HANDLER, "cdylib")}
    if shutil.which("go") is None:
        print("go is not installed: left out")
    else:
        modules |= {"go-frozen": go_module(True), "go-start": go_module(False)}
    least = measure(skerry, modules, arguments)
    for language in ("C", "Rust"):
        command = f"{language.lower()}-command"
        if command in modules:
            say_command(language, least, measure_cold(skerry, modules[command], arguments.cold))
    if "go-frozen" in least:
        print(f"Go: {least['go-frozen']:.0f} us of CPU a request from its checkpoint (goal 300: "
              f"{support.verdict(least['go-frozen'] <= 300)}), {least['go-start']:.0f} us from its "
              "beginning")


if __name__ == "__main__":
    main()
