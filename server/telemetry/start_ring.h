/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: how a worker tells control of starts. A ring of records in the memory they
 * share; the worker writes and never waits, control reads ten times a second.
 *
 *   worker:  sequence = 0 --> fields --> sequence = n + 1 --> written = n + 1     (record n)
 *   control: sequence == n + 1? --> copy --> still n + 1? --> checked --> used
 *
 * Cold starts have a record each. Warm ones are too many: the worker counts them per function and
 * writes one record for all of a tenth of a second.
 *
 * A ring that was written around before it was read has lost its oldest records; the reader counts
 * them. The ring outlives the worker, like its counters: a successor goes on where it ended.
 *
 * Workers run guests, so what is in the ring is no more to be trusted than they are. The reader
 * copies a record before it looks at it, takes no more of them at once than there are places, and
 * refuses what no worker would write (start_record_valid), counting that too. The worst that a
 * broken worker can do is to tell lies about starts.
 */
#ifndef SKERRY_SERVER_TELEMETRY_START_RING_H
#define SKERRY_SERVER_TELEMETRY_START_RING_H

#include "deploy/deploy.h"
#include "server/telemetry/start.h"

#define START_RING_RECORDS 4096 /* power of two; a tenth of a second of cold starts, doubled */

struct start_record {
    uint64_t sequence;   /* the ring's */
    uint64_t ended_ns;   /* monotonic: when the request was answered */
    uint64_t created_ns; /* of the function, so that one made anew has no past */
    struct start_times times;
    uint32_t version;
    uint32_t reason; /* enum isolate_start_reason */
    uint32_t count;  /* requests that it stands for: 1, unless they were warm */
    char tenant[DEPLOY_NAME_BYTES];
    char function[DEPLOY_NAME_BYTES];
};

struct start_ring {
    uint64_t written; /* records ever */
    struct start_record records[START_RING_RECORDS];
};

/* Control's side; starts as zeros. */
struct start_reader {
    uint64_t read;    /* records ever, lost ones too */
    uint64_t lost;    /* written over before they were read */
    uint64_t refused; /* made no sense */
};

/* Worker. The record's sequence is not looked at. */
void start_ring_write(struct start_ring *ring, const struct start_record *record);
/* Control: the next record that makes sense, of at most `*budget`, which is counted down. */
bool start_ring_read(const struct start_ring *ring,
                     struct start_reader *reader,
                     const struct clock *clock,
                     uint32_t *budget,
                     struct start_record *ret_record);
/* Could a worker have written this by now? */
bool start_record_valid(const struct start_record *record, uint64_t now_ns);

#endif
