/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls of other functions of the same tenant. What is started is read like an answer from another
 * server (fetch.c): only who gives it differs.
 */
#include "hostapi/skerry/skerry.h"

#define CALL_NAME_MAX 63

static int32_t call_error(enum hostapi_fetch_end end)
{
    switch (end) {
    case HOSTAPI_FETCH_INVALID:
        return SKERRY_INVALID;
    case HOSTAPI_FETCH_DENIED:
        return SKERRY_DENIED;
    case HOSTAPI_FETCH_LIMIT:
        return SKERRY_LIMIT;
    default:
        return SKERRY_UNAVAILABLE;
    }
}

static int32_t call_check(const struct hostapi_fetch_order *order)
{
    if (order->function.count == 0 || order->function.count > CALL_NAME_MAX)
        return SKERRY_INVALID;
    if (order->url.count > HOSTAPI_FETCH_URL_MAX || order->method.count > HOSTAPI_FETCH_URL_MAX ||
        order->fields.count > HOSTAPI_FETCH_FIELDS_MAX || order->body.count > HOSTAPI_CALL_BODY_MAX)
        return SKERRY_TOO_LARGE;
    bool whole = order->fields.count == 0 || order->fields.data[order->fields.count - 1] == '\0';
    return whole ? 0 : SKERRY_INVALID;
}

/* A handle, or an error. */
static int32_t call_open(struct hostapi_host *host, const struct hostapi_fetch_order *order)
{
    const struct hostapi_world *world = skerry_world(host);
    uint64_t ticket;
    const char *text = "";
    if (world == NULL || world->siblings == NULL)
        return SKERRY_UNAVAILABLE;
    enum hostapi_fetch_end end =
        world->siblings->start(host->request.exchange->owner, order, &ticket, &text);
    if (end == HOSTAPI_FETCH_UNDER_WAY)
        return skerry_handle_open(host, SKERRY_HANDLE_SIBLING, ticket);
    http_exchange_log(host->request.exchange, "warn", bytes_of_text(text));
    return call_error(end);
}

static enum engine_outcome
call_begin(struct hostapi_host *host, struct engine_host_call *call, const char *name, bool waits)
{
    struct hostapi_fetch_order order = {.waits = waits};
    if (host->options.snapshotting)
        return host_trap_frozen(call, name);
    if (!skerry_take(call, 0, &order.function) || !skerry_take(call, 2, &order.method) ||
        !skerry_take(call, 4, &order.url) || !skerry_take(call, 6, &order.fields) ||
        !skerry_take(call, 8, &order.body))
        return ENGINE_TRAPPED;
    int32_t error = call_check(&order);
    if (error != 0)
        return skerry_answer(call, error);
    hostcalls_charge_bytes(call, order.url.count + order.fields.count + order.body.count);
    return skerry_answer(call, call_open(host, &order));
}

enum engine_outcome skerry_call_start(struct hostapi_host *host, struct engine_host_call *call)
{
    return call_begin(host, call, "call_start_v1", false);
}

static enum engine_outcome call_begin_whole(struct hostapi_host *host,
                                            struct engine_host_call *call)
{
    return call_begin(host, call, "call_v1", true);
}

enum engine_outcome skerry_call(struct hostapi_host *host, struct engine_host_call *call)
{
    return skerry_fetch_whole(host, call, call_begin_whole);
}
