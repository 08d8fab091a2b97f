/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Aliases: names of a function's versions, which keep them from being dropped and lead to them.
 */
#include <inttypes.h>

#include "deploy/store/store_private.h"

static struct records_key store_alias_key(const struct store_target *target, struct bytes alias)
{
    struct records_key function = records_function_key(target->tenant, target->function);
    return records_route_of_key(&function, alias);
}

enum status store_walk_aliases(const struct store_txn *txn,
                               const struct store_target *target,
                               bool (*visit)(void *context, struct bytes alias, uint32_t version),
                               void *context)
{
    MDB_cursor *cursor;
    MDB_val value;
    struct records_alias record;
    struct records_key start = store_alias_key(target, bytes_make("", 0));
    MDB_val key = store_val(start.data, start.count);
    enum status status = store_status(
        mdb_cursor_open(txn->mdb, txn->store->dbi[RECORDS_ALIAS], &cursor), txn->report);
    if (status != STATUS_OK)
        return status;
    int rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    for (;
         rc == 0 && key.mv_size > start.count && memcmp(key.mv_data, start.data, start.count) == 0;
         rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
        struct bytes alias =
            bytes_make((const uint8_t *)key.mv_data + start.count, key.mv_size - start.count);
        if (value.mv_size != sizeof(record)) {
            rc = MDB_CORRUPTED;
            break;
        }
        memcpy(&record, value.mv_data, sizeof(record));
        if (!visit(context, alias, record.version))
            break;
    }
    mdb_cursor_close(cursor);
    return rc == 0 || rc == MDB_NOTFOUND ? STATUS_OK : store_status(rc, txn->report);
}

/* ---- changes --------------------------------------------------------------------------------- */

struct store_first_alias {
    char name[DEPLOY_NAME_BYTES];
    size_t count;
};

static bool store_take_first_alias(void *context, struct bytes alias, uint32_t version)
{
    struct store_first_alias *first = context;
    (void)version;
    first->count = MIN(alias.count, sizeof(first->name));
    memcpy(first->name, alias.data, first->count);
    return false;
}

/* One by one: each removal ends what a walk shows. */
enum status store_drop_aliases(const struct store_txn *txn, const struct store_target *target)
{
    for (;;) {
        struct store_first_alias first = {.count = 0};
        enum status status = store_walk_aliases(txn, target, store_take_first_alias, &first);
        if (status != STATUS_OK || first.count == 0)
            return status;
        struct records_key key = store_alias_key(target, bytes_make(first.name, first.count));
        status = store_delete_record(txn, RECORDS_ALIAS, store_val(key.data, key.count));
        if (status != STATUS_OK)
            return status;
    }
}

struct store_aliasing {
    const struct store_target *target;
    struct bytes alias;
    uint32_t version; /* 0: it goes */
};

static bool store_count_alias(void *context, struct bytes alias, uint32_t version)
{
    uint32_t *count = context;
    (void)alias;
    (void)version;
    ++*count;
    return true;
}

/* What it was; the version is 0 if there was none. */
static enum status store_get_alias(const struct store_txn *txn,
                                   const struct store_aliasing *aliasing,
                                   struct records_alias *ret_record)
{
    struct records_key key = store_alias_key(aliasing->target, aliasing->alias);
    enum status status = store_get_record(txn, RECORDS_ALIAS, store_val(key.data, key.count),
                                          ret_record, sizeof(*ret_record));
    if (status == STATUS_NOT_FOUND)
        *ret_record = (struct records_alias){.created_ns = txn->now_ns};
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status store_put_alias(const struct store_txn *txn,
                                   const struct store_aliasing *aliasing,
                                   struct records_alias *record)
{
    struct records_version version;
    uint32_t count = 0;
    struct records_key key = store_alias_key(aliasing->target, aliasing->alias);
    enum status status = store_find_version(txn, aliasing->target, aliasing->version, &version);
    if (status == STATUS_OK)
        status = store_walk_aliases(txn, aliasing->target, store_count_alias, &count);
    if (status != STATUS_OK)
        return status;
    if (record->version == 0 && count >= STORE_ALIASES_MAX)
        return report_fail(txn->report, STATUS_LIMIT, REPORT_OFFSET_NONE,
                           "a function can have %d aliases", STORE_ALIASES_MAX);
    record->version = aliasing->version;
    return store_put_record(txn, RECORDS_ALIAS, store_val(key.data, key.count), record,
                            sizeof(*record));
}

static enum status store_remove_alias(const struct store_txn *txn,
                                      const struct store_aliasing *aliasing,
                                      const struct records_alias *record)
{
    struct records_key key = store_alias_key(aliasing->target, aliasing->alias);
    if (record->version == 0)
        return report_fail(txn->report, STATUS_NOT_FOUND, REPORT_OFFSET_NONE,
                           "the function has no alias `%.*s`", (int)aliasing->alias.count,
                           (const char *)aliasing->alias.data);
    return store_delete_record(txn, RECORDS_ALIAS, store_val(key.data, key.count));
}

static enum status store_change_alias(struct store_txn *txn, void *context)
{
    const struct store_aliasing *aliasing = context;
    struct records_function function;
    struct records_alias record;
    enum status status = store_find_function(txn, aliasing->target, &function);
    if (status == STATUS_OK)
        status = store_get_alias(txn, aliasing, &record);
    if (status == STATUS_OK)
        status = aliasing->version == 0 ? store_remove_alias(txn, aliasing, &record)
                                        : store_put_alias(txn, aliasing, &record);
    const struct store_logged logged = {.action = aliasing->version == 0 ? "unalias" : "alias",
                                        .target = aliasing->target,
                                        .version = aliasing->version,
                                        .name = aliasing->alias};
    return status == STATUS_OK ? store_log(txn, &logged) : status;
}

enum status store_set_alias(struct store *store,
                            const struct store_target *target,
                            struct bytes alias,
                            uint32_t version,
                            struct report *report)
{
    struct store_aliasing aliasing = {.target = target, .alias = alias, .version = version};
    ASSERT(version != 0);
    return store_write(store, target, store_change_alias, &aliasing, false, report);
}

enum status store_delete_alias(struct store *store,
                               const struct store_target *target,
                               struct bytes alias,
                               struct report *report)
{
    struct store_aliasing aliasing = {.target = target, .alias = alias};
    return store_write(store, target, store_change_alias, &aliasing, true, report);
}

enum status store_list_aliases(struct store *store,
                               const struct store_target *target,
                               bool (*visit)(void *context, struct bytes alias, uint32_t version),
                               void *context,
                               struct report *report)
{
    struct store_txn txn;
    struct records_function function;
    enum status status = store_begin_read(store, report, &txn);
    if (status != STATUS_OK)
        return status;
    status = store_find_function(&txn, target, &function);
    if (status == STATUS_OK)
        status = store_walk_aliases(&txn, target, visit, context);
    store_end_read(&txn);
    return status;
}
