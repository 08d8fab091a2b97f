/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `struct bytes`: a borrowed view of bytes, and `struct buffer`: bytes that grow,
 * up to a cap that the owner sets.
 *
 * A view never owns and is never NUL-terminated. A buffer refuses (STATUS_LIMIT)
 * to grow past its cap and (STATUS_NO_MEMORY) when the allocator says no; in both
 * cases its contents are unchanged.
 */
#ifndef SKERRY_ENGINE_BASE_BYTES_H
#define SKERRY_ENGINE_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "engine/base/status.h"

struct bytes {
    const uint8_t *data; /* borrowed; may be NULL when count is 0 */
    size_t count;
};

static inline struct bytes bytes_make(const void *data, size_t count)
{
    return (struct bytes){.data = data, .count = count};
}

static inline struct bytes bytes_of_text(const char *text)
{
    return bytes_make(text, strlen(text));
}

static inline bool bytes_equal(struct bytes a, struct bytes b)
{
    return a.count == b.count && (a.count == 0 || memcmp(a.data, b.data, a.count) == 0);
}

static inline bool bytes_equal_text(struct bytes a, const char *text)
{
    return bytes_equal(a, bytes_of_text(text));
}

/* ---- text of HTTP ---------------------------------------------------------------------------- */

static inline uint8_t bytes_lower(uint8_t byte)
{
    return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte | 0x20) : byte;
}

/* Whatever the case of letters, as names of fields are compared [RFC 9110 5.1]. */
bool bytes_equal_nocase(struct bytes a, struct bytes b);
/* Without blanks and tabs at both ends. */
struct bytes bytes_trim(struct bytes text);
/* Takes what is before the next `end` off, and that, without blanks around it; false: no more. */
bool bytes_next_part(struct bytes *text, char end, struct bytes *ret_part);
/* The same of a list with commas [RFC 9110 5.6.1]. */
bool bytes_next_item(struct bytes *list, struct bytes *ret_item);
/* No control characters but tabs, as the value of a field is [RFC 9110 5.5]? */
bool bytes_is_field_value(struct bytes text);
/* Is it a token, as names of HTTP are [RFC 9110 5.6.2]? Empty is none. */
bool bytes_is_token(struct bytes text);

/* Appends to a NUL-terminated text with room for `room` bytes, for people: what is not plain ASCII
 * becomes '?', and what has no room is left out. */
void bytes_append_plain(char *text, size_t room, struct bytes more);

/* ---- UTF-8 ----------------------------------------------------------------------------------- */

/* Bytes of the well-formed sequence at the start of a text that is not empty; 0: there is none. */
size_t bytes_utf8_sequence(struct bytes text);
bool bytes_is_utf8(struct bytes text);

/* ---- bytes that grow ------------------------------------------------------------------------- */

struct buffer {
    uint8_t *data;   /* owned, given back by buffer_done alone */
    size_t count;    /* bytes in use */
    size_t capacity; /* bytes allocated */
    size_t max;      /* cap on count */
};

void buffer_init(struct buffer *buffer, size_t max);
/* Frees the bytes; the buffer may be used again. */
void buffer_done(struct buffer *buffer);
NODISCARD enum status buffer_reserve(struct buffer *buffer, size_t extra);
NODISCARD enum status buffer_append(struct buffer *buffer, const void *data, size_t count);
/* Appends printf text without its NUL. */
NODISCARD enum status buffer_printf(struct buffer *buffer, const char *format, ...)
    PRINTF_LIKE(2, 3);

static inline struct bytes buffer_bytes(const struct buffer *buffer)
{
    return bytes_make(buffer->data, buffer->count);
}

#endif
