#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The interpreter beside others, on the programs of ../shared/bench and on CoreMark.

    tests/bench/engine.py [--build DIR] [--peer NAME=PROGRAM ...] [--rounds N] [--core N]

Each program exports bench(i32) -> i32 and takes about a second in wasm3. Engines of the table
KNOWN are found on PATH, or where --peer says; others come as --peer 'NAME=COMMAND' with {wasm}
and {arg} in it. V8's baseline compiler alone (`node --liftoff`) is the upper anchor. All engines
run each program in turn on one core, several rounds; the table has the minimum of CPU times of
whole processes, loading included, as a ratio to the first peer's: below 1 is faster than it. All
engines must return the same value. CoreMark is a WASI command that measures itself: its row has
the best score, again so that below 1 is faster.
"""
import argparse
import dataclasses
import math
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import support  # noqa: E402

PROGRAMS = {'fib': 36, 'sieve': 12, 'sha256': 10, 'nbody': 1000000, 'matmul': 14, 'mandel': 1200,
            'qsort': 2, 'dispatch': 15000, 'lz': 25, 'json': 120, 'hash': 50}

COREMARK = os.path.join('modules', 'wasi-p1', 'coremark.wasm')

NODE = ('const b=require("fs").readFileSync(process.argv[1]);'
        'WebAssembly.instantiate(b).then('
        'r=>console.log(r.instance.exports.bench(+process.argv[2])))')
NODE_WASI = ('const {WASI}=require("wasi");const w=new WASI({version:"preview1"});'
             'WebAssembly.instantiate(require("fs").readFileSync(process.argv[1]),'
             'w.getImportObject()).then(r=>w.start(r.instance))')

# name: program, words for bench(), words for a WASI command
KNOWN = {
    'wasm3': ('wasm3', ['--func', 'bench', '{wasm}', '{arg}'], ['{wasm}']),
    'wasmi': ('wasmi', ['run', '--invoke', 'bench', '{wasm}', '{arg}'], ['run', '{wasm}']),
    'wasmi+fuel': ('wasmi', ['run', '--fuel', '1000000000000', '--invoke', 'bench', '{wasm}',
                             '{arg}'], ['run', '--fuel', '1000000000000', '{wasm}']),
    'wamr': ('iwasm', ['--stack-size=1000000', '-f', 'bench', '{wasm}', '{arg}'], ['{wasm}']),
    'stitch': ('stitch', ['{wasm}', 'bench', '{arg}'], None),
    'liftoff': ('node', ['--liftoff', '--no-wasm-tier-up', '-e', NODE, '{wasm}', '{arg}'],
                ['--liftoff', '--no-wasm-tier-up', '-e', NODE_WASI, '{wasm}']),
    'skerry': ('skerry', ['run', '{wasm}', '--invoke', 'bench', '{arg}'], ['run', '{wasm}']),
}


@dataclasses.dataclass
class Engine:
    bench: list
    wasi: list | None


def engines(options):
    given = dict(peer.partition('=')[::2] for peer in options.peer)
    given['skerry'] = os.path.join(options.build, 'skerry')
    found = {}
    for name, (program, bench, wasi) in KNOWN.items():
        path = given.pop(name, None) or shutil.which(program)
        if path:
            found[name] = Engine([path, *bench], wasi and [path, *wasi])
    for name, command in given.items():
        found[name] = Engine(command.split(), None)
    return found


def run(command, wasm, argument, core):
    """CPU seconds and output of one process; None if it failed."""
    words = [word.replace('{wasm}', wasm).replace('{arg}', str(argument)) for word in command]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    try:
        done = subprocess.run(['taskset', '-c', str(core), *words], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=120, check=False)
    except subprocess.TimeoutExpired:
        return None, ''
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        return None, ''
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime), done.stdout


def bench(engine, wasm, argument, core):
    seconds, output = run(engine.bench, wasm, argument, core)
    numbers = re.findall(r'0x[0-9a-f]+|-?\d+', output.replace(':i32', ''))
    if not numbers:
        return None, None
    return seconds, int(numbers[-1], 0) & 0xffffffff


def coremark(engine, wasm, core):
    """Seconds for 1,000 iterations, by its own clock."""
    if engine.wasi is None:
        return None
    score = re.search(r'CoreMark 1.0 : ([\d.]+)', run(engine.wasi, wasm, '', core)[1])
    return 1000 / float(score.group(1)) if score else None


def measure(found, wasm, argument, options):
    times = {name: [] for name in found}
    values = {}
    for _ in range(options.rounds):
        for name, engine in found.items():
            seconds, value = bench(engine, wasm, argument, options.core)
            if seconds is not None:
                times[name].append(seconds)
                values[name] = value
    if len(set(values.values())) > 1:
        raise SystemExit(f'{wasm}: engines disagree: {values}')
    return times


def measure_coremark(found, wasm, options):
    times = {name: [] for name in found}
    for _ in range(options.coremark_rounds):
        for name, engine in found.items():
            seconds = coremark(engine, wasm, options.core)
            if seconds is not None:
                times[name].append(seconds)
    return times


def print_row(program, times):
    """Prints ratios to the first engine; returns them by name."""
    base = min(next(iter(times.values())))
    ratios = {name: min(values) / base for name, values in times.items() if values}
    cells = ' '.join(f'{ratios[name]:10.2f}' if name in ratios else f'{"-":>10}' for name in times)
    print(f'{program:10} {base:10.3f} {cells}', flush=True)
    return ratios


def parse():
    here = os.path.dirname(os.path.abspath(__file__))
    root = os.path.dirname(os.path.dirname(here))
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--build', default=os.path.join(root, 'build'))
    parser.add_argument('--peer', action='append', default=[])
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--coremark-rounds', type=int, default=1, help='15 s an engine each')
    parser.add_argument('--only', action='append', choices=[*PROGRAMS, 'coremark'])
    parser.add_argument('--core', type=int, default=1)
    parser.add_argument('--shared', default=os.environ.get(
        'SKERRY_SHARED', os.path.join(root, '..', 'shared')))
    return parser.parse_args()


def main():
    options = parse()
    if not os.path.isdir(os.path.join(options.shared, 'bench')):
        print(f'SKIPPED: no benchmark programs in {options.shared}')
        return 0
    wanted = options.only or [*PROGRAMS, 'coremark']
    found = engines(options)
    first = next(iter(found))
    support.print_facts()
    print(f'minimum of {options.rounds} interleaved runs on core {options.core}, CPU time of the '
          f'process, as a ratio to {first}; fuel is on in skerry and wasmi+fuel')
    print(f'{"program":10} {first + " s":>10} ' + ' '.join(f'{name:>10}' for name in found))
    rows = []
    for program, argument in PROGRAMS.items():
        if program in wanted:
            wasm = os.path.join(options.shared, 'bench', program + '.wasm')
            rows.append(print_row(program, measure(found, wasm, argument, options)))
    if rows:
        means = [math.exp(statistics.fmean(math.log(row[name]) for row in rows if name in row))
                 if any(name in row for row in rows) else float('nan') for name in found]
        print(f'{"geomean":10} {"":10} ' + ' '.join(f'{mean:10.2f}' for mean in means))
    if 'coremark' in wanted and options.coremark_rounds > 0:
        wasm = os.path.join(options.shared, COREMARK)
        print_row('coremark', measure_coremark(found, wasm, options))
    return 0


if __name__ == '__main__':
    sys.exit(main())
