/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handles: numbers of what the guest has started, and waiting for any of several.
 *
 * A number is not used again in the same request until 2^25 others were, so that a guest that
 * closes one twice closes nobody else's.
 */
#include "hostapi/skerry/skerry.h"
#include "hostapi/wasi/wasi.h"

#define HANDLE_COUNTED_MAX (UINT32_C(1) << 25) /* times HOSTAPI_OPERATIONS_MAX: below INT32_MAX */

_Static_assert((uint64_t)HANDLE_COUNTED_MAX *HOSTAPI_OPERATIONS_MAX <= INT32_MAX + UINT64_C(1),
               "handles are not negative");

static void handle_end(const struct hostapi_host *host, uint64_t ticket)
{
    skerry_world(host)->operations->end(host->request.exchange->owner, ticket);
}

/* NULL: no room. */
static struct skerry_handles *handle_table(struct hostapi_host *host)
{
    struct skerry_state *state = skerry_state(host);
    if (state->handles != NULL)
        return state->handles;
    struct skerry_handles *handles =
        ARENA_NEW(&host->request.exchange->arena, struct skerry_handles);
    if (handles != NULL)
        *handles = (struct skerry_handles){.opened = 0};
    state->handles = handles;
    return handles;
}

int32_t skerry_handle_open(struct hostapi_host *host, enum skerry_handle_kind kind, uint64_t ticket)
{
    struct skerry_handles *handles = handle_table(host);
    for (uint32_t i = 0; handles != NULL && i < HOSTAPI_OPERATIONS_MAX; i++) {
        struct skerry_handle *row = &handles->rows[i];
        if (row->kind != SKERRY_HANDLE_FREE)
            continue;
        uint32_t turn = handles->opened++ % HANDLE_COUNTED_MAX;
        *row = (struct skerry_handle){
            .kind = kind, .number = turn * HOSTAPI_OPERATIONS_MAX + i, .ticket = ticket};
        return (int32_t)row->number;
    }
    handle_end(host, ticket);
    return SKERRY_LIMIT;
}

struct skerry_handle *
skerry_handle_find(const struct hostapi_host *host, enum skerry_handle_kind kind, uint32_t number)
{
    struct skerry_handles *handles = skerry_state(host)->handles;
    if (handles == NULL)
        return NULL;
    struct skerry_handle *row = &handles->rows[number % HOSTAPI_OPERATIONS_MAX];
    if (row->kind == SKERRY_HANDLE_FREE || row->number != number)
        return NULL;
    return kind == SKERRY_HANDLE_FREE || row->kind == kind ? row : NULL;
}

void skerry_handle_free(struct hostapi_host *host, struct skerry_handle *handle)
{
    handle_end(host, handle->ticket);
    *handle = (struct skerry_handle){.kind = SKERRY_HANDLE_FREE};
}

enum engine_outcome skerry_handle_close(struct hostapi_host *host, struct engine_host_call *call)
{
    struct skerry_handle *handle = skerry_handle_find(host, SKERRY_HANDLE_FREE, call->slots[0].i32);
    if (handle == NULL)
        return skerry_answer(call, SKERRY_INVALID);
    skerry_handle_free(host, handle);
    return skerry_answer(call, 0);
}

/* ---- waiting --------------------------------------------------------------------------------- */

enum { HANDLES_NONE_READY = -1, HANDLES_WRONG = -2 };

/* The first that is ready. */
static int32_t handles_look(const struct hostapi_host *host, struct bytes numbers)
{
    int32_t found = HANDLES_NONE_READY;
    for (uint32_t i = 0; i < numbers.count / sizeof(uint32_t); i++) {
        uint32_t number = guest_mem_load_u32(numbers.data + i * sizeof(uint32_t));
        const struct skerry_handle *handle = skerry_handle_find(host, SKERRY_HANDLE_FREE, number);
        if (handle == NULL)
            return HANDLES_WRONG;
        int64_t result;
        if (found == HANDLES_NONE_READY &&
            skerry_world(host)->operations->look(host->request.exchange->owner, handle->ticket,
                                                 &result) != HOSTAPI_UNDER_WAY)
            found = (int32_t)i;
    }
    return found;
}

/* When the guest's clock shows that so many milliseconds are over. */
static uint64_t handles_until_ns(const struct hostapi_host *host, int64_t timeout_ms)
{
    uint64_t now_ns = clock_monotonic_ns(host->options.clock);
    if (timeout_ms < 0 || (uint64_t)timeout_ms > (UINT64_MAX - now_ns) / CLOCK_NS_PER_MS)
        return UINT64_MAX;
    return wasi_clock_step_ns(host, now_ns + (uint64_t)timeout_ms * CLOCK_NS_PER_MS);
}

enum engine_outcome skerry_wait(struct hostapi_host *host, struct engine_host_call *call)
{
    uint32_t count = call->slots[1].i32;
    int64_t timeout_ms = (int64_t)call->slots[2].i64;
    struct bytes numbers;
    if (host->options.snapshotting)
        return host_trap_frozen(call, "wait_v1");
    if (count > HOSTAPI_OPERATIONS_MAX || (count == 0 && timeout_ms < 0))
        return skerry_answer(call, SKERRY_INVALID);
    if (!guest_mem_view(call->instance, call->slots[0].i32, count * sizeof(uint32_t), &numbers))
        return host_trap(call, "%u handles at %u are outside memory", count, call->slots[0].i32);
    struct skerry_state *state = skerry_state(host);
    if (!host->request.resumed) {
        engine_host_charge(call, count);
        state->wait_until_ns = handles_until_ns(host, timeout_ms);
    }
    int32_t ready = handles_look(host, numbers);
    if (ready == HANDLES_WRONG)
        return skerry_answer(call, SKERRY_INVALID);
    if (ready >= 0)
        return skerry_answer(call, ready);
    if (timeout_ms == 0 || clock_monotonic_ns(host->options.clock) >= state->wait_until_ns)
        return skerry_answer(call, SKERRY_TIMEOUT);
    const struct hostapi_wait waits[] = {
        {.kind = HOSTAPI_WAIT_TIME, .until_ns = state->wait_until_ns},
        {.kind = HOSTAPI_WAIT_EVENT},
    };
    return host_park(host, waits, count == 0 ? 1 : 2);
}
