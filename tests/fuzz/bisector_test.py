#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bisector.py finds the one cell whose native code is wrong, and none where none is.

    bisector_test.py EXEC_MODULE true|false

The wrong code is exec_module's: a constant that is in one instruction of a function is another in
native code (--wrong). The last word says whether the build has
any.
"""
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'bench'))
from modules import section, signed, text, unsigned, vector  # noqa: E402

I32 = 0x7F
GET, CONST, ADD, MUL, XOR, END = 0x20, 0x41, 0x6A, 0x6C, 0x73, 0x0B
WRONG = 0x12345678
PASSED, FAILED = 0, 0


def function(steps):
    """(param i32) (result i32): one operation with a constant after another."""
    code = b'\x00' + bytes([GET, 0])
    for operation, constant in steps:
        code += bytes([CONST]) + signed(constant) + bytes([operation])
    return unsigned(len(code) + 1) + code + bytes([END])


def module():
    bodies = [function([(ADD, 7), (MUL, 3)]), function([(MUL, 5), (XOR, WRONG), (ADD, 1)]),
              function([(XOR, 9)])]
    unary = bytes([0x60, 1, I32, 1, I32])
    return b'\0asm\x01\0\0\0' + b''.join([
        section(1, vector([unary])),
        section(3, vector([b'\x00'] * len(bodies))),
        section(7, vector([text(f'f{i}') + b'\x00' + unsigned(i) for i in range(len(bodies))])),
        section(10, vector(bodies))])


def check(exec_module, path, what, status, pattern, *options):
    global PASSED, FAILED
    done = subprocess.run([sys.executable, os.path.join(HERE, 'bisector.py'), exec_module, path,
                           *options], text=True, stdout=subprocess.PIPE, timeout=300, check=False)
    if done.returncode == status and re.search(pattern, done.stdout):
        PASSED += 1
        return
    FAILED += 1
    print(f'{what}: exit {done.returncode}, {done.stdout!r}')


def main():
    exec_module, has_native = sys.argv[1], sys.argv[2] == 'true'
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'three.wasm')
        with open(path, 'wb') as file:
            file.write(module())
        same = (0, '^native code does what threaded code does$')
        check(exec_module, path, 'nothing is wrong', *same)
        check(exec_module, path, 'what is wrong is nowhere', *same, '--wrong', str(WRONG + 5))
        found = (1, r'last: function 1, cell \d+: i32_xor\b') if has_native else same
        check(exec_module, path, 'one cell is wrong', *found, '--wrong', str(WRONG))
    print(f'{PASSED} passed, {FAILED} failed, 0 skipped')
    return 1 if FAILED else 0


if __name__ == '__main__':
    sys.exit(main())
