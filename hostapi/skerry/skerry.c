/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The native API as a family that others use: its table, and what its calls have in common.
 */
#include "hostapi/skerry/skerry.h"

#include "hostapi/wasi/wasi.h"

#define HOSTCALL(name_, signature_, handler_, fuel_, trait_)                                       \
    HOSTCALLS_FUNC(SKERRY, skerry, name_, handler_, fuel_)
#include "hostapi/skerry/skerry.def"

#define HOSTCALL(name_, signature_, handler_, fuel_, trait_)                                       \
    HOSTCALLS_ROW(skerry, name_, signature_, trait_)
static const struct hostcalls_row skerry_rows[] = {
#include "hostapi/skerry/skerry.def"
};

static const struct hostcalls_table skerry_table = {
    .module = "skerry",
    .rows = skerry_rows,
    .count = COUNT_OF(skerry_rows),
};

enum skerry_error skerry_error(enum status status)
{
    switch (status) {
    case STATUS_NOT_FOUND:
        return SKERRY_NOT_FOUND;
    case STATUS_DENIED:
        return SKERRY_DENIED;
    case STATUS_LIMIT:
    case STATUS_NO_MEMORY:
    case STATUS_FULL:
        return SKERRY_LIMIT;
    case STATUS_CONFLICT:
        return SKERRY_CONFLICT;
    case STATUS_UNREACHABLE:
    case STATUS_BUSY:
        return SKERRY_UNAVAILABLE;
    case STATUS_TIMEOUT:
        return SKERRY_TIMEOUT;
    case STATUS_INVALID:
        return SKERRY_INVALID;
    default:
        return SKERRY_FAILED;
    }
}

bool skerry_take(struct engine_host_call *call, uint32_t first, struct bytes *ret_bytes)
{
    uint32_t address = call->slots[first].i32;
    uint32_t count = call->slots[first + 1].i32;
    if (guest_mem_view(call->instance, address, count, ret_bytes))
        return true;
    (void)host_trap(call, "%u bytes at %u are outside memory", count, address);
    return false;
}

bool skerry_take_space(struct engine_host_call *call, uint32_t first, uint8_t **ret_space)
{
    uint32_t address = call->slots[first].i32;
    uint32_t room = call->slots[first + 1].i32;
    if (guest_mem_space(call->instance, address, room, ret_space))
        return true;
    (void)host_trap(call, "a buffer of %u bytes at %u is outside memory", room, address);
    return false;
}

enum engine_outcome skerry_give(struct engine_host_call *call, uint32_t first, struct bytes bytes)
{
    uint32_t room = call->slots[first + 1].i32;
    uint8_t *space;
    if (!skerry_take_space(call, first, &space))
        return ENGINE_TRAPPED;
    if (bytes.count > INT32_MAX)
        return skerry_answer(call, SKERRY_TOO_LARGE);
    if (bytes.count > 0 && bytes.count <= room) {
        hostcalls_charge_bytes(call, bytes.count);
        memcpy(space, bytes.data, bytes.count);
    }
    return skerry_answer(call, (int32_t)bytes.count);
}

static void skerry_release(struct hostapi_host *host)
{
    crypto_stream_clear(&skerry_state(host)->crypto);
}

const struct hostapi_family skerry_family = {
    .kind = HOSTAPI_KIND_SKERRY,
    .id = "skerry",
    .uses = &wasi_family,
    .tables = {&skerry_table},
    .state_bytes = sizeof(struct skerry_state),
    .release = skerry_release,
};
