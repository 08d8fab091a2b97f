/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the pool does beside requests, piece by piece: sweep, shed, prepare, trim; and the isolate
 * that is made ahead of a first request.
 */
#include <stdio.h>

#include "tests/support/unit.h"
#include "tests/unit/isolate/pool_fakes.h"

static void an_isolate_that_wrote_too_much_is_freed_piece_by_piece(void **state)
{
    (void)state;
    struct isolate_pool *pool = fake_make_pool(4, 16);
    struct isolate *isolate = fake_take(pool, "t/f", "v1", ISOLATE_START_FIRST_REQUEST);
    fake.worn = true;
    fake.shed_steps = 3;
    fake_return(isolate, ISOLATE_FINISHED);
    assert_int_equal(fake.resets, 0);
    assert_int_equal(isolate_pool_stats(pool).discarded, 1);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(fake.isolates_alive, 1);
        assert_true(fake_busy_turn(pool));
    }
    assert_int_equal(fake.isolates_alive, 0);
    fake.worn = false;
    fake_return(fake_take(pool, "t/f", "v1", ISOLATE_START_DISCARDED), ISOLATE_FINISHED);
    fake_free_pool(pool);
}

static void so_many_are_freed_piece_by_piece_and_no_more(void **state)
{
    (void)state;
    struct isolate_pool *pool = fake_make_pool(4, 16);
    fake.worn = true;
    fake.shed_steps = 1;
    for (int i = 0; i < 100; i++)
        fake_return(fake_take(pool, "t/f", "v1",
                              i == 0 ? ISOLATE_START_FIRST_REQUEST : ISOLATE_START_DISCARDED),
                    ISOLATE_FINISHED);
    assert_int_equal(fake.isolates_alive, 64);
    for (int turn = 0; turn < 64 * 2; turn++)
        assert_true(fake_busy_turn(pool));
    assert_int_equal(fake.isolates_alive, 0);
    fake_free_pool(pool);
}

static void a_pool_that_ends_frees_what_is_left_at_once(void **state)
{
    (void)state;
    struct isolate_pool *pool = fake_make_pool(4, 16);
    fake.worn = true;
    fake.shed_steps = 5;
    fake_return(fake_take(pool, "t/f", "v1", ISOLATE_START_FIRST_REQUEST), ISOLATE_DISCARDED);
    assert_true(fake_busy_turn(pool));
    assert_int_equal(fake.isolates_alive, 1);
    fake_free_pool(pool);
    assert_int_equal(fake.isolates_alive, 0);
}

static void what_is_idle_too_long_is_swept(void **state)
{
    (void)state;
    struct isolate_pool *pool = fake_make_pool(4, 16);
    struct isolate *a = fake_take(pool, "t/f", "v1", ISOLATE_START_FIRST_REQUEST);
    struct isolate *b = fake_take(pool, "t/f", "v1", ISOLATE_START_POOL_EMPTY);
    fake_return(a, ISOLATE_FINISHED);
    fake.now_ns += 30 * SECOND;
    fake_return(b, ISOLATE_FINISHED);
    fake.now_ns += 31 * SECOND;
    (void)fake_busy_turn(pool);
    assert_int_equal(isolate_pool_stats(pool).warm, 1);
    fake.now_ns += 30 * SECOND;
    (void)fake_busy_turn(pool);
    assert_int_equal(fake.isolates_alive, 0);
    assert_int_equal(fake.artifacts_alive, 0);
    fake_return(fake_take(pool, "t/f", "v1", ISOLATE_START_EVICTED), ISOLATE_FINISHED);
    fake_free_pool(pool);
}

static void what_a_fault_took_is_replaced_in_an_idle_turn(void **state)
{
    (void)state;
    struct isolate_pool *pool = fake_make_pool(4, 16);
    assert_false(fake_quiet_turn(pool)); /* nothing for functions that nobody called */
    fake_return(fake_take(pool, "t/f", "v1", ISOLATE_START_FIRST_REQUEST), ISOLATE_DISCARDED);
    assert_true(fake_quiet_turn(pool));
    assert_false(fake_quiet_turn(pool));
    assert_int_equal(isolate_pool_stats(pool).warm, 1);
    fake_return(fake_take(pool, "t/f", "v1", ISOLATE_START_WARM), ISOLATE_FINISHED);
    assert_int_equal(isolate_pool_stats(pool).prepared, 1);
    fake_free_pool(pool);
}

static void no_more_is_prepared_than_was_in_use_at_once(void **state)
{
    (void)state;
    struct isolate_pool *pool = fake_make_pool(8, 16);
    struct isolate *taken[3];
    for (int i = 0; i < 3; i++)
        taken[i] = fake_take(pool, "t/f", "v1",
                             i == 0 ? ISOLATE_START_FIRST_REQUEST : ISOLATE_START_POOL_EMPTY);
    assert_false(fake_quiet_turn(pool)); /* all that is wanted is there */
    for (int i = 0; i < 3; i++)
        fake_return(taken[i], ISOLATE_DISCARDED);
    while (fake_quiet_turn(pool))
        ;
    assert_int_equal(isolate_pool_stats(pool).warm, 3);
    fake_free_pool(pool);
}

static void a_peak_is_forgotten_after_a_while(void **state)
{
    (void)state;
    struct isolate_pool *pool = fake_make_pool(8, 16);
    struct isolate *taken[8];
    for (int i = 0; i < 8; i++)
        taken[i] = fake_take(pool, "t/f", "v1",
                             i == 0 ? ISOLATE_START_FIRST_REQUEST : ISOLATE_START_POOL_EMPTY);
    for (int i = 0; i < 8; i++)
        fake_return(taken[i], ISOLATE_DISCARDED);
    fake_return(fake_take(pool, "t/f", "v1", ISOLATE_START_DISCARDED), ISOLATE_FINISHED);
    for (int i = 0; i < 2; i++) {
        fake.now_ns += 11 * SECOND;
        fake_return(fake_take(pool, "t/f", "v1", ISOLATE_START_WARM), ISOLATE_FINISHED);
    }
    fake_return(fake_take(pool, "t/f", "v1", ISOLATE_START_WARM), ISOLATE_DISCARDED);
    while (fake_quiet_turn(pool))
        ;
    assert_int_equal(isolate_pool_stats(pool).warm, 2); /* eight, halved twice */
    fake_free_pool(pool);
}

static void nothing_is_prepared_beyond_the_bounds_or_for_what_is_gone(void **state)
{
    (void)state;
    struct isolate_pool *pool = fake_make_pool(8, 1);
    struct isolate *a = fake_take(pool, "t/a", "v1", ISOLATE_START_FIRST_REQUEST);
    struct isolate *b = fake_take(pool, "t/b", "v1", ISOLATE_START_FIRST_REQUEST);
    fake_return(a, ISOLATE_DISCARDED); /* wanted, while there is room */
    fake_return(b, ISOLATE_FINISHED);
    assert_false(fake_quiet_turn(pool));
    fake_return(fake_take(pool, "t/b", "v1", ISOLATE_START_WARM), ISOLATE_DISCARDED);
    isolate_pool_forget(pool, bytes_of_text("t/b"));
    assert_false(fake_quiet_turn(pool));
    assert_int_equal(fake.isolates_alive, 0);
    fake_free_pool(pool);
}

static void the_first_request_after_a_deploy_is_warm(void **state)
{
    (void)state;
    struct isolate_pool *pool = fake_make_pool_with_ahead(100);
    assert_true(fake_renew(pool, "t/f", "v1"));
    assert_int_equal(fake.isolates_alive, 1);
    assert_false(fake_renew(pool, "t/f", "v1")); /* it is there already */
    fake_return(fake_take(pool, "t/f", "v1", ISOLATE_START_WARM), ISOLATE_FINISHED);
    assert_true(fake_renew(pool, "t/f", "v2"));
    assert_int_equal(fake.isolates_alive, 1);
    assert_int_equal(fake.artifacts_alive, 1);
    fake_return(fake_take(pool, "t/f", "v2", ISOLATE_START_WARM), ISOLATE_FINISHED);
    assert_int_equal(isolate_pool_stats(pool).prepared, 2);
    /* It was used: it stays as long as any other. */
    fake.now_ns += 11 * SECOND;
    (void)fake_busy_turn(pool);
    fake_return(fake_take(pool, "t/f", "v2", ISOLATE_START_WARM), ISOLATE_FINISHED);
    fake_free_pool(pool);
}

static void what_was_made_ahead_and_nobody_called_leaves_nothing(void **state)
{
    (void)state;
    struct isolate_pool *pool = fake_make_pool_with_ahead(100);
    assert_true(fake_renew(pool, "t/f", "v1"));
    fake.now_ns += 9 * SECOND;
    (void)fake_busy_turn(pool);
    assert_int_equal(fake.isolates_alive, 1);
    fake.now_ns += 2 * SECOND;
    (void)fake_busy_turn(pool);
    assert_int_equal(fake.isolates_alive, 0);
    assert_int_equal(fake.artifacts_alive, 0);
    assert_int_equal(isolate_pool_stats(pool).functions, 0);
    fake_return(fake_take(pool, "t/f", "v1", ISOLATE_START_FIRST_REQUEST), ISOLATE_FINISHED);
    fake_free_pool(pool);
}

static void a_known_functions_start_is_explained_as_if_nothing_had_been_made_ahead(void **state)
{
    (void)state;
    struct isolate_pool *pool = fake_make_pool_with_ahead(100);
    fake_return(fake_take(pool, "t/f", "v1", ISOLATE_START_FIRST_REQUEST), ISOLATE_FINISHED);
    assert_true(fake_renew(pool, "t/f", "v2"));
    fake.now_ns += 11 * SECOND;
    (void)fake_busy_turn(pool);
    assert_int_equal(fake.isolates_alive, 0);
    assert_int_equal(fake.artifacts_alive, 0);
    assert_int_equal(isolate_pool_stats(pool).functions, 1);
    fake_return(fake_take(pool, "t/f", "v2", ISOLATE_START_NEW_VERSION), ISOLATE_FINISHED);
    fake_free_pool(pool);
}

static void a_mass_deploy_holds_few_isolates_and_evicts_nobodys(void **state)
{
    (void)state;
    struct isolate_pool *pool = fake_make_pool_with_ahead(70);
    for (int i = 0; i < 70; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "u/f%d", i);
        fake_return(fake_take(pool, name, "v1", ISOLATE_START_FIRST_REQUEST), ISOLATE_FINISHED);
    }
    assert_false(fake_renew(pool, "t/new", "v1")); /* the pool is full */
    assert_int_equal(isolate_pool_stats(pool).functions, 70);
    fake_free_pool(pool);
    pool = fake_make_pool_with_ahead(1000);
    for (int i = 0; i < 500; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "t/f%d", i);
        assert_true(fake_renew(pool, name, "v1"));
    }
    assert_int_equal(fake.isolates_alive, 64);
    assert_int_equal(isolate_pool_stats(pool).functions, 64);
    fake_return(fake_take(pool, "t/f499", "v1", ISOLATE_START_WARM), ISOLATE_FINISHED);
    fake_return(fake_take(pool, "t/f0", "v1", ISOLATE_START_FIRST_REQUEST), ISOLATE_FINISHED);
    fake_free_pool(pool);
}

static void a_busy_function_gets_as_many_of_its_new_version_as_it_used(void **state)
{
    (void)state;
    struct isolate_pool *pool = fake_make_pool_with_ahead(100);
    struct isolate *first = fake_take(pool, "t/f", "v1", ISOLATE_START_FIRST_REQUEST);
    struct isolate *second = fake_take(pool, "t/f", "v1", ISOLATE_START_POOL_EMPTY);
    struct isolate *third = fake_take(pool, "t/f", "v1", ISOLATE_START_POOL_EMPTY);
    fake_return(second, ISOLATE_FINISHED);
    fake_return(third, ISOLATE_FINISHED);
    assert_true(fake_renew(pool, "t/f", "v2")); /* with one of v1 still at work */
    assert_true(fake_quiet_turn(pool));
    assert_false(fake_quiet_turn(pool));
    fake_return(first, ISOLATE_FINISHED);
    assert_int_equal(fake.isolates_alive, 2);
    first = fake_take(pool, "t/f", "v2", ISOLATE_START_WARM);
    second = fake_take(pool, "t/f", "v2", ISOLATE_START_WARM);
    fake_return(first, ISOLATE_FINISHED);
    fake_return(second, ISOLATE_FINISHED);
    fake_free_pool(pool);
}

static void what_cannot_be_made_ahead_is_left_to_the_first_request(void **state)
{
    (void)state;
    struct isolate_pool *pool = fake_make_pool_with_ahead(100);
    fake.create_fails = true;
    assert_false(fake_renew(pool, "t/f", "v1"));
    assert_int_equal(isolate_pool_stats(pool).functions, 0);
    assert_int_equal(fake.artifacts_alive, 0);
    fake.create_fails = false;
    fake_return(fake_take(pool, "t/f", "v1", ISOLATE_START_FIRST_REQUEST), ISOLATE_FINISHED);
    fake_free_pool(pool);
    pool = fake_make_pool(8, 100); /* ahead_max_ns 0: nothing is */
    assert_false(fake_renew(pool, "t/f", "v1"));
    assert_int_equal(fake.isolates_alive, 0);
    fake_free_pool(pool);
}

static void an_isolate_that_waits_gives_its_pages_back_once(void **state)
{
    (void)state;
    struct isolate_pool *pool = fake_make_pool(8, 16);
    struct isolate *isolates[6];
    for (int i = 0; i < 6; i++)
        isolates[i] = fake_take(pool, "t/f", "v1",
                                i == 0 ? ISOLATE_START_FIRST_REQUEST : ISOLATE_START_POOL_EMPTY);
    for (int i = 0; i < 6; i++)
        fake_return(isolates[i], ISOLATE_FINISHED);
    assert_false(fake_quiet_turn(pool)); /* too early */
    fake.now_ns += 2 * SECOND;
    while (fake_quiet_turn(pool))
        ;
    assert_int_equal(fake.trims, 6);
    assert_int_equal(fake.wakes, 0);
    fake_return(fake_take(pool, "t/f", "v1", ISOLATE_START_WARM), ISOLATE_FINISHED);
    fake.now_ns += 2 * SECOND;
    while (fake_quiet_turn(pool))
        ;
    assert_int_equal(fake.trims, 7); /* only the one that was used since */
    assert_int_equal(fake.wakes, 1);
    assert_int_equal(isolate_pool_stats(pool).trimmed, 7);
    fake_free_pool(pool);
}

static void trimming_stops_for_the_turn_when_one_took_long(void **state)
{
    (void)state;
    struct isolate_pool *pool = fake_make_pool(8, 16);
    struct isolate *isolates[3];
    for (int i = 0; i < 3; i++)
        isolates[i] = fake_take(pool, "t/f", "v1",
                                i == 0 ? ISOLATE_START_FIRST_REQUEST : ISOLATE_START_POOL_EMPTY);
    for (int i = 0; i < 3; i++)
        fake_return(isolates[i], ISOLATE_FINISHED);
    fake.now_ns += 2 * SECOND;
    fake.trim_takes_ns = SECOND / 1000;
    for (int turn = 1; turn <= 3; turn++) {
        assert_true(fake_quiet_turn(pool));
        assert_int_equal(fake.trims, turn);
    }
    assert_false(fake_quiet_turn(pool));
    fake_free_pool(pool);
}

static void an_isolate_that_cannot_be_mapped_again_is_given_up(void **state)
{
    (void)state;
    struct isolate_pool *pool = fake_make_pool(4, 16);
    fake_return(fake_take(pool, "t/f", "v1", ISOLATE_START_FIRST_REQUEST), ISOLATE_FINISHED);
    fake.now_ns += 2 * SECOND;
    fake.trim_fails = true;
    assert_true(fake_quiet_turn(pool));
    assert_int_equal(fake.isolates_alive, 0);
    fake_return(fake_take(pool, "t/f", "v1", ISOLATE_START_EVICTED), ISOLATE_FINISHED);
    fake_free_pool(pool);
}

/* Made ahead with an isolate of the version before in use, it is no longer when it is evicted. */
static void what_was_made_ahead_may_be_evicted(void **state)
{
    (void)state;
    struct isolate_pool *pool = fake_make_pool_with_ahead(2);
    struct isolate *old = fake_take(pool, "t/f", "v1", ISOLATE_START_FIRST_REQUEST);
    assert_true(fake_renew(pool, "t/f", "v2"));
    struct isolate *others[] = {fake_take(pool, "t/a", "v1", ISOLATE_START_FIRST_REQUEST),
                                fake_take(pool, "t/b", "v1", ISOLATE_START_FIRST_REQUEST)};
    fake_return(others[0], ISOLATE_FINISHED);
    fake_return(others[1], ISOLATE_FINISHED);
    assert_int_equal(isolate_pool_stats(pool).evicted, 1);
    fake.now_ns += 11 * SECOND;
    (void)fake_busy_turn(pool);
    fake_return(old, ISOLATE_FINISHED);
    fake_return(fake_take(pool, "t/f", "v2", ISOLATE_START_EVICTED), ISOLATE_FINISHED);
    fake_free_pool(pool);
}

static void a_busy_turn_only_frees_and_says_what_a_quiet_one_will_find(void **state)
{
    (void)state;
    struct isolate_pool *pool = fake_make_pool(4, 16);
    assert_false(fake_busy_turn(pool));
    fake.worn = true;
    fake.shed_steps = 1;
    fake_return(fake_take(pool, "t/f", "v1", ISOLATE_START_FIRST_REQUEST), ISOLATE_DISCARDED);
    assert_true(fake_busy_turn(pool));
    assert_true(fake_busy_turn(pool));
    assert_int_equal(fake.isolates_alive, 0);
    assert_true(fake_busy_turn(pool)); /* one is wanted */
    assert_int_equal(fake.isolates_alive, 0);
    assert_true(fake_quiet_turn(pool));
    assert_int_equal(fake.isolates_alive, 1);
    assert_false(fake_busy_turn(pool));
    fake.worn = false;
    fake_free_pool(pool);
}

static void what_comes_back_in_the_turn_of_a_sweep_is_not_too_old(void **state)
{
    (void)state;
    struct isolate_pool *pool = fake_make_pool(4, 16);
    uint64_t began_ns = fake.now_ns;
    fake_return(fake_take(pool, "t/f", "v1", ISOLATE_START_FIRST_REQUEST), ISOLATE_FINISHED);
    assert_true(fake.now_ns > began_ns);
    (void)isolate_pool_idle(pool, began_ns, false);
    assert_int_equal(isolate_pool_stats(pool).warm, 1);
    fake_free_pool(pool);
}

static void sweeps_are_a_second_apart(void **state)
{
    (void)state;
    struct isolate_pool *pool = fake_make_pool_with_ahead(16);
    (void)fake_busy_turn(pool);
    assert_true(fake_renew(pool, "t/f", "v1"));
    fake.now_ns += 10 * SECOND;
    (void)fake_busy_turn(pool);
    fake.now_ns += SECOND - 1;
    (void)fake_busy_turn(pool);
    assert_int_equal(fake.isolates_alive, 1);
    fake.now_ns += 1;
    (void)fake_busy_turn(pool);
    assert_int_equal(fake.isolates_alive, 0);
    fake_free_pool(pool);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_isolate_that_wrote_too_much_is_freed_piece_by_piece),
        cmocka_unit_test(so_many_are_freed_piece_by_piece_and_no_more),
        cmocka_unit_test(a_pool_that_ends_frees_what_is_left_at_once),
        cmocka_unit_test(what_is_idle_too_long_is_swept),
        cmocka_unit_test(what_a_fault_took_is_replaced_in_an_idle_turn),
        cmocka_unit_test(no_more_is_prepared_than_was_in_use_at_once),
        cmocka_unit_test(a_peak_is_forgotten_after_a_while),
        cmocka_unit_test(nothing_is_prepared_beyond_the_bounds_or_for_what_is_gone),
        cmocka_unit_test(the_first_request_after_a_deploy_is_warm),
        cmocka_unit_test(what_was_made_ahead_and_nobody_called_leaves_nothing),
        cmocka_unit_test(a_known_functions_start_is_explained_as_if_nothing_had_been_made_ahead),
        cmocka_unit_test(a_mass_deploy_holds_few_isolates_and_evicts_nobodys),
        cmocka_unit_test(a_busy_function_gets_as_many_of_its_new_version_as_it_used),
        cmocka_unit_test(what_cannot_be_made_ahead_is_left_to_the_first_request),
        cmocka_unit_test(an_isolate_that_waits_gives_its_pages_back_once),
        cmocka_unit_test(trimming_stops_for_the_turn_when_one_took_long),
        cmocka_unit_test(an_isolate_that_cannot_be_mapped_again_is_given_up),
        cmocka_unit_test(what_was_made_ahead_may_be_evicted),
        cmocka_unit_test(a_busy_turn_only_frees_and_says_what_a_quiet_one_will_find),
        cmocka_unit_test(what_comes_back_in_the_turn_of_a_sweep_is_not_too_old),
        cmocka_unit_test(sweeps_are_a_second_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
