/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Histograms of phases.
 */
#include "server/telemetry/start.h"
#include "tests/support/unit.h"

#define SECOND UINT64_C(1000000000)

static void a_time_is_counted_where_it_is_the_bound_or_less(void **state)
{
    (void)state;
    struct start_histogram histogram = {0};
    static const uint64_t times[] = {
        0, 1000, 1001, 2000, 2001, UINT64_C(1048576000), UINT64_C(1048576001), UINT64_C(1) << 60};
    for (size_t i = 0; i < COUNT_OF(times); i++)
        start_histogram_add(&histogram, times[i]);
    assert_int_equal(histogram.buckets[0], 2);
    assert_int_equal(histogram.buckets[1], 2);
    assert_int_equal(histogram.buckets[2], 1);
    assert_int_equal(histogram.buckets[START_BUCKETS - 2], 1);
    assert_int_equal(histogram.buckets[START_BUCKETS - 1], 2);
    assert_int_equal(start_histogram_count(&histogram), COUNT_OF(times));
}

static void a_quantile_is_the_bound_of_its_bucket(void **state)
{
    (void)state;
    struct start_histogram histogram = {0};
    assert_int_equal(start_histogram_quantile_ns(&histogram, 500), 0);
    for (uint32_t i = 0; i < 98; i++)
        start_histogram_add(&histogram, 3000);
    start_histogram_add(&histogram, 60000);
    start_histogram_add(&histogram, SECOND * 100);
    assert_int_equal(start_histogram_quantile_ns(&histogram, 1), 4000);
    assert_int_equal(start_histogram_quantile_ns(&histogram, 500), 4000);
    assert_int_equal(start_histogram_quantile_ns(&histogram, 980), 4000);
    assert_int_equal(start_histogram_quantile_ns(&histogram, 990), 64000);
    assert_int_equal(start_histogram_quantile_ns(&histogram, 991), UINT64_MAX);
    assert_int_equal(start_histogram_quantile_ns(&histogram, 1000), UINT64_MAX);
}

/* ---- ring ------------------------------------------------------------------------------------ */

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_time_is_counted_where_it_is_the_bound_or_less),
        cmocka_unit_test(a_quantile_is_the_bound_of_its_bucket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
