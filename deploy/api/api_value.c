/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the API writes values: texts of any origin, times, versions, digests, addresses.
 */
#include <stdio.h>
#include <time.h>

#include "deploy/api/api_private.h"
#include "engine/base/hex.h"

json_t *api_text(const char *text)
{
    json_t *string = json_string(text);
    if (string != NULL)
        return string;
    /* Not UTF-8, so a guest's bytes. */
    char plain[DEPLOY_BUILD_WARNINGS_BYTES] = "";
    bytes_append_plain(plain, sizeof(plain), bytes_of_text(text));
    return json_string(plain);
}

json_t *api_time(uint64_t time_ns)
{
    char text[40];
    struct tm parts;
    time_t seconds = (time_t)(time_ns / CLOCK_NS_PER_S);
    if (gmtime_r(&seconds, &parts) == NULL ||
        strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts) == 0)
        return json_null();
    return json_string(text);
}

json_t *api_version_text(uint32_t version)
{
    char text[NAME_VERSION_BYTES];
    if (version == 0)
        return json_null();
    name_format_version(version, text);
    return json_string(text);
}

json_t *api_sha256(const uint8_t sha256[DEPLOY_SHA256_BYTES])
{
    char text[DIGEST_HEX_BYTES];
    hex_encode(sha256, DEPLOY_SHA256_BYTES, text);
    return json_string(text);
}

void api_add_content(json_t *body, const struct records_content *content)
{
    static const struct records_content nothing;
    bool is = content != NULL;
    if (!is)
        content = &nothing;
    json_t *members = json_pack(
        "{s:o, s:o, s:I, s:I, s:I}", "sha256", is ? api_sha256(content->sha256) : json_null(),
        "kind", is ? api_text(content->kind) : json_null(), "config_bytes",
        (json_int_t)content->config_bytes, "reuse_requests", (json_int_t)content->reuse_requests,
        "reuse_us", (json_int_t)content->reuse_us);
    (void)json_object_update(body, members);
    json_decref(members);
#define CHOICE(NAME, bit, name, flag, text)                                                        \
    (void)json_object_set_new(body, #name, json_boolean(content->choices &DEPLOY_##NAME));
#include "deploy/choices.def"
}

json_t *api_named_url(const struct api_call *call, struct bytes variant)
{
    char label[2 * DEPLOY_NAME_BYTES + 2];
    int count =
        snprintf(label, sizeof(label), "%.*s--%.*s", (int)variant.count, (const char *)variant.data,
                 (int)call->target.function.count, (const char *)call->target.function.data);
    const struct store_target target = {.tenant = call->target.tenant,
                                        .function = bytes_make(label, (size_t)count)};
    return api_url(call, &target);
}

json_t *api_variant_url(const struct api_call *call, uint32_t version)
{
    char text[NAME_VERSION_BYTES];
    name_format_version(version, text);
    return api_named_url(call, bytes_of_text(text));
}

json_t *api_url(const struct api_call *call, const struct store_target *target)
{
    const struct config *config = call->api->config;
    struct config_address address;
    char port[8] = "";
    bool is_tls;
    const char *scheme = "http";
    const char *domain = config->domain;
    const char *at = strstr(config->public_url, "://");
    if (at != NULL) {
        scheme = at == config->public_url + 5 ? "https" : "http";
        domain = at + 3;
    } else if (config->listen_count > 0 &&
               config_address_parse(
                   config_listen_address(
                       config->listen[config_tenant_listen(config, target->tenant)], &is_tls),
                   &address)) {
        scheme = is_tls ? "https" : "http";
        if (address.port != (is_tls ? 443 : 80))
            (void)snprintf(port, sizeof(port), ":%u", (unsigned)address.port);
    }
    return json_sprintf("%s://%.*s.%.*s.%s%s/", scheme, (int)target->function.count,
                        (const char *)target->function.data, (int)target->tenant.count,
                        (const char *)target->tenant.data, domain, port);
}

void api_set_etag(struct api_response *response, const uint8_t key[DEPLOY_SHA256_BYTES])
{
    char text[DIGEST_HEX_BYTES];
    hex_encode(key, DEPLOY_SHA256_BYTES, text);
    (void)snprintf(response->etag, sizeof(response->etag), "\"%s\"", text);
}
