/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bucket arithmetic: the top 8 bits of a value name its bucket, the rest is the error.
 */
#include "loadtest/histogram.h"

#include <math.h>

#include "engine/base/macros.h"

void histogram_init(struct histogram *histogram)
{
    *histogram = (struct histogram){.minimum = UINT64_MAX};
}

uint32_t histogram_bucket_of(uint64_t value)
{
    if (value > HISTOGRAM_VALUE_MAX)
        return HISTOGRAM_BUCKETS - 1;
    if (value < HISTOGRAM_OCTAVE_BUCKETS)
        return (uint32_t)value;
    uint32_t top_bit = 63u - (uint32_t)__builtin_clzll(value);
    uint32_t shift = top_bit - HISTOGRAM_OCTAVE_BITS;
    return shift * HISTOGRAM_OCTAVE_BUCKETS + (uint32_t)(value >> shift);
}

uint64_t histogram_bucket_start(uint32_t bucket)
{
    ASSERT(bucket <= HISTOGRAM_BUCKETS);
    if (bucket < 2 * HISTOGRAM_OCTAVE_BUCKETS)
        return bucket;
    uint32_t shift = bucket / HISTOGRAM_OCTAVE_BUCKETS - 1;
    uint64_t mantissa = bucket % HISTOGRAM_OCTAVE_BUCKETS + HISTOGRAM_OCTAVE_BUCKETS;
    return mantissa << shift;
}

void histogram_record(struct histogram *histogram, uint64_t value)
{
    histogram->buckets[histogram_bucket_of(value)]++;
    histogram->count++;
    histogram->sum += value;
    histogram->minimum = MIN(histogram->minimum, value);
    histogram->maximum = MAX(histogram->maximum, value);
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        into->buckets[i] += from->buckets[i];
    into->count += from->count;
    into->sum += from->sum;
    into->minimum = MIN(into->minimum, from->minimum);
    into->maximum = MAX(into->maximum, from->maximum);
}

uint64_t histogram_quantile(const struct histogram *histogram, double quantile)
{
    ASSERT(quantile >= 0 && quantile <= 1);
    if (histogram->count == 0)
        return 0;
    uint64_t rank = (uint64_t)ceil(quantile * (double)histogram->count);
    rank = MIN(MAX(rank, (uint64_t)1), histogram->count);
    if (rank == histogram->count)
        return histogram->maximum;
    uint64_t seen = 0;
    uint32_t bucket = 0;
    for (; bucket < HISTOGRAM_BUCKETS - 1; bucket++) {
        seen += histogram->buckets[bucket];
        if (seen >= rank)
            break;
    }
    uint64_t start = histogram_bucket_start(bucket);
    uint64_t middle = start + (histogram_bucket_start(bucket + 1) - start) / 2;
    return MIN(MAX(middle, histogram->minimum), histogram->maximum);
}

double histogram_mean(const struct histogram *histogram)
{
    return histogram->count == 0 ? 0 : (double)histogram->sum / (double)histogram->count;
}
