/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the catalog share: the environment, the frame around a look-up, and how one
 * fails.
 */
#ifndef SKERRY_DEPLOY_STORE_CATALOG_PRIVATE_H
#define SKERRY_DEPLOY_STORE_CATALOG_PRIVATE_H

#include "deploy/generation.h"
#include "deploy/lmdb/lmdb_reader.h"
#include "deploy/store/records.h"

struct deploy_catalog {
    struct lmdb_reader reader; /* its databases are those of enum records_db */
    /* Copies, until they are parsed. */
    struct buffer manifest;
    struct buffer variables;
    struct generation generation;
};

NODISCARD enum status catalog_fail(struct report *report, int rc);
NODISCARD enum status catalog_no_memory(struct report *report, const char *what);

#endif
