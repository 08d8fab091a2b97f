#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How fast modules load: validation, eager translation, and how large they become.

    tests/bench/load.py [--build DIR] [--rounds N] [--core N] [--linear] [FILE.wasm ...]

Without files: the large modules of npm packages found in --packages (esbuild-wasm, sql.js,
quickjs-wasi, pyodide, @ruby/3.4-wasm-wasi; `npm install` them there). Rates are in bytes of
function bodies, for data need no work; `code` is threaded code as a multiple of the bodies,
`image` the whole image as a multiple of the file. Beside them V8's baseline compiler, eager
and on one thread (node --liftoff --no-wasm-tier-up --no-wasm-lazy-compilation
--single-threaded), which validates as it compiles. Minimum of several rounds on one
core.

With --linear: shapes that hostile modules have (shapes.py), at two sizes, one four times the
other. Linear is fourfold, and somewhat more where the larger one leaves the caches; quadratic
is sixteenfold. A growth above --growth ends with exit status 1.
"""
import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import shapes  # noqa: E402
import support  # noqa: E402

PACKAGES = ("esbuild-wasm/esbuild.wasm", "sql.js/dist/sql-wasm.wasm", "quickjs-wasi/quickjs.wasm",
            "pyodide/pyodide.asm.wasm", "@ruby/3.4-wasm-wasi/dist/ruby.wasm",
            "@ruby/3.4-wasm-wasi/dist/ruby+stdlib.wasm")
LIFTOFF = ["--liftoff", "--no-wasm-tier-up", "--no-wasm-lazy-compilation",
           "--single-threaded"]
NODE = """
const bytes = require('fs').readFileSync(process.argv[1]);
const begin = process.hrtime.bigint();
new WebAssembly.Module(bytes);
console.log(Number(process.hrtime.bigint() - begin) / 1000);
"""


def pinned(command, core):
    return subprocess.run(["taskset", "-c", str(core), *command], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, check=False)


def measure(skerry, path, options):
    """The stats with the least times of all rounds, or the error."""
    best = None
    for _ in range(options.rounds):
        done = pinned([skerry, "inspect", str(path), "--stats"], options.core)
        if done.returncode != 0:
            return done.stderr.strip()
        stats = json.loads(done.stdout)
        if best is None:
            best = stats
        for key in ("validate_us", "translate_us"):
            best[key] = min(best[key], stats[key])
    return best


def liftoff_us(path, options):
    """In a process each time: V8 keeps what it compiled."""
    if not shutil.which("node"):
        return None
    times = []
    for _ in range(options.rounds):
        done = pinned(["node", *LIFTOFF, "-e", NODE, str(path)], options.core)
        if done.returncode != 0:
            return None
        times.append(float(done.stdout))
    return min(times)


def rate(count, microseconds):
    return count / max(microseconds, 1)


def print_modules(skerry, files, options):
    print(f"{'module':24} {'MB':>6} {'bodies':>7} {'validate':>10} {'translate':>10} "
          f"{'both':>9} {'Liftoff':>9} {'code':>6} {'image':>6}")
    for path in files:
        stats = measure(skerry, path, options)
        if isinstance(stats, str):
            print(f"{path.name:24} {stats}")
            continue
        bodies = stats["body_bytes"]
        v8 = liftoff_us(path, options)
        both = stats["validate_us"] + stats["translate_us"]
        print(f"{path.name:24} {stats['module_bytes'] / 1e6:6.1f} {bodies / 1e6:7.1f} "
              f"{rate(bodies, stats['validate_us']):5.0f} MB/s "
              f"{rate(bodies, stats['translate_us']):5.1f} MB/s {both / 1000:6.0f} ms "
              f"{'-' if v8 is None else f'{v8 / 1000:6.0f} ms':>9} "
              f"{stats['code_bytes'] / bodies:5.2f}x "
              f"{stats['image_bytes'] / stats['module_bytes']:5.2f}x", flush=True)


def check_growth(skerry, options):
    failed = 0
    print(f"{'shape':28} {'n':>8} {'time':>10} {'4n':>8} {'time':>10} {'growth':>7}")
    with tempfile.TemporaryDirectory() as folder:
        for name, (make, count) in shapes.SHAPES.items():
            times = []
            for n in (count, 4 * count):
                path = pathlib.Path(folder) / "shape.wasm"
                path.write_bytes(make(n))
                stats = measure(skerry, path, options)
                if isinstance(stats, str):
                    support.die(f"{name} of {n}: {stats}")
                times.append(stats["validate_us"] + stats["translate_us"])
            growth = times[1] / max(times[0], 1)
            failed += growth > options.growth
            print(f"{name:28} {count:8} {times[0]:7} us {4 * count:8} {times[1]:7} us "
                  f"{growth:6.1f}x{'  NOT LINEAR' if growth > options.growth else ''}", flush=True)
    return 1 if failed else 0


def main():
    root = support.ROOT
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=str(root / "build"))
    parser.add_argument("--packages", type=pathlib.Path, default=root / "node_modules")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--core", type=int, default=1)
    parser.add_argument("--linear", action="store_true")
    parser.add_argument("--growth", type=float, default=8)
    parser.add_argument("files", nargs="*", type=pathlib.Path)
    options = parser.parse_args()
    skerry = support.find_program(options.build, "skerry")
    support.print_facts()
    if options.linear:
        return check_growth(skerry, options)
    files = options.files or [options.packages / name for name in PACKAGES]
    found = [path for path in files if path.is_file()]
    if not found:
        print(f"SKIPPED: no modules in {options.packages}")
        return 0
    print_modules(skerry, found, options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
