/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An environment as a worker reads it: mapped read-only, without a lock file.
 *
 *   word = last commit + 1 --> renew (that commit or a newer one) --> reads --> word = 0
 *
 * The word is set before the transaction chooses its commit, so it names one that is not newer; a
 * writer that looked before it was set has at most one transaction under way, which leaves the
 * pages of the last two commits alone. What the writer does with words: lmdb_pin.h.
 */
#ifndef SKERRY_DEPLOY_LMDB_LMDB_READER_H
#define SKERRY_DEPLOY_LMDB_LMDB_READER_H

#include <lmdb.h>
#include <stdbool.h>
#include <stddef.h>

#include "deploy/lmdb/lmdb_reading.h"

#define LMDB_READER_DBS_MAX 32

struct lmdb_reader {
    MDB_env *env;
    MDB_txn *txn; /* of use between lmdb_reader_begin and lmdb_reader_end */
    MDB_dbi dbi[LMDB_READER_DBS_MAX];
    struct lmdb_reading *reading; /* borrowed */
    bool keeps;                   /* as of struct lmdb_reader_options */
    bool current;                 /* `txn` was not reset since it was begun */
};

struct lmdb_reader_options {
    const char *dir;
    uint64_t map_bytes;
    const char *const *names; /* of databases; reader.dbi is in their order */
    size_t count;
    struct lmdb_reading *reading; /* borrowed */
    /* A read may go on with the transaction of the last one if nothing was committed in between:
     * for an environment that is never opened anew while it is read. */
    bool keeps;
};

/* 0, or LMDB's error; ENOENT: the writer has not made it yet. What was begun is for
 * lmdb_reader_done in any case, which accepts one that is all zero. */
int lmdb_reader_init(struct lmdb_reader *reader, const struct lmdb_reader_options *options);
void lmdb_reader_done(struct lmdb_reader *reader);
/* What is found is valid until lmdb_reader_end. A read takes microseconds: who takes a second is
 * ended by control. */
int lmdb_reader_begin(struct lmdb_reader *reader);
void lmdb_reader_end(struct lmdb_reader *reader);

#endif
