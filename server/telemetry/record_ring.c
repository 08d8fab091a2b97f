/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One writer, one reader, no lock: `reserved` is the seal. The writer moves it before it touches
 * bytes that the reader may be copying; the reader looks at it after the copy.
 */
#include "server/telemetry/record_ring.h"

#include <string.h>

#define RECORD_ALIGN 8

struct record_head {
    uint32_t count; /* bytes that follow, before the padding */
    uint32_t type;
    uint64_t serial; /* from 1 */
};

_Static_assert((RECORD_RING_BYTES & (RECORD_RING_BYTES - 1)) == 0, "a power of two");
_Static_assert(sizeof(struct record_head) % RECORD_ALIGN == 0, "heads never wrap in a number");

static void ring_put(struct record_ring *ring, uint64_t position, const void *data, size_t count)
{
    size_t at = position % RECORD_RING_BYTES;
    size_t first = MIN(count, RECORD_RING_BYTES - at);
    memcpy(ring->data + at, data, first);
    memcpy(ring->data, (const uint8_t *)data + first, count - first);
}

static void ring_get(const struct record_ring *ring, uint64_t position, void *data, size_t count)
{
    size_t at = position % RECORD_RING_BYTES;
    size_t first = MIN(count, RECORD_RING_BYTES - at);
    memcpy(data, ring->data + at, first);
    memcpy((uint8_t *)data + first, ring->data, count - first);
}

void record_ring_write(struct record_ring *ring,
                       enum record_type type,
                       const struct bytes *parts,
                       uint32_t part_count)
{
    struct record_head head = {.type = type, .serial = ring->serial + 1};
    ASSERT(part_count <= RECORD_PARTS_MAX);
    for (uint32_t i = 0; i < part_count; i++) {
        ASSERT(parts[i].count <= RECORD_BYTES_MAX - head.count);
        head.count += (uint32_t)parts[i].count;
    }
    /* Not from `reserved`: who reserved more and died left nothing there. */
    uint64_t position = __atomic_load_n(&ring->written, __ATOMIC_RELAXED);
    uint64_t end = position + sizeof(head) + ALIGN_UP((uint64_t)head.count, RECORD_ALIGN);
    __atomic_store_n(&ring->reserved, end, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    ring_put(ring, position, &head, sizeof(head));
    uint64_t at = position + sizeof(head);
    for (uint32_t i = 0; i < part_count; at += parts[i++].count)
        ring_put(ring, at, parts[i].data, parts[i].count);
    ring->serial = head.serial;
    __atomic_store_n(&ring->written, end, __ATOMIC_RELEASE);
}

/* False: it was written over meanwhile. */
static bool ring_copy(const struct record_ring *ring,
                      uint64_t position,
                      struct record_head *ret_head,
                      struct record *ret_record)
{
    ring_get(ring, position, ret_head, sizeof(*ret_head));
    ret_record->count = MIN(ret_head->count, (uint32_t)RECORD_BYTES_MAX);
    ring_get(ring, position + sizeof(*ret_head), ret_record->data, ret_record->count);
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    return __atomic_load_n(&ring->reserved, __ATOMIC_RELAXED) - position <= RECORD_RING_BYTES;
}

/* Could a worker have written this between `position` and `written`? */
static bool
ring_makes_sense(const struct record_head *head, uint64_t left, const struct record_reader *reader)
{
    return head->count <= RECORD_BYTES_MAX && head->type > RECORD_NONE &&
           head->type < RECORD_TYPE_COUNT && head->serial > reader->serial &&
           head->serial - reader->serial <= UINT32_MAX &&
           sizeof(*head) + ALIGN_UP((uint64_t)head->count, RECORD_ALIGN) <= left;
}

bool record_ring_read(const struct record_ring *ring,
                      struct record_reader *reader,
                      uint64_t *budget,
                      struct record *ret_record)
{
    struct record_head head;
    uint64_t written = __atomic_load_n(&ring->written, __ATOMIC_ACQUIRE);
    if (written == reader->read || *budget == 0)
        return false;
    uint64_t left = written - reader->read;
    /* Written around, or, which is no worker's way, gone back: what follows is past `written`. */
    if (left > RECORD_RING_BYTES || !ring_copy(ring, reader->read, &head, ret_record)) {
        reader->refused += left >> 63;
        reader->read = written;
        return false;
    }
    if (!ring_makes_sense(&head, left, reader)) {
        reader->refused++;
        reader->read = written;
        reader->serial = __atomic_load_n(&ring->serial, __ATOMIC_RELAXED);
        return false;
    }
    uint64_t used = sizeof(head) + ALIGN_UP((uint64_t)head.count, RECORD_ALIGN);
    reader->lost += head.serial - reader->serial - 1;
    reader->serial = head.serial;
    reader->read += used;
    *budget -= MIN(*budget, used);
    ret_record->type = (enum record_type)head.type;
    return true;
}
