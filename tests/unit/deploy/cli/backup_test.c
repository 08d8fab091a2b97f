/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backup: what is not whole gets no name.
 */
#include <stdio.h>
#include <unistd.h>

#include "deploy/cli/cli.h"
#include "tests/unit/deploy/cli/counter.h"

static void what_is_not_whole_leaves_no_file(void **state)
{
    struct counter *counter = *state;
    char path[128];
    static const struct counter_answer torn[] = {{200, "skerry backup 1\n"}};
    static const struct counter_answer refused[] = {
        {503, "{\"detail\":\"a backup is under way\"}"}};
    (void)snprintf(path, sizeof(path), "%s/all", counter->folder);
    COUNTER_RUN(counter, torn, "backup", path);
    counter_assert_asked(counter, 0, "POST /v1/backup");
    assert_int_equal(counter->shown.exit_status, CLI_FAILED);
    assert_says(counter->shown.err, "not a whole backup");
    COUNTER_RUN(counter, refused, "backup", path);
    assert_int_equal(counter->shown.exit_status, CLI_LIMIT);
    assert_says(counter->shown.err, "a backup is under way");
    assert_int_not_equal(access(path, F_OK), 0);
}

static void a_place_where_nothing_can_be_written_is_named(void **state)
{
    struct counter *counter = *state;
    COUNTER_RUN_ALONE(counter, "backup", "/nowhere/all");
    assert_int_equal(counter->shown.exit_status, CLI_FAILED);
    assert_says(counter->shown.err, "cannot write /nowhere/all");
}

UNIT
{
    const struct CMUnitTest tests[] = {
        TEST_COUNTER(what_is_not_whole_leaves_no_file),
        TEST_COUNTER(a_place_where_nothing_can_be_written_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
