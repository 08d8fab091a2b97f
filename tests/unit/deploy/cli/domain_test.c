/* SPDX-License-Identifier: Apache-2.0 */
/*
 * domain: a tenant's hosts.
 */
#include "deploy/cli/cli.h"
#include "tests/unit/deploy/cli/counter.h"

#define DOMAINS "/v1/tenants/default/domains"

static void domains_are_listed_page_by_page(void **state)
{
    struct counter *counter = *state;
    static const struct counter_answer pages[] = {
        {200, "{\"domains\":[{\"host\":\"a.b\",\"function\":\"web\",\"tls\":\"acme\",\"proof\":"
              "\"dns\"}],\"next\":\"a.b\"}"},
        {200, "{\"domains\":[{\"host\":\"c.d\",\"function\":null,\"tls\":\"off\",\"proof\":"
              "\"pending\",\"challenge\":{\"name\":\"_skerry.c.d\",\"type\":\"TXT\",\"value\":"
              "\"x=1\"}}]}"}};
    COUNTER_RUN(counter, pages, "domain", "list");
    counter_assert_asked(counter, 0, "GET " DOMAINS);
    counter_assert_asked(counter, 1, "GET " DOMAINS "?after=a.b");
    assert_says(counter->shown.out, "a.b");
    assert_says(counter->shown.out, "to prove it, add: _skerry.c.d TXT \"x=1\"\n");
    static const struct counter_answer none[] = {{200, "{\"domains\":[]}"}};
    COUNTER_RUN(counter, none, "domain", "list");
    assert_says(counter->shown.out, "tenant default has no domains\n");
}

static void a_domain_is_asked_for_shown_and_given_up(void **state)
{
    struct counter *counter = *state;
    static const struct counter_answer one[] = {{200, "{\"host\":\"a.b\"}"}};
    COUNTER_RUN(counter, one, "domain", "add", "*.a.b", "web", "--tls", "acme");
    counter_assert_asked(counter, 0, "PUT " DOMAINS "/%2A.a.b");
    assert_string_equal(counter->page->requests[0].body, "{\"function\":\"web\",\"tls\":\"acme\"}");
    COUNTER_RUN(counter, one, "domain", "show", "a.b");
    counter_assert_asked(counter, 0, "GET " DOMAINS "/a.b");
    static const struct counter_answer gone[] = {{200, "{\"host\":\"a.b\",\"deleted\":true}"}};
    COUNTER_RUN(counter, gone, "domain", "rm", "a.b");
    counter_assert_asked(counter, 0, "DELETE " DOMAINS "/a.b");
    assert_says(counter->shown.out, "removed a.b\n");
}

static void other_words_are_wrong_usage(void **state)
{
    struct counter *counter = *state;
    static const char *const lines[][2] = {
        {"add", NULL}, {"rm", NULL}, {"show", NULL}, {"list", "a.b"}, {"put", "a.b"}};
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        COUNTER_RUN_ALONE(counter, "domain", lines[i][0], lines[i][1]);
        assert_int_equal(counter->shown.exit_status, CLI_USAGE);
    }
}

UNIT
{
    const struct CMUnitTest tests[] = {
        TEST_COUNTER(domains_are_listed_page_by_page),
        TEST_COUNTER(a_domain_is_asked_for_shown_and_given_up),
        TEST_COUNTER(other_words_are_wrong_usage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
