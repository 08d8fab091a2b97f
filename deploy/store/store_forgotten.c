/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose secrets are still to go: what was removed leaves its name here in the same transaction,
 * until the key process has said that it forgot them. So none outlive a function whose removal it
 * did not hear of, to be found by the next one of that name.
 */
#include "deploy/store/store_private.h"

enum status store_forget_later(const struct store_txn *txn, const struct store_target *target)
{
    static const uint8_t nothing[1];
    struct records_key key = records_function_key(target->tenant, target->function);
    return store_put_record(txn, RECORDS_FORGOTTEN, store_val(key.data, key.count), nothing,
                            sizeof(nothing));
}

static enum status
store_walk_forgotten(const struct store_txn *txn,
                     MDB_cursor *cursor,
                     void (*visit)(void *context, struct bytes tenant, struct bytes function),
                     void *context)
{
    MDB_val key;
    MDB_val value;
    int rc;
    while ((rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
        const uint8_t *text = key.mv_data;
        const uint8_t *slash = memchr(text, '/', key.mv_size);
        if (slash == NULL)
            return report_fail(txn->report, STATUS_CORRUPT, REPORT_OFFSET_NONE,
                               "the store is damaged: what is to be forgotten has no name");
        size_t count = (size_t)(slash - text);
        visit(context, bytes_make(text, count), bytes_make(slash + 1, key.mv_size - count - 1));
    }
    return rc == MDB_NOTFOUND ? STATUS_OK : store_status(rc, txn->report);
}

enum status
store_list_forgotten(struct store *store,
                     void (*visit)(void *context, struct bytes tenant, struct bytes function),
                     void *context,
                     struct report *report)
{
    struct store_txn txn;
    MDB_cursor *cursor;
    enum status status = store_begin_read(store, report, &txn);
    if (status != STATUS_OK)
        return status;
    status = store_status(mdb_cursor_open(txn.mdb, store->dbi[RECORDS_FORGOTTEN], &cursor), report);
    if (status == STATUS_OK) {
        status = store_walk_forgotten(&txn, cursor, visit, context);
        mdb_cursor_close(cursor);
    }
    store_end_read(&txn);
    return status;
}

static enum status store_change_forgot(struct store_txn *txn, void *context)
{
    const struct store_target *target = context;
    struct records_key key = records_function_key(target->tenant, target->function);
    return store_delete_record(txn, RECORDS_FORGOTTEN, store_val(key.data, key.count));
}

enum status
store_forgot(struct store *store, const struct store_target *target, struct report *report)
{
    struct store_target copy = *target;
    return store_write(store, target, store_change_forgot, &copy, true, report);
}
