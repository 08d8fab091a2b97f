/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: signs of life of a worker, in the memory that it shares with control.
 *
 *   beats  grows with each turn of the worker's loop: one that stands still is stuck
 *   runs   odd while a guest runs, and then `key` says whose; what is there when a worker dies
 *          says which module it died of
 *
 * The worker alone writes, in this order and without waiting; control reads what is left. It
 * trusts nothing of it: a guest that broke out can only accuse somebody else.
 */
#ifndef SKERRY_SERVER_TELEMETRY_VITALS_H
#define SKERRY_SERVER_TELEMETRY_VITALS_H

#include "deploy/deploy.h"

/* One version of a function. */
struct vitals_key {
    char tenant[DEPLOY_NAME_BYTES];
    char function[DEPLOY_NAME_BYTES];
    uint64_t created_ns; /* of the function */
    uint32_t version;
};

struct vitals {
    uint64_t beats;
    uint64_t runs;
    struct vitals_key key;
};

static inline void vitals_beat(struct vitals *vitals)
{
    __atomic_store_n(&vitals->beats, vitals->beats + 1, __ATOMIC_RELAXED);
}

/* From here on, whatever happens to the process is this version's doing. */
static inline void vitals_enter(struct vitals *vitals, const struct deploy_catalog_entry *entry)
{
    memcpy(vitals->key.tenant, entry->tenant, sizeof(entry->tenant));
    memcpy(vitals->key.function, entry->function, sizeof(entry->function));
    vitals->key.created_ns = entry->created_ns;
    vitals->key.version = entry->version;
    __atomic_store_n(&vitals->runs, vitals->runs | 1, __ATOMIC_RELEASE);
}

static inline void vitals_leave(struct vitals *vitals)
{
    __atomic_store_n(&vitals->runs, (vitals->runs | 1) + 1, __ATOMIC_RELEASE);
}

/* A successor begins: it runs nothing yet. */
void vitals_clear(struct vitals *vitals);
/* Control, of a worker that died: false if it ran no guest, or nothing that makes sense. */
bool vitals_read(const struct vitals *vitals, struct vitals_key *ret_key);
bool vitals_key_equal(const struct vitals_key *a, const struct vitals_key *b);

#endif
