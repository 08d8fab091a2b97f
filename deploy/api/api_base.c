/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an upload is built on, a module of many, and what its manifest says to that.
 */
#include "deploy/api/api_private.h"

void api_find_base(const struct api_call *call)
{
    struct api_upload *upload = call->upload;
    const struct api *api = call->api;
    bool is_script = upload->content.source == DEPLOY_SOURCE_JAVASCRIPT;
    upload->has_base = is_script ? api->javascript.count > 0 : upload->has_runtime;
    if (!upload->has_base)
        return;
    upload->base_module = is_script ? api->javascript : upload->module;
    memcpy(upload->base_sha256, is_script ? api->javascript_sha256 : upload->content.sha256,
           sizeof(upload->base_sha256));
    digest_base_key(upload->base_sha256, upload->content.choices, upload->base_key);
}

bool api_take_arguments(struct api_call *call, const struct deploy_texts *arguments)
{
    struct api_upload *upload = call->upload;
    struct buffer *config = &upload->config;
    enum status status = STATUS_OK;
    upload->has_arguments = arguments->count > 0;
    if (arguments->count > 0 && config->count > 0 && config->data[config->count - 1] != '\n')
        status = buffer_append(config, "\n", 1);
    for (uint32_t i = 0; i < arguments->count && status == STATUS_OK; i++)
        status = buffer_printf(config, "- %.*s\n", (int)arguments->rows[i].count,
                               (const char *)arguments->rows[i].data);
    if (status == STATUS_OK)
        return true;
    api_answer_error(call, 413, "config_too_large",
                     "arguments and configuration have more bytes than limits.guest_config allows",
                     "shorten them, or ask the operator for a higher limit");
    return false;
}

/* What a runtime imports beside its family is of another platform, and none of the files' doing. */
bool api_take_runtime(struct api_call *call, const struct deploy_manifest *manifest)
{
    struct api_upload *upload = call->upload;
    upload->has_runtime = manifest->runtime.count > 0;
    if (!upload->has_runtime)
        return true;
    upload->content.choices |= DEPLOY_ALLOW_MISSING;
    if (!upload->only_assets && manifest->main.count == 0)
        return true;
    api_answer_error(call, 400, "bad_manifest",
                     manifest->main.count > 0 ? "it has a `main`, and a `runtime` in its place"
                                              : "the module of its `runtime` is missing",
                     "send the runtime's module behind the manifest: `skerry deploy` does");
    return false;
}
