#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Whoever has taken a process over: every system call, and files that are none of its business.

    sudo tests/e2e/attacks/calls.py CONTROL_PID DATA_DIRECTORY

Each process of the server is stopped by ptrace and made to make the calls itself, one after the
other, with the filter, the files and the rights that it has at that moment. Figures: of the calls
that server/walls/calls.def does not leave to its role 100 % are refused, and of the files all.
"""
import ctypes
import os
import pathlib
import platform
import re
import signal
import sys

import attack

ROOT = pathlib.Path(__file__).resolve().parents[3]
CALLS = ROOT / "server" / "walls" / "calls.def"
NUMBERS = pathlib.Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")

PTRACE_GETREGS, PTRACE_SETREGS, PTRACE_SINGLESTEP, PTRACE_ATTACH, PTRACE_DETACH = 12, 13, 9, 16, 17
PTRACE_SETOPTIONS, PTRACE_O_EXITKILL = 0x4200, 0x100000
WALL = 0x40000000  # __WALL
ENOSYS, EACCES, EPERM = 38, 13, 1
AT_FDCWD, O_RDONLY, O_RDWR, O_CREAT, O_DIRECTORY, O_PATH = -100, 0, 2, 0o100, 0o200000, 0o10000000
PROT_READ, PROT_WRITE, PROT_EXEC, MAP_PRIVATE, MAP_ANONYMOUS = 1, 2, 4, 2, 32
ROLES = {"worker": "W", "builder": "B", "egress": "E", "keys": "K", "serve": "C"}

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
LIBC.ptrace.restype = ctypes.c_long


class Registers(ctypes.Structure):
    _fields_ = [(name, ctypes.c_ulonglong) for name in (
        "r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs eflags rsp ss "
        "fs_base gs_base ds es fs gs").split()]


def ptrace(request, pid, data=None):
    if LIBC.ptrace(request, pid, None, data) < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def is_possible():
    return platform.machine() == "x86_64" and os.geteuid() == 0 and NUMBERS.exists()


def numbers():
    """{name: number} of all system calls that the headers know."""
    return {name: int(number) for name, number in
            re.findall(r"#define __NR_(\w+) (\d+)", NUMBERS.read_text())}


def left_to(letter):
    """Names of the calls that a role may make, if with some arguments only."""
    rows = re.findall(r'^CALL(?:_IF)?\((\w+), "(\w+)"', CALLS.read_text(), re.M)
    return {name for name, roles in rows if letter in roles}


class Captive:
    """A process that makes the calls that it is told to."""

    def __init__(self, pid):
        self.pid = pid
        ptrace(PTRACE_ATTACH, pid)
        os.waitpid(pid, WALL)
        ptrace(PTRACE_SETOPTIONS, pid, PTRACE_O_EXITKILL)
        self.before = Registers()
        ptrace(PTRACE_GETREGS, pid, ctypes.byref(self.before))
        self.memory = open(f"/proc/{pid}/mem", "r+b", 0)
        self.call_at = self._find_call()
        self.room_at = (self.before.rsp - 8192) & ~15

    def _find_call(self):
        """An address in libc at which there is a `syscall`."""
        for line in pathlib.Path(f"/proc/{self.pid}/maps").read_text().splitlines():
            if "libc.so" in line and " r-xp " in line:
                first, last = (int(end, 16) for end in line.split()[0].split("-"))
                self.memory.seek(first)
                found = self.memory.read(last - first).find(b"\x0f\x05")
                if found >= 0:
                    return first + found
        raise AssertionError("no libc in it")

    def _step(self):
        """One instruction, and the signal that stopped it."""
        ptrace(PTRACE_SINGLESTEP, self.pid)
        _, status = os.waitpid(self.pid, WALL)
        if not os.WIFSTOPPED(status):
            raise AssertionError(f"that ended it: {status:#x}")
        return os.WSTOPSIG(status)

    def call(self, number, *arguments):
        """None: the process would have ended; else what the call returned."""
        values = list(arguments) + [0] * (6 - len(arguments))
        registers = Registers.from_buffer_copy(self.before)
        registers.orig_rax = 2**64 - 1
        registers.rip = self.call_at
        registers.rax = number
        for name, value in zip(("rdi", "rsi", "rdx", "r10", "r8", "r9"), values):
            setattr(registers, name, value % 2**64)
        ptrace(PTRACE_SETREGS, self.pid, ctypes.byref(registers))
        if self._step() == signal.SIGSYS:
            self._step()  # there is the step's own signal as well
            return None
        ptrace(PTRACE_GETREGS, self.pid, ctypes.byref(registers))
        return ctypes.c_longlong(registers.rax).value

    def open(self, number, path, flags):
        self.memory.seek(self.room_at)
        self.memory.write(os.fsencode(path) + b"\0")
        return self.call(number, AT_FDCWD, self.room_at, flags, 0o600)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        ptrace(PTRACE_SETREGS, self.pid, ctypes.byref(self.before))
        ptrace(PTRACE_DETACH, self.pid)
        self.memory.close()


def is_refused(result):
    return result is None or result == -ENOSYS


def try_calls(captive, letter):
    """Names of the calls that were not refused, and how many were tried."""
    known = numbers()
    wanted = set(known) - left_to(letter)
    taken = [name for name in sorted(wanted) if not is_refused(captive.call(known[name]))]
    # of the other numbering, and of none
    for number in (0x40000000 + known["getpid"], 600, 100000):
        # of these the first ends a process at once, and is not tried
        if number < 0x40000000 and not is_refused(captive.call(number)):
            taken.append(number)
    return taken, len(wanted) + 2


def try_arguments(captive, letter):
    """What a call that is left must not be used for."""
    known = numbers()
    page = 4096
    wanted = {
        "mmap of memory that is written and run":
            ("mmap", 0, page, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1),
        "mprotect of memory that is written and run":
            ("mprotect", captive.before.rsp & ~(page - 1), page,
             PROT_READ | PROT_WRITE | PROT_EXEC)}
    if letter != "C":
        wanted |= {
            "mmap of memory that is run":
                ("mmap", 0, page, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1),
            "mprotect of its stack to be run":
                ("mprotect", captive.before.rsp & ~(page - 1), page, PROT_READ | PROT_EXEC),
            "a signal to control": ("tgkill", os.getppid(), os.getppid(), 0),
            "a handler of SIGSYS": ("rt_sigaction", signal.SIGSYS, 0, 0, 8),
            "a new limit": ("prlimit64", 0, 7, captive.room_at, 0),
            "a socket of another kind": ("socket", 40, 1, 0)}
    if letter == "B":
        wanted["another process"] = ("clone", signal.SIGCHLD)
        wanted["a process of its memory"] = ("clone", 0x100 | signal.SIGCHLD)  # CLONE_VM
        wanted["a thread's sibling"] = ("clone3", captive.room_at, 88)
    if letter in "WBE":
        wanted["a file to write to"] = (
            "openat", AT_FDCWD, captive.room_at, O_RDWR | O_CREAT, 0o600)
    if letter == "W":
        wanted["a word to an address"] = ("sendto", 0, captive.room_at, 1, 0, captive.room_at, 16)
    return [text for text, (name, *arguments) in wanted.items()
            if not is_refused(captive.call(known[name], *arguments))], len(wanted)


def try_files(captive, letter, data):
    """Paths that it could open; of the data directory all that its role does not name."""
    openat = numbers()["openat"]
    paths = ["/", "/etc/passwd", "/etc/shadow", "/etc/ssl/private", "/proc/self/mem",
             "/proc/self/maps", "/proc/1/maps", f"/proc/{os.getpid()}/environ", "/dev/null",
             "/tmp", "/sys", "/root", "/home"]
    own = {"W": ("artifacts", "blobs"), "K": ("vault",)}.get(letter, ())
    for path in sorted(data.rglob("*")):
        if path.relative_to(data).parts[0] not in own:
            paths.append(str(path))
    taken = []
    for path in paths:
        for flags in (O_RDONLY, O_RDWR):
            result = captive.open(openat, path, flags)
            if result is not None and result >= 0:
                taken.append(path)
    return taken, 2 * len(paths)


def role_of(pid):
    words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    return words[1].decode()


def run(pid, data):
    """Of one process: nothing that its role does not have."""
    role = role_of(pid)
    letter = ROLES[role]
    print(f"{role}, process {pid}:", flush=True)
    with Captive(pid) as captive:
        taken, count = try_calls(captive, letter)
        attack.insist(not taken, f"{count} calls that are not its own, not refused: {taken}")
        taken, count = try_arguments(captive, letter)
        attack.insist(not taken, f"{count} calls with other arguments, not refused: {taken}")
        if letter != "C":
            taken, count = try_files(captive, letter, pathlib.Path(data))
            attack.insist(not taken, f"{count} times another's file, not refused: {taken}")


def main():
    if len(sys.argv) != 3 or not is_possible():
        sys.exit("usage: sudo calls.py CONTROL_PID DATA_DIRECTORY, on x86-64 with libc6-dev")
    control = int(sys.argv[1])
    children = pathlib.Path(f"/proc/{control}/task/{control}/children").read_text().split()
    try:
        for pid in [*map(int, children), control]:
            run(pid, sys.argv[2])
    except attack.Broken:
        sys.exit(1)


if __name__ == "__main__":
    main()
