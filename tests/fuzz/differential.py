#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Generated modules must do the same here and in V8.

    differential.py EXEC_MODULE VALIDATE_LINES [--count N] [--seed S] [--slice FUEL]
                    [--jobs N] [--keep DIR]

Binaryen's `wasm-opt -ttf` turns random bytes into valid modules; exec_module (this engine)
and exec_module.mjs (node) run all their exports with the same arguments and print results,
traps, logged values and a hash of memory. Of each module some bytes are then changed, and
both engines say whether they accept it (validate_vs_v8.py has the rules). Prints each
difference with the seed that makes it again, and closes with `N passed, N failed, N skipped`,
of modules.

Where the environment variable CI is set, --ci-count modules are made instead of --count. They
go in batches to as many processes as there are cores: a batch takes one process of each
engine, so that what a module costs is its making, by wasm-opt.
"""
import argparse
import concurrent.futures
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import validate_vs_v8  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
FEATURES = ['--enable-simd', '--disable-threads', '--disable-gc', '--disable-exception-handling',
            '--enable-bulk-memory', '--enable-sign-ext', '--enable-nontrapping-float-to-int',
            '--enable-mutable-globals', '--enable-multivalue']
BATCH = 100
MUTANTS = 4  # of each module


def generate(seed, path):
    rng = random.Random(seed)
    data = rng.randbytes(rng.choice([200, 1000, 4000, 12000]))
    raw = path + '.seed'
    with open(raw, 'wb') as file:
        file.write(data)
    optimise = rng.choice([[], ['-O1'], ['-O2'], ['-O3'], ['-Os']])
    made = subprocess.run(['wasm-opt', '-ttf', raw, '-o', path, '--denan', *optimise, *FEATURES],
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.unlink(raw)
    return made.returncode == 0


def run(command, paths):
    done = subprocess.run(command, input='\n'.join(paths) + '\n', text=True, timeout=600,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    parts = {}
    name = None
    for line in done.stdout.split('\n'):
        if line.startswith('== '):
            name = line[3:]
            parts[name] = []
        elif name is not None:
            parts[name].append(line)
    return parts, done


def first_difference(ours, theirs):
    for number, (a, b) in enumerate(zip(ours, theirs)):
        if a.endswith(' gave up'):
            return None
        if a != b:
            return f'line {number + 1}: here {a!r}, V8 {b!r}'
    return None if len(ours) == len(theirs) else f'{len(ours)} lines here, {len(theirs)} in V8'


def judge_mutants(options, paths):
    """Differences in accepting, as text; and how many mutants were accepted, refused."""
    ours = validate_vs_v8.Side([options.validate_lines])
    v8 = validate_vs_v8.Side(['node', *validate_vs_v8.V8_FLAGS,
                              os.path.join(HERE, 'validate_v8.js')])
    differences = []
    counts = [0, 0]
    for path, seed in paths.items():
        with open(path, 'rb') as file:
            module = file.read()
        code = validate_vs_v8.code_range(module)
        for i in range(MUTANTS):
            mutant = validate_vs_v8.mutate(random.Random(f'{seed}/{i}'), module, code)
            mine, theirs = ours.judge(mutant), v8.judge(mutant)
            counts[mine[0] != 'ok'] += 1
            if validate_vs_v8.differ(mine, theirs):
                differences.append((seed, f'mutant {i}: here {mine[-1] or mine[0]!r}, '
                                          f'V8 {theirs[-1]!r}'))
                if options.keep:
                    with open(os.path.join(options.keep, f'{seed}-{i}.wasm'), 'wb') as file:
                        file.write(mutant)
    ours.stop()
    v8.stop()
    return differences, counts


def run_batch(options, seeds):
    """(seeds without a module, differences as (seed, text), counts of mutants)"""
    differences = []
    with tempfile.TemporaryDirectory() as folder:
        paths = {}
        for seed in seeds:
            path = os.path.join(folder, f'{seed}.wasm')
            if generate(seed, path):
                paths[path] = seed
        ours, done = run([options.exec_module, str(options.slice)], list(paths))
        theirs, _ = run(['node', '--stack-size=700', os.path.join(HERE, 'exec_module.mjs')],
                        list(paths))
        if done.returncode != 0:
            differences.append((seeds[0], f'exec_module ended with {done.returncode}: '
                                          f'{done.stderr[-500:]}'))
        for path, seed in paths.items():
            what = 'crashed' if path not in ours else \
                first_difference(ours[path], theirs.get(path, []))
            if what is not None:
                differences.append((seed, what))
                if options.keep:
                    shutil.copy(path, options.keep)
        more, counts = judge_mutants(options, paths)
    return len(seeds) - len(paths), differences + more, counts


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('exec_module')
    parser.add_argument('validate_lines')
    parser.add_argument('--count', type=int, default=300)
    parser.add_argument('--ci-count', type=int)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--slice', type=int, default=1000000)
    parser.add_argument('--jobs', type=int, default=os.cpu_count())
    parser.add_argument('--keep')
    options = parser.parse_args()
    for tool in ('wasm-opt', 'node'):
        if shutil.which(tool) is None:
            print(f'SKIPPED: differential test needs {tool}')
            print('0 passed, 0 failed, 1 skipped')
            return 0
    count = options.ci_count if options.ci_count and os.environ.get('CI') else options.count
    end = options.seed + count
    batches = [range(first, min(first + BATCH, end)) for first in range(options.seed, end, BATCH)]
    skipped = 0
    failed = set()
    accepted = refused = 0
    begin = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for unmade, differences, counts in pool.map(lambda b: run_batch(options, b), batches):
            skipped += unmade
            accepted += counts[0]
            refused += counts[1]
            for seed, what in differences:
                failed.add(seed)
                print(f'seed {seed}: {what}', flush=True)
    seconds = time.monotonic() - begin
    print(f'{accepted + refused} mutants: {accepted} accepted by both, {refused} refused by both, '
          f'but for the differences above; {seconds / count * 1000:.1f} ms a module')
    print(f'{count - skipped - len(failed)} passed, {len(failed)} failed, {skipped} skipped')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
