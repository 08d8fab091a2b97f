/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Heads: the rows of a request on their way to curl, and the lines of an answer on their way back.
 *
 * A row that belongs to a connection and not to a message [RFC 9110 7.6.1] goes no further, in
 * either direction. Host and lengths are ours to say.
 */
#include <stdio.h>
#include <strings.h>

#include "server/egress/private.h"

#define FIELDS_LENGTH_DIGITS 18
#define FIELDS_COLON_BYTES   2 /* between a name and its value */
#define FIELDS_SAID_MAX      4 /* rows of ours */
#define FIELDS_ROWS_FIRST    32u
#define FIELDS_LISTED_MAX    64 /* words of an answer's `Connection`: no origin keeps us long */

/* Of connections, or said by whoever builds the message. */
static const char *const fields_own[] = {
    "cdn-loop",
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "transfer-encoding",
    "trailer",
    "upgrade",
    "http2-settings",
};
/* The same of answers, where lengths are the guest's to read; `Connection` stays until the head is
 * whole, for what it names may stand before it. */
static const char *const fields_of_connections[] = {
    "keep-alive", "proxy-authenticate", "proxy-connection", "te",
    "trailer",    "transfer-encoding",  "upgrade",
};
/* What is secret between a guest and one origin. */
static const char *const fields_secret[] = {"authorization", "cookie", "proxy-authorization"};

static bool fields_is(struct bytes name, const char *text)
{
    return bytes_equal_nocase(name, bytes_of_text(text));
}

static bool fields_is_one(struct bytes name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (fields_is(name, names[i]))
            return true;
    }
    return false;
}

/* ---- a request's ----------------------------------------------------------------------------- */

bool egress_fields_check(const struct fetch_order *order, const char **ret_text)
{
    uint64_t bytes = 0;
    *ret_text = "the method is none of HTTP";
    if (!bytes_is_token(order->method) || order->method.count > 32 ||
        fields_is(order->method, "CONNECT"))
        return false;
    *ret_text = "CDN-Loop has a character that it may not have";
    if (!bytes_is_field_value(order->loop))
        return false;
    *ret_text = "the request has too many headers";
    if (order->field_count > EGRESS_FIELDS_MAX)
        return false;
    for (uint32_t i = 0; i < order->field_count; i++) {
        const struct fetch_field *field = &order->fields[i];
        *ret_text = "a header's name or value has a character that it may not have";
        if (!bytes_is_token(field->name) || !bytes_is_field_value(field->value))
            return false;
        *ret_text = "the request's headers are too large";
        bytes += field->name.count + field->value.count;
        if (bytes > EGRESS_HEAD_BYTES)
            return false;
    }
    return true;
}

/* Is it named in a row `Connection`? */
static bool fields_is_listed(const struct egress_fetch *fetch, struct bytes name)
{
    for (uint32_t i = 0; i < fetch->field_count; i++) {
        struct bytes left = fetch->fields[i].value;
        if (!fields_is(fetch->fields[i].name, "connection"))
            continue;
        for (struct bytes word; bytes_next_item(&left, &word);) {
            if (bytes_equal_nocase(word, name))
                return true;
        }
    }
    return false;
}

/* As curl wants a row, whose way to write one without a value is a semicolon in the colon's place;
 * name and value are in it. NULL: no memory. */
static char *fields_copy_row(struct egress_fetch *fetch, struct fetch_field *row)
{
    struct bytes name = row->name;
    struct bytes value = bytes_trim(row->value);
    char *line = arena_alloc(&fetch->arena, 1, name.count + FIELDS_COLON_BYTES + value.count + 1);
    if (line == NULL)
        return NULL;
    memcpy(line, name.data, name.count);
    memcpy(line + name.count, value.count == 0 ? ";" : ": ", value.count == 0 ? 1 : 2);
    if (value.count > 0)
        memcpy(line + name.count + FIELDS_COLON_BYTES, value.data, value.count);
    row->name = bytes_make(line, name.count);
    row->value = bytes_make(line + name.count + FIELDS_COLON_BYTES, value.count);
    return line;
}

bool egress_fields_copy(struct egress_fetch *fetch, const struct fetch_order *order)
{
    struct fetch_field loop = {.name = bytes_of_text("CDN-Loop"), .value = order->loop};
    fetch->fields = ARENA_ARRAY(&fetch->arena, struct fetch_field, order->field_count);
    fetch->list =
        ARENA_ARRAY(&fetch->arena, struct curl_slist, order->field_count + FIELDS_SAID_MAX);
    if (fetch->fields == NULL || fetch->list == NULL)
        return false;
    if (order->loop.count > 0 && (fetch->loop = fields_copy_row(fetch, &loop)) == NULL)
        return false;
    for (; fetch->field_count < order->field_count; fetch->field_count++) {
        struct fetch_field *field = &fetch->fields[fetch->field_count];
        *field = order->fields[fetch->field_count];
        if (fields_copy_row(fetch, field) == NULL)
            return false;
    }
    return true;
}

static void fields_append(struct curl_slist *list, uint32_t *count, const char *line)
{
    struct curl_slist *node = &list[*count];
    *node = (struct curl_slist){.data = (char *)(uintptr_t)line};
    if (*count > 0)
        node[-1].next = node;
    ++*count;
}

void egress_fields_list(struct egress_fetch *fetch)
{
    /* What curl would say by itself. */
    static const struct {
        const char *name;
        const char *unsaid;
    } own[FIELDS_SAID_MAX - 2] = {{"accept", "accept:"}, {"content-type", "content-type:"}};
    bool said[COUNT_OF(own)] = {false};
    uint32_t count = 0;
    fields_append(fetch->list, &count, "Expect:");
    if (fetch->loop != NULL)
        fields_append(fetch->list, &count, fetch->loop);
    for (uint32_t i = 0; i < fetch->field_count; i++) {
        const struct fetch_field *field = &fetch->fields[i];
        if (fields_is_one(field->name, fields_own, COUNT_OF(fields_own)) ||
            fields_is_listed(fetch, field->name))
            continue;
        for (size_t j = 0; j < COUNT_OF(own); j++)
            said[j] |= fields_is(field->name, own[j].name);
        fields_append(fetch->list, &count, (const char *)field->name.data);
    }
    for (size_t j = 0; j < COUNT_OF(own); j++) {
        if (!said[j])
            fields_append(fetch->list, &count, own[j].unsaid);
    }
}

void egress_fields_drop_secrets(struct egress_fetch *fetch)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < fetch->field_count; i++) {
        if (!fields_is_one(fetch->fields[i].name, fields_secret, COUNT_OF(fields_secret)))
            fetch->fields[count++] = fetch->fields[i];
    }
    fetch->field_count = count;
}

/* A request that became a GET on its way has no body, and nothing that speaks of it. */
void egress_fields_drop_body(struct egress_fetch *fetch)
{
    static const char prefix[] = "content-";
    uint32_t count = 0;
    for (uint32_t i = 0; i < fetch->field_count; i++) {
        struct bytes name = fetch->fields[i].name;
        if (name.count < strlen(prefix) ||
            strncasecmp((const char *)name.data, prefix, strlen(prefix)) != 0)
            fetch->fields[count++] = fetch->fields[i];
    }
    fetch->field_count = count;
}

/* ---- an answer's ----------------------------------------------------------------------------- */

/* Most heads have few rows: room for all that there may be would cost each fetch a page. */
static bool fields_make_room(struct egress_fetch *fetch)
{
    if (fetch->row_count < fetch->row_max)
        return true;
    uint32_t max = MIN(MAX(2 * fetch->row_max, FIELDS_ROWS_FIRST), EGRESS_FIELDS_MAX);
    struct fetch_field *rows = ARENA_ARRAY(&fetch->arena, struct fetch_field, max);
    if (rows == NULL)
        return false;
    if (fetch->row_count > 0)
        memcpy(rows, fetch->rows, fetch->row_count * sizeof(rows[0]));
    fetch->rows = rows;
    fetch->row_max = max;
    return true;
}

static bool fields_keep(struct egress_fetch *fetch, struct bytes name, struct bytes value)
{
    if (fetch->row_count == EGRESS_FIELDS_MAX) {
        egress_fetch_note(fetch, FETCH_END_TOO_LARGE, "its head has more than %u rows",
                          EGRESS_FIELDS_MAX);
        return false;
    }
    char *lower = arena_copy_text(&fetch->arena, name);
    char *copy = arena_copy_text(&fetch->arena, value);
    if (lower == NULL || copy == NULL || !fields_make_room(fetch))
        return false;
    for (size_t i = 0; i < name.count; i++)
        lower[i] = lower[i] >= 'A' && lower[i] <= 'Z' ? (char)(lower[i] | 0x20) : lower[i];
    struct fetch_field *row = &fetch->rows[fetch->row_count++];
    row->name = bytes_make(lower, name.count);
    row->value = bytes_make(copy, value.count);
    if (fields_is(name, "location"))
        fetch->location = row->value;
    return true;
}

/* One number, however often it is said [RFC 9110 8.6]. */
static bool fields_read_length(struct egress_fetch *fetch, struct bytes value)
{
    uint64_t length = 0;
    if (value.count == 0 || value.count > FIELDS_LENGTH_DIGITS)
        return false;
    for (size_t i = 0; i < value.count; i++) {
        if (value.data[i] < '0' || value.data[i] > '9')
            return false;
        length = length * 10 + (uint64_t)(value.data[i] - '0');
    }
    bool first = fetch->length == EGRESS_LENGTH_UNKNOWN;
    if (!first && fetch->length != length)
        return false;
    fetch->length = length;
    return !first || fields_keep(fetch, bytes_of_text("content-length"), value);
}

/* A length beside an encoding that says where the body ends means nothing [RFC 9112 6.3]. */
void egress_fields_drop_length(struct egress_fetch *fetch)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < fetch->row_count; i++) {
        if (!fields_is(fetch->rows[i].name, "content-length"))
            fetch->rows[count++] = fetch->rows[i];
    }
    fetch->row_count = count;
    fetch->length = EGRESS_LENGTH_UNKNOWN;
}

void egress_fields_drop_connection(struct egress_fetch *fetch)
{
    bool drop[EGRESS_FIELDS_MAX] = {false};
    struct fetch_field *rows = fetch->rows;
    uint32_t words = 0;
    uint32_t count = 0;
    for (uint32_t i = 0; i < fetch->row_count; i++) {
        struct bytes left = rows[i].value;
        if (!fields_is(rows[i].name, "connection"))
            continue;
        drop[i] = true;
        for (struct bytes word; words < FIELDS_LISTED_MAX && bytes_next_item(&left, &word);) {
            words++;
            for (uint32_t j = 0; j < fetch->row_count; j++)
                drop[j] |= bytes_equal_nocase(rows[j].name, word) &&
                           !fields_is(word, "content-length"); /* ours to judge */
        }
    }
    for (uint32_t i = 0; i < fetch->row_count; i++) {
        if (!drop[i])
            rows[count++] = rows[i];
    }
    fetch->row_count = count;
}

bool egress_fields_line(struct egress_fetch *fetch, struct bytes line)
{
    const uint8_t *colon = line.count == 0 ? NULL : memchr(line.data, ':', line.count);
    if (colon == NULL)
        return false;
    struct bytes name = bytes_make(line.data, (size_t)(colon - line.data));
    struct bytes value = bytes_trim(bytes_make(colon + 1, line.count - name.count - 1));
    if (!bytes_is_token(name) || !bytes_is_field_value(value))
        return false;
    if (fields_is(name, "content-length"))
        return fields_read_length(fetch, value);
    fetch->is_encoded |= fields_is(name, "transfer-encoding");
    return fields_is_one(name, fields_of_connections, COUNT_OF(fields_of_connections)) ||
           fields_keep(fetch, name, value);
}
