/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Routes, each in two records that change together: its host's, with all routes of that host, and
 * its own below its function.
 *
 *   host  | tenant | route, path, function, id | route, path, function, id | ...
 *                    longest path first; of equal ones by their bytes
 *
 * A host belongs to the tenant of its first route, until the last one goes: a page of one tenant
 * must never come from the same origin as another's.
 */
#include <stdio.h>

#include "deploy/store/store_private.h"

#define STORE_HOST_BYTES_MAX (STORE_ROUTES_PER_HOST * 512)

/* ---- a host's record ------------------------------------------------------------------------- */

static enum status store_route_damaged(const struct store_txn *txn)
{
    return report_fail(txn->report, STATUS_CORRUPT, REPORT_OFFSET_NONE,
                       "the store is damaged: a host's routes have the wrong form");
}

/* Whose it is, and its routes; NOT_FOUND, without a report, if there is none. */
static enum status store_view_host(const struct store_txn *txn,
                                   struct bytes host,
                                   struct records_host *ret_head,
                                   struct bytes *ret_routes)
{
    struct bytes value = {0};
    enum status status = store_view(txn, RECORDS_ROUTE, store_val(host.data, host.count), &value);
    if (status != STATUS_OK)
        return status;
    if (value.count < sizeof(*ret_head))
        return store_route_damaged(txn);
    memcpy(ret_head, value.data, sizeof(*ret_head));
    *ret_routes = bytes_make(value.data + sizeof(*ret_head), value.count - sizeof(*ret_head));
    return STATUS_OK;
}

static bool store_is_route(const struct records_route_view *view, const struct store_route *route)
{
    return bytes_equal(view->function, route->target.function) && bytes_equal(view->id, route->id);
}

/* Longer paths first. */
static bool store_route_goes_before(struct bytes path, struct bytes other)
{
    if (path.count != other.count)
        return path.count > other.count;
    return path.count > 0 && memcmp(path.data, other.data, path.count) < 0;
}

static enum status store_append_route(struct buffer *out, const struct store_route *route)
{
    const struct records_route head = {.methods = route->route.methods,
                                       .path_bytes = (uint16_t)route->route.path.count,
                                       .function_bytes = (uint8_t)route->target.function.count,
                                       .id_bytes = (uint8_t)route->id.count};
    enum status status = buffer_append(out, &head, sizeof(head));
    if (status == STATUS_OK)
        status = buffer_append(out, route->route.path.data, route->route.path.count);
    if (status == STATUS_OK)
        status = buffer_append(out, route->target.function.data, route->target.function.count);
    return status == STATUS_OK ? buffer_append(out, route->id.data, route->id.count) : status;
}

/* Copies a host's routes but `left_out`, with `added` in its place; either may be NULL. */
static enum status store_copy_routes(const struct store_txn *txn,
                                     struct bytes routes,
                                     const struct store_route *left_out,
                                     const struct store_route *added,
                                     struct buffer *out)
{
    struct records_route_view view;
    enum status status = STATUS_OK;
    uint32_t count = 0;
    while (status == STATUS_OK && records_next_route(&routes, &view)) {
        if (left_out != NULL && store_is_route(&view, left_out))
            continue;
        count++;
        if (added != NULL && store_route_goes_before(added->route.path, view.path)) {
            status = store_append_route(out, added);
            added = NULL;
        }
        if (status == STATUS_OK)
            status = buffer_append(out, view.whole.data, view.whole.count);
    }
    if (status == STATUS_OK && routes.count > 0)
        return store_route_damaged(txn);
    if (status == STATUS_OK && added != NULL)
        status = store_append_route(out, added);
    if (status == STATUS_LIMIT || count >= STORE_ROUTES_PER_HOST)
        return report_fail(txn->report, STATUS_LIMIT, REPORT_OFFSET_NONE,
                           "a host can have %d routes", STORE_ROUTES_PER_HOST);
    return status == STATUS_OK
               ? status
               : report_fail(txn->report, status, REPORT_OFFSET_NONE, "out of memory for routes");
}

/* Writes a host's record anew; without routes it goes. */
static enum status store_change_host(const struct store_txn *txn,
                                     const struct store_route *left_out,
                                     const struct store_route *added)
{
    struct bytes host = (added != NULL ? added : left_out)->route.host;
    struct bytes tenant = (added != NULL ? added : left_out)->target.tenant;
    struct records_host head = {0};
    struct bytes routes = {0};
    struct buffer value;
    enum status status = store_view_host(txn, host, &head, &routes);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return status;
    memcpy(head.tenant, tenant.data, tenant.count);
    buffer_init(&value, STORE_HOST_BYTES_MAX);
    status = buffer_append(&value, &head, sizeof(head));
    if (status == STATUS_OK)
        status = store_copy_routes(txn, routes, left_out, added, &value);
    MDB_val key = store_val(host.data, host.count);
    if (status == STATUS_OK && value.count > sizeof(head))
        status = store_put_record(txn, RECORDS_ROUTE, key, value.data, value.count);
    else if (status == STATUS_OK)
        status = store_delete_record(txn, RECORDS_ROUTE, key);
    buffer_done(&value);
    return status;
}

/* ---- whose a host is ------------------------------------------------------------------------- */

enum status store_find_exact_owner(const struct store_txn *txn,
                                   struct bytes host,
                                   char ret_tenant[DEPLOY_NAME_BYTES])
{
    struct records_domain domain;
    struct records_host head;
    struct bytes routes;
    enum status status = store_get_record(txn, RECORDS_DOMAIN, store_val(host.data, host.count),
                                          &domain, sizeof(domain));
    const char *tenant = domain.tenant;
    if (status == STATUS_NOT_FOUND) {
        status = store_view_host(txn, host, &head, &routes);
        tenant = head.tenant;
    }
    if (status == STATUS_OK)
        (void)snprintf(ret_tenant, DEPLOY_NAME_BYTES, "%.*s", DEPLOY_NAME_BYTES - 1, tenant);
    return status;
}

enum status
store_find_owner(const struct store_txn *txn, struct bytes host, char ret_tenant[DEPLOY_NAME_BYTES])
{
    char wide[DEPLOY_HOST_BYTES];
    enum status status = store_find_exact_owner(txn, host, ret_tenant);
    return status == STATUS_NOT_FOUND && deploy_host_widen(host, wide)
               ? store_find_exact_owner(txn, bytes_of_text(wide), ret_tenant)
               : status;
}

/* ---- one route ------------------------------------------------------------------------------- */

/* May it be there? Nobody is told whose the host is. */
static enum status store_check_route(const struct store_txn *txn, const struct store_route *route)
{
    struct records_host head;
    struct records_route_view view;
    struct bytes routes = {0};
    char owner[DEPLOY_NAME_BYTES];
    int host_count = (int)route->route.host.count;
    const char *host = (const char *)route->route.host.data;
    enum status status = store_find_owner(txn, route->route.host, owner);
    if (status == STATUS_NOT_FOUND)
        return STATUS_OK;
    if (status == STATUS_OK && !bytes_equal_text(route->target.tenant, owner))
        return report_fail(txn->report, STATUS_CONFLICT, REPORT_OFFSET_NONE,
                           "host %.*s is another tenant's", host_count, host);
    if (status == STATUS_OK)
        status = store_view_host(txn, route->route.host, &head, &routes);
    if (status != STATUS_OK)
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    while (records_next_route(&routes, &view)) {
        uint32_t methods = route->route.methods;
        bool meets = methods == 0 || view.methods == 0 || (methods & view.methods) != 0;
        if (meets && bytes_equal(view.path, route->route.path) && !store_is_route(&view, route))
            return report_fail(txn->report, STATUS_CONFLICT, REPORT_OFFSET_NONE,
                               "%.*s%.*s/* leads to function %.*s already (route %.*s)", host_count,
                               host, (int)view.path.count, (const char *)view.path.data,
                               (int)view.function.count, (const char *)view.function.data,
                               (int)view.id.count, (const char *)view.id.data);
    }
    return STATUS_OK;
}

static struct records_key store_route_key(const struct store_target *target, struct bytes id)
{
    struct records_key function = records_function_key(target->tenant, target->function);
    return records_route_of_key(&function, id);
}

/* A route's own record; its texts are views of it. */
static enum status
store_read_route(const struct store_txn *txn, struct bytes value, struct deploy_route *ret_route)
{
    struct records_route_of head;
    if (value.count < sizeof(head))
        return store_route_damaged(txn);
    memcpy(&head, value.data, sizeof(head));
    if (value.count != sizeof(head) + (size_t)head.host_bytes + head.path_bytes)
        return store_route_damaged(txn);
    const uint8_t *host = value.data + sizeof(head);
    *ret_route = (struct deploy_route){.host = bytes_make(host, head.host_bytes),
                                       .path = bytes_make(host + head.host_bytes, head.path_bytes),
                                       .methods = head.methods};
    return STATUS_OK;
}

static enum status store_put_route_of(const struct store_txn *txn, const struct store_route *route)
{
    struct records_key key = store_route_key(&route->target, route->id);
    const struct records_route_of head = {.methods = route->route.methods,
                                          .host_bytes = (uint16_t)route->route.host.count,
                                          .path_bytes = (uint16_t)route->route.path.count};
    struct buffer value;
    buffer_init(&value, sizeof(head) + UINT16_MAX);
    enum status status = buffer_append(&value, &head, sizeof(head));
    if (status == STATUS_OK)
        status = buffer_append(&value, route->route.host.data, route->route.host.count);
    if (status == STATUS_OK)
        status = buffer_append(&value, route->route.path.data, route->route.path.count);
    if (status == STATUS_OK)
        status = store_put_record(txn, RECORDS_ROUTE_OF, store_val(key.data, key.count), value.data,
                                  value.count);
    else
        (void)report_fail(txn->report, status, REPORT_OFFSET_NONE, "out of memory for routes");
    buffer_done(&value);
    return status;
}

static enum status store_add_route(const struct store_txn *txn, const struct store_route *route)
{
    enum status status = store_check_route(txn, route);
    if (status == STATUS_OK)
        status = store_change_host(txn, NULL, route);
    return status == STATUS_OK ? store_put_route_of(txn, route) : status;
}

/* NOT_FOUND, without a report, if there is none. */
static enum status
store_remove_route(const struct store_txn *txn, const struct store_target *target, struct bytes id)
{
    struct bytes value = {0};
    struct bytes copy;
    struct store_route route = {.target = *target, .id = id};
    struct records_key key = store_route_key(target, id);
    enum status status = store_view(txn, RECORDS_ROUTE_OF, store_val(key.data, key.count), &value);
    if (status != STATUS_OK)
        return status;
    /* The record goes first, and what it said is needed after. */
    struct arena arena;
    arena_init(&arena, sizeof(struct records_route_of) + 2 * UINT16_MAX);
    copy = bytes_make(arena_copy_text(&arena, value), value.count);
    status = copy.data == NULL ? report_fail(txn->report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE,
                                             "out of memory for routes")
                               : store_read_route(txn, copy, &route.route);
    if (status == STATUS_OK)
        status = store_delete_record(txn, RECORDS_ROUTE_OF, store_val(key.data, key.count));
    if (status == STATUS_OK)
        status = store_change_host(txn, &route, NULL);
    arena_done(&arena);
    return status;
}

/* ---- a function's routes --------------------------------------------------------------------- */

struct store_routes_walk {
    const struct store_txn *txn;
    const struct store_target *target;
    bool (*visit)(void *context, const struct store_route *route);
    void *context;
};

static enum status store_walk_routes(const struct store_routes_walk *walk, struct bytes prefix)
{
    MDB_cursor *cursor;
    MDB_val value;
    const struct store_txn *txn = walk->txn;
    struct records_key start = store_route_key(walk->target, prefix);
    size_t id_at = start.count - prefix.count;
    MDB_val key = store_val(start.data, start.count);
    enum status status = store_status(
        mdb_cursor_open(txn->mdb, txn->store->dbi[RECORDS_ROUTE_OF], &cursor), txn->report);
    if (status != STATUS_OK)
        return status;
    int rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    for (; status == STATUS_OK && rc == 0 && key.mv_size >= start.count &&
           memcmp(key.mv_data, start.data, start.count) == 0;
         rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
        struct store_route route = {
            .id = bytes_make((const uint8_t *)key.mv_data + id_at, key.mv_size - id_at)};
        status = store_read_route(txn, bytes_make(value.mv_data, value.mv_size), &route.route);
        if (status == STATUS_OK && !walk->visit(walk->context, &route))
            break;
    }
    mdb_cursor_close(cursor);
    if (status == STATUS_OK && rc != 0 && rc != MDB_NOTFOUND)
        status = store_status(rc, txn->report);
    return status;
}

static bool store_first_id(void *context, const struct store_route *route)
{
    char *id = context;
    memcpy(id, route->id.data, MIN(route->id.count, (size_t)DEPLOY_NAME_BYTES - 1));
    id[MIN(route->id.count, (size_t)DEPLOY_NAME_BYTES - 1)] = '\0';
    return false;
}

/* All routes whose ids begin with `prefix`, one by one: each removal ends what a walk shows. */
static enum status store_drop_routes(const struct store_txn *txn,
                                     const struct store_target *target,
                                     const char *prefix)
{
    for (uint32_t i = 0; i <= 2 * STORE_ROUTES_PER_FUNCTION; i++) {
        char id[DEPLOY_NAME_BYTES] = "";
        const struct store_routes_walk walk = {
            .txn = txn, .target = target, .visit = store_first_id, .context = id};
        enum status status = store_walk_routes(&walk, bytes_of_text(prefix));
        if (status == STATUS_OK && id[0] == '\0')
            return STATUS_OK;
        if (status == STATUS_OK)
            status = store_remove_route(txn, target, bytes_of_text(id));
        if (status != STATUS_OK)
            return status;
    }
    return store_route_damaged(txn);
}

enum status store_follow_manifest(const struct store_txn *txn,
                                  const struct store_target *target,
                                  struct bytes manifest)
{
    struct arena arena;
    struct deploy_manifest parsed = {0};
    arena_init(&arena, DEPLOY_MANIFEST_ARENA_BYTES);
    enum status status = STATUS_OK;
    if (manifest.count > 0 &&
        deploy_manifest_from_json(manifest, &arena, NULL, &parsed) != STATUS_OK)
        status = report_fail(txn->report, STATUS_CORRUPT, REPORT_OFFSET_NONE,
                             "the store is damaged: a version's manifest cannot be read");
    if (status == STATUS_OK)
        status = store_drop_routes(txn, target, STORE_MANIFEST_ROUTE);
    for (uint32_t i = 0; status == STATUS_OK && i < parsed.routes.count; i++) {
        char id[sizeof(STORE_MANIFEST_ROUTE) + 8];
        (void)snprintf(id, sizeof(id), STORE_MANIFEST_ROUTE "%u", i + 1);
        const struct store_route route = {
            .target = *target, .id = bytes_of_text(id), .route = parsed.routes.rows[i]};
        status = store_add_route(txn, &route);
    }
    if (status == STATUS_OK)
        status = store_follow_crons(txn, target, &parsed.cron);
    arena_done(&arena);
    return status;
}

enum status store_drop_belongings(const struct store_txn *txn, const struct store_target *target)
{
    struct records_key key = records_function_key(target->tenant, target->function);
    enum status status = store_drop_routes(txn, target, "");
    if (status == STATUS_OK)
        status = store_drop_crons(txn, target, "", 0);
    return status == STATUS_OK
               ? store_delete_record(txn, RECORDS_ENVIRONMENT, store_val(key.data, key.count))
               : status;
}

/* ---- changes by the API ---------------------------------------------------------------------- */

static bool store_count_route(void *context, const struct store_route *route)
{
    uint32_t *count = context;
    bool manifests =
        route->id.count >= strlen(STORE_MANIFEST_ROUTE) &&
        memcmp(route->id.data, STORE_MANIFEST_ROUTE, strlen(STORE_MANIFEST_ROUTE)) == 0;
    *count += manifests ? 0 : 1;
    return true;
}

static enum status store_change_set_route(struct store_txn *txn, void *context)
{
    const struct store_route *route = context;
    struct records_function function;
    uint32_t count = 0;
    const struct store_routes_walk walk = {
        .txn = txn, .target = &route->target, .visit = store_count_route, .context = &count};
    enum status status = store_find_function(txn, &route->target, &function);
    if (status == STATUS_OK)
        status = store_remove_route(txn, &route->target, route->id);
    if (status == STATUS_NOT_FOUND && txn->report->status == STATUS_OK)
        status = STATUS_OK;
    if (status == STATUS_OK)
        status = store_walk_routes(&walk, bytes_make("", 0));
    if (status == STATUS_OK && count >= STORE_ROUTES_PER_FUNCTION)
        return report_fail(txn->report, STATUS_LIMIT, REPORT_OFFSET_NONE,
                           "a function can have %d routes besides those of its manifest",
                           STORE_ROUTES_PER_FUNCTION);
    if (status == STATUS_OK)
        status = store_add_route(txn, route);
    const struct store_logged logged = {
        .action = "route", .target = &route->target, .name = route->id};
    return status == STATUS_OK ? store_log(txn, &logged) : status;
}

enum status
store_set_route(struct store *store, const struct store_route *route, struct report *report)
{
    struct store_route copy = *route;
    return store_write(store, &route->target, store_change_set_route, &copy, false, report);
}

static enum status store_change_delete_route(struct store_txn *txn, void *context)
{
    const struct store_route *route = context;
    struct records_function function;
    enum status status = store_find_function(txn, &route->target, &function);
    if (status != STATUS_OK)
        return status;
    status = store_remove_route(txn, &route->target, route->id);
    if (status == STATUS_NOT_FOUND)
        return report_fail(txn->report, status, REPORT_OFFSET_NONE,
                           "the function has no route `%.*s`", (int)route->id.count,
                           (const char *)route->id.data);
    const struct store_logged logged = {
        .action = "unroute", .target = &route->target, .name = route->id};
    return status == STATUS_OK ? store_log(txn, &logged) : status;
}

enum status store_delete_route(struct store *store,
                               const struct store_target *target,
                               struct bytes id,
                               struct report *report)
{
    struct store_route route = {.target = *target, .id = id};
    return store_write(store, target, store_change_delete_route, &route, true, report);
}

/* ---- questions ------------------------------------------------------------------------------- */

enum status
store_get_host(struct store *store, struct bytes host, char ret_tenant[DEPLOY_NAME_BYTES])
{
    struct store_txn txn;
    enum status status = store_begin_read(store, NULL, &txn);
    if (status != STATUS_OK)
        return status;
    status = store_find_owner(&txn, host, ret_tenant);
    store_end_read(&txn);
    return status;
}

enum status store_list_routes(struct store *store,
                              const struct store_target *target,
                              bool (*visit)(void *context, const struct store_route *),
                              void *context,
                              struct report *report)
{
    struct store_txn txn;
    struct records_function function;
    const struct store_routes_walk walk = {
        .txn = &txn, .target = target, .visit = visit, .context = context};
    enum status status = store_begin_read(store, report, &txn);
    if (status != STATUS_OK)
        return status;
    status = store_find_function(&txn, target, &function);
    if (status == STATUS_OK)
        status = store_walk_routes(&walk, bytes_make("", 0));
    store_end_read(&txn);
    return status;
}
