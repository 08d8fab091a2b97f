/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Services as tables of functions (hostapi/world.h), each of which takes the fuzzer's next choice.
 */
#include "tests/fuzz/hostcalls_world.h"

#define WORLD_VALUE_BYTES ((size_t)1 << 20)
#define WORLD_KEYS_MAX    1100 /* more than a call may list */

/* Of keys, values and bodies: not what memory is full of, so that each byte that is written shows.
 */
static uint8_t world_bytes[WORLD_VALUE_BYTES];

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
        *ret_result = operation->kind == WORLD_SECRET ? (int64_t)operation->status : 0;
    return operation->ready ? HOSTAPI_READY : HOSTAPI_UNDER_WAY;
}

static void world_end(void *owner, uint64_t ticket)
{
    struct world_operation *operation = world_find(owner, ticket);
    ASSERT(operation != NULL);
    *operation = (struct world_operation){.ticket = HOSTAPI_TICKET_NONE};
}

/* An answer comes on: its head, then data, then its end. */
static void world_bring(struct fuzz_world *world, struct world_operation *operation)
{
    static const char fields[] = "content-type\0text/plain\0x-a\0\0x-a\0b";
    struct hostapi_fetch_view *view = &operation->view;
    operation->ready = true;
    if (operation->kind != WORLD_FETCH || view->end != HOSTAPI_FETCH_UNDER_WAY)
        return;
    view->room = choose(world->choices, 3) * 100;
    if (!view->has_head) {
        view->has_head = !choose_once_in(world->choices, 4);
        view->status = 200 + choose(world->choices, 256);
        view->url = bytes_of_text("http://a/");
        view->fields = bytes_make(fields, sizeof(fields));
    }
    if (view->has_head && operation->pieces > 0 && view->data.count == 0) {
        operation->pieces--;
        view->data = bytes_make(world_bytes, choose_bits(world->choices, 2));
    }
    if (!view->has_head || operation->pieces == 0) {
        view->end = HOSTAPI_FETCH_DONE + choose(world->choices, 9);
        if (!view->has_head && view->end == HOSTAPI_FETCH_DONE)
            view->end = HOSTAPI_FETCH_FAILED;
        view->text = view->end == HOSTAPI_FETCH_DONE ? "" : "it went wrong";
    }
}

void fuzz_world_step(struct fuzz_world *world)
{
    for (uint32_t i = 0; i < WORLD_OPERATIONS_MAX; i++) {
        struct world_operation *operation = &world->operations[i];
        if (operation->ticket == HOSTAPI_TICKET_NONE || choose(world->choices, 3) != 0)
            continue;
        world_bring(world, operation);
        operation->over = choose_once_in(world->choices, 16);
    }
}

void fuzz_world_finish(struct fuzz_world *world)
{
    for (uint32_t i = 0; i < WORLD_OPERATIONS_MAX; i++) {
        if (world->operations[i].ticket != HOSTAPI_TICKET_NONE)
            world_bring(world, &world->operations[i]);
    }
}

/* NULL: it says that there is no room. */
static struct world_operation *world_begin(struct fuzz_world *world, enum world_kind kind)
{
    if (choose_once_in(world->choices, 8) || fuzz_world_open(world) == HOSTAPI_OPERATIONS_MAX + 1)
        return NULL;
    for (uint32_t i = 0; i < WORLD_OPERATIONS_MAX; i++) {
        struct world_operation *operation = &world->operations[i];
        if (operation->ticket != HOSTAPI_TICKET_NONE)
            continue;
        *operation = (struct world_operation){.ticket = ++world->tickets, .kind = kind};
        return operation;
    }
    return NULL;
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
        if (operation->ticket == HOSTAPI_TICKET_NONE || operation->kind != WORLD_KV ||
            operation->ready || operation->key.count < key.count)
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
        return HOSTAPI_KV_UNAVAILABLE;
    struct world_operation *operation = world_begin(world, WORLD_KV);
    if (operation == NULL)
        return HOSTAPI_KV_LIMIT;
    operation->key = bytes_make(operation->key_data, change->key.count);
    memcpy(operation->key_data, change->key.data, change->key.count);
    operation->result =
        (struct hostapi_kv_result){.status = world_kv_status(world->choices),
                                   .version = choose_bits(world->choices, 8) >> 1,
                                   .number = (int64_t)choose_bits(world->choices, 8)};
    operation->ready = choose(world->choices, 4) == 0;
    *ret_ticket = operation->ticket;
    return HOSTAPI_KV_OK;
}

static void world_kv_result(void *owner, uint64_t ticket, struct hostapi_kv_result *ret_result)
{
    const struct world_operation *operation = world_find(owner, ticket);
    ASSERT(operation != NULL && operation->kind == WORLD_KV);
    ASSERT(operation->ready && !operation->over);
    *ret_result = operation->result;
}

/* ---- fetches, and calls of siblings ---------------------------------------------------------- */

static enum hostapi_fetch_end world_fetch_start(void *owner,
                                                const struct hostapi_fetch_order *order,
                                                uint64_t *ret_ticket,
                                                const char **ret_text)
{
    struct fuzz_world *world = owner;
    bool is_call = order->function.count > 0;
    ASSERT(order->url.count <= HOSTAPI_FETCH_URL_MAX);
    ASSERT(order->method.count <= HOSTAPI_FETCH_URL_MAX);
    ASSERT(order->fields.count <= HOSTAPI_FETCH_FIELDS_MAX);
    ASSERT(order->body.count <= (is_call ? HOSTAPI_CALL_BODY_MAX : HOSTAPI_FETCH_BODY_MAX));
    ASSERT(order->fields.count == 0 || order->fields.data[order->fields.count - 1] == '\0');
    ASSERT(is_call || (bytes_equal_text(order->tenant, "acme") && order->deadline_us > 0));
    (void)world_read(order->function);
    (void)world_read(order->method);
    (void)world_read(order->url);
    (void)world_read(order->fields);
    (void)world_read(order->body);
    *ret_text = "it is refused";
    if (choose_once_in(world->choices, 8))
        return HOSTAPI_FETCH_INVALID + choose(world->choices, 8);
    struct world_operation *operation = world_begin(world, WORLD_FETCH);
    if (operation == NULL)
        return HOSTAPI_FETCH_LIMIT;
    operation->pieces = choose(world->choices, 4);
    operation->view.text = "";
    if (choose(world->choices, 4) == 0)
        world_bring(world, operation);
    *ret_ticket = operation->ticket;
    return HOSTAPI_FETCH_UNDER_WAY;
}

static struct world_operation *world_fetch_of(struct fuzz_world *world, uint64_t ticket)
{
    struct world_operation *operation = world_find(world, ticket);
    ASSERT(operation != NULL && operation->kind == WORLD_FETCH);
    return operation;
}

static const struct hostapi_fetch_view *world_fetch_view(void *owner, uint64_t ticket)
{
    const struct world_operation *operation = world_fetch_of(owner, ticket);
    return operation->over ? NULL : &operation->view;
}

static void world_fetch_take(void *owner, uint64_t ticket, size_t count)
{
    struct bytes *data = &world_fetch_of(owner, ticket)->view.data;
    ASSERT(count <= data->count);
    *data = bytes_make(data->data + count, data->count - count);
}

static bool world_fetch_write(void *owner, uint64_t ticket, struct bytes data, bool last)
{
    struct fuzz_world *world = owner;
    struct world_operation *operation = world_fetch_of(world, ticket);
    ASSERT(data.count <= operation->view.room && (data.count > 0 || last));
    (void)world_read(data);
    operation->view.room -= (uint32_t)data.count;
    return !choose_once_in(world->choices, 8);
}

static void world_fetch_await(void *owner, uint64_t ticket)
{
    struct world_operation *operation = world_fetch_of(owner, ticket);
    ASSERT(operation->view.end == HOSTAPI_FETCH_UNDER_WAY);
    operation->ready = false;
}

/* ---- secrets and rates ----------------------------------------------------------------------- */

static enum status
world_secret_start(const struct http_exchange *exchange, struct bytes name, uint64_t *ret_ticket)
{
    static const enum status statuses[] = {STATUS_OK, STATUS_NOT_FOUND, STATUS_UNREACHABLE};
    struct fuzz_world *world = exchange->owner;
    (void)world_read(name);
    if (choose_once_in(world->choices, 8))
        return STATUS_UNREACHABLE;
    struct world_operation *operation = world_begin(world, WORLD_SECRET);
    if (operation == NULL)
        return STATUS_LIMIT;
    operation->status = statuses[choose(world->choices, COUNT_OF(statuses))];
    *ret_ticket = operation->ticket;
    return STATUS_OK;
}

static struct bytes world_secret_value(void *owner, uint64_t ticket)
{
    const struct world_operation *operation = world_find(owner, ticket);
    ASSERT(operation != NULL && operation->kind == WORLD_SECRET);
    ASSERT(operation->ready && operation->status == STATUS_OK);
    return bytes_of_text("a secret");
}

static struct bytes world_secret_pair(void *owner, uint64_t ticket)
{
    (void)world_secret_value(owner, ticket);
    return bytes_of_text("TOKEN=a secret");
}

static int64_t world_rate_take(
    void *owner, struct bytes tenant, struct bytes key, uint32_t limit, uint64_t window_ms)
{
    struct fuzz_world *world = owner;
    ASSERT(bytes_equal_text(tenant, "acme") && key.count > 0 && limit > 0);
    ASSERT(window_ms >= HOSTAPI_RATE_WINDOW_MIN_MS && window_ms <= HOSTAPI_RATE_WINDOW_MAX_MS);
    (void)world_read(key);
    return choose(world->choices, 2) == 0 ? (int64_t)limit - 1 : -1;
}

/* ---- the world ------------------------------------------------------------------------------- */

void fuzz_world_make(struct fuzz_world *world, struct choices *choices)
{
    static const struct hostapi_operations operations = {.look = world_look, .end = world_end};
    static const struct hostapi_kv kv = {.is_changing = world_kv_is_changing,
                                         .get = world_kv_get,
                                         .list = world_kv_list,
                                         .start = world_kv_start,
                                         .result = world_kv_result};
    static const struct hostapi_fetches fetches = {.start = world_fetch_start,
                                                   .view = world_fetch_view,
                                                   .take = world_fetch_take,
                                                   .write = world_fetch_write,
                                                   .await = world_fetch_await};
    static const struct hostapi_secrets secrets = {
        .start = world_secret_start, .value = world_secret_value, .pair = world_secret_pair};
    static const struct hostapi_rates rates = {.take = world_rate_take};
    if (world_bytes[0] == 0)
        memset(world_bytes, 'w', sizeof(world_bytes));
    *world = (struct fuzz_world){.choices = choices, .calls = {.operations = &operations}};
    if (choose_once_in(choices, 8))
        return;
    world->calls.kv = &kv;
    world->calls.fetches = world->calls.siblings = &fetches;
    world->calls.secrets = &secrets;
    world->calls.rates = &rates;
}
