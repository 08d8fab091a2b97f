/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counting in one's own page, and reading the others'.
 */
#include "server/world/rates.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/hash.h"

#define RATES_PROBES 8 /* places where a counter may be */

/* Where a counter is in time. */
struct rates_moment {
    uint32_t window;  /* its number */
    uint64_t left_ms; /* of the window before, within the one that slides */
    uint64_t window_ms;
};

static uint64_t rates_pack(uint32_t window, uint32_t count)
{
    return (uint64_t)window << 32 | count;
}

/* One of a page's two tables; `page` is not NULL. */
struct rates_table {
    const struct rates_slot *slots;
    uint32_t count;
};

static struct rates_table rates_guests(const struct rates_page *page)
{
    return (struct rates_table){.slots = page->slots, .count = RATES_SLOTS};
}

static struct rates_table rates_quotas(const struct rates_page *page)
{
    return (struct rates_table){.slots = page->quotas, .count = RATES_QUOTA_SLOTS};
}

typedef struct rates_table rates_choose(const struct rates_page *page);

/* The place of a counter in a table; NULL: it has none. */
static const struct rates_slot *rates_find(struct rates_table table, uint64_t key)
{
    for (uint32_t i = 0; i < RATES_PROBES; i++) {
        const struct rates_slot *slot = &table.slots[(key + i) % table.count];
        if (__atomic_load_n(&slot->key, __ATOMIC_RELAXED) == key)
            return slot;
    }
    return NULL;
}

/* What one page says was counted in the window that slides. Nothing of it is trusted: a worker that
 * lies makes limits wrong, and nothing else. */
static uint64_t rates_read(const struct rates_slot *slot, const struct rates_moment *moment)
{
    uint64_t now = __atomic_load_n(&slot->now, __ATOMIC_ACQUIRE);
    uint32_t window = (uint32_t)(now >> 32);
    uint64_t count = (uint32_t)now;
    uint64_t before = __atomic_load_n(&slot->before, __ATOMIC_RELAXED);
    if (window == moment->window)
        return count + before * moment->left_ms / moment->window_ms;
    return window + 1 == moment->window ? count * moment->left_ms / moment->window_ms : 0;
}

static uint64_t rates_sum(const struct rates *rates,
                          rates_choose *choose,
                          uint64_t key,
                          const struct rates_moment *moment)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < rates->page_count; i++) {
        const struct rates_slot *slot =
            rates->pages[i] == NULL ? NULL : rates_find(choose(rates->pages[i]), key);
        if (slot != NULL)
            sum += rates_read(slot, moment);
    }
    return sum;
}

/* A place for a new counter. */
static struct rates_slot *rates_make(struct rates_table table, uint64_t key, uint32_t tenant)
{
    struct rates_slot *best = NULL;
    for (uint32_t i = 0; i < RATES_PROBES; i++) {
        struct rates_slot *slot =
            (struct rates_slot *)(uintptr_t)&table.slots[(key + i) % table.count];
        if (slot->key == 0) {
            best = slot;
            break;
        }
        bool own = slot->tenant == tenant;
        bool best_own = best != NULL && best->tenant == tenant;
        if (best == NULL || own > best_own || (own == best_own && slot->used_s < best->used_s))
            best = slot;
    }
    /* Nobody finds it while it changes hands. */
    __atomic_store_n(&best->key, 0, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    __atomic_store_n(&best->now, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&best->before, 0, __ATOMIC_RELAXED);
    best->tenant = tenant;
    __atomic_store_n(&best->key, key, __ATOMIC_RELEASE);
    return best;
}

static void rates_count(struct rates_slot *slot, uint32_t window, uint32_t more)
{
    uint32_t last = (uint32_t)(slot->now >> 32);
    uint32_t count = (uint32_t)slot->now;
    if (last == window) {
        __atomic_store_n(&slot->now, rates_pack(window, count + MIN(more, UINT32_MAX - count)),
                         __ATOMIC_RELEASE);
        return;
    }
    __atomic_store_n(&slot->before, last + 1 == window ? count : 0, __ATOMIC_RELAXED);
    __atomic_store_n(&slot->now, rates_pack(window, more), __ATOMIC_RELEASE);
}

static struct rates_moment rates_now(uint64_t now_ms, uint64_t window_ms)
{
    return (struct rates_moment){.window = (uint32_t)(now_ms / window_ms),
                                 .left_ms = window_ms - now_ms % window_ms,
                                 .window_ms = window_ms};
}

/* Counts in our own page. */
static void rates_add(struct rates_table table,
                      uint64_t key,
                      uint32_t tenant,
                      const struct rates_moment *moment,
                      uint32_t more)
{
    struct rates_slot *slot = (struct rates_slot *)(uintptr_t)rates_find(table, key);
    if (slot == NULL)
        slot = rates_make(table, key, tenant);
    slot->used_s = (uint32_t)(moment->window * moment->window_ms / 1000);
    rates_count(slot, moment->window, more);
}

int64_t rates_take(
    struct rates *rates, struct bytes tenant, struct bytes key, uint32_t limit, uint64_t window_ms)
{
    uint64_t now_ms = clock_monotonic_ns(rates->clock) / CLOCK_NS_PER_MS;
    const struct rates_moment moment = rates_now(now_ms, window_ms);
    uint64_t whose = hash_bytes(rates->seed, tenant);
    uint64_t hash = hash_bytes(hash_mix(whose, window_ms), key) | 1; /* never 0 */
    uint64_t used = rates_sum(rates, rates_guests, hash, &moment);
    if (used >= limit)
        return -1;
    rates_add(rates_guests(rates->own), hash, (uint32_t)whose, &moment, 1);
    return (int64_t)(limit - used - 1);
}

/* ---- quotas ---------------------------------------------------------------------------------- */

const uint32_t rates_quota_window_ms[RATES_QUOTA_COUNT] = {
    [RATES_QUOTA_REQUESTS] = 1000, [RATES_QUOTA_FUEL] = 10000};

static struct rates_moment rates_quota_now(const struct rates *rates, enum rates_quota quota)
{
    uint64_t now_ms = clock_monotonic_ns(rates->clock) / CLOCK_NS_PER_MS;
    return rates_now(now_ms, rates_quota_window_ms[quota]);
}

static uint64_t
rates_quota_key(const struct rates *rates, struct bytes tenant, enum rates_quota quota)
{
    return hash_mix(hash_bytes(rates->seed, tenant), quota) | 1;
}

uint64_t rates_quota_used(const struct rates *rates, struct bytes tenant, enum rates_quota quota)
{
    const struct rates_moment moment = rates_quota_now(rates, quota);
    return rates_sum(rates, rates_quotas, rates_quota_key(rates, tenant, quota), &moment);
}

void rates_quota_use(struct rates *rates,
                     struct bytes tenant,
                     enum rates_quota quota,
                     uint32_t count)
{
    if (rates->own == NULL)
        return;
    const struct rates_moment moment = rates_quota_now(rates, quota);
    uint64_t key = rates_quota_key(rates, tenant, quota);
    rates_add(rates_quotas(rates->own), key, (uint32_t)key, &moment, count);
}

/* ---- the service ----------------------------------------------------------------------------- */

static int64_t
rates_call(void *owner, struct bytes tenant, struct bytes key, uint32_t limit, uint64_t window_ms)
{
    return rates_take(world_of(owner)->rates, tenant, key, limit, window_ms);
}

/* NULL: it is not what it should be. The descriptor is closed. */
static void *rates_map(int fd, int protection)
{
    struct stat facts;
    void *page = MAP_FAILED;
    if (fd >= 0 && fstat(fd, &facts) == 0 && facts.st_size == (off_t)sizeof(struct rates_page))
        page = mmap(NULL, sizeof(struct rates_page), protection, MAP_SHARED, fd, 0);
    if (fd >= 0)
        (void)close(fd);
    return page == MAP_FAILED ? NULL : page;
}

/* Of control: u32 index, u32 is it our own, u64 seed. */
static bool rates_on_page(void *context, const struct channel_frame *frame)
{
    static const struct hostapi_rates calls = {.take = rates_call};
    struct world *world = context;
    struct rates *rates = world->rates;
    struct channel_reader reader = channel_reader(frame->payload);
    uint32_t index = channel_get_u32(&reader);
    bool own = channel_get_u32(&reader) != 0;
    uint64_t seed = channel_get_u64(&reader);
    void *page = rates_map(frame->fd, own ? PROT_READ | PROT_WRITE : PROT_READ);
    if (!channel_reader_ends(&reader) || index >= CONFIG_WORKER_SLOTS_MAX || page == NULL ||
        rates->pages[index] != NULL)
        return false;
    rates->pages[index] = page;
    rates->page_count = MAX(rates->page_count, index + 1);
    rates->seed = seed;
    if (!own)
        return true;
    rates->own = page;
    rates->own_index = index;
    world->calls.rates = &calls;
    return true;
}

void world_rates_provide(struct world *world, struct rates *rates, const struct clock *clock)
{
    *rates = (struct rates){.clock = clock};
    world->rates = rates;
    peers_on(&world->peers, CHANNEL_MESSAGE_RATES_PAGE, rates_on_page, world);
}
