/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a backup has: all of one moment, in whatever pieces it is taken.
 */
#include "backup_fixture.h"

static void it_is_the_same_in_pieces_of_any_size(void **state)
{
    struct saved *saved = *state;
    static const size_t wants[] = {1, 7, 100, 1 << 16};
    struct buffer whole[COUNT_OF(wants)];
    for (size_t i = 0; i < COUNT_OF(wants); i++) {
        struct backup_source *source = saved_begin(saved);
        buffer_init(&whole[i], 1 << 20);
        saved_run(source, wants[i], &whole[i]);
        saved_end(saved, source);
        assert_true(bytes_equal(buffer_bytes(&whole[0]), buffer_bytes(&whole[i])));
    }
    for (size_t i = 0; i < COUNT_OF(wants); i++)
        buffer_done(&whole[i]);
}

static void what_changes_meanwhile_is_not_in_it(void **state)
{
    struct saved *saved = *state;
    struct buffer before;
    struct buffer during;
    struct report report = REPORT_INIT;
    uint32_t number;
    bool done;
    buffer_init(&before, 1 << 20);
    buffer_init(&during, 1 << 20);
    struct backup_source *source = saved_begin(saved);
    saved_run(source, 1 << 16, &before);
    saved_end(saved, source);
    source = saved_begin(saved);
    assert_int_equal(backup_source_more(source, 60, &during, &done, &report), STATUS_OK);
    const struct store_target target = fixture_target("acme", "f");
    assert_int_equal(store_delete_function(saved->fixture.store, &target, NULL, &number),
                     STATUS_OK);
    assert_int_equal(fixture_add(&saved->fixture, "zeta", "z", bytes_of_text("another"), &number),
                     STATUS_OK);
    saved_run(source, 50, &during);
    saved_end(saved, source);
    assert_true(bytes_equal(buffer_bytes(&before), buffer_bytes(&during)));
    buffer_done(&before);
    buffer_done(&during);
}

static void one_at_a_time_and_none_of_a_store_that_was_opened_anew(void **state)
{
    struct saved *saved = *state;
    struct report report = REPORT_INIT;
    struct buffer out;
    bool done;
    buffer_init(&out, 1 << 20);
    struct backup_source *source = saved_begin(saved);
    assert_int_equal(store_snapshot_begin(saved->fixture.store, &report), STATUS_BUSY);
    saved->gone = true;
    assert_int_equal(backup_source_more(source, 1 << 16, &out, &done, &report), STATUS_IO);
    saved_end(saved, source);
    buffer_done(&out);
}

#define SAVED(test) cmocka_unit_test_setup_teardown(test, saved_setup, saved_teardown)

UNIT
{
    const struct CMUnitTest tests[] = {
        SAVED(it_is_the_same_in_pieces_of_any_size),
        SAVED(what_changes_meanwhile_is_not_in_it),
        SAVED(one_at_a_time_and_none_of_a_store_that_was_opened_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
