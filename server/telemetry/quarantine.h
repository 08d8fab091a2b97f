/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: versions that no worker runs for the time being, because they killed too
 * many. One page that control writes and all workers map to read.
 *
 *   control: a death, with the version that ran --> three in a minute --> a row, with an end
 *   worker:  a request's version is in a row --> 503 `quarantined`
 *
 * A row names one version: another one of the same function, deployed or rolled back to, is
 * another matter. Rows end by the clock, so that a worker needs no word of it.
 */
#ifndef SKERRY_SERVER_TELEMETRY_QUARANTINE_H
#define SKERRY_SERVER_TELEMETRY_QUARANTINE_H

#include "server/telemetry/vitals.h"

#define QUARANTINE_ROWS 64

struct quarantine_row {
    uint64_t sequence; /* odd while control writes */
    uint64_t until_ns; /* monotonic */
    struct vitals_key key;
};

struct quarantine_page {
    uint64_t count; /* rows that were ever written */
    struct quarantine_row rows[QUARANTINE_ROWS];
};

/* Worker: is there nothing to look for? As good as always. */
static inline bool quarantine_is_empty(const struct quarantine_page *page)
{
    return __atomic_load_n(&page->count, __ATOMIC_ACQUIRE) == 0;
}

/* Worker: when this version's ends, by the monotonic clock; 0: it is in none. */
uint64_t quarantine_until_ns(const struct quarantine_page *page,
                             const struct deploy_catalog_entry *entry,
                             const struct clock *clock);
/* Control: puts a version in until then, in the place of one that is over or ends the soonest. */
void quarantine_put(struct quarantine_page *page, const struct vitals_key *key, uint64_t until_ns);
/* How many are in one at this time. */
uint32_t quarantine_count(const struct quarantine_page *page, uint64_t now_ns);

#endif
