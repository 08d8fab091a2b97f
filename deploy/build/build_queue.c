/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tenant is known here only while it has builds. The list of tenants is in the order of their
 * turns: whoever begins a build goes to its end, and so does a new one.
 */
#include "deploy/build/build_queue.h"

#include <stdlib.h>

struct build_tenant {
    struct list_link link;
    struct list waiting; /* struct build_entry, in the order of their coming */
    uint32_t running_count;
    uint32_t waiting_count;
    bool rebuilds;
    char name[DEPLOY_NAME_BYTES];
};

void build_queue_init(struct build_queue *queue, uint32_t places)
{
    ASSERT(places > 0);
    *queue = (struct build_queue){.places = places};
}

static struct build_tenant *build_queue_tenant(struct build_queue *queue, const char *name)
{
    LIST_FOREACH(tenant, &queue->tenants, struct build_tenant, link) {
        bool same =
            name == NULL ? tenant->rebuilds : !tenant->rebuilds && strcmp(tenant->name, name) == 0;
        if (same)
            return tenant;
    }
    struct build_tenant *tenant = calloc(1, sizeof(*tenant));
    if (tenant == NULL)
        return NULL;
    tenant->rebuilds = name == NULL;
    if (name != NULL) {
        ASSERT(strlen(name) < sizeof(tenant->name));
        memcpy(tenant->name, name, strlen(name) + 1);
        list_append(&queue->tenants, &tenant->link);
    } else {
        list_prepend(&queue->tenants, &tenant->link);
    }
    return tenant;
}

static void build_queue_forget(struct build_tenant *tenant)
{
    if (tenant->running_count > 0 || tenant->waiting_count > 0)
        return;
    list_remove(&tenant->link);
    free(tenant);
}

enum status build_queue_add(struct build_queue *queue,
                            const char *tenant,
                            uint64_t bytes,
                            struct build_entry *entry)
{
    struct build_tenant *owner = build_queue_tenant(queue, tenant);
    if (owner == NULL)
        return STATUS_NO_MEMORY;
    *entry = (struct build_entry){.tenant = owner, .bytes = bytes};
    list_append(&owner->waiting, &entry->link);
    owner->waiting_count++;
    queue->waiting_count++;
    queue->waiting_bytes += bytes;
    return STATUS_OK;
}

static void build_queue_unwait(struct build_queue *queue, struct build_entry *entry)
{
    list_remove(&entry->link);
    entry->tenant->waiting_count--;
    queue->waiting_count--;
    queue->waiting_bytes -= entry->bytes;
}

/* The smallest, or one that was passed over often enough. */
static struct build_entry *build_queue_choose(struct build_tenant *tenant)
{
    struct build_entry *best = NULL;
    LIST_FOREACH(entry, &tenant->waiting, struct build_entry, link) {
        if (entry->passed_count >= BUILD_QUEUE_PASSED_MAX)
            return entry;
        if (best == NULL || entry->bytes < best->bytes)
            best = entry;
    }
    LIST_FOREACH(entry, &tenant->waiting, struct build_entry, link) {
        if (entry == best)
            break;
        entry->passed_count++;
    }
    return best;
}

struct build_entry *build_queue_take(struct build_queue *queue)
{
    uint32_t share = MAX(queue->places / 2, 1u);
    if (queue->running_count >= queue->places)
        return NULL;
    LIST_FOREACH(tenant, &queue->tenants, struct build_tenant, link) {
        if (tenant->waiting_count == 0 || tenant->running_count >= share)
            continue;
        struct build_entry *entry = build_queue_choose(tenant);
        build_queue_unwait(queue, entry);
        tenant->running_count++;
        queue->running_count++;
        /* Rebuilds stay where they are: it is always their turn. */
        if (!tenant->rebuilds) {
            list_remove(&tenant->link);
            list_append(&queue->tenants, &tenant->link);
        }
        return entry;
    }
    return NULL;
}

void build_queue_end(struct build_queue *queue, struct build_entry *entry)
{
    ASSERT(entry->tenant->running_count > 0 && queue->running_count > 0);
    entry->tenant->running_count--;
    queue->running_count--;
    build_queue_forget(entry->tenant);
    entry->tenant = NULL;
}

void build_queue_remove(struct build_queue *queue, struct build_entry *entry)
{
    build_queue_unwait(queue, entry);
    build_queue_forget(entry->tenant);
    entry->tenant = NULL;
}

bool build_queue_is_crowded(const struct build_queue *queue, const struct build_entry *entry)
{
    return queue->waiting_count > entry->tenant->waiting_count;
}
