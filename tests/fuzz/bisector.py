#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Names the cell whose native code does not do what its handler does.

    bisector.py EXEC_MODULE MODULE [--slice FUEL] [--support MODULE] [--wrong N]

for a module that differential.py kept (--keep). exec_module runs it in threaded code, and again
and again with native code for the cells before some offset; at the first offset at which it does
something else, the cell before is what differs: its stencil, or what the emitter made of it. A
difference that needs two cells is shown at the later one. --wrong is exec_module's, for tests.
"""
import argparse
import subprocess
import sys

CODE_BYTES_MAX = 1 << 30


def run(options, *tier):
    wrong = [f'--wrong={options.wrong}'] if tier and options.wrong else []
    command = [options.exec_module, '--exact', *tier, *wrong, options.slice]
    done = subprocess.run(command + ([options.support] if options.support else []),
                          input=options.module + '\n', text=True, stdout=subprocess.PIPE,
                          check=False)
    lines = done.stdout.splitlines()
    last = [line for line in lines if line.startswith('last: ')]
    return (done.returncode, [line for line in lines if line not in last]), last


def first(differs, low, high):
    """The least offset above `low` at which it `differs`; it does at `high`, not at `low`."""
    while high - low > 1:
        middle = (low + high) // 2
        if differs(middle):
            high = middle
        else:
            low = middle
    return high


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n', maxsplit=1)[0])
    parser.add_argument('exec_module')
    parser.add_argument('module')
    parser.add_argument('--slice', default='997')
    parser.add_argument('--support')
    parser.add_argument('--wrong')
    options = parser.parse_args()
    expected, _ = run(options)

    def differs(end):
        return run(options, f'--native=on:{end}')[0] != expected

    if not differs(CODE_BYTES_MAX):
        print('native code does what threaded code does')
        return 0
    end = first(differs, 1, CODE_BYTES_MAX)
    _, last = run(options, f'--native=on:{end}')
    print(f'differs from offset {end - 1} on;', *(last or ['it ended before it said which cell']))
    return 1


if __name__ == '__main__':
    sys.exit(main())
