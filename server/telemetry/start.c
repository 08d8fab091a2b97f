/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The phases by name, and reading a histogram. Counting in one is inline: it is on the way of
 * every request.
 */
#include "server/telemetry/start.h"

const struct start_phase_row start_phase_rows[START_PHASE_COUNT] = {
#define PHASE(name, text_, cold_only_)                                                             \
    [START_##name] = {.text = (text_), .cold_only = (cold_only_)},
    START_PHASES(PHASE)
#undef PHASE
};

uint64_t start_histogram_count(const struct start_histogram *histogram)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < START_BUCKETS; i++)
        count += histogram->buckets[i];
    return count;
}

uint64_t start_histogram_quantile_ns(const struct start_histogram *histogram, uint32_t per_mille)
{
    uint64_t count = start_histogram_count(histogram);
    /* The rank, rounded up, without a product that could overflow. */
    uint64_t rank = count / 1000 * per_mille + (count % 1000 * per_mille + 999) / 1000;
    if (count == 0)
        return 0;
    uint64_t seen = 0;
    for (uint32_t i = 0; i + 1 < START_BUCKETS; i++) {
        seen += histogram->buckets[i];
        if (seen >= rank)
            return (uint64_t)START_BUCKET_NS << i;
    }
    return UINT64_MAX;
}
