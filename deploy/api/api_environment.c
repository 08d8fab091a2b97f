/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The variables of a function: its own, which these calls change, over those of its active
 * version's manifest, which only another version changes. A variable's value is the body, as it is.
 */
#include <stdio.h>

#include "deploy/api/api_private.h"

static const char *const api_no_parameters[] = {NULL};

/* The path's variable, decoded; false, and answered, if it is none. */
static bool api_variable_name(struct api_call *call, struct buffer *name)
{
    buffer_init(name, DEPLOY_VARIABLE_NAME_BYTES_MAX);
    if (api_decode(call->key, name) == STATUS_OK && deploy_variable_name_valid(buffer_bytes(name)))
        return true;
    buffer_done(name);
    api_answer_error(call, 400, "bad_name", "a variable's name has letters, digits and _",
                     "write it like GREETING");
    return false;
}

static json_t *api_variable_json(struct bytes text, const char *from)
{
    const uint8_t *equals = text.count == 0 ? NULL : memchr(text.data, '=', text.count);
    size_t count = equals == NULL ? text.count : (size_t)(equals - text.data);
    struct bytes value =
        equals == NULL ? bytes_make("", 0) : bytes_make(equals + 1, text.count - count - 1);
    return json_pack("{s:s%, s:s%, s:s}", "name", text.data, count, "value", value.data,
                     value.count, "from", from);
}

/* Those of the manifest, into `rows` by name. */
static enum status api_add_versions(const struct api_call *call, uint32_t version, json_t *rows)
{
    struct buffer text;
    struct arena arena;
    struct deploy_manifest manifest = {0};
    buffer_init(&text, DEPLOY_MANIFEST_BYTES_MAX);
    arena_init(&arena, DEPLOY_MANIFEST_ARENA_BYTES);
    enum status status = store_get_manifest(call->api->store, &call->target, version, NULL, &text);
    if (status == STATUS_OK && text.count > 0)
        status = deploy_manifest_from_json(buffer_bytes(&text), &arena, NULL, &manifest);
    for (uint32_t i = 0; status == STATUS_OK && i < manifest.env.count; i++) {
        const struct deploy_variable *row = &manifest.env.rows[i];
        if (json_object_setn_new(rows, (const char *)row->text.data, row->name_bytes,
                                 api_variable_json(row->text, "version")) != 0)
            status = STATUS_NO_MEMORY;
    }
    buffer_done(&text);
    arena_done(&arena);
    return status;
}

/* The function's own, over them. */
static enum status
api_add_functions(const struct api_call *call, struct report *report, json_t *rows)
{
    struct buffer text;
    buffer_init(&text, DEPLOY_ENVIRONMENT_BYTES_MAX);
    enum status status = store_get_environment(call->api->store, &call->target, report, &text);
    size_t at = 0;
    while (status == STATUS_OK && at < text.count) {
        struct bytes row =
            bytes_make(text.data + at, strnlen((const char *)text.data + at, text.count - at));
        size_t name_bytes = strcspn((const char *)row.data, "=");
        if (json_object_setn_new(rows, (const char *)row.data, name_bytes,
                                 api_variable_json(row, "function")) != 0)
            status = STATUS_NO_MEMORY;
        at += row.count + 1;
    }
    buffer_done(&text);
    return status;
}

/* All of them as one object; NULL, and answered, if that cannot be. */
static json_t *api_gather_variables(struct api_call *call)
{
    struct report report = REPORT_INIT;
    struct store_function function;
    json_t *rows = json_object();
    enum status status = store_get_function(call->api->store, &call->target, &report, &function);
    if (status == STATUS_OK)
        status = api_add_versions(call, function.record.active_version, rows);
    if (status == STATUS_OK)
        status = api_add_functions(call, &report, rows);
    if (status == STATUS_OK)
        return rows;
    json_decref(rows);
    if (report.status != STATUS_OK)
        api_answer_report(call, &report);
    else
        api_answer_error(call, 500, status_code(status), "the variables cannot be read", NULL);
    return NULL;
}

void api_list_variables(struct api_call *call)
{
    const char *name;
    json_t *row;
    if (!api_query_check(call, api_no_parameters))
        return;
    json_t *rows = api_gather_variables(call);
    if (rows == NULL)
        return;
    json_t *list = json_array();
    json_object_foreach(rows, name, row)
    {
        (void)json_array_append(list, row);
    }
    json_decref(rows);
    api_answer(call, 200, json_pack("{s:o}", "variables", list));
}

static void api_answer_variable(struct api_call *call, struct bytes name)
{
    json_t *rows = api_gather_variables(call);
    if (rows == NULL)
        return;
    json_t *row = json_object_getn(rows, (const char *)name.data, name.count);
    if (row == NULL)
        api_answer_error(call, 404, "not_found", "the function has no such variable", NULL);
    else
        api_answer(call, 200, json_incref(row));
    json_decref(rows);
}

void api_show_variable(struct api_call *call)
{
    struct buffer name;
    if (!api_query_check(call, api_no_parameters) || !api_variable_name(call, &name))
        return;
    api_answer_variable(call, buffer_bytes(&name));
    buffer_done(&name);
}

/* False, and answered, if the body is no value. */
static bool api_check_value(struct api_call *call, struct bytes name, struct bytes value)
{
    struct report report = REPORT_INIT;
    char detail[REPORT_TEXT_BYTES];
    json_t *text = json_stringn((const char *)value.data, value.count);
    bool is_text = text != NULL;
    json_decref(text);
    if (is_text && deploy_variable_check(name, value, &report) == STATUS_OK)
        return true;
    (void)snprintf(detail, sizeof(detail), "the variable %.400s",
                   is_text ? report.text : "has a value that is no UTF-8");
    api_answer_error(call, 400, "bad_value", detail, NULL);
    return false;
}

void api_put_variable(struct api_call *call)
{
    struct report report = REPORT_INIT;
    struct buffer name;
    struct bytes value = call->request->body;
    if (value.data == NULL)
        value = bytes_make("", 0);
    if (!api_query_check(call, api_no_parameters) || !api_variable_name(call, &name))
        return;
    if (!api_check_value(call, buffer_bytes(&name), value))
        (void)0;
    else if (store_set_variable(call->api->store, &call->target, buffer_bytes(&name), value,
                                &report) != STATUS_OK)
        api_answer_report(call, &report);
    else
        api_answer_variable(call, buffer_bytes(&name));
    buffer_done(&name);
}

void api_delete_variable(struct api_call *call)
{
    struct report report = REPORT_INIT;
    struct buffer name;
    if (!api_query_check(call, api_no_parameters) || !api_variable_name(call, &name))
        return;
    if (store_set_variable(call->api->store, &call->target, buffer_bytes(&name),
                           bytes_make(NULL, 0), &report) != STATUS_OK)
        api_answer_report(call, &report);
    else
        api_answer(call, 200,
                   json_pack("{s:s%, s:b}", "name", name.data, name.count, "deleted", 1));
    buffer_done(&name);
}
