#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The interpreter beside others, on the programs of ../shared/bench.

    tests/bench/engine.py [--build DIR] [--peer NAME=COMMAND ...] [--rounds N] [--core N]

Each program exports bench(i32) -> i32 and takes about a second in wasm3. A peer's COMMAND
has {wasm} and {arg} in it; `wasm3` and `node` (V8's baseline compiler alone, the upper
anchor) are found on PATH. All engines run each program in turn on one core, several rounds;
the table has the minimum of whole-process times as a ratio to the first peer's, so that a
ratio below 1 means faster than it. All engines must return the same value.
"""
import argparse
import math
import os
import re
import shutil
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import support  # noqa: E402

PROGRAMS = {'fib': 36, 'sieve': 12, 'sha256': 10, 'nbody': 1000000, 'matmul': 14, 'mandel': 1200,
            'qsort': 2, 'dispatch': 15000, 'lz': 25, 'json': 120, 'hash': 50}

NODE = ('const b=require("fs").readFileSync(process.argv[1]);'
        'WebAssembly.instantiate(b).then('
        'r=>console.log(r.instance.exports.bench(+process.argv[2])))')


def engines(options):
    found = {}
    for peer in options.peer:
        name, _, command = peer.partition('=')
        found[name] = command.split()
    if 'wasm3' not in found and shutil.which('wasm3'):
        found['wasm3'] = ['wasm3', '--func', 'bench', '{wasm}', '{arg}']
    if 'liftoff' not in found and shutil.which('node'):
        found['liftoff'] = ['node', '--liftoff', '--no-wasm-tier-up', '-e', NODE, '{wasm}', '{arg}']
    found['skerry'] = [os.path.join(options.build, 'skerry'), 'run', '{wasm}', '--invoke', 'bench',
                       '{arg}']
    return found


def run(command, wasm, argument, core):
    words = [word.replace('{wasm}', wasm).replace('{arg}', str(argument)) for word in command]
    begin = time.monotonic()
    done = subprocess.run(['taskset', '-c', str(core), *words], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=120)
    seconds = time.monotonic() - begin
    numbers = re.findall(r'-?\d+', done.stdout)
    if done.returncode != 0 or not numbers:
        return None, None
    return seconds, int(numbers[-1]) & 0xffffffff


def measure(found, wasm, argument, options):
    times = {name: [] for name in found}
    values = {}
    for _ in range(options.rounds):
        for name, command in found.items():
            seconds, value = run(command, wasm, argument, options.core)
            if seconds is not None:
                times[name].append(seconds)
                values[name] = value
    if len(set(values.values())) > 1:
        raise SystemExit(f'{wasm}: engines disagree: {values}')
    return times


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    root = os.path.dirname(os.path.dirname(here))
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--build', default=os.path.join(root, 'build'))
    parser.add_argument('--peer', action='append', default=[])
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--core', type=int, default=1)
    parser.add_argument('--programs', default=os.path.join(
        os.environ.get('SKERRY_SHARED', os.path.join(root, '..', 'shared')), 'bench'))
    options = parser.parse_args()
    if not os.path.isdir(options.programs):
        print(f'SKIPPED: no benchmark programs in {options.programs}')
        return 0
    found = engines(options)
    first = next(iter(found))
    support.print_facts()
    print(f'minimum of {options.rounds} interleaved runs on core {options.core}, whole process, '
          f'as a ratio to {first}; fuel is on in skerry')
    print(f'{"program":10} {first + " s":>10} ' + ' '.join(f'{name:>9}' for name in found))
    logs = {name: [] for name in found}
    for program, argument in PROGRAMS.items():
        wasm = os.path.join(options.programs, program + '.wasm')
        times = measure(found, wasm, argument, options)
        base = min(times[first])
        cells = []
        for name in found:
            if not times[name]:
                cells.append(f'{"-":>9}')
                continue
            ratio = min(times[name]) / base
            logs[name].append(math.log(ratio))
            cells.append(f'{ratio:9.2f}')
        print(f'{program:10} {base:10.3f} ' + ' '.join(cells), flush=True)
    means = [math.exp(statistics.fmean(logs[name])) if logs[name] else float('nan')
             for name in found]
    print(f'{"geomean":10} {"":10} ' + ' '.join(f'{mean:9.2f}' for mean in means))
    return 0


if __name__ == '__main__':
    sys.exit(main())
