/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tenants: made, shown, suspended, removed. Their limits are a document of their own, small, shown
 * and replaced as a whole: what it leaves out is the operator's default. Setting limits makes the
 * tenant, so that they can be there before its first function.
 */
#include "deploy/api/api_private.h"
#include "deploy/tenant_limits.h"

static const char *const api_no_parameters[] = {NULL};

static void api_answer_tenant(struct api_call *call, int status)
{
    struct report report = REPORT_INIT;
    struct store_tenant tenant;
    struct buffer signers;
    buffer_init(&signers, SIGNATURE_KEYS_MAX * SIGNATURE_KEY_BYTES);
    if (store_get_tenant(call->api->store, call->target.tenant, &report, &tenant) != STATUS_OK ||
        store_get_signers(call->api->store, call->target.tenant, &report, &signers) != STATUS_OK) {
        api_answer_report(call, &report);
        buffer_done(&signers);
        return;
    }
    api_answer(call, status,
               json_pack("{s:s, s:I, s:I, s:b, s:o, s:o, s:o}", "tenant", tenant.tenant,
                         "function_count", (json_int_t)tenant.record.function_count, "stored_bytes",
                         (json_int_t)tenant.stored_bytes, "suspended", tenant.suspended, "limits",
                         tenant_limits_to_json(&tenant.limits), "signers",
                         api_signers(buffer_bytes(&signers)), "created",
                         api_time(tenant.record.created_ns)));
    buffer_done(&signers);
}

void api_show_tenant(struct api_call *call)
{
    if (api_query_check(call, api_no_parameters))
        api_answer_tenant(call, 200);
}

/* What {"suspended":true} says, if anything; false, and answered, if the body is something else. */
static bool api_parse_tenant(struct api_call *call, bool *ret_says, bool *ret_suspended)
{
    struct bytes body = call->request->body;
    *ret_says = *ret_suspended = false;
    if (body.count == 0)
        return true;
    json_t *root = json_loadb((const char *)body.data, body.count, JSON_REJECT_DUPLICATES, NULL);
    const json_t *suspended = json_object_get(root, "suspended");
    bool good = json_is_object(root) && json_object_size(root) == (suspended == NULL ? 0 : 1) &&
                (suspended == NULL || json_is_boolean(suspended));
    *ret_says = suspended != NULL;
    *ret_suspended = json_is_true(suspended);
    json_decref(root);
    if (!good)
        api_answer_error(call, 400, "bad_json", "the body is not of the form {\"suspended\":true}",
                         "send no body to make a tenant; its limits are at .../limits");
    return good;
}

/* Made if it is not there. */
void api_put_tenant(struct api_call *call)
{
    struct store *store = call->api->store;
    struct bytes name = call->target.tenant;
    struct report report = REPORT_INIT;
    struct store_tenant tenant;
    bool says;
    bool suspended;
    if (!api_query_check(call, api_no_parameters) || !api_parse_tenant(call, &says, &suspended))
        return;
    enum status status = store_get_tenant(store, name, &report, &tenant);
    bool is_new = status == STATUS_NOT_FOUND;
    report_clear(&report);
    if (is_new)
        status = store_create_tenant(store, name, &report);
    if (status == STATUS_OK && says && (is_new ? suspended : suspended != tenant.suspended))
        status = store_suspend_tenant(store, name, suspended, &report);
    if (status == STATUS_OK)
        api_answer_tenant(call, is_new ? 201 : 200);
    else
        api_answer_report(call, &report);
}

void api_delete_tenant(struct api_call *call)
{
    struct report report = REPORT_INIT;
    if (!api_query_check(call, api_no_parameters))
        return;
    if (store_delete_tenant(call->api->store, call->target.tenant, &report) != STATUS_OK)
        api_answer_report(call, &report);
    else
        api_answer(call, 200,
                   json_pack("{s:s%, s:b}", "tenant", call->target.tenant.data,
                             call->target.tenant.count, "deleted", 1));
}

bool api_check_suspended(struct api_call *call, enum api_verb verb)
{
    struct report report = REPORT_INIT;
    struct store_tenant tenant;
    bool changes = call->request->method != API_GET &&
                   (verb == API_VERB_DEPLOY || verb == API_VERB_KV) &&
                   (call->request->caller->verbs & API_BIT(OPERATOR)) == 0;
    if (!changes || call->target.tenant.count == 0 ||
        store_get_tenant(call->api->store, call->target.tenant, &report, &tenant) != STATUS_OK ||
        !tenant.suspended)
        return true;
    api_answer_error(call, 403, "tenant_suspended", "the tenant is suspended",
                     "ask the operator why");
    return false;
}

bool api_check_tenant(struct api_call *call)
{
    struct report report = REPORT_INIT;
    struct store_tenant tenant;
    if ((call->request->caller->verbs & API_BIT(OPERATOR)) != 0 ||
        store_get_tenant(call->api->store, call->target.tenant, &report, &tenant) == STATUS_OK)
        return true;
    api_answer_report(call, &report);
    return false;
}

/* ---- limits ---------------------------------------------------------------------------------- */

static void api_answer_limits(struct api_call *call)
{
    struct report report = REPORT_INIT;
    struct store_tenant tenant;
    if (store_get_tenant(call->api->store, call->target.tenant, &report, &tenant) != STATUS_OK)
        api_answer_report(call, &report);
    else
        api_answer(call, 200, tenant_limits_to_json(&tenant.limits));
}

void api_show_tenant_limits(struct api_call *call)
{
    if (api_query_check(call, api_no_parameters))
        api_answer_limits(call);
}

/* False, and answered, if the body is not what it should be. */
static bool api_parse_limits(struct api_call *call, struct deploy_tenant_limits *ret_limits)
{
    struct bytes body = call->request->body;
    struct report report = REPORT_INIT;
    json_error_t error;
    json_t *root = json_loadb(body.count == 0 ? "" : (const char *)body.data, body.count,
                              JSON_REJECT_DUPLICATES, &error);
    enum status status = tenant_limits_from_json(root, &report, ret_limits);
    json_decref(root);
    if (status == STATUS_OK)
        return true;
    api_answer_error(call, 400, root == NULL ? "bad_json" : "bad_limit", report.text,
                     "send an object like {\"concurrency\":16}; null, or no member, stands for the "
                     "operator's default");
    return false;
}

void api_put_tenant_limits(struct api_call *call)
{
    struct report report = REPORT_INIT;
    struct deploy_tenant_limits limits;
    if (!api_query_check(call, api_no_parameters) || !api_parse_limits(call, &limits))
        return;
    if (store_set_limits(call->api->store, call->target.tenant, &limits, &report) != STATUS_OK)
        api_answer_report(call, &report);
    else
        api_answer_limits(call);
}
