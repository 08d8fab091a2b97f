/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Routing: from method and path to a handler, for whoever may.
 *
 * The table of routes is all there is to know about which paths exist and who may use them. A
 * name from the path is checked before any handler sees it.
 */
#include <stdio.h>

#include "deploy/api/api_private.h"

#define API_PATH_PARTS_MAX 8

struct api_route {
    const char *pattern; /* {t} and {f} are names, {v} a version */
    enum api_method method;
    enum api_scope scope;
    api_handler *handler;
};

static const struct api_route api_routes[] = {
    {"v1/tenants", API_GET, API_SCOPE_READ, api_list_tenants},
    {"v1/tenants/{t}", API_GET, API_SCOPE_READ, api_show_tenant},
    {"v1/tenants/{t}/functions", API_GET, API_SCOPE_READ, api_list_functions},
    {"v1/tenants/{t}/functions/{f}", API_GET, API_SCOPE_READ, api_show_function},
    {"v1/tenants/{t}/functions/{f}", API_PUT, API_SCOPE_WRITE, api_put_function},
    {"v1/tenants/{t}/functions/{f}", API_DELETE, API_SCOPE_WRITE, api_delete_function},
    {"v1/tenants/{t}/functions/{f}/versions", API_GET, API_SCOPE_READ, api_list_versions},
    {"v1/tenants/{t}/functions/{f}/versions", API_POST, API_SCOPE_WRITE, api_post_version},
    {"v1/tenants/{t}/functions/{f}/versions/{v}", API_GET, API_SCOPE_READ, api_show_version},
    {"v1/tenants/{t}/functions/{f}/rollback", API_POST, API_SCOPE_WRITE, api_rollback},
    {"v1/tenants/{t}/functions/{f}/starts", API_GET, API_SCOPE_READ, api_show_starts},
    {"v1/tenants/{t}/limits", API_GET, API_SCOPE_READ, api_show_tenant_limits},
    {"v1/tenants/{t}/limits", API_PUT, API_SCOPE_ADMIN, api_put_tenant_limits},
    {"v1/limits", API_GET, API_SCOPE_READ, api_limits},
    {"v1/stats", API_GET, API_SCOPE_ADMIN, api_stats},
    {"healthz", API_GET, API_SCOPE_PUBLIC, api_healthz},
    {"readyz", API_GET, API_SCOPE_PUBLIC, api_readyz},
    {"metrics", API_GET, API_SCOPE_PUBLIC, api_metrics},
};

static const char *const api_method_names[API_METHOD_COUNT] = {
    [API_GET] = "GET",       [API_PUT] = "PUT", [API_POST] = "POST",
    [API_DELETE] = "DELETE", [API_OTHER] = "",
};

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
static const struct api_route *api_find_route(
    enum api_method method, const char *path, struct api_call *call, char *allow, size_t bytes)
{
    struct bytes parts[API_PATH_PARTS_MAX];
    struct bytes pattern[API_PATH_PARTS_MAX];
    size_t count;
    size_t pattern_count;
    size_t used = 0;
    allow[0] = '\0';
    if (!api_split(path, parts, &count))
        return NULL;
    for (size_t i = 0; i < COUNT_OF(api_routes); i++) {
        const struct api_route *route = &api_routes[i];
        call->target = (struct store_target){0};
        bool known = api_split(route->pattern, pattern, &pattern_count);
        ASSERT(known);
        if (!api_matches(call, pattern, pattern_count, parts, count))
            continue;
        if (route->method == method)
            return route;
        int written = snprintf(allow + used, bytes - used, "%s%s", used == 0 ? "" : ", ",
                               api_method_names[route->method]);
        ASSERT(written > 0 && (size_t)written < bytes - used);
        used += (size_t)written;
    }
    return NULL;
}

enum api_scope api_scope(enum api_method method, const char *path)
{
    struct api_call call = {0};
    struct api_response response;
    const struct api_route *route =
        api_find_route(method, path, &call, response.allow, sizeof(response.allow));
    return route == NULL ? API_SCOPE_ADMIN : route->scope;
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
    const struct api_route *route = api_find_route(request->method, request->path, &call,
                                                   response->allow, sizeof(response->allow));
    if (request->granted < (route == NULL ? API_SCOPE_ADMIN : route->scope)) {
        response->allow[0] = '\0';
        api_answer_error(&call, 403, "forbidden", "this caller may not do that",
                         "ask the operator for a token that may");
    } else if (route != NULL) {
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
