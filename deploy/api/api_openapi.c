/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The calls as an OpenAPI document, from their table: paths, methods, what each wants of a token,
 * what kind of body it takes. What is in bodies, docs tell.
 */
#include "deploy/api/api_private.h"

static const char *const api_no_parameters[] = {NULL};

static const struct {
    const char *mark;
    const char *name;
} api_path_parts[] = {{"{t}", "tenant"}, {"{f}", "function"}, {"{v}", "version"}, {"{k}", "key"}};

/* "/v1/tenants/{tenant}" of "v1/tenants/{t}", and its parameters. */
static json_t *api_path_json(const char *pattern, json_t *parameters)
{
    char path[128] = "/";
    size_t used = 1;
    for (const char *at = pattern; *at != '\0';) {
        size_t i = 0;
        while (i < COUNT_OF(api_path_parts) && strncmp(at, api_path_parts[i].mark, 3) != 0)
            i++;
        ASSERT(used + 16 < sizeof(path));
        if (i == COUNT_OF(api_path_parts)) {
            path[used++] = *at++;
            continue;
        }
        const char *name = api_path_parts[i].name;
        used += (size_t)snprintf(path + used, sizeof(path) - used, "{%s}", name);
        (void)json_array_append_new(parameters,
                                    json_pack("{s:s, s:s, s:b, s:{s:s}}", "name", name, "in",
                                              "path", "required", 1, "schema", "type", "string"));
        at += 3;
    }
    return json_stringn(path, used);
}

static void api_add_header(json_t *operation, const char *name, const char *text)
{
    (void)json_array_append_new(json_object_get(operation, "parameters"),
                                json_pack("{s:s, s:s, s:s, s:{s:s}}", "name", name, "in", "header",
                                          "description", text, "schema", "type", "string"));
}

static void api_add_body(json_t *operation, enum api_body body)
{
    static const char *const types[][5] = {
        [API_BODY_NONE] = {NULL},
        [API_BODY_JSON] = {"application/json", NULL},
        [API_BODY_MODULE] = {"application/wasm", "text/javascript", "multipart/form-data",
                             "multipart/related", NULL},
        [API_BODY_VALUE] = {"application/octet-stream", NULL},
        [API_BODY_VARIABLE] = {"application/octet-stream", NULL},
        [API_BODY_BLOB] = {"application/octet-stream", NULL},
        [API_BODY_HASHES] = {"application/json", NULL},
        [API_BODY_PEM] = {"application/x-pem-file", NULL},
        [API_BODY_DOMAIN] = {"application/json", "application/x-pem-file", NULL},
    };
    if (types[body][0] == NULL)
        return;
    json_t *content = json_object();
    for (size_t i = 0; types[body][i] != NULL; i++)
        (void)json_object_set_new(content, types[body][i], json_object());
    (void)json_object_set_new(operation, "requestBody", json_pack("{s:o}", "content", content));
    api_add_header(operation, "Content-Digest",
                   "sha-256=:BASE64: of the body [RFC 9530]; another body is refused");
}

/* Can what is there be read, too? Then a change of it can say what it was. */
static void api_add_match(json_t *operation, const struct api_route *route)
{
    size_t end_bytes;
    bool changes = route->method == API_PUT || route->method == API_DELETE;
    if (route->method == API_POST && api_match_shown(route->pattern, &end_bytes) != NULL)
        api_add_header(operation, "If-Match",
                       "the ETag of what is to be changed; 412 if it is another");
    for (size_t i = 0; changes && i < api_route_count; i++) {
        const struct api_route *other = &api_routes[i];
        if (other->method != API_GET || strcmp(other->pattern, route->pattern) != 0)
            continue;
        api_add_header(operation, "If-Match",
                       "the ETag of what is to be changed; 412 if it is another");
    }
}

static void api_add_dry_run(json_t *operation)
{
    (void)json_array_append_new(json_object_get(operation, "parameters"),
                                json_pack("{s:s, s:s, s:s, s:{s:s, s:[i, i]}}", "name", "dry_run",
                                          "in", "query", "description",
                                          "1: say what would be, and change nothing", "schema",
                                          "type", "integer", "enum", 0, 1));
}

static json_t *api_operation_json(const struct api_route *route, json_t *parameters)
{
    json_t *operation =
        json_pack("{s:s, s:s, s:s, s:O, s:{s:{s:s}, s:{s:s}}}", "operationId", route->name,
                  "summary", route->text, "x-skerry-verb", api_verb_name(route->verb), "parameters",
                  parameters, "responses", "2XX", "description", "done", "default", "description",
                  "problem+json [RFC 9457]");
    if (operation != NULL) {
        api_add_body(operation, route->body);
        api_add_match(operation, route);
        if (route->effect == API_EFFECT_STORE || route->effect == API_EFFECT_UPLOAD)
            api_add_dry_run(operation);
    }
    return operation;
}

static void api_add_call(json_t *paths, const struct api_route *route)
{
    static const char *const methods[API_METHOD_COUNT] = {
        [API_GET] = "get", [API_PUT] = "put", [API_POST] = "post", [API_DELETE] = "delete"};
    json_t *parameters = json_array();
    json_t *path = api_path_json(route->pattern, parameters);
    const char *name = json_string_value(path);
    json_t *item = name == NULL ? NULL : json_object_get(paths, name);
    if (item == NULL && name != NULL) {
        item = json_object();
        (void)json_object_set_new(paths, name, item);
    }
    if (item != NULL)
        (void)json_object_set_new(item, methods[route->method],
                                  api_operation_json(route, parameters));
    json_decref(parameters);
    json_decref(path);
}

void api_openapi(struct api_call *call)
{
    if (!api_query_check(call, api_no_parameters))
        return;
    json_t *paths = json_object();
    for (size_t i = 0; i < api_route_count; i++)
        api_add_call(paths, &api_routes[i]);
    api_answer(call, 200,
               json_pack("{s:s, s:{s:s, s:s}, s:o}", "openapi", "3.1.0", "info", "title",
                         "skerry's admin API", "version", SKERRY_VERSION, "paths", paths));
}
