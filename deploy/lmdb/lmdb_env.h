/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An environment as its one writer opens it. The lock file that LMDB makes is the writer's alone:
 * nobody else opens it (lmdb_reading.h).
 *
 * Never MDB_WRITEMAP or MDB_NOSYNC: a commit that returned is on disk, and no stray pointer of ours
 * can reach the pages. It never crosses a fork: children are spawned, and its descriptors are
 * close-on-exec.
 */
#ifndef SKERRY_DEPLOY_LMDB_LMDB_ENV_H
#define SKERRY_DEPLOY_LMDB_LMDB_ENV_H

#include <limits.h>
#include <lmdb.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lmdb_env_options {
    const char *dir; /* exists */
    uint64_t map_bytes;
    const char *const *names; /* of databases; made if they are not there */
    size_t count;
    /* Beside the writer, for a process that is trusted like it: nothing is made, and a database
     * that is not there is LMDB_ENV_NO_DB. */
    bool read_only;
};
#define LMDB_ENV_NO_DB UINT_MAX

/* 0, or LMDB's error: then *ret_env may be set, and is for mdb_env_close all the same. */
int lmdb_env_open(const struct lmdb_env_options *options, MDB_env **ret_env, MDB_dbi *ret_dbi);

#endif
