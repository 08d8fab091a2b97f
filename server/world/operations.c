/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows in pages that never move, because lists go through them; freed ones are used again first,
 * the one that was free for longest before the others, so that generations last.
 */
#include "server/world/operations.h"

#include <stdlib.h>

#define OPERATION_GENERATION_FIRST 1 /* so that no ticket is HOSTAPI_TICKET_NONE */

static const char *const operation_names[OPERATION_KIND_COUNT] = {
#define OPERATION(NAME, name, text) [OPERATION_##NAME] = #name,
#include "server/world/operations.def"
};

const char *operation_kind_name(enum operation_kind kind)
{
    ASSERT(kind < OPERATION_KIND_COUNT);
    return operation_names[kind];
}

void operations_init(struct operations *operations, void (*wake)(struct operations_owner *owner))
{
    *operations = (struct operations){.wake = wake};
}

void operations_done(struct operations *operations)
{
    for (uint32_t i = 0; i < operations->page_count; i++)
        free(operations->pages[i]);
    *operations = (struct operations){0};
}

static bool operations_add_page(struct operations *operations)
{
    if (operations->page_count == OPERATIONS_PAGES_MAX)
        return false;
    struct operation *rows = calloc(OPERATIONS_PAGE, sizeof(*rows));
    if (rows == NULL)
        return false;
    for (uint32_t i = 0; i < OPERATIONS_PAGE; i++) {
        rows[i].slot = operations->page_count * OPERATIONS_PAGE + i;
        rows[i].generation = OPERATION_GENERATION_FIRST;
        list_append(&operations->free, &rows[i].link);
    }
    operations->pages[operations->page_count++] = rows;
    return true;
}

static void operations_count(const struct operations *operations, enum operation_kind kind, int add)
{
    if (operations->gauges[kind] != NULL)
        *operations->gauges[kind] += (uint64_t)(int64_t)add;
}

enum status operations_begin(struct operations_owner *owner,
                             enum operation_kind kind,
                             struct operation **ret_operation)
{
    struct operations *operations = owner->operations;
    ASSERT(kind < OPERATION_KIND_COUNT);
    if (owner->count >= HOSTAPI_OPERATIONS_MAX)
        return STATUS_LIMIT;
    if (list_is_empty(&operations->free) && !operations_add_page(operations))
        return STATUS_LIMIT;
    struct operation *operation = LIST_FIRST(&operations->free, struct operation, link);
    list_remove(&operation->link);
    operation->owner = owner;
    operation->kind = kind;
    list_append(&owner->list, &operation->link);
    owner->count++;
    operations_count(operations, kind, 1);
    *ret_operation = operation;
    return STATUS_OK;
}

uint64_t operation_ticket(const struct operation *operation)
{
    return (uint64_t)operation->generation << 32 | operation->slot;
}

struct operation *operations_find(const struct operations *operations, uint64_t ticket)
{
    uint32_t slot = (uint32_t)ticket;
    if (slot / OPERATIONS_PAGE >= operations->page_count)
        return NULL;
    struct operation *operation =
        &operations->pages[slot / OPERATIONS_PAGE][slot % OPERATIONS_PAGE];
    bool is_it = operation->owner != NULL && operation->generation == (uint32_t)(ticket >> 32);
    return is_it ? operation : NULL;
}

struct operation *
operations_find_own(const struct operations_owner *owner, enum operation_kind kind, uint64_t ticket)
{
    struct operation *operation = operations_find(owner->operations, ticket);
    bool is_own = operation != NULL && operation->owner == owner && operation->kind == kind;
    return is_own ? operation : NULL;
}

void operations_complete(struct operations *operations, uint64_t ticket, int64_t result)
{
    struct operation *operation = operations_find(operations, ticket);
    if (operation == NULL || operation->ready)
        return;
    operation->ready = true;
    operation->result = result;
    operations->wake(operation->owner);
}

void operation_rearm(struct operation *operation)
{
    ASSERT(operation->owner != NULL);
    operation->ready = false;
}

void operation_end(struct operation *operation)
{
    struct operations_owner *owner = operation->owner;
    ASSERT(owner != NULL && owner->count > 0);
    struct operations *operations = owner->operations;
    if (operations->ended[operation->kind] != NULL)
        operations->ended[operation->kind](operation);
    operations_count(operations, operation->kind, -1);
    list_remove(&operation->link);
    owner->count--;
    uint32_t generation = operation->generation + 1;
    *operation = (struct operation){
        .slot = operation->slot,
        .generation = generation != 0 ? generation : OPERATION_GENERATION_FIRST,
    };
    list_append(&operations->free, &operation->link);
}

void operations_end_all(struct operations_owner *owner)
{
    struct operation *operation;
    while ((operation = LIST_FIRST(&owner->list, struct operation, link)) != NULL)
        operation_end(operation);
}

/* ---- what host calls get --------------------------------------------------------------------- */

static struct operation *operations_of(const struct operations_owner *owner, uint64_t ticket)
{
    struct operation *operation = operations_find(owner->operations, ticket);
    return operation != NULL && operation->owner == owner ? operation : NULL;
}

static enum hostapi_look operations_look(void *owner, uint64_t ticket, int64_t *ret_result)
{
    const struct operation *operation = operations_of(owner, ticket);
    if (operation == NULL)
        return HOSTAPI_OVER;
    if (!operation->ready)
        return HOSTAPI_UNDER_WAY;
    *ret_result = operation->result;
    return HOSTAPI_READY;
}

static void operations_end(void *owner, uint64_t ticket)
{
    struct operation *operation = operations_of(owner, ticket);
    if (operation != NULL)
        operation_end(operation);
}

const struct hostapi_operations operations_calls = {
    .look = operations_look,
    .end = operations_end,
};
