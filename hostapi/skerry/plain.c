/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls that need nothing outside the request: environment, log, response, clock and random bytes.
 */
#include "hostapi/exchange.h"
#include "hostapi/skerry/skerry.h"
#include "hostapi/wasi/wasi.h"

#define PLAIN_RANDOM_MAX 65536
#define PLAIN_TEXT_MAX   65536 /* of a line and its fields */

/* ---- environment ----------------------------------------------------------------------------- */

enum engine_outcome skerry_env_get(struct hostapi_host *host, struct engine_host_call *call)
{
    struct bytes name;
    uint8_t *space;
    if (!skerry_take(call, 0, &name) || !skerry_take_space(call, 2, &space))
        return ENGINE_TRAPPED;
    if (host_is_frozen(host))
        return host_trap_frozen(call, "env_get_v1");
    const struct http_exchange *exchange = host->request.exchange;
    uint32_t count = exchange == NULL ? 0 : exchange->environment.count;
    host->checkpoint.asked.environment_reads++;
    engine_host_charge(call, count);
    for (uint32_t i = 0; i < count; i++) {
        const struct hostapi_variable *variable = &exchange->environment.pairs[i];
        if (bytes_equal(hostapi_variable_name(variable), name))
            return skerry_give(call, 2, hostapi_variable_value(variable));
    }
    return skerry_answer(call, SKERRY_NOT_FOUND);
}

/* ---- the log --------------------------------------------------------------------------------- */

/* NULL: there is no such level. */
static const char *plain_level(uint32_t number)
{
    static const char *const levels[] = {"debug", "info", "warn", "error"};
    uint32_t at = number + 1; /* debug is -1 */
    return at < COUNT_OF(levels) ? levels[at] : NULL;
}

/* A text that ends with NUL, taken from the beginning of `rest`; false: there is none. */
static bool plain_next(struct bytes *rest, struct bytes *ret_text)
{
    const uint8_t *end = rest->count == 0 ? NULL : memchr(rest->data, '\0', rest->count);
    if (end == NULL)
        return false;
    size_t count = (size_t)(end - rest->data);
    *ret_text = bytes_make(rest->data, count);
    *rest = bytes_make(rest->data + count + 1, rest->count - count - 1);
    return true;
}

/* Is there a field of its name before the last one? */
static bool plain_is_repeated(const struct http_log_fields *fields)
{
    for (uint32_t i = 0; i + 1 < fields->count; i++) {
        if (bytes_equal(fields->rows[i].name, fields->rows[fields->count - 1].name))
            return true;
    }
    return false;
}

static bool plain_fields(struct bytes text, struct http_log_fields *ret_fields)
{
    ret_fields->count = 0;
    while (text.count > 0) {
        if (ret_fields->count == HTTP_LOG_FIELDS_MAX)
            return false;
        struct http_header *row = &ret_fields->rows[ret_fields->count++];
        if (!plain_next(&text, &row->name) || !plain_next(&text, &row->value) ||
            !exchange_is_field_name(row->name) || plain_is_repeated(ret_fields))
            return false;
    }
    return true;
}

enum engine_outcome skerry_log(struct hostapi_host *host, struct engine_host_call *call)
{
    struct bytes text;
    struct bytes rest;
    struct http_log_fields fields;
    if (!skerry_take(call, 1, &text) || !skerry_take(call, 3, &rest))
        return ENGINE_TRAPPED;
    const char *level = plain_level(call->slots[0].i32);
    if (text.count > PLAIN_TEXT_MAX || rest.count > PLAIN_TEXT_MAX)
        return skerry_answer(call, SKERRY_TOO_LARGE);
    hostcalls_charge_bytes(call, text.count + rest.count);
    if (level == NULL || !plain_fields(rest, &fields))
        return skerry_answer(call, SKERRY_INVALID);
    struct http_exchange *exchange = host->request.exchange;
    bool is_debug = call->slots[0].i32 == UINT32_MAX;
    if (exchange != NULL && (!is_debug || exchange->debug_log))
        exchange_log_fields(exchange, level, text, &fields);
    return skerry_answer(call, 0);
}

/* ---- counters -------------------------------------------------------------------------------- */

bool http_counter_is_name(struct bytes name)
{
    return exchange_is_field_name(name);
}

/* The request's row of that name, a new one if it has none; NULL: there is no room. */
static struct http_counter *plain_counter(struct http_exchange *exchange, struct bytes name)
{
    struct http_counters *counters = exchange->counters;
    if (counters == NULL) {
        counters = ARENA_NEW(&exchange->arena, struct http_counters);
        if (counters == NULL)
            return NULL;
        counters->count = 0;
        exchange->counters = counters;
    }
    for (uint32_t i = 0; i < counters->count; i++) {
        if (bytes_equal(counters->rows[i].name, name))
            return &counters->rows[i];
    }
    uint8_t *copy =
        counters->count == HTTP_COUNTERS_MAX ? NULL : arena_alloc(&exchange->arena, name.count, 1);
    if (copy == NULL)
        return NULL;
    memcpy(copy, name.data, name.count);
    struct http_counter *row = &counters->rows[counters->count++];
    *row = (struct http_counter){.name = bytes_make(copy, name.count)};
    return row;
}

enum engine_outcome skerry_counter_add(struct hostapi_host *host, struct engine_host_call *call)
{
    int64_t amount = (int64_t)call->slots[2].i64;
    struct bytes name;
    if (!skerry_take(call, 0, &name))
        return ENGINE_TRAPPED;
    if (!http_counter_is_name(name) || amount < 0 || amount > INT32_MAX)
        return skerry_answer(call, SKERRY_INVALID);
    struct http_exchange *exchange = host->request.exchange;
    if (exchange == NULL)
        return skerry_answer(call, 0); /* nobody reads what a builder or a command counts */
    struct http_counter *row = plain_counter(exchange, name);
    if (row == NULL)
        return skerry_answer(call, SKERRY_LIMIT);
    row->amount += (uint64_t)amount;
    return skerry_answer(call, 0);
}

/* ---- clock and random bytes ------------------------------------------------------------------ */

enum engine_outcome skerry_time_now(struct hostapi_host *host, struct engine_host_call *call)
{
    if (host_is_frozen(host))
        return host_trap_frozen(call, "time_now_v1");
    uint64_t now_ns;
    host->checkpoint.asked.clock_reads++;
    if (call->slots[0].i32 > 1 ||
        !wasi_clock_read(host, call->instance, call->slots[0].i32, &now_ns))
        return skerry_answer_long(call, SKERRY_INVALID);
    return skerry_answer_long(call, (int64_t)now_ns);
}

enum engine_outcome skerry_random(struct hostapi_host *host, struct engine_host_call *call)
{
    uint32_t count = call->slots[1].i32;
    uint8_t *space;
    if (host_is_frozen(host))
        return host_trap_frozen(call, "random_v1");
    if (!skerry_take_space(call, 0, &space))
        return ENGINE_TRAPPED;
    if (count > PLAIN_RANDOM_MAX)
        return skerry_answer(call, SKERRY_TOO_LARGE);
    engine_host_charge(call, count / HOSTCALLS_RANDOM_BYTES_PER_FUEL);
    host->checkpoint.asked.random_bytes += count;
    return skerry_answer(call, wasi_random_fill(space, count) ? 0 : SKERRY_FAILED);
}

/* ---- the checkpoint -------------------------------------------------------------------------- */

enum engine_outcome skerry_checkpoint(struct hostapi_host *host, struct engine_host_call *call)
{
    bool went_on;
    enum engine_outcome outcome = host_checkpoint(host, call, &went_on);
    return outcome == ENGINE_DONE ? skerry_answer(call, went_on ? 1 : 0) : outcome;
}

/* ---- the request ----------------------------------------------------------------------------- */

/* (what, buffer, its room) */
enum engine_outcome skerry_request_info(struct hostapi_host *host, struct engine_host_call *call)
{
    const struct http_exchange *exchange = host->request.exchange;
    if (host_is_frozen(host) || exchange == NULL)
        return host_trap_frozen(call, "request_info_v1");
    const struct bytes facts[] = {
        bytes_of_text(exchange->is_https ? "https" : "http"),
        exchange->authority,
        exchange->tenant,
        exchange->function,
        bytes_of_text(exchange->has_next ? "1" : "0"),
        exchange->tls_version,
        exchange->node,
    };
    uint32_t what = call->slots[0].i32;
    if (what >= COUNT_OF(facts))
        return skerry_answer(call, SKERRY_INVALID);
    return skerry_give(call, 1, facts[what]);
}

/* ---- the response ---------------------------------------------------------------------------- */

enum engine_outcome skerry_response_flush(struct hostapi_host *host, struct engine_host_call *call)
{
    if (host->options.snapshotting)
        return host_trap_frozen(call, "response_flush_v1");
    const struct http_exchange *exchange = host->request.exchange;
    if (exchange == NULL || !http_exchange_streams(exchange))
        return skerry_answer(call, SKERRY_UNSUPPORTED);
    enum engine_outcome outcome = host_flush(host);
    return outcome == ENGINE_DONE ? skerry_answer(call, 0) : outcome;
}
