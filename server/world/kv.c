/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes under way, and reading.
 */
#include "server/world/kv.h"

#include <stdlib.h>

#include "engine/base/hash.h"
#include "server/channel/kv_messages.h"

/* A change that control has been asked for: its operation's data. */
struct world_kv_call {
    struct peers_call peer;
    struct list_link left; /* linked: its request wants nothing of it any more */
    struct world *world;
    struct world_kv_account *account; /* that it counts in; NULL: it has its answer */
    size_t bytes;
    uint64_t ticket;
    struct hostapi_kv_result result;
    size_t key_count;
    uint8_t key[KV_KEY_BYTES_MAX];
};

/* Of one account (world.h): a group of control's, and less than the way to control has room for. */
#define WORLD_KV_CHANGES_MAX KV_GROUP_MAX
#define WORLD_KV_BYTES_MAX   ((size_t)6 << 20)

_Static_assert(WORLD_KV_BYTES_MAX < CHANNEL_OUT_MAX, "one tenant leaves room for others");
_Static_assert(HOSTAPI_KV_KEY_BYTES_MAX == KV_KEY_BYTES_MAX, "guests are told the store's bound");
_Static_assert(HOSTAPI_KV_OVER_STEP == KV_OVER_STEP, "and what a list costs");
_Static_assert(HOSTAPI_KV_VALUE_BYTES_MAX == KV_VALUE_BYTES_MAX, "and the other one");

/* ---- reading --------------------------------------------------------------------------------- */

static bool world_kv_begin(void *owner, struct kv_reader **ret_reader)
{
    *ret_reader = world_of(owner)->kv_reader;
    return kv_reader_begin(*ret_reader, NULL) == STATUS_OK;
}

static enum hostapi_kv_status world_kv_get(
    void *owner, struct bytes tenant, struct bytes key, hostapi_kv_take *take, void *context)
{
    struct kv_reader *reader;
    struct kv_item item;
    if (!world_kv_begin(owner, &reader))
        return HOSTAPI_KV_UNAVAILABLE;
    enum status status = kv_reader_get(reader, tenant, key, &item);
    if (status == STATUS_OK) {
        const struct hostapi_kv_item found = {
            .key = item.key, .value = item.value, .version = item.version};
        (void)take(context, &found);
    }
    kv_reader_end(reader);
    return status == STATUS_OK          ? HOSTAPI_KV_OK
           : status == STATUS_NOT_FOUND ? HOSTAPI_KV_NOT_FOUND
                                        : HOSTAPI_KV_UNAVAILABLE;
}

struct world_kv_listing {
    hostapi_kv_take *take;
    void *context;
};

static bool world_kv_take(void *context, const struct kv_item *item)
{
    const struct world_kv_listing *listing = context;
    const struct hostapi_kv_item found = {
        .key = item->key, .value = item->value, .version = item->version, .is_over = item->is_over};
    return listing->take(listing->context, &found);
}

static enum hostapi_kv_status world_kv_list(void *owner,
                                            struct bytes tenant,
                                            struct bytes prefix,
                                            struct bytes after,
                                            hostapi_kv_take *take,
                                            void *context)
{
    struct kv_reader *reader;
    struct world_kv_listing listing = {.take = take, .context = context};
    const struct kv_range range = {.tenant = tenant, .prefix = prefix, .after = after};
    if (!world_kv_begin(owner, &reader))
        return HOSTAPI_KV_UNAVAILABLE;
    enum status status = kv_reader_list(reader, &range, world_kv_take, &listing);
    kv_reader_end(reader);
    return status == STATUS_OK ? HOSTAPI_KV_OK : HOSTAPI_KV_UNAVAILABLE;
}

/* ---- changing -------------------------------------------------------------------------------- */

/* False: the tenant has enough under way. */
static bool world_kv_count(struct world_kv *kv, struct world_kv_call *call, struct bytes tenant)
{
    struct world_kv_account *account =
        &kv->accounts[hash_bytes(kv->seed, tenant) % WORLD_KV_ACCOUNTS];
    if (account->changes == WORLD_KV_CHANGES_MAX ||
        call->bytes > WORLD_KV_BYTES_MAX - account->bytes)
        return false;
    account->changes++;
    account->bytes += call->bytes;
    call->account = account;
    return true;
}

static void world_kv_uncount(struct world_kv_call *call)
{
    call->account->changes--;
    call->account->bytes -= call->bytes;
    call->account = NULL;
}

/* Nobody waits for it, and it is done. */
static void world_kv_forget(struct world_kv_call *call)
{
    list_remove(&call->left);
    free(call);
}

static void world_kv_complete(struct world_kv_call *call)
{
    operations_complete(&call->world->operations, call->ticket, 0);
}

/* Control is gone: whether the change was made is not known. */
static void world_kv_lost(struct peers_call *peer)
{
    struct world_kv_call *call = CONTAINER_OF(peer, struct world_kv_call, peer);
    world_kv_uncount(call);
    if (list_is_linked(&call->left)) {
        world_kv_forget(call);
        return;
    }
    call->result = (struct hostapi_kv_result){.status = HOSTAPI_KV_UNAVAILABLE};
    world_kv_complete(call);
}

static void world_kv_ended(struct operation *operation)
{
    struct world_kv_call *call = operation->data;
    if (call == NULL)
        return;
    if (call->account == NULL)
        free(call);
    else
        list_append(&call->world->kv.left, &call->left);
}

static bool world_kv_send(struct world *world,
                          uint64_t ticket,
                          struct bytes tenant,
                          const struct hostapi_kv_change *change)
{
    uint8_t head[KV_MESSAGE_HEAD_BYTES];
    const struct kv_message message = {.verb = change->verb,
                                       .checks_version = change->checks_version,
                                       .if_version = change->if_version,
                                       .expires_ns = change->expires_ns,
                                       .number = change->number,
                                       .tenant = tenant,
                                       .key = change->key};
    const struct channel_message frame = {.type = CHANNEL_MESSAGE_KV_CHANGE,
                                          .id = ticket,
                                          .head = kv_message_write(&message, head),
                                          .body = change->value,
                                          .fd = -1};
    return peers_send(&world->peers, CHANNEL_CONTROL, &frame);
}

static enum hostapi_kv_status world_kv_start(void *owner,
                                             struct bytes tenant,
                                             const struct hostapi_kv_change *change,
                                             uint64_t *ret_ticket)
{
    struct world *world = world_of(owner);
    struct operation *operation;
    if (operations_begin(owner, OPERATION_KV, &operation) != STATUS_OK)
        return HOSTAPI_KV_LIMIT;
    uint64_t ticket = operation_ticket(operation);
    struct world_kv_call *call = calloc(1, sizeof(*call));
    if (call == NULL) {
        operation_end(operation);
        return HOSTAPI_KV_UNAVAILABLE;
    }
    *call = (struct world_kv_call){.peer = {.lost = world_kv_lost},
                                   .world = world,
                                   .bytes = change->key.count + change->value.count,
                                   .ticket = ticket,
                                   .key_count = change->key.count};
    bool counted = world_kv_count(&world->kv, call, tenant);
    if (!counted || !world_kv_send(world, ticket, tenant, change)) {
        if (counted)
            world_kv_uncount(call);
        free(call);
        operation_end(operation);
        return counted ? HOSTAPI_KV_UNAVAILABLE : HOSTAPI_KV_LIMIT;
    }
    memcpy(call->key, change->key.data, change->key.count);
    operation->data = call;
    peers_call_begin(&world->peers, CHANNEL_CONTROL, &call->peer);
    *ret_ticket = ticket;
    return HOSTAPI_KV_OK;
}

static bool world_kv_is_changing(void *owner, struct bytes key, bool is_prefix)
{
    const struct operations_owner *own = owner;
    LIST_FOREACH(operation, &own->list, struct operation, link) {
        const struct world_kv_call *call = operation->data;
        if (operation->kind != OPERATION_KV || operation->ready || call->key_count < key.count ||
            (!is_prefix && call->key_count != key.count))
            continue;
        if (key.count == 0 || memcmp(call->key, key.data, key.count) == 0)
            return true;
    }
    return false;
}

static void world_kv_result(void *owner, uint64_t ticket, struct hostapi_kv_result *ret_result)
{
    const struct operation *operation = operations_find_own(owner, OPERATION_KV, ticket);
    ASSERT(operation != NULL && operation->ready);
    *ret_result = ((const struct world_kv_call *)operation->data)->result;
}

/* NULL: it is none that was left. They are answered in their order, more or less. */
static struct world_kv_call *world_kv_find_left(const struct world_kv *kv, uint64_t ticket)
{
    LIST_FOREACH(call, &kv->left, struct world_kv_call, left) {
        if (call->ticket == ticket)
            return call;
    }
    return NULL;
}

static void world_kv_on_left_done(struct world_kv_call *call)
{
    if (call == NULL)
        return;
    peers_call_end(&call->peer);
    world_kv_uncount(call);
    world_kv_forget(call);
}

/* An answer that comes when nobody wants it any more finds no operation. */
static bool world_kv_on_done(void *context, const struct channel_frame *frame)
{
    struct world *world = context;
    struct kv_answer answer;
    if (!kv_answer_read(frame->payload, &answer))
        return false;
    const struct operation *operation = operations_find(&world->operations, frame->id);
    if (operation == NULL) {
        world_kv_on_left_done(world_kv_find_left(&world->kv, frame->id));
        return true;
    }
    if (operation->kind != OPERATION_KV || operation->ready)
        return true;
    struct world_kv_call *call = operation->data;
    world_kv_uncount(call);
    call->result = (struct hostapi_kv_result){
        .status = answer.status, .version = answer.version, .number = answer.number};
    peers_call_end(&call->peer);
    world_kv_complete(call);
    return true;
}

void world_kv_provide(struct world *world, struct kv_reader *reader)
{
    static const struct hostapi_kv calls = {.is_changing = world_kv_is_changing,
                                            .get = world_kv_get,
                                            .list = world_kv_list,
                                            .start = world_kv_start,
                                            .result = world_kv_result};
    world->kv.seed = hash_seed(&clock_system);
    world->kv_reader = reader;
    world->calls.kv = &calls;
    world->operations.ended[OPERATION_KV] = world_kv_ended;
    peers_on(&world->peers, CHANNEL_MESSAGE_KV_DONE, world_kv_on_done, world);
}
