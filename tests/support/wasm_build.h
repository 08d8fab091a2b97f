/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Binary modules, written by hand but with their lengths counted.
 *
 *   struct buffer wasm = wasm_begin();
 *   size_t section = wasm_open(&wasm, WASM_TYPE);     the section's id, room for its size
 *   wasm_u32(&wasm, 1); WASM(&wasm, 0x60, 0, 0);
 *   wasm_close(&wasm, section);                       the size, as five bytes
 */
#ifndef SKERRY_TESTS_SUPPORT_WASM_BUILD_H
#define SKERRY_TESTS_SUPPORT_WASM_BUILD_H

#include "engine/base/bytes.h"

enum {
    WASM_CUSTOM,
    WASM_TYPE,
    WASM_IMPORT,
    WASM_FUNC,
    WASM_TABLE,
    WASM_MEMORY,
    WASM_GLOBAL,
    WASM_EXPORT,
    WASM_START,
    WASM_ELEM,
    WASM_CODE,
    WASM_DATA,
    WASM_DATA_COUNT,
};

enum { WASM_SIZE_BYTES = 5 };

static inline void wasm_append(struct buffer *wasm, const void *data, size_t count)
{
    ASSERT(buffer_append(wasm, data, count) == STATUS_OK);
}

#define WASM(wasm, ...)                                                                            \
    wasm_append((wasm), (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static inline void wasm_u32(struct buffer *wasm, uint32_t value)
{
    do {
        uint8_t byte = value & 0x7f;
        value >>= 7;
        byte |= value != 0 ? 0x80 : 0;
        wasm_append(wasm, &byte, 1);
    } while (value != 0);
}

static inline void wasm_fill(struct buffer *wasm, uint8_t byte, size_t count)
{
    ASSERT(buffer_reserve(wasm, count) == STATUS_OK);
    memset(wasm->data + wasm->count, byte, count);
    wasm->count += count;
}

static inline void wasm_name(struct buffer *wasm, const char *name)
{
    wasm_u32(wasm, (uint32_t)strlen(name));
    wasm_append(wasm, name, strlen(name));
}

static inline struct buffer wasm_begin(void)
{
    struct buffer wasm;
    buffer_init(&wasm, (size_t)256 << 20);
    wasm_append(&wasm, "\0asm\1\0\0\0", 8);
    return wasm;
}

/* Room for a length; also for function bodies. */
static inline size_t wasm_open_size(struct buffer *wasm)
{
    wasm_fill(wasm, 0, WASM_SIZE_BYTES);
    return wasm->count;
}

static inline size_t wasm_open(struct buffer *wasm, uint8_t id)
{
    wasm_append(wasm, &id, 1);
    return wasm_open_size(wasm);
}

static inline void wasm_close(struct buffer *wasm, size_t start)
{
    uint32_t size = (uint32_t)(wasm->count - start);
    for (size_t i = 0; i < WASM_SIZE_BYTES; i++) {
        uint8_t more = i + 1 < WASM_SIZE_BYTES ? 0x80 : 0;
        wasm->data[start - WASM_SIZE_BYTES + i] = (uint8_t)((size >> (7 * i)) & 0x7f) | more;
    }
}

/* A section whose contents are given byte by byte. */
#define WASM_SECTION(wasm, id, ...)                                                                \
    do {                                                                                           \
        size_t wasm_start = wasm_open((wasm), (id));                                               \
        WASM((wasm), __VA_ARGS__);                                                                 \
        wasm_close((wasm), wasm_start);                                                            \
    } while (0)

#endif
