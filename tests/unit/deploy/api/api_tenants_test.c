/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tenants by the API: made, suspended, and bounded by quotas that say which they are.
 */
#include "rig.h"

#define ACME "/v1/tenants/acme"

static void put(struct rig *rig, const char *target, const char *body)
{
    rig_send(rig, API_PUT, target, bytes_of_text(body));
}

static void a_tenant_is_made_shown_and_removed(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    put(&rig, ACME, "");
    assert_status(&rig, 201);
    put(&rig, ACME, "{}");
    assert_status(&rig, 200);
    assert_int_equal(rig.fixture.committed_count, 1);
    put(&rig, ACME "/limits", "{\"stored\":100}");
    put(&rig, ACME "/functions/f", "abc");
    rig_get(&rig, ACME);
    assert_int_equal(number_of(&rig, "stored_bytes"), 3);
    assert_int_equal(number_of(&rig, "function_count"), 1);
    assert_true(json_is_false(json_object_get(rig.json, "suspended")));
    assert_int_equal(
        json_integer_value(json_object_get(json_object_get(rig.json, "limits"), "stored")), 100);
    rig_send(&rig, API_DELETE, ACME, bytes_make(NULL, 0));
    assert_problem(&rig, 409, "conflict");
    rig_send(&rig, API_DELETE, ACME "/functions/f", bytes_make(NULL, 0));
    rig_send(&rig, API_DELETE, ACME, bytes_make(NULL, 0));
    assert_status(&rig, 200);
    rig_get(&rig, ACME);
    assert_problem(&rig, 404, "not_found");
    rig_done(&rig);
}

static void a_suspended_tenant_is_changed_by_operators_only(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    put(&rig, ACME "/functions/f", "abc");
    put(&rig, ACME, "{\"suspended\":true}");
    assert_true(json_is_true(json_object_get(rig.json, "suspended")));
    rig.caller.verbs = RIG_DEPLOYER;
    put(&rig, ACME "/functions/f", "abcd");
    assert_problem(&rig, 403, "tenant_suspended");
    put(&rig, ACME "/kv/a", "1");
    assert_problem(&rig, 403, "tenant_suspended");
    rig_get(&rig, ACME "/functions/f");
    assert_status(&rig, 200);
    put(&rig, ACME, "{\"suspended\":false}");
    assert_problem(&rig, 403, "forbidden");
    rig.caller.verbs = API_VERBS_ALL;
    put(&rig, ACME "/functions/f", "abcd");
    assert_status(&rig, 201);
    put(&rig, ACME, "{\"suspended\":false}");
    rig.caller.verbs = RIG_DEPLOYER;
    put(&rig, ACME "/functions/f", "abcde");
    assert_status(&rig, 201);
    rig_done(&rig);
}

static void a_quota_that_is_used_up_names_itself(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    put(&rig, ACME "/limits", "{\"stored\":5,\"functions\":1}");
    put(&rig, ACME "/functions/f", "abc");
    assert_status(&rig, 201);
    put(&rig, ACME "/functions/f", "abcd");
    assert_problem(&rig, 507, "quota_exceeded");
    assert_non_null(strstr(text_of(&rig, "detail"), "`stored` is 5"));
    assert_int_equal(rig.withdrawn_count, 1);
    put(&rig, ACME "/functions/g", "a");
    assert_problem(&rig, 507, "quota_exceeded");
    assert_non_null(strstr(text_of(&rig, "detail"), "`functions` is 1"));
    rig_done(&rig);
}

static void what_is_no_tenant_is_refused(void **state)
{
    (void)state;
    static const char *const bodies[] = {"x", "[]", "{\"suspended\":1}", "{\"limits\":{}}",
                                         "{\"suspended\":true,\"suspended\":false}"};
    struct rig rig;
    rig_init(&rig);
    for (size_t i = 0; i < COUNT_OF(bodies); i++) {
        put(&rig, ACME, bodies[i]);
        assert_problem(&rig, 400, "bad_json");
    }
    put(&rig, "/v1/tenants/Acme", "");
    assert_problem(&rig, 400, "bad_name");
    assert_int_equal(rig.fixture.committed_count, 0);
    rig_done(&rig);
}

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
        cmocka_unit_test(a_tenant_is_made_shown_and_removed),
        cmocka_unit_test(a_suspended_tenant_is_changed_by_operators_only),
        cmocka_unit_test(a_quota_that_is_used_up_names_itself),
        cmocka_unit_test(what_is_no_tenant_is_refused),
        cmocka_unit_test(limits_of_a_tenant_are_replaced_as_a_whole),
        cmocka_unit_test(wrong_limits_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
