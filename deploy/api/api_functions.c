/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tenants, functions and versions: list, show, remove, roll back. Lists come in pages of
 * API_PAGE_MAX rows; `next` is the name to pass as `?after=` for the following page.
 */
#include <openssl/evp.h>
#include <stdio.h>

#include "deploy/api/api_private.h"

#define API_PAGE_MAX 1000

static const char *const api_no_parameters[] = {NULL};

json_t *api_function_json(const struct api_call *call, const struct store_function *function)
{
    const struct records_function *record = &function->record;
    const struct store_target target = {.tenant = bytes_of_text(function->tenant),
                                        .function = bytes_of_text(function->function)};
    bool active = record->active_version != 0;
    json_t *body = json_pack(
        "{s:s, s:s, s:o, s:o, s:o, s:I, s:o, s:o}", "tenant", function->tenant, "function",
        function->function, "version", api_version_text(record->active_version), "previous",
        api_version_text(record->previous_version), "url", api_url(call, &target), "version_count",
        (json_int_t)record->version_count, "created", api_time(record->created_ns), "updated",
        api_time(record->updated_ns));
    if (body != NULL)
        api_add_content(body, active ? &record->active : NULL);
    return body;
}

/* Bytes as `config` if they are text, else as `config_base64`. */
static void api_add_config(json_t *body, struct bytes config)
{
    bool plain = config.count == 0 || memchr(config.data, 0, config.count) == NULL;
    json_t *text = plain ? json_stringn((const char *)config.data, config.count) : NULL;
    if (text == NULL) {
        unsigned char base64[(DEPLOY_CONFIG_BYTES_MAX + 2) / 3 * 4 + 1];
        ASSERT(config.count <= DEPLOY_CONFIG_BYTES_MAX);
        (void)EVP_EncodeBlock(base64, config.data, (int)config.count);
        (void)json_object_set_new(body, "config_base64", json_string((const char *)base64));
    }
    (void)json_object_set_new(body, "config", text == NULL ? json_null() : text);
}

/* One line of a surface: to the list that it belongs to, or what was left out of both. */
static void api_add_surface_line(json_t *body, char *line)
{
    char *rest;
    const char *what = strtok_r(line, " ", &rest);
    if (what == NULL || rest == NULL)
        return;
    if (strcmp(what, "import") == 0)
        (void)json_array_append_new(json_object_get(body, "imports"), api_text(rest));
    else if (strcmp(what, "export") == 0)
        (void)json_array_append_new(json_object_get(body, "exports"), api_text(rest));
    else
        (void)json_object_set_new(body, "unlisted", json_integer(strtol(rest, NULL, 10)));
}

/* What the version's module imports and exports, as its builder told it; nulls: that was not kept
 * when it was deployed. */
static void
api_add_surface(const struct api_call *call, const struct records_content *content, json_t *body)
{
    struct buffer surface;
    char *at;
    buffer_init(&surface, DEPLOY_SURFACE_BYTES);
    enum status status = store_get_surface(call->api->store, content->artifact_key, NULL, &surface);
    if (status == STATUS_OK)
        status = buffer_append(&surface, "", 1);
    bool known = status == STATUS_OK && surface.count > 1;
    (void)json_object_set_new(body, "imports", known ? json_array() : json_null());
    (void)json_object_set_new(body, "exports", known ? json_array() : json_null());
    for (char *line = known ? strtok_r((char *)surface.data, "\n", &at) : NULL; line != NULL;
         line = strtok_r(NULL, "\n", &at))
        api_add_surface_line(body, line);
    buffer_done(&surface);
}

/* Answers with `body` and what the version that it shows came with; takes over `body`. */
static void api_answer_content(struct api_call *call,
                               uint32_t version,
                               const struct records_content *content,
                               json_t *body)
{
    struct report report = REPORT_INIT;
    struct buffer config;
    buffer_init(&config, DEPLOY_CONFIG_BYTES_MAX);
    if (store_get_config(call->api->store, content->artifact_key, &report, &config) == STATUS_OK) {
        api_add_config(body, buffer_bytes(&config));
        api_add_manifest(call, version, body);
        api_set_etag(call->response, content->artifact_key);
        api_answer(call, 200, body);
    } else {
        json_decref(body);
        api_answer_report(call, &report);
    }
    buffer_done(&config);
}

/* ---- lists ----------------------------------------------------------------------------------- */

struct api_page {
    const struct api_call *call;
    json_t *rows;
    uint32_t active_version;
    char last[DEPLOY_NAME_BYTES]; /* name in the last row */
    bool more;
};

/* False if the page is full. */
static bool api_page_add(struct api_page *page, json_t *row, const char *name)
{
    (void)json_array_append_new(page->rows, row);
    (void)snprintf(page->last, sizeof(page->last), "%s", name);
    return true;
}

static bool api_page_has_room(struct api_page *page)
{
    page->more = json_array_size(page->rows) >= API_PAGE_MAX;
    return !page->more;
}

static void api_answer_page(struct api_call *call,
                            struct api_page *page,
                            const char *name,
                            const struct report *report)
{
    if (report->status != STATUS_OK) {
        json_decref(page->rows);
        api_answer_report(call, report);
        return;
    }
    json_t *body = json_pack("{s:o}", name, page->rows);
    if (body != NULL && page->more)
        (void)json_object_set_new(body, "next", json_string(page->last));
    api_answer(call, 200, body);
}

static bool api_visit_tenant(void *context, const struct store_tenant *tenant)
{
    struct api_page *page = context;
    if (!api_caller_sees(page->call->request->caller, bytes_of_text(tenant->tenant),
                         bytes_make(NULL, 0)))
        return true;
    if (!api_page_has_room(page))
        return false;
    return api_page_add(page,
                        json_pack("{s:s, s:I, s:o}", "tenant", tenant->tenant, "function_count",
                                  (json_int_t)tenant->record.function_count, "created",
                                  api_time(tenant->record.created_ns)),
                        tenant->tenant);
}

static bool api_visit_function(void *context, const struct store_function *function)
{
    struct api_page *page = context;
    if (!api_caller_sees(page->call->request->caller, bytes_of_text(function->tenant),
                         bytes_of_text(function->function)))
        return true;
    if (!api_page_has_room(page))
        return false;
    return api_page_add(page, api_function_json(page->call, function), function->function);
}

/* The name after which the page begins; false, and answered, if it is none. */
static bool api_page_after(struct api_call *call, struct bytes *ret_after)
{
    static const char *const names[] = {"after", NULL};
    *ret_after = bytes_make("", 0);
    if (!api_query_check(call, names))
        return false;
    if (!api_query_find(call, "after", ret_after) || deploy_name_valid(*ret_after))
        return true;
    api_answer_error(call, 400, "bad_query", "parameter `after` is no name",
                     "pass the `next` of the page before");
    return false;
}

void api_list_tenants(struct api_call *call)
{
    struct bytes after;
    struct report report = REPORT_INIT;
    if (!api_page_after(call, &after))
        return;
    struct api_page page = {.call = call, .rows = json_array()};
    report.status = store_list_tenants(call->api->store, after, api_visit_tenant, &page, &report);
    api_answer_page(call, &page, "tenants", &report);
}

void api_list_functions(struct api_call *call)
{
    struct report report = REPORT_INIT;
    struct store_target after = {.tenant = call->target.tenant};
    if (!api_page_after(call, &after.function))
        return;
    struct api_page page = {.call = call, .rows = json_array()};
    report.status =
        store_list_functions(call->api->store, &after, api_visit_function, &page, &report);
    api_answer_page(call, &page, "functions", &report);
}

static json_t *api_version_json(const struct store_version *version, uint32_t active_version)
{
    const struct records_version *record = &version->record;
    json_t *body =
        json_pack("{s:o, s:I, s:o, s:b}", "version", api_version_text(version->version),
                  "module_bytes", (json_int_t)record->module_bytes, "created",
                  api_time(record->created_ns), "active", version->version == active_version);
    if (body != NULL)
        api_add_content(body, &record->content);
    return body;
}

static bool api_visit_version(void *context, const struct store_version *version)
{
    struct api_page *page = context;
    /* Newest first; a function has no more versions than STORE_VERSIONS_MAX and those in use. */
    (void)json_array_insert_new(page->rows, 0, api_version_json(version, page->active_version));
    return true;
}

void api_list_versions(struct api_call *call)
{
    struct report report = REPORT_INIT;
    struct store_function function = {0};
    struct store *store = call->api->store;
    if (!api_query_check(call, api_no_parameters))
        return;
    struct api_page page = {.call = call, .rows = json_array()};
    report.status = store_get_function(store, &call->target, &report, &function);
    page.active_version = function.record.active_version;
    if (report.status == STATUS_OK)
        report.status =
            store_list_versions(store, &call->target, api_visit_version, &page, &report);
    api_answer_page(call, &page, "versions", &report);
}

/* ---- one thing ------------------------------------------------------------------------------- */

/* False, and answered, if there is no such function. */
static bool api_get_function(struct api_call *call, struct store_function *ret_function)
{
    struct report report = REPORT_INIT;
    if (store_get_function(call->api->store, &call->target, &report, ret_function) == STATUS_OK)
        return true;
    api_answer_report(call, &report);
    return false;
}

/* Says so if the active version is not run for the time being. */
static void
api_add_quarantine(const struct api *api, const struct store_function *function, json_t *body)
{
    const struct deploy_function_key key = {.tenant = function->tenant,
                                            .function = function->function,
                                            .created_ns = function->record.created_ns};
    uint64_t left_us = api->quarantine_us(api->context, &key, function->record.active_version);
    if (left_us > 0)
        (void)json_object_set_new(body, "quarantined_us", json_integer((json_int_t)left_us));
}

/* Which versions its clients get. */
static void api_add_shares(const struct api_call *call, json_t *body)
{
    struct records_deployments deployments;
    if (store_get_deployments(call->api->store, &call->target, NULL, &deployments) == STATUS_OK)
        (void)json_object_set_new(body, "versions", api_shares_json(call, &deployments.current));
}

static void api_answer_function(struct api_call *call)
{
    struct store_function function;
    if (!api_get_function(call, &function))
        return;
    json_t *body = api_function_json(call, &function);
    if (body != NULL) {
        api_add_quarantine(call->api, &function, body);
        api_add_shares(call, body);
    }
    if (function.record.active_version != 0)
        api_answer_content(call, function.record.active_version, &function.record.active, body);
    else
        api_answer(call, 200, body);
}

void api_show_function(struct api_call *call)
{
    if (api_query_check(call, api_no_parameters))
        api_answer_function(call);
}

/* The workers know; here is only whether there is such a function. */
void api_show_starts(struct api_call *call)
{
    const struct api *api = call->api;
    struct store_function function;
    if (!api_query_check(call, api_no_parameters) || !api_get_function(call, &function))
        return;
    const struct deploy_function_key key = {.tenant = function.tenant,
                                            .function = function.function,
                                            .created_ns = function.record.created_ns};
    if (!api->print_starts(api->context, &key, &call->response->body)) {
        api_answer_error(call, 500, "no_memory", "out of memory", NULL);
        return;
    }
    call->response->status = 200;
    call->response->content_type = "application/json";
}

/* False, and answered, if the text is no version's name. */
static bool api_parse_version(struct api_call *call, struct bytes text, uint32_t *ret_version)
{
    if (name_parse_version(text, ret_version))
        return true;
    char detail[128];
    char shown[65];
    api_decode_text(text, shown, sizeof(shown));
    (void)snprintf(detail, sizeof(detail), "`%s` is no version", shown);
    api_answer_error(call, 400, "bad_version", detail, "versions are v1, v2, ...");
    return false;
}

void api_show_version(struct api_call *call)
{
    struct report report = REPORT_INIT;
    struct store_function function;
    struct store_version version;
    uint32_t number;
    if (!api_query_check(call, api_no_parameters) ||
        !api_parse_version(call, call->version, &number) || !api_get_function(call, &function))
        return;
    if (store_get_version(call->api->store, &call->target, number, &report, &version) !=
        STATUS_OK) {
        api_answer_report(call, &report);
        return;
    }
    json_t *body = api_version_json(&version, function.record.active_version);
    if (body != NULL)
        api_add_surface(call, &version.record.content, body);
    api_answer_content(call, number, &version.record.content, body);
}

void api_delete_function(struct api_call *call)
{
    struct report report = REPORT_INIT;
    struct store_function function;
    uint32_t version_count;
    if (!api_query_check(call, api_no_parameters) || !api_get_function(call, &function))
        return;
    if (store_delete_function(call->api->store, &call->target, &report, &version_count) !=
        STATUS_OK) {
        api_answer_report(call, &report);
        return;
    }
    api_answer(call, 200,
               json_pack("{s:s, s:s, s:b, s:I}", "tenant", function.tenant, "function",
                         function.function, "deleted", 1, "version_count",
                         (json_int_t)version_count));
}

/* The version in {"to":"v2"}, 0 without one; false, and answered, if the body is wrong. */
static bool api_parse_rollback(struct api_call *call, uint32_t *ret_version)
{
    struct bytes body = call->request->body;
    *ret_version = 0;
    if (body.count == 0)
        return true;
    json_error_t error;
    json_t *root = json_loadb((const char *)body.data, body.count, JSON_REJECT_DUPLICATES, &error);
    json_t *to = json_object_get(root, "to");
    bool well_formed = json_is_object(root) && json_object_size(root) == (to == NULL ? 0 : 1) &&
                       (to == NULL || json_is_string(to));
    bool parsed = well_formed;
    if (!well_formed)
        api_answer_error(call, 400, "bad_json", "the body is not of the form {\"to\":\"v2\"}",
                         "send no body to go back to the version before");
    else if (to != NULL)
        parsed = api_parse_version(call, bytes_of_text(json_string_value(to)), ret_version);
    json_decref(root);
    return parsed;
}

void api_rollback(struct api_call *call)
{
    struct report report = REPORT_INIT;
    uint32_t version;
    if (!api_query_check(call, api_no_parameters) || !api_parse_rollback(call, &version))
        return;
    if (store_activate(call->api->store, &call->target, version, &report) != STATUS_OK)
        api_answer_report(call, &report);
    else
        api_answer_function(call);
}
