/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to isolate/: what the pool knows. Its functions by name, each with an entry; their
 * tenants; and the lists that say in which order something is done with entries.
 *
 *   An entry is   artifact   isolates          is on the lists           until
 *   ------------  ---------  ----------------  ------------------------  ----------------------
 *   COLD          none       none              cold                      a checkout, or one is
 *                                                                        made ahead: LIVE
 *   LIVE          mapped     warm, in use      live, its tenant's live;  its last warm one is
 *                                              some on wanted,           evicted, or it was not
 *                                              untrimmed, ahead          used for long: COLD
 *   FORGOTTEN     none       in use (of what   none; and not in the      the last one comes back:
 *                            it was)           hash table                freed
 *
 *   COLD and LIVE become FORGOTTEN (with nothing in use: are freed) when the function is removed,
 *   or when the table is full: the oldest cold one first. A version change drops artifact and
 *   warm isolates, whatever the entry is; a LIVE entry stays so, without an artifact, until its
 *   next checkout.
 *
 * Lists are in the order of use: the first is the newest.
 *   live       entries with something mapped, by last checkout: where eviction looks
 *   a tenant's the same, of its own: where eviction for its own bound looks
 *   cold       nothing is left but the reason why: the last is the first to be forgotten
 *   wanted     fewer isolates than were in use at once lately: quiet turns make them
 *   untrimmed  got an isolate back since all of theirs were trimmed: quiet turns trim them
 *   ahead      its one isolate was made before any request wanted it, and will be given back
 *   retired    of isolates, not entries: freed piece by piece; the first is at hand
 *
 * Invariant: a tenant's and the pool's counts of warm isolates are the lengths of the warm lists
 * under them, and an entry is on the lists that its state allows and no others.
 */
#ifndef SKERRY_ISOLATE_POOL_INDEX_H
#define SKERRY_ISOLATE_POOL_INDEX_H

#include "engine/base/list.h"
#include "isolate/parts.h"

#define POOL_BUCKETS      4096 /* power of two */
#define POOL_ENTRIES_MAX  65536
#define POOL_VERSION_MAX  64
#define POOL_FUNCTION_MAX 256

enum pool_entry_state {
    POOL_ENTRY_COLD,
    POOL_ENTRY_LIVE,
    POOL_ENTRY_FORGOTTEN,
};

struct isolate_tenant {
    struct isolate_tenant *hash_next;
    struct isolate_pool *pool; /* borrowed */
    struct list live;
    struct isolate_budget budget; /* its isolates' memory, and what others claim of it */
    uint64_t hash;
    uint32_t references; /* entries, and who asked for it by name */
    uint32_t warm_count;
    uint32_t warm_max; /* as its last checkout said */
    size_t name_count;
    uint8_t name[];
};

struct isolate_pool_entry {
    struct isolate_pool_entry *hash_next;
    enum pool_entry_state state;
    bool called;                /* an isolate was checked out */
    struct list_link by_use;    /* live or cold */
    struct list_link by_tenant; /* its tenant's live */
    struct list_link wanted;
    struct list_link untrimmed;
    struct list_link ahead;
    struct isolate_tenant *tenant;     /* a reference */
    struct isolate_artifact *artifact; /* a reference; NULL: not mapped */
    struct list warm;
    uint32_t warm_count;
    uint32_t in_use_count;
    uint32_t demand; /* the most in use at once lately */
    uint64_t demand_ns;
    enum isolate_start_reason cold_reason; /* of the next cold start with nothing in use */
    enum isolate_start_reason late_reason; /* the same, if the isolate made ahead is given back */
    uint64_t generation;                   /* the catalog's, of the last key */
    uint64_t memory_max_bytes;             /* as in the last key */
    uint64_t used_ns;
    uint64_t hash;
    size_t function_count;
    size_t version_count;
    uint8_t version[POOL_VERSION_MAX];
    uint8_t function[];
};

struct isolate_pool {
    struct isolate_pool_options options;
    struct isolate_budget budget;         /* of all tenants, and of what is retired */
    struct isolate_budget retired_budget; /* the latter's part */
    uint64_t hash_seed;
    struct list live;
    struct list cold;
    struct list wanted;
    struct list untrimmed;
    struct list ahead;
    struct list retired;
    uint32_t ahead_count;
    uint32_t retired_count;
    uint32_t artifact_count; /* that entries have mapped */
    uint64_t swept_ns;
    uint64_t largest_bytes; /* what the tenant that uses most used at largest_ns */
    uint64_t largest_ns;
    struct isolate_pool_stats stats;
    struct isolate_pool_entry *buckets[POOL_BUCKETS];
    struct isolate_tenant *tenants[POOL_BUCKETS];
};

/* ---- entries --------------------------------------------------------------------------------- */

/* The entry of `key`, made if there is none, without what it had of another version. NULL: out of
 * memory. */
struct isolate_pool_entry *pool_index_entry(struct isolate_pool *pool,
                                            const struct isolate_key *key);
/* What an isolate of the entry may reach. */
struct config_limits pool_index_limits(const struct isolate_pool *pool,
                                       const struct isolate_pool_entry *entry);
/* NULL: the pool never saw the function, or forgot it. */
struct isolate_pool_entry *pool_index_find(struct isolate_pool *pool, struct bytes function);
/* Forgets the entry, with all that is warm of it; freed now, or by the last isolate's return. */
void pool_index_remove(struct isolate_pool *pool, struct isolate_pool_entry *entry);
/* A forgotten entry, when nothing of it is in use. */
void pool_index_free(struct isolate_pool_entry *entry);
/* The entry has nothing mapped any more. */
void pool_index_make_cold(struct isolate_pool *pool, struct isolate_pool_entry *entry);

/* Makes `link` the newest of `list`, the only one of its order that it may be on. */
static inline void pool_index_touch(struct list *list, struct list_link *link)
{
    if (list_first(list) == link)
        return;
    if (list_is_linked(link))
        list_remove(link);
    list_prepend(list, link);
}

static inline void pool_index_leave(struct list_link *link)
{
    if (list_is_linked(link))
        list_remove(link);
}

/* Has something mapped, and is the most recently used. */
static inline void pool_index_make_live(struct isolate_pool *pool, struct isolate_pool_entry *entry)
{
    entry->state = POOL_ENTRY_LIVE;
    pool_index_touch(&pool->live, &entry->by_use);
    pool_index_touch(&entry->tenant->live, &entry->by_tenant);
}

/* ---- artifacts ------------------------------------------------------------------------------- */

/* Maps the entry's artifact, unless it is. STATUS_LIMIT: as many are mapped as may be. */
NODISCARD enum status pool_index_map(struct isolate_pool *pool,
                                     struct isolate_pool_entry *entry,
                                     struct isolate_opener opener,
                                     struct report *report);
/* Until one more may be mapped, the least recently used entries of which nothing is in use have
 * nothing left; a bounded number of them is looked at. */
void pool_index_make_room(struct isolate_pool *pool);

/* ---- warm isolates --------------------------------------------------------------------------- */

static inline struct isolate *pool_index_newest(const struct isolate_pool_entry *entry)
{
    return LIST_FIRST(&entry->warm, struct isolate, place.link);
}

static inline struct isolate *pool_index_oldest(const struct isolate_pool_entry *entry)
{
    return LIST_LAST(&entry->warm, struct isolate, place.link);
}

/* An entry that is ahead has a warm isolate: whichever is taken ends that. */
static inline void pool_index_leave_ahead(struct isolate_pool *pool,
                                          struct isolate_pool_entry *entry)
{
    list_remove(&entry->ahead);
    pool->ahead_count--;
}

static inline struct isolate *pool_index_take_out(struct isolate_pool_entry *entry,
                                                  struct isolate *isolate)
{
    struct isolate_pool *pool = isolate->place.pool;
    list_remove(&isolate->place.link);
    entry->warm_count--;
    entry->tenant->warm_count--;
    pool->stats.warm--;
    if (UNLIKELY(list_is_linked(&entry->ahead)))
        pool_index_leave_ahead(pool, entry);
    return isolate;
}

static inline void pool_index_put_in(struct isolate_pool_entry *entry, struct isolate *isolate)
{
    list_prepend(&entry->warm, &isolate->place.link);
    entry->warm_count++;
    entry->tenant->warm_count++;
    isolate->place.pool->stats.warm++;
}

/* A new isolate is the entry's, and what it uses its tenant's. */
static inline void pool_index_adopt(struct isolate_pool *pool,
                                    struct isolate_pool_entry *entry,
                                    struct isolate *isolate)
{
    isolate->place.pool = pool;
    isolate->place.entry = entry;
    isolate_claim_move(&isolate->claim, &entry->tenant->budget);
}

/* Frees an isolate that is on no list: now, or piece by piece in the turns to come. */
void pool_index_retire(struct isolate_pool *pool, struct isolate *isolate);
/* Retires all that is warm, and unmaps the artifact unless isolates in use need it. */
void pool_index_drop_warm(struct isolate_pool *pool, struct isolate_pool_entry *entry);
/* Gives up the entry's oldest warm isolate, which it must have. */
void pool_index_evict_oldest(struct isolate_pool *pool, struct isolate_pool_entry *entry);
/* The same for the least recently used of the pool's entries that has any; and of a tenant's.
 * There must be one. */
void pool_index_evict_one(struct isolate_pool *pool);
void pool_index_evict_of_tenant(struct isolate_pool *pool, struct isolate_tenant *tenant);

#endif
