/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Growable bytes: doubling, never past the owner's cap; and what more than one room asks of a view.
 */
#include "engine/base/bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#define BUFFER_FIRST_BYTES  64
#define BUFFER_MAPPED_BYTES ((size_t)8 << 20) /* from here on it has pages of its own */

bool bytes_equal_nocase(struct bytes a, struct bytes b)
{
    if (a.count != b.count)
        return false;
    for (size_t i = 0; i < a.count; i++) {
        if (bytes_lower(a.data[i]) != bytes_lower(b.data[i]))
            return false;
    }
    return true;
}

static bool bytes_is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t';
}

struct bytes bytes_trim(struct bytes text)
{
    while (text.count > 0 && bytes_is_blank(text.data[0]))
        text = bytes_make(text.data + 1, text.count - 1);
    while (text.count > 0 && bytes_is_blank(text.data[text.count - 1]))
        text.count--;
    return text;
}

bool bytes_next_part(struct bytes *text, char end, struct bytes *ret_part)
{
    if (text->count == 0)
        return false;
    const uint8_t *at = memchr(text->data, end, text->count);
    size_t count = at == NULL ? text->count : (size_t)(at - text->data);
    *ret_part = bytes_trim(bytes_make(text->data, count));
    count += at != NULL;
    *text = bytes_make(text->data + count, text->count - count);
    return true;
}

bool bytes_next_item(struct bytes *list, struct bytes *ret_item)
{
    return bytes_next_part(list, ',', ret_item);
}

void bytes_append_plain(char *text, size_t room, struct bytes more)
{
    size_t used = strlen(text);
    for (size_t i = 0; i < more.count && used + 1 < room; i++) {
        bool plain = more.data[i] >= ' ' && more.data[i] < 0x7f;
        text[used++] = plain ? (char)more.data[i] : '?';
    }
    text[used] = '\0';
}

bool bytes_is_field_value(struct bytes text)
{
    for (size_t i = 0; i < text.count; i++) {
        uint8_t byte = text.data[i];
        if ((byte < ' ' && byte != '\t') || byte == 0x7f)
            return false;
    }
    return true;
}

static bool bytes_is_token_byte(uint8_t byte)
{
    if ((byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
        (byte >= 'A' && byte <= 'Z'))
        return true;
    return byte != '\0' && strchr("!#$%&'*+-.^_`|~", byte) != NULL;
}

bool bytes_is_token(struct bytes text)
{
    for (size_t i = 0; i < text.count; i++) {
        if (!bytes_is_token_byte(text.data[i]))
            return false;
    }
    return text.count > 0;
}

size_t bytes_utf8_sequence(struct bytes text)
{
    uint8_t lead = text.data[0];
    if (lead < 0x80)
        return 1;
    size_t count = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (lead < 0xc2 || lead > 0xf4 || text.count < count)
        return 0;
    /* The second byte alone decides on overlong forms, surrogates and the last plane. */
    uint8_t low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    uint8_t high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (text.data[1] < low || text.data[1] > high)
        return 0;
    for (size_t i = 2; i < count; i++) {
        if ((text.data[i] & 0xc0) != 0x80)
            return 0;
    }
    return count;
}

bool bytes_is_utf8(struct bytes text)
{
    while (text.count > 0) {
        size_t step = bytes_utf8_sequence(text);
        if (step == 0)
            return false;
        text = bytes_make(text.data + step, text.count - step);
    }
    return true;
}

void buffer_init(struct buffer *buffer, size_t max)
{
    *buffer = (struct buffer){.max = max};
}

void buffer_done(struct buffer *buffer)
{
    if (buffer->capacity >= BUFFER_MAPPED_BYTES)
        (void)munmap(buffer->data, buffer->capacity);
    else
        free(buffer->data);
    buffer_init(buffer, buffer->max);
}

/* Large ones are moved by their page tables: to copy megabytes is to keep a worker's loop from all
 * others for milliseconds. */
static uint8_t *buffer_resize(struct buffer *buffer, size_t capacity)
{
    if (capacity < BUFFER_MAPPED_BYTES)
        return realloc(buffer->data, capacity);
    if (buffer->capacity >= BUFFER_MAPPED_BYTES) {
        void *moved = mremap(buffer->data, buffer->capacity, capacity, MREMAP_MAYMOVE);
        return moved == MAP_FAILED ? NULL : moved;
    }
    void *data = mmap(NULL, capacity, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data == MAP_FAILED)
        return NULL;
    if (buffer->count > 0)
        memcpy(data, buffer->data, buffer->count);
    free(buffer->data);
    return data;
}

enum status buffer_reserve(struct buffer *buffer, size_t extra)
{
    if (extra > buffer->max - buffer->count)
        return STATUS_LIMIT;
    size_t need = buffer->count + extra;
    if (need <= buffer->capacity)
        return STATUS_OK;
    size_t capacity = MAX(buffer->capacity, (size_t)BUFFER_FIRST_BYTES);
    while (capacity < need)
        capacity = capacity > SIZE_MAX / 2 ? need : capacity * 2;
    uint8_t *data = buffer_resize(buffer, capacity);
    if (data == NULL)
        return STATUS_NO_MEMORY;
    buffer->data = data;
    buffer->capacity = capacity;
    return STATUS_OK;
}

enum status buffer_append(struct buffer *buffer, const void *data, size_t count)
{
    enum status status = buffer_reserve(buffer, count);
    if (status != STATUS_OK)
        return status;
    if (count > 0)
        memcpy(buffer->data + buffer->count, data, count);
    buffer->count += count;
    return STATUS_OK;
}

enum status buffer_printf(struct buffer *buffer, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    va_list again;
    va_copy(again, arguments);
    int needed = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    enum status status = needed < 0 ? STATUS_INVALID : buffer_reserve(buffer, (size_t)needed + 1);
    if (status == STATUS_OK) {
        char *end = (char *)buffer->data + buffer->count;
        (void)vsnprintf(end, (size_t)needed + 1, format, again);
        buffer->count += (size_t)needed;
    }
    va_end(again);
    return status;
}
