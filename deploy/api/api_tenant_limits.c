/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tenant's limits: one small document, shown and replaced as a whole. What it leaves out
 * is the operator's default. Setting limits makes the tenant, so that they can be there
 * before its first function.
 */
#include "deploy/api/api_private.h"
#include "deploy/tenant_limits.h"

static const char *const api_no_parameters[] = {NULL};

static void api_answer_limits(struct api_call *call)
{
    struct report report = REPORT_INIT;
    struct store_tenant tenant;
    if (store_get_tenant(call->api->store, call->target.tenant, &report, &tenant) != STATUS_OK)
        api_answer_report(call, &report);
    else
        api_answer(call, 200, tenant_limits_to_json(&tenant.record.limits));
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
