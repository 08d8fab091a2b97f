/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LMDB's errors in words that say what to do.
 */
#include <errno.h>
#include <lmdb.h>
#include <string.h>

#include "deploy/lmdb/lmdb_status.h"
#include "tests/support/unit.h"

static const struct lmdb_words words = {
    .name = "the shelf", .remedy = "remove books", .size = "shelf.map_size"};

static void assert_told(int rc, enum status status, const char *text)
{
    struct report report = REPORT_INIT;
    assert_int_equal(lmdb_status(rc, &words, &report), status);
    assert_int_equal(report.status, status);
    if (strstr(report.text, text) == NULL)
        fail_msg("%s", report.text);
    assert_int_equal(lmdb_status(rc, &words, NULL), status);
}

static void what_went_well_or_found_nothing_has_no_report(void **state)
{
    (void)state;
    struct report report = REPORT_INIT;
    assert_int_equal(lmdb_status(0, &words, &report), STATUS_OK);
    assert_int_equal(lmdb_status(MDB_NOTFOUND, &words, &report), STATUS_NOT_FOUND);
    assert_int_equal(report.status, STATUS_OK);
}

static void each_error_says_what_to_do(void **state)
{
    (void)state;
    assert_told(MDB_MAP_FULL, STATUS_FULL,
                "the shelf is full: remove books, or raise shelf.map_size");
    assert_told(ENOSPC, STATUS_FULL, "free some space, or remove books");
    assert_told(EIO, STATUS_FULL, "full or failing");
    assert_told(ENOMEM, STATUS_NO_MEMORY, "the shelf");
    assert_told(EACCES, STATUS_DENIED, "may not be opened");
    assert_told(ENOENT, STATUS_NOT_FOUND, "the shelf is not there");
    assert_told(MDB_READERS_FULL, STATUS_BUSY, "the shelf");
    assert_told(MDB_CORRUPTED, STATUS_CORRUPT, "restore it from a backup");
    assert_told(MDB_INVALID, STATUS_CORRUPT, "damaged or cut short");
    assert_told(MDB_PANIC, STATUS_IO, "the shelf failed");
}

static void one_without_a_bound_names_none(void **state)
{
    (void)state;
    static const struct lmdb_words bare = {.name = "the box", .remedy = "empty it"};
    struct report report = REPORT_INIT;
    assert_int_equal(lmdb_status(MDB_MAP_FULL, &bare, &report), STATUS_FULL);
    assert_string_equal(report.text, "the box is full: empty it");
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_went_well_or_found_nothing_has_no_report),
        cmocka_unit_test(each_error_says_what_to_do),
        cmocka_unit_test(one_without_a_bound_names_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
