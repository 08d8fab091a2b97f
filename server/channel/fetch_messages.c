/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Payloads of fetches, written and read.
 */
#include "server/channel/fetch_messages.h"

#include <string.h>

#define FETCH_START_FIXED (7 * 4 + 2 * 8 + 64)
#define FETCH_HEAD_FIXED  16

static const struct {
    const char *name;
    const char *text;
} fetch_ends[FETCH_END_COUNT] = {
#define FETCH_END(NAME, name, text) {#name, text},
#include "server/channel/fetch_ends.def"
};

const char *fetch_end_name(enum fetch_end end)
{
    return fetch_ends[end].name;
}

const char *fetch_end_text(enum fetch_end end)
{
    return fetch_ends[end].text;
}

/* ---- headers --------------------------------------------------------------------------------- */

static bool fetch_next_text(struct bytes *rest, struct bytes *ret_text)
{
    const uint8_t *end = rest->count == 0 ? NULL : memchr(rest->data, '\0', rest->count);
    if (end == NULL)
        return false;
    size_t count = (size_t)(end - rest->data);
    *ret_text = bytes_make(rest->data, count);
    *rest = bytes_make(rest->data + count + 1, rest->count - count - 1);
    return true;
}

bool fetch_fields_read(struct bytes text, struct fetch_fields *ret_fields)
{
    uint32_t count = 0;
    ret_fields->count = 0;
    while (text.count > 0) {
        if (count == FETCH_FIELDS_MAX)
            return false;
        struct fetch_field *field = &ret_fields->rows[count++];
        if (!fetch_next_text(&text, &field->name) || !fetch_next_text(&text, &field->value))
            return false;
    }
    ret_fields->count = count;
    return true;
}

static size_t fetch_fields_bytes(const struct fetch_head *head)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < head->field_count; i++)
        bytes += head->fields[i].name.count + head->fields[i].value.count + 2;
    return bytes;
}

/* ---- writing --------------------------------------------------------------------------------- */

static bool fetch_begin(struct buffer *out, size_t bytes, struct channel_writer *ret_writer)
{
    out->count = 0;
    if (buffer_reserve(out, bytes) != STATUS_OK)
        return false;
    *ret_writer = channel_writer(out->data, bytes);
    return true;
}

static bool fetch_end_writing(struct buffer *out, const struct channel_writer *writer)
{
    out->count = writer->count;
    return !writer->bad;
}

bool fetch_start_write(const struct fetch_order *order,
                       struct bytes fields_text,
                       struct buffer *out)
{
    struct channel_writer writer;
    size_t bytes = FETCH_START_FIXED + order->tenant.count + order->method.count +
                   order->url.count + order->loop.count + fields_text.count;
    for (uint32_t i = 0; i < order->rule_count; i++)
        bytes += 4 + order->rules[i].count;
    if (!fetch_begin(out, bytes, &writer))
        return false;
    channel_put_u32(&writer, order->body_follows ? 1 : 0);
    channel_put_u32(&writer, order->redirects_max);
    channel_put_u32(&writer, order->granted);
    channel_put_u64(&writer, order->deadline_us);
    channel_put_u64(&writer, order->answer_bytes_max);
    channel_put_bytes(&writer, order->tenant);
    channel_put_bytes(&writer, order->method);
    channel_put_bytes(&writer, order->url);
    channel_put_bytes(&writer, order->loop);
    channel_put_bytes(&writer, fields_text);
    channel_put_u32(&writer, order->rule_count);
    for (uint32_t i = 0; i < order->rule_count; i++)
        channel_put_bytes(&writer, order->rules[i]);
    return fetch_end_writing(out, &writer);
}

bool fetch_head_write(const struct fetch_head *head, struct buffer *out)
{
    struct channel_writer writer;
    size_t fields = fetch_fields_bytes(head);
    if (!fetch_begin(out, FETCH_HEAD_FIXED + head->url.count, &writer))
        return false;
    channel_put_u32(&writer, head->status);
    channel_put_bytes(&writer, head->url);
    channel_put_u32(&writer, (uint32_t)fields);
    if (!fetch_end_writing(out, &writer) || buffer_reserve(out, fields) != STATUS_OK)
        return false;
    for (uint32_t i = 0; i < head->field_count; i++) {
        const struct fetch_field *field = &head->fields[i];
        const struct bytes parts[] = {field->name, field->value};
        for (size_t j = 0; j < COUNT_OF(parts); j++) {
            if (parts[j].count > 0)
                memcpy(out->data + out->count, parts[j].data, parts[j].count);
            out->count += parts[j].count;
            out->data[out->count++] = '\0';
        }
    }
    return true;
}

struct bytes fetch_result_write(const struct fetch_result *result, uint8_t room[FETCH_RESULT_BYTES])
{
    struct channel_writer writer = channel_writer(room, FETCH_RESULT_BYTES);
    size_t count = strnlen(result->text, FETCH_TEXT_BYTES - 1);
    channel_put_u32(&writer, result->end);
    channel_put_u64(&writer, result->received_bytes);
    channel_put_u64(&writer, result->sent_bytes);
    channel_put_u32(&writer, result->hops);
    channel_put_u32(&writer, result->connects);
    channel_put_bytes(&writer, bytes_make(result->text, count));
    return channel_written(&writer);
}

/* ---- reading --------------------------------------------------------------------------------- */

bool fetch_start_read(struct bytes payload, struct fetch_start *ret_start)
{
    struct channel_reader reader = channel_reader(payload);
    struct fetch_order *order = &ret_start->order;
    uint32_t follows = channel_get_u32(&reader);
    order->body_follows = follows == 1;
    order->redirects_max = channel_get_u32(&reader);
    order->granted = channel_get_u32(&reader);
    order->deadline_us = channel_get_u64(&reader);
    order->answer_bytes_max = channel_get_u64(&reader);
    order->tenant = channel_get_bytes(&reader, FETCH_URL_BYTES);
    order->method = channel_get_bytes(&reader, FETCH_URL_BYTES);
    order->url = channel_get_bytes(&reader, FETCH_URL_BYTES);
    order->loop = channel_get_bytes(&reader, FETCH_URL_BYTES);
    struct bytes fields = channel_get_bytes(&reader, FETCH_FIELDS_BYTES);
    order->rule_count = channel_get_u32(&reader);
    if (reader.bad || follows > 1 || order->rule_count > FETCH_RULES_MAX ||
        order->granted > FETCH_WINDOW_BYTES || !fetch_fields_read(fields, &ret_start->fields))
        return false;
    for (uint32_t i = 0; i < order->rule_count; i++)
        ret_start->rules[i] = channel_get_bytes(&reader, FETCH_URL_BYTES);
    order->body = channel_get_rest(&reader);
    order->fields = ret_start->fields.rows;
    order->field_count = ret_start->fields.count;
    order->rules = ret_start->rules;
    return !reader.bad && order->body.count <= FETCH_WINDOW_BYTES;
}

bool fetch_head_read(struct bytes payload,
                     struct fetch_head *ret_head,
                     struct bytes *ret_fields_text)
{
    struct fetch_fields fields;
    struct channel_reader reader = channel_reader(payload);
    ret_head->status = channel_get_u32(&reader);
    ret_head->url = channel_get_bytes(&reader, 2 * FETCH_URL_BYTES);
    *ret_fields_text = channel_get_bytes(&reader, 2 * FETCH_FIELDS_BYTES);
    ret_head->fields = NULL;
    if (!channel_reader_ends(&reader) || !fetch_fields_read(*ret_fields_text, &fields))
        return false;
    ret_head->field_count = fields.count;
    return ret_head->status >= 200 && ret_head->status <= 999;
}

bool fetch_result_read(struct bytes payload,
                       struct fetch_result *ret_result,
                       char ret_text[FETCH_TEXT_BYTES])
{
    struct channel_reader reader = channel_reader(payload);
    uint32_t end = channel_get_u32(&reader);
    ret_result->received_bytes = channel_get_u64(&reader);
    ret_result->sent_bytes = channel_get_u64(&reader);
    ret_result->hops = channel_get_u32(&reader);
    ret_result->connects = channel_get_u32(&reader);
    struct bytes text = channel_get_bytes(&reader, FETCH_TEXT_BYTES - 1);
    if (!channel_reader_ends(&reader) || end >= FETCH_END_COUNT)
        return false;
    if (text.count > 0)
        memcpy(ret_text, text.data, text.count);
    ret_text[text.count] = '\0';
    ret_result->end = (enum fetch_end)end;
    ret_result->text = ret_text;
    return true;
}
