/* SPDX-License-Identifier: Apache-2.0 */
/*
 * build, and deploy of a folder that is built first: what runs, and what is said when it fails.
 */
#include <stdio.h>

#include "deploy/cli/cli.h"
#include "tests/unit/deploy/cli/counter.h"

static void write_manifest(const struct counter *counter, const char *build)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/function.yaml", counter->folder);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fprintf(file, "name: api\nmain: made.wasm\n%s\n", build) > 0);
    assert_int_equal(fclose(file), 0);
}

static void clean(const struct counter *counter, bool made)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/function.yaml", counter->folder);
    assert_int_equal(remove(path), 0);
    (void)snprintf(path, sizeof(path), "%s/made.wasm", counter->folder);
    assert_int_equal(remove(path), made ? 0 : -1);
}

static void a_build_runs_in_the_folder_and_speaks_on_stderr(void **state)
{
    struct counter *counter = *state;
    char said[256];
    write_manifest(counter, "build: cp hello.wasm made.wasm; pwd");
    COUNTER_RUN_ALONE(counter, "build", counter->folder);
    assert_int_equal(counter->shown.exit_status, CLI_OK);
    (void)snprintf(said, sizeof(said), "%s\n", counter->folder);
    assert_string_equal(counter->shown.err, said);
    (void)snprintf(said, sizeof(said), "built %s/made.wasm (6 B) in ", counter->folder);
    assert_says(counter->shown.out, said);
    assert_says(counter->shown.out, "next: skerry run ");
    clean(counter, true);
}

static void a_folder_is_built_before_it_is_deployed(void **state)
{
    struct counter *counter = *state;
    static const struct counter_answer deployed[] = {
        {200, "{\"function\":\"api\",\"version\":\"v1\",\"kind\":\"wagi\",\"active\":true}"}};
    write_manifest(counter, "build: cp hello.wasm made.wasm; echo built");
    COUNTER_RUN(counter, deployed, "deploy", counter->folder, "--json");
    assert_string_equal(counter->shown.err, "built\n");
    assert_memory_equal(counter->shown.out, "{\"function\"", 11);
    COUNTER_RUN(counter, deployed, "deploy", counter->folder, "--no-build");
    assert_string_equal(counter->shown.err, "");
    clean(counter, true);
}

static void a_build_that_fails_says_how_and_nothing_is_sent(void **state)
{
    struct counter *counter = *state;
    static const struct {
        const char *build;
        int exit_status;
        const char *part;
    } rows[] = {
        {"build: exit 3", CLI_FAILED, "the build failed: `exit 3` ended with status 3\n"},
        {"build: kill -KILL $$", CLI_FAILED, "was ended by signal 9\n"},
        {"build: no-such-program", CLI_FAILED, "no-such-program: not found\n"},
        {"build: 'true'", CLI_FAILED, "/made.wasm, which `main` in function.yaml names\n"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        write_manifest(counter, rows[i].build);
        COUNTER_RUN_ALONE(counter, "deploy", counter->folder);
        assert_int_equal(counter->shown.exit_status, rows[i].exit_status);
        assert_says(counter->shown.err, rows[i].part);
    }
    write_manifest(counter, "");
    COUNTER_RUN_ALONE(counter, "build", counter->folder);
    assert_int_equal(counter->shown.exit_status, CLI_MANIFEST);
    assert_says(counter->shown.err, "or add one, like `build: ./build.sh`\n");
    clean(counter, false);
}

static void nothing_is_built_for_a_server_that_is_not_there(void **state)
{
    struct counter *counter = *state;
    write_manifest(counter, "build: cp hello.wasm made.wasm; echo built");
    COUNTER_RUN_ALONE(counter, "deploy", counter->folder, "--admin-socket", "/nonexistent/a.sock");
    assert_int_equal(counter->shown.exit_status, CLI_UNREACHABLE);
    assert_string_equal(counter->shown.err,
                        "skerry deploy: no server at /nonexistent/a.sock: start "
                        "one with `skerry serve`, or pass --url or --data\n");
    clean(counter, false);
}

static void a_signal_ends_the_build_with_what_it_started(void **state)
{
    struct counter *counter = *state;
    /* Its parent is told, as Ctrl-C would; it would go on for ever. */
    write_manifest(counter, "build: kill -INT $PPID; sleep 1000 & wait");
    COUNTER_RUN_ALONE(counter, "build", counter->folder);
    assert_int_equal(counter->shown.exit_status, CLI_INTERRUPTED);
    assert_says(counter->shown.err, "skerry build: interrupted, and the build with it\n");
    clean(counter, false);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        TEST_COUNTER(a_build_runs_in_the_folder_and_speaks_on_stderr),
        TEST_COUNTER(a_folder_is_built_before_it_is_deployed),
        TEST_COUNTER(a_build_that_fails_says_how_and_nothing_is_sent),
        TEST_COUNTER(nothing_is_built_for_a_server_that_is_not_there),
        TEST_COUNTER(a_signal_ends_the_build_with_what_it_started),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
