/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secret_get_v1: asks, parks, and copies the value into guest memory, once; what the world keeps of
 * it is wiped with the operation.
 */
#include "hostapi/skerry/skerry.h"

static enum engine_outcome
secrets_ask(struct hostapi_host *host, struct engine_host_call *call, struct bytes name)
{
    const struct hostapi_world *world = skerry_world(host);
    struct skerry_state *state = skerry_state(host);
    if (world == NULL || world->secrets == NULL)
        return skerry_answer(call, SKERRY_UNAVAILABLE);
    enum status status = world->secrets->start(host->request.exchange, name, &state->secret_ticket);
    if (status != STATUS_OK)
        return skerry_answer(call, skerry_error(status));
    const struct hostapi_wait wait = {.kind = HOSTAPI_WAIT_EVENT};
    return host_park(host, &wait, 1);
}

enum engine_outcome skerry_secret_get(struct hostapi_host *host, struct engine_host_call *call)
{
    struct bytes name;
    uint8_t *space;
    if (host->options.snapshotting)
        return host_trap_frozen(call, "secret_get_v1");
    if (!skerry_take(call, 0, &name) || !skerry_take_space(call, 2, &space))
        return ENGINE_TRAPPED;
    if (!host->request.resumed)
        return secrets_ask(host, call, name);
    const struct hostapi_world *world = skerry_world(host);
    void *owner = host->request.exchange->owner;
    uint64_t ticket = skerry_state(host)->secret_ticket;
    int64_t result;
    enum hostapi_look look = world->operations->look(owner, ticket, &result);
    const struct hostapi_wait wait = {.kind = HOSTAPI_WAIT_EVENT};
    if (look == HOSTAPI_UNDER_WAY)
        return host_park(host, &wait, 1);
    if (look == HOSTAPI_OVER)
        return skerry_answer(call, SKERRY_CANCELLED);
    enum engine_outcome outcome = result == STATUS_OK
                                      ? skerry_give(call, 2, world->secrets->value(owner, ticket))
                                      : skerry_answer(call, skerry_error((enum status)result));
    world->operations->end(owner, ticket);
    return outcome;
}
