/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The LMDB environment and the frame around its transactions.
 *
 * Room to delete is kept in two places: the map may grow by STORE_RESERVE_BYTES for a change that
 * shrinks the store, and the file `ballast` is given up when the disk is full.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "deploy/lmdb/lmdb_env.h"
#include "deploy/store/store_private.h"

#define STORE_RESERVE_BYTES (64ULL << 20)
#define STORE_BALLAST_BYTES (4LL << 20)

enum status store_status(int rc, struct report *report)
{
    static const struct lmdb_words words = {
        .name = "the store", .remedy = "remove functions", .size = "store.map_size"};
    return lmdb_status(rc, &words, report);
}

static int store_open_env(struct store *store)
{
    const struct lmdb_env_options options = {.dir = store->dir,
                                             .map_bytes = store->options.map_bytes,
                                             .names = records_db_names(),
                                             .count = RECORDS_DB_COUNT,
                                             .read_only = store->options.read_only};
    return lmdb_env_open(&options, &store->env, store->dbi);
}

static void store_close_env(struct store *store)
{
    lmdb_pin_drop(&store->pin);
    if (store->snapshot != NULL)
        mdb_txn_abort(store->snapshot);
    store->snapshot = NULL;
    if (store->env != NULL)
        mdb_env_close(store->env);
    store->env = NULL;
}

/* LMDB syncs its files, not the directory that names them. */
static bool store_sync_dir(const struct store *store)
{
    AUTO_CLOSE int fd = open(store->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd >= 0 && fsync(fd) == 0;
}

static void store_ballast_path(const struct store *store, char *ret_path, size_t bytes)
{
    (void)snprintf(ret_path, bytes, "%s/ballast", store->dir);
}

/* Best effort: without it a full disk is only harder to get out of. */
static void store_take_ballast(const struct store *store)
{
    char path[sizeof(store->dir) + 16];
    store_ballast_path(store, path, sizeof(path));
    AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd >= 0 && posix_fallocate(fd, 0, STORE_BALLAST_BYTES) != 0)
        (void)unlink(path);
}

/* The map takes addresses, of which there are plenty unless somebody limited them. */
static enum status store_no_addresses(const struct store *store, struct report *report)
{
    char size[CONFIG_QUANTITY_BYTES];
    config_format_quantity(store->options.map_bytes, CONFIG_UNIT_BYTES, size);
    return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE,
                       "cannot map %s of addresses for the store: lift `ulimit -v`, or lower "
                       "store.map_size",
                       size);
}

static enum status store_not_opened(const struct store *store, int rc, struct report *report)
{
    if (rc == ENOMEM)
        return store_no_addresses(store, report);
    struct report why = REPORT_INIT;
    enum status status = store_status(rc, &why);
    return report_fail(report, status, REPORT_OFFSET_NONE, "%s (%s/data.mdb)", why.text,
                       store->dir);
}

enum status
store_open(const struct store_options *options, struct report *report, struct store **ret_store)
{
    struct store *store = calloc(1, sizeof(*store));
    if (store == NULL)
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "out of memory");
    store->options = *options;
    buffer_init(&store->gone_blobs, SIZE_MAX);
    buffer_init(&store->gone_keys, SIZE_MAX);
    store->pin = (struct lmdb_pin){.readers = options->readers, .store = LMDB_STORE_CATALOG};
    ASSERT(strlen(options->dir) < sizeof(store->dir));
    memcpy(store->dir, options->dir, strlen(options->dir) + 1);
    int rc = store_open_env(store);
    enum status status = rc == 0 ? STATUS_OK : store_not_opened(store, rc, report);
    if (status == STATUS_OK && !options->read_only && !store_sync_dir(store))
        status = report_errno(report, "cannot sync %s", store->dir);
    if (status == STATUS_OK && !options->read_only)
        status = blobs_open(options->data_dir, options->clock, report, &store->blobs);
    if (status == STATUS_OK) {
        if (!options->read_only)
            store_take_ballast(store);
        *ret_store = store;
    } else {
        store_close(store);
    }
    return status;
}

void store_close(struct store *store)
{
    if (store == NULL)
        return;
    store_close_env(store);
    buffer_done(&store->gone_blobs);
    buffer_done(&store->gone_keys);
    blobs_close(store->blobs);
    free(store);
}

uint64_t store_stuck_reader(struct store *store)
{
    return lmdb_pin_stuck(&store->pin);
}

void store_act_as(struct store *store, const struct store_actor *actor)
{
    store->actor = actor;
}

void store_tend(struct store *store)
{
    /* A program that prepares an upgrade reads beside us, and may have been killed. */
    int dead = 0;
    if (store->env != NULL)
        (void)mdb_reader_check(store->env, &dead);
    if (!store->snapshot_held)
        (void)blobs_sweep_step(store->blobs, store);
}

struct blobs *store_blobs(struct store *store)
{
    return store->blobs;
}

static int store_try(struct store *store, unsigned flags, MDB_txn **ret_txn)
{
    if (store->env == NULL)
        return MDB_PANIC;
    int rc = flags == MDB_RDONLY ? 0 : lmdb_pin_move(&store->pin, store->env);
    return rc == 0 ? mdb_txn_begin(store->env, NULL, flags, ret_txn) : rc;
}

/* After an I/O error in the wrong place LMDB wants its environment opened anew. */
static int store_begin(struct store *store, unsigned flags, MDB_txn **ret_txn)
{
    int rc = store_try(store, flags, ret_txn);
    if (rc != MDB_PANIC)
        return rc;
    store_close_env(store);
    rc = store_open_env(store);
    if (rc == 0)
        return store_try(store, flags, ret_txn);
    store_close_env(store);
    return rc;
}

enum status store_begin_read(struct store *store, struct report *report, struct store_txn *ret_txn)
{
    *ret_txn = (struct store_txn){.store = store, .report = report, .mdb = store->rehearsal};
    if (store->rehearsal != NULL)
        return STATUS_OK;
    return store_status(store_begin(store, MDB_RDONLY, &ret_txn->mdb), report);
}

enum status store_snapshot_begin(struct store *store, struct report *report)
{
    if (store->snapshot_held)
        return report_fail(report, STATUS_BUSY, REPORT_OFFSET_NONE, "a backup is under way");
    enum status status = store_status(store_begin(store, MDB_RDONLY, &store->snapshot), report);
    store->snapshot_held = status == STATUS_OK;
    return status;
}

MDB_txn *store_snapshot(const struct store *store)
{
    return store->snapshot;
}

void store_snapshot_end(struct store *store)
{
    if (store->snapshot != NULL)
        mdb_txn_abort(store->snapshot);
    store->snapshot = NULL;
    store->snapshot_held = false;
}

void store_end_read(struct store_txn *txn)
{
    if (txn->mdb != txn->store->rehearsal)
        mdb_txn_abort(txn->mdb);
}

void store_rehearse(struct store *store, bool begins)
{
    ASSERT(store->rehearses != begins);
    store->rehearses = begins;
    if (store->rehearsal != NULL)
        mdb_txn_abort(store->rehearsal);
    store->rehearsal = NULL;
}

/* A transaction for one change; in a rehearsal, inside the one that will be undone. */
static enum status store_begin_write(struct store *store, struct report *report, MDB_txn **ret_txn)
{
    if (!store->rehearses)
        return store_status(store_begin(store, 0, ret_txn), report);
    int rc = store->rehearsal != NULL ? 0 : store_begin(store, 0, &store->rehearsal);
    if (rc == 0)
        rc = mdb_txn_begin(store->env, store->rehearsal, 0, ret_txn);
    return store_status(rc, report);
}

static enum status
store_write_once(struct store *store, store_change *change, void *context, struct report *report)
{
    struct store_txn txn = {
        .store = store, .report = report, .now_ns = clock_realtime_ns(store->options.clock)};
    store->gone_count = 0;
    store->action = NULL;
    store->gone_blobs.count = 0;
    store->gone_keys.count = 0;
    enum status status = store_begin_write(store, report, &txn.mdb);
    if (status != STATUS_OK)
        return status;
    status = change(&txn, context);
    if (status == STATUS_OK)
        return store_status(mdb_txn_commit(txn.mdb), report);
    mdb_txn_abort(txn.mdb);
    return status;
}

static enum status store_write_with_reserve(struct store *store,
                                            store_change *change,
                                            void *context,
                                            struct report *report)
{
    char path[sizeof(store->dir) + 16];
    store_ballast_path(store, path, sizeof(path));
    (void)unlink(path);
    if (store->env != NULL)
        (void)mdb_env_set_mapsize(store->env, store->options.map_bytes + STORE_RESERVE_BYTES);
    enum status status = store_write_once(store, change, context, report);
    /* Not below what is in use: LMDB sees to that. */
    if (store->env != NULL)
        (void)mdb_env_set_mapsize(store->env, store->options.map_bytes);
    store_take_ballast(store);
    return status;
}

enum status store_write(struct store *store,
                        const struct store_target *target,
                        store_change *change,
                        void *context,
                        bool shrinks,
                        struct report *report)
{
    struct report first = REPORT_INIT;
    enum status status = store_write_once(store, change, context, &first);
    if (status == STATUS_FULL && shrinks && !store->rehearses) {
        first = (struct report)REPORT_INIT;
        status = store_write_with_reserve(store, change, context, &first);
    }
    if (status != STATUS_OK)
        return report_fail(report, status, first.offset, "%s",
                           first.status == STATUS_OK ? status_text(status) : first.text);
    if (store->action == NULL || store->rehearses)
        return STATUS_OK;
    const struct store_changed changed = {
        .action = store->action, .target = *target, .version = store->version};
    store->options.committed(store->options.context, &changed);
    for (uint32_t i = 0; i < store->gone_count; i++) {
        /* The same change may have brought it back. */
        if (!store_has_artifact(store, store->gone[i]))
            store->options.artifact_gone(store->options.context, store->gone[i]);
    }
    for (size_t i = 0; i < store->gone_keys.count && store->options.key_gone != NULL;
         i += DEPLOY_SHA256_BYTES)
        store->options.key_gone(store->options.context, store->gone_keys.data + i);
    /* What a snapshot may still have goes when the store is swept. */
    if (!store->snapshot_held)
        store_remove_gone_blobs(store);
    return STATUS_OK;
}

enum status
store_view(const struct store_txn *txn, enum records_db db, MDB_val key, struct bytes *ret_value)
{
    MDB_val value;
    /* Of an older server, which had no such database. */
    if (txn->store->dbi[db] == LMDB_ENV_NO_DB)
        return STATUS_NOT_FOUND;
    int rc = mdb_get(txn->mdb, txn->store->dbi[db], &key, &value);
    if (rc == 0)
        *ret_value = bytes_make(value.mv_data, value.mv_size);
    return store_status(rc, txn->report);
}

enum status store_get_record(
    const struct store_txn *txn, enum records_db db, MDB_val key, void *ret_record, size_t bytes)
{
    struct bytes value = {0};
    enum status status = store_view(txn, db, key, &value);
    if (status != STATUS_OK)
        return status;
    if (value.count != bytes)
        return report_fail(txn->report, STATUS_CORRUPT, REPORT_OFFSET_NONE,
                           "the store is damaged: a record of %zu bytes in `%s`", value.count,
                           records_db_names()[db]);
    memcpy(ret_record, value.data, bytes);
    return STATUS_OK;
}

enum status store_put_record(
    const struct store_txn *txn, enum records_db db, MDB_val key, const void *record, size_t bytes)
{
    MDB_val value = store_val(record, bytes);
    return store_status(mdb_put(txn->mdb, txn->store->dbi[db], &key, &value, 0), txn->report);
}

enum status store_delete_record(const struct store_txn *txn, enum records_db db, MDB_val key)
{
    int rc = mdb_del(txn->mdb, txn->store->dbi[db], &key, NULL);
    return store_status(rc == MDB_NOTFOUND ? 0 : rc, txn->report);
}

enum status store_find_function(const struct store_txn *txn,
                                const struct store_target *target,
                                struct records_function *ret_record)
{
    struct records_tenant tenant;
    struct records_key key = records_function_key(target->tenant, target->function);
    enum status status = store_get_record(txn, RECORDS_FUNCTION, store_val(key.data, key.count),
                                          ret_record, sizeof(*ret_record));
    if (status != STATUS_NOT_FOUND)
        return status;
    status =
        store_get_record(txn, RECORDS_TENANT, store_val(target->tenant.data, target->tenant.count),
                         &tenant, sizeof(tenant));
    if (status == STATUS_OK)
        return report_fail(txn->report, STATUS_NOT_FOUND, REPORT_OFFSET_NONE,
                           "tenant `%.*s` has no function `%.*s`", (int)target->tenant.count,
                           (const char *)target->tenant.data, (int)target->function.count,
                           (const char *)target->function.data);
    if (status == STATUS_NOT_FOUND)
        (void)report_fail(txn->report, status, REPORT_OFFSET_NONE, "there is no tenant `%.*s`",
                          (int)target->tenant.count, (const char *)target->tenant.data);
    return status;
}
