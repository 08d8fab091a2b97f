/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the pool does beside requests, a piece at a time (isolate_pool_idle), and the one isolate
 * that a deploy is given ahead of its first request (isolate_pool_renew).
 *
 *   piece     turn        what it does
 *   sweep     any, once   gives back what was made ahead and nobody called, evicts what is idle
 *             a second    for too long
 *   shed      any         frees a part of a retired isolate; more, if several are
 *   prepare   quiet       makes one isolate of an entry that is wanted
 *   trim      quiet; and  gives back the pages of a few warm isolates that waited for long
 *             in a sweep
 *
 * Demand is the most isolates of a function that were in use at once, halved every
 * POOL_DEMAND_HALF_NS. An entry with fewer than that is wanted; whatever made it so (a fault, a
 * deploy, an eviction) is mended in a quiet turn, if there is room.
 *
 * Invariant: no piece makes room for itself: what is made here never evicts what a request made.
 */
#include "isolate/pool_idle.h"

#define POOL_TRIM_MAX       4                      /* isolates trimmed at once, */
#define POOL_TRIM_NS        (50 * CLOCK_NS_PER_US) /* and no further one when it took so long */
#define POOL_SHED_MAX       4U /* pieces freed in a turn, if as many isolates wait for it */
#define POOL_SWEEP_NS       CLOCK_NS_PER_S
#define POOL_SWEEP_MAX      256 /* entries looked at in one sweep */
#define POOL_AHEAD_MAX      64  /* isolates made ahead of a function's first request */
#define POOL_DEMAND_HALF_NS (10 * CLOCK_NS_PER_S) /* in which half of a past peak is forgotten */

/* ---- demand ---------------------------------------------------------------------------------- */

static bool idle_has_room(const struct isolate_pool *pool, const struct isolate_pool_entry *entry)
{
    const struct isolate_pool_options *options = &pool->options;
    return entry->warm_count < options->per_function_max &&
           entry->tenant->warm_count < entry->tenant->warm_max &&
           pool->stats.warm < options->total_max;
}

/* Would one more warm isolate be used, and is there room for it? */
static bool idle_is_short(const struct isolate_pool *pool, const struct isolate_pool_entry *entry)
{
    return entry->artifact != NULL && entry->in_use_count + entry->warm_count < entry->demand &&
           idle_has_room(pool, entry);
}

void pool_idle_note_demand(struct isolate_pool *pool, struct isolate_pool_entry *entry)
{
    if (entry->warm_count == 0 && idle_is_short(pool, entry))
        pool_index_touch(&pool->wanted, &entry->wanted);
}

void pool_idle_decay_demand(struct isolate_pool_entry *entry, uint64_t now_ns)
{
    if (now_ns - entry->demand_ns < POOL_DEMAND_HALF_NS)
        return;
    entry->demand = MAX(entry->demand / 2, entry->in_use_count + 1);
    entry->demand_ns = now_ns;
}

/* ---- prepare --------------------------------------------------------------------------------- */

static enum status idle_make_warm(struct isolate_pool *pool, struct isolate_pool_entry *entry)
{
    struct isolate *isolate;
    struct report report = REPORT_INIT;
    const struct config_limits limits = pool_index_limits(pool, entry);
    enum status status = isolate_create(entry->artifact, &limits, &pool->options.ops,
                                        pool->options.clock, &report, &isolate);
    if (status != STATUS_OK)
        return status;
    pool_index_adopt(pool, entry, isolate);
    isolate->place.idle_since_ns = clock_monotonic_ns(pool->options.clock);
    pool_index_put_in(entry, isolate);
    entry->cold_reason = ISOLATE_START_POOL_EMPTY;
    pool->stats.prepared++;
    return STATUS_OK;
}

/* False: there is none to make. */
static bool idle_prepare(struct isolate_pool *pool)
{
    for (;;) {
        struct isolate_pool_entry *entry =
            LIST_LAST(&pool->wanted, struct isolate_pool_entry, wanted);
        if (entry == NULL)
            return false;
        list_remove(&entry->wanted);
        /* Without memory for it now, the next request may say so. */
        if (!idle_is_short(pool, entry) || idle_make_warm(pool, entry) != STATUS_OK)
            continue;
        if (idle_is_short(pool, entry))
            pool_index_touch(&pool->wanted, &entry->wanted);
        return true;
    }
}

/* ---- ahead of a first request ---------------------------------------------------------------- */

/* As if it had never been made: a function that nobody calls costs nothing. */
static void idle_give_back(struct isolate_pool *pool, struct isolate_pool_entry *entry)
{
    if (!entry->called) {
        pool_index_remove(pool, entry);
        return;
    }
    if (entry->in_use_count > 0) { /* still of the version before: what is warm will be used */
        pool_index_leave_ahead(pool, entry);
        return;
    }
    pool_index_drop_warm(pool, entry);
    pool_index_make_cold(pool, entry);
    entry->cold_reason = entry->late_reason;
}

static struct isolate_pool_entry *idle_oldest_ahead(const struct isolate_pool *pool)
{
    return LIST_LAST(&pool->ahead, struct isolate_pool_entry, ahead);
}

static bool idle_make_ahead(struct isolate_pool *pool,
                            struct isolate_pool_entry *entry,
                            struct isolate_opener opener)
{
    struct report report = REPORT_INIT;
    if (pool->options.ahead_max_ns == 0 || !idle_has_room(pool, entry))
        return false;
    /* Without its artifact, or memory for it, the first request may say so. */
    if (pool_index_map(pool, entry, opener, &report) != STATUS_OK)
        return false;
    enum isolate_start_reason reason = entry->cold_reason;
    if (idle_make_warm(pool, entry) != STATUS_OK) {
        if (entry->state == POOL_ENTRY_COLD)
            pool_index_drop_warm(pool, entry);
        return false;
    }
    entry->late_reason = reason;
    if (pool->ahead_count >= POOL_AHEAD_MAX)
        idle_give_back(pool, idle_oldest_ahead(pool));
    pool_index_make_live(pool, entry);
    pool_index_touch(&pool->ahead, &entry->ahead);
    pool->ahead_count++;
    if (idle_is_short(pool, entry))
        pool_index_touch(&pool->wanted, &entry->wanted);
    return true;
}

bool isolate_pool_renew(struct isolate_pool *pool,
                        const struct isolate_key *key,
                        struct isolate_opener opener)
{
    struct isolate_pool_entry *entry = pool_index_entry(pool, key);
    if (entry == NULL)
        return false;
    /* With the artifact dropped, what is in use is of another version. */
    if (entry->warm_count > 0 || (entry->in_use_count > 0 && entry->artifact != NULL))
        return false;
    bool made = idle_make_ahead(pool, entry, opener);
    if (!made && !entry->called && entry->state == POOL_ENTRY_COLD)
        pool_index_remove(pool, entry);
    return made;
}

/* ---- trim ------------------------------------------------------------------------------------ */

/* One that the kernel has no mappings for is given up. */
static void idle_trim_isolate(struct isolate_pool *pool, struct isolate *isolate)
{
    struct isolate_pool_entry *entry = isolate->place.entry;
    isolate->place.trimmed = true;
    pool->stats.trimmed++;
    if (isolate_trim(isolate))
        return;
    pool_index_retire(pool, pool_index_take_out(entry, isolate));
    pool->stats.evicted++;
    if (entry->warm_count == 0)
        entry->cold_reason = ISOLATE_START_EVICTED;
}

/* False: some are left. */
static bool idle_trim_entry(struct isolate_pool *pool, struct isolate_pool_entry *entry)
{
    const struct clock *clock = pool->options.clock;
    uint64_t began = clock_monotonic_ns(clock);
    uint32_t count = 0;
    struct list_link *link = list_last(&entry->warm);
    while (link != NULL && count < POOL_TRIM_MAX &&
           clock_monotonic_ns(clock) - began < POOL_TRIM_NS) {
        struct isolate *isolate = list_item(link, offsetof(struct isolate, place.link));
        link = list_previous(&entry->warm, link);
        /* One that keeps its memory for its function cannot do without it. */
        if (isolate->place.trimmed || isolate->served > 0)
            continue;
        count++;
        idle_trim_isolate(pool, isolate);
    }
    return link == NULL;
}

/* False: none waited for long enough. */
static bool idle_trim(struct isolate_pool *pool)
{
    struct isolate_pool_entry *entry =
        LIST_LAST(&pool->untrimmed, struct isolate_pool_entry, untrimmed);
    if (entry == NULL ||
        clock_monotonic_ns(pool->options.clock) - entry->used_ns <= pool->options.trim_ns)
        return false;
    if (idle_trim_entry(pool, entry))
        list_remove(&entry->untrimmed);
    return true;
}

/* ---- shed ------------------------------------------------------------------------------------ */

static void idle_shed(struct isolate_pool *pool)
{
    struct isolate *isolate = LIST_FIRST(&pool->retired, struct isolate, place.link);
    if (isolate == NULL || isolate_shed(isolate))
        return;
    list_remove(&isolate->place.link);
    pool->retired_count--;
    isolate_free(isolate);
}

/* ---- sweep ----------------------------------------------------------------------------------- */

static bool idle_is_too_old(const struct isolate_pool *pool, const struct isolate *isolate)
{
    return isolate != NULL &&
           pool->swept_ns - isolate->place.idle_since_ns > pool->options.idle_max_ns;
}

static void idle_sweep_entry(struct isolate_pool *pool, struct isolate_pool_entry *entry)
{
    while (idle_is_too_old(pool, pool_index_oldest(entry)))
        pool_index_evict_oldest(pool, entry);
    /* Its last isolate was discarded, or is in the hands of a request. */
    bool unused =
        entry->state == POOL_ENTRY_LIVE && entry->warm_count == 0 && entry->in_use_count == 0;
    if (unused && pool->swept_ns - entry->used_ns > pool->options.idle_max_ns) {
        pool_index_drop_warm(pool, entry);
        pool_index_make_cold(pool, entry);
    }
}

static void idle_sweep_ahead(struct isolate_pool *pool)
{
    for (struct isolate_pool_entry *entry = idle_oldest_ahead(pool); entry != NULL;
         entry = idle_oldest_ahead(pool)) {
        uint64_t made_ns = pool_index_oldest(entry)->place.idle_since_ns;
        if (pool->swept_ns - made_ns <= pool->options.ahead_max_ns)
            return;
        idle_give_back(pool, entry);
    }
}

static void idle_sweep(struct isolate_pool *pool)
{
    idle_sweep_ahead(pool);
    struct list_link *link = list_last(&pool->live);
    for (uint32_t i = 0; link != NULL && i < POOL_SWEEP_MAX; i++) {
        struct isolate_pool_entry *entry =
            list_item(link, offsetof(struct isolate_pool_entry, by_use));
        link = list_previous(&pool->live, link);
        idle_sweep_entry(pool, entry);
    }
}

/* ---- public ---------------------------------------------------------------------------------- */

bool isolate_pool_idle(struct isolate_pool *pool, uint64_t now_ns, bool quiet)
{
    if (UNLIKELY(now_ns - pool->swept_ns >= POOL_SWEEP_NS)) {
        pool->swept_ns = clock_monotonic_ns(pool->options.clock); /* isolates came back since */
        idle_sweep(pool);
        if (!quiet)
            (void)idle_trim(pool); /* there may be no quiet turn */
    }
    if (UNLIKELY(!list_is_empty(&pool->retired))) {
        for (uint32_t pieces = MIN(pool->retired_count, POOL_SHED_MAX); pieces > 0; pieces--)
            idle_shed(pool);
        return true;
    }
    if (!quiet)
        return !list_is_empty(&pool->wanted);
    return idle_prepare(pool) || idle_trim(pool);
}
