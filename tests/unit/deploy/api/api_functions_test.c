/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tenants, functions and versions: listed, shown, removed, put live.
 */
#include "rig.h"

#define PAGE_MAX 1000 /* rows of one answer */

static void upload_without_activation_waits_for_a_rollback_to_it(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    rig_put(&rig, HELLO, "abc");
    rig_send(&rig, API_POST, HELLO "/versions", bytes_of_text("def"));
    assert_status(&rig, 201);
    assert_true(json_is_false(json_object_get(rig.json, "active")));
    rig_send(&rig, API_POST, HELLO "/versions", bytes_of_text("def"));
    assert_status(&rig, 200);
    assert_string_equal(text_of(&rig, "version"), "v2");
    rig_get(&rig, HELLO);
    assert_string_equal(text_of(&rig, "version"), "v1");
    rig_send(&rig, API_POST, HELLO "/rollback", bytes_of_text("{\"to\":\"v2\"}"));
    assert_status(&rig, 200);
    assert_string_equal(text_of(&rig, "version"), "v2");
    rig_send(&rig, API_POST, HELLO "/rollback", bytes_make(NULL, 0));
    assert_string_equal(text_of(&rig, "version"), "v1");
    rig_get(&rig, HELLO "/versions");
    json_t *versions = json_object_get(rig.json, "versions");
    assert_int_equal(json_array_size(versions), 2);
    json_t *newest = json_array_get(versions, 0);
    assert_string_equal(json_string_value(json_object_get(newest, "version")), "v2");
    assert_true(json_is_false(json_object_get(newest, "active")));
    rig_get(&rig, HELLO "/versions/v1");
    assert_status(&rig, 200);
    assert_true(json_is_true(json_object_get(rig.json, "active")));
    rig_done(&rig);
}

static void lists_of_tenants_come_in_pages(void **state)
{
    (void)state;
    struct rig rig;
    char tenant[16];
    uint32_t number;
    rig_init(&rig);
    for (uint32_t i = 0; i <= PAGE_MAX; i++) {
        (void)snprintf(tenant, sizeof(tenant), "t%04u", i);
        assert_int_equal(fixture_add(&rig.fixture, tenant, "f", bytes_of_text("m"), &number),
                         STATUS_OK);
    }
    rig_get(&rig, "/v1/tenants");
    assert_status(&rig, 200);
    assert_int_equal(json_array_size(json_object_get(rig.json, "tenants")), PAGE_MAX);
    (void)snprintf(tenant, sizeof(tenant), "t%04u", PAGE_MAX - 1);
    assert_string_equal(text_of(&rig, "next"), tenant);
    char target[64];
    (void)snprintf(target, sizeof(target), "/v1/tenants?after=%s", tenant);
    rig_get(&rig, target);
    assert_int_equal(json_array_size(json_object_get(rig.json, "tenants")), 1);
    assert_null(json_object_get(rig.json, "next"));
    rig_get(&rig, "/v1/tenants?before=t0001");
    assert_problem(&rig, 400, "bad_query");
    rig_get(&rig, "/v1/tenants?after=../x");
    assert_problem(&rig, 400, "bad_query");
    rig_done(&rig);
}

static void wrong_rollbacks_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        int status;
        const char *code;
    } rows[] = {
        {"", 409, "conflict"},
        {"{\"to\":\"v9\"}", 404, "not_found"},
        {"{\"to\":\"9\"}", 400, "bad_version"},
        {"{\"to\":2}", 400, "bad_json"},
        {"{\"two\":\"v1\"}", 400, "bad_json"},
        {"[]", 400, "bad_json"},
        {"{\"to\":\"v1\"", 400, "bad_json"},
    };
    struct rig rig;
    rig_init(&rig);
    rig_put(&rig, HELLO, "abc");
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        rig_send(&rig, API_POST, HELLO "/rollback", bytes_of_text(rows[i].body));
        assert_problem(&rig, rows[i].status, rows[i].code);
    }
    assert_int_equal(rig.fixture.committed_count, 1);
    rig_done(&rig);
}

static void a_tenant_can_be_removed_once_it_is_empty(void **state)
{
    (void)state;
    struct rig rig;
    static const char tenant[] = "/v1/tenants/default";
    rig_init(&rig);
    rig_send(&rig, API_DELETE, tenant, bytes_make(NULL, 0));
    assert_problem(&rig, 404, "not_found");
    rig_put(&rig, HELLO, "abc");
    rig_send(&rig, API_DELETE, tenant, bytes_make(NULL, 0));
    assert_problem(&rig, 409, "conflict");
    assert_non_null(strstr(text_of(&rig, "detail"), "1 function: remove it"));
    rig_send(&rig, API_DELETE, HELLO, bytes_make(NULL, 0));
    assert_status(&rig, 200);
    rig_send(&rig, API_DELETE, tenant, bytes_make(NULL, 0));
    assert_status(&rig, 200);
    assert_string_equal(text_of(&rig, "tenant"), "default");
    rig_get(&rig, tenant);
    assert_problem(&rig, 404, "not_found");
    rig_done(&rig);
}

static void removed_function_is_gone_and_its_tenant_stays(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    rig_put(&rig, HELLO, "abc");
    rig_send(&rig, API_DELETE, HELLO, bytes_make(NULL, 0));
    assert_status(&rig, 200);
    assert_int_equal(json_integer_value(json_object_get(rig.json, "version_count")), 1);
    assert_int_equal(rig.fixture.gone_count, 1);
    rig_get(&rig, "/v1/tenants/default/functions");
    assert_status(&rig, 200);
    assert_int_equal(json_array_size(json_object_get(rig.json, "functions")), 0);
    rig_get(&rig, "/v1/tenants");
    assert_int_equal(json_array_size(json_object_get(rig.json, "tenants")), 1);
    rig_done(&rig);
}

static void long_lists_come_in_pages(void **state)
{
    (void)state;
    struct rig rig;
    uint32_t number;
    char name[16];
    char target[128];
    rig_init(&rig);
    for (int i = 0; i <= PAGE_MAX; i++) {
        (void)snprintf(name, sizeof(name), "f%04d", i);
        assert_int_equal(fixture_add(&rig.fixture, "default", name, bytes_of_text("x"), &number),
                         STATUS_OK);
    }
    rig_get(&rig, "/v1/tenants/default/functions");
    assert_int_equal(json_array_size(json_object_get(rig.json, "functions")), PAGE_MAX);
    assert_string_equal(text_of(&rig, "next"), "f0999");
    (void)snprintf(target, sizeof(target), "/v1/tenants/default/functions?after=%s",
                   text_of(&rig, "next"));
    rig_get(&rig, target);
    assert_int_equal(json_array_size(json_object_get(rig.json, "functions")), 1);
    assert_null(json_object_get(rig.json, "next"));
    rig_done(&rig);
}

static void starts_are_those_of_the_function_as_it_was_made(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    rig_get(&rig, HELLO "/starts");
    assert_problem(&rig, 404, "not_found");
    rig_put(&rig, HELLO, "abc");
    rig_get(&rig, HELLO "/starts");
    assert_status(&rig, 200);
    assert_string_equal(rig.response.content_type, "application/json");
    assert_string_equal(text_of(&rig, "cold"), "default/hello");
    rig_get(&rig, HELLO "/starts?since=1");
    assert_problem(&rig, 400, "bad_query");
    rig.starts_fail = true;
    rig_get(&rig, HELLO "/starts");
    assert_problem(&rig, 500, "no_memory");
    rig_done(&rig);
}

static void a_function_says_that_its_version_is_in_quarantine(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    rig_put(&rig, HELLO, "abc");
    rig_get(&rig, HELLO);
    assert_null(json_object_get(rig.json, "quarantined_us"));
    rig.quarantined_version = 1;
    rig_get(&rig, HELLO);
    assert_int_equal(json_integer_value(json_object_get(rig.json, "quarantined_us")), 7000000);
    rig_put(&rig, HELLO, "abcd");
    rig_get(&rig, HELLO);
    assert_null(json_object_get(rig.json, "quarantined_us"));
    rig_done(&rig);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(upload_without_activation_waits_for_a_rollback_to_it),
        cmocka_unit_test(wrong_rollbacks_are_refused),
        cmocka_unit_test(lists_of_tenants_come_in_pages),
        cmocka_unit_test(a_tenant_can_be_removed_once_it_is_empty),
        cmocka_unit_test(removed_function_is_gone_and_its_tenant_stays),
        cmocka_unit_test(long_lists_come_in_pages),
        cmocka_unit_test(starts_are_those_of_the_function_as_it_was_made),
        cmocka_unit_test(a_function_says_that_its_version_is_in_quarantine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
