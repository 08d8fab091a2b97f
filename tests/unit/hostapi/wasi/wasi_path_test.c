/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paths: what is none, what leads out, and what changes of names do.
 */
#include "tests/support/unit.h"
#include "tests/unit/hostapi/wasi/folder.h"

#define FILE_RIGHTS wasi_fds_rights(WASI_FILETYPE_REGULAR_FILE)
#define OTHER_AT    8192u

static enum wasi_errno stat_path(const char *path, bool follow)
{
    uint64_t count = put_path(path);
    return CALL_ALL(wasi_path_filestat_get, FOLDER_FD, follow, FOLDER_PATH_AT, count, 0);
}

static enum wasi_errno change(wasi_handler *handler, const char *path)
{
    uint64_t count = put_path(path);
    return CALL_ALL(handler, FOLDER_FD, FOLDER_PATH_AT, count);
}

static uint64_t put_other(const char *path)
{
    memcpy(memory(OTHER_AT), path, strlen(path));
    return strlen(path);
}

static void what_is_no_path_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t count;
        enum wasi_errno error;
    } rows[] = {
        {"", 0, WASI_NOENT},
        {"a\0b", 3, WASI_ILSEQ},
        {"\xff", 1, WASI_ILSEQ},
        {"\xc3", 1, WASI_ILSEQ},
        {"/file", 5, WASI_NOTCAPABLE},
        {"/", 1, WASI_NOTCAPABLE},
        {"../outside", 10, WASI_NOTCAPABLE},
        {"nothing", 7, WASI_NOENT},
        {"file/x", 6, WASI_NOTDIR},
        {"loop", 4, WASI_LOOP},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        memcpy(memory(FOLDER_PATH_AT), rows[i].text, rows[i].count);
        assert_int_equal(
            CALL_ALL(wasi_path_filestat_get, FOLDER_FD, 1, FOLDER_PATH_AT, rows[i].count, 0),
            rows[i].error);
    }
    memset(memory(FOLDER_PATH_AT), 'a', 5000);
    assert_int_equal(CALL_ALL(wasi_path_filestat_get, FOLDER_FD, 1, FOLDER_PATH_AT, 4097, 0),
                     WASI_NAMETOOLONG);
    assert_int_equal(CALL_ALL(wasi_path_filestat_get, FOLDER_FD, 1, FOLDER_PATH_AT, 4096, 0),
                     WASI_NAMETOOLONG);
    assert_int_equal(CALL_ALL(wasi_path_filestat_get, FOLDER_FD, 1, PAGE_BYTES - 1, 2, 0),
                     WASI_FAULT);
    assert_int_equal(CALL_ALL(wasi_path_filestat_get, FOLDER_FD, 1, 0xffffffff, 0xffffffff, 0),
                     WASI_FAULT);
    assert_int_equal(CALL_ALL(wasi_path_filestat_get, 1, 1, FOLDER_PATH_AT, 1, 0), WASI_NOTDIR);
    assert_int_equal(CALL_ALL(wasi_path_filestat_get, 9, 1, FOLDER_PATH_AT, 1, 0), WASI_BADF);
    uint32_t fd = open_path("file", 0, FILE_RIGHTS, 0);
    assert_int_equal(CALL_ALL(wasi_path_filestat_get, fd, 1, FOLDER_PATH_AT, 1, 0), WASI_NOTDIR);
}

static void no_call_leads_out(void **state)
{
    (void)state;
    static const char *const ways[] = {"../outside", "up/outside", "up_out",
                                       "abs",        "dir/up_up",  "dir/../../outside"};
    static const char *const below[] = {"../new", "up/new", "dir/../../new", "../outside",
                                        "up/outside"};
    for (size_t i = 0; i < COUNT_OF(ways); i++) {
        assert_int_equal(try_open(FOLDER_FD, ways[i], 1, 0, FILE_RIGHTS), WASI_NOTCAPABLE);
        assert_int_equal(try_open(FOLDER_FD, ways[i], 1, WASI_OFLAG_TRUNC, FILE_RIGHTS),
                         WASI_NOTCAPABLE);
        assert_int_equal(stat_path(ways[i], true), WASI_NOTCAPABLE);
        uint64_t count = put_path(ways[i]);
        assert_int_equal(
            CALL_ALL(wasi_path_filestat_set_times, FOLDER_FD, 1, FOLDER_PATH_AT, count, 1, 1, 5),
            WASI_NOTCAPABLE);
    }
    for (size_t i = 0; i < COUNT_OF(below); i++) {
        assert_int_equal(try_open(FOLDER_FD, below[i], 1, WASI_OFLAG_CREAT, FILE_RIGHTS),
                         WASI_NOTCAPABLE);
        assert_int_equal(change(wasi_path_create_directory, below[i]), WASI_NOTCAPABLE);
        assert_int_equal(change(wasi_path_remove_directory, below[i]), WASI_NOTCAPABLE);
        assert_int_equal(change(wasi_path_unlink_file, below[i]), WASI_NOTCAPABLE);
        uint64_t other = put_other("file");
        uint64_t count = put_path(below[i]);
        assert_int_equal(CALL_ALL(wasi_path_rename, FOLDER_FD, OTHER_AT, other, FOLDER_FD,
                                  FOLDER_PATH_AT, count),
                         WASI_NOTCAPABLE);
        assert_int_equal(CALL_ALL(wasi_path_rename, FOLDER_FD, FOLDER_PATH_AT, count, FOLDER_FD,
                                  OTHER_AT, other),
                         WASI_NOTCAPABLE);
        assert_int_equal(CALL_ALL(wasi_path_link, FOLDER_FD, 0, FOLDER_PATH_AT, count, FOLDER_FD,
                                  OTHER_AT, other),
                         WASI_NOTCAPABLE);
        assert_int_equal(
            CALL_ALL(wasi_path_symlink, OTHER_AT, other, FOLDER_FD, FOLDER_PATH_AT, count),
            WASI_NOTCAPABLE);
        assert_int_equal(
            CALL_ALL(wasi_path_readlink, FOLDER_FD, FOLDER_PATH_AT, count, 0, 100, 512),
            WASI_NOTCAPABLE);
    }
    /* A slash behind a link has the system follow it. */
    uint64_t count = put_path("up/");
    uint64_t other = put_other("made");
    assert_int_equal(
        CALL_ALL(wasi_path_link, FOLDER_FD, 0, FOLDER_PATH_AT, count, FOLDER_FD, OTHER_AT, other),
        WASI_NOTCAPABLE);
    assert_int_equal(CALL_ALL(wasi_path_readlink, FOLDER_FD, FOLDER_PATH_AT, count, 0, 100, 512),
                     WASI_NOTCAPABLE);
    count = put_path("/outside");
    assert_int_equal(CALL_ALL(wasi_path_symlink, FOLDER_PATH_AT, count, FOLDER_FD, OTHER_AT, other),
                     WASI_NOTCAPABLE);
}

static void names_are_made_moved_and_removed(void **state)
{
    (void)state;
    assert_int_equal(change(wasi_path_create_directory, "made"), WASI_SUCCESS);
    assert_int_equal(change(wasi_path_create_directory, "made"), WASI_EXIST);
    uint64_t from = put_path("file");
    uint64_t to = put_other("made/moved");
    assert_int_equal(
        CALL_ALL(wasi_path_rename, FOLDER_FD, FOLDER_PATH_AT, from, FOLDER_FD, OTHER_AT, to),
        WASI_SUCCESS);
    assert_int_equal(stat_path("file", true), WASI_NOENT);
    assert_int_equal(change(wasi_path_remove_directory, "made"), WASI_NOTEMPTY);
    assert_int_equal(change(wasi_path_unlink_file, "made"), WASI_ISDIR);
    from = put_path("made/moved");
    to = put_other("again");
    assert_int_equal(
        CALL_ALL(wasi_path_link, FOLDER_FD, 0, FOLDER_PATH_AT, from, FOLDER_FD, OTHER_AT, to),
        WASI_SUCCESS);
    assert_int_equal(
        CALL_ALL(wasi_path_link, FOLDER_FD, 1, FOLDER_PATH_AT, from, FOLDER_FD, OTHER_AT, to),
        WASI_INVAL);
    assert_int_equal(stat_path("again", false), WASI_SUCCESS);
    assert_int_equal(u64(24), 2);
    assert_int_equal(change(wasi_path_unlink_file, "made/moved"), WASI_SUCCESS);
    assert_int_equal(change(wasi_path_remove_directory, "made/"), WASI_SUCCESS);
    from = put_path("again");
    to = put_other("link");
    assert_int_equal(CALL_ALL(wasi_path_symlink, FOLDER_PATH_AT, from, FOLDER_FD, OTHER_AT, to),
                     WASI_SUCCESS);
    from = put_path("link");
    assert_int_equal(CALL_ALL(wasi_path_readlink, FOLDER_FD, FOLDER_PATH_AT, from, 0, 3, 512),
                     WASI_SUCCESS);
    assert_int_equal(u32(512), 3);
    assert_memory_equal(memory(0), "aga", 3);
    assert_int_equal(stat_path("link", false), WASI_SUCCESS);
    assert_int_equal(*memory(16), WASI_FILETYPE_SYMBOLIC_LINK);
    assert_int_equal(stat_path("link", true), WASI_SUCCESS);
    assert_int_equal(*memory(16), WASI_FILETYPE_REGULAR_FILE);
}

static void a_file_is_opened_as_it_is_asked_for(void **state)
{
    (void)state;
    assert_int_equal(try_open(FOLDER_FD, "in", 0, 0, FILE_RIGHTS), WASI_LOOP);
    assert_int_equal(try_open(FOLDER_FD, "file", 1, WASI_OFLAG_DIRECTORY, 0), WASI_NOTDIR);
    assert_int_equal(
        try_open(FOLDER_FD, "file", 1, WASI_OFLAG_CREAT | WASI_OFLAG_EXCL, FILE_RIGHTS),
        WASI_EXIST);
    assert_int_equal(try_open(FOLDER_FD, "dir", 1, 0, FILE_RIGHTS), WASI_ISDIR);
    assert_int_equal(try_open(FOLDER_FD, "dir", 1, WASI_OFLAG_DIRECTORY, FILE_RIGHTS), WASI_ISDIR);
    assert_int_equal(try_open(FOLDER_FD, "x", 1, WASI_OFLAG_DIRECTORY | WASI_OFLAG_CREAT, 0),
                     WASI_INVAL);
    assert_int_equal(try_open(FOLDER_FD, "file", 1, 16, FILE_RIGHTS), WASI_INVAL);
    uint64_t count = put_path("file");
    assert_int_equal(CALL_ALL(wasi_path_open, FOLDER_FD, 1, FOLDER_PATH_AT, count, 0, 0, 0, 32, 64),
                     WASI_INVAL);
    assert_int_equal(
        CALL_ALL(wasi_path_open, FOLDER_FD, 1, FOLDER_PATH_AT, count, 0, 0, 0, 0, PAGE_BYTES - 3),
        WASI_FAULT);
    uint32_t fd = open_path("file", WASI_OFLAG_TRUNC, FILE_RIGHTS, 0);
    assert_int_equal(CALL_ALL(wasi_fd_filestat_get, fd, 0), WASI_SUCCESS);
    assert_int_equal(u64(32), 0);
    uint32_t dir = open_path("dir", WASI_OFLAG_DIRECTORY, WASI_RIGHT(PATH_OPEN), 0);
    assert_int_equal(try_open(dir, "../file", 1, 0, WASI_RIGHT(FD_READ)), WASI_NOTCAPABLE);
    assert_int_equal(try_open(dir, "back", 1, 0, WASI_RIGHT(FD_READ)), WASI_NOTCAPABLE);
}

UNIT
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)
    const struct CMUnitTest tests[] = {
        TEST(what_is_no_path_is_refused),
        TEST(no_call_leads_out),
        TEST(names_are_made_moved_and_removed),
        TEST(a_file_is_opened_as_it_is_asked_for),
    };
    return cmocka_run_group_tests(tests, fixture_prepare, NULL);
}
