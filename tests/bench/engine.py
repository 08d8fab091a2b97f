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
'NAME=COMMAND' with {wasm} and {arg} in it. Pulley is Wasmtime's interpreter of what its optimizing
compiler made: once with the time of that compiler (on one core, like all), once without. Engines
written in Rust deserve LTO and one codegen unit before a lead over them is claimed.

All engines run each program in turn on one core, several rounds. A row has the minimum of CPU times
of whole processes, loading included, as a ratio to those of the engine --base: below 1 is faster
than it. Then come the same ratios of medians. An engine that fails has no figure, and its last
words stand below the table.

Compilers are another matter: starting V8 takes longer than some programs. So V8's two, Liftoff
alone (node --liftoff-only) and TurboFan alone (--no-liftoff), and Skerry's native code are
compared by the CPU time that the call of bench() takes, measured inside the process by both; this
table comes last.
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

RUN_SECONDS = 120
COREMARK = os.path.join('modules', 'wasi-p1', 'coremark.wasm')

# The same as `skerry run --stats`: what the call alone took, of this process's time.
NODE = ('const b=require("fs").readFileSync(process.argv[1]);'
        'const us=u=>{const t=process.cpuUsage(u);return t.user+t.system};'
        'WebAssembly.instantiate(b).then(r=>{const t=process.cpuUsage();'
        'const v=r.instance.exports.bench(+process.argv[2]),n=us(t);'
        'console.log(v);console.error(`"run_cpu_us":${n}`)})')
NODE_WASI = ('const {WASI}=require("wasi");'
             'const us=u=>{const t=process.cpuUsage(u);return t.user+t.system};'
             'const w=new WASI({version:"preview1",args:["program"]});'
             'WebAssembly.instantiate(require("fs").readFileSync(process.argv[1]),'
             'w.getImportObject()).then(r=>{const t=process.cpuUsage();'
             'process.on("exit",()=>console.error(`"run_cpu_us":${us(t)}`));'
             'w.start(r.instance)})')
LIFTOFF = ['--liftoff-only']
TURBOFAN = ['--no-liftoff', '--no-wasm-dynamic-tiering']

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
    'silverfir': ('silverfir', ['{wasm}', '--invoke', 'bench', '{arg}'], ['{wasm}']),
    # From v76 on, which runs what it loaded without being told to.
    'toywasm': ('toywasm', ['--load', '{wasm}', '--invoke', 'bench {arg}'],
                ['--wasi', '{wasm}']),
    'tinywasm': ('tinywasm', ['--invoke', 'bench', '{wasm}', '{arg}'], None),
    'pulley': ('wasmtime', ['run', *PULLEY, '--invoke', 'bench', '{wasm}', '{arg}'],
               ['run', *PULLEY, '{wasm}']),
    'pulley-made': ('wasmtime', ['run', *PULLEY, '--allow-precompiled', '--invoke', 'bench',
                                 '{made}', '{arg}'],
                    ['run', *PULLEY, '--allow-precompiled', '{made}'],
                    ['compile', *PULLEY, '{wasm}', '-o', '{made}']),
    'liftoff': ('node', [*LIFTOFF, '-e', NODE, '{wasm}', '{arg}'],
                [*LIFTOFF, '-e', NODE_WASI, '{wasm}']),
    'turbofan': ('node', [*TURBOFAN, '-e', NODE, '{wasm}', '{arg}'],
                 [*TURBOFAN, '-e', NODE_WASI, '{wasm}']),
    'skerry': ('skerry', ['run', '{wasm}', '--stats', '--invoke', 'bench', '{arg}'],
               ['run', '--stats', '{wasm}']),
}
KNOWN['native'] = ('skerry', ['run', '{wasm}', '--native=on', '--stats', '--invoke', 'bench',
                               '{arg}'], ['run', '--native=on', '--stats', '{wasm}'])
COMPILERS = ('native', 'liftoff', 'turbofan')
RUN_US = re.compile(r'"run_cpu_us": ?(\d+)')


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
    given['skerry'] = given['native'] = os.path.join(options.build, 'skerry')
    found = {}
    for name, (program, *commands) in KNOWN.items():
        path = given.pop(name, None) or shutil.which(program)
        if path and name not in options.without:
            found[name] = Engine(*(words and [path, *words] for words in commands))
    for name, command in given.items():
        if name not in options.without:
            found[name] = Engine(command.split(), None)
    return found


@dataclasses.dataclass
class Run:
    """One process: CPU seconds of all of it, seconds of the call alone where the engine says them,
    what it printed; seconds are None if it failed, and then `said` is why."""
    seconds: float | None = None
    inside: float | None = None
    output: str = ''
    said: str = ''


def run(command, program, made, core):
    values = {'{wasm}': program.wasm, '{arg}': str(program.argument), '{made}': made}
    words = [re.sub(r'{\w+}', lambda match: values.get(match[0], match[0]), word)
             if len(word) < 100 else word for word in command]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    try:
        done = subprocess.run(['taskset', '-c', str(core), *words], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, errors='replace',
                              timeout=RUN_SECONDS, check=False,
                              env={**os.environ, 'NODE_NO_WARNINGS': '1'})
    except subprocess.TimeoutExpired:
        return Run(said=f'not done after {RUN_SECONDS} s')
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        lines = (done.stdout + done.stderr).strip().splitlines() or ['no word']
        return Run(said=f'status {done.returncode}: {lines[-1][:100]}')
    inside = RUN_US.search(done.stderr)
    return Run(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
               int(inside.group(1)) / 1e6 if inside else None, done.stdout + done.stderr)


def result(program, output):
    """What bench() returned; of a WASI command, whether the output is right."""
    if program.argument is None:
        return program.output in output
    output = re.sub(r'.*"run_cpu_us".*', '', output)
    numbers = re.findall(r'0x[0-9a-f]+|-?\d+', output.replace(':i32', ''))
    return int(numbers[-1], 0) & 0xffffffff if numbers else None


class Times:
    """Seconds of all rounds by engine: of processes, and of calls alone; and last words."""

    def __init__(self, found):
        self.process = {name: [] for name in found}
        self.inside = {name: [] for name in found}
        self.failed = {}

    def add(self, name, ran):
        if ran.seconds is None:
            self.failed[name] = ran.said
            return
        self.process[name].append(ran.seconds)
        if ran.inside is not None:
            self.inside[name].append(ran.inside)


def measure(found, program, options):
    """An engine that failed once is not asked again."""
    times = Times(found)
    values = {}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(options.rounds):
            for name, engine in found.items():
                if name in times.failed:
                    continue
                command = engine.wasi if program.argument is None else engine.bench
                made = os.path.join(folder, name)
                if command and engine.make and not os.path.exists(made):
                    run(engine.make, program, made, options.core)
                ran = (run(command, program, made, options.core) if command
                       else Run(said='takes no such program'))
                times.add(name, ran)
                if ran.seconds is not None:
                    values[name] = result(program, ran.output)
    if len(set(values.values())) > 1 or False in values.values():
        raise SystemExit(f'{program.wasm}: engines disagree, or are wrong: {values}')
    return times


def measure_coremark(found, program, options):
    """Seconds for 1,000 iterations, by its own clock."""
    times = Times(found)
    for _ in range(options.coremark_rounds):
        for name, engine in found.items():
            if engine.wasi is None or engine.make:
                times.failed[name] = 'takes no WASI command' if engine.wasi is None else 'left out'
                continue
            ran = run(engine.wasi, program, '', options.core)
            score = re.search(r'CoreMark 1.0 : ([\d.]+)', ran.output)
            if score:
                times.process[name].append(1000 / float(score.group(1)))
            else:
                times.failed[name] = ran.said or 'printed no score'
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


def print_failed(failed):
    """`failed` is (program, engine, last words)."""
    for program, name, said in failed:
        print(f'{name} has no figure for {program}: {said}')


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


def only(times, names):
    return {name: times[name] for name in names}


def print_compilers(found, rows):
    """Ratios to Skerry's time of the same call, for those that tell it."""
    names = ['skerry'] + [name for name in COMPILERS if name in found]
    if len(names) > 1:
        print('CPU time of the call alone, start and loading left out, as a ratio to skerry')
        print_table(names, [(name, only(times.inside, names)) for name, times in rows], 'skerry')


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
    interpreters = [name for name in found if name not in COMPILERS]
    rows = []

    def measured():
        for program in programs:
            rows.append((program.name, measure(found, program, options)))
            yield program.name, only(rows[-1][1].process, interpreters)

    if programs:
        print_table(interpreters, measured(), base)
        print('medians of the same')
        print_table(interpreters, [(name, only(times.process, interpreters))
                                   for name, times in rows], base, statistics.median)
        print_failed((name, engine, said) for name, times in rows
                     for engine, said in times.failed.items())
        print_compilers(found, rows)
    if not options.real and 'coremark' in (options.only or ['coremark']) \
            and options.coremark_rounds > 0:
        program = Program('coremark', os.path.join(options.shared, COREMARK))
        times = measure_coremark(found, program, options)
        print('CoreMark, by its own clock, seconds for 1,000 iterations')
        print_table(found, [('coremark', times.process)], base)
        print_failed(('coremark', name, said) for name, said in times.failed.items())
    return 0


if __name__ == '__main__':
    sys.exit(main())
