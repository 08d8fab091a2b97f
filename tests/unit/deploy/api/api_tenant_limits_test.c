/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tenant's limits: one document, replaced as a whole.
 */
#include "rig.h"

#define LIMITS "/v1/tenants/acme/limits"

static void limits_of_a_tenant_are_replaced_as_a_whole(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    rig_get(&rig, LIMITS);
    assert_problem(&rig, 404, "not_found");
    rig_send(&rig, API_PUT, LIMITS, bytes_of_text("{\"cpu_share\":4,\"queue\":9}"));
    assert_status(&rig, 200);
    assert_int_equal(rig.fixture.committed_count, 1);
    rig_get(&rig, LIMITS);
    assert_status(&rig, 200);
    assert_int_equal(number_of(&rig, "cpu_share"), 4);
    assert_true(json_is_null(json_object_get(rig.json, "concurrency")));
    rig_send(&rig, API_PUT, LIMITS, bytes_of_text("{\"queue\":null,\"pool\":3}"));
    assert_int_equal(number_of(&rig, "pool"), 3);
    assert_true(json_is_null(json_object_get(rig.json, "cpu_share")));
    rig_send(&rig, API_DELETE, LIMITS, bytes_make(NULL, 0));
    assert_problem(&rig, 405, "method_not_allowed");
    rig_done(&rig);
}

static void wrong_limits_change_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        const char *code;
    } rows[] = {
        {"", "bad_json"},
        {"{\"pool\":3", "bad_json"},
        {"{\"pool\":3,\"pool\":4}", "bad_json"},
        {"[1]", "bad_limit"},
        {"{\"pool\":0}", "bad_limit"},
        {"{\"pools\":3}", "bad_limit"},
    };
    struct rig rig;
    static char huge[5000];
    rig_init(&rig);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        rig_send(&rig, API_PUT, LIMITS, bytes_of_text(rows[i].body));
        assert_problem(&rig, 400, rows[i].code);
    }
    assert_non_null(strstr(text_of(&rig, "detail"), "did you mean `pool`?"));
    memset(huge, ' ', sizeof(huge));
    rig_send(&rig, API_PUT, LIMITS, bytes_make(huge, sizeof(huge)));
    assert_problem(&rig, 413, "body_too_large");
    rig_send(&rig, API_PUT, LIMITS "?x=1", bytes_of_text("{}"));
    assert_problem(&rig, 400, "bad_query");
    rig_get(&rig, LIMITS);
    assert_problem(&rig, 404, "not_found");
    rig_done(&rig);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits_of_a_tenant_are_replaced_as_a_whole),
        cmocka_unit_test(wrong_limits_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
