/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Aliases through the API.
 */
#include "rig.h"

#include "deploy/api/api_private.h"

static void an_alias_is_made_shown_and_removed(void **state)
{
    (void)state;
    rig_put(&hello_rig, HELLO "/aliases/stage", "{\"version\":\"v1\"}");
    assert_status(&hello_rig, 200);
    assert_string_equal(text_of(&hello_rig, "version"), "v1");
    assert_non_null(strstr(text_of(&hello_rig, "url"), "//stage--hello.default."));
    rig_get(&hello_rig, HELLO "/aliases");
    assert_int_equal(json_array_size(json_object_get(hello_rig.json, "aliases")), 1);
    rig_get(&hello_rig, HELLO "/aliases/stage");
    assert_status(&hello_rig, 200);
    rig_send(&hello_rig, API_DELETE, HELLO "/aliases/stage", bytes_make(NULL, 0));
    assert_status(&hello_rig, 200);
    rig_get(&hello_rig, HELLO "/aliases/stage");
    assert_problem(&hello_rig, 404, "not_found");
}

static void what_is_no_alias_is_refused(void **state)
{
    (void)state;
    static const char *const names[] = {"v1", "Stage", "a--b", "-a", "a%2fb"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        char target[128];
        (void)snprintf(target, sizeof(target), HELLO "/aliases/%s", names[i]);
        rig_put(&hello_rig, target, "{\"version\":\"v1\"}");
        assert_problem(&hello_rig, 400, "bad_name");
    }
    static const char *const bodies[] = {
        "", "[]", "{}", "{\"version\":1}", "{\"version\":\"1\"}", "{\"version\":\"v1\",\"x\":1}"};
    for (size_t i = 0; i < COUNT_OF(bodies); i++) {
        rig_put(&hello_rig, HELLO "/aliases/stage", bodies[i]);
        assert_problem(&hello_rig, 400, "bad_alias");
    }
    rig_put(&hello_rig, HELLO "/aliases/stage", "{\"version\":\"v2\"}");
    assert_problem(&hello_rig, 404, "not_found");
}

UNIT
{
    const struct CMUnitTest tests[] = {
        HELLO_TEST(an_alias_is_made_shown_and_removed),
        HELLO_TEST(what_is_no_alias_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
