/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The histogram against distributions whose quantiles are known exactly, and its bucket
 * borders against their definition.
 */
#include <stdlib.h>

#include "loadtest/histogram.h"
#include "tests/support/unit.h"

#define ERROR_MAX 0.01

static void assert_within_error(uint64_t value, uint64_t expected)
{
    double difference = (double)value - (double)expected;
    if (difference < 0)
        difference = -difference;
    assert_true(difference <= ERROR_MAX * (double)expected);
}

static struct histogram *histogram_new(void)
{
    struct histogram *histogram = malloc(sizeof(*histogram));
    assert_non_null(histogram);
    histogram_init(histogram);
    return histogram;
}

static void every_bucket_starts_where_the_one_before_ends(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        uint64_t start = histogram_bucket_start(i);
        uint64_t next = histogram_bucket_start(i + 1);
        assert_true(next > start);
        assert_int_equal(histogram_bucket_of(start), i);
        assert_int_equal(histogram_bucket_of(next - 1), i);
        assert_true(next - start == 1 || (next - start) * HISTOGRAM_OCTAVE_BUCKETS <= start);
    }
    assert_int_equal(histogram_bucket_start(HISTOGRAM_BUCKETS), HISTOGRAM_VALUE_MAX + 1);
}

static void values_past_the_range_land_in_the_last_bucket_and_keep_the_maximum(void **state)
{
    (void)state;
    struct histogram *histogram = histogram_new();
    histogram_record(histogram, UINT64_MAX);
    histogram_record(histogram, 5);
    assert_int_equal(histogram->buckets[HISTOGRAM_BUCKETS - 1], 1);
    assert_true(histogram->maximum == UINT64_MAX);
    assert_true(histogram_quantile(histogram, 1) == UINT64_MAX);
    free(histogram);
}

static void an_empty_histogram_has_only_zeros(void **state)
{
    (void)state;
    struct histogram *histogram = histogram_new();
    assert_int_equal(histogram_quantile(histogram, 0.5), 0);
    assert_true(histogram_mean(histogram) == 0);
    free(histogram);
}

static void quantiles_of_a_uniform_distribution_are_within_one_percent(void **state)
{
    (void)state;
    struct histogram *histogram = histogram_new();
    const uint64_t count = 1000000;
    const uint64_t step = 37;
    for (uint64_t i = 1; i <= count; i++)
        histogram_record(histogram, i * step);
    static const double quantiles[] = {0.01, 0.5, 0.9, 0.99, 0.999};
    for (size_t i = 0; i < sizeof(quantiles) / sizeof(quantiles[0]); i++)
        assert_within_error(histogram_quantile(histogram, quantiles[i]),
                            (uint64_t)(quantiles[i] * (double)count) * step);
    assert_true(histogram_quantile(histogram, 1) == count * step);
    assert_true(histogram_mean(histogram) == (double)(count + 1) / 2 * (double)step);
    free(histogram);
}

static void quantiles_of_values_over_twelve_decades_are_within_one_percent(void **state)
{
    (void)state;
    for (uint64_t value = 1; value < HISTOGRAM_VALUE_MAX; value = value * 3 + 1) {
        struct histogram *histogram = histogram_new();
        for (int i = 0; i < 9; i++)
            histogram_record(histogram, value);
        histogram_record(histogram, value * 2);
        assert_within_error(histogram_quantile(histogram, 0.5), value);
        free(histogram);
    }
}

static void a_quantile_never_leaves_minimum_and_maximum(void **state)
{
    (void)state;
    struct histogram *histogram = histogram_new();
    for (int i = 0; i < 3; i++)
        histogram_record(histogram, 1000003);
    assert_int_equal(histogram_quantile(histogram, 0), 1000003);
    assert_int_equal(histogram_quantile(histogram, 0.5), 1000003);
    assert_int_equal(histogram_quantile(histogram, 0.999), 1000003);
    free(histogram);
}

static void the_rank_of_a_quantile_is_rounded_up(void **state)
{
    (void)state;
    struct histogram *histogram = histogram_new();
    for (int i = 0; i < 50; i++)
        histogram_record(histogram, 10);
    for (int i = 0; i < 50; i++)
        histogram_record(histogram, 20);
    assert_int_equal(histogram_quantile(histogram, 0.5), 10);
    assert_int_equal(histogram_quantile(histogram, 0.501), 20);
    free(histogram);
}

static void merging_equals_recording_everything_in_one(void **state)
{
    (void)state;
    struct histogram *one = histogram_new();
    struct histogram *two = histogram_new();
    struct histogram *both = histogram_new();
    for (uint64_t i = 0; i < 10000; i++) {
        histogram_record(i % 3 == 0 ? one : two, i * i);
        histogram_record(both, i * i);
    }
    histogram_merge(one, two);
    assert_memory_equal(one, both, sizeof(*both));
    free(one);
    free(two);
    free(both);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_bucket_starts_where_the_one_before_ends),
        cmocka_unit_test(values_past_the_range_land_in_the_last_bucket_and_keep_the_maximum),
        cmocka_unit_test(an_empty_histogram_has_only_zeros),
        cmocka_unit_test(quantiles_of_a_uniform_distribution_are_within_one_percent),
        cmocka_unit_test(quantiles_of_values_over_twelve_decades_are_within_one_percent),
        cmocka_unit_test(a_quantile_never_leaves_minimum_and_maximum),
        cmocka_unit_test(the_rank_of_a_quantile_is_rounded_up),
        cmocka_unit_test(merging_equals_recording_everything_in_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
