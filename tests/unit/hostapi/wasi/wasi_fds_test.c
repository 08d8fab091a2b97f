/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of descriptors: numbers, renumbering, rights that shrink, and an end.
 */
#include "tests/support/unit.h"
#include "tests/unit/hostapi/wasi/folder.h"

#define READS (WASI_RIGHT(FD_READ) | WASI_RIGHT(FD_SEEK) | WASI_RIGHT(FD_TELL))

static void the_lowest_number_is_taken(void **state)
{
    (void)state;
    assert_int_equal(open_path("file", 0, READS, 0), 4);
    assert_int_equal(open_path("file", 0, READS, 0), 5);
    assert_int_equal(CALL_ALL(wasi_fd_close, 4), WASI_SUCCESS);
    assert_int_equal(CALL_ALL(wasi_fd_close, 4), WASI_BADF);
    assert_int_equal(CALL_ALL(wasi_fd_tell, 4, 0), WASI_BADF);
    assert_int_equal(open_path("dir/deep", 0, READS, 0), 4);
    assert_int_equal(CALL_ALL(wasi_fd_close, 0), WASI_SUCCESS);
    assert_int_equal(open_path("file", 0, READS, 0), 0);
    put_iovec(0, 100, 4);
    assert_int_equal(CALL_ALL(wasi_fd_read, 0, 0, 1, 64), WASI_SUCCESS);
    assert_memory_equal(memory(100), "0123", 4);
}

static void a_renumbered_descriptor_takes_its_position_along(void **state)
{
    (void)state;
    uint32_t a = open_path("file", 0, READS, 0);
    uint32_t b = open_path("dir/deep", 0, READS, 0);
    assert_int_equal(CALL_ALL(wasi_fd_seek, a, 5, 0, 64), WASI_SUCCESS);
    assert_int_equal(CALL_ALL(wasi_fd_renumber, a, b), WASI_SUCCESS);
    assert_int_equal(CALL_ALL(wasi_fd_tell, a, 64), WASI_BADF);
    assert_int_equal(CALL_ALL(wasi_fd_tell, b, 64), WASI_SUCCESS);
    assert_int_equal(u64(64), 5);
    assert_int_equal(CALL_ALL(wasi_fd_renumber, b, 1), WASI_SUCCESS);
    put_iovec(0, 100, 4);
    assert_int_equal(CALL_ALL(wasi_fd_read, 1, 0, 1, 64), WASI_SUCCESS);
    assert_memory_equal(memory(100), "5678", 4);
}

static void a_preopened_folder_is_one_until_it_is_closed(void **state)
{
    (void)state;
    assert_int_equal(CALL_ALL(wasi_fd_prestat_get, 3, 0), WASI_SUCCESS);
    assert_int_equal(u32(0), 0);
    assert_int_equal(u32(4), 1);
    assert_int_equal(CALL_ALL(wasi_fd_prestat_dir_name, 3, 0, 0), WASI_NAMETOOLONG);
    assert_int_equal(CALL_ALL(wasi_fd_prestat_dir_name, 3, 0, 1), WASI_SUCCESS);
    assert_int_equal(*memory(0), '/');
    assert_int_equal(CALL_ALL(wasi_fd_prestat_get, 4, 0), WASI_BADF);
    assert_int_equal(CALL_ALL(wasi_fd_prestat_get, 0, 0), WASI_BADF);
    uint32_t dir = open_path("dir", WASI_OFLAG_DIRECTORY, WASI_RIGHT(FD_READDIR), 0);
    assert_int_equal(CALL_ALL(wasi_fd_prestat_get, dir, 0), WASI_BADF);
    assert_int_equal(CALL_ALL(wasi_fd_close, 3), WASI_SUCCESS);
    assert_int_equal(CALL_ALL(wasi_fd_prestat_get, 3, 0), WASI_BADF);
}

static void there_are_so_many_descriptors(void **state)
{
    (void)state;
    uint32_t last = 0;
    for (uint32_t i = 4; i < WASI_FDS_MAX; i++)
        last = open_path(".", 0, 0, 0);
    assert_int_equal(last, WASI_FDS_MAX - 1);
    assert_int_equal(try_open(FOLDER_FD, "file", 1, 0, READS), WASI_MFILE);
    assert_int_equal(CALL_ALL(wasi_fd_close, 500), WASI_SUCCESS);
    assert_int_equal(open_path("file", 0, READS, 0), 500);
    hostapi_host_reset(fixture.host);
    assert_int_equal(open_path("file", 0, READS, 0), 4);
}

static void rights_shrink_and_never_grow(void **state)
{
    (void)state;
    uint32_t fd = open_path("file", 0, READS, 0);
    put_iovec(0, 100, 4);
    assert_int_equal(CALL_ALL(wasi_fd_fdstat_set_rights, fd, READS | WASI_RIGHT(FD_WRITE), 0),
                     WASI_NOTCAPABLE);
    assert_int_equal(CALL_ALL(wasi_fd_fdstat_set_rights, fd, WASI_RIGHT(FD_READ), 0), WASI_SUCCESS);
    assert_int_equal(CALL_ALL(wasi_fd_read, fd, 0, 1, 64), WASI_SUCCESS);
    assert_int_equal(CALL_ALL(wasi_fd_seek, fd, 0, 0, 64), WASI_NOTCAPABLE);
    assert_int_equal(CALL_ALL(wasi_fd_tell, fd, 64), WASI_NOTCAPABLE);
    assert_int_equal(CALL_ALL(wasi_fd_fdstat_set_rights, fd, READS, 0), WASI_NOTCAPABLE);
    assert_int_equal(CALL_ALL(wasi_fd_fdstat_set_rights, 9, 0, 0), WASI_BADF);
    /* Below a folder there is no more than it gives. */
    uint64_t look = WASI_RIGHT(PATH_OPEN) | WASI_RIGHT(FD_READDIR);
    assert_int_equal(CALL_ALL(wasi_fd_fdstat_set_rights, FOLDER_FD, look, WASI_RIGHT(FD_READ)),
                     WASI_SUCCESS);
    assert_int_equal(try_open(FOLDER_FD, "new", 1, WASI_OFLAG_CREAT, READS), WASI_NOTCAPABLE);
    assert_int_equal(try_open(FOLDER_FD, "file", 1, 0, FOLDER_ALL), WASI_NOTCAPABLE);
    fd = open_path("file", 0, READS, 0);
    assert_int_equal(CALL_ALL(wasi_fd_fdstat_get, fd, 0), WASI_SUCCESS);
    assert_int_equal(u64(8), WASI_RIGHT(FD_READ));
}

UNIT
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)
    const struct CMUnitTest tests[] = {
        TEST(the_lowest_number_is_taken),
        TEST(a_renumbered_descriptor_takes_its_position_along),
        TEST(a_preopened_folder_is_one_until_it_is_closed),
        TEST(there_are_so_many_descriptors),
        TEST(rights_shrink_and_never_grow),
    };
    return cmocka_run_group_tests(tests, fixture_prepare, NULL);
}
