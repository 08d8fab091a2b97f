#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs a command as on a kernel, or in a container, that lacks system calls.

    lacking.py ENOSYS landlock_create_ruleset -- COMMAND...

Each call fails with that error, by a filter that all processes of the command inherit.
"""
import ctypes
import errno
import os
import sys

ALLOW, FAIL = 0x7fff0000, 0x00050000


def lack(error, names):
    library = ctypes.CDLL("libseccomp.so.2")
    library.seccomp_init.restype = ctypes.c_void_p
    rules = ctypes.c_void_p(library.seccomp_init(ctypes.c_uint32(ALLOW)))
    for name in names:
        number = library.seccomp_syscall_resolve_name(name.encode())
        done = library.seccomp_rule_add(rules, ctypes.c_uint32(FAIL | getattr(errno, error)),
                                        number, 0)
        if number < 0 or done != 0:
            sys.exit(f"lacking.py: no filter of {name}")
    if library.seccomp_load(rules) != 0:
        sys.exit("lacking.py: the filter cannot be loaded")


def main():
    end = sys.argv.index("--")
    lack(sys.argv[1], sys.argv[2:end])
    os.execvp(sys.argv[end + 1], sys.argv[end + 1:])


if __name__ == "__main__":
    main()
