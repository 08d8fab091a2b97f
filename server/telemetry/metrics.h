/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: a worker's counters, in a page that control reads.
 *
 * The worker is the only writer and adds without atomics; control reads 64-bit words
 * that are each whole, though not all of the same instant. The page outlives the worker:
 * its successor goes on counting, gauges start again.
 */
#ifndef SKERRY_SERVER_TELEMETRY_METRICS_H
#define SKERRY_SERVER_TELEMETRY_METRICS_H

#include <stdint.h>

#include "engine/base/bytes.h"
#include "isolate/isolate.h"
#include "server/telemetry/start.h"

/* Turns by their length: at most METRICS_TURN_NS, twice that, ...; the last has no bound. */
#define METRICS_TURN_NS      25000
#define METRICS_TURN_BUCKETS 12

struct metrics {
#define METRIC(name, family, labels, type, help) uint64_t name;
#include "server/telemetry/metrics.def"
    uint64_t starts[ISOLATE_START_REASON_COUNT];
    uint64_t turns[METRICS_TURN_BUCKETS];
    uint64_t turn_ns; /* of all turns */
    struct start_histogram warm_phases[START_PHASE_COUNT];
    struct start_histogram cold_phases[START_PHASE_COUNT];
};

/* Gauges to zero: a new worker begins. */
void metrics_clear_gauges(struct metrics *metrics);
/* One turn of the event loop took so long. */
void metrics_count_turn(struct metrics *metrics, uint64_t turn_ns);
/* A request ended, `cold` or not, whose phases took so long. */
void metrics_count_phases(struct metrics *metrics, bool cold, const struct start_times *times);
/* Prometheus text of `count` workers' pages; what does not fit into `out` is left away. */
void metrics_print(const struct metrics *const *pages, uint32_t count, struct buffer *out);

/* What became of the records of starts that workers wrote for control. */
struct metrics_start_records {
    uint64_t lost;
    uint64_t refused;
    uint64_t histories;
    uint64_t forgotten;
};
void metrics_print_start_records(const struct metrics_start_records *records, struct buffer *out);

/* What control counts itself. */
struct metrics_control {
    uint64_t log_dropped;      /* lines of other processes that it could not pass on */
    uint64_t quarantined;      /* versions that no worker runs now */
    uint64_t quarantines;      /* ... ever */
    uint64_t connections_lent; /* that another worker took for one that stood still */
};
void metrics_print_control(const struct metrics_control *control, struct buffer *out);

#endif
