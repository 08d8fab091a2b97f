/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: what a worker tells control of starts (RECORD_START of record_ring.h).
 *
 * Cold starts have a record each. Warm ones are too many: the worker counts them per function and
 * writes one record for all of a tenth of a second. The worst that a broken worker can do is to
 * tell lies about starts.
 */
#ifndef SKERRY_SERVER_TELEMETRY_START_RECORD_H
#define SKERRY_SERVER_TELEMETRY_START_RECORD_H

#include "deploy/deploy.h"
#include "server/telemetry/record_ring.h"
#include "server/telemetry/start.h"

struct start_record {
    uint64_t ended_ns;   /* monotonic: when the request was answered */
    uint64_t created_ns; /* of the function, so that one made anew has no past */
    struct start_times times;
    uint32_t version;
    uint32_t reason; /* enum isolate_start_reason */
    uint32_t count;  /* requests that it stands for: 1, unless they were warm */
    uint32_t padding;
    char tenant[DEPLOY_NAME_BYTES];
    char function[DEPLOY_NAME_BYTES];
};

void start_record_write(struct record_ring *ring, const struct start_record *record);
/* False: no worker could have written this by now (monotonic). */
NODISCARD bool
start_record_read(const struct record *record, uint64_t now_ns, struct start_record *ret_record);

#endif
