/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pool: for each function an entry with its mapped artifact and its warm isolates.
 *
 *   hash table --> entry (function, version, artifact)
 *                    | warm: newest first, doubly linked; taken and put at the head,
 *                    |       trimmed at the tail
 *   live list: entries with something mapped, by last checkout; where eviction looks
 *   cold list: entries with nothing left but the reason why; the first to be forgotten
 *   a tenant's list: its entries of the live list; where eviction looks for its own bound
 *   untrimmed list: entries that got an isolate back since all of theirs were trimmed; idle
 *       turns give the pages back of those that waited long
 *   wanted list: entries with fewer isolates than were in use at once lately; idle turns
 *       make them
 *   retired: isolates that wrote so much that they are freed piece by piece, one a turn
 *   ahead list: entries whose one isolate was made before any request wanted it, by age; the
 *       next request takes them out, or their time runs out
 *
 * A version change drops the old artifact and everything warm; isolates of the old version
 * that are in use are freed when they come back, because their artifact is not the entry's.
 *
 * Bounds: warm isolates per function, per tenant and in all; entries ENTRIES_MAX (an entry without
 * isolates is a memory of why its next start is cold, and the first to go).
 * An entry lives as long as an isolate of it is in use, even when forgotten.
 */
#include <stdlib.h>

#include "engine/base/hash.h"
#include "isolate/artifact.h"

#define POOL_BUCKETS        4096 /* power of two */
#define POOL_ENTRIES_MAX    65536
#define POOL_VERSION_MAX    64
#define POOL_FUNCTION_MAX   256
#define POOL_TRIM_MAX       4                      /* isolates trimmed at once, */
#define POOL_TRIM_NS        (50 * CLOCK_NS_PER_US) /* and no further one when it took so long */
#define POOL_SWEEP_MAX      256                    /* entries looked at in one sweep */
#define POOL_MAKE_ROOM_MAX  4  /* idle isolates given up for one that cannot be made */
#define POOL_RETIRED_MAX    64 /* isolates freed piece by piece; more: at once */
#define POOL_AHEAD_MAX      64 /* isolates made ahead of a function's first request */

#define POOL_DEMAND_HALF_NS (10 * CLOCK_NS_PER_S) /* in which half of a past peak is forgotten */

/* An entry can be in one list of each order. */
enum pool_order {
    POOL_BY_USE,
    POOL_BY_TENANT,
    POOL_BY_WANT,
    POOL_BY_AGE,
    POOL_BY_TRIM,
    POOL_ORDER_COUNT
};

struct pool_list {
    enum pool_order order;
    struct isolate_pool_entry *newest;
    struct isolate_pool_entry *oldest;
};

struct pool_links {
    struct pool_list *list; /* NULL: in none of this order */
    struct isolate_pool_entry *newer;
    struct isolate_pool_entry *older;
};

struct pool_tenant {
    struct pool_tenant *hash_next;
    struct pool_list live;
    uint64_t hash;
    uint32_t functions; /* entries that are not forgotten */
    uint32_t warm;
    uint32_t warm_max; /* as its last checkout said */
    size_t name_count;
    uint8_t name[];
};

struct isolate_pool_entry {
    struct isolate_pool_entry *hash_next;
    struct pool_links links[POOL_ORDER_COUNT];
    struct pool_tenant *tenant;        /* borrowed; NULL once forgotten */
    struct isolate_artifact *artifact; /* a reference; NULL: not mapped */
    struct isolate *warm;              /* newest */
    struct isolate *warm_oldest;
    uint32_t warm_count;
    uint32_t in_use;
    uint32_t demand; /* the most in use at once lately */
    uint64_t demand_ns;
    enum isolate_start_reason cold_reason; /* of the next cold start with nothing in use */
    enum isolate_start_reason late_reason; /* the same, if the isolate made ahead is given back */
    bool called;                           /* an isolate was checked out */
    bool forgotten;                        /* in no list; freed when in_use becomes 0 */
    uint64_t generation;                   /* of the last key */
    uint64_t used_ns;
    uint64_t hash;
    size_t function_count;
    size_t version_count;
    uint8_t version[POOL_VERSION_MAX];
    uint8_t function[];
};

struct isolate_pool {
    struct isolate_pool_options options;
    uint64_t hash_seed;
    struct pool_list live;
    struct pool_list cold;
    struct pool_list wanted;
    struct pool_list untrimmed;
    struct pool_list ahead;
    uint32_t ahead_count;
    struct isolate *retired; /* linked by `next`; the first is being freed */
    uint32_t retired_count;
    struct isolate_pool_stats stats;
    struct isolate_pool_entry *buckets[POOL_BUCKETS];
    struct pool_tenant *tenants[POOL_BUCKETS];
};

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

/* ---- lists and hash table -------------------------------------------------------------------- */

static void pool_unlink(struct isolate_pool_entry *entry, enum pool_order order)
{
    struct pool_links *links = &entry->links[order];
    struct pool_list *list = links->list;
    if (list == NULL)
        return;
    *(links->newer != NULL ? &links->newer->links[order].older : &list->newest) = links->older;
    *(links->older != NULL ? &links->older->links[order].newer : &list->oldest) = links->newer;
    *links = (struct pool_links){0};
}

/* Makes the entry the most recent of `list`. */
static void pool_move(struct pool_list *list, struct isolate_pool_entry *entry)
{
    enum pool_order order = list->order;
    if (list->newest == entry)
        return;
    pool_unlink(entry, order);
    entry->links[order] = (struct pool_links){.list = list, .older = list->newest};
    *(list->newest != NULL ? &list->newest->links[order].newer : &list->oldest) = entry;
    list->newest = entry;
}

static void pool_make_live(struct isolate_pool *pool, struct isolate_pool_entry *entry)
{
    pool_move(&pool->live, entry);
    pool_move(&entry->tenant->live, entry);
}

/* Its isolate was taken, or is no more. */
static void pool_leave_ahead(struct isolate_pool *pool, struct isolate_pool_entry *entry)
{
    if (LIKELY(entry->links[POOL_BY_AGE].list == NULL))
        return;
    pool_unlink(entry, POOL_BY_AGE);
    pool->ahead_count--;
}

static void pool_make_cold(struct isolate_pool *pool, struct isolate_pool_entry *entry)
{
    pool_leave_ahead(pool, entry);
    pool_unlink(entry, POOL_BY_WANT);
    pool_unlink(entry, POOL_BY_TRIM);
    pool_unlink(entry, POOL_BY_TENANT);
    pool_move(&pool->cold, entry);
    entry->demand = 0;
}

static bool pool_is_live(const struct isolate_pool *pool, const struct isolate_pool_entry *entry)
{
    return entry->links[POOL_BY_USE].list == &pool->live;
}

static struct isolate_pool_entry **pool_bucket(struct isolate_pool *pool, uint64_t hash)
{
    return &pool->buckets[hash & (POOL_BUCKETS - 1)];
}

static struct isolate_pool_entry *
pool_find(struct isolate_pool *pool, struct bytes function, uint64_t hash)
{
    struct isolate_pool_entry *entry = *pool_bucket(pool, hash);
    while (entry != NULL &&
           (entry->hash != hash ||
            !bytes_equal(bytes_make(entry->function, entry->function_count), function)))
        entry = entry->hash_next;
    return entry;
}

/* ---- tenants --------------------------------------------------------------------------------- */

/* Of a function's name, "tenant/function". */
static struct bytes pool_tenant_name(struct bytes function)
{
    const uint8_t *slash = function.count > 0 ? memchr(function.data, '/', function.count) : NULL;
    return bytes_make(function.data, slash != NULL ? (size_t)(slash - function.data) : 0);
}

static struct pool_tenant *pool_hire_tenant(struct isolate_pool *pool, struct bytes name)
{
    uint64_t hash = hash_bytes(pool->hash_seed, name);
    struct pool_tenant **bucket = &pool->tenants[hash & (POOL_BUCKETS - 1)];
    struct pool_tenant *tenant = *bucket;
    while (tenant != NULL && (tenant->hash != hash ||
                              !bytes_equal(bytes_make(tenant->name, tenant->name_count), name)))
        tenant = tenant->hash_next;
    if (tenant == NULL) {
        tenant = calloc(1, sizeof(*tenant) + name.count);
        if (tenant == NULL)
            return NULL;
        tenant->live.order = POOL_BY_TENANT;
        tenant->hash = hash;
        tenant->name_count = name.count;
        if (name.count > 0)
            memcpy(tenant->name, name.data, name.count);
        tenant->hash_next = *bucket;
        *bucket = tenant;
    }
    tenant->functions++;
    return tenant;
}

static void pool_release_tenant(struct isolate_pool *pool, struct pool_tenant *tenant)
{
    ASSERT(tenant->functions > 0);
    if (--tenant->functions > 0)
        return;
    ASSERT(tenant->warm == 0 && tenant->live.newest == NULL);
    struct pool_tenant **link = &pool->tenants[tenant->hash & (POOL_BUCKETS - 1)];
    while (*link != tenant)
        link = &(*link)->hash_next;
    *link = tenant->hash_next;
    free(tenant);
}

/* ---- warm lists ------------------------------------------------------------------------------ */

static struct isolate *pool_take_out(struct isolate_pool_entry *entry, struct isolate *isolate)
{
    *(isolate->previous != NULL ? &isolate->previous->next : &entry->warm) = isolate->next;
    *(isolate->next != NULL ? &isolate->next->previous : &entry->warm_oldest) = isolate->previous;
    isolate->next = isolate->previous = NULL;
    entry->warm_count--;
    entry->tenant->warm--;
    isolate->pool->stats.warm--;
    return isolate;
}

static void pool_push(struct isolate_pool_entry *entry, struct isolate *isolate)
{
    isolate->previous = NULL;
    isolate->next = entry->warm;
    *(entry->warm != NULL ? &entry->warm->previous : &entry->warm_oldest) = isolate;
    entry->warm = isolate;
    entry->warm_count++;
    entry->tenant->warm++;
    isolate->pool->stats.warm++;
}

/* Frees an isolate that is in no list, now or bit by bit. */
static void pool_retire(struct isolate_pool *pool, struct isolate *isolate)
{
    if (LIKELY(!isolate_is_worn(isolate)) || pool->retired_count >= POOL_RETIRED_MAX) {
        isolate_free(isolate);
        return;
    }
    isolate->next = pool->retired;
    pool->retired = isolate;
    pool->retired_count++;
}

bool isolate_pool_shed(struct isolate_pool *pool)
{
    struct isolate *isolate = pool->retired;
    if (LIKELY(isolate == NULL))
        return false;
    if (!isolate_shed(isolate)) {
        pool->retired = isolate->next;
        pool->retired_count--;
        isolate_free(isolate);
    }
    return true;
}

static void pool_drop_warm(struct isolate_pool *pool, struct isolate_pool_entry *entry)
{
    while (entry->warm != NULL)
        pool_retire(pool, pool_take_out(entry, entry->warm_oldest));
    isolate_artifact_unref(entry->artifact);
    entry->artifact = NULL;
}

static void pool_evict_oldest(struct isolate_pool *pool, struct isolate_pool_entry *entry)
{
    pool_retire(pool, pool_take_out(entry, entry->warm_oldest));
    pool->stats.evicted++;
    if (entry->warm != NULL)
        return;
    entry->cold_reason = ISOLATE_START_EVICTED;
    if (entry->in_use == 0) {
        pool_drop_warm(pool, entry);
        pool_make_cold(pool, entry);
    }
}

/*
 * The oldest warm isolate of the list's least recently used function that has any. Entries
 * that are only in use go to the newest end on the way, so that nobody walks past them twice.
 */
static void pool_evict_one(struct isolate_pool *pool, struct pool_list *list)
{
    while (list->oldest->warm == NULL)
        pool_move(list, list->oldest);
    pool_evict_oldest(pool, list->oldest);
}

/* ---- demand ---------------------------------------------------------------------------------- */

/* Would one more warm isolate be used, and is there room for it? */
static bool pool_is_short(const struct isolate_pool *pool, const struct isolate_pool_entry *entry)
{
    const struct isolate_pool_options *options = &pool->options;
    return entry->artifact != NULL && entry->in_use + entry->warm_count < entry->demand &&
           entry->warm_count < options->per_function_max &&
           entry->tenant->warm < entry->tenant->warm_max && pool->stats.warm < options->total_max;
}

/* Something was taken from the entry's isolates: is it to be replaced in an idle turn? */
static void pool_note_shortage(struct isolate_pool *pool, struct isolate_pool_entry *entry)
{
    if (entry->warm == NULL && pool_is_short(pool, entry))
        pool_move(&pool->wanted, entry);
}

static void pool_decay_demand(struct isolate_pool_entry *entry, uint64_t now)
{
    if (now - entry->demand_ns < POOL_DEMAND_HALF_NS)
        return;
    entry->demand = MAX(entry->demand / 2, entry->in_use + 1);
    entry->demand_ns = now;
}

/* ---- entries --------------------------------------------------------------------------------- */

static void pool_remove(struct isolate_pool *pool, struct isolate_pool_entry *entry)
{
    pool_leave_ahead(pool, entry);
    pool_drop_warm(pool, entry);
    for (enum pool_order order = 0; order < POOL_ORDER_COUNT; order++)
        pool_unlink(entry, order);
    pool_release_tenant(pool, entry->tenant);
    entry->tenant = NULL;
    struct isolate_pool_entry **link = pool_bucket(pool, entry->hash);
    while (*link != entry)
        link = &(*link)->hash_next;
    *link = entry->hash_next;
    pool->stats.functions--;
    entry->forgotten = true;
    if (entry->in_use == 0)
        free(entry);
}

static struct isolate_pool_entry *
pool_add(struct isolate_pool *pool, const struct isolate_key *key, uint64_t hash)
{
    if (pool->stats.functions >= POOL_ENTRIES_MAX)
        pool_remove(pool, pool->cold.oldest != NULL ? pool->cold.oldest : pool->live.oldest);
    struct isolate_pool_entry *entry = calloc(1, sizeof(*entry) + key->function.count);
    struct pool_tenant *tenant = pool_hire_tenant(pool, pool_tenant_name(key->function));
    if (entry == NULL || tenant == NULL) {
        free(entry);
        if (tenant != NULL)
            pool_release_tenant(pool, tenant);
        return NULL;
    }
    entry->tenant = tenant;
    entry->hash = hash;
    entry->generation = key->generation;
    entry->function_count = key->function.count;
    memcpy(entry->function, key->function.data, key->function.count);
    entry->version_count = key->version.count;
    memcpy(entry->version, key->version.data, key->version.count);
    entry->cold_reason = key->created_ns < pool->options.began_ns ? ISOLATE_START_RESTART
                                                                  : ISOLATE_START_FIRST_REQUEST;
    struct isolate_pool_entry **bucket = pool_bucket(pool, hash);
    entry->hash_next = *bucket;
    *bucket = entry;
    pool_move(&pool->cold, entry);
    pool->stats.functions++;
    return entry;
}

static void pool_change_version(struct isolate_pool *pool,
                                struct isolate_pool_entry *entry,
                                struct bytes version)
{
    pool_leave_ahead(pool, entry);
    pool_drop_warm(pool, entry);
    memcpy(entry->version, version.data, version.count);
    entry->version_count = version.count;
    entry->cold_reason = ISOLATE_START_NEW_VERSION;
}

/* ---- public ---------------------------------------------------------------------------------- */

enum status isolate_pool_create(const struct isolate_pool_options *options,
                                struct isolate_pool **ret_pool)
{
    struct isolate_pool *pool = calloc(1, sizeof(*pool));
    if (pool == NULL)
        return STATUS_NO_MEMORY;
    pool->options = *options;
    pool->wanted.order = POOL_BY_WANT;
    pool->untrimmed.order = POOL_BY_TRIM;
    pool->ahead.order = POOL_BY_AGE;
    pool->hash_seed = hash_seed(options->clock);
    *ret_pool = pool;
    return STATUS_OK;
}

void isolate_pool_free(struct isolate_pool *pool)
{
    if (pool == NULL)
        return;
    ASSERT(pool->stats.in_use == 0);
    while (pool->live.newest != NULL)
        pool_remove(pool, pool->live.newest);
    while (pool->cold.newest != NULL)
        pool_remove(pool, pool->cold.newest);
    for (struct isolate *isolate = pool->retired; isolate != NULL; isolate = pool->retired) {
        pool->retired = isolate->next;
        isolate_free(isolate);
    }
    free(pool);
}

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
        enum status status = opener.open(opener.context, report, &entry->artifact);
        if (status != STATUS_OK)
            return status;
        start.load_ns = clock_monotonic_ns(clock) - began;
    }
    struct isolate *isolate;
    enum status status = isolate_create(entry->artifact, pool->options.limits, &pool->options.ops,
                                        clock, report, &isolate);
    if (status != STATUS_OK) {
        if (!pool_is_live(pool, entry))
            pool_drop_warm(pool, entry);
        return status;
    }
    isolate->pool = pool;
    isolate->entry = entry;
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
        pool_evict_one(pool, &pool->live);
    }
    return pool_try_cold(pool, entry, opener, report, ret_start, ret_isolate);
}

/* An artifact that was replaced under the same name, because it was damaged, is not current. */
static bool pool_is_current(const struct isolate_pool_entry *entry, const struct isolate_key *key)
{
    if (!bytes_equal(bytes_make(entry->version, entry->version_count), key->version))
        return false;
    return LIKELY(entry->generation == key->generation) || entry->artifact == NULL ||
           !isolate_artifact_is_gone(entry->artifact);
}

static struct isolate_pool_entry *pool_entry(struct isolate_pool *pool,
                                             const struct isolate_key *key)
{
    ASSERT(key->function.count <= POOL_FUNCTION_MAX);
    ASSERT(key->version.count <= POOL_VERSION_MAX);
    uint64_t hash = hash_bytes(pool->hash_seed, key->function);
    struct isolate_pool_entry *entry = pool_find(pool, key->function, hash);
    if (entry == NULL)
        return pool_add(pool, key, hash);
    if (!pool_is_current(entry, key))
        pool_change_version(pool, entry, key->version);
    entry->generation = key->generation;
    return entry;
}

static void pool_set_tenant_bound(const struct isolate_pool *pool,
                                  const struct isolate_pool_entry *entry,
                                  const struct isolate_key *key)
{
    entry->tenant->warm_max =
        key->tenant_warm_max != 0 ? key->tenant_warm_max : pool->options.per_tenant_max;
}

/* Has the function chosen that its next request finds this isolate's memory as it is? */
static bool pool_goes_on(const struct isolate *isolate, uint64_t now)
{
    const struct isolate_reuse *reuse = &isolate->reuse;
    if (reuse->requests_max <= 1 && reuse->age_max_ns == 0)
        return false;
    return (reuse->requests_max == 0 || isolate->served < reuse->requests_max) &&
           (reuse->age_max_ns == 0 || now - isolate->first_use_ns < reuse->age_max_ns);
}

/* A warm isolate, or NULL. One whose time to go on has passed while it waited is reset now. */
static struct isolate *pool_take_warm(struct isolate_pool_entry *entry, struct isolate_reuse reuse)
{
    while (entry->warm != NULL) {
        struct isolate *isolate = pool_take_out(entry, entry->warm);
        isolate->reuse = reuse;
        if (LIKELY(isolate->served == 0) ||
            pool_goes_on(isolate, clock_monotonic_ns(isolate->pool->options.clock)) ||
            (!isolate_is_worn(isolate) && isolate_reset(isolate)))
            return isolate;
        pool_retire(isolate->pool, isolate);
    }
    return NULL;
}

/* The clock is read only for a function that keeps its memory. */
static void pool_begin_use(struct isolate_pool *pool,
                           struct isolate_pool_entry *entry,
                           struct isolate *isolate,
                           struct isolate_reuse reuse)
{
    isolate->reuse = reuse;
    isolate->trimmed = false;
    if (isolate->served == 0 && reuse.age_max_ns > 0)
        isolate->first_use_ns = clock_monotonic_ns(pool->options.clock);
    entry->demand = MAX(entry->demand, entry->in_use);
    pool_note_shortage(pool, entry);
}

enum status isolate_pool_checkout(struct isolate_pool *pool,
                                  const struct isolate_key *key,
                                  struct isolate_opener opener,
                                  struct report *report,
                                  struct isolate_start *ret_start,
                                  struct isolate **ret_isolate)
{
    struct isolate_pool_entry *entry = pool_entry(pool, key);
    if (entry == NULL)
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "pool: out of memory");
    pool_set_tenant_bound(pool, entry, key);
    *ret_isolate = pool_take_warm(entry, key->reuse);
    if (LIKELY(*ret_isolate != NULL)) {
        *ret_start = (struct isolate_start){.reason = ISOLATE_START_WARM};
    } else {
        enum status status = pool_start_cold(pool, entry, opener, report, ret_start, ret_isolate);
        if (status != STATUS_OK)
            return status;
    }
    entry->called = true;
    pool_leave_ahead(pool, entry);
    entry->in_use++;
    pool->stats.in_use++;
    pool->stats.starts[ret_start->reason]++;
    pool_make_live(pool, entry);
    pool_begin_use(pool, entry, *ret_isolate, key->reuse);
    return STATUS_OK;
}

/* True if the isolate went back to its warm list. */
static bool pool_keep(struct isolate_pool *pool, struct isolate *isolate, enum isolate_end end)
{
    struct isolate_pool_entry *entry = isolate->entry;
    const struct isolate_pool_options *options = &pool->options;
    bool current = !entry->forgotten && isolate->artifact == entry->artifact;
    if (!current || options->per_function_max == 0 || options->per_tenant_max == 0 ||
        options->total_max == 0)
        return false;
    isolate->served++;
    if (end == ISOLATE_GOES_ON && pool_goes_on(isolate, entry->used_ns))
        isolate_keep(isolate);
    else if (!isolate_reset(isolate))
        return false;
    isolate->idle_since_ns = entry->used_ns;
    pool_push(entry, isolate);
    pool_move(&pool->untrimmed, entry);
    return true;
}

/* After one more isolate became warm: evicts what is now too much. */
static void pool_trim(struct isolate_pool *pool, struct isolate_pool_entry *entry, uint64_t now)
{
    const struct isolate_pool_options *options = &pool->options;
    struct pool_tenant *tenant = entry->tenant;
    if (entry->warm_count > options->per_function_max ||
        now - entry->warm_oldest->idle_since_ns > options->idle_max_ns)
        pool_evict_oldest(pool, entry);
    while (tenant->warm > tenant->warm_max) /* more than one: the bound was lowered */
        pool_evict_one(pool, &tenant->live);
    if (pool->stats.warm > options->total_max)
        pool_evict_one(pool, &pool->live);
}

void isolate_pool_return(struct isolate *isolate, enum isolate_end end)
{
    struct isolate_pool *pool = isolate->pool;
    struct isolate_pool_entry *entry = isolate->entry;
    ASSERT(entry->in_use > 0 && pool->stats.in_use > 0);
    entry->in_use--;
    pool->stats.in_use--;
    entry->used_ns = clock_monotonic_ns(pool->options.clock);
    pool_decay_demand(entry, entry->used_ns);
    if (end == ISOLATE_FINISHED && isolate_is_worn(isolate))
        end = ISOLATE_DISCARDED;
    if (end != ISOLATE_DISCARDED && pool_keep(pool, isolate, end)) {
        pool_trim(pool, entry, entry->used_ns);
        return;
    }
    pool_retire(pool, isolate);
    if (end == ISOLATE_DISCARDED) {
        pool->stats.discarded++;
        if (entry->warm == NULL)
            entry->cold_reason = ISOLATE_START_DISCARDED;
    }
    if (!entry->forgotten)
        pool_note_shortage(pool, entry);
    else if (entry->in_use == 0)
        free(entry);
}

/* ---- ahead of requests ----------------------------------------------------------------------- */

static enum status pool_make_warm(struct isolate_pool *pool, struct isolate_pool_entry *entry)
{
    struct isolate *isolate;
    struct report report = REPORT_INIT;
    enum status status = isolate_create(entry->artifact, pool->options.limits, &pool->options.ops,
                                        pool->options.clock, &report, &isolate);
    if (status != STATUS_OK)
        return status;
    isolate->pool = pool;
    isolate->entry = entry;
    isolate->idle_since_ns = clock_monotonic_ns(pool->options.clock);
    pool_push(entry, isolate);
    entry->cold_reason = ISOLATE_START_POOL_EMPTY;
    pool->stats.prepared++;
    return STATUS_OK;
}

/* As if it had never been made: a function that nobody calls costs nothing. */
static void pool_give_back(struct isolate_pool *pool, struct isolate_pool_entry *entry)
{
    if (!entry->called) {
        pool_remove(pool, entry);
        return;
    }
    if (entry->in_use > 0) { /* still of the version before: what is warm will be used */
        pool_leave_ahead(pool, entry);
        return;
    }
    pool_drop_warm(pool, entry);
    pool_make_cold(pool, entry);
    entry->cold_reason = entry->late_reason;
}

static bool pool_make_ahead(struct isolate_pool *pool,
                            struct isolate_pool_entry *entry,
                            struct isolate_opener opener)
{
    const struct isolate_pool_options *options = &pool->options;
    struct report report = REPORT_INIT;
    bool room = options->per_function_max > 0 && entry->tenant->warm < entry->tenant->warm_max &&
                pool->stats.warm < options->total_max;
    if (options->ahead_max_ns == 0 || !room)
        return false;
    /* Without its artifact, or memory for it, the first request may say so. */
    if (entry->artifact == NULL &&
        opener.open(opener.context, &report, &entry->artifact) != STATUS_OK)
        return false;
    enum isolate_start_reason reason = entry->cold_reason;
    if (pool_make_warm(pool, entry) != STATUS_OK) {
        if (!pool_is_live(pool, entry))
            pool_drop_warm(pool, entry);
        return false;
    }
    entry->late_reason = reason;
    if (pool->ahead_count >= POOL_AHEAD_MAX)
        pool_give_back(pool, pool->ahead.oldest);
    pool_make_live(pool, entry);
    pool_move(&pool->ahead, entry);
    pool->ahead_count++;
    if (pool_is_short(pool, entry))
        pool_move(&pool->wanted, entry);
    return true;
}

bool isolate_pool_renew(struct isolate_pool *pool,
                        const struct isolate_key *key,
                        struct isolate_opener opener)
{
    struct isolate_pool_entry *entry = pool_entry(pool, key);
    if (entry == NULL)
        return false;
    pool_set_tenant_bound(pool, entry, key);
    /* With the artifact dropped, what is in use is of another version. */
    if (entry->warm != NULL || (entry->in_use > 0 && entry->artifact != NULL))
        return false;
    bool made = pool_make_ahead(pool, entry, opener);
    if (!made && !entry->called && !pool_is_live(pool, entry))
        pool_remove(pool, entry);
    return made;
}

bool isolate_pool_prepare(struct isolate_pool *pool)
{
    while (pool->wanted.oldest != NULL) {
        struct isolate_pool_entry *entry = pool->wanted.oldest;
        pool_unlink(entry, POOL_BY_WANT);
        if (!pool_is_short(pool, entry))
            continue;
        /* Without memory for it now, the next request may say so. */
        if (pool_make_warm(pool, entry) != STATUS_OK)
            continue;
        if (pool_is_short(pool, entry))
            pool_move(&pool->wanted, entry);
        return true;
    }
    return false;
}

bool isolate_pool_wants(const struct isolate_pool *pool)
{
    return pool->wanted.oldest != NULL;
}

static void
pool_sweep_entry(struct isolate_pool *pool, struct isolate_pool_entry *entry, uint64_t now)
{
    uint64_t idle_max = pool->options.idle_max_ns;
    while (entry->warm_oldest != NULL && now - entry->warm_oldest->idle_since_ns > idle_max)
        pool_evict_oldest(pool, entry);
    /* Its last isolate was discarded, or is in the hands of a request. */
    bool unused = pool_is_live(pool, entry) && entry->warm == NULL && entry->in_use == 0;
    if (unused && now - entry->used_ns > idle_max) {
        pool_drop_warm(pool, entry);
        pool_make_cold(pool, entry);
    }
}

/* False: some are left. One that the kernel has no mappings for is given up. */
static bool pool_trim_entry(struct isolate_pool *pool, struct isolate_pool_entry *entry)
{
    uint64_t began = clock_monotonic_ns(pool->options.clock);
    uint32_t count = 0;
    struct isolate *isolate = entry->warm_oldest;
    while (isolate != NULL && count < POOL_TRIM_MAX &&
           clock_monotonic_ns(pool->options.clock) - began < POOL_TRIM_NS) {
        struct isolate *newer = isolate->previous;
        /* One that keeps its memory for its function cannot do without it. */
        if (!isolate->trimmed && isolate->served == 0) {
            isolate->trimmed = true;
            count++;
            pool->stats.trimmed++;
            if (!isolate_trim(isolate)) {
                pool_retire(pool, pool_take_out(entry, isolate));
                pool->stats.evicted++;
                entry->cold_reason =
                    entry->warm == NULL ? ISOLATE_START_EVICTED : entry->cold_reason;
            }
        }
        isolate = newer;
    }
    return isolate == NULL;
}

bool isolate_pool_trim(struct isolate_pool *pool)
{
    struct isolate_pool_entry *entry = pool->untrimmed.oldest;
    uint64_t now = clock_monotonic_ns(pool->options.clock);
    if (entry == NULL || now - entry->used_ns <= pool->options.trim_ns)
        return false;
    if (pool_trim_entry(pool, entry))
        pool_unlink(entry, POOL_BY_TRIM);
    return true;
}

void isolate_pool_sweep(struct isolate_pool *pool)
{
    uint64_t now = clock_monotonic_ns(pool->options.clock);
    while (pool->ahead.oldest != NULL &&
           now - pool->ahead.oldest->warm_oldest->idle_since_ns > pool->options.ahead_max_ns)
        pool_give_back(pool, pool->ahead.oldest);
    (void)isolate_pool_trim(pool); /* there may be no turn with nothing else to do */
    struct isolate_pool_entry *entry = pool->live.oldest;
    for (uint32_t i = 0; entry != NULL && i < POOL_SWEEP_MAX; i++) {
        struct isolate_pool_entry *newer = entry->links[POOL_BY_USE].newer;
        pool_sweep_entry(pool, entry, now);
        entry = newer;
    }
}

void isolate_pool_forget(struct isolate_pool *pool, struct bytes function)
{
    struct isolate_pool_entry *entry =
        pool_find(pool, function, hash_bytes(pool->hash_seed, function));
    if (entry != NULL)
        pool_remove(pool, entry);
}

struct isolate_pool_stats isolate_pool_stats(const struct isolate_pool *pool)
{
    return pool->stats;
}
