/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pool: checkout and return of isolates, within bounds.
 *
 *   checkout: the newest warm isolate of the function's entry, else one made from the artifact; for
 *             that, idle ones of anybody are given up when the kernel has no room, or the artifact
 *             would be one too many
 *   return:   reset (or kept as it is, if its function chose so) and put in front of the entry's
 *             warm ones; then whatever is too much is evicted: of the function, of its tenant, in
 *             all. What went wrong, wrote too much or is of a version before is retired.
 *
 * What the pool knows is in pool_index.h, with a table of what an entry can be; what it does
 * beside requests in pool_idle.c. Isolates of an old version that are in use are freed when they
 * come back, because their artifact is not the entry's. An entry lives as long as an isolate of it
 * is in use, even when forgotten.
 */
#include <stdlib.h>

#include "engine/base/hash.h"
#include "isolate/pool_idle.h"
#include "isolate/pool_index.h"

#define POOL_MAKE_ROOM_MAX 4               /* idle isolates given up for one that cannot be made */
#define POOL_EVICT_MAX     64              /* ... and at once for memory that others want */
#define POOL_LARGEST_NS    CLOCK_NS_PER_MS /* how long it is known which tenant uses most */
#define POOL_LARGEST_PART  2               /* who uses half as much gives way with it */

static const char *const reason_texts[ISOLATE_START_REASON_COUNT] = {
#define REASON(name, text) [ISOLATE_START_##name] = (text),
    ISOLATE_START_REASONS(REASON)
#undef REASON
};

const char *isolate_start_reason_text(enum isolate_start_reason reason)
{
    ASSERT(reason < ISOLATE_START_REASON_COUNT);
    return reason_texts[reason];
}

enum status isolate_pool_create(const struct isolate_pool_options *options,
                                struct isolate_pool **ret_pool)
{
    struct isolate_pool *pool = calloc(1, sizeof(*pool));
    if (pool == NULL)
        return STATUS_NO_MEMORY;
    pool->options = *options;
    pool->budget.bytes_max = options->memory_max_bytes;
    pool->retired_budget.owner = &pool->budget;
    pool->hash_seed = hash_seed(options->clock);
    *ret_pool = pool;
    return STATUS_OK;
}

static void pool_remove_all(struct isolate_pool *pool, const struct list *list)
{
    while (!list_is_empty(list))
        pool_index_remove(pool, LIST_FIRST(list, struct isolate_pool_entry, by_use));
}

void isolate_pool_free(struct isolate_pool *pool)
{
    if (pool == NULL)
        return;
    ASSERT(pool->stats.in_use == 0);
    pool_remove_all(pool, &pool->live);
    pool_remove_all(pool, &pool->cold);
    LIST_FOREACH(isolate, &pool->retired, struct isolate, place.link)
        isolate_free(isolate);
    free(pool);
}

/* ---- checkout -------------------------------------------------------------------------------- */

static enum status pool_try_cold(struct isolate_pool *pool,
                                 struct isolate_pool_entry *entry,
                                 struct isolate_opener opener,
                                 struct report *report,
                                 struct isolate_start *ret_start,
                                 struct isolate **ret_isolate)
{
    const struct clock *clock = pool->options.clock;
    struct isolate_start start = {.reason = entry->cold_reason};
    uint64_t began = clock_monotonic_ns(clock);
    if (entry->artifact == NULL) {
        pool_index_make_room(pool);
        enum status status = pool_index_map(pool, entry, opener, report);
        if (status != STATUS_OK)
            return status;
        start.load_ns = clock_monotonic_ns(clock) - began;
    }
    struct isolate *isolate;
    const struct config_limits limits = pool_index_limits(pool, entry);
    enum status status =
        isolate_create(entry->artifact, &limits, &pool->options.ops, clock, report, &isolate);
    if (status != STATUS_OK) {
        if (entry->state == POOL_ENTRY_COLD)
            pool_index_drop_warm(pool, entry);
        return status;
    }
    pool_index_adopt(pool, entry, isolate);
    entry->cold_reason = ISOLATE_START_POOL_EMPTY;
    start.map_ns = isolate->map_ns;
    start.restore_ns = clock_monotonic_ns(clock) - began - start.load_ns - start.map_ns;
    *ret_start = start;
    *ret_isolate = isolate;
    return STATUS_OK;
}

/* Address space and mappings that idle isolates hold are better used by a request. */
static enum status pool_start_cold(struct isolate_pool *pool,
                                   struct isolate_pool_entry *entry,
                                   struct isolate_opener opener,
                                   struct report *report,
                                   struct isolate_start *ret_start,
                                   struct isolate **ret_isolate)
{
    for (int i = 0; i < POOL_MAKE_ROOM_MAX; i++) {
        struct report tried = REPORT_INIT;
        enum status status = pool_try_cold(pool, entry, opener, &tried, ret_start, ret_isolate);
        if (status != STATUS_NO_MEMORY || pool->stats.warm == 0) {
            if (status != STATUS_OK && report != NULL)
                *report = tried;
            return status;
        }
        pool_index_evict_one(pool);
    }
    return pool_try_cold(pool, entry, opener, report, ret_start, ret_isolate);
}

/* Has the function chosen that its next request finds this isolate's memory as it is? */
static bool pool_goes_on(const struct isolate *isolate, uint64_t now)
{
    const struct isolate_reuse *reuse = &isolate->place.reuse;
    if (reuse->requests_max <= 1 && reuse->age_max_ns == 0)
        return false;
    return (reuse->requests_max == 0 || isolate->served < reuse->requests_max) &&
           (reuse->age_max_ns == 0 || now - isolate->place.first_use_ns < reuse->age_max_ns);
}

/* A warm isolate, or NULL. One whose time to go on has passed while it waited is reset now. */
static struct isolate *pool_take_warm(struct isolate_pool_entry *entry, struct isolate_reuse reuse)
{
    for (struct isolate *isolate = pool_index_newest(entry); isolate != NULL;
         isolate = pool_index_newest(entry)) {
        pool_index_take_out(entry, isolate);
        isolate->place.reuse = reuse;
        if (LIKELY(isolate->served == 0) ||
            pool_goes_on(isolate, clock_monotonic_ns(isolate->place.pool->options.clock)) ||
            (!isolate_is_worn(isolate) && isolate_reset(isolate)))
            return isolate;
        pool_index_retire(isolate->place.pool, isolate);
    }
    return NULL;
}

/* The clock is read only for a function that keeps its memory. */
static void pool_begin_use(struct isolate_pool *pool,
                           struct isolate_pool_entry *entry,
                           struct isolate *isolate,
                           struct isolate_reuse reuse)
{
    isolate->place.reuse = reuse;
    if (isolate->place.trimmed) {
        (void)isolate_claim_set(&isolate->claim, ISOLATE_BUDGET_ISOLATE, ISOLATE_FLAT_BYTES);
        isolate_wake(isolate);
    }
    isolate->place.trimmed = false;
    if (isolate->served == 0 && reuse.age_max_ns > 0)
        isolate->place.first_use_ns = clock_monotonic_ns(pool->options.clock);
    entry->demand = MAX(entry->demand, entry->in_use_count);
    pool_idle_note_demand(pool, entry);
}

enum status isolate_pool_checkout(struct isolate_pool *pool,
                                  const struct isolate_key *key,
                                  struct isolate_opener opener,
                                  struct report *report,
                                  struct isolate_start *ret_start,
                                  struct isolate **ret_isolate)
{
    struct isolate_pool_entry *entry = pool_index_entry(pool, key);
    if (entry == NULL)
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "pool: out of memory");
    *ret_isolate = pool_take_warm(entry, key->reuse);
    if (LIKELY(*ret_isolate != NULL)) {
        *ret_start = (struct isolate_start){.reason = ISOLATE_START_WARM};
    } else {
        enum status status = pool_start_cold(pool, entry, opener, report, ret_start, ret_isolate);
        if (status != STATUS_OK)
            return status;
    }
    entry->called = true;
    entry->in_use_count++;
    pool->stats.in_use++;
    pool->stats.starts[ret_start->reason]++;
    pool_index_make_live(pool, entry);
    pool_begin_use(pool, entry, *ret_isolate, key->reuse);
    return STATUS_OK;
}

/* ---- return ---------------------------------------------------------------------------------- */

/* True if the isolate went back to its warm list. */
static bool pool_keep(struct isolate_pool *pool, struct isolate *isolate, enum isolate_end end)
{
    struct isolate_pool_entry *entry = isolate->place.entry;
    const struct isolate_pool_options *options = &pool->options;
    bool current = entry->state != POOL_ENTRY_FORGOTTEN && isolate->artifact == entry->artifact;
    if (!current || options->per_function_max == 0 || options->per_tenant_max == 0 ||
        options->total_max == 0)
        return false;
    isolate->served++;
    if (end == ISOLATE_GOES_ON && pool_goes_on(isolate, entry->used_ns))
        isolate_keep(isolate);
    else if (!isolate_reset(isolate))
        return false;
    isolate->place.idle_since_ns = entry->used_ns;
    pool_index_put_in(entry, isolate);
    pool_index_touch(&pool->untrimmed, &entry->untrimmed);
    return true;
}

/* After one more isolate of the entry became warm. */
static void pool_evict_excess(struct isolate_pool *pool, struct isolate_pool_entry *entry)
{
    const struct isolate_pool_options *options = &pool->options;
    struct isolate_tenant *tenant = entry->tenant;
    uint64_t oldest_ns = pool_index_oldest(entry)->place.idle_since_ns;
    if (entry->warm_count > options->per_function_max ||
        entry->used_ns - oldest_ns > options->idle_max_ns)
        pool_index_evict_oldest(pool, entry);
    while (tenant->warm_count > tenant->warm_max) /* more than one: the bound was lowered */
        pool_index_evict_of_tenant(pool, tenant);
    if (pool->stats.warm > options->total_max)
        pool_index_evict_one(pool);
}

void isolate_pool_return(struct isolate *isolate, enum isolate_end end, uint64_t now_ns)
{
    struct isolate_pool *pool = isolate->place.pool;
    struct isolate_pool_entry *entry = isolate->place.entry;
    ASSERT(entry->in_use_count > 0 && pool->stats.in_use > 0);
    entry->in_use_count--;
    pool->stats.in_use--;
    entry->used_ns = now_ns;
    pool_idle_decay_demand(entry, entry->used_ns);
    if (end == ISOLATE_FINISHED && isolate_is_worn(isolate))
        end = ISOLATE_DISCARDED;
    if (end != ISOLATE_DISCARDED && pool_keep(pool, isolate, end)) {
        pool_evict_excess(pool, entry);
        return;
    }
    pool_index_retire(pool, isolate);
    if (end == ISOLATE_DISCARDED) {
        pool->stats.discarded++;
        if (entry->warm_count == 0)
            entry->cold_reason = ISOLATE_START_DISCARDED;
    }
    if (entry->state != POOL_ENTRY_FORGOTTEN)
        pool_idle_note_demand(pool, entry);
    else if (entry->in_use_count == 0)
        pool_index_free(entry);
}

/* ---- memory -------------------------------------------------------------------------------- */

/* What the tenant uses that uses most, as of a moment ago. */
static uint64_t pool_largest_bytes(struct isolate_pool *pool)
{
    uint64_t now_ns = clock_monotonic_ns(pool->options.clock);
    if (pool->largest_ns != 0 && now_ns - pool->largest_ns < POOL_LARGEST_NS)
        return pool->largest_bytes;
    uint64_t largest = 0;
    for (size_t i = 0; i < POOL_BUCKETS; i++) {
        for (const struct isolate_tenant *tenant = pool->tenants[i]; tenant != NULL;
             tenant = tenant->hash_next)
            largest = MAX(largest, tenant->budget.used_bytes);
    }
    pool->largest_bytes = largest;
    pool->largest_ns = now_ns;
    return largest;
}

/* Without what is on its way back: who filled it is gone, and others need not go for it. */
static bool pool_is_spent(const struct isolate_pool *pool)
{
    const struct isolate_budget *budget = &pool->budget;
    return budget->bytes_max != 0 &&
           budget->used_bytes - pool->retired_budget.used_bytes > budget->bytes_max;
}

/* What waits gives way to what works. */
static void pool_evict_for_memory(struct isolate_pool *pool, struct isolate_tenant *tenant)
{
    for (int i = 0; i < POOL_EVICT_MAX; i++) {
        if (isolate_budget_is_spent(&tenant->budget) && tenant->warm_count > 0)
            pool_index_evict_of_tenant(pool, tenant);
        else if (pool_is_spent(pool) && pool->stats.warm > 0)
            pool_index_evict_one(pool);
        else
            return;
    }
}

bool isolate_tenant_must_yield(struct isolate_tenant *tenant)
{
    struct isolate_pool *pool = tenant->pool;
    if (LIKELY(!isolate_budget_is_spent(&tenant->budget) && !pool_is_spent(pool)))
        return false;
    pool_evict_for_memory(pool, tenant);
    if (isolate_budget_is_spent(&tenant->budget))
        return true;
    return pool_is_spent(pool) &&
           tenant->budget.used_bytes >= pool_largest_bytes(pool) / POOL_LARGEST_PART;
}

const struct isolate_budget *isolate_pool_budget(const struct isolate_pool *pool)
{
    return &pool->budget;
}

struct isolate_budget *isolate_tenant_budget(struct isolate_tenant *tenant)
{
    return &tenant->budget;
}

/* ---- the rest -------------------------------------------------------------------------------- */

void isolate_pool_forget(struct isolate_pool *pool, struct bytes function)
{
    struct isolate_pool_entry *entry = pool_index_find(pool, function);
    if (entry != NULL)
        pool_index_remove(pool, entry);
}

struct isolate_pool_stats isolate_pool_stats(const struct isolate_pool *pool)
{
    return pool->stats;
}
