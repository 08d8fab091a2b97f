/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The catalog's hosts: what a host's routes and its domain say, by at most four look-ups by key,
 * its own and those of what stands for it with a star.
 */
#include <errno.h>

#include "deploy/store/catalog_private.h"

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
