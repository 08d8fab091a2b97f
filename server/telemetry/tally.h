/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: what a version's requests came to, from a worker to control (RECORD_TALLY of
 * record_ring.h): one record a version for all of a tenth of a second.
 */
#ifndef SKERRY_SERVER_TELEMETRY_TALLY_H
#define SKERRY_SERVER_TELEMETRY_TALLY_H

#include "deploy/deploy.h"
#include "server/telemetry/record_ring.h"

struct tally {
#define TALLY(name, family, type, help) uint64_t name;
#include "server/telemetry/tally.def"
};

struct tally_record {
    struct tally tally;
    uint32_t version;
    uint32_t padding;
    char tenant[DEPLOY_NAME_BYTES];
    char function[DEPLOY_NAME_BYTES];
};

static inline void tally_add(struct tally *sum, const struct tally *more)
{
#define TALLY(name, family, type, help) sum->name += more->name;
#include "server/telemetry/tally.def"
}

void tally_record_write(struct record_ring *ring,
                        const struct deploy_catalog_entry *entry,
                        const struct tally *tally);
/* False: no worker writes such a thing. */
NODISCARD bool tally_record_read(const struct record *record, struct tally_record *ret_record);

#endif
