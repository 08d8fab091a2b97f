/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A log-linear histogram of nanoseconds: fixed size, no allocation, at most 1 % error.
 *
 *   value   0..255         one bucket each (exact)
 *           256..511       128 buckets of 2
 *           512..1023      128 buckets of 4        ... every octave has 128 buckets,
 *                                                      so a bucket is < 1/128 of its value
 *
 * Values past HISTOGRAM_VALUE_MAX (two hours) land in the last bucket; minimum, maximum
 * and mean are exact whatever the buckets say, and no percentile leaves [minimum, maximum].
 */
#ifndef SKERRY_LOADTEST_HISTOGRAM_H
#define SKERRY_LOADTEST_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_OCTAVE_BITS    7
#define HISTOGRAM_VALUE_BITS     43
#define HISTOGRAM_OCTAVE_BUCKETS (1u << HISTOGRAM_OCTAVE_BITS)
#define HISTOGRAM_VALUE_MAX      ((1ull << HISTOGRAM_VALUE_BITS) - 1)
#define HISTOGRAM_BUCKETS                                                                          \
    ((HISTOGRAM_VALUE_BITS - HISTOGRAM_OCTAVE_BITS + 1u) * HISTOGRAM_OCTAVE_BUCKETS)

struct histogram {
    uint64_t count;
    uint64_t minimum; /* exact; UINT64_MAX while empty */
    uint64_t maximum; /* exact */
    unsigned __int128 sum;
    uint64_t buckets[HISTOGRAM_BUCKETS];
};

void histogram_init(struct histogram *histogram);
void histogram_record(struct histogram *histogram, uint64_t value);
/* Adds what `from` holds to `into`. */
void histogram_merge(struct histogram *into, const struct histogram *from);
/* The value that `quantile` (0..1) of the values do not exceed; 0 if empty. */
uint64_t histogram_quantile(const struct histogram *histogram, double quantile);
double histogram_mean(const struct histogram *histogram);
/* First value of a bucket; the one after the last bucket is HISTOGRAM_VALUE_MAX + 1. */
uint64_t histogram_bucket_start(uint32_t bucket);
uint32_t histogram_bucket_of(uint64_t value);

#endif
