/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of files: what may be a name, what cannot be together, and what is damaged.
 */
#include "deploy/files.h"
#include "engine/base/macros.h"
#include "tests/support/unit.h"

static uint8_t sha256[DEPLOY_FILE_SHA256_BYTES] = {1, 2, 3};

static enum status write_names(const char *const *names, struct buffer *list, struct report *report)
{
    struct deploy_file rows[8];
    size_t count = 0;
    for (; names[count] != NULL; count++)
        rows[count] = (struct deploy_file){
            .name = bytes_of_text(names[count]), .sha256 = sha256, .size = count};
    buffer_init(list, DEPLOY_FILES_BYTES_MAX);
    *report = (struct report)REPORT_INIT;
    return deploy_files_write(rows, count, list, report);
}

static void names_are_paths_below_the_root(void **state)
{
    (void)state;
    static const char *const good[] = {"a", "a/b.c", ".x/..y", "\xc3\xa9/~ $", "a b"};
    static const char *const bad[] = {"",    "/a",   "a/",   "a//b", "..",  "a/../b",
                                      "./a", "a\nb", "\x7f", "\xff", "a/.", "\xed\xa0\x80"};
    char longest[DEPLOY_FILE_NAME_BYTES_MAX + 2];
    for (size_t i = 0; i < COUNT_OF(good); i++)
        assert_null(deploy_file_name_refusal(bytes_of_text(good[i])));
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_non_null(deploy_file_name_refusal(bytes_of_text(bad[i])));
    assert_non_null(deploy_file_name_refusal(bytes_make("a\0b", 3)));
    memset(longest, 'a', sizeof(longest));
    assert_non_null(deploy_file_name_refusal(bytes_make(longest, 256)));
    for (size_t i = 200; i < sizeof(longest); i += 200)
        longest[i] = '/';
    assert_null(deploy_file_name_refusal(bytes_make(longest, sizeof(longest) - 2)));
    assert_non_null(deploy_file_name_refusal(bytes_make(longest, sizeof(longest) - 1)));
}

static void a_list_is_sorted_and_read_back(void **state)
{
    (void)state;
    static const char *const names[] = {"b", "a/c", "a-b", "a/b", NULL};
    static const char *const sorted[] = {"a-b", "a/b", "a/c", "b"};
    struct buffer list;
    struct report report;
    struct deploy_file file;
    uint64_t count;
    uint64_t bytes;
    assert_int_equal(write_names(names, &list, &report), STATUS_OK);
    struct bytes rest = buffer_bytes(&list);
    for (size_t i = 0; i < COUNT_OF(sorted); i++) {
        assert_true(deploy_files_next(&rest, &file));
        assert_true(bytes_equal_text(file.name, sorted[i]));
        assert_memory_equal(file.sha256, sha256, sizeof(sha256));
    }
    assert_false(deploy_files_next(&rest, &file));
    assert_int_equal(rest.count, 0);
    assert_true(deploy_files_measure(buffer_bytes(&list), &count, &bytes));
    assert_int_equal(count, 4);
    assert_int_equal(bytes, 0 + 1 + 2 + 3);
    assert_false(deploy_files_measure(bytes_make(list.data, list.count - 1), &count, &bytes));
    buffer_done(&list);
}

static void a_name_is_not_there_twice_nor_file_and_folder(void **state)
{
    (void)state;
    static const char *const twice[] = {"a", "b", "a", NULL};
    static const char *const both[] = {"a/b/c", "a-", "a/b", NULL};
    struct buffer list;
    struct report report;
    assert_int_equal(write_names(twice, &list, &report), STATUS_CONFIG);
    assert_string_equal(report.text, "file `a` is there twice");
    assert_int_equal(list.count, 0);
    buffer_done(&list);
    assert_int_equal(write_names(both, &list, &report), STATUS_CONFIG);
    assert_string_equal(report.text, "file `a/b/c` is in a folder that is a file itself");
    buffer_done(&list);
}

static void a_list_has_a_bound(void **state)
{
    (void)state;
    struct report report = REPORT_INIT;
    struct deploy_file row = {.name = bytes_of_text("abc"), .sha256 = sha256};
    struct buffer list;
    buffer_init(&list, 40);
    assert_int_equal(deploy_files_write(&row, 1, &list, &report), STATUS_LIMIT);
    assert_int_equal(list.count, 0);
    buffer_done(&list);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_paths_below_the_root),
        cmocka_unit_test(a_list_is_sorted_and_read_back),
        cmocka_unit_test(a_name_is_not_there_twice_nor_file_and_folder),
        cmocka_unit_test(a_list_has_a_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
