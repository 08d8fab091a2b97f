/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key-value store's calls. A change that is waited for is started when its call is made for the
 * first time and finished when it is made again; a read waits for what the same request has under
 * way on its key, so that it sees it.
 */
#include "hostapi/kv.h"

#include "hostapi/skerry/skerry.h"

#define KV_ANY_VERSION  (-1)
#define KV_FINISH_BYTES 16 /* version and sum */
#define KV_ENTRY_BYTES  2  /* before each key of a list, and each value's head */
#define KV_FUEL_PER_KEY 10
#define KV_LIST_MAX     1000 /* keys of one call: a turn's worth */
#define KV_NS_PER_MS    UINT64_C(1000000)
/* Steps of expired keys that one turn passes over. */
#define KV_LIST_OVER_MAX (1024 / HOSTAPI_KV_OVER_STEP)

_Static_assert(HOSTAPI_KV_KEY_BYTES_MAX <= UINT16_MAX, "an entry's length");

static int32_t kv_error(enum hostapi_kv_status status)
{
    static const int32_t errors[HOSTAPI_KV_STATUS_COUNT] = {
        [HOSTAPI_KV_OK] = 0,
        [HOSTAPI_KV_NOT_FOUND] = SKERRY_NOT_FOUND,
        [HOSTAPI_KV_CONFLICT] = SKERRY_CONFLICT,
        [HOSTAPI_KV_LIMIT] = SKERRY_LIMIT,
        [HOSTAPI_KV_INVALID] = SKERRY_INVALID,
        [HOSTAPI_KV_FULL] = SKERRY_LIMIT,
        [HOSTAPI_KV_UNAVAILABLE] = SKERRY_UNAVAILABLE,
    };
    return errors[status];
}

/* NULL: there is none. */
static const struct hostapi_kv *kv_service(const struct hostapi_host *host)
{
    const struct hostapi_world *world = skerry_world(host);
    return world == NULL ? NULL : world->kv;
}

static bool kv_is_key(struct bytes key)
{
    return key.count > 0 && key.count <= HOSTAPI_KV_KEY_BYTES_MAX;
}

/* Until one of the request's changes is on disk. */
static enum engine_outcome kv_park(struct hostapi_host *host)
{
    const struct hostapi_wait wait = {.kind = HOSTAPI_WAIT_EVENT};
    return host_park(host, &wait, 1);
}

/* ---- reading --------------------------------------------------------------------------------- */

struct kv_getting {
    struct engine_host_call *call;
    uint8_t *version; /* in guest memory; NULL: it is not asked for */
    enum engine_outcome outcome;
};

/* The one copy on the value's way from the map to the guest. */
static bool kv_give_value(void *context, const struct hostapi_kv_item *item)
{
    struct kv_getting *getting = context;
    uint32_t room = getting->call->slots[3].i32;
    getting->outcome = skerry_give(getting->call, 2, item->value);
    if (getting->version != NULL && item->value.count <= room)
        guest_mem_store_u64(getting->version, item->version);
    return false;
}

enum engine_outcome skerry_kv_get(struct hostapi_host *host, struct engine_host_call *call)
{
    const struct hostapi_kv *kv = kv_service(host);
    struct kv_getting getting = {.call = call};
    struct bytes key;
    uint8_t *space;
    if (host->options.snapshotting)
        return host_trap_frozen(call, "kv_get_v1");
    if (!skerry_take(call, 0, &key) || !skerry_take_space(call, 2, &space))
        return ENGINE_TRAPPED;
    uint32_t at = call->slots[4].i32;
    if (at != 0 && !guest_mem_space(call->instance, at, sizeof(uint64_t), &getting.version))
        return host_trap(call, "8 bytes at %u are outside memory", at);
    if (!kv_is_key(key))
        return skerry_answer(call, SKERRY_INVALID);
    if (kv == NULL)
        return skerry_answer(call, SKERRY_UNAVAILABLE);
    struct http_exchange *exchange = host->request.exchange;
    if (kv->is_changing(exchange->owner, key, false))
        return kv_park(host);
    enum hostapi_kv_status status =
        kv->get(exchange->owner, exchange->tenant, key, kv_give_value, &getting);
    return status == HOSTAPI_KV_OK ? getting.outcome : skerry_answer(call, kv_error(status));
}

struct kv_listing {
    struct engine_host_call *call;
    struct skerry_state *state;
    uint8_t *space;
    uint32_t room;
    uint32_t used;
    uint32_t count;
    bool has_heads; /* with the first `head` bytes of each value */
    uint32_t head;
    bool cut;      /* there was one that had no room */
    uint32_t over; /* steps of keys that have expired */
    bool paused;   /* after many of those */
};

/* Keys that have expired cost as much as others. After many of them others have a turn. */
static bool kv_list_over(struct kv_listing *listing, struct bytes key)
{
    struct skerry_state *state = listing->state;
    engine_host_charge(listing->call, (uint64_t)KV_FUEL_PER_KEY * HOSTAPI_KV_OVER_STEP);
    listing->paused = ++listing->over == KV_LIST_OVER_MAX;
    if (listing->paused) {
        memcpy(state->list_after, key.data, key.count);
        state->list_after_count = (uint32_t)key.count;
    }
    return !listing->paused;
}

static void kv_list_put(struct kv_listing *listing, struct bytes bytes)
{
    guest_mem_store_u16(listing->space + listing->used, (uint16_t)bytes.count);
    if (bytes.count > 0)
        memcpy(listing->space + listing->used + KV_ENTRY_BYTES, bytes.data, bytes.count);
    listing->used += KV_ENTRY_BYTES + (uint32_t)bytes.count;
}

static bool kv_list_key(void *context, const struct hostapi_kv_item *item)
{
    struct kv_listing *listing = context;
    if (item->is_over)
        return kv_list_over(listing, item->key);
    struct bytes head = bytes_make(item->value.data, MIN(item->value.count, listing->head));
    size_t needed =
        KV_ENTRY_BYTES + item->key.count + (listing->has_heads ? KV_ENTRY_BYTES + head.count : 0);
    listing->cut =
        listing->count == KV_LIST_MAX || needed > (size_t)(listing->room - listing->used);
    if (listing->cut)
        return false;
    engine_host_charge(listing->call, KV_FUEL_PER_KEY);
    kv_list_put(listing, item->key);
    if (listing->has_heads)
        kv_list_put(listing, head);
    listing->count++;
    return true;
}

/* Where the list goes on; false: there is no room to remember that. */
static bool kv_list_begin(struct hostapi_host *host, struct bytes *after)
{
    struct skerry_state *state = skerry_state(host);
    if (!host->request.resumed)
        state->list_after_count = 0;
    if (state->list_after_count > 0)
        *after = bytes_make(state->list_after, state->list_after_count);
    if (state->list_after == NULL)
        state->list_after =
            arena_alloc(&host->request.exchange->arena, 1, HOSTAPI_KV_KEY_BYTES_MAX);
    return state->list_after != NULL;
}

static enum engine_outcome
kv_list(struct hostapi_host *host, struct engine_host_call *call, struct kv_listing listing)
{
    const struct hostapi_kv *kv = kv_service(host);
    struct bytes prefix;
    struct bytes after;
    if (!skerry_take(call, 0, &prefix) || !skerry_take(call, 2, &after) ||
        !skerry_take_space(call, 4, &listing.space))
        return ENGINE_TRAPPED;
    if (prefix.count > HOSTAPI_KV_KEY_BYTES_MAX || after.count > HOSTAPI_KV_KEY_BYTES_MAX)
        return skerry_answer(call, SKERRY_INVALID);
    if (kv == NULL)
        return skerry_answer(call, SKERRY_UNAVAILABLE);
    struct http_exchange *exchange = host->request.exchange;
    if (!kv_list_begin(host, &after))
        return skerry_answer(call, SKERRY_LIMIT);
    if (kv->is_changing(exchange->owner, prefix, true))
        return kv_park(host);
    listing.call = call;
    listing.state = skerry_state(host);
    listing.room = MIN(call->slots[5].i32, (uint32_t)INT32_MAX);
    enum hostapi_kv_status status =
        kv->list(exchange->owner, exchange->tenant, prefix, after, kv_list_key, &listing);
    /* What was written before it went wrong is good; the next call tells. */
    if (status != HOSTAPI_KV_OK && listing.used == 0)
        return skerry_answer(call, kv_error(status));
    if (listing.paused && listing.used == 0)
        return host_park_until(host, 0);
    if (listing.used == 0 && listing.cut)
        return skerry_answer(call, SKERRY_TOO_LARGE);
    hostcalls_charge_bytes(call, listing.used);
    return skerry_answer(call, (int32_t)listing.used);
}

enum engine_outcome skerry_kv_list(struct hostapi_host *host, struct engine_host_call *call)
{
    if (host->options.snapshotting)
        return host_trap_frozen(call, "kv_list_v1");
    return kv_list(host, call, (struct kv_listing){0});
}

enum engine_outcome skerry_kv_list_heads(struct hostapi_host *host, struct engine_host_call *call)
{
    if (host->options.snapshotting)
        return host_trap_frozen(call, "kv_list_heads_v1");
    uint32_t head = MIN(call->slots[6].i32, (uint32_t)UINT16_MAX);
    return kv_list(host, call, (struct kv_listing){.has_heads = true, .head = head});
}

/* ---- changing -------------------------------------------------------------------------------- */

static bool kv_take_version(int64_t version, struct hostapi_kv_change *change)
{
    change->checks_version = version != KV_ANY_VERSION;
    change->if_version = change->checks_version ? (uint64_t)version : 0;
    return version >= KV_ANY_VERSION;
}

/* key, value, time to live in milliseconds (0: none), version; an error, or 0. TRAPPED is told by
 * `ret_trapped`. */
static int32_t kv_take_put(const struct hostapi_host *host,
                           struct engine_host_call *call,
                           struct hostapi_kv_change *ret_change,
                           bool *ret_trapped)
{
    *ret_change = (struct hostapi_kv_change){.verb = HOSTAPI_KV_PUT};
    *ret_trapped =
        !skerry_take(call, 0, &ret_change->key) || !skerry_take(call, 2, &ret_change->value);
    if (*ret_trapped)
        return 0;
    uint64_t ttl_ms = call->slots[4].i64;
    uint64_t now_ns = clock_realtime_ns(host->options.clock);
    if (!kv_is_key(ret_change->key) || ttl_ms > (UINT64_MAX - now_ns) / KV_NS_PER_MS ||
        !kv_take_version((int64_t)call->slots[5].i64, ret_change))
        return SKERRY_INVALID;
    if (ret_change->value.count > HOSTAPI_KV_VALUE_BYTES_MAX)
        return SKERRY_TOO_LARGE;
    ret_change->expires_ns = ttl_ms == 0 ? 0 : now_ns + ttl_ms * KV_NS_PER_MS;
    return 0;
}

static int32_t kv_take_delete(const struct hostapi_host *host,
                              struct engine_host_call *call,
                              struct hostapi_kv_change *ret_change,
                              bool *ret_trapped)
{
    (void)host;
    *ret_change = (struct hostapi_kv_change){.verb = HOSTAPI_KV_DELETE};
    *ret_trapped = !skerry_take(call, 0, &ret_change->key);
    if (*ret_trapped)
        return 0;
    bool good =
        kv_is_key(ret_change->key) && kv_take_version((int64_t)call->slots[2].i64, ret_change);
    return good ? 0 : SKERRY_INVALID;
}

static int32_t kv_take_add(const struct hostapi_host *host,
                           struct engine_host_call *call,
                           struct hostapi_kv_change *ret_change,
                           bool *ret_trapped)
{
    (void)host;
    *ret_change = (struct hostapi_kv_change){.verb = HOSTAPI_KV_ADD};
    *ret_trapped = !skerry_take(call, 0, &ret_change->key);
    ret_change->number = (int64_t)call->slots[2].i64;
    return *ret_trapped || kv_is_key(ret_change->key) ? 0 : SKERRY_INVALID;
}

typedef int32_t kv_take_change(const struct hostapi_host *host,
                               struct engine_host_call *call,
                               struct hostapi_kv_change *ret_change,
                               bool *ret_trapped);

/* A ticket, or an error. */
static int32_t kv_start(struct hostapi_host *host,
                        struct engine_host_call *call,
                        const struct hostapi_kv_change *change,
                        uint64_t *ret_ticket)
{
    const struct hostapi_kv *kv = kv_service(host);
    if (kv == NULL)
        return SKERRY_UNAVAILABLE;
    hostcalls_charge_bytes(call, change->key.count + change->value.count);
    const struct http_exchange *exchange = host->request.exchange;
    return kv_error(kv->start(exchange->owner, exchange->tenant, change, ret_ticket));
}

static enum engine_outcome kv_start_handle(struct hostapi_host *host,
                                           struct engine_host_call *call,
                                           const char *name,
                                           kv_take_change *take)
{
    struct hostapi_kv_change change;
    uint64_t ticket;
    bool trapped;
    if (host->options.snapshotting)
        return host_trap_frozen(call, name);
    int32_t error = take(host, call, &change, &trapped);
    if (trapped)
        return ENGINE_TRAPPED;
    if (error == 0)
        error = kv_start(host, call, &change, &ticket);
    return skerry_answer(call,
                         error != 0 ? error : skerry_handle_open(host, SKERRY_HANDLE_KV, ticket));
}

enum engine_outcome skerry_kv_put_start(struct hostapi_host *host, struct engine_host_call *call)
{
    return kv_start_handle(host, call, "kv_put_start_v1", kv_take_put);
}

enum engine_outcome skerry_kv_delete_start(struct hostapi_host *host, struct engine_host_call *call)
{
    return kv_start_handle(host, call, "kv_delete_start_v1", kv_take_delete);
}

enum engine_outcome skerry_kv_add_start(struct hostapi_host *host, struct engine_host_call *call)
{
    return kv_start_handle(host, call, "kv_add_start_v1", kv_take_add);
}

/* False: it is under way. */
static bool
kv_look(const struct hostapi_host *host, uint64_t ticket, struct hostapi_kv_result *ret_result)
{
    int64_t result;
    void *owner = host->request.exchange->owner;
    switch (skerry_world(host)->operations->look(owner, ticket, &result)) {
    case HOSTAPI_UNDER_WAY:
        return false;
    case HOSTAPI_READY:
        kv_service(host)->result(owner, ticket, ret_result);
        return true;
    case HOSTAPI_OVER:
        break;
    }
    *ret_result = (struct hostapi_kv_result){.status = HOSTAPI_KV_UNAVAILABLE};
    return true;
}

enum engine_outcome skerry_kv_finish(struct hostapi_host *host, struct engine_host_call *call)
{
    struct hostapi_kv_result result;
    uint8_t *space = NULL;
    uint32_t at = call->slots[1].i32;
    if (at != 0 && !guest_mem_space(call->instance, at, KV_FINISH_BYTES, &space))
        return host_trap(call, "%d bytes at %u are outside memory", KV_FINISH_BYTES, at);
    struct skerry_handle *handle = skerry_handle_find(host, SKERRY_HANDLE_KV, call->slots[0].i32);
    if (handle == NULL)
        return skerry_answer(call, SKERRY_INVALID);
    if (!kv_look(host, handle->ticket, &result))
        return kv_park(host);
    skerry_handle_free(host, handle);
    if (result.status == HOSTAPI_KV_OK && space != NULL) {
        guest_mem_store_u64(space, result.version);
        guest_mem_store_u64(space + sizeof(uint64_t), (uint64_t)result.number);
    }
    return skerry_answer(call, kv_error(result.status));
}

/* Starts it when it is called, finishes it when it is called again; DONE: `ret_result` has what it
 * came to, or `ret_error` why it never began. */
static enum engine_outcome kv_do(struct hostapi_host *host,
                                 struct engine_host_call *call,
                                 kv_take_change *take,
                                 struct hostapi_kv_result *ret_result,
                                 int32_t *ret_error)
{
    struct skerry_state *state = skerry_state(host);
    struct hostapi_kv_change change;
    bool trapped;
    if (!host->request.resumed) {
        *ret_error = take(host, call, &change, &trapped);
        if (trapped)
            return ENGINE_TRAPPED;
        if (*ret_error == 0)
            *ret_error = kv_start(host, call, &change, &state->kv_ticket);
        if (*ret_error != 0)
            return ENGINE_DONE;
    }
    *ret_error = 0;
    if (!kv_look(host, state->kv_ticket, ret_result))
        return kv_park(host);
    skerry_world(host)->operations->end(host->request.exchange->owner, state->kv_ticket);
    *ret_error = kv_error(ret_result->status);
    return ENGINE_DONE;
}

enum engine_outcome skerry_kv_put(struct hostapi_host *host, struct engine_host_call *call)
{
    struct hostapi_kv_result result = {0};
    int32_t error;
    if (host->options.snapshotting)
        return host_trap_frozen(call, "kv_put_v1");
    enum engine_outcome outcome = kv_do(host, call, kv_take_put, &result, &error);
    if (outcome != ENGINE_DONE)
        return outcome;
    return skerry_answer_long(call, error != 0 ? error : (int64_t)result.version);
}

enum engine_outcome skerry_kv_delete(struct hostapi_host *host, struct engine_host_call *call)
{
    struct hostapi_kv_result result = {0};
    int32_t error;
    if (host->options.snapshotting)
        return host_trap_frozen(call, "kv_delete_v1");
    enum engine_outcome outcome = kv_do(host, call, kv_take_delete, &result, &error);
    return outcome != ENGINE_DONE ? outcome : skerry_answer(call, error);
}

enum engine_outcome skerry_kv_add(struct hostapi_host *host, struct engine_host_call *call)
{
    struct hostapi_kv_result result = {0};
    uint8_t *space;
    int32_t error;
    uint32_t at = call->slots[3].i32;
    if (host->options.snapshotting)
        return host_trap_frozen(call, "kv_add_v1");
    if (!guest_mem_space(call->instance, at, sizeof(uint64_t), &space))
        return host_trap(call, "8 bytes at %u are outside memory", at);
    enum engine_outcome outcome = kv_do(host, call, kv_take_add, &result, &error);
    if (outcome != ENGINE_DONE)
        return outcome;
    if (error == 0)
        guest_mem_store_u64(space, (uint64_t)result.number);
    return skerry_answer(call, error);
}
