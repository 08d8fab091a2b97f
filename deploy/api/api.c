/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Routing, names from the path, the query, and how answers and problems are written.
 *
 * The table of routes is all there is to know about which paths exist. A name from the
 * path is checked before any handler sees it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "deploy/api/api_private.h"
#include "engine/base/hex.h"

#define API_PATH_PARTS_MAX 8

struct api_route {
    const char *pattern; /* {t} and {f} are names, {v} a version */
    enum api_method method;
    api_handler *handler;
};

static const struct api_route api_routes[] = {
    {"v1/tenants", API_GET, api_list_tenants},
    {"v1/tenants/{t}", API_GET, api_show_tenant},
    {"v1/tenants/{t}/functions", API_GET, api_list_functions},
    {"v1/tenants/{t}/functions/{f}", API_GET, api_show_function},
    {"v1/tenants/{t}/functions/{f}", API_PUT, api_put_function},
    {"v1/tenants/{t}/functions/{f}", API_DELETE, api_delete_function},
    {"v1/tenants/{t}/functions/{f}/versions", API_GET, api_list_versions},
    {"v1/tenants/{t}/functions/{f}/versions", API_POST, api_post_version},
    {"v1/tenants/{t}/functions/{f}/versions/{v}", API_GET, api_show_version},
    {"v1/tenants/{t}/functions/{f}/rollback", API_POST, api_rollback},
    {"v1/tenants/{t}/functions/{f}/starts", API_GET, api_show_starts},
    {"v1/tenants/{t}/limits", API_GET, api_show_tenant_limits},
    {"v1/tenants/{t}/limits", API_PUT, api_put_tenant_limits},
    {"v1/limits", API_GET, api_limits},
    {"v1/stats", API_GET, api_stats},
    {"healthz", API_GET, api_healthz},
    {"readyz", API_GET, api_readyz},
    {"metrics", API_GET, api_metrics},
};

static const char *const api_method_names[API_METHOD_COUNT] = {
    [API_GET] = "GET",       [API_PUT] = "PUT", [API_POST] = "POST",
    [API_DELETE] = "DELETE", [API_OTHER] = "",
};

/* ---- answers --------------------------------------------------------------------------------- */

void api_response_init(struct api_response *response)
{
    *response = (struct api_response){.status = 500, .content_type = "application/json"};
    buffer_init(&response->body, API_RESPONSE_BYTES_MAX);
}

void api_response_done(struct api_response *response)
{
    buffer_done(&response->body);
}

static int api_write_json(const char *data, size_t count, void *context)
{
    return buffer_append(context, data, count) == STATUS_OK ? 0 : -1;
}

/* False if memory or the cap ran out; then the body is empty. */
static bool api_write_body(struct api_response *response, json_t *body)
{
    size_t flags = JSON_COMPACT | JSON_PRESERVE_ORDER;
    response->body.count = 0;
    bool done = body != NULL &&
                json_dump_callback(body, api_write_json, &response->body, flags) == 0 &&
                buffer_append(&response->body, "\n", 1) == STATUS_OK;
    json_decref(body);
    if (!done)
        response->body.count = 0;
    return done;
}

void api_answer(struct api_call *call, int status, json_t *body)
{
    call->response->status = status;
    call->response->content_type = "application/json";
    if (!api_write_body(call->response, body))
        api_answer_error(call, 500, "no_memory", "the answer does not fit into memory", NULL);
}

static const char *api_status_title(int status)
{
    static const struct {
        int status;
        const char *title;
    } rows[] = {
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {409, "Conflict"},
        {413, "Content Too Large"},
        {422, "Unprocessable Content"},
        {503, "Service Unavailable"},
        {507, "Insufficient Storage"},
        {500, "Internal Server Error"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (rows[i].status == status)
            return rows[i].title;
    }
    return "Error";
}

void api_answer_problem(struct api_response *response,
                        const char *request_id,
                        const struct api_problem *problem)
{
    json_t *body = json_pack("{s:s, s:s, s:i, s:s, s:o}", "type", "about:blank", "title",
                             api_status_title(problem->status), "status", problem->status, "code",
                             problem->code, "detail", api_text(problem->detail));
    if (body != NULL && problem->hint != NULL)
        (void)json_object_set_new(body, "hint", json_string(problem->hint));
    if (body != NULL && problem->offset != REPORT_OFFSET_NONE)
        (void)json_object_set_new(body, "offset", json_integer((json_int_t)problem->offset));
    if (body != NULL)
        (void)json_object_set_new(body, "request_id", json_string(request_id));
    response->status = problem->status;
    response->content_type = "application/problem+json";
    if (problem->status == 503)
        response->retry_after_s = 1;
    (void)api_write_body(response, body);
}

void api_answer_error(
    struct api_call *call, int status, const char *code, const char *detail, const char *hint)
{
    const struct api_problem problem = {.status = status,
                                        .code = code,
                                        .detail = detail,
                                        .hint = hint,
                                        .offset = REPORT_OFFSET_NONE};
    api_answer_problem(call->response, call->request->id, &problem);
}

void api_answer_report(struct api_call *call, const struct report *report)
{
    static const struct {
        enum status status;
        int http;
        const char *code; /* NULL: the status's own */
    } rows[] = {
        {STATUS_NOT_FOUND, 404, NULL}, {STATUS_CONFLICT, 409, NULL},
        {STATUS_LIMIT, 409, NULL},     {STATUS_FULL, 507, "storage_full"},
        {STATUS_BUSY, 503, NULL},      {STATUS_UNREACHABLE, 503, "stopping"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (rows[i].status != report->status)
            continue;
        const char *code = rows[i].code == NULL ? status_code(report->status) : rows[i].code;
        api_answer_error(call, rows[i].http, code, report->text, NULL);
        return;
    }
    api_answer_error(call, 500, status_code(report->status), report->text, NULL);
}

/* ---- values ---------------------------------------------------------------------------------- */

json_t *api_text(const char *text)
{
    json_t *string = json_string(text);
    if (string != NULL)
        return string;
    /* Not UTF-8, so a guest's bytes. */
    char plain[DEPLOY_BUILD_WARNINGS_BYTES];
    size_t count = 0;
    for (; text[count] != '\0' && count < sizeof(plain) - 1; count++)
        plain[count] = text[count] >= ' ' && text[count] < 0x7f ? text[count] : '?';
    return json_stringn(plain, count);
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
        "{s:o, s:o, s:I, s:b, s:I, s:I}", "sha256", is ? api_sha256(content->sha256) : json_null(),
        "kind", is ? api_text(content->kind) : json_null(), "config_bytes",
        (json_int_t)content->config_bytes, "deterministic", content->deterministic != 0,
        "reuse_requests", (json_int_t)content->reuse_requests, "reuse_us",
        (json_int_t)content->reuse_us);
    (void)json_object_update(body, members);
    json_decref(members);
}

json_t *api_url(const struct api_call *call, const struct store_target *target)
{
    const struct config *config = call->api->config;
    struct config_address address;
    char port[8] = "";
    if (config->listen_count > 0 && config_address_parse(config->listen[0], &address) &&
        address.port != 80)
        (void)snprintf(port, sizeof(port), ":%u", (unsigned)address.port);
    return json_sprintf("http://%.*s.%.*s.%s%s/", (int)target->function.count,
                        (const char *)target->function.data, (int)target->tenant.count,
                        (const char *)target->tenant.data, config->domain, port);
}

void api_set_etag(struct api_response *response, const uint8_t key[DEPLOY_SHA256_BYTES])
{
    char text[DIGEST_HEX_BYTES];
    hex_encode(key, DEPLOY_SHA256_BYTES, text);
    (void)snprintf(response->etag, sizeof(response->etag), "\"%s\"", text);
}

/* ---- query ----------------------------------------------------------------------------------- */

/* Takes the next `name=value`, or a name alone, off the query; false at its end. Nothing is
 * decoded: no name that exists has a character that would be encoded. */
static bool api_query_next(const char **query, struct bytes *ret_name, struct bytes *ret_value)
{
    const char *at = *query;
    if (at == NULL || *at == '\0')
        return false;
    size_t count = strcspn(at, "&");
    const char *equals = memchr(at, '=', count);
    size_t name_count = equals == NULL ? count : (size_t)(equals - at);
    *ret_name = bytes_make(at, name_count);
    *ret_value =
        equals == NULL ? bytes_make(NULL, 0) : bytes_make(equals + 1, count - name_count - 1);
    *query = at[count] == '&' ? at + count + 1 : at + count;
    return true;
}

bool api_query_check(struct api_call *call, const char *const *names)
{
    const char *query = call->request->query;
    struct bytes name;
    struct bytes value;
    while (api_query_next(&query, &name, &value)) {
        size_t i = 0;
        while (names[i] != NULL && !bytes_equal_text(name, names[i]))
            i++;
        if (names[i] != NULL)
            continue;
        char detail[128];
        (void)snprintf(detail, sizeof(detail), "unknown parameter `%.*s`",
                       (int)MIN(name.count, (size_t)64), (const char *)name.data);
        api_answer_error(call, 400, "bad_query", detail, "remove it from the query");
        return false;
    }
    return true;
}

bool api_query_find(const struct api_call *call, const char *name, struct bytes *ret_value)
{
    const char *query = call->request->query;
    struct bytes found;
    struct bytes value;
    while (api_query_next(&query, &found, &value)) {
        if (!bytes_equal_text(found, name))
            continue;
        *ret_value = value;
        return true;
    }
    return false;
}

enum status api_query_decode(const struct api_call *call, const char *name, struct buffer *value)
{
    struct bytes text;
    enum status status = STATUS_OK;
    if (!api_query_find(call, name, &text))
        return STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < text.count; i++) {
        uint8_t byte = text.data[i];
        if (byte == '%') {
            int high = text.count - i > 2 ? hex_value(text.data[i + 1]) : -1;
            int low = high < 0 ? -1 : hex_value(text.data[i + 2]);
            if (low < 0)
                return STATUS_MALFORMED;
            byte = (uint8_t)(high << 4 | low);
            i += 2;
        }
        status = buffer_append(value, &byte, 1);
    }
    return status;
}

bool api_query_flag(struct api_call *call, const char *name, bool default_value, bool *ret_value)
{
    struct bytes value;
    if (!api_query_find(call, name, &value)) {
        *ret_value = default_value;
        return true;
    }
    bool yes =
        value.data == NULL || bytes_equal_text(value, "1") || bytes_equal_text(value, "true");
    if (yes || bytes_equal_text(value, "0") || bytes_equal_text(value, "false")) {
        *ret_value = yes;
        return true;
    }
    char detail[64];
    (void)snprintf(detail, sizeof(detail), "parameter `%s` is neither true nor false", name);
    api_answer_error(call, 400, "bad_query", detail, "write 1, true, 0 or false");
    return false;
}

/* ---- routing --------------------------------------------------------------------------------- */

/* Splits at slashes, the first one left out; false if there are too many parts. */
static bool api_split(const char *path, struct bytes parts[API_PATH_PARTS_MAX], size_t *ret_count)
{
    size_t count = 0;
    const char *at = path[0] == '/' ? path + 1 : path;
    for (;; at++) {
        size_t bytes = strcspn(at, "/");
        if (count == API_PATH_PARTS_MAX)
            return false;
        parts[count++] = bytes_make(at, bytes);
        at += bytes;
        if (*at == '\0')
            break;
    }
    *ret_count = count;
    return true;
}

static bool api_matches(struct api_call *call,
                        const struct bytes *pattern,
                        size_t pattern_count,
                        const struct bytes *parts,
                        size_t count)
{
    if (count != pattern_count)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (bytes_equal_text(pattern[i], "{t}"))
            call->target.tenant = parts[i];
        else if (bytes_equal_text(pattern[i], "{f}"))
            call->target.function = parts[i];
        else if (bytes_equal_text(pattern[i], "{v}"))
            call->version = parts[i];
        else if (!bytes_equal(pattern[i], parts[i]))
            return false;
    }
    return true;
}

/* The route, or NULL; then `allow` lists the methods that the path has, if it exists. */
static const struct api_route *api_find_route(struct api_call *call, char *allow, size_t bytes)
{
    struct bytes parts[API_PATH_PARTS_MAX];
    struct bytes pattern[API_PATH_PARTS_MAX];
    size_t count;
    size_t pattern_count;
    size_t used = 0;
    allow[0] = '\0';
    if (!api_split(call->request->path, parts, &count))
        return NULL;
    for (size_t i = 0; i < COUNT_OF(api_routes); i++) {
        const struct api_route *route = &api_routes[i];
        call->target = (struct store_target){0};
        bool known = api_split(route->pattern, pattern, &pattern_count);
        ASSERT(known);
        if (!api_matches(call, pattern, pattern_count, parts, count))
            continue;
        if (route->method == call->request->method)
            return route;
        int written = snprintf(allow + used, bytes - used, "%s%s", used == 0 ? "" : ", ",
                               api_method_names[route->method]);
        ASSERT(written > 0 && (size_t)written < bytes - used);
        used += (size_t)written;
    }
    return NULL;
}

static bool api_check_name(struct api_call *call, struct bytes name, const char *what)
{
    /* A pattern without this name leaves it NULL. */
    if (name.data == NULL || deploy_name_valid(name))
        return true;
    char detail[160];
    (void)snprintf(detail, sizeof(detail), "`%.*s` cannot be a %s's name",
                   (int)MIN(name.count, (size_t)64), (const char *)name.data, what);
    api_answer_error(call, 400, "bad_name", detail,
                     "use 1 to 63 of a-z, 0-9 and -, not at the ends");
    return false;
}

enum api_step api_handle(const struct api *api,
                         const struct api_request *request,
                         struct api_upload *ret_upload,
                         struct api_response *response)
{
    struct api_call call = {.api = api,
                            .request = request,
                            .response = response,
                            .upload = ret_upload,
                            .step = API_ANSWERED};
    *ret_upload = (struct api_upload){0};
    const struct api_route *route = api_find_route(&call, response->allow, sizeof(response->allow));
    if (route != NULL) {
        response->allow[0] = '\0';
        if (api_check_name(&call, call.target.tenant, "tenant") &&
            api_check_name(&call, call.target.function, "function"))
            route->handler(&call);
    } else if (response->allow[0] != '\0') {
        api_answer_error(&call, 405, "method_not_allowed", "this path does not know that method",
                         "see the Allow header");
    } else {
        api_answer_error(&call, 404, "endpoint_not_found", "there is nothing at this path",
                         "functions are at /v1/tenants/{tenant}/functions/{function}");
    }
    if (call.step == API_ANSWERED)
        api_upload_done(ret_upload);
    return call.step;
}

bool api_is_public(const char *path)
{
    return strcmp(path, "/healthz") == 0 || strcmp(path, "/readyz") == 0 ||
           strcmp(path, "/metrics") == 0;
}
