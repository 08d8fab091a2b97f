/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cert: certificates of hosts.
 */
#include "deploy/cli/cli.h"
#include "tests/unit/deploy/cli/counter.h"

static void they_are_listed_and_removed(void **state)
{
    struct counter *counter = *state;
    static const struct counter_answer list[] = {
        {200, "{\"certificates\":[{\"host\":\"a.b\",\"not_after\":\"2027\",\"origin\":\"api\"}],"
              "\"next\":\"a.b\"}"},
        {200, "{\"certificates\":[]}"}};
    COUNTER_RUN(counter, list, "cert", "list");
    counter_assert_asked(counter, 0, "GET /v1/certificates");
    counter_assert_asked(counter, 1, "GET /v1/certificates?after=a.b");
    assert_says(counter->shown.out, "a.b");
    static const struct counter_answer gone[] = {{200, "{\"host\":\"a.b\",\"deleted\":true}"}};
    COUNTER_RUN(counter, gone, "cert", "rm", "*.a.b");
    counter_assert_asked(counter, 0, "DELETE /v1/certificates/%2A.a.b");
    assert_says(counter->shown.out, "removed\n");
}

static void files_are_sent_together(void **state)
{
    struct counter *counter = *state;
    static const struct counter_answer put[] = {{200, "{\"host\":\"a.b\"}"}};
    char chain[] = "/tmp/skerry-cert-XXXXXX";
    int fd = mkstemp(chain);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "PEM", 3), 3);
    assert_int_equal(close(fd), 0);
    COUNTER_RUN(counter, put, "cert", "add", "a.b", chain, chain);
    counter_assert_asked(counter, 0, "PUT /v1/certificates/a.b");
    assert_string_equal(counter->page->requests[0].body, "PEM\nPEM\n");
    assert_int_equal(unlink(chain), 0);
    COUNTER_RUN_ALONE(counter, "cert", "add", "a.b", chain);
    assert_int_equal(counter->shown.exit_status, CLI_FAILED);
}

static void other_words_are_wrong_usage(void **state)
{
    struct counter *counter = *state;
    static const char *const lines[][2] = {{"add", "a.b"}, {"rm", NULL}, {"list", "a.b"}};
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        COUNTER_RUN_ALONE(counter, "cert", lines[i][0], lines[i][1]);
        assert_int_equal(counter->shown.exit_status, CLI_USAGE);
    }
}

UNIT
{
    const struct CMUnitTest tests[] = {
        TEST_COUNTER(they_are_listed_and_removed),
        TEST_COUNTER(files_are_sent_together),
        TEST_COUNTER(other_words_are_wrong_usage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
