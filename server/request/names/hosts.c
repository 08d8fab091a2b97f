/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One place for each hash: two busy hosts of one place read the catalog by turns, which takes a
 * microsecond. The seed is ours, so nobody can choose such hosts.
 */
#include "server/request/names/hosts.h"

#include <stdlib.h>

#include "engine/base/hash.h"

#define HOSTS_PLACES      512 /* a power of two */
#define HOSTS_NAME_MAX    253 /* of a host [RFC 1035 2.3.4] */
#define HOSTS_ARENA_BYTES ((size_t)1 << 20)

struct hosts_entry {
    bool used;
    bool has_routes;
    uint64_t generation;
    struct arena arena; /* what the host points to */
    struct deploy_host host;
    size_t name_count;
    char name[HOSTS_NAME_MAX];
};

struct hosts {
    struct deploy_catalog *catalog;
    uint64_t seed;
    struct hosts_entry entries[HOSTS_PLACES];
};

enum status hosts_create(struct deploy_catalog *catalog, struct hosts **ret_hosts)
{
    struct hosts *hosts = calloc(1, sizeof(*hosts));
    if (hosts == NULL)
        return STATUS_NO_MEMORY;
    hosts->catalog = catalog;
    hosts->seed = hash_seed(&clock_system);
    *ret_hosts = hosts;
    return STATUS_OK;
}

void hosts_free(struct hosts *hosts)
{
    for (size_t i = 0; hosts != NULL && i < HOSTS_PLACES; i++)
        arena_done(&hosts->entries[i].arena);
    free(hosts);
}

static enum status hosts_load(const struct hosts *hosts,
                              struct bytes name,
                              struct report *report,
                              struct hosts_entry *entry)
{
    uint64_t generation = deploy_catalog_generation(hosts->catalog);
    arena_done(&entry->arena);
    arena_init(&entry->arena, HOSTS_ARENA_BYTES);
    entry->used = false;
    enum status status =
        deploy_catalog_host(hosts->catalog, name, &entry->arena, report, &entry->host);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return status;
    entry->used = true;
    entry->has_routes = status == STATUS_OK;
    entry->generation = generation;
    entry->name_count = name.count;
    memcpy(entry->name, name.data, name.count);
    return STATUS_OK;
}

enum status hosts_find(struct hosts *hosts,
                       struct bytes authority,
                       struct report *report,
                       const struct deploy_host **ret_host)
{
    char text[HOSTS_NAME_MAX];
    struct bytes name = route_host(authority);
    if (name.count == 0 || name.count > HOSTS_NAME_MAX)
        return STATUS_NOT_FOUND;
    for (size_t i = 0; i < name.count; i++)
        text[i] = (char)bytes_lower(name.data[i]);
    name.data = (const uint8_t *)text;
    struct hosts_entry *entry = &hosts->entries[hash_bytes(hosts->seed, name) & (HOSTS_PLACES - 1)];
    bool hit = entry->used && entry->generation == deploy_catalog_generation(hosts->catalog) &&
               bytes_equal(bytes_make(entry->name, entry->name_count), name);
    enum status status = hit ? STATUS_OK : hosts_load(hosts, name, report, entry);
    if (status != STATUS_OK)
        return status;
    *ret_host = &entry->host;
    return entry->has_routes ? STATUS_OK : STATUS_NOT_FOUND;
}

/* Does the prefix end where a segment of the path does? */
static bool hosts_is_prefix(struct bytes prefix, struct bytes path)
{
    if (prefix.count > path.count ||
        (prefix.count > 0 && memcmp(prefix.data, path.data, prefix.count) != 0))
        return false;
    return prefix.count == path.count || path.data[prefix.count] == '/' ||
           path.data[prefix.count] == '?';
}

bool hosts_match(const struct deploy_host *host,
                 struct bytes path,
                 struct bytes method,
                 struct route_target *ret_target)
{
    for (uint32_t i = 0; i < host->route_count; i++) {
        const struct deploy_host_route *route = &host->routes[i];
        if (!hosts_is_prefix(route->path, path) || !deploy_route_takes(route->methods, method))
            continue;
        return route_set(ret_target, host->tenant, route->function, path, route->path.count);
    }
    return false;
}
