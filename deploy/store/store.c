/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The LMDB environment and the frame around its transactions.
 *
 * Never MDB_WRITEMAP or MDB_NOSYNC: a commit that returned is on disk, and no stray
 * pointer of ours can reach the pages. The environment never crosses a fork: children
 * are spawned, and its descriptors are close-on-exec. Room to delete is kept in two
 * places: the map may grow by STORE_RESERVE_BYTES for a change that shrinks the store,
 * and the file `ballast` is given up when the disk is full.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "deploy/store/store_check.h"
#include "deploy/store/store_private.h"

#define STORE_READERS_MAX   1024
#define STORE_RESERVE_BYTES (64ULL << 20)
#define STORE_BALLAST_BYTES (4LL << 20)

static const char *const store_db_names[RECORDS_DB_COUNT] = {
#define DB(name, text) [RECORDS_##name] = (text),
    RECORDS_DBS(DB)
#undef DB
};

enum status store_status(int rc, struct report *report)
{
    switch (rc) {
    case 0:
        return STATUS_OK;
    case MDB_NOTFOUND:
        return STATUS_NOT_FOUND;
    case MDB_MAP_FULL:
        return report_fail(report, STATUS_FULL, REPORT_OFFSET_NONE,
                           "the store is full: remove functions, or raise store.map_size");
    case ENOSPC:
    case EDQUOT:
    case EIO: /* LMDB's word for a short write, which is a full disk more often than not */
        return report_fail(report, STATUS_FULL, REPORT_OFFSET_NONE,
                           "the disk of the data directory is full or failing (%s): free some "
                           "space, or remove functions",
                           mdb_strerror(rc));
    case ENOMEM:
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE,
                           "out of memory for the store");
    case EACCES:
    case EPERM:
        return report_fail(report, STATUS_DENIED, REPORT_OFFSET_NONE,
                           "the store may not be opened: %s", mdb_strerror(rc));
    case MDB_READERS_FULL:
        return report_fail(report, STATUS_BUSY, REPORT_OFFSET_NONE,
                           "the store has too many readers");
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INVALID:
    case MDB_VERSION_MISMATCH:
        return report_fail(report, STATUS_CORRUPT, REPORT_OFFSET_NONE,
                           "the store is damaged or cut short (%s): restore it from a backup",
                           mdb_strerror(rc));
    default:
        return report_fail(report, STATUS_IO, REPORT_OFFSET_NONE, "the store failed: %s",
                           mdb_strerror(rc));
    }
}

static int store_open_dbs(struct store *store)
{
    MDB_txn *txn;
    int rc = mdb_txn_begin(store->env, NULL, 0, &txn);
    if (rc != 0)
        return rc;
    for (int db = 0; rc == 0 && db < RECORDS_DB_COUNT; db++)
        rc = mdb_dbi_open(txn, store_db_names[db], MDB_CREATE, &store->dbi[db]);
    if (rc == 0)
        return mdb_txn_commit(txn);
    mdb_txn_abort(txn);
    return rc;
}

/* LMDB opens its data file without this flag, the other files with it. */
static int store_close_on_exec(MDB_env *env)
{
    int fd;
    int rc = mdb_env_get_fd(env, &fd);
    if (rc != 0)
        return rc;
    return fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 ? 0 : errno;
}

static int store_open_env(struct store *store)
{
    int dead;
    int rc = mdb_env_create(&store->env);
    if (rc == 0)
        rc = mdb_env_set_maxdbs(store->env, RECORDS_DB_COUNT);
    if (rc == 0)
        rc = mdb_env_set_maxreaders(store->env, STORE_READERS_MAX);
    if (rc == 0)
        rc = mdb_env_set_mapsize(store->env, store->options.map_bytes);
    if (rc == 0)
        rc = mdb_env_open(store->env, store->dir, MDB_NOTLS, 0600);
    if (rc == 0)
        rc = store_close_on_exec(store->env);
    if (rc == 0)
        rc = store_check_length(store->env, store_db_names, RECORDS_DB_COUNT);
    if (rc == 0)
        rc = mdb_reader_check(store->env, &dead);
    if (rc == 0)
        rc = store_open_dbs(store);
    return rc;
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
    ASSERT(strlen(options->dir) < sizeof(store->dir));
    memcpy(store->dir, options->dir, strlen(options->dir) + 1);
    int rc = store_open_env(store);
    enum status status = rc == 0 ? STATUS_OK : store_not_opened(store, rc, report);
    if (status == STATUS_OK && !store_sync_dir(store))
        status = report_errno(report, "cannot sync %s", store->dir);
    if (status == STATUS_OK)
        status = blobs_open(options->data_dir, options->clock, report, &store->blobs);
    if (status == STATUS_OK) {
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
    if (store->env != NULL)
        mdb_env_close(store->env);
    buffer_done(&store->gone_blobs);
    blobs_close(store->blobs);
    free(store);
}

void store_act_as(struct store *store, const struct store_actor *actor)
{
    store->actor = actor;
}

void store_tend(struct store *store)
{
    int dead;
    (void)mdb_reader_check(store->env, &dead);
    (void)blobs_sweep_step(store->blobs, store);
}

struct blobs *store_blobs(struct store *store)
{
    return store->blobs;
}

/* After an I/O error in the wrong place LMDB wants its environment opened anew. */
static int store_begin(struct store *store, unsigned flags, MDB_txn **ret_txn)
{
    int rc = mdb_txn_begin(store->env, NULL, flags, ret_txn);
    if (rc != MDB_PANIC)
        return rc;
    mdb_env_close(store->env);
    store->env = NULL;
    rc = store_open_env(store);
    return rc == 0 ? mdb_txn_begin(store->env, NULL, flags, ret_txn) : rc;
}

enum status store_begin_read(struct store *store, struct report *report, struct store_txn *ret_txn)
{
    *ret_txn = (struct store_txn){.store = store, .report = report};
    return store_status(store_begin(store, MDB_RDONLY, &ret_txn->mdb), report);
}

void store_end_read(struct store_txn *txn)
{
    mdb_txn_abort(txn->mdb);
}

static enum status
store_write_once(struct store *store, store_change *change, void *context, struct report *report)
{
    struct store_txn txn = {
        .store = store, .report = report, .now_ns = clock_realtime_ns(store->options.clock)};
    store->gone_count = 0;
    store->action = NULL;
    store->gone_blobs.count = 0;
    enum status status = store_status(store_begin(store, 0, &txn.mdb), report);
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
    (void)mdb_env_set_mapsize(store->env, store->options.map_bytes + STORE_RESERVE_BYTES);
    enum status status = store_write_once(store, change, context, report);
    /* Not below what is in use: LMDB sees to that. */
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
    if (status == STATUS_FULL && shrinks) {
        first = (struct report)REPORT_INIT;
        status = store_write_with_reserve(store, change, context, &first);
    }
    if (status != STATUS_OK)
        return report_fail(report, status, first.offset, "%s",
                           first.status == STATUS_OK ? status_text(status) : first.text);
    if (store->action == NULL)
        return STATUS_OK;
    const struct store_changed changed = {
        .action = store->action, .target = *target, .version = store->version};
    store->options.committed(store->options.context, &changed);
    for (uint32_t i = 0; i < store->gone_count; i++) {
        /* The same change may have brought it back. */
        if (!store_has_artifact(store, store->gone[i]))
            store->options.artifact_gone(store->options.context, store->gone[i]);
    }
    store_remove_gone_blobs(store);
    return STATUS_OK;
}

enum status
store_view(const struct store_txn *txn, enum records_db db, MDB_val key, struct bytes *ret_value)
{
    MDB_val value;
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
                           store_db_names[db]);
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
