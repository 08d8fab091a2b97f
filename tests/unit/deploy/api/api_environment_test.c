/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A function's variables through the API.
 */
#include "rig.h"

static void own_variables_go_over_the_versions(void **state)
{
    (void)state;
    rig_put_manifest(&hello_rig, HELLO, "{\"env\":{\"A\":\"1\",\"B\":\"2\"}}");
    rig_put(&hello_rig, HELLO "/env/B", "own \xc3\xa4=");
    assert_status(&hello_rig, 200);
    assert_string_equal(text_of(&hello_rig, "value"), "own \xc3\xa4=");
    assert_string_equal(text_of(&hello_rig, "from"), "function");
    rig_put(&hello_rig, HELLO "/env/C", "");
    assert_status(&hello_rig, 200);
    rig_get(&hello_rig, HELLO "/env");
    assert_int_equal(json_array_size(json_object_get(hello_rig.json, "variables")), 3);
    rig_get(&hello_rig, HELLO "/env/A");
    assert_string_equal(text_of(&hello_rig, "from"), "version");
    rig_send(&hello_rig, API_DELETE, HELLO "/env/B", bytes_make(NULL, 0));
    assert_status(&hello_rig, 200);
    rig_get(&hello_rig, HELLO "/env/B");
    assert_string_equal(text_of(&hello_rig, "value"), "2");
    rig_send(&hello_rig, API_DELETE, HELLO "/env/B", bytes_make(NULL, 0));
    assert_problem(&hello_rig, 404, "not_found");
    rig_get(&hello_rig, HELLO "/env/NONE");
    assert_problem(&hello_rig, 404, "not_found");
}

static void what_is_no_variable_is_refused(void **state)
{
    (void)state;
    static const char *const names[] = {"9", "A-B", "%00", "%zz", "A%3DB", "A%0D%0AX"};
    char target[128];
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        (void)snprintf(target, sizeof(target), HELLO "/env/%s", names[i]);
        rig_put(&hello_rig, target, "x");
        assert_problem(&hello_rig, 400, "bad_name");
    }
    rig_put(&hello_rig, HELLO "/env/A", "\xff");
    assert_problem(&hello_rig, 400, "bad_value");
    rig_send(&hello_rig, API_PUT, HELLO "/env/A", bytes_make("x\0y", 3));
    assert_problem(&hello_rig, 400, "bad_value");
    char large[DEPLOY_VARIABLE_VALUE_BYTES_MAX + 1];
    memset(large, 'x', sizeof(large));
    rig_send(&hello_rig, API_PUT, HELLO "/env/A", bytes_make(large, sizeof(large)));
    assert_problem(&hello_rig, 413, "body_too_large");
    rig_put(&hello_rig, HELLO "/env/A?x=1", "y");
    assert_problem(&hello_rig, 400, "bad_query");
}

static void a_function_that_is_not_there_has_none(void **state)
{
    (void)state;
    rig_get(&hello_rig, "/v1/tenants/default/functions/none/env");
    assert_problem(&hello_rig, 404, "not_found");
    rig_put(&hello_rig, "/v1/tenants/default/functions/none/env/A", "x");
    assert_problem(&hello_rig, 404, "not_found");
}

UNIT
{
    const struct CMUnitTest tests[] = {
        HELLO_TEST(own_variables_go_over_the_versions),
        HELLO_TEST(what_is_no_variable_is_refused),
        HELLO_TEST(a_function_that_is_not_there_has_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
