/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The routes of a function: those that these calls make, under ids of the caller's choice, and
 * those of the active version's manifest, which are shown and left alone.
 */
#include <stdio.h>

#include "deploy/api/api_private.h"

static const char *const api_no_parameters[] = {NULL};

static json_t *api_route_json(const struct store_route *route)
{
    json_t *methods = json_array();
#define METHOD(NAME, bit)                                                                          \
    if ((route->route.methods & DEPLOY_METHOD_##NAME) != 0)                                        \
        (void)json_array_append_new(methods, json_string(#NAME));
#include "deploy/manifest/methods.def"
    return json_pack(
        "{s:s%, s:s%, s:o, s:o}", "id", route->id.data, route->id.count, "host",
        route->route.host.data, route->route.host.count, "path",
        json_sprintf("%.*s/*", (int)route->route.path.count, (const char *)route->route.path.data),
        "methods", methods);
}

struct api_route_search {
    struct bytes id; /* data NULL: all */
    json_t *rows;
};

static bool api_visit_route(void *context, const struct store_route *route)
{
    struct api_route_search *search = context;
    if (search->id.data == NULL || bytes_equal(search->id, route->id))
        (void)json_array_append_new(search->rows, api_route_json(route));
    return true;
}

/* NULL, and answered, if there is no such function. */
static json_t *api_find_routes(struct api_call *call, struct bytes id)
{
    struct report report = REPORT_INIT;
    struct api_route_search search = {.id = id, .rows = json_array()};
    if (store_list_routes(call->api->store, &call->target, api_visit_route, &search, &report) ==
        STATUS_OK)
        return search.rows;
    json_decref(search.rows);
    api_answer_report(call, &report);
    return NULL;
}

void api_list_routes(struct api_call *call)
{
    if (!api_query_check(call, api_no_parameters))
        return;
    json_t *rows = api_find_routes(call, bytes_make(NULL, 0));
    if (rows != NULL)
        api_answer(call, 200, json_pack("{s:o}", "routes", rows));
}

static void api_answer_one_route(struct api_call *call)
{
    json_t *rows = api_find_routes(call, call->key);
    if (rows == NULL)
        return;
    json_t *row = json_array_get(rows, 0);
    if (row == NULL)
        api_answer_error(call, 404, "not_found", "the function has no such route", NULL);
    else
        api_answer(call, 200, json_incref(row));
    json_decref(rows);
}

/* False, and answered, if the path's id is none, or not the caller's to change. */
static bool api_check_route_id(struct api_call *call, bool changes)
{
    bool manifests =
        call->key.count >= strlen(STORE_MANIFEST_ROUTE) &&
        memcmp(call->key.data, STORE_MANIFEST_ROUTE, strlen(STORE_MANIFEST_ROUTE)) == 0;
    if (!deploy_name_valid(call->key))
        api_answer_error(call, 400, "bad_name", "that cannot be a route's id",
                         "use 1 to 63 of a-z, 0-9 and -, not at the ends");
    else if (changes && manifests)
        api_answer_error(call, 409, "conflict", "that route is of the active version's manifest",
                         "change it in function.yaml and deploy");
    else
        return true;
    return false;
}

void api_show_route(struct api_call *call)
{
    if (api_query_check(call, api_no_parameters) && api_check_route_id(call, false))
        api_answer_one_route(call);
}

/* False, and answered, if the body is no route that can be made here. */
static bool
api_parse_route(struct api_call *call, struct arena *arena, struct deploy_route *ret_route)
{
    struct report report = REPORT_INIT;
    char detail[320];
    if (deploy_route_from_json(call->request->body, arena, &report, ret_route) != STATUS_OK) {
        api_answer_error(call, 400, "bad_route", report.text,
                         "send an object like {\"host\":\"api.example.com\",\"path\":\"/v1/*\"}");
        return false;
    }
    if (!api_host_is_reserved(call->api->config, ret_route->host))
        return true;
    (void)snprintf(detail, sizeof(detail), "host %s is the server's own",
                   (const char *)ret_route->host.data);
    api_answer_error(call, 409, "conflict", detail, "name a host of your own");
    return false;
}

void api_answer_host_conflict(struct api_call *call, const struct report *report, struct bytes host)
{
    char owner[DEPLOY_NAME_BYTES];
    char hint[DEPLOY_NAME_BYTES + 32];
    bool named = report->status == STATUS_CONFLICT &&
                 (call->request->caller->verbs & API_BIT(OPERATOR)) != 0 &&
                 store_get_host(call->api->store, host, owner) == STATUS_OK &&
                 !bytes_equal_text(call->target.tenant, owner);
    if (!named) {
        api_answer_report(call, report);
        return;
    }
    (void)snprintf(hint, sizeof(hint), "it is tenant %s's", owner);
    api_answer_error(call, 409, "conflict", report->text, hint);
}

void api_put_route(struct api_call *call)
{
    struct report report = REPORT_INIT;
    struct arena arena;
    struct store_route route = {.target = call->target, .id = call->key};
    arena_init(&arena, 65536);
    if (!api_query_check(call, api_no_parameters) || !api_check_route_id(call, true) ||
        !api_parse_route(call, &arena, &route.route))
        (void)0;
    else if (store_set_route(call->api->store, &route, &report) != STATUS_OK)
        api_answer_host_conflict(call, &report, route.route.host);
    else
        api_answer_one_route(call);
    arena_done(&arena);
}

void api_delete_route(struct api_call *call)
{
    struct report report = REPORT_INIT;
    if (!api_query_check(call, api_no_parameters) || !api_check_route_id(call, true))
        return;
    if (store_delete_route(call->api->store, &call->target, call->key, &report) != STATUS_OK)
        api_answer_report(call, &report);
    else
        api_answer(call, 200,
                   json_pack("{s:s%, s:b}", "id", call->key.data, call->key.count, "deleted", 1));
}
