/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The query: which parameters there are, and their values, decoded once and in bounds.
 */
#include <stdio.h>

#include "deploy/api/api_private.h"
#include "engine/base/hex.h"

/* Takes the next `name=value`, or a name alone, off the query; false at its end. Nothing is
 * decoded: no name that exists has a character that would be encoded. */
static bool api_query_next(const char **query, struct bytes *ret_name, struct bytes *ret_value)
{
    const char *at = *query;
    if (at == NULL || *at == '\0')
        return false;
    size_t count = strcspn(at, "&");
    const char *equals = memchr(at, '=', count);
    size_t name_count = equals == NULL ? count : (size_t)(equals - at);
    *ret_name = bytes_make(at, name_count);
    *ret_value =
        equals == NULL ? bytes_make(NULL, 0) : bytes_make(equals + 1, count - name_count - 1);
    *query = at[count] == '&' ? at + count + 1 : at + count;
    return true;
}

bool api_query_check(struct api_call *call, const char *const *names)
{
    const char *query = call->request->query;
    struct bytes name;
    struct bytes value;
    while (api_query_next(&query, &name, &value)) {
        size_t i = 0;
        while (names[i] != NULL && !bytes_equal_text(name, names[i]))
            i++;
        if (names[i] != NULL || (call->knows_dry_run && bytes_equal_text(name, "dry_run")))
            continue;
        char detail[128];
        (void)snprintf(detail, sizeof(detail), "unknown parameter `%.*s`",
                       (int)MIN(name.count, (size_t)64), (const char *)name.data);
        api_answer_error(call, 400, "bad_query", detail, "remove it from the query");
        return false;
    }
    return true;
}

bool api_query_find(const struct api_call *call, const char *name, struct bytes *ret_value)
{
    const char *query = call->request->query;
    struct bytes found;
    struct bytes value;
    while (api_query_next(&query, &found, &value)) {
        if (!bytes_equal_text(found, name))
            continue;
        *ret_value = value;
        return true;
    }
    return false;
}

/* Takes the next byte off a percent-encoded text that is not empty; -1: it is not well encoded. */
static int api_decode_next(struct bytes *text)
{
    int byte = text->data[0];
    size_t used = 1;
    if (byte == '%') {
        int high = text->count > 2 ? hex_value(text->data[1]) : -1;
        int low = high < 0 ? -1 : hex_value(text->data[2]);
        if (low < 0)
            return -1;
        byte = high << 4 | low;
        used = 3;
    }
    *text = bytes_make(text->data + used, text->count - used);
    return byte;
}

void api_decode_text(struct bytes text, char *ret_text, size_t bytes)
{
    size_t count = 0;
    while (text.count > 0 && count + 1 < bytes) {
        int byte = api_decode_next(&text);
        if (byte < 0) {
            byte = '%';
            text = bytes_make(text.data + 1, text.count - 1);
        }
        ret_text[count++] = byte == 0 ? '?' : (char)byte;
    }
    ret_text[count] = '\0';
}

enum status api_decode(struct bytes text, struct buffer *value)
{
    enum status status = STATUS_OK;
    while (status == STATUS_OK && text.count > 0) {
        int next = api_decode_next(&text);
        if (next < 0)
            return STATUS_MALFORMED;
        uint8_t byte = (uint8_t)next;
        status = buffer_append(value, &byte, 1);
    }
    return status;
}

enum status api_query_decode(const struct api_call *call, const char *name, struct buffer *value)
{
    struct bytes text;
    return api_query_find(call, name, &text) ? api_decode(text, value) : STATUS_OK;
}

bool api_query_flag(struct api_call *call, const char *name, bool default_value, bool *ret_value)
{
    struct bytes value;
    if (!api_query_find(call, name, &value)) {
        *ret_value = default_value;
        return true;
    }
    bool yes =
        value.data == NULL || bytes_equal_text(value, "1") || bytes_equal_text(value, "true");
    if (yes || bytes_equal_text(value, "0") || bytes_equal_text(value, "false")) {
        *ret_value = yes;
        return true;
    }
    char detail[64];
    (void)snprintf(detail, sizeof(detail), "parameter `%s` is neither true nor false", name);
    api_answer_error(call, 400, "bad_query", detail, "write 1, true, 0 or false");
    return false;
}
