/* SPDX-License-Identifier: Apache-2.0 */
/*
 * login, logout: the file of tokens. That a server is asked first, the end-to-end tests see.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "deploy/cli/cli.h"
#include "tests/unit/deploy/cli/counter.h"

static char folder[160];
static char path[192];

/* Makes the file, with these bytes, for this reader. */
static void keep(const struct counter *counter, const char *text, mode_t mode)
{
    (void)snprintf(folder, sizeof(folder), "%s/skerry", counter->folder);
    (void)snprintf(path, sizeof(path), "%s/tokens.json", folder);
    (void)mkdir(folder, 0700);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, mode), 0);
    assert_int_equal(setenv("XDG_CONFIG_HOME", counter->folder, 1), 0);
}

static void forget(void)
{
    (void)unlink(path);
    (void)rmdir(folder);
    assert_int_equal(unsetenv("XDG_CONFIG_HOME"), 0);
}

static void a_token_is_found_by_its_server(void **state)
{
    struct counter *counter = *state;
    char token[CLI_TOKEN_BYTES];
    struct cli cli = {.base = "http://a:1"};
    keep(counter, "{\"http://a:1\":\"one\",\"http://b:1\":\"two\"}", 0600);
    assert_true(cli_find_token(&cli, token));
    assert_string_equal(token, "one");
    memcpy(cli.base, "http://c:1", 11);
    assert_true(cli_find_token(&cli, token));
    assert_string_equal(token, "");
    COUNTER_RUN_ALONE(counter, "logout", "http://a:1/");
    assert_int_equal(counter->shown.exit_status, CLI_OK);
    COUNTER_RUN_ALONE(counter, "logout", "http://a:1");
    assert_int_equal(counter->shown.exit_status, CLI_NOT_FOUND);
    struct stat facts;
    assert_int_equal(stat(path, &facts), 0);
    assert_int_equal(facts.st_mode & 0777, 0600);
    memcpy(cli.base, "http://b:1", 11);
    assert_true(cli_find_token(&cli, token));
    assert_string_equal(token, "two");
    forget();
}

static void a_file_that_others_read_or_that_is_none_is_not_used(void **state)
{
    struct counter *counter = *state;
    keep(counter, "{\"http://a:1\":\"one\"}", 0640);
    COUNTER_RUN_ALONE(counter, "list", "--url", "http://127.0.0.1:1");
    assert_int_equal(counter->shown.exit_status, CLI_FAILED);
    assert_says(counter->shown.err, "chmod 600 it");
    keep(counter, "{\"http://a:1\":", 0600);
    COUNTER_RUN_ALONE(counter, "list", "--url", "http://127.0.0.1:1");
    assert_int_equal(counter->shown.exit_status, CLI_FAILED);
    assert_says(counter->shown.err, "cannot be read");
    forget();
}

static void what_is_no_server_or_no_token_is_refused(void **state)
{
    struct counter *counter = *state;
    COUNTER_RUN_ALONE(counter, "login", "unix:/x");
    assert_int_equal(counter->shown.exit_status, CLI_USAGE);
    COUNTER_RUN_ALONE(counter, "login", "http://127.0.0.1:1", "--file", "/dev/null");
    assert_int_equal(counter->shown.exit_status, CLI_USAGE);
    assert_says(counter->shown.err, "there is no token in /dev/null");
    COUNTER_RUN_ALONE(counter, "login", "http://127.0.0.1:1", "--file", counter->module);
    assert_int_equal(counter->shown.exit_status, CLI_UNREACHABLE);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        TEST_COUNTER(a_token_is_found_by_its_server),
        TEST_COUNTER(a_file_that_others_read_or_that_is_none_is_not_used),
        TEST_COUNTER(what_is_no_server_or_no_token_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
