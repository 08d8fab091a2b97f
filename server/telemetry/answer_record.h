/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: how the versions of a deployment answer, from a worker to control
 * (RECORD_ANSWERS of record_ring.h): one record a version for all of a tenth of a second, and none
 * for functions whose clients all get the same version.
 */
#ifndef SKERRY_SERVER_TELEMETRY_ANSWER_RECORD_H
#define SKERRY_SERVER_TELEMETRY_ANSWER_RECORD_H

#include "deploy/deploy.h"
#include "server/telemetry/record_ring.h"

struct answer_record {
    uint64_t created_ns; /* of the function */
    uint32_t version;
    uint32_t answered; /* requests that a guest was run for */
    uint32_t failed;   /* of those, with a status of 500 or more */
    uint32_t padding;
    char tenant[DEPLOY_NAME_BYTES];
    char function[DEPLOY_NAME_BYTES];
};

void answer_record_write(struct record_ring *ring,
                         const struct deploy_catalog_entry *entry,
                         uint32_t answered,
                         uint32_t failed);
/* False: no worker writes such a thing. */
NODISCARD bool answer_record_read(const struct record *record, struct answer_record *ret_record);

#endif
