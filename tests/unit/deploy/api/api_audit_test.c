/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit as it is asked for: pages, tenants, and the chain.
 */
#include "rig.h"

static size_t records(const struct rig *rig)
{
    return json_array_size(json_object_get(rig->json, "records"));
}

static const char *member(const struct rig *rig, size_t row, const char *name)
{
    const json_t *record = json_array_get(json_object_get(rig->json, "records"), row);
    const char *text = json_string_value(json_object_get(record, name));
    return text == NULL ? "" : text;
}

static void each_change_says_who_made_it_and_from_where(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    rig_put(&rig, HELLO, "abc");
    rig_put(&rig, HELLO "/env/A", "1");
    rig_put(&rig, HELLO "/secrets/S", "1");
    rig_put(&rig, "/v1/tenants/default/kv/a%2fb", "1");
    rig_put(&rig, HELLO, "");
    rig_get(&rig, "/v1/audit?verify=1");
    assert_status(&rig, 200);
    assert_int_equal(records(&rig), 4);
    assert_string_equal(member(&rig, 3, "action"), "deploy");
    assert_string_equal(member(&rig, 1, "action"), "secret_put");
    assert_string_equal(member(&rig, 1, "name"), "S");
    assert_string_equal(member(&rig, 0, "action"), "kv_put");
    assert_string_equal(member(&rig, 0, "name"), "a%2fb");
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(member(&rig, i, "who"), "uid 7");
        assert_string_equal(member(&rig, i, "from"), "socket");
        assert_string_equal(member(&rig, i, "request"), "0123456789abcdef");
        assert_string_equal(member(&rig, i, "tenant"), "default");
    }
    const json_t *chain = json_object_get(rig.json, "chain");
    assert_true(json_is_true(json_object_get(chain, "verified")));
    assert_int_equal(json_integer_value(json_object_get(chain, "checked")), 4);
    rig_done(&rig);
}

static void pages_go_back_and_a_tenant_sees_its_own(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    rig_put(&rig, HELLO, "abc");
    rig_put(&rig, "/v1/tenants/acme/functions/f", "abc");
    rig_put(&rig, HELLO, "abcd");
    rig_get(&rig, "/v1/audit?limit=2");
    assert_int_equal(records(&rig), 2);
    assert_int_equal(number_of(&rig, "next"), 2);
    rig_get(&rig, "/v1/audit?limit=2&before=2");
    assert_int_equal(records(&rig), 1);
    assert_null(json_object_get(rig.json, "next"));
    rig_get(&rig, "/v1/audit?tenant=default");
    assert_int_equal(records(&rig), 2);
    memcpy(rig.caller.tenant, "acme", 5);
    rig.caller.verbs = API_BIT(ADMIN);
    rig_get(&rig, "/v1/audit");
    assert_int_equal(records(&rig), 1);
    assert_string_equal(member(&rig, 0, "tenant"), "acme");
    rig_get(&rig, "/v1/audit?tenant=default");
    assert_problem(&rig, 404, "not_found");
    rig_get(&rig, "/v1/audit?verify=1");
    assert_problem(&rig, 403, "forbidden");
    rig_done(&rig);
}

static void wrong_parameters_are_refused(void **state)
{
    (void)state;
    struct rig rig;
    static const char *const bad[] = {
        "limit=0", "limit=x", "before=", "before=-1", "verify=2", "since=1"};
    rig_init(&rig);
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        char target[64];
        (void)snprintf(target, sizeof(target), "/v1/audit?%s", bad[i]);
        rig_get(&rig, target);
        assert_problem(&rig, 400, "bad_query");
    }
    rig_get(&rig, "/v1/audit");
    assert_status(&rig, 200);
    assert_int_equal(records(&rig), 0);
    rig_done(&rig);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_change_says_who_made_it_and_from_where),
        cmocka_unit_test(pages_go_back_and_a_tenant_sees_its_own),
        cmocka_unit_test(wrong_parameters_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
