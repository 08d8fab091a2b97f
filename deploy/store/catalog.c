/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The catalog: a worker's read-only view of the store.
 *
 * A lookup is one renewed read transaction, two descents of B+trees in mapped memory, and
 * copies of two small records; the transaction is reset at once, because a reader that stays
 * would keep control from using freed pages again. A configuration is looked up in the same
 * transaction, and copied for the same reason.
 */
#include <errno.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>

#include "deploy/generation.h"
#include "deploy/store/records.h"

struct deploy_catalog {
    MDB_env *env;
    MDB_txn *txn; /* reset between lookups */
    MDB_dbi function;
    MDB_dbi tenant;
    MDB_dbi config;
    struct buffer last_config; /* what the last lookup lent */
    struct generation generation;
};

static enum status catalog_fail(struct report *report, int rc)
{
    enum status status = rc == ENOMEM             ? STATUS_NO_MEMORY
                         : rc == MDB_READERS_FULL ? STATUS_BUSY
                         : rc == ENOENT           ? STATUS_NOT_FOUND
                                                  : STATUS_IO;
    return report_fail(report, status, REPORT_OFFSET_NONE, "cannot read the catalog: %s",
                       mdb_strerror(rc));
}

static int catalog_open_env(struct deploy_catalog *catalog, const char *dir, uint64_t map_bytes)
{
    int rc = mdb_env_create(&catalog->env);
    if (rc == 0)
        rc = mdb_env_set_maxdbs(catalog->env, RECORDS_DB_COUNT);
    if (rc == 0)
        rc = mdb_env_set_mapsize(catalog->env, map_bytes);
    if (rc == 0)
        rc = mdb_env_open(catalog->env, dir, MDB_RDONLY | MDB_NOTLS, 0600);
    if (rc == 0)
        rc = mdb_txn_begin(catalog->env, NULL, MDB_RDONLY, &catalog->txn);
    if (rc == 0)
        rc = mdb_dbi_open(catalog->txn, "function", 0, &catalog->function);
    if (rc == 0)
        rc = mdb_dbi_open(catalog->txn, "tenant", 0, &catalog->tenant);
    if (rc == 0)
        rc = mdb_dbi_open(catalog->txn, "config", 0, &catalog->config);
    if (rc != 0)
        return rc;
    /* Handles opened in a transaction last only if it is committed. */
    rc = mdb_txn_commit(catalog->txn);
    catalog->txn = NULL;
    if (rc == 0)
        rc = mdb_txn_begin(catalog->env, NULL, MDB_RDONLY, &catalog->txn);
    if (rc == 0)
        mdb_txn_reset(catalog->txn);
    return rc;
}

enum status deploy_catalog_open(const char *data_dir,
                                uint64_t map_bytes,
                                struct report *report,
                                struct deploy_catalog **ret_catalog)
{
    char dir[CONFIG_PATH_BYTES + 16];
    struct deploy_catalog *catalog = calloc(1, sizeof(*catalog));
    if (catalog == NULL)
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "out of memory");
    buffer_init(&catalog->last_config, DEPLOY_CONFIG_BYTES_MAX);
    (void)snprintf(dir, sizeof(dir), "%s/store", data_dir);
    enum status status = generation_open(data_dir, report, &catalog->generation);
    if (status == STATUS_OK) {
        int rc = catalog_open_env(catalog, dir, map_bytes);
        if (rc != 0)
            status = catalog_fail(report, rc);
    }
    if (status == STATUS_OK)
        *ret_catalog = catalog;
    else
        deploy_catalog_close(catalog);
    return status;
}

void deploy_catalog_close(struct deploy_catalog *catalog)
{
    if (catalog == NULL)
        return;
    if (catalog->txn != NULL)
        mdb_txn_abort(catalog->txn);
    if (catalog->env != NULL)
        mdb_env_close(catalog->env);
    generation_close(&catalog->generation);
    buffer_done(&catalog->last_config);
    free(catalog);
}

uint64_t deploy_catalog_generation(const struct deploy_catalog *catalog)
{
    return generation_read(&catalog->generation);
}

/* Control lets the map grow when it needs room to delete: then ours has to follow. */
static int catalog_begin(struct deploy_catalog *catalog)
{
    int rc = mdb_txn_renew(catalog->txn);
    if (rc != MDB_MAP_RESIZED)
        return rc;
    rc = mdb_env_set_mapsize(catalog->env, 0);
    return rc == 0 ? mdb_txn_renew(catalog->txn) : rc;
}

/* One answer for all, so that nobody can find out which tenants there are. */
static enum status
catalog_missing(struct bytes tenant, struct bytes function, struct report *report)
{
    return report_fail(
        report, STATUS_NOT_FOUND, REPORT_OFFSET_NONE,
        "there is no function `%.*s` of a tenant `%.*s`",
        (int)MIN(function.count, (size_t)DEPLOY_NAME_BYTES), (const char *)function.data,
        (int)MIN(tenant.count, (size_t)DEPLOY_NAME_BYTES), (const char *)tenant.data);
}

static enum status catalog_get(const struct deploy_catalog *catalog,
                               struct bytes tenant,
                               struct bytes function,
                               struct report *report,
                               struct records_function *ret_record)
{
    struct records_key name = records_function_key(tenant, function);
    MDB_val key = {.mv_size = name.count, .mv_data = name.data};
    MDB_val value;
    int rc = mdb_get(catalog->txn, catalog->function, &key, &value);
    if (rc == MDB_NOTFOUND)
        return catalog_missing(tenant, function, report);
    if (rc != 0)
        return catalog_fail(report, rc);
    if (value.mv_size != sizeof(*ret_record))
        return report_fail(report, STATUS_CORRUPT, REPORT_OFFSET_NONE,
                           "the store is damaged: a function's record has the wrong size");
    memcpy(ret_record, value.mv_data, sizeof(*ret_record));
    return STATUS_OK;
}

/* Leaves the configuration in last_config. */
static enum status catalog_get_config(struct deploy_catalog *catalog,
                                      const struct records_content *content,
                                      struct report *report)
{
    MDB_val key = {.mv_size = DEPLOY_SHA256_BYTES,
                   .mv_data = (void *)(uintptr_t)content->artifact_key};
    MDB_val value;
    catalog->last_config.count = 0;
    if (content->config_bytes == 0)
        return STATUS_OK;
    int rc = mdb_get(catalog->txn, catalog->config, &key, &value);
    if (rc == MDB_NOTFOUND || (rc == 0 && value.mv_size != content->config_bytes))
        return report_fail(report, STATUS_CORRUPT, REPORT_OFFSET_NONE,
                           "the store is damaged: a version without its configuration");
    if (rc != 0)
        return catalog_fail(report, rc);
    enum status status = buffer_append(&catalog->last_config, value.mv_data, value.mv_size);
    return status == STATUS_OK ? status
                               : report_fail(report, status, REPORT_OFFSET_NONE,
                                             "no room for the configuration of a version");
}

static enum status catalog_get_limits(const struct deploy_catalog *catalog,
                                      struct bytes tenant,
                                      struct report *report,
                                      struct deploy_tenant_limits *ret_limits)
{
    struct records_tenant record;
    MDB_val key = {.mv_size = tenant.count, .mv_data = (void *)(uintptr_t)tenant.data};
    MDB_val value;
    int rc = mdb_get(catalog->txn, catalog->tenant, &key, &value);
    if (rc == MDB_NOTFOUND || (rc == 0 && value.mv_size != sizeof(record)))
        return report_fail(report, STATUS_CORRUPT, REPORT_OFFSET_NONE,
                           "the store is damaged: a function without its tenant");
    if (rc != 0)
        return catalog_fail(report, rc);
    memcpy(&record, value.mv_data, sizeof(record));
    *ret_limits = record.limits;
    return STATUS_OK;
}

static void catalog_fill(struct deploy_catalog_entry *entry,
                         struct bytes tenant,
                         struct bytes function,
                         const struct records_function *record)
{
    memcpy(entry->tenant, tenant.data, tenant.count);
    entry->tenant[tenant.count] = '\0';
    memcpy(entry->function, function.data, function.count);
    entry->function[function.count] = '\0';
    entry->version = record->active_version;
    memcpy(entry->sha256, record->active.sha256, sizeof(entry->sha256));
    memcpy(entry->artifact_key, record->active.artifact_key, sizeof(entry->artifact_key));
    memcpy(entry->kind, record->active.kind, sizeof(entry->kind));
    entry->reuse_requests = record->active.reuse_requests;
    entry->reuse_us = record->active.reuse_us;
    entry->choices = record->active.choices;
    entry->created_ns = record->created_ns;
}

enum status deploy_catalog_lookup(struct deploy_catalog *catalog,
                                  struct bytes tenant,
                                  struct bytes function,
                                  struct report *report,
                                  struct deploy_catalog_entry *ret_entry)
{
    struct records_function record;
    struct deploy_tenant_limits limits;
    if (!deploy_name_valid(tenant) || !deploy_name_valid(function))
        return catalog_missing(tenant, function, report);
    int rc = catalog_begin(catalog);
    if (rc != 0)
        return catalog_fail(report, rc);
    enum status status = catalog_get(catalog, tenant, function, report, &record);
    if (status == STATUS_OK)
        status = catalog_get_config(catalog, &record.active, report);
    if (status == STATUS_OK)
        status = catalog_get_limits(catalog, tenant, report, &limits);
    mdb_txn_reset(catalog->txn);
    if (status == STATUS_OK && record.active_version == 0)
        status = catalog_missing(tenant, function, report);
    if (status != STATUS_OK)
        return status;
    catalog_fill(ret_entry, tenant, function, &record);
    ret_entry->limits = limits;
    ret_entry->config = buffer_bytes(&catalog->last_config);
    return STATUS_OK;
}
