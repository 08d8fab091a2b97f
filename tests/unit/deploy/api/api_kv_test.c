/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys and values over the API: bytes as they are, versions, times to live, quota, pages.
 */
#include "rig.h"

#define KV "/v1/tenants/acme/kv"

static void assert_value(struct rig *rig, const char *target, const char *value)
{
    rig_get(rig, target);
    assert_int_equal(rig->response.status, 200);
    assert_string_equal(rig->response.content_type, "application/octet-stream");
    assert_int_equal(rig->response.body.count, strlen(value));
    assert_memory_equal(rig->response.body.data, value, strlen(value));
}

static void a_value_is_given_back_as_it_came(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    rig_get(&rig, KV "/a");
    assert_problem(&rig, 404, "key_not_found");
    rig_put(&rig, KV "/a%2Fb%00", "{\"x\":1}");
    assert_status(&rig, 200);
    json_int_t version = number_of(&rig, "version");
    assert_true(version > 0);
    assert_true(json_is_null(json_object_get(rig.json, "expires")));
    assert_value(&rig, KV "/a%2fb%00", "{\"x\":1}");
    char etag[32];
    (void)snprintf(etag, sizeof(etag), "\"%" JSON_INTEGER_FORMAT "\"", version);
    assert_string_equal(rig.response.etag, etag);
    rig_send(&rig, API_DELETE, KV "/a%2fb%00", bytes_make(NULL, 0));
    assert_status(&rig, 200);
    assert_int_equal(number_of(&rig, "version"), 0);
    rig_send(&rig, API_DELETE, KV "/a%2fb%00", bytes_make(NULL, 0));
    assert_problem(&rig, 404, "key_not_found");
    rig_done(&rig);
}

static void a_version_can_be_asked_for(void **state)
{
    (void)state;
    struct rig rig;
    char target[96];
    rig_init(&rig);
    rig_put(&rig, KV "/a?if_version=0", "1");
    json_int_t version = number_of(&rig, "version");
    rig_put(&rig, KV "/a?if_version=0", "2");
    assert_problem(&rig, 412, "version_conflict");
    (void)snprintf(target, sizeof(target), KV "/a?if_version=%" JSON_INTEGER_FORMAT, version);
    rig_put(&rig, target, "2");
    assert_status(&rig, 200);
    rig_send(&rig, API_DELETE, target, bytes_make(NULL, 0));
    assert_problem(&rig, 412, "version_conflict");
    assert_value(&rig, KV "/a", "2");
    rig_done(&rig);
}

static void a_key_goes_when_its_time_is_over(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    rig_put(&rig, KV "/a?ttl=60", "x");
    assert_string_equal(text_of(&rig, "expires"), "2023-11-14T22:14:20Z");
    rig.fixture.now_ns += 60 * CLOCK_NS_PER_S - 1;
    assert_value(&rig, KV "/a", "x");
    rig.fixture.now_ns++;
    rig_get(&rig, KV "/a");
    assert_problem(&rig, 404, "key_not_found");
    rig_done(&rig);
}

static void what_is_wrong_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *target;
        int status;
        const char *code;
    } rows[] = {
        {KV "/", 400, "bad_key"},
        {KV "/%4", 400, "bad_key"},
        {KV "/a?ttl=0", 400, "bad_query"},
        {KV "/a?ttl=x", 400, "bad_query"},
        {KV "/a?ttl=99999999999", 400, "bad_query"},
        {KV "/a?ttl=12345678901234567890", 400, "bad_query"},
        {KV "/a?if_version=-1", 400, "bad_query"},
        {KV "/a?if_version=", 400, "bad_query"},
        {KV "/a?version=1", 400, "bad_query"},
        {"/v1/tenants/Acme/kv/a", 400, "bad_name"},
    };
    struct rig rig;
    static char large[KV_VALUE_BYTES_MAX + 1];
    char key[600] = KV "/";
    rig_init(&rig);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        rig_put(&rig, rows[i].target, "x");
        assert_problem(&rig, rows[i].status, rows[i].code);
    }
    memset(key + strlen(key), 'k', KV_KEY_BYTES_MAX + 1);
    rig_put(&rig, key, "x");
    assert_problem(&rig, 400, "bad_key");
    key[strlen(key) - 1] = '\0';
    rig_put(&rig, key, "x");
    assert_status(&rig, 200);
    rig_send(&rig, API_PUT, KV "/a", bytes_make(large, sizeof(large)));
    assert_problem(&rig, 413, "body_too_large");
    rig_send(&rig, API_PUT, KV "/a", bytes_make(large, RIG_KV_BYTES));
    assert_problem(&rig, 409, "limit");
    assert_non_null(strstr(text_of(&rig, "detail"), "limits.kv"));
    rig.caller.verbs = RIG_READER;
    rig_put(&rig, KV "/a", "x");
    assert_problem(&rig, 403, "forbidden");
    rig_done(&rig);
}

static void keys_are_listed_in_order_and_in_pages(void **state)
{
    (void)state;
    struct rig rig;
    char target[96];
    rig_init(&rig);
    struct kv_change change = {.verb = KV_PUT, .tenant = bytes_of_text("other")};
    struct kv_change *group = &change;
    struct report report = REPORT_INIT;
    kv_store_close(rig.kv);
    const struct kv_store_options options = {.data_dir = rig.fixture.dir,
                                             .map_bytes = MAP_BYTES,
                                             .tenant_bytes_max = 1 << 30,
                                             .clock = &rig.fixture.clock};
    assert_int_equal(kv_store_open(&options, &report, &rig.kv), STATUS_OK);
    rig.api.kv = rig.kv;
    for (int i = 0; i < 1001; i++) {
        char key[16];
        (void)snprintf(key, sizeof(key), "k/%04d", i);
        change.key = bytes_of_text(key);
        assert_int_equal(kv_store_apply(rig.kv, &group, 1, &report), STATUS_OK);
    }
    change.key = bytes_make("z\xff", 2);
    assert_int_equal(kv_store_apply(rig.kv, &group, 1, &report), STATUS_OK);
    rig_get(&rig, "/v1/tenants/other/kv?prefix=k%2F");
    assert_status(&rig, 200);
    assert_int_equal(json_array_size(json_object_get(rig.json, "keys")), 1000);
    assert_int_equal(number_of(&rig, "key_count"), 1002);
    (void)snprintf(target, sizeof(target), "/v1/tenants/other/kv?prefix=k%%2F&cursor=%s",
                   text_of(&rig, "next"));
    rig_get(&rig, target);
    const json_t *rows = json_object_get(rig.json, "keys");
    assert_int_equal(json_array_size(rows), 1);
    assert_string_equal(json_string_value(json_object_get(json_array_get(rows, 0), "key")),
                        "k/1000");
    assert_null(json_object_get(rig.json, "next"));
    rig_get(&rig, "/v1/tenants/other/kv?prefix=z");
    const json_t *row = json_array_get(json_object_get(rig.json, "keys"), 0);
    assert_string_equal(json_string_value(json_object_get(row, "key_base64")), "ev8=");
    change.key = bytes_make("y\0", 2);
    assert_int_equal(kv_store_apply(rig.kv, &group, 1, &report), STATUS_OK);
    rig_get(&rig, "/v1/tenants/other/kv?prefix=y");
    row = json_array_get(json_object_get(rig.json, "keys"), 0);
    assert_string_equal(json_string_value(json_object_get(row, "key_base64")), "eQA=");
    rig_get(&rig, KV);
    assert_int_equal(json_array_size(json_object_get(rig.json, "keys")), 0);
    rig_done(&rig);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_is_given_back_as_it_came),
        cmocka_unit_test(a_version_can_be_asked_for),
        cmocka_unit_test(a_key_goes_when_its_time_is_over),
        cmocka_unit_test(what_is_wrong_is_refused),
        cmocka_unit_test(keys_are_listed_in_order_and_in_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
