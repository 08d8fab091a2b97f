/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which versions of a function its clients get: shown, set whole, and undone. What is shown has an
 * entity tag, so that who changes what he saw changes nothing else [RFC 9110 13.1.1].
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "deploy/api/api_private.h"

#define API_BY_ADDRESS     "address"
#define API_BY_COOKIE      "cookie:"
#define API_PERCENT_PARTS  (DEPLOY_PARTS / 100)
#define API_CANARY_PARTS   100 /* of a factor */
#define API_CANARY_MAX     1000
#define API_CANARY_DEFAULT 100 /* requests that are looked at */

static const char *const api_no_parameters[] = {NULL};

/* ---- as JSON --------------------------------------------------------------------------------- */

json_t *api_shares_json(const struct api_call *call, const struct records_deployment *deployment)
{
    json_t *rows = json_array();
    for (uint32_t i = 0; i < deployment->share_count; i++) {
        const struct deploy_share *share = &deployment->shares[i];
        double percent = (double)share->parts / API_PERCENT_PARTS;
        json_t *row =
            json_pack("{s:o, s:o, s:o}", "version", api_version_text(share->version), "percent",
                      share->parts % API_PERCENT_PARTS == 0
                          ? json_integer((json_int_t)(share->parts / API_PERCENT_PARTS))
                          : json_real(percent),
                      "url", api_variant_url(call, share->version));
        (void)json_array_append_new(rows, row);
    }
    return rows;
}

static json_t *api_deployment_json(const struct api_call *call,
                                   const struct records_deployment *deployment)
{
    json_t *by = deployment->cookie[0] == '\0'
                     ? json_string(API_BY_ADDRESS)
                     : json_sprintf(API_BY_COOKIE "%s", deployment->cookie);
    json_t *canary = deployment->canary_factor == 0
                         ? json_null()
                         : json_pack("{s:f, s:I}", "factor",
                                     (double)deployment->canary_factor / API_CANARY_PARTS,
                                     "requests", (json_int_t)deployment->canary_requests);
    return json_pack("{s:I, s:o, s:o, s:o, s:o}", "number", (json_int_t)deployment->number,
                     "versions", api_shares_json(call, deployment), "by", by, "canary", canary,
                     "since", api_time(deployment->since_ns));
}

/* A function made anew has other tags, and so has what a version went live without. */
static void api_deployment_etag(const struct store_function *function,
                                const struct records_deployment *current,
                                char ret_etag[API_ETAG_BYTES])
{
    (void)snprintf(ret_etag, API_ETAG_BYTES, "\"%" PRIx64 "-%" PRIu32 "-%" PRIu32 "\"",
                   function->record.created_ns, current->number, function->record.active_version);
}

struct api_deployed {
    struct store_function function;
    struct records_deployments deployments;
    char etag[API_ETAG_BYTES];
};

/* False, and answered, if there is no such function. */
static bool api_get_deployed(struct api_call *call, struct api_deployed *ret_deployed)
{
    struct report report = REPORT_INIT;
    struct store *store = call->api->store;
    if (store_get_function(store, &call->target, &report, &ret_deployed->function) != STATUS_OK ||
        store_get_deployments(store, &call->target, &report, &ret_deployed->deployments) !=
            STATUS_OK) {
        api_answer_report(call, &report);
        return false;
    }
    api_deployment_etag(&ret_deployed->function, &ret_deployed->deployments.current,
                        ret_deployed->etag);
    return true;
}

static void api_answer_deployment(struct api_call *call)
{
    struct api_deployed deployed;
    if (!api_get_deployed(call, &deployed))
        return;
    const struct records_deployment *previous = &deployed.deployments.previous;
    json_t *body = api_deployment_json(call, &deployed.deployments.current);
    if (body != NULL)
        (void)json_object_set_new(body, "previous",
                                  previous->share_count == 0 ? json_null()
                                                             : api_deployment_json(call, previous));
    if (body != NULL)
        (void)json_object_set_new(body, "etag", json_string(deployed.etag));
    memcpy(call->response->etag, deployed.etag, sizeof(deployed.etag));
    api_answer(call, 200, body);
}

void api_show_deployment(struct api_call *call)
{
    if (api_query_check(call, api_no_parameters))
        api_answer_deployment(call);
}

/* ---- from JSON ------------------------------------------------------------------------------- */

/* In parts; false: it is no share above 0. */
static bool api_parse_percent(double percent, uint32_t *ret_parts)
{
    double parts = percent * API_PERCENT_PARTS;
    if (!(parts >= 1 && parts <= DEPLOY_PARTS) || fabs(parts - nearbyint(parts)) > 1e-6)
        return false;
    *ret_parts = (uint32_t)nearbyint(parts);
    return true;
}

bool api_parse_percent_text(struct bytes text, uint32_t *ret_parts)
{
    char digits[16];
    char *end;
    if (text.count == 0 || text.count >= sizeof(digits))
        return false;
    for (size_t i = 0; i < text.count; i++) {
        if ((text.data[i] < '0' || text.data[i] > '9') && text.data[i] != '.')
            return false;
    }
    memcpy(digits, text.data, text.count);
    digits[text.count] = '\0';
    double percent = strtod(digits, &end);
    return *end == '\0' && api_parse_percent(percent, ret_parts);
}

static const char *api_parse_share(const json_t *row, struct deploy_share *ret_share)
{
    const json_t *version = json_object_get(row, "version");
    const json_t *percent = json_object_get(row, "percent");
    if (!json_is_object(row) || json_object_size(row) != 2 || !json_is_string(version) ||
        !json_is_number(percent))
        return "versions: each is an object of `version` and `percent`";
    if (!name_parse_version(bytes_of_text(json_string_value(version)), &ret_share->version))
        return "versions: a `version` is v1, v2, ...";
    if (!api_parse_percent(json_number_value(percent), &ret_share->parts))
        return "versions: a `percent` is from 0.01 to 100, with up to two digits after the point";
    return NULL;
}

static const char *api_parse_shares(const json_t *rows, struct records_deployment *deployment)
{
    size_t count = json_array_size(rows);
    if (!json_is_array(rows) || count == 0 || count > DEPLOY_SHARES_MAX)
        return "versions: is no list of 1 to 8 versions";
    for (size_t i = 0; i < count; i++) {
        const char *why = api_parse_share(json_array_get(rows, i), &deployment->shares[i]);
        if (why != NULL)
            return why;
    }
    deployment->share_count = (uint32_t)count;
    return NULL;
}

static const char *api_parse_by(const json_t *value, struct records_deployment *deployment)
{
    const char *text = json_string_value(value);
    if (text != NULL && strcmp(text, API_BY_ADDRESS) == 0)
        return NULL;
    size_t prefix = strlen(API_BY_COOKIE);
    struct bytes name = bytes_of_text(
        text != NULL && strncmp(text, API_BY_COOKIE, prefix) == 0 ? text + prefix : "");
    if (name.count >= sizeof(deployment->cookie) || !bytes_is_token(name))
        return "by: is neither `address` nor `cookie:` and a cookie's name";
    memcpy(deployment->cookie, name.data, name.count);
    return NULL;
}

static const char *api_parse_canary(const json_t *value, struct records_deployment *deployment)
{
    const json_t *factor = json_object_get(value, "factor");
    const json_t *requests = json_object_get(value, "requests");
    double parts = json_number_value(factor) * API_CANARY_PARTS;
    if (json_is_null(value))
        return NULL;
    if (!json_is_number(factor) || !(parts >= API_CANARY_PARTS) ||
        parts > (double)API_CANARY_MAX * API_CANARY_PARTS ||
        json_object_size(value) != (requests == NULL ? 1 : 2) ||
        (requests != NULL && (!json_is_integer(requests) || json_integer_value(requests) < 1 ||
                              json_integer_value(requests) > UINT32_MAX)))
        return "canary: is no object of `factor`, from 1 to 1000, and `requests`, from 1 on";
    deployment->canary_factor = (uint32_t)nearbyint(parts);
    deployment->canary_requests =
        requests == NULL ? API_CANARY_DEFAULT : (uint32_t)json_integer_value(requests);
    return NULL;
}

/* NULL, or what is wrong with it. */
static const char *api_parse_deployment(json_t *root, struct records_deployment *deployment)
{
    const char *key;
    json_t *value;
    const char *why = json_is_object(root) ? NULL : "the body is no JSON object";
    json_object_foreach(root, key, value)
    {
        if (why != NULL)
            return why;
        if (strcmp(key, "versions") == 0)
            why = api_parse_shares(value, deployment);
        else if (strcmp(key, "by") == 0)
            why = api_parse_by(value, deployment);
        else if (strcmp(key, "canary") == 0)
            why = api_parse_canary(value, deployment);
        else
            why = "there is no such member: versions, by and canary are all";
    }
    if (why == NULL && deployment->share_count == 0)
        why = "versions: is missing";
    if (why == NULL && deployment->canary_factor != 0 && deployment->share_count < 2)
        why = "canary: needs two versions to compare";
    return why;
}

/* ---- changes --------------------------------------------------------------------------------- */

static void api_answer_deploy_report(struct api_call *call, const struct report *report)
{
    if (report->status == STATUS_INVALID)
        api_answer_error(call, 400, "bad_deployment", report->text,
                         "send {\"versions\":[{\"version\":\"v2\",\"percent\":90},"
                         "{\"version\":\"v3\",\"percent\":10}]}");
    else
        api_answer_report(call, report);
}

void api_put_deployment(struct api_call *call)
{
    struct report report = REPORT_INIT;
    struct records_deployment deployment = {0};
    struct bytes body = call->request->body;
    if (!api_query_check(call, api_no_parameters))
        return;
    json_t *root = body.count == 0 ? NULL
                                   : json_loadb((const char *)body.data, body.count,
                                                JSON_REJECT_DUPLICATES, NULL);
    const char *why = api_parse_deployment(root, &deployment);
    json_decref(root);
    enum status status =
        why != NULL ? report_fail(&report, STATUS_INVALID, REPORT_OFFSET_NONE, "%s", why)
                    : store_set_deployment(call->api->store, &call->target, &deployment, &report);
    if (status != STATUS_OK)
        api_answer_deploy_report(call, &report);
    else
        api_answer_deployment(call);
}
