/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One writer, one reader, no lock: a record's sequence number is its seal. The writer breaks it
 * before it touches the fields; the reader takes a copy whose seal was whole before and after.
 */
#include "server/telemetry/start_ring.h"

#include <string.h>

#include "isolate/isolate.h"

#define RING_AGE_NS_MAX   (600 * CLOCK_NS_PER_S)  /* nobody leaves records lying for ten minutes */
#define RING_PHASE_NS_MAX (7200 * CLOCK_NS_PER_S) /* twice the longest limits.wall */

_Static_assert((START_RING_RECORDS & (START_RING_RECORDS - 1)) == 0, "a power of two");

void start_ring_write(struct start_ring *ring, const struct start_record *record)
{
    uint64_t position = __atomic_load_n(&ring->written, __ATOMIC_RELAXED);
    struct start_record *slot = &ring->records[position % START_RING_RECORDS];
    __atomic_store_n(&slot->sequence, 0, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    memcpy((uint8_t *)slot + sizeof(slot->sequence),
           (const uint8_t *)record + sizeof(record->sequence),
           sizeof(*record) - sizeof(record->sequence));
    __atomic_store_n(&slot->sequence, position + 1, __ATOMIC_RELEASE);
    __atomic_store_n(&ring->written, position + 1, __ATOMIC_RELEASE);
}

/* False: it was written over meanwhile. */
static bool
ring_copy(const struct start_ring *ring, uint64_t position, struct start_record *ret_record)
{
    const struct start_record *slot = &ring->records[position % START_RING_RECORDS];
    if (__atomic_load_n(&slot->sequence, __ATOMIC_ACQUIRE) != position + 1)
        return false;
    memcpy(ret_record, slot, sizeof(*ret_record));
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    return __atomic_load_n(&slot->sequence, __ATOMIC_RELAXED) == position + 1;
}

static bool ring_name_valid(const char name[DEPLOY_NAME_BYTES])
{
    return deploy_name_valid(bytes_make(name, strnlen(name, DEPLOY_NAME_BYTES)));
}

bool start_record_valid(const struct start_record *record, uint64_t now_ns)
{
    bool warm = record->reason == ISOLATE_START_WARM;
    if (record->reason >= ISOLATE_START_REASON_COUNT || record->count == 0 ||
        (!warm && record->count != 1) || record->version == 0)
        return false;
    if (record->ended_ns > now_ns || now_ns - record->ended_ns > RING_AGE_NS_MAX)
        return false;
    for (uint32_t i = 0; i < START_PHASE_COUNT; i++) {
        if (record->times.ns[i] > RING_PHASE_NS_MAX)
            return false;
    }
    return ring_name_valid(record->tenant) && ring_name_valid(record->function);
}

bool start_ring_read(const struct start_ring *ring,
                     struct start_reader *reader,
                     const struct clock *clock,
                     uint32_t *budget,
                     struct start_record *ret_record)
{
    uint64_t written = __atomic_load_n(&ring->written, __ATOMIC_ACQUIRE);
    /* After that, so that nothing that is read comes from the future. */
    uint64_t now_ns = clock_monotonic_ns(clock);
    if (written < reader->read) {
        /* Going back is no worker's way. */
        reader->refused++;
        reader->read = written;
    }
    if (written - reader->read > START_RING_RECORDS) {
        reader->lost += written - reader->read - START_RING_RECORDS;
        reader->read = written - START_RING_RECORDS;
    }
    while (reader->read < written && *budget != 0) {
        --*budget;
        if (!ring_copy(ring, reader->read++, ret_record))
            reader->lost++;
        else if (start_record_valid(ret_record, now_ns))
            return true;
        else
            reader->refused++;
    }
    return false;
}
