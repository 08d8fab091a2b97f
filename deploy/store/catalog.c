/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The catalog: a worker's read-only view of the store.
 *
 * A lookup is one renewed read transaction, a few descents of B+trees in mapped memory, and
 * copies of small records; the transaction is reset at once, because a reader that stays
 * would keep control from using freed pages again. So what is to be parsed is copied first.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "deploy/lmdb/lmdb_status.h"
#include "deploy/name.h"
#include "deploy/store/catalog_private.h"

_Static_assert(RECORDS_DB_COUNT <= LMDB_READER_DBS_MAX, "a reader has room for all databases");

static const struct deploy_manifest catalog_no_manifest;

enum status catalog_fail(struct report *report, int rc)
{
    static const struct lmdb_words words = {
        .name = "the catalog", .remedy = "remove functions", .size = "store.map_size"};
    return lmdb_status(rc, &words, report);
}

enum status deploy_catalog_open(const char *data_dir,
                                uint64_t map_bytes,
                                struct lmdb_reading *reading,
                                struct report *report,
                                struct deploy_catalog **ret_catalog)
{
    char dir[CONFIG_PATH_BYTES + 16];
    struct deploy_catalog *catalog = calloc(1, sizeof(*catalog));
    if (catalog == NULL)
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "out of memory");
    buffer_init(&catalog->manifest, DEPLOY_MANIFEST_BYTES_MAX);
    buffer_init(&catalog->variables, DEPLOY_ENVIRONMENT_BYTES_MAX);
    (void)snprintf(dir, sizeof(dir), "%s/store", data_dir);
    const struct lmdb_reader_options options = {.dir = dir,
                                                .map_bytes = map_bytes,
                                                .names = records_db_names(),
                                                .count = RECORDS_DB_COUNT,
                                                .reading = reading};
    enum status status = generation_open(data_dir, report, &catalog->generation);
    if (status == STATUS_OK)
        status = catalog_fail(report, lmdb_reader_init(&catalog->reader, &options));
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
    lmdb_reader_done(&catalog->reader);
    generation_close(&catalog->generation);
    buffer_done(&catalog->manifest);
    buffer_done(&catalog->variables);
    free(catalog);
}

uint64_t deploy_catalog_generation(const struct deploy_catalog *catalog)
{
    return generation_read(&catalog->generation);
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
    int rc = mdb_get(catalog->reader.txn, catalog->reader.dbi[RECORDS_FUNCTION], &key, &value);
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

enum status catalog_no_memory(struct report *report, const char *what)
{
    return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE,
                       "no room for the %s of a version", what);
}

static enum status catalog_get_config(const struct deploy_catalog *catalog,
                                      const struct records_content *content,
                                      struct arena *arena,
                                      struct report *report,
                                      struct bytes *ret_config)
{
    MDB_val key = {.mv_size = DEPLOY_SHA256_BYTES,
                   .mv_data = (void *)(uintptr_t)content->artifact_key};
    MDB_val value;
    *ret_config = bytes_make(NULL, 0);
    if (content->config_bytes == 0)
        return STATUS_OK;
    int rc = mdb_get(catalog->reader.txn, catalog->reader.dbi[RECORDS_CONFIG], &key, &value);
    if (rc == MDB_NOTFOUND || (rc == 0 && value.mv_size != content->config_bytes))
        return report_fail(report, STATUS_CORRUPT, REPORT_OFFSET_NONE,
                           "the store is damaged: a version without its configuration");
    if (rc != 0)
        return catalog_fail(report, rc);
    const char *copy = arena_copy_text(arena, bytes_make(value.mv_data, value.mv_size));
    *ret_config = bytes_make(copy, value.mv_size);
    return copy != NULL ? STATUS_OK : catalog_no_memory(report, "configuration");
}

/* A list of files, behind `head` bytes that are not of it; empty if there is none. */
static enum status catalog_get_list(const struct deploy_catalog *catalog,
                                    enum records_db db,
                                    MDB_val key,
                                    size_t head,
                                    struct arena *arena,
                                    struct bytes *ret_list)
{
    MDB_val value;
    *ret_list = bytes_make(NULL, 0);
    int rc = mdb_get(catalog->reader.txn, catalog->reader.dbi[db], &key, &value);
    if (rc == MDB_NOTFOUND)
        return STATUS_OK;
    if (rc != 0)
        return STATUS_IO;
    if (value.mv_size < head)
        return STATUS_CORRUPT;
    struct bytes list = bytes_make((const uint8_t *)value.mv_data + head, value.mv_size - head);
    const char *copy = arena_copy_text(arena, list);
    *ret_list = bytes_make(copy, list.count);
    return copy != NULL ? STATUS_OK : STATUS_NO_MEMORY;
}

static enum status catalog_get_files(const struct deploy_catalog *catalog,
                                     const struct records_content *content,
                                     const struct records_key *version_key,
                                     struct arena *arena,
                                     struct report *report,
                                     struct deploy_catalog_entry *entry)
{
    MDB_val artifact = {.mv_size = DEPLOY_SHA256_BYTES,
                        .mv_data = (void *)(uintptr_t)content->artifact_key};
    MDB_val version = {.mv_size = version_key->count,
                       .mv_data = (void *)(uintptr_t)version_key->data};
    enum status status =
        catalog_get_list(catalog, RECORDS_FILES, artifact, DEPLOY_NAME_BYTES, arena, &entry->files);
    if (status == STATUS_OK)
        status = catalog_get_list(catalog, RECORDS_ASSETS, version, 0, arena, &entry->assets);
    if (status == STATUS_NO_MEMORY)
        return catalog_no_memory(report, "files");
    if (status != STATUS_OK)
        return report_fail(report, status, REPORT_OFFSET_NONE,
                           "the store is damaged: a version's list of files");
    return STATUS_OK;
}

/* Leaves the value in `out`, which is empty if there is none. */
static enum status catalog_copy(const struct deploy_catalog *catalog,
                                enum records_db db,
                                const struct records_key *name,
                                struct report *report,
                                struct buffer *out)
{
    MDB_val key = {.mv_size = name->count, .mv_data = (void *)(uintptr_t)name->data};
    MDB_val value;
    out->count = 0;
    int rc = mdb_get(catalog->reader.txn, catalog->reader.dbi[db], &key, &value);
    if (rc == MDB_NOTFOUND)
        return STATUS_OK;
    if (rc != 0)
        return catalog_fail(report, rc);
    return buffer_append(out, value.mv_data, value.mv_size) == STATUS_OK
               ? STATUS_OK
               : catalog_no_memory(report, "manifest or variables");
}

static enum status catalog_get_limits(const struct deploy_catalog *catalog,
                                      struct bytes tenant,
                                      struct report *report,
                                      struct deploy_catalog_entry *entry)
{
    struct records_tenant record;
    MDB_val key = {.mv_size = tenant.count, .mv_data = (void *)(uintptr_t)tenant.data};
    MDB_val value;
    int rc = mdb_get(catalog->reader.txn, catalog->reader.dbi[RECORDS_TENANT], &key, &value);
    if (rc == MDB_NOTFOUND || (rc == 0 && value.mv_size != sizeof(record)))
        return report_fail(report, STATUS_CORRUPT, REPORT_OFFSET_NONE,
                           "the store is damaged: a function without its tenant");
    if (rc != 0)
        return catalog_fail(report, rc);
    memcpy(&record, value.mv_data, sizeof(record));
    struct records_quota quota = {0};
    rc = mdb_get(catalog->reader.txn, catalog->reader.dbi[RECORDS_QUOTA], &key, &value);
    if (rc != 0 && rc != MDB_NOTFOUND)
        return catalog_fail(report, rc);
    if (rc == 0)
        records_read_quota(bytes_make(value.mv_data, value.mv_size), &quota);
    entry->limits = records_join_limits(&record.limits, &quota);
    entry->suspended = quota.suspended != 0;
    return STATUS_OK;
}

static void catalog_fill(struct deploy_catalog_entry *entry,
                         const struct deploy_catalog_name *name,
                         const struct records_content *content)
{
    memcpy(entry->tenant, name->tenant.data, name->tenant.count);
    entry->tenant[name->tenant.count] = '\0';
    memcpy(entry->function, name->function.data, name->function.count);
    entry->function[name->function.count] = '\0';
    memcpy(entry->sha256, content->sha256, sizeof(entry->sha256));
    memcpy(entry->artifact_key, content->artifact_key, sizeof(entry->artifact_key));
    memcpy(entry->kind, content->kind, sizeof(entry->kind));
    entry->reuse_requests = content->reuse_requests;
    entry->reuse_us = content->reuse_us;
    entry->choices = content->choices;
}

/* A record of exactly `bytes`. NOT_FOUND, without a report, if there is none. */
static enum status catalog_get_record(const struct deploy_catalog *catalog,
                                      enum records_db db,
                                      const struct records_key *name,
                                      struct report *report,
                                      void *ret_record,
                                      size_t bytes)
{
    MDB_val key = {.mv_size = name->count, .mv_data = (void *)(uintptr_t)name->data};
    MDB_val value;
    int rc = mdb_get(catalog->reader.txn, catalog->reader.dbi[db], &key, &value);
    if (rc == MDB_NOTFOUND)
        return STATUS_NOT_FOUND;
    if (rc != 0)
        return catalog_fail(report, rc);
    if (value.mv_size != bytes)
        return report_fail(report, STATUS_CORRUPT, REPORT_OFFSET_NONE,
                           "the store is damaged: a record has the wrong size");
    memcpy(ret_record, value.mv_data, bytes);
    return STATUS_OK;
}

/* Between which versions clients are split, if they are. */
static enum status catalog_get_shares(const struct deploy_catalog *catalog,
                                      const struct records_key *function,
                                      struct report *report,
                                      struct deploy_catalog_entry *entry)
{
    struct records_deployments found;
    const struct records_deployment *current = &found.current;
    enum status status =
        catalog_get_record(catalog, RECORDS_DEPLOYMENT, function, report, &found, sizeof(found));
    if (status != STATUS_OK)
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    bool has_active = false;
    for (uint32_t i = 0; i < MIN(current->share_count, (uint32_t)DEPLOY_SHARES_MAX); i++)
        has_active |= current->shares[i].version == entry->version;
    if (current->share_count < 2 || current->share_count > DEPLOY_SHARES_MAX || !has_active)
        return STATUS_OK;
    memcpy(entry->shares, current->shares, sizeof(entry->shares));
    entry->share_count = current->share_count;
    memcpy(entry->cookie, current->cookie, sizeof(entry->cookie) - 1);
    return STATUS_OK;
}

/* The version that `variant` names; NOT_FOUND, without a report. */
static enum status catalog_get_variant(const struct deploy_catalog *catalog,
                                       const struct records_key *function,
                                       struct bytes variant,
                                       struct report *report,
                                       struct deploy_catalog_entry *entry,
                                       struct records_version *ret_record)
{
    struct records_alias alias = {0};
    if (!name_parse_version(variant, &alias.version)) {
        if (!deploy_name_valid(variant))
            return STATUS_NOT_FOUND;
        struct records_key key = records_route_of_key(function, variant);
        enum status status =
            catalog_get_record(catalog, RECORDS_ALIAS, &key, report, &alias, sizeof(alias));
        if (status != STATUS_OK)
            return status;
    }
    struct records_key key = records_version_key(function, alias.version);
    entry->version = alias.version;
    return catalog_get_record(catalog, RECORDS_VERSION, &key, report, ret_record,
                              sizeof(*ret_record));
}

/* ---- manifest and environment, once the transaction is over ---------------------------------- */

static enum status catalog_parse_manifest(const struct deploy_catalog *catalog,
                                          struct arena *arena,
                                          struct report *report,
                                          const struct deploy_manifest **ret_manifest)
{
    *ret_manifest = &catalog_no_manifest;
    if (catalog->manifest.count == 0)
        return STATUS_OK;
    struct deploy_manifest *manifest = ARENA_NEW(arena, struct deploy_manifest);
    if (manifest == NULL)
        return catalog_no_memory(report, "manifest");
    *ret_manifest = manifest;
    enum status status =
        deploy_manifest_from_json(buffer_bytes(&catalog->manifest), arena, NULL, manifest);
    if (status == STATUS_CONFIG)
        return report_fail(report, STATUS_CORRUPT, REPORT_OFFSET_NONE,
                           "the store is damaged: a version's manifest cannot be read");
    return status == STATUS_OK ? status : catalog_no_memory(report, "manifest");
}

/* Takes the next one off the function's own variables; false at their end. */
static bool catalog_next_variable(struct bytes *rest, struct deploy_variable *ret_variable)
{
    const uint8_t *end = rest->count == 0 ? NULL : memchr(rest->data, '\0', rest->count);
    size_t count = end == NULL ? 0 : (size_t)(end - rest->data);
    const uint8_t *equals = count == 0 ? NULL : memchr(rest->data, '=', count);
    if (equals == NULL)
        return false;
    *ret_variable = (struct deploy_variable){.text = bytes_make(rest->data, count),
                                             .name_bytes = (size_t)(equals - rest->data)};
    *rest = bytes_make(rest->data + count + 1, rest->count - count - 1);
    return true;
}

static int catalog_compare(const struct deploy_variable *a, const struct deploy_variable *b)
{
    int order = memcmp(a->text.data, b->text.data, MIN(a->name_bytes, b->name_bytes));
    return order != 0 ? order : (a->name_bytes > b->name_bytes) - (a->name_bytes < b->name_bytes);
}

/* Two lists by name become one; of a name in both, the function's own counts. */
static enum status catalog_merge(const struct deploy_catalog *catalog,
                                 struct arena *arena,
                                 const struct deploy_variables *of_version,
                                 struct deploy_variables *ret_variables)
{
    struct deploy_variable own;
    *ret_variables = *of_version;
    if (catalog->variables.count == 0)
        return STATUS_OK;
    struct bytes rest = buffer_bytes(&catalog->variables);
    const char *copy = arena_copy_text(arena, rest);
    struct deploy_variable *rows = ARENA_ARRAY(arena, struct deploy_variable,
                                               of_version->count + DEPLOY_ENVIRONMENT_COUNT_MAX);
    if (copy == NULL || rows == NULL)
        return STATUS_NO_MEMORY;
    rest.data = (const uint8_t *)copy;
    uint32_t count = 0;
    uint32_t at = 0;
    for (uint32_t i = 0; i < DEPLOY_ENVIRONMENT_COUNT_MAX && catalog_next_variable(&rest, &own);
         i++) {
        while (at < of_version->count && catalog_compare(&of_version->rows[at], &own) < 0)
            rows[count++] = of_version->rows[at++];
        if (at < of_version->count && catalog_compare(&of_version->rows[at], &own) == 0)
            at++;
        rows[count++] = own;
    }
    while (at < of_version->count)
        rows[count++] = of_version->rows[at++];
    *ret_variables = (struct deploy_variables){.rows = rows, .count = count};
    return STATUS_OK;
}

/* ---- lookups --------------------------------------------------------------------------------- */

/* What the name stands for: the active version with what clients are split between, or another. */
static enum status catalog_choose(const struct deploy_catalog *catalog,
                                  const struct deploy_catalog_name *name,
                                  const struct records_key *key,
                                  struct report *report,
                                  struct deploy_catalog_entry *entry,
                                  struct records_content *ret_content)
{
    struct records_function record;
    struct records_version version;
    enum status status = catalog_get(catalog, name->tenant, name->function, report, &record);
    if (status != STATUS_OK)
        return status;
    entry->created_ns = record.created_ns;
    if (name->variant.count > 0) {
        status = catalog_get_variant(catalog, key, name->variant, report, entry, &version);
        if (status == STATUS_NOT_FOUND)
            return catalog_missing(name->tenant, name->function, report);
        *ret_content = version.content;
        return status;
    }
    if (record.active_version == 0)
        return catalog_missing(name->tenant, name->function, report);
    entry->version = record.active_version;
    *ret_content = record.active;
    return catalog_get_shares(catalog, key, report, entry);
}

static enum status catalog_read(struct deploy_catalog *catalog,
                                const struct deploy_catalog_name *name,
                                struct arena *arena,
                                struct report *report,
                                struct deploy_catalog_entry *entry)
{
    struct records_content content = {0};
    struct records_key key = records_function_key(name->tenant, name->function);
    enum status status = catalog_choose(catalog, name, &key, report, entry, &content);
    if (status != STATUS_OK)
        return status;
    catalog_fill(entry, name, &content);
    struct records_key version_key = records_version_key(&key, entry->version);
    status = catalog_get_config(catalog, &content, arena, report, &entry->config);
    if (status == STATUS_OK)
        status = catalog_get_files(catalog, &content, &version_key, arena, report, entry);
    if (status == STATUS_OK)
        status = catalog_get_limits(catalog, name->tenant, report, entry);
    if (status == STATUS_OK)
        status = catalog_copy(catalog, RECORDS_MANIFEST, &version_key, report, &catalog->manifest);
    if (status == STATUS_OK)
        status = catalog_copy(catalog, RECORDS_ENVIRONMENT, &key, report, &catalog->variables);
    return status;
}

enum status deploy_catalog_lookup(struct deploy_catalog *catalog,
                                  const struct deploy_catalog_name *name,
                                  struct arena *arena,
                                  struct report *report,
                                  struct deploy_catalog_entry *ret_entry)
{
    struct deploy_catalog_entry entry = {0};
    if (!deploy_name_valid(name->tenant) || !deploy_name_valid(name->function))
        return catalog_missing(name->tenant, name->function, report);
    int rc = lmdb_reader_begin(&catalog->reader);
    if (rc != 0)
        return catalog_fail(report, rc);
    enum status status = catalog_read(catalog, name, arena, report, &entry);
    lmdb_reader_end(&catalog->reader);
    if (status == STATUS_OK)
        status = catalog_parse_manifest(catalog, arena, report, &entry.manifest);
    if (status == STATUS_OK &&
        catalog_merge(catalog, arena, &entry.manifest->env, &entry.environment) != STATUS_OK)
        status = catalog_no_memory(report, "environment");
    if (status == STATUS_OK)
        *ret_entry = entry;
    return status;
}
