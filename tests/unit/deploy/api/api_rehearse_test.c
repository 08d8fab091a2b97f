/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ?dry_run=1: answered as the change would be, and nothing is another afterwards.
 */
#include "rig.h"

#define TENANT "/v1/tenants/default"

static uint64_t entry_count(enum records_db db)
{
    struct store_stats stats;
    assert_int_equal(store_stats(hello_rig.fixture.store, NULL, &stats), STATUS_OK);
    return stats.entries[db];
}

static void attempt(enum api_method method, const char *target, const char *body)
{
    rig_send(&hello_rig, method, target, bytes_of_text(body));
}

static void a_change_is_answered_as_if_it_was_made(void **state)
{
    (void)state;
    uint64_t changes = entry_count(RECORDS_CHANGELOG);
    attempt(API_PUT, HELLO "/aliases/good?dry_run=1", "{\"version\":\"v1\"}");
    assert_status(&hello_rig, 200);
    assert_string_equal(text_of(&hello_rig, "version"), "v1");
    assert_true(json_is_true(json_object_get(hello_rig.json, "dry_run")));
    assert_string_equal(hello_rig.response.etag, "");
    rig_get(&hello_rig, HELLO "/aliases/good");
    assert_problem(&hello_rig, 404, "not_found");
    attempt(API_DELETE, HELLO "?dry_run", "");
    assert_status(&hello_rig, 200);
    assert_int_equal(number_of(&hello_rig, "version_count"), 1);
    rig_get(&hello_rig, HELLO);
    assert_status(&hello_rig, 200);
    assert_int_equal(hello_rig.fixture.gone_count, 0);
    assert_int_equal(entry_count(RECORDS_CHANGELOG), changes);
    attempt(API_PUT, HELLO "/aliases/good?dry_run=0", "{\"version\":\"v1\"}");
    assert_null(json_object_get(hello_rig.json, "dry_run"));
    rig_get(&hello_rig, HELLO "/aliases/good");
    assert_status(&hello_rig, 200);
}

static void it_is_refused_for_what_the_change_would_be_refused_for(void **state)
{
    (void)state;
    attempt(API_POST, HELLO "/rollback?dry_run=1", "{\"to\":\"v9\"}");
    assert_problem(&hello_rig, 404, "not_found");
    attempt(API_PUT, TENANT "/limits?dry_run=1", "{\"functons\":1}");
    assert_status(&hello_rig, 400);
    attempt(API_PUT, HELLO "/aliases/good?dry_run=maybe", "{\"version\":\"v1\"}");
    assert_problem(&hello_rig, 400, "bad_query");
    rig_get(&hello_rig, HELLO "?dry_run=1");
    assert_problem(&hello_rig, 400, "bad_query");
}

static void what_cannot_be_undone_is_not_tried(void **state)
{
    (void)state;
    attempt(API_PUT, TENANT "/kv/key?dry_run=1", "1");
    assert_problem(&hello_rig, 400, "no_dry_run");
    rig_get(&hello_rig, TENANT "/kv/key");
    assert_status(&hello_rig, 404);
    attempt(API_POST, "/v1/drain?dry_run=1", "");
    assert_problem(&hello_rig, 400, "no_dry_run");
    attempt(API_PUT, HELLO "/secrets/KEY?dry_run=1", "x");
    assert_problem(&hello_rig, 400, "no_dry_run");
    hello_rig.content_type = bytes_of_text("application/x-pem-file");
    attempt(API_PUT, TENANT "/domains/a.test?dry_run=1", "-----BEGIN");
    hello_rig.content_type = bytes_make(NULL, 0);
    assert_problem(&hello_rig, 400, "no_dry_run");
}

UNIT
{
    const struct CMUnitTest tests[] = {
        HELLO_TEST(a_change_is_answered_as_if_it_was_made),
        HELLO_TEST(it_is_refused_for_what_the_change_would_be_refused_for),
        HELLO_TEST(what_cannot_be_undone_is_not_tried),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
