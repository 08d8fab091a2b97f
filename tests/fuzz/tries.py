# SPDX-License-Identifier: Apache-2.0
"""Valid modules full of try, catch, rethrow and delegate, from a seed: make(seed) -> bytes.

Binaryen's generator makes few or none of these, and no delegate or rethrow. Each function is one
i32 expression grown at random; what it can branch to, rethrow and delegate to is known where it
grows. Functions call only those behind them, and loops count down in locals of their own, so all
end.
"""
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "bench"))
from modules import section, signed, text, unsigned, vector  # noqa: E402

I32, I64, F64, VOID = 0x7F, 0x7E, 0x7C, 0x40
BLOCK, LOOP, IF, ELSE, TRY, CATCH, THROW, RETHROW, END = 2, 3, 4, 5, 6, 7, 8, 9, 11
BR, BR_IF, RETURN, CALL, DELEGATE, CATCH_ALL, DROP = 12, 13, 15, 16, 24, 25, 26
GET, SET, TEE, GLOBAL_GET, GLOBAL_SET, CONST = 0x20, 0x21, 0x22, 0x23, 0x24, 0x41
ADD, SUB, AND, XOR = 0x6A, 0x6B, 0x71, 0x73
I32_WRAP, I64_EXTEND, F64_CONVERT, I32_TRUNC_SAT = b"\xa7", b"\xac", b"\xb7", b"\xfc\x02"
TAGS = ((), (I32,), (I64, F64), (I32, I32, I32))
FUNCS = 5
LOCALS = 5  # i32: parameter 0 and these; then a float, then one for each depth of loops
FLOAT = 1 + LOCALS
LOOPS = 3
TURNS = 3
DEPTH = 7  # of expressions


class Grower:
    """The code of one function; `labels` are those that can be named here, outermost first: of
    each its result (I32, VOID, or None: it may not be branched to) and whether it is a catch."""

    def __init__(self, dice, index):
        self.dice = dice
        self.index = index
        self.labels = [(I32, False)]
        self.loops = 0
        self.left = 120

    def inside(self, result, grow, is_catch=False):
        self.labels.append((result, is_catch))
        code = grow()
        self.labels.pop()
        return code

    def label(self, fits):
        """The depth of a label, or None if none fits."""
        found = [n for n, label in enumerate(reversed(self.labels)) if fits(label)]
        return unsigned(self.dice.choice(found)) if found else None

    def arm(self, result, depth):
        """What stands in a block, an arm or a catch."""
        code = b"".join(self.statement(depth) for _ in range(self.dice.randrange(3)))
        return code + (self.value(depth) if result == I32 else b"")

    def tag_values(self, tag, depth):
        convert = {I32: b"", I64: I64_EXTEND, F64: F64_CONVERT}
        return b"".join(self.value(depth) + convert[kind] for kind in TAGS[tag])

    def use_caught(self, tag):
        """The values of a tag become locals."""
        code = b""
        for kind in reversed(TAGS[tag]):
            code += {I32: b"", I64: I32_WRAP, F64: I32_TRUNC_SAT}[kind]
            code += bytes([SET, self.dice.randrange(LOCALS + 1)])
        return code

    def catches(self, result, depth):
        code = b""
        for tag in self.dice.sample(range(len(TAGS)), self.dice.randrange(len(TAGS))):
            code += bytes([CATCH, tag]) + self.use_caught(tag)
            code += self.inside(result, lambda: self.arm(result, depth), True)
        if self.dice.random() < 0.4:
            code += bytes([CATCH_ALL]) + self.inside(result, lambda: self.arm(result, depth), True)
        return code + bytes([END])

    def attempt(self, result, depth):
        code = bytes([TRY, result]) + self.inside(result, lambda: self.arm(result, depth))
        if self.dice.random() < 0.25:
            return code + bytes([DELEGATE]) + self.label(lambda label: True)
        return code + self.catches(result, depth)

    def condition(self, result, depth):
        code = self.value(depth) + bytes([CONST, self.dice.randrange(1, 4), AND, IF, result])
        code += self.inside(result, lambda: self.arm(result, depth)) + bytes([ELSE])
        return code + self.inside(result, lambda: self.arm(result, depth)) + bytes([END])

    def loop(self, depth):
        if self.loops == LOOPS:
            return b""
        counter = FLOAT + 1 + self.loops
        self.loops += 1
        body = self.inside(None, lambda: self.arm(VOID, depth))
        self.loops -= 1
        return bytes([CONST, TURNS, SET, counter, LOOP, VOID]) + body + bytes(
            [GET, counter, CONST, 1, SUB, TEE, counter, BR_IF, 0, END])

    def leave(self, depth):
        """What does not come back; any type may follow."""
        choice = self.dice.random()
        depths = self.label(lambda label: label[1])
        if choice < 0.35 and depths is not None:
            return bytes([RETHROW]) + depths
        if choice < 0.8:
            tag = self.dice.randrange(len(TAGS))
            return self.tag_values(tag, depth) + bytes([THROW, tag])
        if choice < 0.85:
            return self.value(depth) + bytes([RETURN])
        result = self.dice.choice((I32, VOID))
        target = self.label(lambda label: label[0] == result)
        if target is None:
            return self.value(depth) + bytes([RETURN])
        return (self.value(depth) if result == I32 else b"") + bytes([BR]) + target

    def statement(self, depth):
        self.left -= 1
        if depth == 0 or self.left < 0:
            return b"\x01"
        depth -= 1
        choice = self.dice.random()
        if choice < 0.25:
            return self.value(depth) + bytes([SET, self.dice.randrange(LOCALS + 1)])
        if choice < 0.32:
            return self.value(depth) + F64_CONVERT + bytes([SET, FLOAT])
        if choice < 0.4:
            return self.value(depth) + bytes([GLOBAL_SET, 0])
        if choice < 0.5:
            return self.value(depth) + bytes([CALL, 0])  # log
        if choice < 0.75:
            return self.attempt(VOID, depth)
        if choice < 0.85:
            return self.loop(depth)
        if choice < 0.9:
            return self.leave(depth)
        return self.value(depth) + bytes([DROP])

    def value(self, depth):
        self.left -= 1
        choice = self.dice.random()
        if depth == 0 or self.left < 0 or choice < 0.2:
            return self.dice.choice((bytes([CONST]) + signed(self.dice.randrange(-9, 99)),
                                     bytes([GET, self.dice.randrange(LOCALS + 1)]),
                                     bytes([GET, FLOAT]) + I32_TRUNC_SAT,
                                     bytes([GLOBAL_GET, 0])))
        depth -= 1
        if choice < 0.4:
            operation = self.dice.choice((ADD, SUB, XOR))
            return self.value(depth) + self.value(depth) + bytes([operation])
        if choice < 0.55 and self.index + 1 < FUNCS:
            callee = self.dice.randrange(self.index + 1, FUNCS)
            return self.value(depth) + bytes([CALL, 1 + callee])
        if choice < 0.6:
            target = self.label(lambda label: label[0] == I32)
            return self.value(depth) + self.value(depth) + bytes([BR_IF]) + target
        if choice < 0.7:
            return bytes([BLOCK, I32]) + self.inside(I32, lambda: self.arm(I32, depth)) + \
                bytes([END])
        if choice < 0.8:
            return self.condition(I32, depth)
        if choice < 0.88:
            return self.leave(depth)
        return self.attempt(I32, depth)

    def body(self):
        code = self.value(DEPTH) + bytes([END])
        content = vector([unsigned(LOCALS) + bytes([I32]), b"\x01" + bytes([F64]),
                          unsigned(LOOPS) + bytes([I32])]) + code
        return unsigned(len(content)) + content


def make(seed):
    dice = random.Random(seed)
    types = [bytes([0x60]) + vector([bytes([kind]) for kind in tag]) + b"\x00" for tag in TAGS]
    unary = len(types)
    types.append(bytes([0x60, 1, I32, 1, I32]))
    return b"\0asm\x01\0\0\0" + b"".join([
        section(1, vector(types)),
        section(2, vector([text("fuzzing-support") + text("log-i32") + b"\x00\x01"])),
        section(3, vector([unsigned(unary)] * FUNCS)),
        section(13, vector([b"\x00" + unsigned(tag) for tag in range(len(TAGS))])),
        section(6, vector([bytes([I32, 1, CONST, 0, END])])),
        section(7, vector([text(f"f{i}") + b"\x00" + unsigned(1 + i) for i in range(FUNCS)])),
        section(10, vector([Grower(dice, i).body() for i in range(FUNCS)])),
    ])
