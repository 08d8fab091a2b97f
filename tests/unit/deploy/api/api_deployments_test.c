/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deployments through the API.
 */
#include "rig.h"

#include "deploy/api/api_private.h"

static int setup(void **state)
{
    (void)hello_setup(state);
    rig_put(&hello_rig, HELLO, "m2");
    return 0;
}

static void split(const char *body)
{
    rig_put(&hello_rig, HELLO "/deployment", body);
}

static double percent_of(const char *version)
{
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(hello_rig.json, "versions"), i, row)
    {
        if (strcmp(json_string_value(json_object_get(row, "version")), version) == 0)
            return json_number_value(json_object_get(row, "percent"));
    }
    return 0;
}

#define SPLIT                                                                                      \
    "{\"versions\":[{\"version\":\"v1\",\"percent\":99.5},{\"version\":\"v2\",\"percent\":0.5}],"  \
    "\"by\":\"cookie:id\",\"canary\":{\"factor\":1.5}}"

static void a_deployment_is_shown_as_it_was_set(void **state)
{
    (void)state;
    rig_get(&hello_rig, HELLO "/deployment");
    assert_true(percent_of("v2") == 100);
    assert_string_equal(text_of(&hello_rig, "by"), "address");
    split(SPLIT);
    assert_status(&hello_rig, 200);
    assert_true(percent_of("v1") == 99.5);
    assert_true(percent_of("v2") == 0.5);
    assert_string_equal(text_of(&hello_rig, "by"), "cookie:id");
    const json_t *canary = json_object_get(hello_rig.json, "canary");
    assert_true(json_number_value(json_object_get(canary, "factor")) == 1.5);
    assert_int_equal(json_integer_value(json_object_get(canary, "requests")), 100);
    const json_t *previous = json_object_get(hello_rig.json, "previous");
    assert_int_equal(json_array_size(json_object_get(previous, "versions")), 1);
    rig_get(&hello_rig, HELLO);
    assert_int_equal(json_array_size(json_object_get(hello_rig.json, "versions")), 2);
    assert_string_equal(text_of(&hello_rig, "version"), "v1");
    rig_send(&hello_rig, API_POST, HELLO "/rollback", bytes_of_text("{}"));
    assert_status(&hello_rig, 200);
    assert_string_equal(text_of(&hello_rig, "version"), "v2");
}

static void an_upload_takes_a_share(void **state)
{
    (void)state;
    rig_put(&hello_rig, HELLO "?percent=10", "m3");
    assert_status(&hello_rig, 201);
    rig_get(&hello_rig, HELLO "/deployment");
    assert_true(percent_of("v3") == 10);
    assert_true(percent_of("v2") == 90);
    static const char *const queries[] = {
        "?percent=",   "?percent=0",   "?percent=100.5", "?percent=0.001",
        "?percent=-1", "?percent=1e1", "?percent=x",     "?percent=10&activate=0"};
    for (size_t i = 0; i < COUNT_OF(queries); i++) {
        char target[128];
        (void)snprintf(target, sizeof(target), HELLO "%s", queries[i]);
        rig_put(&hello_rig, target, "m4");
        assert_problem(&hello_rig, 400, "bad_query");
    }
}

static void a_change_is_of_what_its_caller_saw(void **state)
{
    (void)state;
    char seen[API_ETAG_BYTES];
    rig_get(&hello_rig, HELLO "/deployment");
    memcpy(seen, hello_rig.response.etag, sizeof(seen));
    assert_string_equal(text_of(&hello_rig, "etag"), seen);
    hello_rig.if_match = bytes_of_text(seen);
    split(SPLIT);
    assert_status(&hello_rig, 200);
    split(SPLIT);
    assert_problem(&hello_rig, 412, "precondition_failed");
    hello_rig.if_match = bytes_of_text("*");
    split(SPLIT);
    assert_status(&hello_rig, 200);
    hello_rig.if_match = bytes_make(NULL, 0);
}

static void what_is_no_deployment_is_refused(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "",
        "[]",
        "{}",
        "{\"versions\":[]}",
        "{\"versions\":{}}",
        "{\"versions\":[1]}",
        "{\"versions\":[{\"version\":\"v1\"}]}",
        "{\"versions\":[{\"version\":\"v1\",\"percent\":\"100\"}]}",
        "{\"versions\":[{\"version\":\"1\",\"percent\":100}]}",
        "{\"versions\":[{\"version\":\"v1\",\"percent\":1e300}]}",
        "{\"versions\":[{\"version\":\"v1\",\"percent\":100,\"x\":1}]}",
        "{\"versions\":[{\"version\":\"v1\",\"percent\":99}]}",
        "{\"versions\":[{\"version\":\"v1\",\"percent\":100}],\"canary\":{\"factor\":2}}",
        "{\"versions\":[{\"version\":\"v1\",\"percent\":100}],\"by\":1}",
        "{\"versions\":[{\"version\":\"v1\",\"percent\":100}],\"who\":1}",
    };
    for (size_t i = 0; i < COUNT_OF(bodies); i++) {
        split(bodies[i]);
        assert_problem(&hello_rig, 400, "bad_deployment");
    }
    split("{\"versions\":[{\"version\":\"v9\",\"percent\":100}]}");
    assert_problem(&hello_rig, 404, "not_found");
    rig_get(&hello_rig, "/v1/tenants/default/functions/none/deployment");
    assert_problem(&hello_rig, 404, "not_found");
    rig_get(&hello_rig, HELLO "/deployment");
    assert_true(percent_of("v2") == 100);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_deployment_is_shown_as_it_was_set, setup, hello_teardown),
        cmocka_unit_test_setup_teardown(an_upload_takes_a_share, setup, hello_teardown),
        cmocka_unit_test_setup_teardown(a_change_is_of_what_its_caller_saw, setup, hello_teardown),
        cmocka_unit_test_setup_teardown(what_is_no_deployment_is_refused, setup, hello_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
