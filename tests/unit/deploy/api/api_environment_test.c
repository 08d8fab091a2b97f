/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A function's variables through the API.
 */
#include "rig.h"

static struct rig rig;

static int setup(void **state)
{
    (void)state;
    rig_init(&rig);
    rig_put(&rig, HELLO, "m1");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rig_done(&rig);
    return 0;
}

static void own_variables_go_over_the_versions(void **state)
{
    (void)state;
    rig_put_manifest(&rig, HELLO, "{\"env\":{\"A\":\"1\",\"B\":\"2\"}}");
    rig_put(&rig, HELLO "/env/B", "own \xc3\xa4=");
    assert_status(&rig, 200);
    assert_string_equal(text_of(&rig, "value"), "own \xc3\xa4=");
    assert_string_equal(text_of(&rig, "from"), "function");
    rig_put(&rig, HELLO "/env/C", "");
    assert_status(&rig, 200);
    rig_get(&rig, HELLO "/env");
    assert_int_equal(json_array_size(json_object_get(rig.json, "variables")), 3);
    rig_get(&rig, HELLO "/env/A");
    assert_string_equal(text_of(&rig, "from"), "version");
    rig_send(&rig, API_DELETE, HELLO "/env/B", bytes_make(NULL, 0));
    assert_status(&rig, 200);
    rig_get(&rig, HELLO "/env/B");
    assert_string_equal(text_of(&rig, "value"), "2");
    rig_send(&rig, API_DELETE, HELLO "/env/B", bytes_make(NULL, 0));
    assert_problem(&rig, 404, "not_found");
    rig_get(&rig, HELLO "/env/NONE");
    assert_problem(&rig, 404, "not_found");
}

static void what_is_no_variable_is_refused(void **state)
{
    (void)state;
    static const char *const names[] = {"9", "A-B", "%00", "%zz", "A%3DB"};
    char target[128];
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        (void)snprintf(target, sizeof(target), HELLO "/env/%s", names[i]);
        rig_put(&rig, target, "x");
        assert_problem(&rig, 400, "bad_name");
    }
    rig_put(&rig, HELLO "/env/A", "\xff");
    assert_problem(&rig, 400, "bad_value");
    rig_send(&rig, API_PUT, HELLO "/env/A", bytes_make("x\0y", 3));
    assert_problem(&rig, 400, "bad_value");
    char large[DEPLOY_VARIABLE_VALUE_BYTES_MAX + 1];
    memset(large, 'x', sizeof(large));
    rig_send(&rig, API_PUT, HELLO "/env/A", bytes_make(large, sizeof(large)));
    assert_problem(&rig, 413, "body_too_large");
    rig_put(&rig, HELLO "/env/A?x=1", "y");
    assert_problem(&rig, 400, "bad_query");
}

static void a_function_that_is_not_there_has_none(void **state)
{
    (void)state;
    rig_get(&rig, "/v1/tenants/default/functions/none/env");
    assert_problem(&rig, 404, "not_found");
    rig_put(&rig, "/v1/tenants/default/functions/none/env/A", "x");
    assert_problem(&rig, 404, "not_found");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

UNIT
{
    const struct CMUnitTest tests[] = {
        TEST(own_variables_go_over_the_versions),
        TEST(what_is_no_variable_is_refused),
        TEST(a_function_that_is_not_there_has_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
