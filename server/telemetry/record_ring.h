/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: what a worker tells control without waiting for it. A ring of bytes in the
 * memory they share, with typed records in it; the worker writes, control reads ten times a second.
 *
 *   worker:  reserved += n --> bytes --> written = reserved
 *   control: copy of what is before `written` --> still within a ring of `reserved`? --> used
 *
 * Nobody waits: a ring that was written around before it was read has lost what it held, and the
 * serial numbers of records say how many that were. The ring outlives the worker, like its
 * counters: a successor goes on where it ended, over what its predecessor did not finish.
 *
 * Workers run guests, so what is in the ring is no more to be trusted than they are. The reader
 * copies a record before it looks at it, takes no more at once than the ring holds, and refuses
 * what no worker would write, counting that too. What is in a record is for its type's reader to
 * check.
 */
#ifndef SKERRY_SERVER_TELEMETRY_RECORD_RING_H
#define SKERRY_SERVER_TELEMETRY_RECORD_RING_H

#include "engine/base/bytes.h"

#define RECORD_RING_BYTES                                                                          \
    (4U << 20) /* power of two; pages that were never written cost nothing                         \
                */
#define RECORD_BYTES_MAX 8192
#define RECORD_PARTS_MAX 2

enum record_type {
    RECORD_NONE,
    RECORD_START,   /* struct start_record */
    RECORD_LINE,    /* struct log_record, then a line of a function's log */
    RECORD_COUNTER, /* struct counter_record */
    RECORD_ANSWERS, /* struct answer_record */
    RECORD_TALLY,   /* struct tally_record */
    RECORD_TYPE_COUNT,
};

struct record_ring {
    uint64_t reserved; /* bytes ever, with those under the pen */
    uint64_t written;  /* bytes ever */
    uint64_t serial;   /* records ever */
    uint8_t data[RECORD_RING_BYTES];
};

/* Control's side; starts as zeros. */
struct record_reader {
    uint64_t read;    /* bytes ever, lost ones too */
    uint64_t serial;  /* of the record that should be next, less 1 */
    uint64_t lost;    /* records that were written over before they were read */
    uint64_t refused; /* times that the ring made no sense */
};

struct record {
    enum record_type type;
    uint32_t count;
    uint8_t data[RECORD_BYTES_MAX];
};

/* Worker: the parts, one after the other, at most RECORD_BYTES_MAX together. */
void record_ring_write(struct record_ring *ring,
                       enum record_type type,
                       const struct bytes *parts,
                       uint32_t part_count);
/* Control: the next record; `*budget`, in bytes, is counted down, and nothing is read when it is
 * used up. */
bool record_ring_read(const struct record_ring *ring,
                      struct record_reader *reader,
                      uint64_t *budget,
                      struct record *ret_record);

#endif
