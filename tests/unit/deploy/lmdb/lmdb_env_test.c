/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An environment as its writer opens it.
 */
#include "lmdb_fixture.h"

#include <errno.h>
#include <fcntl.h>

static void what_was_committed_is_there_after_opening_again(void **state)
{
    (void)state;
    struct lmdb_fixture fixture;
    MDB_txn *txn;
    lmdb_fixture_init(&fixture);
    lmdb_fixture_write(&fixture, 7);
    lmdb_fixture_close(&fixture);
    assert_int_equal(lmdb_fixture_open(&fixture), 0);
    assert_int_equal(mdb_txn_begin(fixture.env, NULL, MDB_RDONLY, &txn), 0);
    assert_int_equal(lmdb_fixture_read(txn, fixture.dbi), 7);
    mdb_txn_abort(txn);
    lmdb_fixture_done(&fixture);
}

static void its_file_is_closed_when_another_program_starts(void **state)
{
    (void)state;
    struct lmdb_fixture fixture;
    int fd;
    lmdb_fixture_init(&fixture);
    assert_int_equal(mdb_env_get_fd(fixture.env, &fd), 0);
    assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    lmdb_fixture_done(&fixture);
}

static void what_is_no_environment_is_refused(void **state)
{
    (void)state;
    struct lmdb_fixture fixture;
    lmdb_fixture_init(&fixture);
    lmdb_fixture_close(&fixture);
    static const char line[] = "not an environment, by no means\n";
    char text[8192];
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = line[i % (sizeof(line) - 1)];
    text[sizeof(text) - 1] = '\0';
    fixture_write_file(&fixture.base, "data.mdb", text, 0600);
    assert_int_equal(lmdb_fixture_open(&fixture), MDB_INVALID);
    lmdb_fixture_done(&fixture);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_committed_is_there_after_opening_again),
        cmocka_unit_test(its_file_is_closed_when_another_program_starts),
        cmocka_unit_test(what_is_no_environment_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
