/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One writer, many readers, no lock: a row's sequence is odd while it changes, and a reader that
 * meets one takes the version for healthy, which costs no more than one more death.
 */
#include "server/telemetry/quarantine.h"

#include <string.h>

static uint64_t quarantine_row_until(const struct quarantine_row *row,
                                     const struct vitals_key *key,
                                     uint64_t now_ns)
{
    uint64_t sequence = __atomic_load_n(&row->sequence, __ATOMIC_ACQUIRE);
    uint64_t until_ns = row->until_ns;
    if (sequence % 2 != 0 || until_ns <= now_ns || !vitals_key_equal(&row->key, key))
        return 0;
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    return __atomic_load_n(&row->sequence, __ATOMIC_RELAXED) == sequence ? until_ns : 0;
}

static uint64_t quarantine_rows(const struct quarantine_page *page)
{
    return MIN(__atomic_load_n(&page->count, __ATOMIC_ACQUIRE), (uint64_t)QUARANTINE_ROWS);
}

uint64_t quarantine_until_ns(const struct quarantine_page *page,
                             const struct deploy_catalog_entry *entry,
                             const struct clock *clock)
{
    uint64_t count = quarantine_rows(page);
    struct vitals_key key = {.created_ns = entry->created_ns, .version = entry->version};
    memcpy(key.tenant, entry->tenant, sizeof(key.tenant));
    memcpy(key.function, entry->function, sizeof(key.function));
    uint64_t now_ns = clock_monotonic_ns(clock);
    uint64_t until_ns = 0;
    for (uint64_t i = 0; i < count && until_ns == 0; i++)
        until_ns = quarantine_row_until(&page->rows[i], &key, now_ns);
    return until_ns;
}

void quarantine_put(struct quarantine_page *page, const struct vitals_key *key, uint64_t until_ns)
{
    struct quarantine_row *row = &page->rows[0];
    for (uint64_t i = 0; i < QUARANTINE_ROWS; i++) {
        struct quarantine_row *other = &page->rows[i];
        if (vitals_key_equal(&other->key, key)) {
            row = other;
            break;
        }
        if (other->until_ns < row->until_ns)
            row = other;
    }
    __atomic_store_n(&row->sequence, row->sequence + 1, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    row->until_ns = until_ns;
    row->key = *key;
    __atomic_store_n(&row->sequence, row->sequence + 1, __ATOMIC_RELEASE);
    uint64_t used = (uint64_t)(row - page->rows) + 1;
    if (page->count < used)
        __atomic_store_n(&page->count, used, __ATOMIC_RELEASE);
}

uint32_t quarantine_count(const struct quarantine_page *page, uint64_t now_ns)
{
    uint32_t count = 0;
    for (uint64_t i = 0; i < quarantine_rows(page); i++)
        count += page->rows[i].until_ns > now_ns;
    return count;
}
