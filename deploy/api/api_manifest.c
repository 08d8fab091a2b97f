/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The manifest of an upload: read by its table, then held against what this server is and allows.
 */
#include <inttypes.h>
#include <stdio.h>

#include "deploy/api/api_private.h"

static bool api_refuse_manifest(struct api_call *call, const char *detail, const char *hint)
{
    api_answer_error(call, 422, "manifest", detail, hint);
    return false;
}

/* A bound of the function's own is within the operator's. */
static bool api_check_own_limit(struct api_call *call, enum config_limit limit, uint64_t own)
{
    uint64_t all;
    char own_text[CONFIG_QUANTITY_BYTES];
    char all_text[CONFIG_QUANTITY_BYTES];
    char detail[160];
    const struct config_limit_row *row = &config_limit_rows[limit];
    memcpy(&all, (const char *)&call->api->config->limits + row->offset, sizeof(all));
    if (own <= all)
        return true;
    config_format_quantity(own, row->unit, own_text);
    config_format_quantity(all, row->unit, all_text);
    (void)snprintf(detail, sizeof(detail), "limits.%s: %s is above the server's %s", row->name,
                   own_text, all_text);
    return api_refuse_manifest(call, detail, "lower it, or ask the operator for a higher limit");
}

bool api_host_is_reserved(const struct config *config, struct bytes host)
{
    struct bytes domain = bytes_of_text(config->domain);
    const char *url = strstr(config->public_url, "://");
    struct bytes name = bytes_of_text(url == NULL ? "" : url + 3);
    const uint8_t *colon = name.count == 0 ? NULL : memchr(name.data, ':', name.count);
    if (colon != NULL)
        name.count = (size_t)(colon - name.data);
    const struct bytes taken[] = {domain, name, bytes_of_text("localhost")};
    for (size_t i = 0; i < COUNT_OF(taken); i++) {
        if (taken[i].count == 0 || host.count < taken[i].count)
            continue;
        size_t more = host.count - taken[i].count;
        if (memcmp(host.data + more, taken[i].data, taken[i].count) == 0 &&
            (more == 0 || host.data[more - 1] == '.'))
            return true;
    }
    return false;
}

static bool api_check_manifest(struct api_call *call, const struct deploy_manifest *manifest)
{
    const struct deploy_function_limits *limits = &manifest->limits;
    if (manifest->name.count > 0 && !bytes_equal(manifest->name, call->target.function))
        return api_refuse_manifest(call, "name: the manifest names another function than the path",
                                   "deploy it under its name, or change one of them");
    for (uint32_t i = 0; i < manifest->routes.count; i++) {
        char detail[320];
        struct bytes host = manifest->routes.rows[i].host;
        (void)snprintf(detail, sizeof(detail), "routes[%" PRIu32 "].host: %.*s is the server's own",
                       i, (int)host.count, (const char *)host.data);
        if (api_host_is_reserved(call->api->config, host))
            return api_refuse_manifest(call, detail, "name a host of your own");
    }
    return api_check_own_limit(call, CONFIG_LIMIT_fuel, limits->fuel) &&
           api_check_own_limit(call, CONFIG_LIMIT_memory, limits->memory_bytes) &&
           api_check_own_limit(call, CONFIG_LIMIT_wall, limits->wall_us) &&
           api_check_own_limit(call, CONFIG_LIMIT_scratch, limits->scratch_bytes);
}

bool api_take_manifest(struct api_call *call,
                       struct bytes json,
                       struct arena *arena,
                       struct deploy_manifest *ret_manifest)
{
    struct report report = REPORT_INIT;
    struct buffer *text = &call->upload->manifest;
    enum status status = deploy_manifest_from_json(json, arena, &report, ret_manifest);
    if (status == STATUS_CONFIG)
        return api_refuse_manifest(call, report.text, "see `skerry help manifest`");
    if (status == STATUS_OK && !api_check_manifest(call, ret_manifest))
        return false;
    buffer_init(text, DEPLOY_MANIFEST_BYTES_MAX);
    if (status == STATUS_OK)
        status = deploy_manifest_to_json(ret_manifest, text);
    if (status == STATUS_LIMIT)
        return api_refuse_manifest(call, "it says too much to be kept", "shorten it");
    if (status != STATUS_OK)
        api_answer_error(call, 503, "no_memory", "the server is out of memory", NULL);
    call->upload->memory_max_bytes = ret_manifest->limits.memory_bytes;
    return status == STATUS_OK;
}

void api_add_manifest(const struct api_call *call, uint32_t version, json_t *body)
{
    struct buffer text;
    json_t *manifest = NULL;
    buffer_init(&text, DEPLOY_MANIFEST_BYTES_MAX);
    if (store_get_manifest(call->api->store, &call->target, version, NULL, &text) == STATUS_OK &&
        text.count > 0)
        manifest = json_loadb((const char *)text.data, text.count, 0, NULL);
    (void)json_object_set_new(body, "manifest", manifest == NULL ? json_null() : manifest);
    buffer_done(&text);
}
