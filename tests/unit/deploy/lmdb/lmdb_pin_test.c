/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pin: what is kept for a reader that is told of by hand, and who holds it for too long.
 */
#include "lmdb_fixture.h"

static void write_many(struct lmdb_fixture *fixture, uint64_t from, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        lmdb_fixture_write(fixture, from + i);
}

static void the_file_does_not_grow_while_nobody_reads(void **state)
{
    (void)state;
    struct lmdb_fixture fixture;
    lmdb_fixture_init(&fixture);
    write_many(&fixture, 1, 10);
    uint64_t pages = lmdb_fixture_pages(&fixture);
    fixture.oldest = lmdb_fixture_last(&fixture);
    write_many(&fixture, 11, 1);
    fixture.oldest = LMDB_NO_COMMIT;
    write_many(&fixture, 12, 10);
    assert_int_equal(lmdb_fixture_pages(&fixture), pages);
    assert_int_equal(lmdb_pin_stuck(&fixture.pin), 0);
    lmdb_fixture_done(&fixture);
}

static void pages_of_a_commit_that_is_read_are_not_used_again(void **state)
{
    (void)state;
    struct lmdb_fixture fixture;
    lmdb_fixture_init(&fixture);
    write_many(&fixture, 1, 10);
    uint64_t pages = lmdb_fixture_pages(&fixture);
    fixture.oldest = lmdb_fixture_last(&fixture);
    write_many(&fixture, 11, 10);
    assert_true(lmdb_fixture_pages(&fixture) > pages + 9 * LMDB_FIXTURE_KEYS);
    pages = lmdb_fixture_pages(&fixture);
    fixture.oldest = LMDB_NO_COMMIT;
    write_many(&fixture, 21, 10);
    assert_int_equal(lmdb_fixture_pages(&fixture), pages);
    lmdb_fixture_done(&fixture);
}

static void who_holds_it_from_one_look_to_the_next_is_stuck(void **state)
{
    (void)state;
    struct lmdb_fixture fixture;
    lmdb_fixture_init(&fixture);
    write_many(&fixture, 1, 3);
    uint64_t last = lmdb_fixture_last(&fixture);
    fixture.oldest = last; /* of the newest commit: it is in nobody's way */
    assert_int_equal(lmdb_pin_stuck(&fixture.pin), 0);
    assert_int_equal(lmdb_pin_stuck(&fixture.pin), 0);
    write_many(&fixture, 4, 3);
    assert_int_equal(lmdb_pin_stuck(&fixture.pin), 0);
    assert_int_equal(lmdb_pin_stuck(&fixture.pin), last + 1);
    fixture.oldest = last - 1; /* one that changes its word, and none of them is new */
    assert_int_equal(lmdb_pin_stuck(&fixture.pin), last + 1);
    fixture.oldest = LMDB_NO_COMMIT;
    assert_int_equal(lmdb_pin_stuck(&fixture.pin), 0);
    lmdb_fixture_done(&fixture);
}

/* There is somebody who reads at any time, but nobody for long. */
static void readers_that_come_and_go_do_not_make_the_file_grow(void **state)
{
    (void)state;
    struct lmdb_fixture fixture;
    lmdb_fixture_init(&fixture);
    write_many(&fixture, 1, 10);
    for (uint64_t i = 0; i < 10; i++) {
        fixture.oldest = lmdb_fixture_last(&fixture) - 2;
        write_many(&fixture, 11 + i, 1);
    }
    uint64_t pages = lmdb_fixture_pages(&fixture);
    for (uint64_t i = 0; i < 30; i++) {
        fixture.oldest = lmdb_fixture_last(&fixture) - 2;
        write_many(&fixture, 21 + i, 1);
    }
    assert_true(lmdb_fixture_pages(&fixture) < pages + 2 * LMDB_FIXTURE_KEYS);
    lmdb_fixture_done(&fixture);
}

/* Two reads that were over a commit when they were looked at are not one that lasted. */
static void who_let_it_move_in_between_is_not_stuck(void **state)
{
    (void)state;
    struct lmdb_fixture fixture;
    lmdb_fixture_init(&fixture);
    write_many(&fixture, 1, 3);
    fixture.oldest = lmdb_fixture_last(&fixture) - 1;
    assert_int_equal(lmdb_pin_stuck(&fixture.pin), 0);
    fixture.oldest = LMDB_NO_COMMIT;
    write_many(&fixture, 4, 1);
    fixture.oldest = lmdb_fixture_last(&fixture) - 1;
    assert_int_equal(lmdb_pin_stuck(&fixture.pin), 0);
    lmdb_fixture_done(&fixture);
}

static void where_nobody_reads_there_is_none(void **state)
{
    (void)state;
    struct lmdb_fixture fixture;
    lmdb_fixture_init(&fixture);
    fixture.pin.readers.oldest = NULL;
    write_many(&fixture, 1, 3);
    assert_null(fixture.pin.older);
    assert_int_equal(lmdb_pin_stuck(&fixture.pin), 0);
    lmdb_fixture_done(&fixture);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_file_does_not_grow_while_nobody_reads),
        cmocka_unit_test(pages_of_a_commit_that_is_read_are_not_used_again),
        cmocka_unit_test(readers_that_come_and_go_do_not_make_the_file_grow),
        cmocka_unit_test(who_holds_it_from_one_look_to_the_next_is_stuck),
        cmocka_unit_test(who_let_it_move_in_between_is_not_stuck),
        cmocka_unit_test(where_nobody_reads_there_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
