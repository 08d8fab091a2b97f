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

#include <lmdb.h>
#include <stddef.h>
#include <stdint.h>

struct lmdb_env_options {
    const char *dir; /* exists */
    uint64_t map_bytes;
    const char *const *names; /* of databases; made if they are not there */
    size_t count;
};

/* 0, or LMDB's error: then *ret_env may be set, and is for mdb_env_close all the same. */
int lmdb_env_open(const struct lmdb_env_options *options, MDB_env **ret_env, MDB_dbi *ret_dbi);

#endif
