/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crypto_v1: the host's cryptography (hostapi/crypto), whose stream is the request's. It has an
 * answer in the builder too, where it is what it would be in a request; but keys are not made
 * there.
 */
#include "hostapi/skerry/skerry.h"

static int32_t crypto_error(enum status status)
{
    switch (status) {
    case STATUS_DENIED:
        return SKERRY_DENIED;
    case STATUS_UNSUPPORTED:
        return SKERRY_UNSUPPORTED;
    case STATUS_FULL:
        return SKERRY_TOO_LARGE;
    case STATUS_LIMIT:
        return SKERRY_LIMIT;
    case STATUS_INVALID:
        return SKERRY_INVALID;
    default:
        return SKERRY_FAILED;
    }
}

/* (operation, arguments, their bytes, buffer, its room) */
enum engine_outcome skerry_crypto(struct hostapi_host *host, struct engine_host_call *call)
{
    uint32_t operation = call->slots[0].i32;
    struct bytes arguments;
    uint8_t *space;
    size_t count;
    if (!skerry_take(call, 1, &arguments) || !skerry_take_space(call, 3, &space))
        return ENGINE_TRAPPED;
    if (host_is_frozen(host) && operation == CRYPTO_KEY_GENERATE)
        return host_trap_frozen(call, "crypto_v1");
    uint64_t price = crypto_price(operation, arguments);
    if (price == 0)
        return skerry_answer(call, SKERRY_UNSUPPORTED);
    if (arguments.count > CRYPTO_BYTES_MAX)
        return skerry_answer(call, SKERRY_LIMIT);
    engine_host_charge(call, price);
    enum status status = crypto_run(operation, arguments, &skerry_state(host)->crypto,
                                    bytes_make(space, call->slots[4].i32), &count);
    return skerry_answer(call, status == STATUS_OK ? (int32_t)count : crypto_error(status));
}
