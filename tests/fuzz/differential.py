#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Generated modules must do the same here and in V8.

    differential.py EXEC_MODULE [--count N] [--seed S] [--slice FUEL] [--keep DIR]

Binaryen's `wasm-opt -ttf` turns random bytes into valid modules; exec_module (this engine)
and exec_module.mjs (node) run all their exports with the same arguments and print results,
traps, logged values and a hash of memory. Prints each difference with the seed that makes
it again, and closes with `N passed, N failed, N skipped`.
"""
import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
FEATURES = ['--enable-simd', '--disable-threads', '--disable-gc', '--disable-exception-handling',
            '--enable-bulk-memory', '--enable-sign-ext', '--enable-nontrapping-float-to-int',
            '--enable-mutable-globals', '--enable-multivalue']
BATCH = 100


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


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('exec_module')
    parser.add_argument('--count', type=int, default=300)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--slice', type=int, default=1000000)
    parser.add_argument('--keep')
    options = parser.parse_args()
    for tool in ('wasm-opt', 'node'):
        if shutil.which(tool) is None:
            print(f'SKIPPED: differential test needs {tool}')
            print('0 passed, 0 failed, 1 skipped')
            return 0
    passed = failed = skipped = 0
    with tempfile.TemporaryDirectory() as folder:
        for start in range(options.seed, options.seed + options.count, BATCH):
            seeds = range(start, min(start + BATCH, options.seed + options.count))
            paths = {}
            for seed in seeds:
                path = os.path.join(folder, f'{seed}.wasm')
                if generate(seed, path):
                    paths[path] = seed
                else:
                    skipped += 1
            ours, done = run([options.exec_module, str(options.slice)], list(paths))
            theirs, _ = run(['node', '--stack-size=700', os.path.join(HERE, 'exec_module.mjs')],
                            list(paths))
            if done.returncode != 0:
                print(f'exec_module ended with {done.returncode}: {done.stderr[-500:]}')
            for path, seed in paths.items():
                what = 'crashed' if path not in ours else \
                    first_difference(ours[path], theirs.get(path, []))
                if what is None:
                    passed += 1
                else:
                    failed += 1
                    print(f'seed {seed}: {what}')
                    if options.keep:
                        shutil.copy(path, options.keep)
                os.unlink(path)
    print(f'{passed} passed, {failed} failed, {skipped} skipped')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
