/* SPDX-License-Identifier: Apache-2.0 */
/*
 * If-Match at every path that can be read and changed.
 */
#include "rig.h"

#define TENANT "/v1/tenants/default"

static char tag[API_ETAG_BYTES];

static void see(const char *path)
{
    rig_get(&hello_rig, path);
    assert_status(&hello_rig, 200);
    memcpy(tag, hello_rig.response.etag, sizeof(tag));
    assert_int_equal(tag[0], '"');
}

static void change(enum api_method method, const char *path, const char *body, const char *match)
{
    hello_rig.if_match = match == NULL ? bytes_make(NULL, 0) : bytes_of_text(match);
    rig_send(&hello_rig, method, path, bytes_of_text(body));
    hello_rig.if_match = bytes_make(NULL, 0);
}

static void what_was_seen_is_changed_and_nothing_else(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        const char *first;
        const char *second;
    } rows[] = {
        {HELLO "/env/NAME", "one", "two"},
        {HELLO "/aliases/good", "{\"version\":\"v1\"}", "{\"version\":\"v1\",\"other\":1}"},
        {HELLO "/routes/all", "{\"host\":\"a.test\",\"path\":\"/a\"}",
         "{\"host\":\"a.test\",\"path\":\"/b\"}"},
        {HELLO "/cron/often", "{\"schedule\":\"* * * * *\"}", "{\"schedule\":\"1 * * * *\"}"},
        {TENANT "/domains/a.test", "{}", "{\"function\":\"hello\"}"},
        {TENANT "/limits", "{\"functions\":4}", "{\"functions\":5}"},
        {TENANT "/kv/key", "{\"a\":1}", "{\"a\":2}"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const char *path = rows[i].path;
        change(API_PUT, path, rows[i].first, NULL);
        if (hello_rig.response.status >= 300)
            fail_msg("%s: %d", path, hello_rig.response.status);
        see(path);
        char first[API_ETAG_BYTES];
        memcpy(first, tag, sizeof(first));
        see(path);
        assert_string_equal(first, tag); /* as long as it is the same */
        change(API_PUT, path, rows[i].second, "\"another\"");
        assert_problem(&hello_rig, 412, "precondition_failed");
        assert_string_equal(hello_rig.response.etag, first);
        if (strstr(rows[i].second, "other") == NULL) {
            change(API_PUT, path, rows[i].second, first);
            assert_true(hello_rig.response.status < 300);
            change(API_PUT, path, rows[i].first, first);
            assert_problem(&hello_rig, 412, "precondition_failed");
        }
    }
}

static void a_rollback_is_of_the_deployment_that_was_seen(void **state)
{
    (void)state;
    char first[API_ETAG_BYTES];
    see(HELLO "/deployment");
    memcpy(first, tag, sizeof(first));
    change(API_POST, HELLO "/versions", "m2", first);
    assert_problem(&hello_rig, 412, "precondition_failed"); /* that one's tag is the function's */
    see(HELLO);
    change(API_POST, HELLO "/versions", "m2", tag);
    assert_status(&hello_rig, 201);
    change(API_POST, HELLO "/rollback", "{\"to\":\"v2\"}", "\"another\"");
    assert_problem(&hello_rig, 412, "precondition_failed");
    assert_string_equal(hello_rig.response.etag, first);
    change(API_POST, HELLO "/rollback", "{\"to\":\"v2\"}", first);
    assert_status(&hello_rig, 200);
    change(API_POST, HELLO "/rollback", "{\"to\":\"v1\"}", first);
    assert_problem(&hello_rig, 412, "precondition_failed");
    change(API_POST, "/v1/tokens", "{}", "*");
    assert_problem(&hello_rig, 412, "precondition_failed"); /* nothing shows it */
}

static void what_is_gone_matches_nothing(void **state)
{
    (void)state;
    change(API_PUT, HELLO "/env/NAME", "one", "*");
    assert_problem(&hello_rig, 412, "precondition_failed");
    change(API_PUT, HELLO "/env/NAME", "one", NULL);
    see(HELLO "/env/NAME");
    change(API_DELETE, HELLO "/env/NAME", "", "\"x\"");
    assert_problem(&hello_rig, 412, "precondition_failed");
    change(API_DELETE, HELLO "/env/NAME", "", tag);
    assert_status(&hello_rig, 200);
    change(API_DELETE, HELLO "/env/NAME", "", tag);
    assert_problem(&hello_rig, 412, "precondition_failed");
    assert_string_equal(hello_rig.response.etag, "");
}

static void a_field_may_name_several_and_a_weak_one_is_none(void **state)
{
    (void)state;
    char field[3 * API_ETAG_BYTES];
    change(API_PUT, HELLO "/env/NAME", "one", NULL);
    see(HELLO "/env/NAME");
    (void)snprintf(field, sizeof(field), "W/%s", tag);
    change(API_PUT, HELLO "/env/NAME", "one", field);
    assert_problem(&hello_rig, 412, "precondition_failed");
    (void)snprintf(field, sizeof(field), "\"x\" ,\t%s , \"y\"", tag);
    change(API_PUT, HELLO "/env/NAME", "one", field);
    assert_status(&hello_rig, 200);
    (void)snprintf(field, sizeof(field), ",%.10s,,", tag);
    change(API_PUT, HELLO "/env/NAME", "one", field);
    assert_problem(&hello_rig, 412, "precondition_failed");
}

static void an_upload_is_of_what_is_live(void **state)
{
    (void)state;
    see(HELLO);
    change(API_PUT, HELLO, "m2", "\"x\"");
    assert_problem(&hello_rig, 412, "precondition_failed");
    change(API_PUT, HELLO, "m2", tag);
    assert_status(&hello_rig, 201);
    change(API_PUT, HELLO, "m3", tag);
    assert_problem(&hello_rig, 412, "precondition_failed");
    change(API_DELETE, HELLO, "", tag);
    assert_problem(&hello_rig, 412, "precondition_failed");
    see(HELLO);
    change(API_DELETE, HELLO, "", tag);
    assert_status(&hello_rig, 200);
}

static void what_nobody_reads_has_no_tag(void **state)
{
    (void)state;
    change(API_PUT, HELLO "/secrets/KEY", "value", "*");
    assert_problem(&hello_rig, 412, "precondition_failed");
    rig_get(&hello_rig, HELLO "/versions");
    assert_status(&hello_rig, 200);
    assert_string_equal(hello_rig.response.etag, "");
}

UNIT
{
    const struct CMUnitTest tests[] = {
        HELLO_TEST(what_was_seen_is_changed_and_nothing_else),
        HELLO_TEST(a_rollback_is_of_the_deployment_that_was_seen),
        HELLO_TEST(what_is_gone_matches_nothing),
        HELLO_TEST(a_field_may_name_several_and_a_weak_one_is_none),
        HELLO_TEST(an_upload_is_of_what_is_live),
        HELLO_TEST(what_nobody_reads_has_no_tag),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
