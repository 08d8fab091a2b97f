/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nothing leads out, with openat2 and without it, and both say the same.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hostapi/wasi/beneath.h"
#include "tests/support/unit.h"
#include "tests/unit/hostapi/wasi/folder.h"

/* 0, or minus an errno; what was opened is closed. */
static int open_both(const char *path, int flags)
{
    int results[2];
    for (int walks = 0; walks < 2; walks++) {
        bool only_walks = walks == 1;
        int fd = beneath_open(&only_walks, folder.fd, bytes_of_text(path), flags, 0600);
        results[walks] = MIN(fd, 0);
        if (fd >= 0)
            assert_int_equal(close(fd), 0);
    }
    if (results[0] != results[1])
        fail_msg("%s: %d with openat2, %d without", path, results[0], results[1]);
    return results[0];
}

static void what_is_below_is_opened(void **state)
{
    (void)state;
    static const char *const paths[] = {
        "file",   ".",  "dir",      "dir/",        "dir/deep",        "./dir//./deep",
        "dir/..", "in", "dir/back", "dir/../file", "dir/../dir/deep", "dir/../in",
    };
    for (size_t i = 0; i < COUNT_OF(paths); i++)
        assert_int_equal(open_both(paths[i], O_RDONLY), 0);
    assert_int_equal(open_both("up", O_PATH | O_NOFOLLOW), 0);
}

static void nothing_leads_out(void **state)
{
    (void)state;
    static const char *const paths[] = {
        "..",        "../outside", "dir/../../outside", "up", "up/outside", "up_out",
        "dir/up_up", "abs",        "/etc/passwd",       "/",  "dir/../..",  "./../root/file",
    };
    for (size_t i = 0; i < COUNT_OF(paths); i++)
        assert_int_equal(open_both(paths[i], O_RDONLY), -EXDEV);
}

static void what_is_not_there_is_told_alike(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        int flags;
        int error;
    } rows[] = {
        {"", O_RDONLY, ENOENT},
        {"nothing", O_RDONLY, ENOENT},
        {"nothing/deep", O_RDONLY, ENOENT},
        {"file/deep", O_RDONLY, ENOTDIR},
        {"file/", O_RDONLY, ENOTDIR},
        {"in/", O_RDONLY, ENOTDIR},
        {"none", O_RDONLY, ENOENT},
        {"loop", O_RDONLY, ELOOP},
        {"loop/x", O_RDONLY, ELOOP},
        {"in", O_RDONLY | O_NOFOLLOW, ELOOP},
        {"dir", O_WRONLY, EISDIR},
        {"file", O_RDONLY | O_DIRECTORY, ENOTDIR},
        {"file", O_RDWR | O_CREAT | O_EXCL, EEXIST},
        {"none", O_RDWR | O_CREAT | O_EXCL, EEXIST},
        {"new/", O_RDWR | O_CREAT, EISDIR},
        {"dir/", O_RDWR | O_CREAT, EISDIR},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (open_both(rows[i].path, rows[i].flags) != -rows[i].error)
            fail_msg("%s: %d", rows[i].path, open_both(rows[i].path, rows[i].flags));
    }
}

static void a_link_to_what_is_to_be_made_stays_inside(void **state)
{
    (void)state;
    struct stat facts;
    bool walks = true;
    int fd = beneath_open(&walks, folder.fd, bytes_of_text("none"), O_RDWR | O_CREAT, 0600);
    assert_true(fd >= 0);
    assert_int_equal(close(fd), 0);
    assert_int_equal(fstatat(folder.fd, "nowhere", &facts, 0), 0);
    assert_int_equal(symlinkat("../made", folder.fd, "out"), 0);
    assert_int_equal(open_both("out", O_RDWR | O_CREAT), -EXDEV);
}

/* The walk keeps the folders that it came through: one that is moved away leads nowhere else. */
static void a_way_is_bounded(void **state)
{
    (void)state;
    char path[WASI_PATH_BYTES_MAX + 8];
    memset(path, 'a', sizeof(path));
    path[sizeof(path) - 1] = '\0';
    assert_int_equal(open_both(path, O_RDONLY), -ENAMETOOLONG);
    path[0] = '\0';
    for (int i = 0; i < BENEATH_DEPTH_MAX + 1; i++) {
        (void)strcat(path, "d/");
        assert_int_equal(mkdirat(folder.fd, path, 0700), 0);
    }
    bool walks = true;
    assert_int_equal(beneath_open(&walks, folder.fd, bytes_of_text(path), O_RDONLY, 0),
                     -ENAMETOOLONG);
}

UNIT
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)
    const struct CMUnitTest tests[] = {
        TEST(what_is_below_is_opened),
        TEST(nothing_leads_out),
        TEST(what_is_not_there_is_told_alike),
        TEST(a_link_to_what_is_to_be_made_stays_inside),
        TEST(a_way_is_bounded),
    };
    return cmocka_run_group_tests(tests, fixture_prepare, NULL);
}
