/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Services as tables of functions (hostapi/world.h), each of which takes the fuzzer's next choice.
 */
#include "tests/fuzz/hostcalls_world.h"

#define WORLD_VALUE_BYTES ((size_t)1 << 20)
#define WORLD_KEYS_MAX    1100 /* more than a call may list */

static const uint8_t world_bytes[WORLD_VALUE_BYTES];

/* Reads them all: a sanitizer knows whether they may be. */
static uint32_t world_read(struct bytes bytes)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < bytes.count; i++)
        sum += bytes.data[i];
    return sum;
}

/* ---- operations ------------------------------------------------------------------------------ */

static struct world_operation *world_find(struct fuzz_world *world, uint64_t ticket)
{
    ASSERT(ticket != HOSTAPI_TICKET_NONE);
    for (uint32_t i = 0; i < WORLD_OPERATIONS_MAX; i++) {
        if (world->operations[i].ticket == ticket)
            return &world->operations[i];
    }
    return NULL;
}

static enum hostapi_look world_look(void *owner, uint64_t ticket, int64_t *ret_result)
{
    const struct world_operation *operation = world_find(owner, ticket);
    ASSERT(operation != NULL);
    if (operation->over)
        return HOSTAPI_OVER;
    if (operation->ready)
        *ret_result = 0;
    return operation->ready ? HOSTAPI_READY : HOSTAPI_UNDER_WAY;
}

static void world_end(void *owner, uint64_t ticket)
{
    struct world_operation *operation = world_find(owner, ticket);
    ASSERT(operation != NULL);
    *operation = (struct world_operation){.ticket = HOSTAPI_TICKET_NONE};
}

void fuzz_world_step(struct fuzz_world *world)
{
    for (uint32_t i = 0; i < WORLD_OPERATIONS_MAX; i++) {
        struct world_operation *operation = &world->operations[i];
        if (operation->ticket == HOSTAPI_TICKET_NONE || choose(world->choices, 3) != 0)
            continue;
        operation->ready = true;
        operation->over = choose_once_in(world->choices, 16);
    }
}

void fuzz_world_finish(struct fuzz_world *world)
{
    for (uint32_t i = 0; i < WORLD_OPERATIONS_MAX; i++)
        world->operations[i].ready = world->operations[i].ticket != HOSTAPI_TICKET_NONE;
}

void fuzz_world_forget(struct fuzz_world *world)
{
    memset(world->operations, 0, sizeof(world->operations));
}

uint32_t fuzz_world_open(const struct fuzz_world *world)
{
    uint32_t open = 0;
    for (uint32_t i = 0; i < WORLD_OPERATIONS_MAX; i++)
        open += world->operations[i].ticket != HOSTAPI_TICKET_NONE;
    return open;
}

uint32_t fuzz_world_under_way(const struct fuzz_world *world)
{
    uint32_t under_way = 0;
    for (uint32_t i = 0; i < WORLD_OPERATIONS_MAX; i++)
        under_way +=
            world->operations[i].ticket != HOSTAPI_TICKET_NONE && !world->operations[i].ready;
    return under_way;
}

/* ---- the key-value store --------------------------------------------------------------------- */

static void world_check_key(struct bytes tenant, struct bytes key)
{
    ASSERT(bytes_equal_text(tenant, "acme"));
    ASSERT(key.count > 0 && key.count <= HOSTAPI_KV_KEY_BYTES_MAX);
    (void)world_read(key);
}

static bool world_kv_is_changing(void *owner, struct bytes key, bool is_prefix)
{
    struct fuzz_world *world = owner;
    ASSERT(key.count <= HOSTAPI_KV_KEY_BYTES_MAX && (is_prefix || key.count > 0));
    for (uint32_t i = 0; i < WORLD_OPERATIONS_MAX; i++) {
        const struct world_operation *operation = &world->operations[i];
        if (operation->ticket == HOSTAPI_TICKET_NONE || operation->ready ||
            operation->key.count < key.count)
            continue;
        struct bytes begins = bytes_make(operation->key_data, key.count);
        if (bytes_equal(begins, key) && (is_prefix || operation->key.count == key.count))
            return true;
    }
    return false;
}

static enum hostapi_kv_status world_kv_status(struct choices *choices)
{
    return choose_once_in(choices, 3)
               ? (enum hostapi_kv_status)choose(choices, HOSTAPI_KV_STATUS_COUNT)
               : HOSTAPI_KV_OK;
}

static enum hostapi_kv_status world_kv_get(
    void *owner, struct bytes tenant, struct bytes key, hostapi_kv_take *take, void *context)
{
    static const uint32_t sizes[] = {3, 0, 1, 16, 4096, 65536, WORLD_VALUE_BYTES};
    struct fuzz_world *world = owner;
    world_check_key(tenant, key);
    const struct hostapi_kv_item item = {
        .key = key,
        .value = bytes_make(world_bytes, sizes[choose(world->choices, COUNT_OF(sizes))]),
        .version = choose_bits(world->choices, 8),
    };
    enum hostapi_kv_status status = world_kv_status(world->choices);
    if (status == HOSTAPI_KV_OK)
        (void)take(context, &item);
    return status;
}

static enum hostapi_kv_status world_kv_list(void *owner,
                                            struct bytes tenant,
                                            struct bytes prefix,
                                            struct bytes after,
                                            hostapi_kv_take *take,
                                            void *context)
{
    struct fuzz_world *world = owner;
    ASSERT(bytes_equal_text(tenant, "acme"));
    ASSERT(prefix.count <= HOSTAPI_KV_KEY_BYTES_MAX && after.count <= HOSTAPI_KV_KEY_BYTES_MAX);
    (void)world_read(prefix);
    (void)world_read(after);
    struct hostapi_kv_item item = {
        .key = bytes_make(world_bytes, choose(world->choices, HOSTAPI_KV_KEY_BYTES_MAX) + 1)};
    uint32_t count = choose(world->choices, WORLD_KEYS_MAX);
    /* One that goes on behind others is nearer to the end. */
    count -= after.count == item.key.count ? MIN(count, WORLD_KEYS_MAX / 2) : 0;
    uint32_t over_once_in = choose(world->choices, 4) + 1;
    for (uint32_t i = 0; i < count; i++) {
        item.is_over = over_once_in < 4 && i % over_once_in == 0;
        if (!take(context, &item))
            return HOSTAPI_KV_OK;
    }
    return world_kv_status(world->choices);
}

static enum hostapi_kv_status world_kv_start(void *owner,
                                             struct bytes tenant,
                                             const struct hostapi_kv_change *change,
                                             uint64_t *ret_ticket)
{
    struct fuzz_world *world = owner;
    world_check_key(tenant, change->key);
    ASSERT(change->value.count <= HOSTAPI_KV_VALUE_BYTES_MAX);
    (void)world_read(change->value);
    if (choose_once_in(world->choices, 8))
        return HOSTAPI_KV_LIMIT;
    if (choose_once_in(world->choices, 8))
        return HOSTAPI_KV_UNAVAILABLE;
    if (fuzz_world_open(world) == HOSTAPI_OPERATIONS_MAX + 1)
        return HOSTAPI_KV_LIMIT;
    for (uint32_t i = 0; i < WORLD_OPERATIONS_MAX; i++) {
        struct world_operation *operation = &world->operations[i];
        if (operation->ticket != HOSTAPI_TICKET_NONE)
            continue;
        *operation = (struct world_operation){
            .ticket = ++world->tickets,
            .key = bytes_make(operation->key_data, change->key.count),
            .result = {.status = world_kv_status(world->choices),
                       .version = choose_bits(world->choices, 8) >> 1,
                       .number = (int64_t)choose_bits(world->choices, 8)},
        };
        memcpy(operation->key_data, change->key.data, change->key.count);
        operation->ready = choose(world->choices, 4) == 0;
        *ret_ticket = operation->ticket;
        return HOSTAPI_KV_OK;
    }
    return HOSTAPI_KV_LIMIT;
}

static void world_kv_result(void *owner, uint64_t ticket, struct hostapi_kv_result *ret_result)
{
    const struct world_operation *operation = world_find(owner, ticket);
    ASSERT(operation != NULL && operation->ready && !operation->over);
    *ret_result = operation->result;
}

void fuzz_world_make(struct fuzz_world *world, struct choices *choices)
{
    static const struct hostapi_operations operations = {.look = world_look, .end = world_end};
    static const struct hostapi_kv kv = {.is_changing = world_kv_is_changing,
                                         .get = world_kv_get,
                                         .list = world_kv_list,
                                         .start = world_kv_start,
                                         .result = world_kv_result};
    *world = (struct fuzz_world){.choices = choices, .calls = {.operations = &operations}};
    if (!choose_once_in(choices, 8))
        world->calls.kv = &kv;
}
