/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit: records of the changelog as they stand in the store, newest first, a page at a time;
 * `next` is what to pass as `?before=`. Who is of one tenant sees that tenant's. Whether nobody
 * changed them afterwards, ?verify=1 finds out, which reads them all and is for operators.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "deploy/api/api_private.h"

#define API_AUDIT_PAGE     100
#define API_AUDIT_PAGE_MAX 1000
#define API_AUDIT_LOOK_MAX 10000 /* records that a page looks at, whosever they are */

struct api_audit_page {
    struct bytes tenant; /* empty: all */
    uint64_t max;
    uint64_t last;   /* serial of the last record that was looked at */
    uint64_t looked; /* how many that were */
    json_t *rows;
    bool more;
};

static bool api_visit_change(void *context, struct bytes text)
{
    struct api_audit_page *page = context;
    page->more = json_array_size(page->rows) == page->max || page->looked++ == API_AUDIT_LOOK_MAX;
    if (page->more)
        return false;
    json_t *row = json_loadb((const char *)text.data, text.count, 0, NULL);
    const char *tenant = json_string_value(json_object_get(row, "tenant"));
    page->last = (uint64_t)json_integer_value(json_object_get(row, "serial"));
    if (page->tenant.count > 0 && (tenant == NULL || !bytes_equal_text(page->tenant, tenant))) {
        json_decref(row);
        return true;
    }
    /* People read times, and serial numbers order them. */
    json_int_t time_ns = json_integer_value(json_object_get(row, "time_ns"));
    (void)json_object_set_new(row, "time", api_time((uint64_t)time_ns));
    (void)json_array_append_new(page->rows, row);
    return true;
}

static json_t *api_chain_json(const struct store_audit *audit)
{
    return json_pack("{s:b, s:o, s:I, s:I, s:I, s:o, s:o}", "verified", audit->broken == 0,
                     "broken",
                     audit->broken == 0 ? json_null() : json_integer((json_int_t)audit->broken),
                     "checked", (json_int_t)audit->checked, "first", (json_int_t)audit->chain.first,
                     "last", (json_int_t)audit->chain.last, "anchor",
                     api_sha256(audit->chain.anchor), "head", api_sha256(audit->chain.head));
}

/* A number in the query; false, and answered, if it is none. */
static bool api_audit_number(struct api_call *call, const char *name, uint64_t *number)
{
    char text[24] = "";
    char detail[64];
    char *end = text;
    struct bytes value;
    if (!api_query_find(call, name, &value))
        return true;
    if (value.count > 0 && value.count < 19 && value.data[0] >= '1' && value.data[0] <= '9') {
        memcpy(text, value.data, value.count);
        *number = strtoull(text, &end, 10);
    }
    if (end != text && *end == '\0')
        return true;
    (void)snprintf(detail, sizeof(detail), "parameter `%s` is no number", name);
    api_answer_error(call, 400, "bad_query", detail, "write digits");
    return false;
}

/* Adds the chain to `body`; false, and answered, if it cannot be read or is not the caller's. */
static bool api_audit_verify(struct api_call *call, json_t *body)
{
    struct report report = REPORT_INIT;
    struct store_audit audit;
    if ((call->request->caller->verbs & API_BIT(OPERATOR)) == 0) {
        api_answer_error(call, 403, "forbidden", "the chain is of all tenants' changes",
                         "ask the operator to verify it");
        return false;
    }
    if (store_check_audit(call->api->store, &report, &audit) != STATUS_OK) {
        api_answer_report(call, &report);
        return false;
    }
    return json_object_set_new(body, "chain", api_chain_json(&audit)) == 0;
}

void api_list_audit(struct api_call *call)
{
    static const char *const names[] = {"before", "limit", "tenant", "verify", NULL};
    struct report report = REPORT_INIT;
    struct api_audit_page page = {.max = API_AUDIT_PAGE};
    uint64_t before = 0;
    bool verify = false;
    if (!api_query_check(call, names) || !api_audit_number(call, "before", &before) ||
        !api_audit_number(call, "limit", &page.max) ||
        !api_query_flag(call, "verify", false, &verify) || !api_query_tenant(call, &page.tenant))
        return;
    page.max = MIN(page.max, API_AUDIT_PAGE_MAX);
    page.rows = json_array();
    json_t *body = json_pack("{s:o}", "records", page.rows);
    if (store_list_changes(call->api->store, before, api_visit_change, &page, &report) !=
        STATUS_OK) {
        json_decref(body);
        api_answer_report(call, &report);
        return;
    }
    if (page.more)
        (void)json_object_set_new(body, "next", json_integer((json_int_t)page.last));
    if (verify && !api_audit_verify(call, body))
        json_decref(body);
    else
        api_answer(call, 200, body);
}
