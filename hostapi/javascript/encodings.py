#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the tables of the Encoding Standard's older encodings, of Python's codecs.

    encodings.py OUTPUT

Where a codec has nothing and the standard has, or has something else, the difference stands here.
Zero in a table is nothing. What the indexes' pointers are: [Encoding Standard 5].
"""
import pathlib
import sys

# In the order of the numbers in api/text.js.
SINGLE = ["cp866", "iso8859-2", "iso8859-3", "iso8859-4", "iso8859-5", "iso8859-6", "iso8859-7",
          "iso8859-8", "iso8859-10", "iso8859-13", "iso8859-14", "iso8859-15", "iso8859-16",
          "koi8-r", "koi8-u", "mac-roman", "cp874", "cp1250", "cp1251", "cp1252", "cp1253",
          "cp1254", "cp1255", "cp1256", "cp1257", "cp1258", "mac-cyrillic"]
# Byte: code point, by codec.
DIFFERENT = {"koi8-u": {0xae: 0x45e, 0xbe: 0x40e}, "cp1255": {0xca: 0x5ba}}
# gb18030 of 2022: what was for private use has a place of its own (bytes: code point).
GB18030 = {0xa3a0: 0x3000, 0xa6d9: 0xfe10, 0xa6da: 0xfe12, 0xa6db: 0xfe11,
           0xa6dc: 0xfe13, 0xa6dd: 0xfe14, 0xa6de: 0xfe15, 0xa6df: 0xfe16,
           0xa6ec: 0xfe17, 0xa6ed: 0xfe18, 0xa6f3: 0xfe19,
           0xfe59: 0x9fb4, 0xfe61: 0x9fb5, 0xfe66: 0x9fb6, 0xfe67: 0x9fb7, 0xfe6d: 0x9fb8,
           0xfe7e: 0x9fb9, 0xfe90: 0x9fba, 0xfea0: 0x9fbb, 0xa8bc: 0x1e3f, 0xa8bf: 0x01f9,
           0xa989: 0x303e, 0xa98a: 0x2ff0, 0xa98b: 0x2ff1, 0xa98c: 0x2ff2, 0xa98d: 0x2ff3,
           0xa98e: 0x2ff4, 0xa98f: 0x2ff5, 0xa990: 0x2ff6, 0xa991: 0x2ff7, 0xa992: 0x2ff8,
           0xa993: 0x2ff9, 0xa994: 0x2ffa, 0xa995: 0x2ffb}


def one(codec, data):
    """A code point, or 0."""
    try:
        text = bytes(data).decode(codec)
    except UnicodeDecodeError:
        return 0
    return ord(text) if len(text) == 1 else 0


def single(codec):
    row = []
    for byte in range(128, 256):
        code = DIFFERENT.get(codec, {}).get(byte) or one(codec, [byte])
        # Windows' tables keep the control characters that nothing else was put upon.
        row.append(code or (byte if codec.startswith("cp") and byte < 0xa0 else 0))
    return row


def gb18030():
    index = []
    for pointer in range(126 * 190):
        lead, offset = divmod(pointer, 190)
        trail = offset + (0x40 if offset < 0x3f else 0x41)
        code = one("gb18030", [lead + 0x81, trail])
        index.append(GB18030.get((lead + 0x81) << 8 | trail, code))
    return index


def gb18030_ranges():
    """Where the four-byte sequences' code points are no more in a row: pointer, code point."""
    ranges = []
    for pointer in range(39420):
        rest, d = divmod(pointer, 10)
        rest, c = divmod(rest, 126)
        a, b = divmod(rest, 10)
        code = one("gb18030", [a + 0x81, b + 0x30, c + 0x81, d + 0x30])
        if code and (not ranges or code - pointer != ranges[-1][1] - ranges[-1][0]):
            ranges.append((pointer, code))
    return ranges


def big5():
    index = []
    for pointer in range(126 * 157):
        lead, offset = divmod(pointer, 157)
        data = [lead + 0x81, offset + (0x40 if offset < 0x3f else 0x62)]
        index.append(one("big5hkscs", data) or one("cp950", data))
    return index


def euc_kr():
    return [one("cp949", [pointer // 190 + 0x81, pointer % 190 + 0x41])
            for pointer in range(126 * 190)]


def jis0208():
    index = []
    for pointer in range(60 * 188):
        lead, offset = divmod(pointer, 188)
        lead += 0x81 if lead < 0x1f else 0xc1
        trail = offset + (0x40 if offset < 0x3f else 0x41)
        index.append(0 if 8836 <= pointer <= 10715 else one("cp932", [lead, trail]))
    return index


def jis0212():
    index = [one("euc_jp", [0x8f, pointer // 94 + 0xa1, pointer % 94 + 0xa1])
             for pointer in range(94 * 94)]
    return [0xff5e if code == 0x7e else code for code in index]


def table(name, kind, rows):
    return f"static const {kind} {name}[{len(rows)}] = {{{','.join(map(str, rows))}}};\n"


def main():
    text = "/* Made by hostapi/javascript/encodings.py. */\n#include <stdint.h>\n"
    text += table("encoding_single", "uint16_t",
                  [code for codec in SINGLE for code in single(codec)])
    text += table("encoding_gb18030", "uint16_t", gb18030())
    ranges = gb18030_ranges()
    text += table("encoding_gb18030_pointers", "uint16_t", [pointer for pointer, _ in ranges])
    text += table("encoding_gb18030_codes", "uint16_t", [code for _, code in ranges])
    codes = big5()
    text += table("encoding_big5", "uint16_t", [code & 0xffff for code in codes])
    text += table("encoding_big5_high", "uint8_t",  # a bit: it lies in the second plane
                  [sum((code >> 17 & 1) << bit for bit, code in enumerate(codes[at:at + 8]))
                   for at in range(0, len(codes), 8)])
    text += table("encoding_euc_kr", "uint16_t", euc_kr())
    text += table("encoding_jis0208", "uint16_t", jis0208())
    text += table("encoding_jis0212", "uint16_t", jis0212())
    pathlib.Path(sys.argv[1]).write_text(text, encoding="ascii")


if __name__ == "__main__":
    main()
