/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker's end. A read is one renewed transaction, descents in mapped memory, and views of
 * what was found.
 *
 *   slot = last commit + 1 --> renew (that commit or a newer one) --> reads --> reset --> slot = 0
 *
 * The slot is set before the transaction chooses its commit, so it names one that is not newer;
 * a writer that looked before it was set has at most one transaction under way, which leaves
 * the pages of the two last commits alone.
 */
#include <stdio.h>
#include <stdlib.h>

#include "deploy/kv/kv_items.h"

struct kv_reader {
    MDB_env *env;
    MDB_txn *txn; /* reset between reads */
    MDB_dbi item;
    struct kv_reader_slot *slot;
    const struct clock *clock;
    bool begun;
};

static void kv_reader_publish(struct kv_reader *reader)
{
    MDB_envinfo info;
    int rc = mdb_env_info(reader->env, &info);
    ASSERT(rc == 0);
    atomic_store_explicit(&reader->slot->reading, info.me_last_txnid + 1, memory_order_seq_cst);
    atomic_thread_fence(memory_order_seq_cst);
}

static void kv_reader_unpublish(struct kv_reader *reader)
{
    atomic_store_explicit(&reader->slot->reading, 0, memory_order_release);
}

/* Handles opened in a transaction last only if it is committed. */
static int kv_reader_open_item(struct kv_reader *reader)
{
    int rc = mdb_txn_begin(reader->env, NULL, MDB_RDONLY, &reader->txn);
    if (rc != 0)
        return rc;
    rc = mdb_dbi_open(reader->txn, KV_DB_ITEM, 0, &reader->item);
    if (rc == 0)
        rc = mdb_txn_commit(reader->txn);
    else
        mdb_txn_abort(reader->txn);
    reader->txn = NULL;
    if (rc == 0)
        rc = mdb_txn_begin(reader->env, NULL, MDB_RDONLY, &reader->txn);
    if (rc == 0)
        mdb_txn_reset(reader->txn);
    return rc;
}

static int kv_reader_open_env(struct kv_reader *reader, const char *dir, uint64_t map_bytes)
{
    int rc = mdb_env_create(&reader->env);
    if (rc == 0)
        rc = mdb_env_set_maxdbs(reader->env, KV_DBS);
    if (rc == 0)
        rc = mdb_env_set_mapsize(reader->env, map_bytes);
    if (rc == 0)
        rc = mdb_env_open(reader->env, dir, MDB_RDONLY | MDB_NOLOCK | MDB_NOTLS, 0600);
    if (rc != 0)
        return rc;
    kv_reader_publish(reader);
    rc = kv_reader_open_item(reader);
    kv_reader_unpublish(reader);
    return rc;
}

enum status kv_reader_open(const char *data_dir,
                           uint64_t map_bytes,
                           struct kv_reader_slot *slot,
                           const struct clock *clock,
                           struct report *report,
                           struct kv_reader **ret_reader)
{
    char dir[CONFIG_PATH_BYTES + 16];
    struct kv_reader *reader = calloc(1, sizeof(*reader));
    if (reader == NULL)
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "out of memory");
    reader->slot = slot;
    reader->clock = clock;
    kv_reader_unpublish(reader); /* a predecessor may have died while it read */
    (void)snprintf(dir, sizeof(dir), "%s/" DATA_DIR_KV, data_dir);
    enum status status = kv_status(kv_reader_open_env(reader, dir, map_bytes), report);
    if (status == STATUS_OK)
        *ret_reader = reader;
    else
        kv_reader_close(reader);
    return status;
}

void kv_reader_close(struct kv_reader *reader)
{
    if (reader == NULL)
        return;
    if (reader->txn != NULL)
        mdb_txn_abort(reader->txn);
    if (reader->env != NULL)
        mdb_env_close(reader->env);
    kv_reader_unpublish(reader);
    free(reader);
}

enum status kv_reader_begin(struct kv_reader *reader, struct report *report)
{
    ASSERT(!reader->begun);
    kv_reader_publish(reader);
    enum status status = kv_status(mdb_txn_renew(reader->txn), report);
    reader->begun = status == STATUS_OK;
    if (!reader->begun)
        kv_reader_unpublish(reader);
    return status;
}

void kv_reader_end(struct kv_reader *reader)
{
    ASSERT(reader->begun);
    mdb_txn_reset(reader->txn);
    reader->begun = false;
    kv_reader_unpublish(reader);
}

enum status kv_reader_get(struct kv_reader *reader,
                          struct bytes tenant,
                          struct bytes key,
                          struct kv_item *ret_item)
{
    ASSERT(reader->begun);
    return kv_items_get(reader->txn, reader->item, tenant, key, clock_realtime_ns(reader->clock),
                        ret_item);
}

enum status
kv_reader_list(struct kv_reader *reader, const struct kv_range *range, kv_take *take, void *context)
{
    ASSERT(reader->begun);
    const struct kv_walk walk = {.txn = reader->txn,
                                 .item = reader->item,
                                 .now_ns = clock_realtime_ns(reader->clock),
                                 .take = take,
                                 .context = context};
    return kv_items_list(&walk, range);
}
