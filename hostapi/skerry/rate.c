/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rate limits: one call, answered at once.
 */
#include "hostapi/rate.h"

#include "hostapi/skerry/skerry.h"

#define RATE_KEY_BYTES_MAX 256

enum engine_outcome skerry_rate_limit(struct hostapi_host *host, struct engine_host_call *call)
{
    const struct hostapi_world *world = skerry_world(host);
    uint32_t limit = call->slots[2].i32;
    uint64_t window_ms = call->slots[3].i64;
    struct bytes key;
    if (host->options.snapshotting)
        return host_trap_frozen(call, "rate_limit_v1");
    if (!skerry_take(call, 0, &key))
        return ENGINE_TRAPPED;
    if (key.count == 0 || key.count > RATE_KEY_BYTES_MAX || limit == 0 || limit > INT32_MAX ||
        window_ms < HOSTAPI_RATE_WINDOW_MIN_MS || window_ms > HOSTAPI_RATE_WINDOW_MAX_MS)
        return skerry_answer(call, SKERRY_INVALID);
    if (world == NULL || world->rates == NULL)
        return skerry_answer(call, SKERRY_UNAVAILABLE);
    const struct http_exchange *exchange = host->request.exchange;
    int64_t left = world->rates->take(exchange->owner, exchange->tenant, key, limit, window_ms);
    return skerry_answer(call, left < 0 ? SKERRY_LIMIT : (int32_t)left);
}
