/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tenants: made, bounded, suspended, removed; and what their versions add up to.
 *
 * Of a version its module, configuration and manifest count in full, though modules are kept once:
 * what a tenant has does not depend on what others have, and nobody learns of it. The sum is kept
 * beside, and counted once from all versions for a tenant of an older server.
 */
#include <inttypes.h>

#include "deploy/store/store_private.h"

static enum status
store_get_quota(const struct store_txn *txn, struct bytes tenant, struct records_quota *ret_quota)
{
    struct bytes value = {0};
    enum status status =
        store_view(txn, RECORDS_QUOTA, store_val(tenant.data, tenant.count), &value);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return status;
    if (status == STATUS_OK)
        records_read_quota(value, ret_quota);
    else
        *ret_quota = (struct records_quota){0};
    return STATUS_OK;
}

static enum status store_no_such_tenant(const struct store_txn *txn, struct bytes name)
{
    return report_fail(txn->report, STATUS_NOT_FOUND, REPORT_OFFSET_NONE,
                       "there is no tenant `%.*s`", (int)name.count, (const char *)name.data);
}

/* ---- what versions add up to ----------------------------------------------------------------- */

static enum status store_version_bytes(const struct store_txn *txn,
                                       MDB_val version_key,
                                       const struct records_version *version,
                                       uint64_t *ret_bytes)
{
    struct bytes manifest = {0};
    enum status status = store_view(txn, RECORDS_MANIFEST, version_key, &manifest);
    *ret_bytes = version->module_bytes + version->content.config_bytes + manifest.count;
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* Reads all versions of the tenant. */
static enum status
store_sum_versions(const struct store_txn *txn, struct bytes tenant, uint64_t *ret_bytes)
{
    MDB_cursor *cursor;
    MDB_val value;
    uint64_t bytes;
    struct records_version version;
    const struct records_key first = records_function_key(tenant, bytes_make(NULL, 0));
    MDB_val key = store_val(first.data, first.count);
    int rc = mdb_cursor_open(txn->mdb, txn->store->dbi[RECORDS_VERSION], &cursor);
    if (rc != 0)
        return store_status(rc, txn->report);
    enum status status = STATUS_OK;
    *ret_bytes = 0;
    rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    for (; rc == 0 && status == STATUS_OK; rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
        if (key.mv_size < first.count || memcmp(key.mv_data, first.data, first.count) != 0)
            break;
        if (value.mv_size != sizeof(version))
            continue; /* whoever reads it says so */
        memcpy(&version, value.mv_data, sizeof(version));
        status = store_version_bytes(txn, key, &version, &bytes);
        *ret_bytes += bytes;
    }
    mdb_cursor_close(cursor);
    return status != STATUS_OK || rc == MDB_NOTFOUND ? status : store_status(rc, txn->report);
}

static enum status
store_get_usage(const struct store_txn *txn, struct bytes tenant, struct records_usage *ret_usage)
{
    enum status status = store_get_record(txn, RECORDS_USAGE, store_val(tenant.data, tenant.count),
                                          ret_usage, sizeof(*ret_usage));
    if (status == STATUS_NOT_FOUND)
        status = store_sum_versions(txn, tenant, &ret_usage->stored_bytes);
    return status;
}

static enum status
store_put_usage(const struct store_txn *txn, struct bytes tenant, const struct records_usage *usage)
{
    return store_put_record(txn, RECORDS_USAGE, store_val(tenant.data, tenant.count), usage,
                            sizeof(*usage));
}

enum status store_count_added(const struct store_txn *txn, const struct store_upload *upload)
{
    struct records_usage usage;
    struct records_quota quota;
    struct bytes tenant = upload->target.tenant;
    uint64_t bytes = upload->module.count + upload->config.count + upload->manifest.count;
    enum status status = store_get_usage(txn, tenant, &usage);
    if (status == STATUS_OK)
        status = store_get_quota(txn, tenant, &quota);
    if (status != STATUS_OK)
        return status;
    usage.stored_bytes += bytes;
    if (quota.stored != 0 && usage.stored_bytes > quota.stored)
        return report_fail(txn->report, STATUS_QUOTA, REPORT_OFFSET_NONE,
                           "the tenant's versions would be %" PRIu64
                           " bytes, its quota `stored` is "
                           "%" PRIu64 ": remove functions, or ask the operator for more",
                           usage.stored_bytes, quota.stored);
    return store_put_usage(txn, tenant, &usage);
}

enum status store_count_dropped(const struct store_txn *txn,
                                const struct records_key *version_key,
                                const struct records_version *version)
{
    struct records_usage usage;
    uint64_t bytes;
    const uint8_t *slash = memchr(version_key->data, '/', version_key->count);
    ASSERT(slash != NULL);
    struct bytes tenant = bytes_make(version_key->data, (size_t)(slash - version_key->data));
    enum status status = store_get_usage(txn, tenant, &usage);
    if (status == STATUS_OK)
        status = store_version_bytes(txn, store_val(version_key->data, version_key->count), version,
                                     &bytes);
    if (status != STATUS_OK)
        return status;
    usage.stored_bytes -= MIN(bytes, usage.stored_bytes);
    return store_put_usage(txn, tenant, &usage);
}

/* ---- quotas ---------------------------------------------------------------------------------- */

enum status
store_check_functions(const struct store_txn *txn, struct bytes tenant, uint64_t function_count)
{
    struct records_quota quota;
    enum status status = store_get_quota(txn, tenant, &quota);
    if (status != STATUS_OK || quota.functions == 0 || function_count < quota.functions)
        return status;
    return report_fail(txn->report, STATUS_QUOTA, REPORT_OFFSET_NONE,
                       "the tenant has %" PRIu64 " functions, its quota `functions` is %" PRIu64
                       ": remove some, or ask the operator for more",
                       function_count, quota.functions);
}

enum status
store_kept_versions(const struct store_txn *txn, struct bytes tenant, uint32_t *ret_kept)
{
    struct records_quota quota;
    enum status status = store_get_quota(txn, tenant, &quota);
    *ret_kept = txn->store->options.versions;
    if (status == STATUS_OK && quota.versions != 0)
        *ret_kept = (uint32_t)MIN(quota.versions, (uint64_t)*ret_kept);
    return status;
}

enum status store_fill_tenant(const struct store_txn *txn, struct store_tenant *tenant)
{
    struct records_quota quota;
    struct records_usage usage;
    struct bytes name = bytes_of_text(tenant->tenant);
    enum status status = store_get_quota(txn, name, &quota);
    if (status == STATUS_OK)
        status = store_get_usage(txn, name, &usage);
    if (status != STATUS_OK)
        return status;
    tenant->limits = records_join_limits(&tenant->record.limits, &quota);
    tenant->suspended = quota.suspended != 0;
    tenant->stored_bytes = usage.stored_bytes;
    return STATUS_OK;
}

/* ---- changes --------------------------------------------------------------------------------- */

struct store_tenant_change {
    struct bytes name;
    const struct deploy_tenant_limits *limits;
    bool suspended;
};

static enum status store_change_create_tenant(struct store_txn *txn, void *context)
{
    const struct store_tenant_change *change = context;
    const struct store_target target = {.tenant = change->name};
    const struct records_tenant tenant = {.created_ns = txn->now_ns};
    struct bytes found;
    MDB_val key = store_val(change->name.data, change->name.count);
    enum status status = store_view(txn, RECORDS_TENANT, key, &found);
    if (status == STATUS_OK)
        return report_fail(txn->report, STATUS_CONFLICT, REPORT_OFFSET_NONE,
                           "there is a tenant `%.*s` already", (int)change->name.count,
                           (const char *)change->name.data);
    if (status == STATUS_NOT_FOUND)
        status = store_put_record(txn, RECORDS_TENANT, key, &tenant, sizeof(tenant));
    const struct store_logged logged = {.action = "tenant_create", .target = &target};
    return status == STATUS_OK ? store_log(txn, &logged) : status;
}

enum status store_create_tenant(struct store *store, struct bytes tenant, struct report *report)
{
    struct store_tenant_change change = {.name = tenant};
    const struct store_target target = {.tenant = tenant};
    return store_write(store, &target, store_change_create_tenant, &change, false, report);
}

static enum status store_change_suspend(struct store_txn *txn, void *context)
{
    const struct store_tenant_change *change = context;
    const struct store_target target = {.tenant = change->name};
    struct records_quota quota;
    struct bytes found;
    MDB_val key = store_val(change->name.data, change->name.count);
    enum status status = store_view(txn, RECORDS_TENANT, key, &found);
    if (status == STATUS_NOT_FOUND)
        return store_no_such_tenant(txn, change->name);
    if (status == STATUS_OK)
        status = store_get_quota(txn, change->name, &quota);
    if (status != STATUS_OK)
        return status;
    quota.suspended = change->suspended;
    status = store_put_record(txn, RECORDS_QUOTA, key, &quota, sizeof(quota));
    const struct store_logged logged = {
        .action = change->suspended ? "tenant_suspend" : "tenant_resume", .target = &target};
    return status == STATUS_OK ? store_log(txn, &logged) : status;
}

enum status store_suspend_tenant(struct store *store,
                                 struct bytes tenant,
                                 bool suspended,
                                 struct report *report)
{
    struct store_tenant_change change = {.name = tenant, .suspended = suspended};
    const struct store_target target = {.tenant = tenant};
    return store_write(store, &target, store_change_suspend, &change, false, report);
}

static enum status store_change_limits(struct store_txn *txn, void *context)
{
    const struct store_tenant_change *change = context;
    const struct store_target target = {.tenant = change->name};
    struct records_tenant tenant = {.created_ns = txn->now_ns};
    struct records_quota quota;
    MDB_val key = store_val(change->name.data, change->name.count);
    enum status status = store_get_record(txn, RECORDS_TENANT, key, &tenant, sizeof(tenant));
    if (status == STATUS_OK || status == STATUS_NOT_FOUND)
        status = store_get_quota(txn, change->name, &quota);
    if (status != STATUS_OK)
        return status;
    records_split_limits(change->limits, &tenant.limits, &quota);
    status = store_put_record(txn, RECORDS_TENANT, key, &tenant, sizeof(tenant));
    if (status == STATUS_OK)
        status = store_put_record(txn, RECORDS_QUOTA, key, &quota, sizeof(quota));
    const struct store_logged logged = {
        .action = "limits", .target = &target, .limits = change->limits};
    return status == STATUS_OK ? store_log(txn, &logged) : status;
}

enum status store_set_limits(struct store *store,
                             struct bytes tenant,
                             const struct deploy_tenant_limits *limits,
                             struct report *report)
{
    struct store_tenant_change change = {.name = tenant, .limits = limits};
    const struct store_target target = {.tenant = tenant};
    return store_write(store, &target, store_change_limits, &change, false, report);
}

struct store_signers {
    struct bytes tenant;
    struct bytes keys;
};

static enum status
store_put_signers(const struct store_txn *txn, struct bytes tenant, struct bytes keys)
{
    const struct records_key row = records_signers_key(tenant);
    MDB_val key = store_val(row.data, row.count);
    return keys.count == 0 ? store_delete_record(txn, RECORDS_META, key)
                           : store_put_record(txn, RECORDS_META, key, keys.data, keys.count);
}

static enum status store_change_signers(struct store_txn *txn, void *context)
{
    const struct store_signers *signers = context;
    const struct store_target target = {.tenant = signers->tenant};
    struct bytes found;
    enum status status = store_view(txn, RECORDS_TENANT,
                                    store_val(signers->tenant.data, signers->tenant.count), &found);
    if (status == STATUS_NOT_FOUND)
        return store_no_such_tenant(txn, signers->tenant);
    if (status == STATUS_OK)
        status = store_put_signers(txn, signers->tenant, signers->keys);
    const struct store_logged logged = {
        .action = "signers", .target = &target, .signers = &signers->keys};
    return status == STATUS_OK ? store_log(txn, &logged) : status;
}

enum status store_set_signers(struct store *store,
                              struct bytes tenant,
                              struct bytes keys,
                              struct report *report)
{
    struct store_signers signers = {.tenant = tenant, .keys = keys};
    const struct store_target target = {.tenant = tenant};
    return store_write(store, &target, store_change_signers, &signers, false, report);
}

enum status store_get_signers(struct store *store,
                              struct bytes tenant,
                              struct report *report,
                              struct buffer *keys)
{
    struct store_txn txn;
    struct bytes found = {0};
    const struct records_key key = records_signers_key(tenant);
    enum status status = store_begin_read(store, report, &txn);
    if (status != STATUS_OK)
        return status;
    status = store_view(&txn, RECORDS_META, store_val(key.data, key.count), &found);
    if (status == STATUS_OK)
        status = buffer_append(keys, found.data, found.count);
    store_end_read(&txn);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status store_drop_tenant_records(const struct store_txn *txn, struct bytes name)
{
    static const enum records_db dbs[] = {RECORDS_TENANT, RECORDS_QUOTA, RECORDS_USAGE};
    enum status status = store_drop_domains(txn, name);
    if (status == STATUS_OK)
        status = store_drop_tokens(txn, name);
    if (status == STATUS_OK)
        status = store_put_signers(txn, name, bytes_make(NULL, 0));
    for (size_t i = 0; status == STATUS_OK && i < COUNT_OF(dbs); i++)
        status = store_delete_record(txn, dbs[i], store_val(name.data, name.count));
    return status;
}

static enum status store_change_delete_tenant(struct store_txn *txn, void *context)
{
    const struct bytes *name = context;
    const struct store_target target = {.tenant = *name};
    struct records_tenant tenant;
    MDB_val key = store_val(name->data, name->count);
    enum status status = store_get_record(txn, RECORDS_TENANT, key, &tenant, sizeof(tenant));
    if (status == STATUS_NOT_FOUND)
        return store_no_such_tenant(txn, *name);
    if (status == STATUS_OK && tenant.function_count > 0)
        return report_fail(txn->report, STATUS_CONFLICT, REPORT_OFFSET_NONE,
                           "the tenant has %" PRIu64 " function%s: remove %s first",
                           tenant.function_count, tenant.function_count == 1 ? "" : "s",
                           tenant.function_count == 1 ? "it" : "them");
    if (status == STATUS_OK)
        status = store_drop_tenant_records(txn, *name);
    if (status == STATUS_OK)
        status = store_forget_later(txn, &target);
    const struct store_logged logged = {.action = "delete", .target = &target};
    return status == STATUS_OK ? store_log(txn, &logged) : status;
}

enum status store_delete_tenant(struct store *store, struct bytes tenant, struct report *report)
{
    const struct store_target target = {.tenant = tenant};
    return store_write(store, &target, store_change_delete_tenant, &tenant, true, report);
}
