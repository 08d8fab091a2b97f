/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: what a function's guests counted in one request, from a worker to control
 * (RECORD_COUNTER of record_ring.h), one record for each name.
 */
#ifndef SKERRY_SERVER_TELEMETRY_COUNTER_RECORD_H
#define SKERRY_SERVER_TELEMETRY_COUNTER_RECORD_H

#include "deploy/deploy.h"
#include "hostapi/hostapi.h"
#include "server/telemetry/record_ring.h"

struct counter_record {
    uint64_t amount;
    char tenant[DEPLOY_NAME_BYTES];
    char function[DEPLOY_NAME_BYTES];
    char name[HTTP_COUNTER_NAME_BYTES + 8]; /* with its end, and to a whole number of words */
};

_Static_assert(sizeof(struct counter_record) == 8 + 2 * DEPLOY_NAME_BYTES + 40, "no padding");

void counter_record_write(struct record_ring *ring,
                          const struct deploy_catalog_entry *entry,
                          const struct http_counter *counter);
/* False: no worker writes such a thing. */
NODISCARD bool counter_record_read(const struct record *record, struct counter_record *ret_record);

#endif
