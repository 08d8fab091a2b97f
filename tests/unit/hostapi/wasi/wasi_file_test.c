/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Open files and folders: positions, sizes, times, entries; and numbers that are none.
 */
#include <stdio.h>

#include "tests/support/unit.h"
#include "tests/unit/hostapi/wasi/folder.h"

#define FILE_RIGHTS wasi_fds_rights(WASI_FILETYPE_REGULAR_FILE)
#define FAR         (UINT64_C(1) << 63)

static void bytes_are_read_and_written_where_they_are_meant(void **state)
{
    (void)state;
    uint32_t fd = open_path("file", 0, FILE_RIGHTS, 0);
    put_iovec(0, 100, 3);
    put_iovec(8, 200, 30);
    assert_int_equal(CALL_ALL(wasi_fd_read, fd, 0, 2, 64), WASI_SUCCESS);
    assert_int_equal(u32(64), 10);
    assert_memory_equal(memory(200), "3456789", 7);
    assert_int_equal(CALL_ALL(wasi_fd_read, fd, 0, 2, 64), WASI_SUCCESS);
    assert_int_equal(u32(64), 0);
    put_iovec(8, 200, 2);
    memcpy(memory(100), "abcXY", 5);
    memcpy(memory(200), "de", 2);
    assert_int_equal(CALL_ALL(wasi_fd_pwrite, fd, 0, 2, 1, 64), WASI_SUCCESS);
    assert_int_equal(u32(64), 5);
    assert_int_equal(CALL_ALL(wasi_fd_pread, fd, 0, 2, 0, 64), WASI_SUCCESS);
    assert_memory_equal(memory(100), "0ab", 3);
    assert_memory_equal(memory(200), "cd", 2);
    assert_int_equal(CALL_ALL(wasi_fd_tell, fd, 64), WASI_SUCCESS);
    assert_int_equal(u64(64), 10);
    assert_int_equal(CALL_ALL(wasi_fd_pread, fd, 0, 2, FAR, 64), WASI_INVAL);
    assert_int_equal(CALL_ALL(wasi_fd_pread, 1, 0, 2, 0, 64), WASI_SPIPE);
    assert_int_equal(CALL_ALL(wasi_fd_pwrite, fd, 0, 2, 0, PAGE_BYTES - 3), WASI_FAULT);
}

/* Vectors that share their place, in a memory of one page: 240,000 bytes. */
static void a_long_read_or_write_of_a_file_takes_turns(void **state)
{
    (void)state;
    uint32_t fd = open_path("file", 0, FILE_RIGHTS, 0);
    fixture.host->request.exchange = &fixture.exchange; /* a command would not stop */
    for (uint32_t i = 0; i < 4; i++)
        put_iovec(8 * i, 1000, 60000);
    static wasi_handler *const handlers[] = {wasi_fd_pwrite, wasi_fd_pread};
    memset(memory(1000), 'x', 60000);
    for (size_t i = 0; i < COUNT_OF(handlers); i++) {
        const uint64_t arguments[] = {fd, 0, 4, 0, 64};
        assert_int_equal(call_some(handlers[i], arguments, COUNT_OF(arguments)), ENGINE_PENDING);
        assert_true(hostapi_waits_for(hostapi_waits(fixture.host), HOSTAPI_WAIT_TURN));
        assert_int_equal(CALL_ALL(handlers[i], fd, 0, 4, 0, 64), WASI_SUCCESS);
        assert_int_equal(u32(64), 240000);
    }
    assert_int_equal(CALL_ALL(wasi_fd_filestat_get, fd, 0), WASI_SUCCESS);
    assert_int_equal(u64(32), 240000);
}

static void appended_bytes_go_to_the_end(void **state)
{
    (void)state;
    uint32_t fd = open_path("file", 0, FILE_RIGHTS, WASI_FDFLAG_APPEND);
    put_iovec(0, 100, 2);
    memcpy(memory(100), "xy", 2);
    assert_int_equal(CALL_ALL(wasi_fd_write, fd, 0, 1, 64), WASI_SUCCESS);
    assert_int_equal(CALL_ALL(wasi_fd_tell, fd, 64), WASI_SUCCESS);
    assert_int_equal(u64(64), 12);
    assert_int_equal(CALL_ALL(wasi_fd_fdstat_set_flags, fd, 0), WASI_SUCCESS);
    assert_int_equal(CALL_ALL(wasi_fd_seek, fd, 0, 0, 64), WASI_SUCCESS);
    assert_int_equal(CALL_ALL(wasi_fd_write, fd, 0, 1, 64), WASI_SUCCESS);
    assert_int_equal(CALL_ALL(wasi_fd_pread, fd, 0, 1, 0, 64), WASI_SUCCESS);
    assert_memory_equal(memory(100), "xy", 2);
    assert_int_equal(CALL_ALL(wasi_fd_fdstat_set_flags, fd, 32), WASI_INVAL);
    assert_int_equal(CALL_ALL(wasi_fd_fdstat_set_flags, fd, WASI_FDFLAG_SYNC), WASI_NOTSUP);
}

static void a_position_is_sought_from_all_three_places(void **state)
{
    (void)state;
    static const struct {
        uint64_t delta;
        uint32_t whence; /* of preview 1 */
        uint64_t found;  /* UINT64_MAX: INVAL */
    } rows[] = {
        {4, 0, 4},
        {3, 1, 7},
        {(uint64_t)-7, 1, 0},
        {(uint64_t)-1, 1, UINT64_MAX},
        {0, 2, 10},
        {90, 2, 100},
        {(uint64_t)-11, 2, UINT64_MAX},
        {(uint64_t)-10, 2, 0},
        {0, 3, UINT64_MAX},
        {INT64_MAX, 0, INT64_MAX},
        {1, 1, UINT64_MAX},
        {FAR, 1, UINT64_MAX},
    };
    static const uint32_t older[] = {2, 0, 1, 3};
    for (int is_p0 = 0; is_p0 < 2; is_p0++) {
        uint32_t fd = open_path("file", 0, FILE_RIGHTS, 0);
        for (size_t i = 0; i < COUNT_OF(rows); i++) {
            enum wasi_errno error =
                is_p0 != 0 ? CALL_ALL(wasi_fd_seek_p0, fd, rows[i].delta, older[rows[i].whence], 64)
                           : CALL_ALL(wasi_fd_seek, fd, rows[i].delta, rows[i].whence, 64);
            assert_int_equal(error, rows[i].found == UINT64_MAX ? WASI_INVAL : WASI_SUCCESS);
            if (error == WASI_SUCCESS)
                assert_int_equal(u64(64), rows[i].found);
        }
        put_iovec(0, 100, 1);
        assert_int_equal(CALL_ALL(wasi_fd_write, fd, 0, 1, 64), WASI_FBIG);
    }
    assert_int_equal(CALL_ALL(wasi_fd_seek, FOLDER_FD, 0, 1, 64), WASI_NOTCAPABLE);
    assert_int_equal(CALL_ALL(wasi_fd_seek, 1, 0, 0, 64), WASI_SPIPE);
}

static void sizes_times_and_advice_are_checked(void **state)
{
    (void)state;
    uint32_t fd = open_path("file", 0, FILE_RIGHTS, 0);
    assert_int_equal(CALL_ALL(wasi_fd_filestat_set_size, fd, 4), WASI_SUCCESS);
    assert_int_equal(CALL_ALL(wasi_fd_filestat_set_size, fd, FAR), WASI_INVAL);
    assert_int_equal(CALL_ALL(wasi_fd_filestat_get, fd, 0), WASI_SUCCESS);
    assert_int_equal(*memory(16), WASI_FILETYPE_REGULAR_FILE);
    assert_int_equal(u64(24), 1);
    assert_int_equal(u64(32), 4);
    assert_int_equal(CALL_ALL(wasi_fd_filestat_get_p0, fd, 0), WASI_SUCCESS);
    assert_int_equal(u32(20), 1);
    assert_int_equal(u64(24), 4);
    assert_int_equal(CALL_ALL(wasi_fd_filestat_set_times, fd, 5, 7000000001, 5), WASI_SUCCESS);
    assert_int_equal(CALL_ALL(wasi_fd_filestat_get, fd, 0), WASI_SUCCESS);
    assert_int_equal(u64(40), 5);
    assert_int_equal(u64(48), 7000000001);
    assert_int_equal(CALL_ALL(wasi_fd_filestat_set_times, fd, 0, 0, 3), WASI_INVAL);
    assert_int_equal(CALL_ALL(wasi_fd_filestat_set_times, fd, 0, 0, 16), WASI_INVAL);
    assert_int_equal(CALL_ALL(wasi_fd_advise, fd, 0, 0, 5), WASI_SUCCESS);
    assert_int_equal(CALL_ALL(wasi_fd_advise, fd, 0, 0, 6), WASI_INVAL);
    assert_int_equal(CALL_ALL(wasi_fd_advise, fd, FAR, 0, 0), WASI_INVAL);
    assert_int_equal(CALL_ALL(wasi_fd_allocate, fd, 0, 0), WASI_INVAL);
    assert_int_equal(CALL_ALL(wasi_fd_allocate, fd, FAR - 1, 2), WASI_INVAL);
    assert_int_equal(CALL_ALL(wasi_fd_sync, fd), WASI_SUCCESS);
    assert_int_equal(CALL_ALL(wasi_fd_datasync, fd), WASI_SUCCESS);
}

/* Names of a folder, one a call; their number. */
static uint32_t list(uint32_t fd, bool *ret_dots)
{
    uint64_t cookie = 0;
    uint32_t names = 0;
    *ret_dots = false;
    for (;;) {
        assert_int_equal(CALL_ALL(wasi_fd_readdir, fd, 0, 24 + 255, cookie, 512), WASI_SUCCESS);
        uint32_t used = u32(512);
        if (used == 0)
            return names;
        cookie = u64(0);
        *ret_dots = *ret_dots || (u32(16) == 2 && memcmp(memory(24), "..", 2) == 0);
        names++;
    }
}

static void a_folder_is_read_in_pieces_of_any_size(void **state)
{
    (void)state;
    bool dots;
    for (uint32_t i = 0; i < 300; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "dir/f%u", i);
        uint32_t fd = open_path(name, WASI_OFLAG_CREAT, FILE_RIGHTS, 0);
        assert_int_equal(CALL_ALL(wasi_fd_close, fd), WASI_SUCCESS);
    }
    uint32_t dir = open_path("dir", WASI_OFLAG_DIRECTORY, WASI_RIGHT(FD_READDIR), 0);
    assert_int_equal(list(dir, &dots), 300 + 3 + 2);
    assert_true(dots);
    assert_int_equal(CALL_ALL(wasi_fd_readdir, dir, 0, 0, 0, 512), WASI_SUCCESS);
    assert_int_equal(u32(512), 0);
    assert_int_equal(CALL_ALL(wasi_fd_readdir, dir, 0, 7, 0, 512), WASI_SUCCESS);
    assert_int_equal(u32(512), 7);
}

static void cookies_of_elsewhere_are_no_harm(void **state)
{
    (void)state;
    static const uint64_t cookies[] = {1, 2, 77, 0x7fffffff, INT64_MAX};
    uint32_t dir = open_path("dir", WASI_OFLAG_DIRECTORY, WASI_RIGHT(FD_READDIR), 0);
    for (size_t i = 0; i < COUNT_OF(cookies); i++) {
        enum wasi_errno error = CALL_ALL(wasi_fd_readdir, dir, 0, 500, cookies[i], 512);
        assert_true(error == WASI_SUCCESS || error == WASI_INVAL || error == WASI_NOENT);
    }
    for (uint64_t cookie = 0, used = 1; used > 0; cookie = u64(0)) {
        assert_int_equal(CALL_ALL(wasi_fd_readdir, FOLDER_FD, 0, 24 + 255, cookie, 512),
                         WASI_SUCCESS);
        used = u32(512);
        enum wasi_errno error = CALL_ALL(wasi_fd_readdir, dir, 1000, 500, u64(0), 1600);
        assert_true(error == WASI_SUCCESS || error == WASI_INVAL || error == WASI_NOENT);
    }
    assert_int_equal(CALL_ALL(wasi_fd_readdir, dir, 0, 500, FAR, 512), WASI_INVAL);
    uint32_t fd = open_path("file", 0, FOLDER_ALL & ~WASI_RIGHT(FD_WRITE), 0);
    assert_int_equal(CALL_ALL(wasi_fd_readdir, fd, 0, 500, 0, 512), WASI_NOTCAPABLE);
    assert_int_equal(CALL_ALL(wasi_fd_readdir, 1, 0, 500, 0, 512), WASI_NOTDIR);
    assert_int_equal(CALL_ALL(wasi_fd_readdir, dir, PAGE_BYTES - 1, 500, 0, 512), WASI_FAULT);
}

static void files_are_ready_at_once(void **state)
{
    (void)state;
    uint32_t fd = open_path("file", 0, FILE_RIGHTS, 0);
    assert_int_equal(CALL_ALL(wasi_fd_seek, fd, 4, 0, 64), WASI_SUCCESS);
    put_clock(0, 7, 1, 1000000000, 0);
    memset(memory(48), 0, 48);
    guest_mem_store_u64(memory(48), 8);
    *memory(56) = 1;
    guest_mem_store_u32(memory(64), fd);
    assert_int_equal(CALL_ALL(wasi_poll_oneoff, 0, 512, 2, 800), WASI_SUCCESS);
    assert_int_equal(u32(800), 1);
    assert_int_equal(u64(512), 8);
    assert_int_equal(u64(512 + 16), 6);
    assert_int_equal(CALL_ALL(wasi_fd_fdstat_set_rights, fd, 0, 0), WASI_SUCCESS);
    assert_int_equal(CALL_ALL(wasi_poll_oneoff, 0, 512, 2, 800), WASI_SUCCESS);
    assert_int_equal(guest_mem_load_u16(memory(512 + 8)), WASI_NOTCAPABLE);
}

UNIT
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)
    const struct CMUnitTest tests[] = {
        TEST(bytes_are_read_and_written_where_they_are_meant),
        TEST(a_long_read_or_write_of_a_file_takes_turns),
        TEST(appended_bytes_go_to_the_end),
        TEST(a_position_is_sought_from_all_three_places),
        TEST(sizes_times_and_advice_are_checked),
        TEST(a_folder_is_read_in_pieces_of_any_size),
        TEST(cookies_of_elsewhere_are_no_harm),
        TEST(files_are_ready_at_once),
    };
    return cmocka_run_group_tests(tests, fixture_prepare, NULL);
}
