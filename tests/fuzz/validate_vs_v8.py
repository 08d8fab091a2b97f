#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Do we accept what V8 refuses, or the reverse? Mutated modules, judged by both.

    validate_vs_v8.py --ours build/tests/fuzz/validate_lines [--count N] [--seed S] FILE...

A mutant is a module with some bytes changed, mostly inside function bodies, where the
lengths around them stay right. Accepting what V8 refuses ends with exit status 1; what we
refuse beyond V8 is listed by reason, for these may be limits that are ours by design.
Every difference is written to --keep, if given, and is made again by its seed.
"""
import argparse
import collections
import pathlib
import random
import re
import struct
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import peers  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
# Reasons of ours that are differences by design.
OURS_DIFFERS = (
    "^unsupported: ",
    "malformed section id",     # Node.js 18, Debian 12's, skips sections that it does not know
)
# V8 lets a loop's values keep the types they have at its end, where the specification gives them
# those of the loop's type, which may be wider. So these are differences by design where a loop
# has a reference as its result.
WIDER = re.compile(r"^invalid: type mismatch: .* needs \S*ref\b.*, found \S*ref\b")
LOOP_OF_REFERENCE = re.compile(rb"\x03[\x63\x64\x69-\x74]")
WRONG_MAX = 20  # differences, after which it is pointless to go on
INTERESTING = (0x00, 0x01, 0x0b, 0x10, 0x1a, 0x20, 0x40, 0x41, 0x6a, 0x6f, 0x70, 0x7c, 0x7d,
               0x7e, 0x7f, 0x80, 0xd0, 0xd2, 0xfc, 0xff)


class Side:
    """One validator on a pipe."""

    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def judge(self, module):
        self.process.stdin.write(struct.pack("<I", len(module)) + module)
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line.endswith(b"\n"):
            raise SystemExit(f"a validator died, with status {self.process.wait()}")
        return line[:-1].decode(errors="replace").split("\t")

    def stop(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


def judge_command(v8):
    return [*v8.command, str(HERE / "validate_v8.js")]


def differ(module, mine, theirs, v8):
    """Do the verdicts on a module differ, and not by design?"""
    if (mine[0] == "ok") == (theirs[0] == "ok"):
        return False
    if mine[0] == "ok":
        return not any(re.search(reason, theirs[1]) for reason in v8.differs)
    refusal = f"{mine[0]}: {mine[2]}"
    if WIDER.search(refusal) and LOOP_OF_REFERENCE.search(module):
        return False
    return not any(re.search(reason, refusal) for reason in (*OURS_DIFFERS, *v8.lenient))


def leb(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def code_range(data):
    """Where the code section's contents are, or the whole module."""
    at = 8
    while at < len(data):
        section = data[at]
        size, at = leb(data, at + 1)
        if section == 10:
            return at, at + size
        at += size
    return min(8, len(data) - 1), len(data)


def mutate(rng, data, code):
    mutant = bytearray(data)
    first, last = code if rng.random() < 0.7 and code[0] < code[1] else (0, len(data))
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
        at = rng.randrange(first, last)
        choice = rng.random()
        if choice < 0.35:
            mutant[at] = rng.choice(INTERESTING)
        elif choice < 0.6:
            mutant[at] = rng.randrange(256)
        elif choice < 0.75:
            mutant[at] ^= 1 << rng.randrange(8)
        elif choice < 0.9:
            mutant[at] = (mutant[at] + rng.choice((-1, 1))) & 0xFF
        else:  # exchange two runs of bytes, near each other
            other = min(last - 1, at + rng.randrange(1, 16))
            mutant[at], mutant[other] = mutant[other], mutant[at]
    return bytes(mutant)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ours", required=True)
    parser.add_argument("--node", default="node")
    parser.add_argument("--count", type=int, default=20000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--max-bytes", type=int, default=1 << 16, help="of a module to mutate")
    parser.add_argument("--keep", type=pathlib.Path, help="folder for the differences")
    parser.add_argument("files", nargs="+", type=pathlib.Path)
    options = parser.parse_args()

    ours = Side([options.ours])
    peer = peers.V8(options.node)
    v8 = Side(judge_command(peer))
    modules = [data for data in (path.read_bytes() for path in sorted(options.files))
               if 8 < len(data) <= options.max_bytes and ours.judge(data)[0] == "ok"]
    if not modules:
        raise SystemExit("none of the files is a valid module within --max-bytes")
    codes = [code_range(data) for data in modules]
    print(f"seed {options.seed}: {options.count} mutants of {len(modules)} modules", flush=True)

    counts = collections.Counter()
    stricter = collections.Counter()
    for i in range(options.count):
        rng = random.Random(f"{options.seed}/{i}")
        which = rng.randrange(len(modules))
        mutant = mutate(rng, modules[which], codes[which])
        mine, theirs = ours.judge(mutant), v8.judge(mutant)
        counts[mine[0]] += 1
        if (mine[0] == "ok") == (theirs[0] == "ok"):
            continue
        if mine[0] == "ok" and not differ(mutant, mine, theirs, peer):
            counts["by design"] += 1
            continue
        if options.keep:
            options.keep.mkdir(parents=True, exist_ok=True)
            (options.keep / f"{options.seed}-{i}.wasm").write_bytes(mutant)
        if mine[0] == "ok":
            counts["WRONGLY ACCEPTED"] += 1
            print(f"{options.seed}/{i}: we accept, V8: {theirs[1]}", flush=True)
            if counts["WRONGLY ACCEPTED"] == WRONG_MAX:
                break
        else:
            reason = re.sub(r"[0-9]+", "N", mine[2].split(", in ")[0])
            stricter[f"{mine[0]}: {reason[:70]}"] += 1
    print(", ".join(f"{name} {count}" for name, count in sorted(counts.items())))
    for reason, count in stricter.most_common():
        print(f"we refuse, V8 accepts {count:6} {reason}")
    return 1 if counts["WRONGLY ACCEPTED"] else 0


if __name__ == "__main__":
    sys.exit(main())
