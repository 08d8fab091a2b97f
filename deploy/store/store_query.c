/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The questions: each opens a read transaction, copies what it found, and closes it, so
 * that no reader keeps old pages from being used again.
 */
#include "deploy/lmdb/lmdb_env.h"
#include "deploy/store/store_private.h"

static enum status store_no_tenant(const struct store_txn *txn, struct bytes tenant)
{
    return report_fail(txn->report, STATUS_NOT_FOUND, REPORT_OFFSET_NONE,
                       "there is no tenant `%.*s`", (int)tenant.count, (const char *)tenant.data);
}

static bool store_copy_name(const void *data, size_t count, char ret_name[DEPLOY_NAME_BYTES])
{
    if (count >= DEPLOY_NAME_BYTES)
        return false;
    memcpy(ret_name, data, count);
    ret_name[count] = '\0';
    return true;
}

enum status store_get_tenant(struct store *store,
                             struct bytes tenant,
                             struct report *report,
                             struct store_tenant *ret_tenant)
{
    struct store_txn txn;
    struct store_tenant found;
    enum status status = store_begin_read(store, report, &txn);
    if (status != STATUS_OK)
        return status;
    status = store_get_record(&txn, RECORDS_TENANT, store_val(tenant.data, tenant.count),
                              &found.record, sizeof(found.record));
    if (status == STATUS_NOT_FOUND)
        (void)store_no_tenant(&txn, tenant);
    if (status == STATUS_OK && store_copy_name(tenant.data, tenant.count, found.tenant))
        status = store_fill_tenant(&txn, &found);
    if (status == STATUS_OK)
        *ret_tenant = found;
    store_end_read(&txn);
    return status;
}

enum status store_get_function(struct store *store,
                               const struct store_target *target,
                               struct report *report,
                               struct store_function *ret_function)
{
    struct store_txn txn;
    struct store_function found;
    enum status status = store_begin_read(store, report, &txn);
    if (status != STATUS_OK)
        return status;
    status = store_find_function(&txn, target, &found.record);
    if (status == STATUS_OK &&
        store_copy_name(target->tenant.data, target->tenant.count, found.tenant) &&
        store_copy_name(target->function.data, target->function.count, found.function))
        *ret_function = found;
    store_end_read(&txn);
    return status;
}

enum status store_get_version(struct store *store,
                              const struct store_target *target,
                              uint32_t version,
                              struct report *report,
                              struct store_version *ret_version)
{
    struct store_txn txn;
    struct records_function function;
    struct store_version found = {.version = version};
    enum status status = store_begin_read(store, report, &txn);
    if (status != STATUS_OK)
        return status;
    struct records_key key = records_function_key(target->tenant, target->function);
    struct records_key version_key = records_version_key(&key, version);
    status = store_find_function(&txn, target, &function);
    if (status == STATUS_OK) {
        status =
            store_get_record(&txn, RECORDS_VERSION, store_val(version_key.data, version_key.count),
                             &found.record, sizeof(found.record));
        if (status == STATUS_NOT_FOUND)
            (void)report_fail(report, status, REPORT_OFFSET_NONE, "the function has no version v%u",
                              version);
    }
    if (status == STATUS_OK)
        *ret_version = found;
    store_end_read(&txn);
    return status;
}

/* Appends a value; nothing if there is none. */
static enum status store_append_value(
    struct store *store, enum records_db db, MDB_val key, struct report *report, struct buffer *out)
{
    struct store_txn txn;
    struct bytes found = {0};
    enum status status = store_begin_read(store, report, &txn);
    if (status != STATUS_OK)
        return status;
    status = store_view(&txn, db, key, &found);
    if (status == STATUS_OK)
        status = buffer_append(out, found.data, found.count);
    store_end_read(&txn);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status store_append_of_version(struct store *store,
                                    enum records_db db,
                                    const struct store_target *target,
                                    uint32_t version,
                                    struct report *report,
                                    struct buffer *out)
{
    struct records_key key = records_function_key(target->tenant, target->function);
    struct records_key version_key = records_version_key(&key, version);
    return store_append_value(store, db, store_val(version_key.data, version_key.count), report,
                              out);
}

enum status store_get_surface(struct store *store,
                              const uint8_t key[DEPLOY_SHA256_BYTES],
                              struct report *report,
                              struct buffer *surface)
{
    return store_append_value(store, RECORDS_SURFACE, store_val(key, DEPLOY_SHA256_BYTES), report,
                              surface);
}

enum status store_get_manifest(struct store *store,
                               const struct store_target *target,
                               uint32_t version,
                               struct report *report,
                               struct buffer *manifest)
{
    return store_append_of_version(store, RECORDS_MANIFEST, target, version, report, manifest);
}

/* ---- lists ----------------------------------------------------------------------------------- */

/* `visit` says false to stop; `prefix` empty: all keys. */
struct store_walk {
    enum records_db db;
    MDB_val prefix;
    MDB_val after; /* mv_size 0: from the start */
    bool (*visit)(
        void *context, MDB_val key, MDB_val value, struct report *report, enum status *ret_status);
    void *context;
};

static bool store_starts_with(MDB_val key, MDB_val prefix)
{
    return key.mv_size >= prefix.mv_size &&
           (prefix.mv_size == 0 || memcmp(key.mv_data, prefix.mv_data, prefix.mv_size) == 0);
}

static enum status
store_walk_cursor(const struct store_walk *walk, MDB_cursor *cursor, struct report *report)
{
    MDB_val value;
    bool from_start = walk->after.mv_size == 0 && walk->prefix.mv_size == 0;
    MDB_val key = walk->after.mv_size > 0 ? walk->after : walk->prefix;
    int rc = mdb_cursor_get(cursor, &key, &value, from_start ? MDB_FIRST : MDB_SET_RANGE);
    if (rc == 0 && walk->after.mv_size > 0 && key.mv_size == walk->after.mv_size &&
        memcmp(key.mv_data, walk->after.mv_data, key.mv_size) == 0)
        rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    for (; rc == 0; rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
        enum status status = STATUS_OK;
        if (!store_starts_with(key, walk->prefix) ||
            !walk->visit(walk->context, key, value, report, &status))
            return status;
    }
    return rc == MDB_NOTFOUND ? STATUS_OK : store_status(rc, report);
}

static enum status store_walk(const struct store_txn *txn, const struct store_walk *walk)
{
    MDB_cursor *cursor;
    if (txn->store->dbi[walk->db] == LMDB_ENV_NO_DB)
        return STATUS_OK; /* a database of a later version, which only its writer makes */
    enum status status =
        store_status(mdb_cursor_open(txn->mdb, txn->store->dbi[walk->db], &cursor), txn->report);
    if (status != STATUS_OK)
        return status;
    status = store_walk_cursor(walk, cursor, txn->report);
    mdb_cursor_close(cursor);
    return status;
}

static bool store_damaged(struct report *report, enum status *ret_status)
{
    *ret_status = report_fail(report, STATUS_CORRUPT, REPORT_OFFSET_NONE,
                              "the store is damaged: a record has the wrong form");
    return false;
}

struct store_visitor {
    bool (*tenant)(void *context, const struct store_tenant *);
    bool (*function)(void *context, const struct store_function *);
    bool (*version)(void *context, const struct store_version *);
    void *context;
};

static bool store_visit_tenant(
    void *context, MDB_val key, MDB_val value, struct report *report, enum status *ret_status)
{
    const struct store_visitor *visitor = context;
    struct store_tenant found;
    if (value.mv_size != sizeof(found.record) ||
        !store_copy_name(key.mv_data, key.mv_size, found.tenant))
        return store_damaged(report, ret_status);
    memcpy(&found.record, value.mv_data, sizeof(found.record));
    return visitor->tenant(visitor->context, &found);
}

static bool store_visit_function(
    void *context, MDB_val key, MDB_val value, struct report *report, enum status *ret_status)
{
    const struct store_visitor *visitor = context;
    struct store_function found;
    const uint8_t *text = key.mv_data;
    const uint8_t *slash = memchr(text, '/', key.mv_size);
    if (slash == NULL || value.mv_size != sizeof(found.record))
        return store_damaged(report, ret_status);
    size_t tenant_count = (size_t)(slash - text);
    if (!store_copy_name(text, tenant_count, found.tenant) ||
        !store_copy_name(slash + 1, key.mv_size - tenant_count - 1, found.function))
        return store_damaged(report, ret_status);
    memcpy(&found.record, value.mv_data, sizeof(found.record));
    return visitor->function(visitor->context, &found);
}

static bool store_visit_version(
    void *context, MDB_val key, MDB_val value, struct report *report, enum status *ret_status)
{
    const struct store_visitor *visitor = context;
    struct store_version found = {0};
    const uint8_t *text = key.mv_data;
    if (key.mv_size < 4 || value.mv_size != sizeof(found.record))
        return store_damaged(report, ret_status);
    for (size_t i = key.mv_size - 4; i < key.mv_size; i++)
        found.version = found.version << 8 | text[i];
    memcpy(&found.record, value.mv_data, sizeof(found.record));
    return visitor->version(visitor->context, &found);
}

enum status store_list_tenants(struct store *store,
                               struct bytes after,
                               bool (*visit)(void *context, const struct store_tenant *),
                               void *context,
                               struct report *report)
{
    struct store_txn txn;
    struct store_visitor visitor = {.tenant = visit, .context = context};
    const struct store_walk walk = {.db = RECORDS_TENANT,
                                    .after = store_val(after.data, after.count),
                                    .visit = store_visit_tenant,
                                    .context = &visitor};
    enum status status = store_begin_read(store, report, &txn);
    if (status != STATUS_OK)
        return status;
    status = store_walk(&txn, &walk);
    store_end_read(&txn);
    return status;
}

enum status store_list_functions(struct store *store,
                                 const struct store_target *after,
                                 bool (*visit)(void *context, const struct store_function *),
                                 void *context,
                                 struct report *report)
{
    struct store_txn txn;
    struct records_tenant tenant;
    struct store_visitor visitor = {.function = visit, .context = context};
    struct records_key prefix = records_function_key(after->tenant, bytes_make(NULL, 0));
    struct records_key from = records_function_key(after->tenant, after->function);
    const struct store_walk walk = {
        .db = RECORDS_FUNCTION,
        .prefix = store_val(prefix.data, prefix.count),
        .after = store_val(from.data, after->function.count == 0 ? 0 : from.count),
        .visit = store_visit_function,
        .context = &visitor};
    enum status status = store_begin_read(store, report, &txn);
    if (status != STATUS_OK)
        return status;
    status =
        store_get_record(&txn, RECORDS_TENANT, store_val(after->tenant.data, after->tenant.count),
                         &tenant, sizeof(tenant));
    if (status == STATUS_NOT_FOUND)
        (void)store_no_tenant(&txn, after->tenant);
    if (status == STATUS_OK)
        status = store_walk(&txn, &walk);
    store_end_read(&txn);
    return status;
}

enum status store_list_versions(struct store *store,
                                const struct store_target *target,
                                bool (*visit)(void *context, const struct store_version *),
                                void *context,
                                struct report *report)
{
    struct store_txn txn;
    struct records_function function;
    struct store_visitor visitor = {.version = visit, .context = context};
    struct records_key key = records_function_key(target->tenant, target->function);
    struct records_key prefix = records_version_key(&key, 0);
    const struct store_walk walk = {.db = RECORDS_VERSION,
                                    .prefix = store_val(prefix.data, prefix.count - 4),
                                    .visit = store_visit_version,
                                    .context = &visitor};
    enum status status = store_begin_read(store, report, &txn);
    if (status != STATUS_OK)
        return status;
    status = store_find_function(&txn, target, &function);
    if (status == STATUS_OK)
        status = store_walk(&txn, &walk);
    store_end_read(&txn);
    return status;
}

/* ---- modules, changelog, numbers ------------------------------------------------------------- */

bool store_has_artifact(struct store *store, const uint8_t key[DEPLOY_SHA256_BYTES])
{
    struct store_txn txn;
    struct bytes value;
    if (store_begin_read(store, NULL, &txn) != STATUS_OK)
        return true; /* unknown: then nothing may be thrown away */
    enum status status =
        store_view(&txn, RECORDS_ARTIFACT, store_val(key, DEPLOY_SHA256_BYTES), &value);
    store_end_read(&txn);
    return status != STATUS_NOT_FOUND;
}

/* The base of an artifact, if it has one. */
static enum status
store_find_base(const struct store_txn *txn, MDB_val name, struct store_source *source)
{
    struct bytes key;
    struct records_artifact record;
    enum status status = store_view(txn, RECORDS_BASE, name, &key);
    if (status == STATUS_NOT_FOUND)
        return STATUS_OK;
    if (status == STATUS_OK && key.count != DEPLOY_SHA256_BYTES)
        return STATUS_NOT_FOUND;
    if (status == STATUS_OK)
        status = store_get_record(txn, RECORDS_ARTIFACT, store_val(key.data, key.count), &record,
                                  sizeof(record));
    if (status == STATUS_OK)
        status = store_view(txn, RECORDS_MODULE, store_val(record.sha256, sizeof(record.sha256)),
                            &source->base_module);
    source->base_key = key.data;
    return status;
}

/* What belongs to an artifact's record; NOT_FOUND, with a report, if there is no such record. */
static enum status store_find_source(const struct store_txn *txn,
                                     const uint8_t key[DEPLOY_SHA256_BYTES],
                                     struct store_source *ret_source)
{
    struct records_artifact record;
    MDB_val name = store_val(key, DEPLOY_SHA256_BYTES);
    enum status status = store_get_record(txn, RECORDS_ARTIFACT, name, &record, sizeof(record));
    if (status == STATUS_NOT_FOUND)
        return report_fail(txn->report, status, REPORT_OFFSET_NONE, "no version has this artifact");
    *ret_source = (struct store_source){.choices = record.choices, .source = record.source};
    if (status == STATUS_OK && record.config_bytes > 0)
        status = store_view(txn, RECORDS_CONFIG, name, &ret_source->config);
    if (status == STATUS_OK)
        status = store_view_files(txn, name, &ret_source->tenant, &ret_source->files);
    if (status == STATUS_OK)
        status = store_view(txn, RECORDS_MODULE, store_val(record.sha256, sizeof(record.sha256)),
                            &ret_source->module);
    if (status == STATUS_OK)
        status = store_find_base(txn, name, ret_source);
    if (status == STATUS_NOT_FOUND ||
        (status == STATUS_OK && ret_source->config.count != record.config_bytes))
        return report_fail(
            txn->report, STATUS_CORRUPT, REPORT_OFFSET_NONE,
            "the store is damaged: an artifact without its module, base or configuration");
    return status;
}

enum status store_use_source(struct store *store,
                             const uint8_t key[DEPLOY_SHA256_BYTES],
                             enum status (*use)(void *context, const struct store_source *source),
                             void *context,
                             struct report *report)
{
    struct store_txn txn;
    struct store_source source;
    enum status status = store_begin_read(store, report, &txn);
    if (status != STATUS_OK)
        return status;
    status = store_find_source(&txn, key, &source);
    if (status == STATUS_OK)
        status = use(context, &source);
    store_end_read(&txn);
    return status;
}

static enum status store_append_config(void *context, const struct store_source *source)
{
    return buffer_append(context, source->config.data, source->config.count);
}

enum status store_get_config(struct store *store,
                             const uint8_t key[DEPLOY_SHA256_BYTES],
                             struct report *report,
                             struct buffer *config)
{
    enum status status = store_use_source(store, key, store_append_config, config, report);
    if (status == STATUS_NO_MEMORY)
        (void)report_fail(report, status, REPORT_OFFSET_NONE, "out of memory");
    return status;
}

enum status store_list_changes(struct store *store,
                               uint64_t before,
                               bool (*visit)(void *context, struct bytes json),
                               void *context,
                               struct report *report)
{
    struct store_txn txn;
    MDB_cursor *cursor;
    MDB_val key;
    MDB_val value;
    enum status status = store_begin_read(store, report, &txn);
    if (status != STATUS_OK)
        return status;
    status = store_status(mdb_cursor_open(txn.mdb, store->dbi[RECORDS_CHANGELOG], &cursor), report);
    if (status == STATUS_OK) {
        uint8_t serial[8];
        store_changelog_key(before, serial);
        key = store_val(serial, sizeof(serial));
        int rc = before == 0 ? MDB_NOTFOUND : mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
        rc = mdb_cursor_get(cursor, &key, &value, rc == MDB_NOTFOUND ? MDB_LAST : MDB_PREV);
        while (rc == 0 && visit(context, bytes_make(value.mv_data, value.mv_size)))
            rc = mdb_cursor_get(cursor, &key, &value, MDB_PREV);
        if (rc != 0 && rc != MDB_NOTFOUND)
            status = store_status(rc, report);
        mdb_cursor_close(cursor);
    }
    store_end_read(&txn);
    return status;
}

enum status store_stats(struct store *store, struct report *report, struct store_stats *ret_stats)
{
    struct store_txn txn;
    struct store_stats stats = {0};
    MDB_stat stat = {0};
    MDB_envinfo info;
    enum status status = store_begin_read(store, report, &txn);
    if (status != STATUS_OK)
        return status;
    for (int db = 0; status == STATUS_OK && db < RECORDS_DB_COUNT; db++) {
        status = store_status(mdb_stat(txn.mdb, store->dbi[db], &stat), report);
        stats.entries[db] = stat.ms_entries;
    }
    if (status == STATUS_OK)
        status = store_status(mdb_env_info(store->env, &info), report);
    if (status == STATUS_OK) {
        stats.map_bytes = info.me_mapsize;
        stats.used_bytes = (uint64_t)(info.me_last_pgno + 1) * stat.ms_psize;
        *ret_stats = stats;
    }
    store_end_read(&txn);
    return status;
}
