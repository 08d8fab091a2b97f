/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of files in the store, and who counts on which blob: a record for each blob that any list
 * has a row of. The last row that goes takes the record along; the file goes after the commit.
 */
#include "deploy/store/store_private.h"

static enum status store_files_damaged(const struct store_txn *txn)
{
    return report_fail(txn->report, STATUS_CORRUPT, REPORT_OFFSET_NONE,
                       "the store is damaged: a version's list of files");
}

enum status store_blobs_use(const struct store_txn *txn, struct bytes tenant, struct bytes list)
{
    struct deploy_file file;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && deploy_files_next(&list, &file)) {
        struct records_blob blob = {.bytes = file.size};
        struct records_key key = records_blob_key(tenant, file.sha256);
        MDB_val name = store_val(key.data, key.count);
        status = store_get_record(txn, RECORDS_BLOB, name, &blob, sizeof(blob));
        if (status != STATUS_OK && status != STATUS_NOT_FOUND)
            return status;
        blob.use_count++;
        status = store_put_record(txn, RECORDS_BLOB, name, &blob, sizeof(blob));
    }
    return status == STATUS_OK && list.count > 0 ? store_files_damaged(txn) : status;
}

static enum status store_blob_unuse(const struct store_txn *txn, const struct records_key *key)
{
    struct records_blob blob;
    MDB_val name = store_val(key->data, key->count);
    enum status status = store_get_record(txn, RECORDS_BLOB, name, &blob, sizeof(blob));
    if (status == STATUS_NOT_FOUND || (status == STATUS_OK && blob.use_count == 0))
        return store_files_damaged(txn);
    if (status != STATUS_OK)
        return status;
    blob.use_count--;
    if (blob.use_count > 0)
        return store_put_record(txn, RECORDS_BLOB, name, &blob, sizeof(blob));
    /* Without memory to remember it, the sweep finds it. */
    (void)!buffer_append(&txn->store->gone_blobs, key, sizeof(*key));
    return store_delete_record(txn, RECORDS_BLOB, name);
}

enum status store_blobs_unuse(const struct store_txn *txn, struct bytes tenant, struct bytes list)
{
    struct deploy_file file;
    struct buffer copy;
    buffer_init(&copy, DEPLOY_FILES_BYTES_MAX);
    enum status status = buffer_append(&copy, list.data, list.count);
    if (status != STATUS_OK)
        (void)report_fail(txn->report, status, REPORT_OFFSET_NONE, "out of memory");
    struct bytes rest = buffer_bytes(&copy);
    while (status == STATUS_OK && deploy_files_next(&rest, &file)) {
        struct records_key key = records_blob_key(tenant, file.sha256);
        status = store_blob_unuse(txn, &key);
    }
    if (status == STATUS_OK && rest.count > 0)
        status = store_files_damaged(txn);
    buffer_done(&copy);
    return status;
}

void store_remove_gone_blobs(struct store *store)
{
    struct records_key key;
    const struct buffer *gone = &store->gone_blobs;
    for (size_t at = 0; at + sizeof(key) <= gone->count; at += sizeof(key)) {
        memcpy(&key, gone->data + at, sizeof(key));
        ASSERT(key.count > DEPLOY_SHA256_BYTES);
        size_t tenant_bytes = key.count - DEPLOY_SHA256_BYTES - 1;
        struct bytes tenant = bytes_make(key.data, tenant_bytes);
        /* The same change may have brought it back. */
        if (!store_has_blob(store, tenant, key.data + tenant_bytes + 1))
            blobs_remove(store->blobs, tenant, key.data + tenant_bytes + 1);
    }
}

bool store_has_blob(struct store *store,
                    struct bytes tenant,
                    const uint8_t sha256[DEPLOY_SHA256_BYTES])
{
    struct store_txn txn;
    struct bytes value;
    if (store_begin_read(store, NULL, &txn) != STATUS_OK)
        return true; /* unknown: then nothing may be thrown away */
    struct records_key key = records_blob_key(tenant, sha256);
    enum status status = store_view(&txn, RECORDS_BLOB, store_val(key.data, key.count), &value);
    store_end_read(&txn);
    return status != STATUS_NOT_FOUND;
}

/* ---- files of an artifact -------------------------------------------------------------------- */

enum status store_view_files(const struct store_txn *txn,
                             MDB_val key,
                             struct bytes *ret_tenant,
                             struct bytes *ret_list)
{
    struct bytes value = {0};
    *ret_tenant = *ret_list = bytes_make(NULL, 0);
    enum status status = store_view(txn, RECORDS_FILES, key, &value);
    if (status == STATUS_NOT_FOUND)
        return STATUS_OK;
    if (status == STATUS_OK && value.count < DEPLOY_NAME_BYTES)
        return store_files_damaged(txn);
    if (status != STATUS_OK)
        return status;
    *ret_tenant = bytes_make(value.data, strnlen((const char *)value.data, DEPLOY_NAME_BYTES - 1));
    *ret_list = bytes_make(value.data + DEPLOY_NAME_BYTES, value.count - DEPLOY_NAME_BYTES);
    return STATUS_OK;
}

enum status
store_put_files(const struct store_txn *txn, MDB_val key, struct bytes tenant, struct bytes list)
{
    static const uint8_t zeros[DEPLOY_NAME_BYTES];
    struct buffer value;
    if (list.count == 0)
        return STATUS_OK;
    buffer_init(&value, DEPLOY_NAME_BYTES + DEPLOY_FILES_BYTES_MAX);
    enum status status = buffer_append(&value, tenant.data, tenant.count);
    if (status == STATUS_OK)
        status = buffer_append(&value, zeros, DEPLOY_NAME_BYTES - tenant.count);
    if (status == STATUS_OK)
        status = buffer_append(&value, list.data, list.count);
    if (status != STATUS_OK)
        (void)report_fail(txn->report, status, REPORT_OFFSET_NONE, "out of memory");
    if (status == STATUS_OK)
        status = store_put_record(txn, RECORDS_FILES, key, value.data, value.count);
    if (status == STATUS_OK)
        status = store_blobs_use(txn, tenant, list);
    buffer_done(&value);
    return status;
}

enum status store_drop_files(const struct store_txn *txn, MDB_val key)
{
    struct bytes tenant;
    struct bytes list;
    enum status status = store_view_files(txn, key, &tenant, &list);
    if (status != STATUS_OK || list.count == 0)
        return status;
    char name[DEPLOY_NAME_BYTES];
    memcpy(name, tenant.data, tenant.count);
    status = store_blobs_unuse(txn, bytes_make(name, tenant.count), list);
    return status == STATUS_OK ? store_delete_record(txn, RECORDS_FILES, key) : status;
}

/* ---- assets of a version --------------------------------------------------------------------- */

enum status
store_put_assets(const struct store_txn *txn, MDB_val key, struct bytes tenant, struct bytes list)
{
    if (list.count == 0)
        return STATUS_OK;
    enum status status = store_put_record(txn, RECORDS_ASSETS, key, list.data, list.count);
    return status == STATUS_OK ? store_blobs_use(txn, tenant, list) : status;
}

enum status store_drop_assets(const struct store_txn *txn, MDB_val key, struct bytes tenant)
{
    struct bytes list = {0};
    enum status status = store_view(txn, RECORDS_ASSETS, key, &list);
    if (status == STATUS_NOT_FOUND)
        return STATUS_OK;
    if (status == STATUS_OK)
        status = store_blobs_unuse(txn, tenant, list);
    return status == STATUS_OK ? store_delete_record(txn, RECORDS_ASSETS, key) : status;
}

enum status store_get_assets(struct store *store,
                             const struct store_target *target,
                             uint32_t version,
                             struct report *report,
                             struct buffer *assets)
{
    return store_append_of_version(store, RECORDS_ASSETS, target, version, report, assets);
}
