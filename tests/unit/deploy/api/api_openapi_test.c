/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The calls as a table and as a document: each has its verb, its text and its parameters.
 */
#include "rig.h"

#include "deploy/api/api_private.h"

static void each_call_says_what_it_needs_and_what_it_is_for(void **state)
{
    (void)state;
    for (size_t i = 0; i < api_route_count; i++) {
        const struct api_route *route = &api_routes[i];
        assert_true(route->text[0] != '\0');
        assert_true(route->method < API_OTHER);
        assert_true(route->method != API_GET || route->body == API_BODY_NONE);
        /* Only what tells nothing of tenants is for everybody. */
        bool open = route->verb == API_VERB_NONE;
        assert_true(open == (strncmp(route->pattern, "v1/", 3) != 0));
        assert_true(!open || route->method == API_GET);
        bool of_logs = strstr(route->pattern, "/logs") != NULL;
        assert_true(of_logs == (route->verb == API_VERB_LOGS));
        bool of_kv = strstr(route->pattern, "/kv") != NULL;
        assert_true(of_kv == (route->verb == API_VERB_KV));
        /* Who may only read changes nothing. */
        assert_true(route->verb != API_VERB_READ || route->method == API_GET);
        for (size_t j = 0; j < i; j++)
            assert_false(strcmp(route->pattern, api_routes[j].pattern) == 0 &&
                         route->method == api_routes[j].method);
    }
}

static void the_document_has_each_call_with_its_parameters(void **state)
{
    (void)state;
    struct rig rig;
    const char *path;
    const char *method;
    json_t *item;
    json_t *operation;
    size_t count = 0;
    size_t end;
    int dry_count = 0;
    json_t *dry_run = json_string("dry_run");
    rig_init(&rig);
    rig_get(&rig, "/v1/openapi.json");
    assert_status(&rig, 200);
    json_object_foreach(json_object_get(rig.json, "paths"), path, item)
    {
        size_t marks = 0;
        assert_int_equal(path[0], '/');
        for (const char *at = path; (at = strchr(at, '{')) != NULL; at++)
            marks++;
        json_object_foreach(item, method, operation)
        {
            bool has_body = json_object_get(operation, "requestBody") != NULL;
            bool matches = json_object_get(item, "get") != NULL &&
                           (strcmp(method, "put") == 0 || strcmp(method, "delete") == 0);
            matches |= strcmp(method, "post") == 0 && api_match_shown(path, &end) != NULL;
            const json_t *parameters = json_object_get(operation, "parameters");
            bool is_dry =
                json_equal(json_object_get(
                               json_array_get(parameters, json_array_size(parameters) - 1), "name"),
                           dry_run);
            dry_count += is_dry;
            assert_int_equal(json_array_size(parameters),
                             marks + has_body + matches + is_dry); /* Content-Digest, If-Match */
            assert_true(json_is_string(json_object_get(operation, "x-skerry-verb")));
            count++;
        }
    }
    assert_int_equal(count, api_route_count);
    for (size_t i = 0; i < api_route_count; i++)
        dry_count -=
            api_routes[i].effect == API_EFFECT_STORE || api_routes[i].effect == API_EFFECT_UPLOAD;
    assert_int_equal(dry_count, 0);
    json_decref(dry_run);
    operation = json_object_get(json_object_get(json_object_get(rig.json, "paths"),
                                                "/v1/tenants/{tenant}/functions/{function}"),
                                "put");
    assert_string_equal(json_string_value(json_object_get(operation, "x-skerry-verb")), "deploy");
    assert_non_null(
        json_object_get(json_object_get(json_object_get(operation, "requestBody"), "content"),
                        "multipart/related"));
    rig.caller.verbs = 0;
    rig_get(&rig, "/v1/openapi.json");
    assert_problem(&rig, 401, "unauthorized");
    rig_done(&rig);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_call_says_what_it_needs_and_what_it_is_for),
        cmocka_unit_test(the_document_has_each_call_with_its_parameters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
