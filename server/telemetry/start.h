/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: what is told of a request's start, by worker and control alike.
 *
 * A request's time falls into phases, which do not overlap; what a guest asked to sleep is in
 * none of them. Where they are known one by one they become histograms: in a worker's counters
 * for all functions together, in control's memory for each function's cold starts.
 */
#ifndef SKERRY_SERVER_TELEMETRY_START_H
#define SKERRY_SERVER_TELEMETRY_START_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/macros.h"

/*
 * PHASE(name, text, cold_only), in the order of a request's way:
 *   QUEUE    waiting: for a permit, for an artifact to be rebuilt, for its turns to run
 *   LOOKUP   finding the function
 *   LOAD     opening, mapping and checking the artifact; 0 if the worker has it mapped
 *   MAP      the isolate's own stack and memory
 *   RESTORE  globals, tables, the host's state
 *   RUN      the guest, all its slices
 */
#define START_PHASES(PHASE)                                                                        \
    PHASE(QUEUE, "queue", false)                                                                   \
    PHASE(LOOKUP, "lookup", false)                                                                 \
    PHASE(LOAD, "load", true)                                                                      \
    PHASE(MAP, "map", true)                                                                        \
    PHASE(RESTORE, "restore", true)                                                                \
    PHASE(RUN, "run", false)

enum start_phase {
#define PHASE(name, text, cold_only) START_##name,
    START_PHASES(PHASE)
#undef PHASE
        START_PHASE_COUNT
};

struct start_phase_row {
    const char *text;
    bool cold_only; /* a warm start has none of it */
};
extern const struct start_phase_row start_phase_rows[START_PHASE_COUNT];

struct start_times {
    uint64_t ns[START_PHASE_COUNT];
};

/* Bucket i holds what took at most START_BUCKET_NS << i; the last has no bound. */
#define START_BUCKET_NS 1000
#define START_BUCKETS   22

struct start_histogram {
    uint64_t sum_ns;
    uint64_t buckets[START_BUCKETS];
};

/* Of `count` buckets, each twice as wide as the one before: which one is for `ns`. */
static inline uint32_t start_bucket(uint64_t ns, uint64_t first_ns, uint32_t count)
{
    /* How many times the first bound it is, rounded up, less one. */
    uint64_t multiple = (MAX(ns, UINT64_C(1)) - 1) / first_ns;
    uint32_t bucket = multiple == 0 ? 0 : 64 - (uint32_t)__builtin_clzll(multiple);
    return MIN(bucket, count - 1);
}

static inline void start_histogram_add(struct start_histogram *histogram, uint64_t ns)
{
    histogram->buckets[start_bucket(ns, START_BUCKET_NS, START_BUCKETS)]++;
    histogram->sum_ns += ns;
}

uint64_t start_histogram_count(const struct start_histogram *histogram);
/* The bound under which `per_mille` of all are; UINT64_MAX for what has no bound; 0 if empty. */
uint64_t start_histogram_quantile_ns(const struct start_histogram *histogram, uint32_t per_mille);

#endif
