/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of client verbs: which words reach one, and its help.
 */
#include "deploy/cli/cli.h"
#include "deploy/deploy.h"
#include "tests/unit/deploy/cli/counter.h"

static const char *const names[] = {
#define VERB(name, minimum, maximum, usage, text, flags) #name,
#include "deploy/cli/verbs.def"
#define VERB(name, minimum, maximum, usage, text, flags) #name,
#include "deploy/cli/verbs_project.def"
};

static void a_verb_that_is_not_ours_is_left_to_others(void **state)
{
    int exit_status = 77;
    char *words[] = {(char[]){"lis"}, NULL};
    (void)state;
    assert_false(deploy_cli_run(1, words, &exit_status));
    assert_false(deploy_cli_run(0, words, &exit_status));
    assert_int_equal(exit_status, 77);
}

static void every_verb_explains_itself_and_asks_nobody(void **state)
{
    struct counter *counter = *state;
    struct buffer help;
    buffer_init(&help, 65536);
    deploy_cli_help(false, &help);
    deploy_cli_help(true, &help);
    assert_int_equal(buffer_append(&help, "", 1), STATUS_OK);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        char text[64];
        COUNTER_RUN_ALONE(counter, names[i], "--help");
        assert_int_equal(counter->shown.exit_status, CLI_OK);
        (void)snprintf(text, sizeof(text), "usage: skerry %s ", names[i]);
        assert_memory_equal(counter->shown.out, text, strlen(text));
        assert_says(counter->shown.out, "--quiet");
        (void)snprintf(text, sizeof(text), "  %-11s ", names[i]);
        assert_says((const char *)help.data, text);
    }
    buffer_done(&help);
}

static void too_few_and_too_many_words_are_wrong_usage(void **state)
{
    struct counter *counter = *state;
    static const struct counter_answer answers[] = {{200, "{}"}};
    COUNTER_RUN(counter, answers, "show");
    assert_int_equal(counter->shown.exit_status, CLI_USAGE);
    assert_string_equal(counter->shown.err, "skerry show: usage: skerry show NAME\n");
    COUNTER_RUN(counter, answers, "show", "a", "b");
    assert_int_equal(counter->shown.exit_status, CLI_USAGE);
    assert_says(counter->shown.err, "`b` is a word too many");
    assert_int_equal(counter->page->count, 0);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_verb_that_is_not_ours_is_left_to_others),
        TEST_COUNTER(every_verb_explains_itself_and_asks_nobody),
        TEST_COUNTER(too_few_and_too_many_words_are_wrong_usage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
