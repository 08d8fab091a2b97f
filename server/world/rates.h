/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: one limit for all workers without asking any of them. Each counts in a page
 * of its own, which it alone writes and all may read; what is used of a limit is the sum.
 *
 *   worker 0   page 0 (writes)   page 1 (reads) ...
 *   worker 1   page 0 (reads)    page 1 (writes) ...
 *
 * A window slides: the last whole one counts for the part of it that still lies within. Two workers
 * that look at the same moment may both find room, so a limit is passed by one call of each other
 * worker at most.
 *
 * Pages are control's, and outlive workers. A page has places for so many counters; one that finds
 * none takes a place of its own tenant's, or else the one that was used the longest time ago.
 */
#ifndef SKERRY_SERVER_WORLD_RATES_H
#define SKERRY_SERVER_WORLD_RATES_H

#include "config/config.h"
#include "engine/base/clock.h"
#include "server/world/world.h"

#define RATES_SLOTS       16384 /* powers of two */
#define RATES_QUOTA_SLOTS 8192

/* All fields are read by others while they are written; each is whole. */
struct rates_slot {
    uint64_t key;    /* hash of tenant, key and window; 0: free */
    uint64_t now;    /* number of the window, 32 bits, and what was counted in it, 32 bits */
    uint32_t before; /* counted in the window before */
    uint32_t used_s; /* monotonic, when it was used last */
    uint32_t tenant; /* part of its hash */
    uint32_t padding;
};

struct rates_page {
    struct rates_slot slots[RATES_SLOTS];
    /* What tenants use of their quotas: guests cannot crowd it out with keys of their own. */
    struct rates_slot quotas[RATES_QUOTA_SLOTS];
};

struct rates {
    const struct clock *clock;
    uint64_t seed;
    struct rates_page *own; /* mapped; NULL: control has not sent it yet */
    const struct rates_page
        *pages[CONFIG_WORKER_SLOTS_MAX]; /* of all; NULL: none; [own_index] is own */
    uint32_t page_count;                 /* none of `pages` is beyond */
    uint32_t own_index;
};

/* Guests of this world have limits from now on, once control has sent the pages. */
void world_rates_provide(struct world *world, struct rates *rates, const struct clock *clock);
/* -1: there is no room. */
int64_t rates_take(
    struct rates *rates, struct bytes tenant, struct bytes key, uint32_t limit, uint64_t window_ms);

/* What is counted of all of a tenant's requests, whether it asks or not. */
enum rates_quota {
    RATES_QUOTA_REQUESTS, /* in a second */
    RATES_QUOTA_FUEL,     /* RATES_FUEL_UNIT each, in ten seconds */
    RATES_QUOTA_COUNT,
};
#define RATES_FUEL_UNIT 1024
extern const uint32_t rates_quota_window_ms[RATES_QUOTA_COUNT];

/* By all workers; 0 while there are no pages. */
uint64_t rates_quota_used(const struct rates *rates, struct bytes tenant, enum rates_quota quota);
void rates_quota_use(struct rates *rates,
                     struct bytes tenant,
                     enum rates_quota quota,
                     uint32_t count);

#endif
