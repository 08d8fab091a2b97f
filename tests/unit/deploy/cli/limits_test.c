/* SPDX-License-Identifier: Apache-2.0 */
/*
 * limits: the server's and a tenant's own, and that a change leaves the others as they were.
 */
#include "deploy/cli/cli.h"
#include "tests/unit/deploy/cli/counter.h"

#define LIMITS "/v1/tenants/acme/limits"

static void without_a_tenant_they_are_the_servers(void **state)
{
    struct counter *counter = *state;
    static const struct counter_answer answers[] = {
        {200, "{\"limits\":{\"memory\":{\"text\":\"128MiB\",\"meaning\":\"of a guest\"}}}"}};
    COUNTER_RUN(counter, answers, "limits");
    counter_assert_asked(counter, 0, "GET /v1/limits");
    assert_says(counter->shown.out, "memory         128MiB     of a guest\n");
}

static void what_a_tenant_has_not_set_is_the_default(void **state)
{
    struct counter *counter = *state;
    static const struct counter_answer answers[] = {{200, "{\"queue\":7,\"pool\":null}"}};
    COUNTER_RUN(counter, answers, "limits", "-t", "acme");
    counter_assert_asked(counter, 0, "GET " LIMITS);
    assert_says(counter->shown.out, "\nqueue           7 ");
    assert_says(counter->shown.out, "\npool            default (");
}

static void a_change_is_put_over_what_is_there(void **state)
{
    struct counter *counter = *state;
    static const struct counter_answer answers[] = {{200, "{\"queue\":7,\"pool\":3}"},
                                                    {200, "{\"queue\":8,\"pool\":null}"}};
    COUNTER_RUN(counter, answers, "limits", "-t", "acme", "queue=8", "pool=default", "--json");
    assert_int_equal(counter->shown.exit_status, CLI_OK);
    counter_assert_asked(counter, 1, "PUT " LIMITS);
    json_t *sent = json_loads(counter->page->requests[1].body, 0, NULL);
    json_t *wanted = json_pack("{s:i, s:n}", "queue", 8, "pool");
    assert_true(json_equal(sent, wanted));
    json_decref(sent);
    json_decref(wanted);
    /* Of both answers only the last is the verb's. */
    assert_string_equal(counter->shown.out, answers[1].body);
}

static void a_tenant_that_is_not_there_yet_has_none(void **state)
{
    struct counter *counter = *state;
    static const struct counter_answer answers[] = {{404, "{\"detail\":\"no tenant\"}"},
                                                    {200, "{}"}};
    COUNTER_RUN(counter, answers, "limits", "-t", "acme", "queue=8");
    assert_int_equal(counter->shown.exit_status, CLI_OK);
    assert_string_equal(counter->page->requests[1].body, "{\"queue\":8}");
    assert_string_equal(counter->shown.err, "");
}

static void quotas_are_written_with_their_units(void **state)
{
    struct counter *counter = *state;
    static const struct counter_answer answers[] = {
        {200, "{}"}, {200, "{\"stored\":3221225472,\"fuel_per_s\":2000000}"}};
    COUNTER_RUN(counter, answers, "limits", "-t", "acme", "stored=3GiB", "fuel_per_s=2M",
                "functions=7");
    assert_string_equal(counter->page->requests[1].body,
                        "{\"stored\":3221225472,\"fuel_per_s\":2000000,\"functions\":7}");
    assert_says(counter->shown.out, "\nstored          3GiB ");
    assert_says(counter->shown.out, "\nfuel_per_s      2M ");
    assert_says(counter->shown.out, "\nmemory          default (limits.tenant_memory) ");
}

static void a_choice_is_sent_as_its_word(void **state)
{
    struct counter *counter = *state;
    static const struct counter_answer answers[] = {{200, "{}"}, {200, "{\"native\":\"off\"}"}};
    COUNTER_RUN(counter, answers, "limits", "-t", "acme", "native=off");
    assert_string_equal(counter->page->requests[1].body, "{\"native\":\"off\"}");
    assert_says(counter->shown.out, "\nnative          off ");
    COUNTER_RUN(counter, answers, "limits", "-t", "acme", "native=auto");
    assert_string_equal(counter->page->requests[1].body, "{\"native\":null}");
    COUNTER_RUN(counter, answers, "limits", "-t", "acme", "native=2");
    assert_int_equal(counter->shown.exit_status, CLI_USAGE);
    assert_says(counter->shown.err, "neither auto, off, on nor `default`");
}

static void words_that_are_no_limits_change_nothing(void **state)
{
    struct counter *counter = *state;
    static const struct counter_answer answers[] = {{200, "{}"}, {200, "{}"}};
    static const char *const words[] = {"queue",  "=8",       "queues=8",
                                        "queue=", "queue=8x", "queue=99999999999999999999"};
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        COUNTER_RUN(counter, answers, "limits", "-t", "acme", "pool=1", words[i]);
        assert_int_equal(counter->shown.exit_status, CLI_USAGE);
        assert_int_equal(counter->page->count, 1);
    }
}

UNIT
{
    const struct CMUnitTest tests[] = {
        TEST_COUNTER(without_a_tenant_they_are_the_servers),
        TEST_COUNTER(what_a_tenant_has_not_set_is_the_default),
        TEST_COUNTER(a_change_is_put_over_what_is_there),
        TEST_COUNTER(a_tenant_that_is_not_there_yet_has_none),
        TEST_COUNTER(quotas_are_written_with_their_units),
        TEST_COUNTER(a_choice_is_sent_as_its_word),
        TEST_COUNTER(words_that_are_no_limits_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
