/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The changes: a version more, a function less, a tenant. Each is one function
 * that runs inside a transaction and may run twice, so it changes nothing outside of it
 * but `gone`, which its transaction starts anew.
 */
#include <inttypes.h>
#include <stdio.h>

#include "deploy/store/store_private.h"

/* ---- modules and artifacts, and their use counts ----------------------------------------------
 */

static enum status store_module_use(const struct store_txn *txn,
                                    const uint8_t sha256[DEPLOY_SHA256_BYTES],
                                    struct bytes module)
{
    struct records_module_use use = {.module_bytes = module.count};
    MDB_val key = store_val(sha256, DEPLOY_SHA256_BYTES);
    enum status status = store_get_record(txn, RECORDS_MODULE_USE, key, &use, sizeof(use));
    if (status == STATUS_NOT_FOUND)
        status = store_put_record(txn, RECORDS_MODULE, key, module.data, module.count);
    if (status != STATUS_OK)
        return status;
    use.use_count++;
    return store_put_record(txn, RECORDS_MODULE_USE, key, &use, sizeof(use));
}

static enum status store_module_unuse(const struct store_txn *txn,
                                      const uint8_t sha256[DEPLOY_SHA256_BYTES])
{
    struct records_module_use use;
    MDB_val key = store_val(sha256, DEPLOY_SHA256_BYTES);
    enum status status = store_get_record(txn, RECORDS_MODULE_USE, key, &use, sizeof(use));
    if (status == STATUS_NOT_FOUND || (status == STATUS_OK && use.use_count == 0))
        return report_fail(txn->report, STATUS_CORRUPT, REPORT_OFFSET_NONE,
                           "the store is damaged: an artifact without its module");
    if (status != STATUS_OK)
        return status;
    use.use_count--;
    if (use.use_count > 0)
        return store_put_record(txn, RECORDS_MODULE_USE, key, &use, sizeof(use));
    status = store_delete_record(txn, RECORDS_MODULE_USE, key);
    return status == STATUS_OK ? store_delete_record(txn, RECORDS_MODULE, key) : status;
}

/* One more artifact is built on it. */
static enum status
store_base_use(const struct store_txn *txn, MDB_val artifact_key, const struct store_base *base)
{
    struct records_artifact record = {.source = DEPLOY_SOURCE_BASE,
                                      .choices = base->choices & DEPLOY_ARTIFACT_CHOICES};
    MDB_val key = store_val(base->key, DEPLOY_SHA256_BYTES);
    memcpy(record.sha256, base->sha256, sizeof(record.sha256));
    enum status status = store_get_record(txn, RECORDS_ARTIFACT, key, &record, sizeof(record));
    if (status == STATUS_NOT_FOUND)
        status = store_module_use(txn, base->sha256, base->module);
    if (status != STATUS_OK)
        return status;
    record.use_count++;
    status = store_put_record(txn, RECORDS_ARTIFACT, key, &record, sizeof(record));
    return status == STATUS_OK
               ? store_put_record(txn, RECORDS_BASE, artifact_key, base->key, DEPLOY_SHA256_BYTES)
               : status;
}

/* An artifact's first version: what it is made of. */
static enum status
store_artifact_make(const struct store_txn *txn, MDB_val key, const struct store_upload *upload)
{
    enum status status = store_module_use(txn, upload->content->sha256, upload->module);
    if (status == STATUS_OK && upload->config.count > 0)
        status =
            store_put_record(txn, RECORDS_CONFIG, key, upload->config.data, upload->config.count);
    if (status == STATUS_OK && upload->base != NULL)
        status = store_base_use(txn, key, upload->base);
    return status == STATUS_OK ? store_put_files(txn, key, upload->target.tenant, upload->files)
                               : status;
}

static enum status store_artifact_use(const struct store_txn *txn,
                                      const struct store_upload *upload)
{
    struct records_artifact record = {.config_bytes = upload->config.count,
                                      .source = upload->content->source,
                                      .choices =
                                          upload->content->choices & DEPLOY_ARTIFACT_CHOICES};
    MDB_val key = store_val(upload->content->artifact_key, DEPLOY_SHA256_BYTES);
    memcpy(record.sha256, upload->content->sha256, sizeof(record.sha256));
    enum status status = store_get_record(txn, RECORDS_ARTIFACT, key, &record, sizeof(record));
    if (status == STATUS_NOT_FOUND)
        status = store_artifact_make(txn, key, upload);
    if (status != STATUS_OK)
        return status;
    record.use_count++;
    /* Each time, since artifacts of older servers came without. */
    if (upload->surface.count > 0)
        status = store_put_record(txn, RECORDS_SURFACE, key, upload->surface.data,
                                  upload->surface.count);
    return status == STATUS_OK
               ? store_put_record(txn, RECORDS_ARTIFACT, key, &record, sizeof(record))
               : status;
}

/* One use less; the last one's module and configuration go with the record. */
static enum status store_artifact_release(const struct store_txn *txn,
                                          const uint8_t artifact_key[DEPLOY_SHA256_BYTES],
                                          bool *ret_gone)
{
    struct store *store = txn->store;
    struct records_artifact record;
    MDB_val key = store_val(artifact_key, DEPLOY_SHA256_BYTES);
    enum status status = store_get_record(txn, RECORDS_ARTIFACT, key, &record, sizeof(record));
    if (status == STATUS_NOT_FOUND || (status == STATUS_OK && record.use_count == 0))
        return report_fail(txn->report, STATUS_CORRUPT, REPORT_OFFSET_NONE,
                           "the store is damaged: a version without its artifact's record");
    if (status != STATUS_OK)
        return status;
    record.use_count--;
    *ret_gone = record.use_count == 0;
    if (record.use_count > 0)
        return store_put_record(txn, RECORDS_ARTIFACT, key, &record, sizeof(record));
    ASSERT(store->gone_count < COUNT_OF(store->gone));
    memcpy(store->gone[store->gone_count++], artifact_key, DEPLOY_SHA256_BYTES);
    status = store_delete_record(txn, RECORDS_ARTIFACT, key);
    if (status == STATUS_OK)
        status = store_delete_record(txn, RECORDS_CONFIG, key);
    if (status == STATUS_OK)
        status = store_delete_record(txn, RECORDS_SURFACE, key);
    if (status == STATUS_OK)
        status = store_drop_files(txn, key);
    return status == STATUS_OK ? store_module_unuse(txn, record.sha256) : status;
}

static enum status store_artifact_unuse(const struct store_txn *txn,
                                        const uint8_t artifact_key[DEPLOY_SHA256_BYTES])
{
    uint8_t base[DEPLOY_SHA256_BYTES];
    bool gone = false;
    MDB_val key = store_val(artifact_key, DEPLOY_SHA256_BYTES);
    enum status status = store_artifact_release(txn, artifact_key, &gone);
    if (status != STATUS_OK || !gone)
        return status;
    status = store_get_record(txn, RECORDS_BASE, key, base, sizeof(base));
    if (status == STATUS_NOT_FOUND)
        return STATUS_OK;
    if (status == STATUS_OK)
        status = store_delete_record(txn, RECORDS_BASE, key);
    return status == STATUS_OK ? store_artifact_release(txn, base, &gone) : status;
}

/* ---- versions -------------------------------------------------------------------------------- */

/* Versions that are not dropped. */
struct store_spared {
    uint32_t versions[STORE_VERSIONS_IN_USE];
    uint32_t count;
};

static bool store_is_spared(const struct store_spared *spared, uint32_t version)
{
    for (uint32_t i = 0; i < spared->count; i++) {
        if (spared->versions[i] == version)
            return true;
    }
    return false;
}

/* The function's first version that is not spared; NOT_FOUND if there is none. */
static enum status store_oldest_version(const struct store_txn *txn,
                                        const struct records_key *function,
                                        const struct store_spared *spared,
                                        uint32_t *ret_version,
                                        struct records_version *ret_record)
{
    MDB_cursor *cursor;
    MDB_val value;
    struct records_key first = records_version_key(function, 0);
    MDB_val key = store_val(first.data, first.count);
    enum status status = store_status(
        mdb_cursor_open(txn->mdb, txn->store->dbi[RECORDS_VERSION], &cursor), txn->report);
    if (status != STATUS_OK)
        return status;
    uint32_t version = 0;
    int rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    for (; rc == 0; rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
        const uint8_t *data = key.mv_data;
        if (key.mv_size != first.count || memcmp(data, first.data, first.count - 4) != 0)
            rc = MDB_NOTFOUND;
        if (rc != 0)
            break;
        version = 0;
        for (size_t i = first.count - 4; i < first.count; i++)
            version = version << 8 | data[i];
        if (!store_is_spared(spared, version))
            break;
    }
    status = store_status(rc, txn->report);
    if (status == STATUS_OK && value.mv_size != sizeof(*ret_record))
        status = report_fail(txn->report, STATUS_CORRUPT, REPORT_OFFSET_NONE,
                             "the store is damaged: a version's record has the wrong size");
    if (status == STATUS_OK) {
        memcpy(ret_record, value.mv_data, sizeof(*ret_record));
        *ret_version = version;
    }
    mdb_cursor_close(cursor);
    return status;
}

/* Removes the oldest version but those, unless it is newer than `last`; NOT_FOUND if there is
 * none. */
static enum status store_drop_oldest(const struct store_txn *txn,
                                     struct bytes tenant,
                                     const struct records_key *function,
                                     const struct store_spared *spared,
                                     uint32_t last,
                                     uint32_t *ret_version)
{
    uint32_t version;
    struct records_version record;
    enum status status = store_oldest_version(txn, function, spared, &version, &record);
    if (status == STATUS_OK && version > last)
        return STATUS_NOT_FOUND;
    if (status != STATUS_OK)
        return status;
    *ret_version = version;
    struct records_key key = records_version_key(function, version);
    status = store_count_dropped(txn, &key, &record);
    if (status == STATUS_OK)
        status = store_delete_record(txn, RECORDS_VERSION, store_val(key.data, key.count));
    if (status == STATUS_OK)
        status = store_delete_record(txn, RECORDS_MANIFEST, store_val(key.data, key.count));
    if (status == STATUS_OK)
        status = store_drop_assets(txn, store_val(key.data, key.count), tenant);
    return status == STATUS_OK ? store_artifact_unuse(txn, record.content.artifact_key) : status;
}

/* ---- add a version --------------------------------------------------------------------------- */

struct store_adding {
    const struct store_upload *upload;
    uint32_t version; /* result */
};

/* The function's record, new if need be; its tenant is made, or counts one function more. */
static enum status store_make_function(const struct store_txn *txn,
                                       const struct store_target *target,
                                       const struct records_key *function_key,
                                       struct records_function *ret_record)
{
    struct records_tenant tenant = {.created_ns = txn->now_ns};
    MDB_val tenant_key = store_val(target->tenant.data, target->tenant.count);
    enum status status =
        store_get_record(txn, RECORDS_FUNCTION, store_val(function_key->data, function_key->count),
                         ret_record, sizeof(*ret_record));
    if (status != STATUS_NOT_FOUND)
        return status;
    *ret_record = (struct records_function){.created_ns = txn->now_ns};
    status = store_get_record(txn, RECORDS_TENANT, tenant_key, &tenant, sizeof(tenant));
    if (status == STATUS_OK || status == STATUS_NOT_FOUND)
        status = store_check_functions(txn, target->tenant, tenant.function_count);
    if (status != STATUS_OK)
        return status;
    tenant.function_count++;
    return store_put_record(txn, RECORDS_TENANT, tenant_key, &tenant, sizeof(tenant));
}

static enum status store_add_records(const struct store_txn *txn,
                                     const struct store_upload *upload,
                                     const struct records_key *function_key,
                                     struct records_function *function)
{
    struct records_version version = {.content = *upload->content,
                                      .module_bytes = upload->module.count,
                                      .created_ns = txn->now_ns};
    ASSERT(upload->content->config_bytes == upload->config.count);
    function->last_version++;
    function->version_count++;
    function->updated_ns = txn->now_ns;
    struct records_key key = records_version_key(function_key, function->last_version);
    enum status status = store_artifact_use(txn, upload);
    if (status == STATUS_OK)
        status = store_put_record(txn, RECORDS_VERSION, store_val(key.data, key.count), &version,
                                  sizeof(version));
    if (status == STATUS_OK && upload->manifest.count > 0)
        status = store_put_record(txn, RECORDS_MANIFEST, store_val(key.data, key.count),
                                  upload->manifest.data, upload->manifest.count);
    if (status == STATUS_OK)
        status = store_put_assets(txn, store_val(key.data, key.count), upload->target.tenant,
                                  upload->assets);
    if (status != STATUS_OK)
        return status;
    if (!upload->activate)
        return store_put_record(txn, RECORDS_FUNCTION,
                                store_val(function_key->data, function_key->count), function,
                                sizeof(*function));
    struct records_deployment next;
    const struct deploy_share share = {.version = function->last_version, .parts = upload->parts};
    status = store_share_out(txn, &upload->target, function, share, &next);
    return status == STATUS_OK ? store_become(txn, &upload->target, function, &next) : status;
}

/* Makes room for a version: what will be neither one of the newest nor in use goes. */
static enum status store_prune(const struct store_txn *txn,
                               const struct store_upload *upload,
                               const struct records_key *key,
                               struct records_function *function)
{
    uint32_t kept = 0;
    uint32_t newest = function->last_version + 1;
    struct store_spared spared;
    enum status status = store_in_use(txn, &upload->target, function, upload->activate,
                                      spared.versions, &spared.count);
    if (status == STATUS_OK)
        status = store_kept_versions(txn, upload->target.tenant, &kept);
    while (status == STATUS_OK && newest > kept) {
        struct store_logged logged = {.action = "prune", .target = &upload->target};
        status = store_drop_oldest(txn, upload->target.tenant, key, &spared, newest - kept,
                                   &logged.version);
        if (status == STATUS_OK)
            status = store_log(txn, &logged);
        function->version_count -= status == STATUS_OK ? 1 : 0;
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status store_change_add(struct store_txn *txn, void *context)
{
    struct store_adding *adding = context;
    const struct store_upload *upload = adding->upload;
    struct records_function function;
    struct records_key key = records_function_key(upload->target.tenant, upload->target.function);
    enum status status = store_make_function(txn, &upload->target, &key, &function);
    if (status != STATUS_OK)
        return status;
    if (function.last_version == UINT32_MAX)
        return report_fail(txn->report, STATUS_LIMIT, REPORT_OFFSET_NONE,
                           "the function has used up its version numbers: remove it first");
    status = store_prune(txn, upload, &key, &function);
    if (status == STATUS_OK)
        status = store_count_added(txn, upload);
    if (status == STATUS_OK)
        status = store_add_records(txn, upload, &key, &function);
    if (status != STATUS_OK)
        return status;
    adding->version = function.last_version;
    const struct store_logged logged = {.action = upload->activate ? "deploy" : "upload",
                                        .target = &upload->target,
                                        .version = function.last_version,
                                        .content = upload->content,
                                        .signer = upload->signer};
    return store_log(txn, &logged);
}

enum status store_add_version(struct store *store,
                              const struct store_upload *upload,
                              struct report *report,
                              uint32_t *ret_version)
{
    struct store_adding adding = {.upload = upload};
    enum status status =
        store_write(store, &upload->target, store_change_add, &adding, false, report);
    if (status == STATUS_OK)
        *ret_version = adding.version;
    return status;
}

/* ---- delete ---------------------------------------------------------------------------------- */

struct store_deleting {
    const struct store_target *target;
    uint32_t version_count; /* result */
};

static enum status store_uncount_function(const struct store_txn *txn, struct bytes name)
{
    struct records_tenant tenant;
    MDB_val key = store_val(name.data, name.count);
    enum status status = store_get_record(txn, RECORDS_TENANT, key, &tenant, sizeof(tenant));
    if (status == STATUS_NOT_FOUND || (status == STATUS_OK && tenant.function_count == 0))
        return report_fail(txn->report, STATUS_CORRUPT, REPORT_OFFSET_NONE,
                           "the store is damaged: a function without its tenant");
    if (status != STATUS_OK)
        return status;
    tenant.function_count--;
    return store_put_record(txn, RECORDS_TENANT, key, &tenant, sizeof(tenant));
}

static enum status store_change_delete(struct store_txn *txn, void *context)
{
    static const struct store_spared none = {.count = 0};
    struct store_deleting *deleting = context;
    struct records_function function;
    enum status status = store_find_function(txn, deleting->target, &function);
    if (status != STATUS_OK)
        return status;
    struct records_key key =
        records_function_key(deleting->target->tenant, deleting->target->function);
    deleting->version_count = 0;
    for (; status == STATUS_OK &&
           deleting->version_count <= STORE_VERSIONS_MAX + STORE_VERSIONS_IN_USE;
         deleting->version_count++) {
        uint32_t version;
        status =
            store_drop_oldest(txn, deleting->target->tenant, &key, &none, UINT32_MAX, &version);
        if (status == STATUS_NOT_FOUND)
            break;
    }
    if (status != STATUS_NOT_FOUND)
        return status != STATUS_OK ? status
                                   : report_fail(txn->report, STATUS_CORRUPT, REPORT_OFFSET_NONE,
                                                 "the store is damaged: too many versions");
    status = store_delete_record(txn, RECORDS_FUNCTION, store_val(key.data, key.count));
    if (status == STATUS_OK)
        status = store_drop_deployments(txn, deleting->target);
    if (status == STATUS_OK)
        status = store_drop_belongings(txn, deleting->target);
    if (status == STATUS_OK)
        status = store_uncount_function(txn, deleting->target->tenant);
    if (status == STATUS_OK)
        status = store_forget_later(txn, deleting->target);
    const struct store_logged logged = {.action = "delete", .target = deleting->target};
    return status == STATUS_OK ? store_log(txn, &logged) : status;
}

enum status store_delete_function(struct store *store,
                                  const struct store_target *target,
                                  struct report *report,
                                  uint32_t *ret_version_count)
{
    struct store_deleting deleting = {.target = target};
    enum status status = store_write(store, target, store_change_delete, &deleting, true, report);
    if (status == STATUS_OK)
        *ret_version_count = deleting.version_count;
    return status;
}
