/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A function's aliases: names for versions, by which they are called and kept.
 */
#include <stdio.h>

#include "deploy/api/api_private.h"

static const char *const api_no_parameters[] = {NULL};

struct api_alias_search {
    const struct api_call *call;
    struct bytes alias; /* data NULL: all */
    json_t *rows;
};

static bool api_visit_alias(void *context, struct bytes alias, uint32_t version)
{
    struct api_alias_search *search = context;
    if (search->alias.data != NULL && !bytes_equal(search->alias, alias))
        return true;
    json_t *row = json_pack("{s:s%, s:o, s:o}", "alias", alias.data, alias.count, "version",
                            api_version_text(version), "url", api_named_url(search->call, alias));
    (void)json_array_append_new(search->rows, row);
    return true;
}

/* NULL, and answered, if there is no such function. */
static json_t *api_find_aliases(struct api_call *call, struct bytes alias)
{
    struct report report = REPORT_INIT;
    struct api_alias_search search = {.call = call, .alias = alias, .rows = json_array()};
    if (store_list_aliases(call->api->store, &call->target, api_visit_alias, &search, &report) ==
        STATUS_OK)
        return search.rows;
    json_decref(search.rows);
    api_answer_report(call, &report);
    return NULL;
}

void api_list_aliases(struct api_call *call)
{
    json_t *rows = NULL;
    if (api_query_check(call, api_no_parameters))
        rows = api_find_aliases(call, bytes_make(NULL, 0));
    if (rows != NULL)
        api_answer(call, 200, json_pack("{s:o}", "aliases", rows));
}

/* False, and answered, if the path's alias is none. */
static bool api_check_alias(struct api_call *call)
{
    uint32_t version;
    if (deploy_name_valid(call->key) && !name_parse_version(call->key, &version) &&
        memmem(call->key.data, call->key.count, "--", 2) == NULL)
        return true;
    api_answer_error(call, 400, "bad_name", "that cannot be an alias",
                     "use 1 to 63 of a-z, 0-9 and -, not at the ends nor twice in a row, and no "
                     "version's name");
    return false;
}

static void api_answer_alias(struct api_call *call)
{
    json_t *rows = api_find_aliases(call, call->key);
    if (rows == NULL)
        return;
    json_t *row = json_array_get(rows, 0);
    if (row == NULL)
        api_answer_error(call, 404, "not_found", "the function has no such alias", NULL);
    else
        api_answer(call, 200, json_incref(row));
    json_decref(rows);
}

void api_show_alias(struct api_call *call)
{
    if (api_query_check(call, api_no_parameters) && api_check_alias(call))
        api_answer_alias(call);
}

/* False, and answered, if the body is not {"version":"v3"}. */
static bool api_parse_alias(struct api_call *call, uint32_t *ret_version)
{
    struct bytes body = call->request->body;
    json_t *root = body.count == 0 ? NULL
                                   : json_loadb((const char *)body.data, body.count,
                                                JSON_REJECT_DUPLICATES, NULL);
    const char *text = json_string_value(json_object_get(root, "version"));
    bool good = text != NULL && json_object_size(root) == 1 &&
                name_parse_version(bytes_of_text(text), ret_version);
    json_decref(root);
    if (!good)
        api_answer_error(call, 400, "bad_alias", "the body is not of the form {\"version\":\"v2\"}",
                         NULL);
    return good;
}

void api_put_alias(struct api_call *call)
{
    struct report report = REPORT_INIT;
    uint32_t version;
    if (!api_query_check(call, api_no_parameters) || !api_check_alias(call) ||
        !api_parse_alias(call, &version))
        return;
    if (store_set_alias(call->api->store, &call->target, call->key, version, &report) != STATUS_OK)
        api_answer_report(call, &report);
    else
        api_answer_alias(call);
}

void api_delete_alias(struct api_call *call)
{
    struct report report = REPORT_INIT;
    if (!api_query_check(call, api_no_parameters) || !api_check_alias(call))
        return;
    if (store_delete_alias(call->api->store, &call->target, call->key, &report) != STATUS_OK)
        api_answer_report(call, &report);
    else
        api_answer(
            call, 200,
            json_pack("{s:s%, s:b}", "alias", call->key.data, call->key.count, "deleted", 1));
}
