#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Generated modules must do the same here and in V8.

    differential.py EXEC_MODULE VALIDATE_LINES [--count N] [--seed S] [--slice FUEL]
                    [--jobs N] [--peers DIR] [--newer PERCENT] [--keep DIR]

Binaryen's `wasm-opt -ttf` turns random bytes into valid modules; exec_module (this engine)
and exec_module.mjs (node) run all their exports with the same arguments and print results,
traps, logged values, and in the end globals and hashes of memories and tables. This engine then
does so in threaded code, in native code and in both mixed, to the bit and the unit of fuel. Of each
module some bytes are then changed, and both engines say whether they accept it (validate_vs_v8.py
has the rules). Prints each difference with the seed that makes it again, and closes with
`N passed, N failed, N skipped`, of modules.

--newer of a hundred modules are made by, and compared with, the newer peers that npm installs in
--peers (peers.py): those have objects, exceptions and 64-bit addresses. The others are for the
distribution's. One in TRIES is made by tries.py instead, for exceptions of the form before
WebAssembly 3.0, of which wasm-opt makes few or none.

Where the environment variable CI is set, --ci-count modules are made instead of --count. They
go in batches to as many processes as there are cores: a batch takes one process of each
engine, so that what a module costs is its making, by wasm-opt.
"""
import argparse
import collections
import concurrent.futures
import itertools
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import peers  # noqa: E402
import tries  # noqa: E402
import validate_vs_v8  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
BATCH = 100
MUTANTS = 4  # of each module
TRIES = 8
TIER_SLICE = '997'


def generate(seed, path, peer, binaryen):
    if seed % TRIES == 0:
        with open(path, 'wb') as file:
            file.write(tries.make(seed))
        return True
    rng = random.Random(seed)
    data = rng.randbytes(rng.choice([200, 1000, 4000, 12000]))
    raw = path + '.seed'
    with open(raw, 'wb') as file:
        file.write(data)
    made = binaryen.run('-ttf', raw, '-o', path, '--denan', *peer.features(rng))
    os.unlink(raw)
    return made


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
    """The text of a difference, or None; and why the comparison ended early, or None."""
    for number, (a, b) in enumerate(itertools.zip_longest(ours, theirs, fillvalue='nothing')):
        for line in (a, b):
            if line.startswith('gave up: '):
                return None, re.sub(r', in .*', '', line)
        if a != b and not (a.startswith('not ') and a.split(':')[0] == b.split(':')[0]):
            return f'line {number + 1}: here {a!r}, V8 {b!r}', None
    return None, None


def judge_mutants(options, peer, paths):
    """Differences in accepting, as text; and how many mutants were accepted, refused."""
    ours = validate_vs_v8.Side([options.validate_lines])
    v8 = validate_vs_v8.Side(validate_vs_v8.judge_command(peer.v8))
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
            if validate_vs_v8.differ(mutant, mine, theirs, peer.v8):
                differences.append((seed, f'mutant {i}: here {mine[-1] or mine[0]!r}, '
                                          f'V8 {theirs[-1]!r}'))
                if options.keep:
                    with open(os.path.join(options.keep, f'{seed}-{i}.wasm'), 'wb') as file:
                        file.write(mutant)
    ours.stop()
    v8.stop()
    return differences, counts


class Batch:
    """What came of one: seeds without a module, differences as (seed, text), and counts."""

    def __init__(self, peer, seeds):
        self.peer = peer
        self.seeds = seeds
        self.unmade = 0
        self.differences = []
        self.mutants = [0, 0]
        self.early = collections.Counter()

    def make(self, folder):
        binaryen = self.peer.start()
        paths = {}
        for seed in self.seeds:
            path = os.path.join(folder, f'{seed}.wasm')
            if generate(seed, path, self.peer, binaryen):
                paths[path] = seed
        binaryen.stop()
        self.unmade = len(self.seeds) - len(paths)
        return paths

    def compare(self, options, paths):
        support = [str(self.peer.support)] if self.peer.support else []
        ours, done = run([options.exec_module, str(options.slice), *support], list(paths))
        theirs, _ = run([*self.peer.v8.command, '--stack-size=700',
                         os.path.join(HERE, 'exec_module.mjs'), *support], list(paths))
        if done.returncode != 0:
            self.differences.append((self.seeds[0], f'exec_module ended with {done.returncode}: '
                                                    f'{done.stderr[-500:]}'))
        for path, seed in paths.items():
            what, early = ('crashed', None) if path not in ours else \
                first_difference(ours[path], theirs.get(path, []))
            if early is not None:
                self.early[early] += 1
            if what is not None:
                self.differences.append((seed, what))
                if options.keep:
                    shutil.copy(path, options.keep)

    def compare_tiers(self, options, paths):
        """Threaded code against native, and both mixed: to the bit and the unit of fuel."""
        support = [str(self.peer.support)] if self.peer.support else []
        sides = [run([options.exec_module, '--exact', *tier, slice, *support], list(paths))[0]
                 for tier, slice in (((), str(options.slice)), (('--native=on',), TIER_SLICE),
                                     ((f'--native={self.seeds[0]}',), TIER_SLICE))]
        for path, seed in paths.items():
            for tier, side in zip(('native', 'mixed'), sides[1:]):
                if sides[0].get(path) != side.get(path, 'crashed'):
                    self.differences.append((seed, f'{tier} code does not do what threaded does'))

    def run(self, options):
        with tempfile.TemporaryDirectory() as folder:
            paths = self.make(folder)
            self.compare(options, paths)
            self.compare_tiers(options, paths)
            more, self.mutants = judge_mutants(options, self.peer, paths)
        self.differences += more
        return self


def batches_of(options, count, older, newer):
    """The seeds in batches, of which the newer peer gets its share."""
    end = options.seed + count
    for first in range(options.seed, end, BATCH):
        is_newer = (first // BATCH) * options.newer % 100 < options.newer
        peer = newer if (is_newer and newer is not None) or older is None else older
        yield Batch(peer, range(first, min(first + BATCH, end)))


def find_peers(options):
    """(older, newer), either may be None; the reasons are printed."""
    older, why = peers.debian()
    if older is None:
        print(f"skip: no comparison with the distribution's V8: {why}", flush=True)
    newer = None
    if options.newer > 0:
        newer, why = peers.newer(options.peers) if options.peers else (None, 'no --peers given')
        if newer is None:
            print(f'skip: no comparison with a newer V8: {why}', flush=True)
    return older, newer


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('exec_module')
    parser.add_argument('validate_lines')
    parser.add_argument('--count', type=int, default=300)
    parser.add_argument('--ci-count', type=int)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--slice', type=int, default=1000000)
    parser.add_argument('--jobs', type=int, default=os.cpu_count())
    parser.add_argument('--peers', help='folder for what npm installs')
    parser.add_argument('--newer', type=int, default=25, metavar='PERCENT')
    parser.add_argument('--keep')
    options = parser.parse_args()
    older, newer = find_peers(options)
    missing = (older is None) + (newer is None and options.newer > 0)
    if older is None and newer is None:
        print(f'0 passed, 0 failed, {missing} skipped')
        return 0
    count = options.ci_count if options.ci_count and os.environ.get('CI') else options.count
    skipped = missing
    failed = set()
    mutants = [0, 0]
    early = collections.Counter()
    made = collections.Counter()
    begin = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for batch in pool.map(lambda b: b.run(options), batches_of(options, count, older, newer)):
            skipped += batch.unmade
            mutants = [a + b for a, b in zip(mutants, batch.mutants)]
            early += batch.early
            made[batch.peer.v8.name] += len(batch.seeds) - batch.unmade
            for seed, what in batch.differences:
                failed.add(seed)
                print(f'seed {seed}: {what}', flush=True)
    seconds = time.monotonic() - begin
    for name, number in sorted(made.items()):
        print(f'{number} modules compared with {name}')
    for why, number in early.most_common():
        print(f'{number} modules {why}')
    print(f'{sum(mutants)} mutants: {mutants[0]} accepted by both, {mutants[1]} refused by both, '
          f'but for the differences above; {seconds / count * 1000:.1f} ms a module')
    passed = count + missing - skipped - len(failed)
    print(f'{passed} passed, {len(failed)} failed, {skipped} skipped')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
