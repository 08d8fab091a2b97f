/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pool: for each function an entry with its mapped artifact and its warm isolates.
 *
 *   hash table --> entry (function, version, artifact)
 *                    | warm: newest first, doubly linked; taken and put at the head,
 *                    |       trimmed at the tail
 *   live list: entries with something mapped, by last checkout; where eviction looks
 *   cold list: entries with nothing left but the reason why; the first to be forgotten
 *
 * A version change drops the old artifact and everything warm; isolates of the old version
 * that are in use are freed when they come back, because their artifact is not the entry's.
 *
 * Bounds: warm isolates per function and in all; entries ENTRIES_MAX (an entry without
 * isolates is a memory of why its next start is cold, and the first to go).
 * An entry lives as long as an isolate of it is in use, even when forgotten.
 */
#include <stdlib.h>
#include <sys/random.h>

#include "isolate/artifact.h"

#define POOL_BUCKETS      4096 /* power of two */
#define POOL_ENTRIES_MAX  65536
#define POOL_VERSION_MAX  64
#define POOL_FUNCTION_MAX 256
#define POOL_SWEEP_MAX    256 /* entries looked at in one sweep */

struct pool_list {
    struct isolate_pool_entry *newest;
    struct isolate_pool_entry *oldest;
};

struct isolate_pool_entry {
    struct isolate_pool_entry *hash_next;
    struct pool_list *list; /* the one it is in: live or cold */
    struct isolate_pool_entry *newer;
    struct isolate_pool_entry *older;
    struct isolate_artifact *artifact; /* a reference; NULL: not mapped */
    struct isolate *warm;              /* newest */
    struct isolate *warm_oldest;
    uint32_t warm_count;
    uint32_t in_use;
    enum isolate_start_reason cold_reason; /* of the next cold start with nothing in use */
    bool forgotten;                        /* in no list; freed when in_use becomes 0 */
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
    struct isolate_pool_stats stats;
    struct isolate_pool_entry *buckets[POOL_BUCKETS];
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

/* Names are the tenants' choice; the seed keeps them from choosing the bucket. */
static uint64_t pool_hash(const struct isolate_pool *pool, struct bytes name)
{
    uint64_t hash = pool->hash_seed ^ name.count;
    for (size_t i = 0; i < name.count; i += 8) {
        uint64_t word = 0;
        memcpy(&word, name.data + i, MIN(name.count - i, (size_t)8));
        __uint128_t product = (__uint128_t)(hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        hash = (uint64_t)product ^ (uint64_t)(product >> 64);
    }
    return hash;
}

/* ---- lists and hash table -------------------------------------------------------------------- */

static void pool_unlink(struct isolate_pool_entry *entry)
{
    struct pool_list *list = entry->list;
    *(entry->newer != NULL ? &entry->newer->older : &list->newest) = entry->older;
    *(entry->older != NULL ? &entry->older->newer : &list->oldest) = entry->newer;
    entry->newer = entry->older = NULL;
    entry->list = NULL;
}

static void pool_link(struct pool_list *list, struct isolate_pool_entry *entry)
{
    entry->list = list;
    entry->newer = NULL;
    entry->older = list->newest;
    *(list->newest != NULL ? &list->newest->newer : &list->oldest) = entry;
    list->newest = entry;
}

/* Makes the entry the most recent of `list`. */
static void pool_move(struct pool_list *list, struct isolate_pool_entry *entry)
{
    if (list->newest == entry)
        return;
    pool_unlink(entry);
    pool_link(list, entry);
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

/* ---- warm lists ------------------------------------------------------------------------------ */

static struct isolate *pool_pop_newest(struct isolate_pool_entry *entry)
{
    struct isolate *isolate = entry->warm;
    entry->warm = isolate->next;
    *(isolate->next != NULL ? &isolate->next->previous : &entry->warm_oldest) = NULL;
    isolate->next = NULL;
    entry->warm_count--;
    isolate->pool->stats.warm--;
    return isolate;
}

static struct isolate *pool_pop_oldest(struct isolate_pool_entry *entry)
{
    struct isolate *isolate = entry->warm_oldest;
    entry->warm_oldest = isolate->previous;
    *(isolate->previous != NULL ? &isolate->previous->next : &entry->warm) = NULL;
    isolate->previous = NULL;
    entry->warm_count--;
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
    isolate->pool->stats.warm++;
}

static void pool_drop_warm(struct isolate_pool_entry *entry)
{
    while (entry->warm != NULL)
        isolate_free(pool_pop_oldest(entry));
    isolate_artifact_unref(entry->artifact);
    entry->artifact = NULL;
}

static void pool_evict_oldest(struct isolate_pool *pool, struct isolate_pool_entry *entry)
{
    isolate_free(pool_pop_oldest(entry));
    pool->stats.evicted++;
    if (entry->warm != NULL)
        return;
    entry->cold_reason = ISOLATE_START_EVICTED;
    if (entry->in_use == 0) {
        pool_drop_warm(entry);
        pool_move(&pool->cold, entry);
    }
}

/* ---- entries --------------------------------------------------------------------------------- */

static void pool_remove(struct isolate_pool *pool, struct isolate_pool_entry *entry)
{
    pool_drop_warm(entry);
    pool_unlink(entry);
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
    if (entry == NULL)
        return NULL;
    entry->hash = hash;
    entry->function_count = key->function.count;
    memcpy(entry->function, key->function.data, key->function.count);
    entry->version_count = key->version.count;
    memcpy(entry->version, key->version.data, key->version.count);
    entry->cold_reason =
        pool->options.restarted ? ISOLATE_START_RESTART : ISOLATE_START_FIRST_REQUEST;
    struct isolate_pool_entry **bucket = pool_bucket(pool, hash);
    entry->hash_next = *bucket;
    *bucket = entry;
    pool_link(&pool->cold, entry);
    pool->stats.functions++;
    return entry;
}

static void pool_change_version(struct isolate_pool_entry *entry, struct bytes version)
{
    pool_drop_warm(entry);
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
    if (getrandom(&pool->hash_seed, sizeof(pool->hash_seed), GRND_NONBLOCK) < 0)
        pool->hash_seed = clock_realtime_ns(options->clock);
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
    free(pool);
}

struct pool_opener {
    enum status (*open)(void *context,
                        struct report *report,
                        struct isolate_artifact **ret_artifact);
    void *context;
};

static enum status pool_start_cold(struct isolate_pool *pool,
                                   struct isolate_pool_entry *entry,
                                   struct pool_opener opener,
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
    enum status status =
        isolate_create(entry->artifact, pool->options.limits, &pool->options.ops, report, &isolate);
    if (status != STATUS_OK) {
        if (entry->list == &pool->cold)
            pool_drop_warm(entry);
        return status;
    }
    isolate->pool = pool;
    isolate->entry = entry;
    entry->cold_reason = ISOLATE_START_POOL_EMPTY;
    start.restore_ns = clock_monotonic_ns(clock) - began - start.load_ns;
    *ret_start = start;
    *ret_isolate = isolate;
    return STATUS_OK;
}

static struct isolate_pool_entry *pool_entry(struct isolate_pool *pool,
                                             const struct isolate_key *key)
{
    ASSERT(key->function.count <= POOL_FUNCTION_MAX);
    ASSERT(key->version.count <= POOL_VERSION_MAX);
    uint64_t hash = pool_hash(pool, key->function);
    struct isolate_pool_entry *entry = pool_find(pool, key->function, hash);
    if (entry == NULL)
        return pool_add(pool, key, hash);
    if (!bytes_equal(bytes_make(entry->version, entry->version_count), key->version))
        pool_change_version(entry, key->version);
    return entry;
}

enum status isolate_pool_checkout(struct isolate_pool *pool,
                                  const struct isolate_key *key,
                                  enum status (*open)(void *context,
                                                      struct report *report,
                                                      struct isolate_artifact **ret_artifact),
                                  void *context,
                                  struct report *report,
                                  struct isolate_start *ret_start,
                                  struct isolate **ret_isolate)
{
    struct isolate_pool_entry *entry = pool_entry(pool, key);
    if (entry == NULL)
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "pool: out of memory");
    if (LIKELY(entry->warm != NULL)) {
        *ret_start = (struct isolate_start){.reason = ISOLATE_START_WARM};
        *ret_isolate = pool_pop_newest(entry);
    } else {
        struct pool_opener opener = {.open = open, .context = context};
        enum status status = pool_start_cold(pool, entry, opener, report, ret_start, ret_isolate);
        if (status != STATUS_OK)
            return status;
    }
    entry->in_use++;
    pool->stats.in_use++;
    pool->stats.starts[ret_start->reason]++;
    pool_move(&pool->live, entry);
    return STATUS_OK;
}

/* True if the isolate went back to its warm list. */
static bool
pool_keep(struct isolate_pool *pool, struct isolate_pool_entry *entry, struct isolate *isolate)
{
    bool current = !entry->forgotten && isolate->artifact == entry->artifact;
    if (!current || pool->options.per_function_max == 0 || pool->options.total_max == 0 ||
        !isolate_reset(isolate))
        return false;
    isolate->idle_since_ns = entry->used_ns;
    pool_push(entry, isolate);
    return true;
}

/*
 * The oldest warm isolate of the least recently used function that has any. Entries that
 * are only in use go to the newest end on the way, so that nobody walks past them twice.
 */
static void pool_evict_one(struct isolate_pool *pool)
{
    while (pool->live.oldest->warm == NULL)
        pool_move(&pool->live, pool->live.oldest);
    pool_evict_oldest(pool, pool->live.oldest);
}

void isolate_pool_return(struct isolate *isolate, bool reusable)
{
    struct isolate_pool *pool = isolate->pool;
    struct isolate_pool_entry *entry = isolate->entry;
    ASSERT(entry->in_use > 0 && pool->stats.in_use > 0);
    entry->in_use--;
    pool->stats.in_use--;
    entry->used_ns = clock_monotonic_ns(pool->options.clock);
    if (reusable && pool_keep(pool, entry, isolate)) {
        const struct isolate *oldest = entry->warm_oldest;
        if (entry->warm_count > pool->options.per_function_max ||
            isolate->idle_since_ns - oldest->idle_since_ns > pool->options.idle_max_ns)
            pool_evict_oldest(pool, entry);
        if (pool->stats.warm > pool->options.total_max)
            pool_evict_one(pool);
        return;
    }
    isolate_free(isolate);
    if (!reusable) {
        pool->stats.discarded++;
        if (entry->warm == NULL)
            entry->cold_reason = ISOLATE_START_DISCARDED;
    }
    if (entry->forgotten && entry->in_use == 0)
        free(entry);
}

static void
pool_sweep_entry(struct isolate_pool *pool, struct isolate_pool_entry *entry, uint64_t now)
{
    uint64_t idle_max = pool->options.idle_max_ns;
    while (entry->warm_oldest != NULL && now - entry->warm_oldest->idle_since_ns > idle_max)
        pool_evict_oldest(pool, entry);
    /* Its last isolate was discarded, or is in the hands of a request. */
    bool unused = entry->list == &pool->live && entry->warm == NULL && entry->in_use == 0;
    if (unused && now - entry->used_ns > idle_max) {
        pool_drop_warm(entry);
        pool_move(&pool->cold, entry);
    }
}

void isolate_pool_sweep(struct isolate_pool *pool)
{
    uint64_t now = clock_monotonic_ns(pool->options.clock);
    struct isolate_pool_entry *entry = pool->live.oldest;
    for (uint32_t i = 0; entry != NULL && i < POOL_SWEEP_MAX; i++) {
        struct isolate_pool_entry *newer = entry->newer;
        pool_sweep_entry(pool, entry, now);
        entry = newer;
    }
}

void isolate_pool_forget(struct isolate_pool *pool, struct bytes function)
{
    struct isolate_pool_entry *entry = pool_find(pool, function, pool_hash(pool, function));
    if (entry != NULL)
        pool_remove(pool, entry);
}

struct isolate_pool_stats isolate_pool_stats(const struct isolate_pool *pool)
{
    return pool->stats;
}
