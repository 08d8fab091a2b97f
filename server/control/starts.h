/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: what control remembers of functions' starts, for .../starts.
 *
 *   records of all workers --starts_add--> one history a function --starts_print--> JSON
 *                                                                 \--> metrics by function
 *
 * A history has counts by reason, a histogram of each phase of its cold starts, and the last few
 * of those in full. There are at most `functions_max`; the one that was added to the longest
 * time ago makes room for a new one, and that is counted. A history belongs to a function as it
 * was made: one that is removed and made anew begins an empty one.
 */
#ifndef SKERRY_SERVER_CONTROL_STARTS_H
#define SKERRY_SERVER_CONTROL_STARTS_H

#include "server/telemetry/start_record.h"

#define STARTS_RECENT  16  /* cold starts of one function that are kept in full */
#define STARTS_METRICS 256 /* functions in the metrics, of a dozen series each */

struct starts;

struct starts_stats {
    uint32_t functions; /* histories there are */
    uint64_t forgotten; /* histories that made room for others */
    uint64_t lost;      /* records that are in no history, whatever became of them */
};

/* Which function: its names, and when it was made. */
struct starts_key {
    const char *tenant;
    const char *function;
    uint64_t created_ns;
};

/* The clock is borrowed. */
NODISCARD enum status
starts_create(uint32_t functions_max, const struct clock *clock, struct starts **ret_starts);
void starts_free(struct starts *starts);
/* `record` is valid; `ended_ns` is by the wall clock what record->ended_ns is by the other. */
void starts_add(struct starts *starts,
                uint32_t worker,
                const struct start_record *record,
                uint64_t ended_ns);
/* So many records in all were lost on their way here, of whatever kind. */
void starts_tell_lost(struct starts *starts, uint64_t lost);
/* The function's history as one JSON object, an empty one if it has none. How many records were
 * lost, of all functions, goes into it. */
NODISCARD enum status
starts_print(struct starts *starts, const struct starts_key *key, struct buffer *out);
/* Prometheus text, labelled by tenant and function, of the STARTS_METRICS functions that were
 * heard of last, and how many more there are. What does not fit into `out` is left away. */
void starts_print_metrics(const struct starts *starts, struct buffer *out);
struct starts_stats starts_stats(const struct starts *starts);

#endif
