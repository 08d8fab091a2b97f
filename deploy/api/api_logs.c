/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A function's log: what there is, and, if asked for, what comes.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "deploy/api/api_private.h"

#define API_LOGS_LIMIT    100 /* lines, if nothing else is said */
#define API_LOGS_ID_BYTES 24
#define API_LOGS_EVENTS   "text/event-stream"

enum status api_log_write(bool events, uint64_t id, struct bytes line, struct buffer *out)
{
    if (!events)
        return buffer_append(out, line.data, line.count);
    return buffer_printf(out, "id: %" PRIu64 "\ndata: %.*s\n", id, (int)line.count,
                         (const char *)line.data);
}

/* ---- what is asked for ----------------------------------------------------------------------- */

static bool api_logs_bad(struct api_call *call, const char *name, const char *hint)
{
    char detail[64];
    (void)snprintf(detail, sizeof(detail), "parameter `%s` is not well formed", name);
    api_answer_error(call, 400, "bad_query", detail, hint);
    return false;
}

/* The parameter as a text; "" if it is not there; false, and answered, if it is too long. */
static bool api_logs_text(struct api_call *call, const char *name, char ret_text[API_LOGS_ID_BYTES])
{
    struct bytes value;
    ret_text[0] = '\0';
    if (!api_query_find(call, name, &value))
        return true;
    if (value.count == 0 || value.count >= API_LOGS_ID_BYTES)
        return api_logs_bad(call, name, NULL);
    memcpy(ret_text, value.data, value.count);
    ret_text[value.count] = '\0';
    return true;
}

static bool api_logs_number(const char *text, uint64_t *ret_number)
{
    char *end;
    if (text[0] < '0' || text[0] > '9' || strlen(text) > 19)
        return false;
    *ret_number = strtoull(text, &end, 10);
    return *end == '\0';
}

/* Where it begins: after an id, or a time ago; of both, the later. */
static bool api_logs_begin(struct api_call *call, struct log_query *query)
{
    char text[API_LOGS_ID_BYTES];
    uint64_t ago_us = 0;
    struct bytes last = call->request->last_event_id;
    if (!api_logs_text(call, "after", text))
        return false;
    if (text[0] == '\0' && last.count > 0 && last.count < sizeof(text)) {
        memcpy(text, last.data, last.count);
        text[last.count] = '\0';
    }
    if (text[0] != '\0' && !api_logs_number(text, &query->after))
        return api_logs_bad(call, "after", "pass the `id` of a line");
    if (!api_logs_text(call, "since", text))
        return false;
    if (text[0] == '\0')
        return true;
    if (!config_parse_quantity(text, CONFIG_UNIT_MICROSECONDS, &ago_us))
        return api_logs_bad(call, "since", "write a time, like 5m");
    uint64_t now_ns = clock_realtime_ns(call->api->clock);
    uint64_t ago_ns = MIN(ago_us, UINT64_MAX / CLOCK_NS_PER_US) * CLOCK_NS_PER_US;
    query->after = MAX(query->after, now_ns - MIN(now_ns, ago_ns));
    return true;
}

static bool api_logs_query(struct api_call *call, struct log_query *query, bool *ret_follow)
{
    static const char *const names[] = {"level", "since", "after", "limit", "follow", NULL};
    char text[API_LOGS_ID_BYTES];
    uint64_t limit = API_LOGS_LIMIT;
    *query = (struct log_query){
        .name = {.tenant = call->target.tenant, .function = call->target.function}};
    if (!api_query_check(call, names) || !api_query_flag(call, "follow", false, ret_follow) ||
        !api_logs_text(call, "level", text))
        return false;
    if (text[0] != '\0' && !deploy_log_level_parse(bytes_of_text(text), &query->level))
        return api_logs_bad(call, "level", "write debug, info, warn or error");
    if (!api_logs_begin(call, query))
        return false;
    /* Who says where to begin wants all that there is from there. */
    if (query->after != 0)
        limit = LOG_QUERY_LIMIT_MAX;
    if (!api_logs_text(call, "limit", text))
        return false;
    if (text[0] != '\0' && (!api_logs_number(text, &limit) || limit > LOG_QUERY_LIMIT_MAX))
        return api_logs_bad(call, "limit", "write a number of at most 10000");
    query->limit = (uint32_t)limit;
    return true;
}

/* ---- the answer ------------------------------------------------------------------------------ */

struct api_logs_page {
    struct buffer *out;
    bool events;
    bool failed;
};

static void api_logs_take(void *context, uint64_t id, struct bytes line)
{
    struct api_logs_page *page = context;
    page->failed = page->failed || api_log_write(page->events, id, line, page->out) != STATUS_OK;
}

/* A function that was removed has its log for a while; one that never was has none. */
static bool api_logs_exists(struct api_call *call, const struct log_query *query)
{
    struct report report = REPORT_INIT;
    struct store_function function;
    if (store_get_function(call->api->store, &call->target, &report, &function) == STATUS_OK ||
        log_store_has(call->api->logs, &query->name))
        return true;
    api_answer_report(call, &report);
    return false;
}

void api_show_logs(struct api_call *call)
{
    struct api_response *response = call->response;
    struct report report = REPORT_INIT;
    struct log_query query;
    bool follow;
    if (!api_logs_query(call, &query, &follow) || !api_logs_exists(call, &query))
        return;
    struct bytes accept = call->request->accept;
    struct api_logs_page page = {
        .out = &response->body,
        .events = accept.count > 0 && memmem(accept.data, accept.count, API_LOGS_EVENTS,
                                             strlen(API_LOGS_EVENTS)) != NULL,
    };
    response->body.count = 0;
    if (log_store_read(call->api->logs, &query, &report, api_logs_take, &page) != STATUS_OK) {
        api_answer_report(call, &report);
        return;
    }
    if (page.failed) {
        api_answer_error(call, 500, "no_memory", "the answer does not fit into memory",
                         "ask for fewer lines");
        return;
    }
    response->status = 200;
    response->content_type = page.events ? API_LOGS_EVENTS : "application/x-ndjson";
    response->follow.wanted = follow || page.events;
    response->follow.events = page.events;
    response->follow.level = query.level;
    memcpy(response->follow.tenant, query.name.tenant.data, query.name.tenant.count);
    memcpy(response->follow.function, query.name.function.data, query.name.function.count);
}
