/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Uploads of versions that are asked how they are before they get clients: what is asked, and what
 * becomes of the answer.
 */
#include <inttypes.h>
#include <stdio.h>

#include "deploy/api/api_private.h"

/* A parameter goes before the file; an empty one asks for nothing. */
bool api_take_health(struct api_call *call, const struct deploy_manifest_health *manifests)
{
    struct api_upload *upload = call->upload;
    struct bytes value;
    struct buffer text;
    bool is_given = api_query_find(call, "health", &value);
    buffer_init(&text, DEPLOY_HEALTH_BYTES - 1);
    bool good = !is_given || api_query_decode(call, "health", &text) == STATUS_OK;
    struct bytes path = is_given ? buffer_bytes(&text) : manifests->path;
    good = good && (path.count == 0 || deploy_path_valid(path));
    if (good && path.count > 0)
        memcpy(upload->health, path.data, path.count);
    upload->health_us = manifests->wall_us;
    buffer_done(&text);
    if (!good)
        api_answer_error(call, 400, "bad_query", "parameter `health` is no path",
                         "write it like /healthz, with at most 255 bytes");
    return good;
}

static bool api_is_healthy(const struct deploy_errand_end *end)
{
    return end->status >= 200 && end->status < 400;
}

static void
api_answer_unhealthy(struct api_call *call, uint32_t version, const struct deploy_errand_end *end)
{
    const struct api_upload *upload = call->upload;
    char detail[DEPLOY_HEALTH_BYTES + 160];
    char hint[4 * DEPLOY_NAME_BYTES + 96];
    int used = snprintf(detail, sizeof(detail), "v%" PRIu32 " is not healthy: GET %s ", version,
                        upload->health);
    if (end->status == 0)
        (void)snprintf(detail + used, sizeof(detail) - (size_t)used,
                       "was answered by nobody; it gets no clients");
    else
        (void)snprintf(detail + used, sizeof(detail) - (size_t)used,
                       "was answered with %" PRIu32 "%s%.*s in %" PRIu64 " ms; it gets no clients",
                       end->status, end->code.count > 0 ? " " : "", (int)end->code.count,
                       (const char *)end->code.data, end->elapsed_us / 1000);
    (void)snprintf(hint, sizeof(hint),
                   "see `skerry logs %s -t %s`; `skerry activate %s v%" PRIu32
                   " -t %s` puts it live all the same",
                   upload->function, upload->tenant, upload->function, version, upload->tenant);
    api_answer_error(call, 422, "unhealthy", detail, hint);
}

void api_upload_checked(const struct api *api,
                        const struct api_request *request,
                        const struct api_upload *upload,
                        const struct api_checked *checked,
                        struct api_response *response)
{
    const struct deploy_build_result *result = checked->result;
    uint32_t version = checked->version;
    struct api_upload copy = *upload;
    struct api_call call = {.api = api,
                            .request = request,
                            .response = response,
                            .upload = &copy,
                            .target = {.tenant = bytes_of_text(upload->tenant),
                                       .function = bytes_of_text(upload->function)}};
    struct report report = REPORT_INIT;
    const struct store_actor actor = api_actor(request);
    const struct deploy_share share = {.version = version, .parts = upload->parts};
    memcpy(copy.content.kind, result->kind, sizeof(copy.content.kind));
    if (upload->only_assets)
        (void)snprintf(copy.content.kind, sizeof(copy.content.kind), API_SITE_KIND);
    if (!api_is_healthy(checked->end)) {
        api_answer_unhealthy(&call, version, checked->end);
        return;
    }
    uint64_t before_us = clock_monotonic_us(api->clock);
    store_act_as(api->store, &actor);
    enum status status = store_promote(api->store, &call.target, share, &report);
    store_act_as(api->store, NULL);
    if (status == STATUS_OK)
        api_answer_built(&call, result, version, clock_monotonic_us(api->clock) - before_us);
    else
        api_answer_report(&call, &report);
}
