#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a unit of fuel takes, for each class of operation; and what metering costs.

    tests/bench/fuel.py [--build DIR] [--rounds N] [--core N] [--unmetered DIR [--real]]

A slice is a number of units, so its time is bounded by the dearest unit. Each class is a loop
written here, run by `skerry run --invoke --stats`; the table has nanoseconds a unit (CPU time,
minimum of several rounds) and the ratio to the median class. Ends with 1 if one is above --most
times the median; but what a load misses in the caches is shown and not judged, for no price can
know it.

--unmetered names a build with -Dunmetered=true, in which nothing is charged at branches: the
programs of ../shared/bench, or with --real those of programs.py, run in both in turn, and the
ratio is the price of metering. It is smaller than what the layout of other code changes by itself:
single programs differ by some percent in either direction, so the geometric mean is what counts.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import engine  # noqa: E402
import programs  # noqa: E402
import support  # noqa: E402

REPEAT = 16  # operations in a turn of the loop
FRAME = """(module
  (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))
  (import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
  (memory (export "memory") 1200)
  (table $t 70000 funcref)
  (elem (i32.const 0) $callee)
  (data $d "0123456789abcdef0123456789abcdef")
  (global $g (mut i32) (i32.const 1))
  (type $unary (func (param i32) (result i32)))
  (func $callee (param i32) (result i32) (local.get 0))
  (tag $tag (param i32))
  (tag $other)
  (func $thrower (param $frames i32)
    (if (local.get $frames)
      (then (call $thrower (i32.sub (local.get $frames) (i32.const 1))))
      (else (throw $tag (i32.const 1)))))
  (func (export "bench") (param $n i32) (result i32)
    (local $x i32) (local $y i64) (local $f f64) (local $h f32) (local $z i32)
    (local.set $x (i32.const 77777)) (local.set $y (i64.const 77777777777))
    (local.set $f (f64.const 1.5)) (local.set $h (f32.const 1.5)) (local.set $z (i32.const 3))
    ;; Pages fault when they are written first: once each, and their number is limited.
    (memory.fill (i32.const 0) (i32.const 0) (i32.const 78643200))
    (loop $again
      %s
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $x)))
"""
X, Y, F, H = "(local.get $x)", "(local.get $y)", "(local.get $f)", "(local.get $h)"


def set_x(value):
    return f"(local.set $x {value})"


# class: (code, how often in a turn, turns)
CLASSES = {
    "i32.add": (set_x(f"(i32.add {X} (i32.const 3))"), REPEAT, 2000000),
    "i32.mul": (set_x(f"(i32.mul {X} (i32.const 3))"), REPEAT, 2000000),
    "i32.div_u": (set_x(f"(i32.or (i32.div_u {X} (local.get $z)) (i32.const 0x70000000))"),
                  REPEAT, 1000000),
    "i64.div_s": (f"(local.set $y (i64.or (i64.div_s {Y} (i64.const 3)) "
                  "(i64.const 0x7000000000000000)))", REPEAT, 1000000),
    "i64.rem_u": (f"(local.set $y (i64.or (i64.rem_u {Y} (i64.const 12345)) "
                  "(i64.const 0x7000000000000000)))", REPEAT, 1000000),
    "i32.popcnt": (set_x(f"(i32.popcnt {X})"), REPEAT, 2000000),
    "compare": (set_x(f"(i32.lt_s {X} (local.get $z))"), REPEAT, 2000000),
    "f64.add": (f"(local.set $f (f64.add {F} (f64.const 1)))", REPEAT, 1000000),
    "f64.div": (f"(local.set $f (f64.div {F} (f64.const 1.01)))", REPEAT, 1000000),
    "f64.sqrt": (f"(local.set $f (f64.sqrt {F}))", REPEAT, 1000000),
    "f32.nearest": (f"(local.set $h (f32.nearest {H}))", REPEAT, 1000000),
    "f64 to i64": (f"(local.set $y (i64.trunc_f64_s {F}))", REPEAT, 1000000),
    "select": (set_x(f"(select {X} (local.get $z) (local.get $n))"), REPEAT, 1000000),
    "global": ("(global.set $g (i32.add (global.get $g) (i32.const 1)))", REPEAT, 1000000),
    "load": (set_x("(i32.load (i32.const 64))"), REPEAT, 2000000),
    "load, cache misses": (set_x(f"(i32.and (i32.add {X} (i32.add (i32.load {X}) "
                                 "(i32.const 1000003))) (i32.const 0x3ffffff))"), REPEAT, 100000),
    "store": (f"(i32.store (i32.const 64) {X})", REPEAT, 2000000),
    "br_if": (f"(block (br_if 0 {X}))", REPEAT, 1000000),
    "br_table": (f"(block (block (block (br_table 0 1 2 (i32.and {X} (i32.const 1))))))",
                 REPEAT, 1000000),
    "call": (set_x(f"(call $callee {X})"), REPEAT, 500000),
    "call_indirect": (set_x(f"(call_indirect (type $unary) {X} (i32.const 0))"), REPEAT, 500000),
    "memory.size": (set_x("(memory.size)"), REPEAT, 1000000),
    "memory.copy 16": ("(memory.copy (i32.const 64) (i32.const 256) (i32.const 16))",
                       REPEAT, 200000),
    "memory.copy 4 KiB": ("(memory.copy (i32.const 0) (i32.const 65536) (i32.const 4096))",
                          REPEAT, 20000),
    "memory.copy 16 MiB": ("(memory.copy (i32.const 0) (i32.const 20000000) "
                           "(i32.const 16777216))", 1, 20),
    "memory.copy 64, far": (f"(memory.copy (local.tee $x (i32.and (i32.add {X} "
                            "(i32.const 1000003)) (i32.const 0x3ffffff))) (i32.const 0) "
                            "(i32.const 64))", REPEAT, 50000),
    "memory.fill 16": ("(memory.fill (i32.const 64) (i32.const 1) (i32.const 16))",
                       REPEAT, 200000),
    "memory.fill 16 MiB": ("(memory.fill (i32.const 0) (i32.const 1) (i32.const 16777216))",
                           1, 30),
    "memory.init 32": ("(memory.init $d (i32.const 64) (i32.const 0) (i32.const 32))",
                       REPEAT, 200000),
    "table.get": ("(drop (table.get $t (i32.const 5)))", REPEAT, 1000000),
    "table.set": ("(table.set $t (i32.const 5) (ref.null func))", REPEAT, 1000000),
    "table.copy 4": ("(table.copy $t $t (i32.const 8) (i32.const 20) (i32.const 4))",
                     REPEAT, 200000),
    "table.copy 30,000": ("(table.copy $t $t (i32.const 8) (i32.const 30008) (i32.const 30000))",
                          1, 2000),
    "table.fill 60,000": ("(table.fill $t (i32.const 8) (ref.null func) (i32.const 60000))",
                          1, 2000),
    "ref.func": ("(drop (ref.func $callee))", REPEAT, 1000000),
    "memory.grow 0": ("(drop (memory.grow (i32.const 0)))", REPEAT, 50000),
    "throw and catch": ("(try (do (throw $tag (i32.const 1))) (catch $tag (drop)))",
                        REPEAT, 50000),
    "throw through 1000 calls": ("(try (do (call $thrower (i32.const 1000))) (catch $tag (drop)))",
                                 1, 2000),
    "throw past 1000 catches": ("(try (do (try (do (throw $tag (i32.const 1))) %s)) "
                                "(catch $tag (drop)))" % ("(catch $other)" * 1000), 1, 10000),
    "host: sched_yield": ("(drop (call $yield))", REPEAT, 20000),
    "host: clock_time_get": ("(drop (call $clock (i32.const 1) (i64.const 1) (i32.const 64)))",
                             REPEAT, 20000),
    "host: random_get 16": ("(drop (call $random (i32.const 64) (i32.const 16)))", REPEAT, 20000),
    "host: random_get 64 KiB": ("(drop (call $random (i32.const 64) (i32.const 65536)))", 1, 300),
}

NOT_JUDGED = ("load, cache misses",)


def run(skerry, wasm, argument, core):
    """(CPU seconds of the process, fuel) of bench(argument), or of a command if that is None"""
    call = [] if argument is None else ["--invoke", "bench", str(argument)]
    process = subprocess.Popen(
        [skerry, "run", str(wasm), *call, "--stats"],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: os.sched_setaffinity(0, {core}))
    said = process.stderr.read()
    process.stderr.close()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if status != 0:
        support.die(f"{wasm}: {said.strip()}")
    return usage.ru_utime + usage.ru_stime, json.loads(said.splitlines()[-1])["fuel"]


def nanoseconds_a_unit(skerry, wasm, turns, options):
    """What many turns take and charge beyond one turn."""
    one = [run(skerry, wasm, 1, options.core) for _ in range(options.rounds)]
    many = [run(skerry, wasm, turns, options.core) for _ in range(options.rounds)]
    return (min(many)[0] - min(one)[0]) * 1e9 / (many[0][1] - one[0][1])


def measure_classes(skerry, options):
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder) / "bench.wat"
        wasm = source.with_suffix(".wasm")
        for name, (code, repeat, turns) in CLASSES.items():
            source.write_text(FRAME % (code * repeat))
            subprocess.run(["wat2wasm", "--enable-exceptions", str(source), "-o", str(wasm)],
                           check=True)
            found[name] = nanoseconds_a_unit(skerry, wasm, turns, options)
    return found


def print_classes(found, options):
    median = statistics.median(found.values())
    judged = {name: cost for name, cost in found.items() if name not in NOT_JUDGED}
    print(f"{'class':26} {'ns a unit':>10} {'to median':>10}")
    for name, cost in found.items():
        print(f"{name:26} {cost:10.2f} {cost / median:9.1f}x"
              f"{'  TOO CHEAP' if judged.get(name, 0) > options.most * median else ''}")
    dearest = max(judged, key=judged.get)
    print(f"median {median:.2f} ns; dearest {dearest}: {found[dearest] / median:.1f} times that")
    return found[dearest] <= options.most * median


def metering_programs(options):
    """(name, file, argument)"""
    if options.real:
        return [(name, wasm, None)
                for name, (wasm, _) in programs.build(options.build).items()]
    found = [(name, options.programs / f"{name}.wasm", argument)
             for name, argument in engine.PROGRAMS.items()]
    return [row for row in found if row[1].is_file()]


def print_metering(skerry, options):
    bare = support.find_program(options.unmetered, "skerry")
    print(f"{'program':10} {'metered':>10} {'unmetered':>10} {'ratio':>7}")
    ratios = []
    for name, wasm, argument in metering_programs(options):
        times = {program: [] for program in (skerry, bare)}
        for _ in range(options.rounds):
            for program, rows in times.items():
                rows.append(run(program, wasm, argument, options.core)[0])
        with_fuel, without = min(times[skerry]), min(times[bare])
        ratios.append(with_fuel / without)
        print(f"{name:10} {with_fuel * 1000:7.0f} ms {without * 1000:7.0f} ms "
              f"{ratios[-1]:7.3f}", flush=True)
    if ratios:
        print(f"geomean {statistics.geometric_mean(ratios):.3f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=str(support.ROOT / "build"))
    parser.add_argument("--unmetered")
    parser.add_argument("--real", action="store_true")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--core", type=int, default=1)
    parser.add_argument("--most", type=float, default=4)
    parser.add_argument("--programs", type=pathlib.Path,
                        default=support.ROOT.parent / "shared" / "bench")
    options = parser.parse_args()
    skerry = support.find_program(options.build, "skerry")
    support.print_facts()
    if options.unmetered:
        print_metering(skerry, options)
        return 0
    return 0 if print_classes(measure_classes(skerry, options), options) else 1


if __name__ == "__main__":
    sys.exit(main())
