/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a runtime is found: by name in the folders of runtimes, the first that has it, or as a
 * file.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "deploy/cli/folder/runtime.h"
#include "tests/unit/deploy/fixture.h"

static enum cli_exit find(const char *runtime, const char *flag, char ret_path[CLI_PATH_BYTES])
{
    const struct cli cli = {.options = {.runtime = flag}};
    return cli_runtime_find(&cli, runtime, "folder/", ret_path);
}

static void a_name_is_found_in_the_folder_that_the_environment_says(void **state)
{
    (void)state;
    struct fixture fixture;
    char path[CLI_PATH_BYTES];
    char wanted[CLI_PATH_BYTES];
    char data[CLI_PATH_BYTES];
    fixture_init(&fixture);
    fixture_write_file(&fixture, "toy.wasm", "x", 0600);
    assert_int_equal(setenv("SKERRY_RUNTIMES", fixture.dir, 1), 0);
    (void)snprintf(wanted, sizeof(wanted), "%s/toy.wasm", fixture.dir);
    assert_int_equal(find("toy", NULL, path), CLI_OK);
    assert_string_equal(path, wanted);
    assert_int_equal(find("other", NULL, path), CLI_NOT_FOUND);
    assert_int_equal(unsetenv("SKERRY_RUNTIMES"), 0);
    assert_int_equal(setenv("XDG_DATA_HOME", fixture.dir, 1), 0);
    assert_int_equal(find("toy", NULL, path), CLI_NOT_FOUND);
    (void)snprintf(data, sizeof(data), "%s/skerry", fixture.dir);
    assert_int_equal(mkdir(data, 0700), 0);
    (void)snprintf(data, sizeof(data), "%s/skerry/runtimes", fixture.dir);
    assert_int_equal(mkdir(data, 0700), 0);
    fixture_write_file(&fixture, "skerry/runtimes/toy.wasm", "x", 0600);
    assert_int_equal(find("toy", NULL, path), CLI_OK);
    assert_int_equal(unsetenv("XDG_DATA_HOME"), 0);
    fixture_done(&fixture);
}

static void what_is_neither_a_name_nor_a_file_is_refused(void **state)
{
    (void)state;
    char path[CLI_PATH_BYTES];
    static const char *const wrong[] = {"Not/It", "../php", ".wasm", "a b", ""};
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        assert_int_equal(find(wrong[i], NULL, path), CLI_MANIFEST);
}

static void a_file_is_the_folders_or_as_the_flag_says(void **state)
{
    (void)state;
    char path[CLI_PATH_BYTES];
    assert_int_equal(find("build/a.wasm", NULL, path), CLI_OK);
    assert_string_equal(path, "folder/build/a.wasm");
    assert_int_equal(find("/abs/a.wasm", NULL, path), CLI_OK);
    assert_string_equal(path, "/abs/a.wasm");
    assert_int_equal(find("build/a.wasm", "build/a.wasm", path), CLI_OK);
    assert_string_equal(path, "build/a.wasm");
}

/* A library that all functions of a runtime have is installed with it. */
static void the_folder_beside_a_runtime_comes_with_it(void **state)
{
    (void)state;
    const struct cli cli = {0};
    struct bytes patterns[] = {bytes_of_text("own/*")};
    const struct deploy_texts own = {.rows = patterns, .count = 1};
    struct fixture fixture;
    struct cli_files files = {0};
    char module[CLI_PATH_BYTES];
    fixture_init(&fixture);
    static const char *const folders[] = {"toy", "toy/own", "own"};
    for (size_t i = 0; i < COUNT_OF(folders); i++) {
        (void)snprintf(module, sizeof(module), "%s/%s", fixture.dir, folders[i]);
        assert_int_equal(mkdir(module, 0700), 0);
    }
    fixture_write_file(&fixture, "toy/library", "x", 0600);
    fixture_write_file(&fixture, "toy/own/both", "the runtime's", 0600);
    fixture_write_file(&fixture, "own/both", "mine", 0600);
    assert_int_equal(cli_files_collect(&cli, fixture.dir, &own, &files), CLI_OK);
    (void)snprintf(module, sizeof(module), "%s/toy.wasm", fixture.dir);
    assert_int_equal(cli_runtime_collect(&cli, "toy.wasm", module, &files), CLI_OK);
    assert_int_equal(files.count, 1);
    assert_int_equal(cli_runtime_collect(&cli, "toy", module, &files), CLI_OK);
    assert_int_equal(files.count, 2);
    assert_string_equal(files.rows[0].name, "own/both");
    assert_int_equal(files.rows[0].size, strlen("mine"));
    assert_string_equal(files.rows[1].name, "library");
    (void)snprintf(module, sizeof(module), "%s/none.wasm", fixture.dir);
    assert_int_equal(cli_runtime_collect(&cli, "none", module, &files), CLI_OK);
    assert_int_equal(files.count, 2);
    cli_files_done(&files);
    fixture_done(&fixture);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_found_in_the_folder_that_the_environment_says),
        cmocka_unit_test(what_is_neither_a_name_nor_a_file_is_refused),
        cmocka_unit_test(a_file_is_the_folders_or_as_the_flag_says),
        cmocka_unit_test(the_folder_beside_a_runtime_comes_with_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
