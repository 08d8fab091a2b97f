/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kv: what is asked of the server, and what is shown of its answers.
 */
#include "deploy/cli/cli.h"
#include "tests/unit/deploy/cli/counter.h"

static void a_value_is_printed_as_it_is(void **state)
{
    struct counter *counter = *state;
    static const struct counter_answer value[] = {{200, "plain \xc3\xa9 text"}};
    static const struct counter_answer none[] = {{404, "{\"detail\":\"there is no such key\"}"}};
    COUNTER_RUN(counter, value, "kv", "get", "a/b c");
    counter_assert_asked(counter, 0, "GET /v1/tenants/default/kv/a%2fb%20c");
    assert_string_equal(counter->shown.out, "plain \xc3\xa9 text");
    COUNTER_RUN(counter, none, "kv", "get", "a");
    assert_int_equal(counter->shown.exit_status, CLI_NOT_FOUND);
    assert_says(counter->shown.err, "there is no such key");
}

static void a_value_is_json_if_that_is_wanted(void **state)
{
    struct counter *counter = *state;
    static const struct counter_answer text[] = {{200, "a \"b\"\n"}};
    static const struct counter_answer page[] = {{502, "<html>no skerry</html>"}};
    static const struct counter_answer bytes[] = {{200, "\xff\x1b"}};
    COUNTER_RUN(counter, text, "kv", "get", "a", "--json");
    assert_string_equal(counter->shown.out, "{\"value\":\"a \\\"b\\\"\\n\"}\n");
    COUNTER_RUN(counter, bytes, "kv", "get", "a", "--json");
    assert_string_equal(counter->shown.out, "{\"value_base64\":\"/xs=\"}\n");
    /* Nothing rather than what is none. */
    COUNTER_RUN(counter, page, "kv", "list", "--json");
    assert_int_equal(counter->shown.exit_status, CLI_FAILED);
    assert_string_equal(counter->shown.out, "");
}

static void a_value_is_put_with_its_time_and_for_a_version(void **state)
{
    struct counter *counter = *state;
    static const struct counter_answer put[] = {{200, "{\"version\":7,\"expires\":null}"}};
    static const struct counter_answer lost[] = {{412, "{\"detail\":\"another version\"}"}};
    COUNTER_RUN(counter, put, "kv", "put", "a", "some text", "--ttl", "2m", "--if-version", "0");
    counter_assert_asked(counter, 0, "PUT /v1/tenants/default/kv/a?ttl=120&if_version=0");
    assert_string_equal(counter->page->requests[0].body, "some text");
    assert_says(counter->page->requests[0].head, "Content-Type: application/octet-stream");
    assert_says(counter->shown.out, "version 7\nnext: skerry kv get a\n");
    COUNTER_RUN(counter, put, "kv", "put", "a", "--file", counter->module, "-t", "acme");
    counter_assert_asked(counter, 0, "PUT /v1/tenants/acme/kv/a");
    assert_string_equal(counter->page->requests[0].body, "module");
    COUNTER_RUN(counter, put, "kv", "put", "a", "-"); /* stdin is empty */
    assert_string_equal(counter->page->requests[0].body, "");
    COUNTER_RUN(counter, lost, "kv", "put", "a", "x");
    assert_int_equal(counter->shown.exit_status, CLI_CONFLICT);
}

static void a_key_is_removed(void **state)
{
    struct counter *counter = *state;
    static const struct counter_answer gone[] = {{200, "{\"version\":0,\"expires\":null}"}};
    COUNTER_RUN(counter, gone, "kv", "rm", "a", "--if-version", "7");
    counter_assert_asked(counter, 0, "DELETE /v1/tenants/default/kv/a?if_version=7");
    assert_says(counter->shown.out, "removed\n");
}

static void all_pages_are_listed(void **state)
{
    struct counter *counter = *state;
    static const struct counter_answer pages[] = {
        {200, "{\"keys\":[{\"key\":\"a\\u001b\",\"bytes\":3,\"version\":1,\"expires\":null}],"
              "\"next\":\"%61\",\"key_count\":2,\"bytes\":9,\"bytes_max\":10}"},
        {200,
         "{\"keys\":[{\"key_base64\":\"ev8=\",\"bytes\":3,\"version\":1,\"expires\":\"then\"}],"
         "\"key_count\":2,\"bytes\":9,\"bytes_max\":10}"}};
    COUNTER_RUN(counter, pages, "kv", "list", "a/");
    counter_assert_asked(counter, 0, "GET /v1/tenants/default/kv?prefix=a%2f");
    counter_assert_asked(counter, 1, "GET /v1/tenants/default/kv?prefix=a%2f&cursor=%61");
    assert_says(counter->shown.out, "\"a\\u001B\"\n");
    assert_says(counter->shown.out, "then                  \"ev8=\" (base64)\n");
    assert_says(counter->shown.out, "2 keys of the tenant, 9 of 10 bytes\n");
}

static void other_words_are_wrong_usage(void **state)
{
    struct counter *counter = *state;
    static const char *const lines[][4] = {
        {"get", NULL}, {"put", "a", NULL}, {"rm", NULL}, {"get", "", NULL}, {"say", "a", NULL}};
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        COUNTER_RUN_ALONE(counter, "kv", lines[i][0], lines[i][1], lines[i][2]);
        assert_int_equal(counter->shown.exit_status, CLI_USAGE);
    }
    COUNTER_RUN_ALONE(counter, "kv", "put", "a", "b", "--ttl", "soon");
    assert_int_equal(counter->shown.exit_status, CLI_USAGE);
    COUNTER_RUN_ALONE(counter, "kv", "put", "a", "b", "--ttl", "10ms");
    assert_says(counter->shown.err, "a second or more");
}

UNIT
{
    const struct CMUnitTest tests[] = {
        TEST_COUNTER(a_value_is_printed_as_it_is),
        TEST_COUNTER(a_value_is_json_if_that_is_wanted),
        TEST_COUNTER(a_value_is_put_with_its_time_and_for_a_version),
        TEST_COUNTER(a_key_is_removed),
        TEST_COUNTER(all_pages_are_listed),
        TEST_COUNTER(other_words_are_wrong_usage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
