# SPDX-License-Identifier: Apache-2.0
"""Small http-wasm guests as bytes, encoded here so that the benches need no assembler.

Each answers "hello\\n" (endless() never does) and exports what the ABI asks for. `tag` goes
into a custom section: two modules with different tags have different digests, and so
artifacts of their own.
"""
import random

I32, I64 = 0x7F, 0x7E
END, CALL, LOOP, BR, BR_IF = 0x0B, 0x10, 0x03, 0x0C, 0x0D
LOCAL_GET, LOCAL_TEE = 0x20, 0x22
I32_CONST, I64_CONST, I32_LT_U, I32_ADD = 0x41, 0x42, 0x49, 0x6A
NO_RESULT = 0x40
FILLER_BYTES = 1000  # of code in one function that is never called
FILLER_OPERATIONS = (0x6A, 0x6B, 0x6C, 0x71, 0x72, 0x73)  # add sub mul and or xor


def unsigned(value):
    out = bytearray()
    while True:
        byte, value = value & 0x7F, value >> 7
        out.append(byte | (0x80 if value else 0))
        if not value:
            return bytes(out)


def signed(value):
    out = bytearray()
    while True:
        byte, value = value & 0x7F, value >> 7
        if value == (-1 if byte & 0x40 else 0):
            return bytes(out + bytes([byte]))
        out.append(byte | 0x80)


def text(value):
    return unsigned(len(value)) + value.encode()


def vector(items):
    return unsigned(len(items)) + b"".join(items)


def section(number, content):
    return bytes([number]) + unsigned(len(content)) + content


def function_type(parameters, results):
    return bytes([0x60]) + vector([bytes([p]) for p in parameters]) + \
        vector([bytes([r]) for r in results])


def body(code, i32_locals=0):
    local_groups = vector([unsigned(i32_locals) + bytes([I32])] if i32_locals else [])
    content = local_groups + code + bytes([END])
    return unsigned(len(content)) + content


ANSWER = bytes([I32_CONST, 1, I32_CONST, 0, I32_CONST, 6, CALL, 0, I64_CONST, 0])


def build(handle_request, fillers=(), tag=""):
    """A module around the body of handle_request; function 0 is write_body."""
    types = [function_type([I32] * 3, []), function_type([], [I64]),
             function_type([I32] * 2, []), function_type([I32], [I32])]
    imported = text("http_handler") + text("write_body") + b"\x00\x00"
    exports = [text("memory") + b"\x02\x00", text("handle_request") + b"\x00\x01",
               text("handle_response") + b"\x00\x02"]
    hello = b"\x00" + bytes([I32_CONST, 0, END]) + text("hello\n")
    return b"\0asm\x01\0\0\0" + b"".join([
        section(1, vector(types)),
        section(2, vector([imported])),
        section(3, vector([b"\x01", b"\x02"] + [b"\x03"] * len(fillers))),
        section(5, vector([b"\x01\x01\x01"])),
        section(7, vector(exports)),
        section(10, vector([handle_request, body(b"")] + list(fillers))),
        section(11, vector([hello])),
        section(0, text("bench") + tag.encode()),
    ])


def hello(tag=""):
    return build(body(ANSWER), tag=tag)


def endless(tag=""):
    return build(body(bytes([LOOP, NO_RESULT, BR, 0, END, I64_CONST, 0])), tag=tag)


def work(turns, tag=""):
    """Counts to `turns`, then answers."""
    count = bytes([LOOP, NO_RESULT, LOCAL_GET, 0, I32_CONST, 1, I32_ADD, LOCAL_TEE, 0,
                   I32_CONST]) + signed(turns) + bytes([I32_LT_U, BR_IF, 0, END])
    return build(body(count + ANSWER, i32_locals=1), tag=tag)


def filler(dice):
    code = bytearray([LOCAL_GET, 0])
    while len(code) < FILLER_BYTES:
        code += bytes([I32_CONST]) + signed(dice.randrange(1 << 30))
        code.append(dice.choice(FILLER_OPERATIONS))
    return body(bytes(code))


def large(megabytes, tag=""):
    """hello() beside thousands of functions that nobody calls; the same for the same tag."""
    dice = random.Random(tag)
    fillers = [filler(dice) for _ in range(int(megabytes * 1e6) // (FILLER_BYTES + 5))]
    return build(body(ANSWER), fillers, tag)
