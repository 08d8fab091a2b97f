/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Machine code as it grows. Private to the tier.
 */
#ifndef SKERRY_ENGINE_NATIVE_OUTPUT_H
#define SKERRY_ENGINE_NATIVE_OUTPUT_H

#include "engine/native/native.h"

struct native_output {
    struct buffer *bytes;
    enum status status; /* sticky: once it is not OK nothing more is written */
};

static inline uint32_t output_offset(const struct native_output *out)
{
    return (uint32_t)out->bytes->count;
}

static inline bool output_room(struct native_output *out, size_t bytes)
{
    if (out->status == STATUS_OK && UNLIKELY(out->bytes->capacity - out->bytes->count < bytes))
        out->status = buffer_reserve(out->bytes, bytes);
    return out->status == STATUS_OK;
}

static inline void output_bytes(struct native_output *out, const void *bytes, size_t count)
{
    if (!output_room(out, count))
        return;
    memcpy(out->bytes->data + out->bytes->count, bytes, count);
    out->bytes->count += count;
}

static inline void output_pad(struct native_output *out, size_t align)
{
    static const uint8_t trap = 0xcc;
    for (size_t count = -out->bytes->count & (align - 1); count > 0; count--)
        output_bytes(out, &trap, sizeof(trap));
}

static inline void output_put32(struct native_output *out, uint32_t at, uint32_t value)
{
    memcpy(out->bytes->data + at, &value, sizeof(value));
}

/* A jump's or constant's 32 bits, which count from behind themselves. */
static inline void output_relate(struct native_output *out, uint32_t at, uint32_t target)
{
    output_put32(out, at, target - (at + STENCIL_ADDRESS_BYTES));
}

#endif
