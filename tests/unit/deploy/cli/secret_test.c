/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secret: what is asked of the server, and that no value is shown.
 */
#include <stdio.h>

#include "deploy/cli/cli.h"
#include "tests/unit/deploy/cli/counter.h"

static void a_secret_is_put_from_a_file(void **state)
{
    struct counter *counter = *state;
    static const struct counter_answer put[] = {{200, "{\"name\":\"A\"}"}};
    static const struct counter_answer gone[] = {{503, "{\"detail\":\"not there now\"}"}};
    COUNTER_RUN(counter, put, "secret", "put", "hello", "A", "--file", counter->module);
    counter_assert_asked(counter, 0, "PUT /v1/tenants/default/functions/hello/secrets/A");
    assert_string_equal(counter->page->requests[0].body, "module");
    assert_says(counter->page->requests[0].head, "Content-Type: application/octet-stream");
    assert_says(counter->shown.out,
                "kept; the next request sees it\nnext: skerry secret list hello");
    COUNTER_RUN(counter, gone, "secret", "put", "hello", "A", "--file", counter->module);
    assert_int_not_equal(counter->shown.exit_status, CLI_OK);
    assert_says(counter->shown.err, "not there now");
}

static void a_script_without_stdin_keeps_no_empty_secret(void **state)
{
    struct counter *counter = *state;
    assert_non_null(freopen("/dev/null", "r", stdin));
    COUNTER_RUN_ALONE(counter, "secret", "put", "hello", "A");
    assert_int_equal(counter->shown.exit_status, CLI_USAGE);
    assert_says(counter->shown.err, "stdin is empty");
}

static void names_are_listed_and_removed(void **state)
{
    struct counter *counter = *state;
    static const struct counter_answer list[] = {{200, "{\"secrets\":[\"A\",\"B\"]}"}};
    static const struct counter_answer removed[] = {{200, "{\"name\":\"A\"}"}};
    COUNTER_RUN(counter, list, "secret", "list", "hello", "-t", "acme");
    counter_assert_asked(counter, 0, "GET /v1/tenants/acme/functions/hello/secrets");
    assert_says(counter->shown.out, "A\nB\n");
    COUNTER_RUN(counter, removed, "secret", "rm", "hello", "A");
    counter_assert_asked(counter, 0, "DELETE /v1/tenants/default/functions/hello/secrets/A");
    assert_says(counter->shown.out, "removed\n");
}

static void all_get_a_new_key(void **state)
{
    struct counter *counter = *state;
    static const struct counter_answer rotated[] = {{200, "{\"rotated\":true}"}};
    COUNTER_RUN(counter, rotated, "secret", "rotate");
    counter_assert_asked(counter, 0, "POST /v1/secrets/rotate");
    assert_says(counter->shown.out, "all secrets have a new key\n");
}

static void other_words_are_wrong_usage(void **state)
{
    struct counter *counter = *state;
    static const char *const lines[][4] = {{"list", NULL},
                                           {"put", "f", NULL},
                                           {"rm", "f", NULL},
                                           {"rotate", "f", NULL},
                                           {"get", "f", "A"}};
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        COUNTER_RUN_ALONE(counter, "secret", lines[i][0], lines[i][1], lines[i][2]);
        assert_int_equal(counter->shown.exit_status, CLI_USAGE);
    }
}

UNIT
{
    const struct CMUnitTest tests[] = {
        TEST_COUNTER(a_secret_is_put_from_a_file),
        TEST_COUNTER(a_script_without_stdin_keeps_no_empty_secret),
        TEST_COUNTER(names_are_listed_and_removed),
        TEST_COUNTER(all_get_a_new_key),
        TEST_COUNTER(other_words_are_wrong_usage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
