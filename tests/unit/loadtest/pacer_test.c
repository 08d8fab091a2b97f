/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Due times: exact for a fixed rate, right on average for a random one.
 */
#include <stdlib.h>

#include "loadtest/histogram.h"
#include "loadtest/pacer.h"
#include "tests/support/unit.h"

#define START_NS 5000000000ull

static void a_fixed_rate_is_exact_after_any_number_of_requests(void **state)
{
    (void)state;
    struct pacer pacer;
    pacer_init(&pacer, START_NS, 3000); /* 3/s: a gap that is no whole number */
    assert_int_equal(pacer.due_ns, START_NS);
    for (int i = 0; i < 300000; i++)
        pacer_advance(&pacer);
    assert_int_equal(pacer.index, 300000);
    assert_int_equal(pacer.due_ns, START_NS + 100000ull * 1000000000);
}

static void the_largest_rate_for_the_longest_time_does_not_overflow(void **state)
{
    (void)state;
    struct pacer pacer;
    pacer_init(&pacer, START_NS, 1000000000ull);
    pacer.index = 3600ull * 1000000 - 1;
    pacer_advance(&pacer);
    assert_int_equal(pacer.due_ns, START_NS + 3600ull * 1000000000);
}

static void the_slowest_rate_waits_a_thousand_seconds(void **state)
{
    (void)state;
    struct pacer pacer;
    pacer_init(&pacer, START_NS, 1);
    pacer_advance(&pacer);
    assert_int_equal(pacer.due_ns, START_NS + 1000ull * 1000000000);
}

static void random_gaps_have_the_mean_and_median_of_their_rate(void **state)
{
    (void)state;
    struct pacer pacer;
    struct histogram *gaps = malloc(sizeof(*gaps));
    assert_non_null(gaps);
    histogram_init(gaps);
    pacer_init(&pacer, START_NS, 1000000); /* 1000/s: 1 ms on average */
    pacer_make_poisson(&pacer, 42);
    uint64_t before_ns = pacer.due_ns;
    for (int i = 0; i < 200000; i++) {
        pacer_advance(&pacer);
        assert_true(pacer.due_ns >= before_ns);
        histogram_record(gaps, pacer.due_ns - before_ns);
        before_ns = pacer.due_ns;
    }
    assert_in_range(histogram_mean(gaps), 985000, 1015000);
    assert_in_range(histogram_quantile(gaps, 0.5), 679000, 707000);    /* ln 2 */
    assert_in_range(histogram_quantile(gaps, 0.99), 4490000, 4720000); /* ln 100 */
    free(gaps);
}

static void the_same_seed_repeats_and_another_does_not(void **state)
{
    (void)state;
    struct pacer pacers[3];
    static const uint64_t seeds[3] = {7, 7, 8};
    for (int i = 0; i < 3; i++) {
        pacer_init(&pacers[i], START_NS, 1000000);
        pacer_make_poisson(&pacers[i], seeds[i]);
        for (int step = 0; step < 100; step++)
            pacer_advance(&pacers[i]);
    }
    assert_int_equal(pacers[0].due_ns, pacers[1].due_ns);
    assert_int_not_equal(pacers[0].due_ns, pacers[2].due_ns);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fixed_rate_is_exact_after_any_number_of_requests),
        cmocka_unit_test(the_largest_rate_for_the_longest_time_does_not_overflow),
        cmocka_unit_test(the_slowest_rate_waits_a_thousand_seconds),
        cmocka_unit_test(random_gaps_have_the_mean_and_median_of_their_rate),
        cmocka_unit_test(the_same_seed_repeats_and_another_does_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
