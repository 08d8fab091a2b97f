/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pool's index: a hash table of entries, one of tenants, and the moves between lists. States
 * and lists are drawn in pool_index.h.
 *
 * An entry without isolates is a memory of why its next start is cold, and the first to go when
 * there are POOL_ENTRIES_MAX. A tenant lives as long as an entry, or somebody who asked for it by
 * name, refers to it.
 */
#include "isolate/pool_index.h"

#include <stdlib.h>

#include "engine/base/hash.h"

#define POOL_RETIRED_MAX 64 /* isolates freed piece by piece; more: at once */
#define POOL_LOOK_MAX    64 /* entries looked at for one that is not in use */

/* ---- tenants --------------------------------------------------------------------------------- */

/* Of a function's name, "tenant/function". */
static struct bytes index_tenant_name(struct bytes function)
{
    const uint8_t *slash = function.count > 0 ? memchr(function.data, '/', function.count) : NULL;
    return bytes_make(function.data, slash != NULL ? (size_t)(slash - function.data) : 0);
}

struct isolate_tenant *isolate_pool_tenant(struct isolate_pool *pool, struct bytes name)
{
    uint64_t hash = hash_bytes(pool->hash_seed, name);
    struct isolate_tenant **bucket = &pool->tenants[hash & (POOL_BUCKETS - 1)];
    struct isolate_tenant *tenant = *bucket;
    while (tenant != NULL && (tenant->hash != hash ||
                              !bytes_equal(bytes_make(tenant->name, tenant->name_count), name)))
        tenant = tenant->hash_next;
    if (tenant == NULL) {
        tenant = calloc(1, sizeof(*tenant) + name.count);
        if (tenant == NULL)
            return NULL;
        tenant->pool = pool;
        tenant->budget.owner = &pool->budget;
        tenant->budget.bytes_max = pool->options.tenant_memory_max_bytes;
        tenant->hash = hash;
        tenant->name_count = name.count;
        if (name.count > 0)
            memcpy(tenant->name, name.data, name.count);
        tenant->hash_next = *bucket;
        *bucket = tenant;
    }
    tenant->references++;
    return tenant;
}

void isolate_tenant_unref(struct isolate_tenant *tenant)
{
    if (tenant == NULL)
        return;
    ASSERT(tenant->references > 0);
    if (--tenant->references > 0)
        return;
    ASSERT(tenant->warm_count == 0);
    ASSERT(list_is_empty(&tenant->live));
    ASSERT(tenant->budget.used_bytes == 0);
    struct isolate_tenant **link = &tenant->pool->tenants[tenant->hash & (POOL_BUCKETS - 1)];
    while (*link != tenant)
        link = &(*link)->hash_next;
    *link = tenant->hash_next;
    free(tenant);
}

/* ---- artifacts ------------------------------------------------------------------------------- */

static bool index_is_full(const struct isolate_pool *pool)
{
    uint32_t max = pool->options.artifacts_max;
    return max != 0 && pool->artifact_count >= max;
}

enum status pool_index_map(struct isolate_pool *pool,
                           struct isolate_pool_entry *entry,
                           struct isolate_opener opener,
                           struct report *report)
{
    if (entry->artifact != NULL)
        return STATUS_OK;
    if (index_is_full(pool))
        return report_fail(report, STATUS_LIMIT, REPORT_OFFSET_NONE,
                           "pool: %u functions are at work, and there are descriptors for no more: "
                           "raise `ulimit -n`",
                           pool->artifact_count);
    enum status status = opener.open(opener.context, report, &entry->artifact);
    if (status == STATUS_OK)
        pool->artifact_count++;
    return status;
}

void pool_index_make_room(struct isolate_pool *pool)
{
    for (int i = 0; i < POOL_LOOK_MAX && index_is_full(pool); i++) {
        struct isolate_pool_entry *entry =
            LIST_LAST(&pool->live, struct isolate_pool_entry, by_use);
        if (entry->in_use_count > 0) {
            pool_index_touch(&pool->live, &entry->by_use);
            continue;
        }
        pool->stats.evicted += entry->warm_count;
        pool_index_drop_warm(pool, entry);
        pool_index_make_cold(pool, entry);
        entry->cold_reason = ISOLATE_START_EVICTED;
    }
}

/* ---- warm isolates --------------------------------------------------------------------------- */

void pool_index_retire(struct isolate_pool *pool, struct isolate *isolate)
{
    if (LIKELY(!isolate_is_worn(isolate)) || pool->retired_count >= POOL_RETIRED_MAX) {
        isolate_free(isolate);
        return;
    }
    /* No longer its tenant's: it is given back sooner than the tenant's guests could fill it. */
    isolate_claim_move(&isolate->claim, &pool->retired_budget);
    list_prepend(&pool->retired, &isolate->place.link);
    pool->retired_count++;
}

void pool_index_drop_warm(struct isolate_pool *pool, struct isolate_pool_entry *entry)
{
    for (struct isolate *oldest = pool_index_oldest(entry); oldest != NULL;
         oldest = pool_index_oldest(entry))
        pool_index_retire(pool, pool_index_take_out(entry, oldest));
    if (entry->artifact != NULL)
        pool->artifact_count--;
    isolate_artifact_unref(entry->artifact);
    entry->artifact = NULL;
}

void pool_index_evict_oldest(struct isolate_pool *pool, struct isolate_pool_entry *entry)
{
    ASSERT(entry->warm_count > 0);
    pool_index_retire(pool, pool_index_take_out(entry, pool_index_oldest(entry)));
    pool->stats.evicted++;
    if (entry->warm_count > 0)
        return;
    entry->cold_reason = ISOLATE_START_EVICTED;
    if (entry->in_use_count == 0) {
        pool_index_drop_warm(pool, entry);
        pool_index_make_cold(pool, entry);
    }
}

/*
 * From the list's least recently used entry that has a warm isolate. Entries that are only in use
 * go to the newest end on the way, so that nobody walks past them twice.
 */
static void index_evict_from(struct isolate_pool *pool, struct list *list, size_t link_offset)
{
    for (;;) {
        struct list_link *oldest = list_last(list);
        ASSERT(oldest != NULL);
        struct isolate_pool_entry *entry = list_item(oldest, link_offset);
        if (entry->warm_count > 0) {
            pool_index_evict_oldest(pool, entry);
            return;
        }
        pool_index_touch(list, oldest);
    }
}

void pool_index_evict_one(struct isolate_pool *pool)
{
    ASSERT(pool->stats.warm > 0);
    index_evict_from(pool, &pool->live, offsetof(struct isolate_pool_entry, by_use));
}

void pool_index_evict_of_tenant(struct isolate_pool *pool, struct isolate_tenant *tenant)
{
    ASSERT(tenant->warm_count > 0);
    index_evict_from(pool, &tenant->live, offsetof(struct isolate_pool_entry, by_tenant));
}

/* ---- entries --------------------------------------------------------------------------------- */

static struct isolate_pool_entry **index_bucket(struct isolate_pool *pool, uint64_t hash)
{
    return &pool->buckets[hash & (POOL_BUCKETS - 1)];
}

static struct isolate_pool_entry *
index_find(struct isolate_pool *pool, struct bytes function, uint64_t hash)
{
    struct isolate_pool_entry *entry = *index_bucket(pool, hash);
    while (entry != NULL &&
           (entry->hash != hash ||
            !bytes_equal(bytes_make(entry->function, entry->function_count), function)))
        entry = entry->hash_next;
    return entry;
}

struct isolate_pool_entry *pool_index_find(struct isolate_pool *pool, struct bytes function)
{
    return index_find(pool, function, hash_bytes(pool->hash_seed, function));
}

void pool_index_make_cold(struct isolate_pool *pool, struct isolate_pool_entry *entry)
{
    ASSERT(entry->artifact == NULL);
    ASSERT(entry->warm_count == 0);
    pool_index_leave(&entry->wanted);
    pool_index_leave(&entry->untrimmed);
    pool_index_leave(&entry->by_tenant);
    pool_index_touch(&pool->cold, &entry->by_use);
    entry->state = POOL_ENTRY_COLD;
    entry->demand = 0;
}

void pool_index_remove(struct isolate_pool *pool, struct isolate_pool_entry *entry)
{
    pool_index_drop_warm(pool, entry);
    pool_index_make_cold(pool, entry);
    pool_index_leave(&entry->by_use);
    struct isolate_pool_entry **link = index_bucket(pool, entry->hash);
    while (*link != entry)
        link = &(*link)->hash_next;
    *link = entry->hash_next;
    pool->stats.functions--;
    entry->state = POOL_ENTRY_FORGOTTEN;
    if (entry->in_use_count == 0)
        pool_index_free(entry);
}

void pool_index_free(struct isolate_pool_entry *entry)
{
    ASSERT(entry->state == POOL_ENTRY_FORGOTTEN);
    isolate_tenant_unref(entry->tenant);
    free(entry);
}

/* The entry whose loss is least felt. */
static struct isolate_pool_entry *index_oldest(const struct isolate_pool *pool)
{
    const struct list *list = list_is_empty(&pool->cold) ? &pool->live : &pool->cold;
    return LIST_LAST(list, struct isolate_pool_entry, by_use);
}

static struct isolate_pool_entry *
index_add(struct isolate_pool *pool, const struct isolate_key *key, uint64_t hash)
{
    if (pool->stats.functions >= POOL_ENTRIES_MAX)
        pool_index_remove(pool, index_oldest(pool));
    struct isolate_pool_entry *entry = calloc(1, sizeof(*entry) + key->function.count);
    struct isolate_tenant *tenant = isolate_pool_tenant(pool, index_tenant_name(key->function));
    if (entry == NULL || tenant == NULL) {
        free(entry);
        isolate_tenant_unref(tenant);
        return NULL;
    }
    entry->tenant = tenant;
    entry->hash = hash;
    entry->function_count = key->function.count;
    memcpy(entry->function, key->function.data, key->function.count);
    entry->version_count = key->version.count;
    memcpy(entry->version, key->version.data, key->version.count);
    entry->cold_reason = key->created_ns < pool->options.began_ns ? ISOLATE_START_RESTART
                                                                  : ISOLATE_START_FIRST_REQUEST;
    struct isolate_pool_entry **bucket = index_bucket(pool, hash);
    entry->hash_next = *bucket;
    *bucket = entry;
    pool_index_touch(&pool->cold, &entry->by_use);
    pool->stats.functions++;
    return entry;
}

static void index_change_version(struct isolate_pool *pool,
                                 struct isolate_pool_entry *entry,
                                 struct bytes version)
{
    pool_index_drop_warm(pool, entry);
    memcpy(entry->version, version.data, version.count);
    entry->version_count = version.count;
    entry->cold_reason = ISOLATE_START_NEW_VERSION;
}

/* An artifact that was replaced under the same name, because it was damaged, is not current. */
static bool index_is_current(const struct isolate_pool_entry *entry, const struct isolate_key *key)
{
    if (!bytes_equal(bytes_make(entry->version, entry->version_count), key->version))
        return false;
    return LIKELY(entry->generation == key->generation) || entry->artifact == NULL ||
           !isolate_artifact_is_gone(entry->artifact);
}

struct isolate_pool_entry *pool_index_entry(struct isolate_pool *pool,
                                            const struct isolate_key *key)
{
    ASSERT(key->function.count <= POOL_FUNCTION_MAX);
    ASSERT(key->version.count <= POOL_VERSION_MAX);
    uint64_t hash = hash_bytes(pool->hash_seed, key->function);
    struct isolate_pool_entry *entry = index_find(pool, key->function, hash);
    if (entry == NULL)
        entry = index_add(pool, key, hash);
    if (entry == NULL)
        return NULL;
    if (!index_is_current(entry, key))
        index_change_version(pool, entry, key->version);
    entry->generation = key->generation;
    entry->memory_max_bytes = key->memory_max_bytes;
    entry->tenant->warm_max =
        key->tenant_warm_max != 0 ? key->tenant_warm_max : pool->options.per_tenant_max;
    entry->tenant->budget.bytes_max = key->tenant_memory_max_bytes != 0
                                          ? key->tenant_memory_max_bytes
                                          : pool->options.tenant_memory_max_bytes;
    return entry;
}

struct config_limits pool_index_limits(const struct isolate_pool *pool,
                                       const struct isolate_pool_entry *entry)
{
    struct config_limits limits = *pool->options.limits;
    if (entry->memory_max_bytes > 0)
        limits.memory = MIN(limits.memory, entry->memory_max_bytes);
    return limits;
}
