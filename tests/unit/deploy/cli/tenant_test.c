/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tenant: the list, whether there is more of it, and removing one.
 */
#include "deploy/cli/cli.h"
#include "tests/unit/deploy/cli/counter.h"

static void tenants_are_listed_and_where_the_list_goes_on_is_said(void **state)
{
    struct counter *counter = *state;
    static const struct counter_answer all[] = {
        {200, "{\"tenants\":[{\"tenant\":\"acme\",\"function_count\":3,\"created\":\"then\"}]}"}};
    static const struct counter_answer part[] = {{200, "{\"tenants\":[],\"next\":\"acme\"}"}};
    COUNTER_RUN(counter, all, "tenant", "list");
    counter_assert_asked(counter, 0, "GET /v1/tenants");
    assert_says(counter->shown.out, "\nacme                     3          then\n");
    assert_null(strstr(counter->shown.out, "more after"));
    COUNTER_RUN(counter, part, "tenant", "list");
    assert_says(counter->shown.out, "and more after acme\n");
}

static void the_tenant_that_is_named_is_removed_and_not_the_default(void **state)
{
    struct counter *counter = *state;
    static const struct counter_answer gone[] = {{200, "{\"tenant\":\"acme\"}"}};
    static const struct counter_answer full[] = {{409, "{\"detail\":\"acme has functions\"}"}};
    COUNTER_RUN(counter, gone, "tenant", "rm", "acme");
    counter_assert_asked(counter, 0, "DELETE /v1/tenants/acme");
    assert_says(counter->shown.out, "removed tenant acme\nnext: skerry tenant list");
    COUNTER_RUN(counter, full, "tenant", "rm", "acme");
    assert_int_equal(counter->shown.exit_status, CLI_CONFLICT);
}

static void a_tenant_is_made_shown_bounded_and_suspended(void **state)
{
    struct counter *counter = *state;
    static const struct counter_answer tenant[] = {
        {200, "{\"tenant\":\"acme\",\"suspended\":true,\"stored_bytes\":2048,"
              "\"function_count\":3}"}};
    static const struct counter_answer limits[] = {{200, "{}"}, {200, "{\"queue\":8}"}};
    COUNTER_RUN(counter, tenant, "tenant", "create", "acme");
    counter_assert_asked(counter, 0, "PUT /v1/tenants/acme");
    assert_says(counter->shown.out, "there is now tenant acme\n");
    COUNTER_RUN(counter, tenant, "tenant", "show", "acme");
    assert_says(counter->shown.out, "acme (suspended)\n");
    assert_says(counter->shown.out, "2.0 KiB\n");
    COUNTER_RUN(counter, tenant, "tenant", "suspend", "acme");
    assert_string_equal(counter->page->requests[0].body, "{\"suspended\":true}");
    COUNTER_RUN(counter, tenant, "tenant", "resume", "acme");
    assert_string_equal(counter->page->requests[0].body, "{\"suspended\":false}");
    COUNTER_RUN(counter, limits, "tenant", "limits", "acme", "queue=8");
    counter_assert_asked(counter, 1, "PUT /v1/tenants/acme/limits");
    COUNTER_RUN(counter, limits, "tenant", "limits", "acme");
    counter_assert_asked(counter, 0, "GET /v1/tenants/acme/limits");
}

static void other_words_are_wrong_usage(void **state)
{
    struct counter *counter = *state;
    static const char *const lines[][2] = {{"rm", NULL}, {"list", "acme"}, {"add", "acme"}};
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        COUNTER_RUN_ALONE(counter, "tenant", lines[i][0], lines[i][1]);
        assert_int_equal(counter->shown.exit_status, CLI_USAGE);
    }
}

UNIT
{
    const struct CMUnitTest tests[] = {
        TEST_COUNTER(tenants_are_listed_and_where_the_list_goes_on_is_said),
        TEST_COUNTER(the_tenant_that_is_named_is_removed_and_not_the_default),
        TEST_COUNTER(a_tenant_is_made_shown_bounded_and_suspended),
        TEST_COUNTER(other_words_are_wrong_usage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
