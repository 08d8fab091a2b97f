/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening for reading, and the word around each read.
 */
#include "deploy/lmdb/lmdb_reader.h"

#include "engine/base/macros.h"

/* Returns the last commit. */
static uint64_t lmdb_reader_publish(struct lmdb_reader *reader)
{
    MDB_envinfo info;
    int rc = mdb_env_info(reader->env, &info);
    ASSERT(rc == 0);
    /* One barrier between it and what is read: a store that is ordered itself would be a second. */
    atomic_store_explicit(&reader->reading->word, info.me_last_txnid + 1, memory_order_relaxed);
    atomic_thread_fence(memory_order_seq_cst);
    return info.me_last_txnid;
}

static void lmdb_reader_unpublish(struct lmdb_reader *reader)
{
    atomic_store_explicit(&reader->reading->word, 0, memory_order_release);
}

/* Handles opened in a transaction last only if it is committed. */
static int lmdb_reader_open_dbs(struct lmdb_reader *reader,
                                const struct lmdb_reader_options *options)
{
    MDB_txn *txn;
    int rc = mdb_txn_begin(reader->env, NULL, MDB_RDONLY, &txn);
    if (rc != 0)
        return rc;
    for (size_t i = 0; rc == 0 && i < options->count; i++)
        rc = mdb_dbi_open(txn, options->names[i], 0, &reader->dbi[i]);
    if (rc == 0)
        rc = mdb_txn_commit(txn);
    else
        mdb_txn_abort(txn);
    if (rc == 0)
        rc = mdb_txn_begin(reader->env, NULL, MDB_RDONLY, &reader->txn);
    if (rc == 0)
        mdb_txn_reset(reader->txn);
    return rc;
}

int lmdb_reader_init(struct lmdb_reader *reader, const struct lmdb_reader_options *options)
{
    ASSERT(options->count <= COUNT_OF(reader->dbi));
    *reader = (struct lmdb_reader){.reading = options->reading, .keeps = options->keeps};
    lmdb_reader_unpublish(reader); /* a predecessor may have died while it read */
    int rc = mdb_env_create(&reader->env);
    if (rc == 0)
        rc = mdb_env_set_maxdbs(reader->env, (MDB_dbi)options->count);
    if (rc == 0)
        rc = mdb_env_set_mapsize(reader->env, options->map_bytes);
    if (rc == 0)
        rc = mdb_env_open(reader->env, options->dir,
                          MDB_RDONLY | MDB_NOLOCK | MDB_NOTLS | MDB_NORDAHEAD, 0600);
    if (rc != 0)
        return rc;
    (void)lmdb_reader_publish(reader);
    rc = lmdb_reader_open_dbs(reader, options);
    lmdb_reader_unpublish(reader);
    return rc;
}

void lmdb_reader_done(struct lmdb_reader *reader)
{
    if (reader->txn != NULL)
        mdb_txn_abort(reader->txn);
    if (reader->env != NULL)
        mdb_env_close(reader->env);
    if (reader->reading != NULL)
        lmdb_reader_unpublish(reader);
    *reader = (struct lmdb_reader){0};
}

/* Control lets the map grow when it needs room to delete: then ours has to follow. */
static int lmdb_reader_renew(struct lmdb_reader *reader)
{
    int rc = mdb_txn_renew(reader->txn);
    if (rc != MDB_MAP_RESIZED)
        return rc;
    rc = mdb_env_set_mapsize(reader->env, 0);
    return rc == 0 ? mdb_txn_renew(reader->txn) : rc;
}

int lmdb_reader_begin(struct lmdb_reader *reader)
{
    uint64_t last = lmdb_reader_publish(reader);
    if (reader->current && mdb_txn_id(reader->txn) == last)
        return 0;
    if (reader->current)
        mdb_txn_reset(reader->txn);
    int rc = lmdb_reader_renew(reader);
    reader->current = rc == 0;
    if (rc != 0)
        lmdb_reader_unpublish(reader);
    return rc;
}

void lmdb_reader_end(struct lmdb_reader *reader)
{
    ASSERT(reader->current);
    if (!reader->keeps) {
        mdb_txn_reset(reader->txn);
        reader->current = false;
    }
    lmdb_reader_unpublish(reader);
}
