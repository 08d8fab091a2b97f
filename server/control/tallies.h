/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: what each version's requests came to, for the metrics.
 *
 * There are at most TALLIES_MAX rows. The version that was heard of the longest time ago makes room
 * for a new one, and what it had goes to one row for all such: sums over all rows stay true.
 */
#ifndef SKERRY_SERVER_CONTROL_TALLIES_H
#define SKERRY_SERVER_CONTROL_TALLIES_H

#include "server/telemetry/tally.h"

#define TALLIES_MAX   1024
#define TALLIES_OTHER "_other" /* no tenant, function or version is called so */

struct tallies;

NODISCARD enum status tallies_create(const struct clock *clock, struct tallies **ret_tallies);
void tallies_free(struct tallies *tallies);
/* `record` is valid. */
void tallies_add(struct tallies *tallies, const struct tally_record *record);
/* Prometheus text; what does not fit into `out` is left away. */
void tallies_print(const struct tallies *tallies, struct buffer *out);

#endif
