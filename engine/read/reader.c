/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reader's slow half: failures, LEB128 beyond one byte, names.
 *
 * After reader_fail nothing is left to read, so every loop "while bytes are left" ends.
 */
#include "engine/read/reader.h"

#include <stdarg.h>
#include <stdio.h>

#define READER_END "unexpected end of section or function"

void reader_fail(struct reader *reader, enum status status, const char *format, ...)
{
    if (reader_failed(reader))
        return;
    char text[REPORT_TEXT_BYTES / 2];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    reader->status = report_fail(reader->report, status, reader_offset(reader), "%s", text);
    reader->at = reader->end;
}

uint8_t reader_u8_slow(struct reader *reader)
{
    reader_fail(reader, STATUS_MALFORMED, READER_END);
    return 0;
}

/* Is `byte`, of which `used` low bits count, free of others: zeros, or copies of its sign? */
static bool reader_last_byte_fits(uint8_t byte, unsigned used, bool is_signed)
{
    if (used >= 7)
        return true;
    uint8_t rest = (uint8_t)(byte & 0x7f) >> (is_signed ? used - 1 : used);
    uint8_t ones = (uint8_t)(0x7f >> (is_signed ? used - 1 : used));
    return rest == 0 || (is_signed && rest == ones);
}

/* The bits of a LEB128 number of at most `bits` bits [Wasm core 5.2.2]; *ret_shift: how many. */
static uint64_t
reader_leb(struct reader *reader, unsigned bits, bool is_signed, unsigned *ret_shift)
{
    uint64_t value = 0;
    unsigned shift = 0;
    for (;;) {
        if (reader->at == reader->end) {
            reader_fail(reader, STATUS_MALFORMED, READER_END);
            return 0;
        }
        uint8_t byte = *reader->at;
        bool is_last = shift + 7 >= bits;
        if (is_last && (byte & 0x80) != 0) {
            reader_fail(reader, STATUS_MALFORMED, "integer representation too long");
            return 0;
        }
        if (is_last && !reader_last_byte_fits(byte, bits - shift, is_signed)) {
            reader_fail(reader, STATUS_MALFORMED, "integer too large");
            return 0;
        }
        reader->at++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        shift += 7;
        if ((byte & 0x80) == 0)
            break;
    }
    *ret_shift = shift;
    return value;
}

/* Is the number at hand one of two bytes? They fit whatever width is asked for. */
static inline bool reader_leb_is_short(const struct reader *reader)
{
    return reader_left(reader) >= 2 && reader->at[0] >= 0x80 && reader->at[1] < 0x80;
}

static inline uint64_t reader_leb_short(struct reader *reader)
{
    uint64_t value = (uint64_t)(reader->at[0] & 0x7f) | (uint64_t)reader->at[1] << 7;
    reader->at += 2;
    return value;
}

uint64_t reader_leb_unsigned(struct reader *reader, unsigned bits)
{
    if (LIKELY(reader_leb_is_short(reader)))
        return reader_leb_short(reader);
    unsigned shift = 0;
    return reader_leb(reader, bits, false, &shift);
}

int64_t reader_leb_signed(struct reader *reader, unsigned bits)
{
    if (LIKELY(reader_leb_is_short(reader)))
        return (int64_t)(reader_leb_short(reader) << 50) >> 50;
    unsigned shift = 64;
    uint64_t value = reader_leb(reader, bits, true, &shift);
    if (shift < 64 && (value >> (shift - 1) & 1) != 0)
        value |= UINT64_MAX << shift;
    return (int64_t)value;
}

uint32_t reader_count(struct reader *reader, size_t item_bytes, const char *what)
{
    const uint8_t *start = reader->at;
    uint32_t count = reader_u32(reader);
    if (reader_failed(reader) || count <= reader_left(reader) / item_bytes)
        return count;
    size_t left = reader_left(reader);
    reader->at = start;
    reader_fail(reader, STATUS_MALFORMED, READER_END ": %u %s do not fit into %zu bytes", count,
                what, left);
    return 0;
}

uint32_t reader_fixed32(struct reader *reader)
{
    struct bytes four = reader_take(reader, 4);
    uint32_t value = 0;
    for (size_t i = 0; i < four.count; i++)
        value |= (uint32_t)four.data[i] << (8 * i);
    return value;
}

uint64_t reader_fixed64(struct reader *reader)
{
    uint64_t low = reader_fixed32(reader);
    return low | (uint64_t)reader_fixed32(reader) << 32;
}

struct bytes reader_take(struct reader *reader, size_t count)
{
    if (count > reader_left(reader)) {
        reader_fail(reader, STATUS_MALFORMED, READER_END ": %zu bytes wanted, %zu left", count,
                    reader_left(reader));
        return bytes_make(reader->at, 0);
    }
    struct bytes taken = bytes_make(reader->at, count);
    reader->at += count;
    return taken;
}

struct bytes reader_name(struct reader *reader)
{
    uint32_t count = reader_u32(reader);
    struct bytes name = reader_take(reader, count);
    for (size_t i = 0; i < name.count;) {
        size_t step = bytes_utf8_sequence(bytes_make(name.data + i, name.count - i));
        if (step == 0) {
            reader->at = name.data + i;
            reader_fail(reader, STATUS_MALFORMED, "malformed UTF-8 encoding");
            return bytes_make(name.data, 0);
        }
        i += step;
    }
    return name;
}
