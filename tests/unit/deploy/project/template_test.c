/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Projects of every language, and folders that cannot be made.
 */
#include <dirent.h>

#include "deploy/project/template.h"
#include "tests/unit/deploy/project/place.h"

static bool is_file(const char *path, int mode)
{
    return access(path, mode) == 0;
}

static void every_language_makes_a_project_with_test_and_manifest(void **state)
{
    const struct place *place = *state;
    static const char *const names[] = {"function.yaml", "test.sh", "README.md", ".gitignore"};
    char folder[PLACE_PATH_BYTES];
    char file[2 * PLACE_PATH_BYTES];
    char line[64];
    for (size_t i = 0; i < project_language_count; i++) {
        struct report report = REPORT_INIT;
        place_path(place, project_languages[i].name, folder);
        assert_int_equal(project_create(&project_languages[i], folder, "my-name", &report),
                         STATUS_OK);
        for (size_t j = 0; j < COUNT_OF(names); j++) {
            (void)snprintf(file, sizeof(file), "%s/%s", folder, names[j]);
            bool program = strstr(names[j], ".sh") != NULL;
            assert_true(is_file(file, program ? X_OK : R_OK));
        }
        (void)snprintf(file, sizeof(file), "%s/function.yaml", folder);
        FILE *manifest = fopen(file, "re");
        assert_non_null(manifest);
        bool named = false;
        while (fgets(line, sizeof(line), manifest) != NULL) {
            named = named || strcmp(line, "name: my-name\n") == 0;
            assert_null(strstr(line, "SPDX"));
        }
        assert_true(named);
        (void)fclose(manifest);
    }
}

static void files_of_an_sdk_keep_their_licence(void **state)
{
    (void)state;
    size_t found = 0;
    for (size_t i = 0; i < project_file_count; i++) {
        const struct project_file *file = &project_files[i];
        bool sdk = strcmp(file->path, "skerry.h") == 0 || strncmp(file->path, "skerry/", 7) == 0;
        bool plain = strstr(file->path, ".json") == NULL && strstr(file->path, ".mod") == NULL;
        bool tagged = memmem(file->data, file->count, "SPDX", 4) != NULL;
        found += sdk;
        assert_true(!plain || tagged == sdk);
    }
    assert_int_equal(found, 11);
}

static void a_folder_that_is_there_stays_as_it_is(void **state)
{
    const struct place *place = *state;
    struct report report = REPORT_INIT;
    char folder[PLACE_PATH_BYTES];
    place_make(place, "mine");
    place_write(place, "mine/note", "x");
    place_path(place, "mine", folder);
    assert_int_equal(project_create(&project_languages[0], folder, "mine", &report),
                     STATUS_CONFLICT);
    place_drop(place, "mine/note");
    assert_int_equal(rmdir(folder), 0);
}

static void what_could_not_be_made_leaves_nothing(void **state)
{
    const struct place *place = *state;
    struct report report = REPORT_INIT;
    char folder[PLACE_PATH_BYTES];
    int count = 0;
    place_path(place, "none/mine", folder);
    assert_int_equal(project_create(&project_languages[0], folder, "mine", &report),
                     STATUS_NOT_FOUND);
    DIR *left = opendir(place->folder);
    assert_non_null(left);
    while (readdir(left) != NULL)
        count++;
    (void)closedir(left);
    assert_int_equal(count, 2); /* itself and its parent */
}

static void a_language_is_found_by_name_and_alias(void **state)
{
    (void)state;
    assert_string_equal(project_find_language("c")->name, "c");
    assert_string_equal(project_find_language("as")->name, "assemblyscript");
    assert_string_equal(project_find_language("rs")->name, "rust");
    assert_null(project_find_language(""));
    assert_null(project_find_language("cobol"));
}

static void a_tool_that_path_lacks_is_named(void **state)
{
    const struct place *place = *state;
    char tool[PROJECT_TOOL_BYTES];
    const struct project_language language = {.tools = "one two"};
    const char *path = getenv("PATH");
    char *old = strdup(path == NULL ? "" : path);
    char both[PLACE_PATH_BYTES];
    (void)snprintf(both, sizeof(both), "/nonexistent:%s", place->folder);
    assert_int_equal(setenv("PATH", both, 1), 0);
    place_write(place, "one", "#!/bin/sh\n");
    place_write(place, "two", "#!/bin/sh\n");
    char file[PLACE_PATH_BYTES];
    place_path(place, "one", file);
    assert_int_equal(chmod(file, 0700), 0);
    assert_true(project_missing_tool(&language, tool));
    assert_string_equal(tool, "two");
    place_path(place, "two", file);
    assert_int_equal(chmod(file, 0700), 0);
    assert_false(project_missing_tool(&language, tool));
    assert_int_equal(setenv("PATH", old, 1), 0);
    free(old);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        TEST_PLACE(every_language_makes_a_project_with_test_and_manifest),
        cmocka_unit_test(files_of_an_sdk_keep_their_licence),
        TEST_PLACE(a_folder_that_is_there_stays_as_it_is),
        TEST_PLACE(what_could_not_be_made_leaves_nothing),
        cmocka_unit_test(a_language_is_found_by_name_and_alias),
        TEST_PLACE(a_tool_that_path_lacks_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
