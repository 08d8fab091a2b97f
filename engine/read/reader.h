/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one reader of untrusted bytes: every byte of a module passes through here.
 *
 * A reader has an end and never passes it. The first failure files a report, and from
 * then on every read returns 0 and the reader stays at its end, so that callers may read
 * several fields and check once. Offsets in reports count from `base`.
 */
#ifndef SKERRY_ENGINE_READ_READER_H
#define SKERRY_ENGINE_READ_READER_H

#include <stdbool.h>

#include "engine/base/bytes.h"
#include "engine/base/status.h"

struct reader {
    const uint8_t *base; /* start of the binary, for offsets */
    const uint8_t *at;
    const uint8_t *end;
    struct report *report; /* may be NULL */
    enum status status;    /* sticky */
};

static inline struct reader
reader_make(const uint8_t *base, const uint8_t *at, const uint8_t *end, struct report *report)
{
    return (struct reader){.base = base, .at = at, .end = end, .report = report};
}

static inline bool reader_failed(const struct reader *reader)
{
    return reader->status != STATUS_OK;
}

static inline size_t reader_left(const struct reader *reader)
{
    return (size_t)(reader->end - reader->at);
}

static inline uint32_t reader_offset(const struct reader *reader)
{
    return (uint32_t)(reader->at - reader->base);
}

/* Ends the reading: MALFORMED or INVALID at the present offset, with this text. */
void reader_fail(struct reader *reader, enum status status, const char *format, ...)
    PRINTF_LIKE(3, 4);

uint8_t reader_u8_slow(struct reader *reader);
uint64_t reader_leb_unsigned(struct reader *reader, unsigned bits);
int64_t reader_leb_signed(struct reader *reader, unsigned bits);

static inline uint8_t reader_u8(struct reader *reader)
{
    return LIKELY(reader->at < reader->end) ? *reader->at++ : reader_u8_slow(reader);
}

static inline uint32_t reader_u32(struct reader *reader)
{
    if (LIKELY(reader->at < reader->end && *reader->at < 0x80))
        return *reader->at++;
    return (uint32_t)reader_leb_unsigned(reader, 32);
}

static inline uint64_t reader_u64(struct reader *reader)
{
    if (LIKELY(reader->at < reader->end && *reader->at < 0x80))
        return *reader->at++;
    return reader_leb_unsigned(reader, 64);
}

static inline int32_t reader_s32(struct reader *reader)
{
    if (LIKELY(reader->at < reader->end && *reader->at < 0x80))
        return (int32_t)((uint32_t)*reader->at++ << 25) >> 25; /* its seven bits are signed */
    return (int32_t)reader_leb_signed(reader, 32);
}

static inline int64_t reader_s33(struct reader *reader)
{
    if (LIKELY(reader->at < reader->end && *reader->at < 0x80))
        return (int32_t)((uint32_t)*reader->at++ << 25) >> 25;
    return reader_leb_signed(reader, 33);
}

static inline int64_t reader_s64(struct reader *reader)
{
    return reader_leb_signed(reader, 64);
}

/* A count of things that take at least `item_bytes` each: held against what is left. */
uint32_t reader_count(struct reader *reader, size_t item_bytes, const char *what);
/* Little-endian, fixed width. */
uint32_t reader_fixed32(struct reader *reader);
uint64_t reader_fixed64(struct reader *reader);
/* A view of the next `count` bytes; empty on failure. */
struct bytes reader_take(struct reader *reader, size_t count);
/* vec(byte) that must be UTF-8 [Wasm core 5.2.4]. */
struct bytes reader_name(struct reader *reader);

#endif
