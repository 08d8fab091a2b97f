/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: what functions count themselves, for the metrics.
 *
 * A function has COUNTERS_OF_FUNCTION names, and all together COUNTERS_MAX; what comes for others
 * is counted as lost, so that no guest can make the metrics grow.
 */
#ifndef SKERRY_SERVER_CONTROL_COUNTERS_H
#define SKERRY_SERVER_CONTROL_COUNTERS_H

#include "server/telemetry/counter_record.h"

#define COUNTERS_OF_FUNCTION 16
#define COUNTERS_MAX         1024

struct counters;

NODISCARD enum status counters_create(struct counters **ret_counters);
void counters_free(struct counters *counters);
/* `record` is valid. */
void counters_add(struct counters *counters, const struct counter_record *record);
/* Prometheus text; what does not fit into `out` is left away. */
void counters_print(const struct counters *counters, struct buffer *out);

#endif
