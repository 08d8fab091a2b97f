/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: what workers tell (record_ring.h), taken to where it belongs.
 *
 *   rings of all workers --records_collect--> starts.h      RECORD_START
 *                                        \--> function logs RECORD_LINE
 *                                        \--> counters.h    RECORD_COUNTER
 *                                        \--> canaries      RECORD_ANSWERS
 *                                        \--> tallies.h     RECORD_TALLY
 */
#ifndef SKERRY_SERVER_CONTROL_RECORDS_H
#define SKERRY_SERVER_CONTROL_RECORDS_H

#include "server/control/starts.h"
#include "server/telemetry/answer_record.h"
#include "server/telemetry/record_ring.h"

struct records;

struct records_options {
    const struct clock *clock;
    struct starts *starts; /* borrowed */
    /* A line of a function's log, checked, without its newline. */
    void (*line)(void *context,
                 struct bytes tenant,
                 struct bytes function,
                 enum deploy_log_level level,
                 struct bytes line);
    /* How a version in a deployment answers. */
    void (*answers)(void *context, const struct answer_record *record);
    void *answers_context;
    void *context;
};

struct records_stats {
    uint64_t lost;    /* written over before they were read */
    uint64_t refused; /* made no sense */
};

NODISCARD enum status records_create(const struct records_options *options,
                                     struct records **ret_records);
void records_free(struct records *records);
/* This worker's ring is read from now on; it outlives the records. */
void records_watch(struct records *records, uint32_t worker, const struct record_ring *ring);
/* How far it was read; and the same for a ring that another program read before. */
struct record_reader records_reader(const struct records *records, uint32_t worker);
void records_resume(struct records *records, uint32_t worker, const struct record_reader *reader);
/* Takes what is new in all rings, no more of each than it holds. */
void records_collect(struct records *records);
/* What functions count themselves, and what versions' requests came to, as Prometheus text. */
void records_print_metrics(const struct records *records, struct buffer *out);
struct records_stats records_stats(const struct records *records);

#endif
