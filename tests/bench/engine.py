#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The interpreter beside others, on the programs of ../shared/bench, on CoreMark, on real programs.

    tests/bench/engine.py [--build DIR] [--peer NAME=PROGRAM ...] [--rounds N] [--core N]
    tests/bench/engine.py --real [...]

Without --real, each program exports bench(i32) -> i32, takes about a second in wasm3 and must
return the same value in all engines; and CoreMark, a WASI command that measures itself, gives its
best score. With --real, the programs are those that programs.py builds first: Lua, SQLite and
others, as WASI commands, with one of vector instructions; each must print what is written there.

Engines of the table KNOWN are found on PATH, or where --peer says; others come as --peer
'NAME=COMMAND' with {wasm} and {arg} in it. V8's baseline compiler alone (`node --liftoff`) is the
upper anchor. Pulley is Wasmtime's interpreter of what its optimizing compiler made: once with the
time of that compiler (on one core, like all), once without.

All engines run each program in turn on one core, several rounds. A row has the minimum of CPU times
of whole processes, loading included, as a ratio to those of the engine --base: below 1 is faster
than it. Then come the same ratios of medians. An engine that fails has no figure.
"""
import argparse
import dataclasses
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import programs as real  # noqa: E402
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

# name: program, words for bench(), words for a WASI command; where a file must be made from the
# program first ({made}), the words for that
PULLEY = ['--target', 'pulley64']
KNOWN = {
    'wasm3': ('wasm3', ['--func', 'bench', '{wasm}', '{arg}'], ['{wasm}']),
    'wasmi': ('wasmi', ['run', '--invoke', 'bench', '{wasm}', '{arg}'], ['run', '{wasm}']),
    'wasmi+fuel': ('wasmi', ['run', '--fuel', '1000000000000', '--invoke', 'bench', '{wasm}',
                             '{arg}'], ['run', '--fuel', '1000000000000', '{wasm}']),
    'wamr': ('iwasm', ['--stack-size=1000000', '-f', 'bench', '{wasm}', '{arg}'],
             ['--stack-size=1000000', '{wasm}']),
    'stitch': ('stitch', ['{wasm}', 'bench', '{arg}'], None),
    'toywasm': ('toywasm', ['--load', '{wasm}', '--init', '--invoke', 'bench {arg}'],
                ['--wasi', '{wasm}']),
    'tinywasm': ('tinywasm', ['--invoke', 'bench', '{wasm}', '{arg}'], None),
    'pulley': ('wasmtime', ['run', *PULLEY, '--invoke', 'bench', '{wasm}', '{arg}'],
               ['run', *PULLEY, '{wasm}']),
    'pulley-made': ('wasmtime', ['run', *PULLEY, '--allow-precompiled', '--invoke', 'bench',
                                 '{made}', '{arg}'],
                    ['run', *PULLEY, '--allow-precompiled', '{made}'],
                    ['compile', *PULLEY, '{wasm}', '-o', '{made}']),
    'liftoff': ('node', ['--liftoff', '--no-wasm-tier-up', '-e', NODE, '{wasm}', '{arg}'],
                ['--liftoff', '--no-wasm-tier-up', '-e', NODE_WASI, '{wasm}']),
    'skerry': ('skerry', ['run', '{wasm}', '--invoke', 'bench', '{arg}'], ['run', '{wasm}']),
}


@dataclasses.dataclass
class Program:
    """bench(argument) of a file, or a WASI command that prints `output`."""
    name: str
    wasm: str
    argument: int | None = None
    output: str | None = None


@dataclasses.dataclass
class Engine:
    """Commands for both kinds of programs, and what makes {made} before; None if it has none."""
    bench: list | None
    wasi: list | None
    make: list | None = None


def engines(options):
    given = dict(peer.partition('=')[::2] for peer in options.peer)
    given['skerry'] = os.path.join(options.build, 'skerry')
    found = {}
    for name, (program, *commands) in KNOWN.items():
        path = given.pop(name, None) or shutil.which(program)
        if path and name not in options.without:
            found[name] = Engine(*(words and [path, *words] for words in commands))
    for name, command in given.items():
        found[name] = Engine(command.split(), None)
    return found


def run(command, program, made, core):
    """CPU seconds and output of one process; None if it failed."""
    values = {'{wasm}': program.wasm, '{arg}': str(program.argument), '{made}': made}
    words = [re.sub(r'{\w+}', lambda match: values.get(match[0], match[0]), word)
             if len(word) < 100 else word for word in command]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    try:
        done = subprocess.run(['taskset', '-c', str(core), *words], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors='replace', timeout=120,
                              check=False, env={**os.environ, 'NODE_NO_WARNINGS': '1'})
    except subprocess.TimeoutExpired:
        return None, ''
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        return None, ''
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime), done.stdout


def result(program, output):
    """What bench() returned; of a WASI command, whether the output is right."""
    if program.argument is None:
        return program.output in output
    numbers = re.findall(r'0x[0-9a-f]+|-?\d+', output.replace(':i32', ''))
    return int(numbers[-1], 0) & 0xffffffff if numbers else None


def measure(found, program, options):
    """Seconds of all rounds, by engine; an engine that failed once is not asked again."""
    times = {name: [] for name in found}
    values = {}
    able = dict(found)
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(options.rounds):
            for name, engine in list(able.items()):
                command = engine.wasi if program.argument is None else engine.bench
                made = os.path.join(folder, name)
                if command and engine.make and not os.path.exists(made):
                    run(engine.make, program, made, options.core)
                seconds, output = (run(command, program, made, options.core) if command
                                   else (None, ''))
                if seconds is None:
                    del able[name]
                else:
                    times[name].append(seconds)
                    values[name] = result(program, output)
    if len(set(values.values())) > 1 or False in values.values():
        raise SystemExit(f'{program.wasm}: engines disagree, or are wrong: {values}')
    return times


def measure_coremark(found, program, options):
    """Seconds for 1,000 iterations, by its own clock."""
    times = {name: [] for name in found}
    for _ in range(options.coremark_rounds):
        for name, engine in found.items():
            if engine.wasi is None or engine.make:
                continue
            output = run(engine.wasi, program, '', options.core)[1]
            score = re.search(r'CoreMark 1.0 : ([\d.]+)', output)
            if score:
                times[name].append(1000 / float(score.group(1)))
    return times


def print_row(name, times, base, statistic=min):
    """Prints ratios to the base; returns them by name."""
    ran = {name: statistic(values) for name, values in times.items() if values}
    if base not in ran:
        print(f'{name:10} {"-":>10}   {base} does not run it', flush=True)
        return {}
    cells = ' '.join(f'{ran[name] / ran[base]:11.2f}' if name in ran else f'{"-":>11}'
                     for name in times)
    print(f'{name:10} {ran[base]:10.3f} {cells}', flush=True)
    return {name: seconds / ran[base] for name, seconds in ran.items()}


def print_table(found, rows, base, statistic=min):
    """Rows are (name, times), perhaps measured while we go; ends with the geometric means."""
    print(f'{"program":10} {base + " s":>10} ' + ' '.join(f'{name:>11}' for name in found))
    ratios = [print_row(name, times, base, statistic) for name, times in rows]
    shares = {name: [row[name] for row in ratios if name in row] for name in found}
    print(f'{"geomean":21} ' + ' '.join(
        f'{statistics.geometric_mean(share):10.2f}{" " if len(share) == len(ratios) else "*"}'
        if share else f'{"-":>11}' for share in shares.values()))
    if any(0 < len(share) < len(ratios) for share in shares.values()):
        print('* of the programs that it runs')


def parse():
    here = os.path.dirname(os.path.abspath(__file__))
    root = os.path.dirname(os.path.dirname(here))
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--build', default=os.path.join(root, 'build'))
    parser.add_argument('--peer', action='append', default=[])
    parser.add_argument('--base', help='default: skerry with --real, else wasm3, if there')
    parser.add_argument('--without', action='append', default=[], metavar='NAME')
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--coremark-rounds', type=int, default=1, help='15 s an engine each')
    parser.add_argument('--real', action='store_true')
    parser.add_argument('--only', action='append',
                        choices=[*PROGRAMS, 'coremark', *real.PROGRAMS])
    parser.add_argument('--core', type=int, default=1)
    parser.add_argument('--shared', default=os.environ.get(
        'SKERRY_SHARED', os.path.join(root, '..', 'shared')))
    return parser.parse_args()


def wanted(options):
    """The programs to measure, without CoreMark."""
    if options.real:
        names = [name for name in real.PROGRAMS if name in (options.only or real.PROGRAMS)]
        return [Program(name, wasm, output=output)
                for name, (wasm, output) in real.build(options.build, names).items()]
    folder = os.path.join(options.shared, 'bench')
    return [Program(name, os.path.join(folder, name + '.wasm'), argument)
            for name, argument in PROGRAMS.items() if name in (options.only or PROGRAMS)]


def main():
    options = parse()
    if not options.real and not os.path.isdir(os.path.join(options.shared, 'bench')):
        print(f'SKIPPED: no benchmark programs in {options.shared}')
        return 0
    found = engines(options)
    base = options.base or ('wasm3' if 'wasm3' in found and not options.real else 'skerry')
    if base not in found:
        support.die(f'--base {base}: there is only {", ".join(found)}')
    programs = wanted(options)
    support.print_facts()
    print(f'minimum of {options.rounds} interleaved runs on core {options.core}, CPU time of the '
          f'process, as a ratio to {base}; fuel is on in skerry and wasmi+fuel')
    rows = []

    def measured():
        for program in programs:
            rows.append((program.name, measure(found, program, options)))
            yield rows[-1]

    if programs:
        print_table(found, measured(), base)
        print('medians of the same')
        print_table(found, rows, base, statistics.median)
    if not options.real and 'coremark' in (options.only or ['coremark']) \
            and options.coremark_rounds > 0:
        program = Program('coremark', os.path.join(options.shared, COREMARK))
        print_row(program.name, measure_coremark(found, program, options), base)
    return 0


if __name__ == '__main__':
    sys.exit(main())
