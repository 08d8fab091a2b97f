/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LMDB's errors as statuses, for every environment: what happened, and what the operator can do.
 */
#ifndef SKERRY_DEPLOY_LMDB_LMDB_STATUS_H
#define SKERRY_DEPLOY_LMDB_LMDB_STATUS_H

#include "engine/base/status.h"

/* What an environment is called in reports. */
struct lmdb_words {
    const char *name;   /* "the store" */
    const char *remedy; /* when there is no room: "remove functions" */
    const char *size;   /* the key of the configuration that bounds it; NULL: there is none */
};

/* OK for rc 0; NOT_FOUND, without a report, for MDB_NOTFOUND; else with one. `rc` may be errno. */
NODISCARD enum status lmdb_status(int rc, const struct lmdb_words *words, struct report *report);

#endif
