/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tenant's keys and values, for people and scripts. Values are bytes, and are taken and given as
 * such; keys are any bytes, percent-encoded in a path.
 *
 * A change is a group of its own. Where a worker still reads an old commit, which takes
 * microseconds, it is tried again for a moment.
 */
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "deploy/api/api_private.h"

#define API_KV_PAGE_MAX   1000
#define API_KV_OVER_MAX   1000 /* steps of expired keys that a page passes over */
#define API_KV_TRIES      20
#define API_KV_TRY_NS     100000L
#define API_KV_NAME_BYTES ((KV_KEY_BYTES_MAX + 2) / 3 * 4 + 1) /* as base64 */
#define API_KV_NEXT_BYTES (3 * KV_KEY_BYTES_MAX + 1)

/* ---- what comes ------------------------------------------------------------------------------ */

static bool api_kv_bad_key(struct api_call *call)
{
    char detail[80];
    (void)snprintf(detail, sizeof(detail), "a key has 1 to %d bytes, percent-encoded in the path",
                   KV_KEY_BYTES_MAX);
    api_answer_error(call, 400, "bad_key", detail, "write a / in it as %2F");
    return false;
}

/* The path's key, decoded; false, and answered, if it is none. */
static bool api_kv_key(struct api_call *call, struct buffer *key)
{
    buffer_init(key, KV_KEY_BYTES_MAX);
    if (api_decode(call->key, key) == STATUS_OK && kv_key_valid(buffer_bytes(key)))
        return true;
    buffer_done(key);
    return api_kv_bad_key(call);
}

/* A whole number in a parameter; false, and answered, if it is there and is none. */
static bool
api_kv_number(struct api_call *call, const char *name, bool *ret_there, uint64_t *ret_number)
{
    char text[24] = "";
    char detail[64];
    char *end = text;
    struct bytes value;
    *ret_number = 0;
    *ret_there = api_query_find(call, name, &value);
    if (!*ret_there)
        return true;
    if (value.count > 0 && value.count < 20 && value.data[0] >= '0' && value.data[0] <= '9') {
        memcpy(text, value.data, value.count);
        *ret_number = strtoull(text, &end, 10);
    }
    if (end != text && *end == '\0')
        return true;
    (void)snprintf(detail, sizeof(detail), "parameter `%s` is no number", name);
    api_answer_error(call, 400, "bad_query", detail, "write digits");
    return false;
}

static bool api_kv_query(struct api_call *call, struct kv_change *change)
{
    static const char *const names[] = {"ttl", "if_version", NULL};
    bool expires;
    uint64_t ttl_s;
    if (!api_query_check(call, names) || !api_kv_number(call, "ttl", &expires, &ttl_s) ||
        !api_kv_number(call, "if_version", &change->checks_version, &change->if_version))
        return false;
    uint64_t now_ns = clock_realtime_ns(call->api->clock);
    if (expires && (ttl_s == 0 || ttl_s > (UINT64_MAX - now_ns) / CLOCK_NS_PER_S)) {
        api_answer_error(call, 400, "bad_query", "parameter `ttl` is no time to live",
                         "write seconds, 1 or more");
        return false;
    }
    change->expires_ns = expires ? now_ns + ttl_s * CLOCK_NS_PER_S : 0;
    return true;
}

/* ---- changes --------------------------------------------------------------------------------- */

static void api_kv_answer_refused(struct api_call *call, const struct kv_change *change)
{
    char detail[120];
    switch (change->status) {
    case STATUS_NOT_FOUND:
        api_answer_error(call, 404, "key_not_found", "there is no such key", NULL);
        return;
    case STATUS_CONFLICT:
        (void)snprintf(detail, sizeof(detail),
                       "the key has version %" PRIu64 " (0: it is not there)", change->version);
        api_answer_error(call, 412, "version_conflict", detail, "read it again");
        return;
    default:
        (void)snprintf(detail, sizeof(detail),
                       "the tenant's keys and values would be more than limits.kv allows, %" PRIu64
                       " bytes",
                       call->api->config->limits.kv);
        api_answer_error(call, 409, "limit", detail, "delete keys, or ask the operator for more");
    }
}

/* True: it is on disk. */
static bool api_kv_apply(struct api_call *call, struct kv_change *change)
{
    const struct timespec pause = {.tv_nsec = API_KV_TRY_NS};
    struct report report;
    enum status status;
    for (int i = 0; i < API_KV_TRIES; i++) {
        report_clear(&report);
        status = kv_store_apply(call->api->kv, &change, 1, &report);
        if (status != STATUS_BUSY)
            break;
        (void)nanosleep(&pause, NULL);
    }
    if (status != STATUS_OK)
        api_answer_report(call, &report);
    else if (change->status != STATUS_OK)
        api_kv_answer_refused(call, change);
    return status == STATUS_OK && change->status == STATUS_OK;
}

/* That it was asked for, before it is done: false, and answered, if that cannot be written. The key
 * stands there as it does in the path. */
static bool api_kv_note(struct api_call *call, enum kv_verb verb)
{
    struct report report = REPORT_INIT;
    const char *action = verb == KV_PUT ? "kv_put" : "kv_delete";
    if (store_note_change(call->api->store, &call->target, action, call->key, &report) == STATUS_OK)
        return true;
    api_answer_report(call, &report);
    return false;
}

static void api_kv_change(struct api_call *call, enum kv_verb verb)
{
    struct buffer key;
    struct kv_change change = {.verb = verb, .tenant = call->target.tenant};
    if (!api_kv_query(call, &change) || !api_kv_key(call, &key))
        return;
    change.key = buffer_bytes(&key);
    change.value = verb == KV_PUT ? call->request->body : bytes_make(NULL, 0);
    if (api_kv_note(call, verb) && api_kv_apply(call, &change))
        api_answer(call, 200,
                   json_pack("{s:I, s:o}", "version", (json_int_t)change.version, "expires",
                             change.expires_ns == 0 ? json_null() : api_time(change.expires_ns)));
    buffer_done(&key);
}

void api_put_key(struct api_call *call)
{
    api_kv_change(call, KV_PUT);
}

void api_delete_key(struct api_call *call)
{
    api_kv_change(call, KV_DELETE);
}

/* ---- reading --------------------------------------------------------------------------------- */

static void api_kv_answer_value(struct api_call *call, const struct kv_item *item)
{
    struct api_response *response = call->response;
    response->body.count = 0;
    if (buffer_append(&response->body, item->value.data, item->value.count) != STATUS_OK) {
        api_answer_error(call, 500, "no_memory", "the answer does not fit into memory", NULL);
        return;
    }
    response->status = 200;
    response->content_type = "application/octet-stream";
    (void)snprintf(response->etag, sizeof(response->etag), "\"%" PRIu64 "\"", item->version);
}

void api_get_key(struct api_call *call)
{
    static const char *const names[] = {NULL};
    struct report report = REPORT_INIT;
    struct buffer key;
    struct kv_item item;
    if (!api_query_check(call, names) || !api_kv_key(call, &key))
        return;
    enum status status = kv_store_begin(call->api->kv, &report);
    if (status == STATUS_OK) {
        status = kv_store_get(call->api->kv, call->target.tenant, buffer_bytes(&key), &item);
        if (status == STATUS_OK)
            api_kv_answer_value(call, &item);
        else if (status == STATUS_NOT_FOUND)
            api_answer_error(call, 404, "key_not_found", "there is no such key", NULL);
        else
            (void)report_fail(&report, status, REPORT_OFFSET_NONE, "the key cannot be read");
        kv_store_end(call->api->kv);
    }
    if (report.status != STATUS_OK)
        api_answer_report(call, &report);
    buffer_done(&key);
}

struct api_kv_page {
    json_t *rows;
    struct buffer last;
    bool more;
    uint32_t over; /* steps of keys that have expired */
};

/* As `key` if it is text without NUL, which few readers of JSON take, else as `key_base64`. */
static void api_kv_name(json_t *row, struct bytes key)
{
    bool has_nul = memchr(key.data, '\0', key.count) != NULL;
    json_t *text = has_nul ? NULL : json_stringn((const char *)key.data, key.count);
    if (text != NULL) {
        (void)json_object_set_new(row, "key", text);
        return;
    }
    unsigned char base64[API_KV_NAME_BYTES];
    (void)EVP_EncodeBlock(base64, key.data, (int)key.count);
    (void)json_object_set_new(row, "key_base64", json_string((const char *)base64));
}

/* The next page begins behind it. */
static bool api_kv_end_at(struct api_kv_page *page, struct bytes key)
{
    page->last.count = 0;
    return buffer_append(&page->last, key.data, key.count) == STATUS_OK;
}

static bool api_kv_take(void *context, const struct kv_item *item)
{
    struct api_kv_page *page = context;
    if (item->is_over) {
        page->more = ++page->over == API_KV_OVER_MAX;
        return api_kv_end_at(page, item->key) && !page->more;
    }
    page->more = json_array_size(page->rows) == API_KV_PAGE_MAX;
    if (page->more)
        return false;
    json_t *row = json_pack("{s:I, s:I, s:o}", "bytes", (json_int_t)item->value.count, "version",
                            (json_int_t)item->version, "expires",
                            item->expires_ns == 0 ? json_null() : api_time(item->expires_ns));
    api_kv_name(row, item->key);
    (void)json_array_append_new(page->rows, row);
    return api_kv_end_at(page, item->key);
}

/* A key as it stands in a query. */
static json_t *api_kv_encode(struct bytes key)
{
    char text[API_KV_NEXT_BYTES];
    for (size_t i = 0; i < key.count; i++)
        (void)snprintf(text + 3 * i, 4, "%%%02x", key.data[i]);
    return json_stringn(text, 3 * key.count);
}

static void api_kv_answer_page(struct api_call *call, const struct api_kv_page *page)
{
    struct report report = REPORT_INIT;
    struct kv_usage usage;
    if (kv_store_usage(call->api->kv, call->target.tenant, &report, &usage) != STATUS_OK) {
        json_decref(page->rows);
        api_answer_report(call, &report);
        return;
    }
    json_t *body = json_pack("{s:o, s:I, s:I, s:I}", "keys", page->rows, "key_count",
                             (json_int_t)usage.keys, "bytes", (json_int_t)usage.bytes, "bytes_max",
                             (json_int_t)call->api->config->limits.kv);
    if (page->more)
        (void)json_object_set_new(body, "next", api_kv_encode(buffer_bytes(&page->last)));
    api_answer(call, 200, body);
}

static enum status api_kv_walk(struct api_call *call,
                               const struct kv_range *range,
                               struct api_kv_page *page,
                               struct report *report)
{
    enum status status = kv_store_begin(call->api->kv, report);
    if (status != STATUS_OK)
        return status;
    status = kv_store_list(call->api->kv, range, api_kv_take, page);
    kv_store_end(call->api->kv);
    return status == STATUS_OK
               ? status
               : report_fail(report, status, REPORT_OFFSET_NONE, "the keys cannot be read");
}

void api_list_keys(struct api_call *call)
{
    static const char *const names[] = {"prefix", "cursor", NULL};
    struct report report = REPORT_INIT;
    struct buffer prefix;
    struct buffer cursor;
    struct api_kv_page page = {0};
    if (!api_query_check(call, names))
        return;
    buffer_init(&prefix, KV_KEY_BYTES_MAX);
    buffer_init(&cursor, KV_KEY_BYTES_MAX);
    buffer_init(&page.last, KV_KEY_BYTES_MAX);
    if (api_query_decode(call, "prefix", &prefix) != STATUS_OK ||
        api_query_decode(call, "cursor", &cursor) != STATUS_OK) {
        (void)api_kv_bad_key(call);
    } else {
        page.rows = json_array();
        const struct kv_range range = {.tenant = call->target.tenant,
                                       .prefix = buffer_bytes(&prefix),
                                       .after = buffer_bytes(&cursor)};
        if (api_kv_walk(call, &range, &page, &report) == STATUS_OK) {
            api_kv_answer_page(call, &page);
        } else {
            json_decref(page.rows);
            api_answer_report(call, &report);
        }
    }
    buffer_done(&prefix);
    buffer_done(&cursor);
    buffer_done(&page.last);
}
