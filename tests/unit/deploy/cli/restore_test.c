/* SPDX-License-Identifier: Apache-2.0 */
/*
 * restore: what it is not told, and what it cannot read, it says. No server is asked.
 */
#include <stdio.h>
#include <unistd.h>

#include "deploy/cli/cli.h"
#include "tests/unit/deploy/cli/counter.h"

static void the_directory_and_the_file_have_to_be_named(void **state)
{
    struct counter *counter = *state;
    char dir[160];
    (void)snprintf(dir, sizeof(dir), "%s/data", counter->folder);
    COUNTER_RUN_ALONE(counter, "restore", "/nowhere/all");
    assert_int_equal(counter->shown.exit_status, CLI_USAGE);
    assert_says(counter->shown.err, "--data DIR");
    COUNTER_RUN_ALONE(counter, "restore", "/nowhere/all", "--data", dir);
    assert_int_equal(counter->shown.exit_status, CLI_NOT_FOUND);
    assert_says(counter->shown.err, "cannot read /nowhere/all");
}

static void what_is_no_backup_makes_no_directory(void **state)
{
    struct counter *counter = *state;
    char dir[160];
    char path[160];
    (void)snprintf(dir, sizeof(dir), "%s/data", counter->folder);
    (void)snprintf(path, sizeof(path), "%s/junk", counter->folder);
    FILE *file = fopen(path, "we");
    assert_true(file != NULL && fputs("junk, and a lot of it", file) >= 0 && fclose(file) == 0);
    COUNTER_RUN_ALONE(counter, "restore", path, "--data", dir);
    assert_int_equal(counter->shown.exit_status, CLI_FAILED);
    assert_says(counter->shown.err, "not a whole backup");
    assert_int_not_equal(access(dir, F_OK), 0);
    assert_int_equal(unlink(path), 0);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        TEST_COUNTER(the_directory_and_the_file_have_to_be_named),
        TEST_COUNTER(what_is_no_backup_makes_no_directory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
