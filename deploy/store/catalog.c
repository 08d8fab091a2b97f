/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The catalog: a worker's read-only view of the store.
 *
 * A lookup is one renewed read transaction, a few descents of B+trees in mapped memory, and
 * copies of small records; the transaction is reset at once, because a reader that stays
 * would keep control from using freed pages again. So what is to be parsed is copied first.
 */
#include <errno.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>

#include "deploy/generation.h"
#include "deploy/lmdb/lmdb_reader.h"
#include "deploy/lmdb/lmdb_status.h"
#include "deploy/store/records.h"

struct deploy_catalog {
    struct lmdb_reader reader; /* its databases are those of enum records_db */
    /* Copies, until they are parsed. */
    struct buffer manifest;
    struct buffer variables;
    struct generation generation;
};

_Static_assert(RECORDS_DB_COUNT <= LMDB_READER_DBS_MAX, "a reader has room for all databases");

static const struct deploy_manifest catalog_no_manifest;

static enum status catalog_fail(struct report *report, int rc)
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

static enum status catalog_no_memory(struct report *report, const char *what)
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
                                      struct deploy_tenant_limits *ret_limits)
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

static enum status catalog_read(struct deploy_catalog *catalog,
                                struct bytes tenant,
                                struct bytes function,
                                struct arena *arena,
                                struct report *report,
                                struct deploy_catalog_entry *ret_entry)
{
    struct records_function record;
    enum status status = catalog_get(catalog, tenant, function, report, &record);
    if (status != STATUS_OK)
        return status;
    if (record.active_version == 0)
        return catalog_missing(tenant, function, report);
    catalog_fill(ret_entry, tenant, function, &record);
    struct records_key key = records_function_key(tenant, function);
    struct records_key version_key = records_version_key(&key, record.active_version);
    status = catalog_get_config(catalog, &record.active, arena, report, &ret_entry->config);
    if (status == STATUS_OK)
        status = catalog_get_files(catalog, &record.active, &version_key, arena, report, ret_entry);
    if (status == STATUS_OK)
        status = catalog_get_limits(catalog, tenant, report, &ret_entry->limits);
    if (status == STATUS_OK)
        status = catalog_copy(catalog, RECORDS_MANIFEST, &version_key, report, &catalog->manifest);
    if (status == STATUS_OK)
        status = catalog_copy(catalog, RECORDS_ENVIRONMENT, &key, report, &catalog->variables);
    return status;
}

enum status deploy_catalog_lookup(struct deploy_catalog *catalog,
                                  struct bytes tenant,
                                  struct bytes function,
                                  struct arena *arena,
                                  struct report *report,
                                  struct deploy_catalog_entry *ret_entry)
{
    struct deploy_catalog_entry entry;
    if (!deploy_name_valid(tenant) || !deploy_name_valid(function))
        return catalog_missing(tenant, function, report);
    int rc = lmdb_reader_begin(&catalog->reader);
    if (rc != 0)
        return catalog_fail(report, rc);
    enum status status = catalog_read(catalog, tenant, function, arena, report, &entry);
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

/* ---- hosts ----------------------------------------------------------------------------------- */

/* What the store has of a host, as copies. */
struct catalog_host {
    struct bytes routes; /* the record of its routes; empty: it has none */
    struct records_domain domain;
    bool is_domain;
};

/* The host's record as a struct, and behind its routes where the whole of its domain leads. */
static enum status catalog_parse_host(const struct catalog_host *found,
                                      struct arena *arena,
                                      struct report *report,
                                      struct deploy_host *ret_host)
{
    struct records_route_view view;
    uint32_t count = 0;
    size_t head = sizeof(struct records_host);
    if (found->routes.count < head && (found->routes.count > 0 || !found->is_domain))
        return report_fail(report, STATUS_CORRUPT, REPORT_OFFSET_NONE,
                           "the store is damaged: a host's routes have the wrong form");
    head = MIN(head, found->routes.count);
    struct bytes rest = bytes_make(found->routes.data + head, found->routes.count - head);
    struct bytes again = rest;
    while (records_next_route(&rest, &view))
        count++;
    const char *tenant = found->is_domain ? found->domain.tenant : (const char *)found->routes.data;
    size_t function_count = strnlen(found->domain.function, DEPLOY_NAME_BYTES - 1);
    struct deploy_host_route *routes = ARENA_ARRAY(arena, struct deploy_host_route, count + 1);
    const char *names =
        arena_copy_text(arena, bytes_make(tenant, strnlen(tenant, DEPLOY_NAME_BYTES - 1)));
    const char *function =
        arena_copy_text(arena, bytes_make(found->domain.function, function_count));
    if (routes == NULL || names == NULL || function == NULL)
        return catalog_no_memory(report, "routes");
    for (uint32_t i = 0; i < count && records_next_route(&again, &view); i++)
        routes[i] = (struct deploy_host_route){
            .path = view.path, .function = view.function, .methods = view.methods};
    if (function_count > 0)
        routes[count++] = (struct deploy_host_route){
            .path = bytes_make("", 0), .function = bytes_make(function, function_count)};
    *ret_host = (struct deploy_host){
        .tenant = bytes_of_text(names), .routes = routes, .route_count = count};
    return STATUS_OK;
}

/* 0: the host is somebody's; its records are copied. */
static int catalog_find_host(const struct deploy_catalog *catalog,
                             struct bytes host,
                             struct arena *arena,
                             struct catalog_host *ret_found)
{
    MDB_val key = {.mv_size = host.count, .mv_data = (void *)(uintptr_t)host.data};
    MDB_val value;
    *ret_found = (struct catalog_host){.routes = bytes_make("", 0)};
    int rc = mdb_get(catalog->reader.txn, catalog->reader.dbi[RECORDS_DOMAIN], &key, &value);
    if (rc == 0 && value.mv_size != sizeof(ret_found->domain))
        return MDB_CORRUPTED;
    if (rc != 0 && rc != MDB_NOTFOUND)
        return rc;
    if (rc == 0) {
        ret_found->is_domain = true;
        memcpy(&ret_found->domain, value.mv_data, sizeof(ret_found->domain));
    }
    rc = mdb_get(catalog->reader.txn, catalog->reader.dbi[RECORDS_ROUTE], &key, &value);
    if (rc != 0)
        return rc == MDB_NOTFOUND && ret_found->is_domain ? 0 : rc;
    const char *copy = arena_copy_text(arena, bytes_make(value.mv_data, value.mv_size));
    ret_found->routes = bytes_make(copy, value.mv_size);
    return copy == NULL ? ENOMEM : 0;
}

enum status deploy_catalog_host(struct deploy_catalog *catalog,
                                struct bytes host,
                                struct arena *arena,
                                struct report *report,
                                struct deploy_host *ret_host)
{
    struct catalog_host found;
    char wide[DEPLOY_HOST_BYTES];
    int rc = lmdb_reader_begin(&catalog->reader);
    if (rc != 0)
        return catalog_fail(report, rc);
    rc = catalog_find_host(catalog, host, arena, &found);
    if (rc == MDB_NOTFOUND && deploy_host_widen(host, wide))
        rc = catalog_find_host(catalog, bytes_of_text(wide), arena, &found);
    lmdb_reader_end(&catalog->reader);
    if (rc == MDB_NOTFOUND)
        return STATUS_NOT_FOUND;
    if (rc != 0)
        return catalog_fail(report, rc);
    return catalog_parse_host(&found, arena, report, ret_host);
}
