/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The secrets that a function's manifest lists, as environment variables: asked for when the guest
 * first asks for its environment, all at once, and joined to the exchange's.
 *
 *   environ_sizes_get --> not asked for: ask, park --> all there: join --> the call goes on
 *
 * Their texts lie in their operations, which end with the request and are wiped then.
 */
#include "hostapi/wasi/wasi.h"

#define SECRETS_WAITS INT64_MIN /* no status */

/* Asks for all; false: that cannot be, and nothing was asked for. */
static bool secrets_ask(struct hostapi_host *host)
{
    struct http_exchange *exchange = host->request.exchange;
    const struct hostapi_world *world = exchange->world;
    if (world == NULL || world->secrets == NULL)
        return false;
    uint64_t *tickets = ARENA_ARRAY(&exchange->arena, uint64_t, exchange->secret_count);
    if (tickets == NULL)
        return false;
    for (uint32_t i = 0; i < exchange->secret_count; i++) {
        if (world->secrets->start(exchange, exchange->secrets[i], &tickets[i]) == STATUS_OK)
            continue;
        while (i-- > 0)
            world->operations->end(exchange->owner, tickets[i]);
        return false;
    }
    wasi_state(host)->secret_tickets = tickets;
    return true;
}

/* The first that is not NOT_FOUND and not OK; WAITS: one is under way. */
static int64_t secrets_look(struct hostapi_host *host)
{
    const struct http_exchange *exchange = host->request.exchange;
    for (uint32_t i = 0; i < exchange->secret_count; i++) {
        int64_t result = STATUS_OK;
        enum hostapi_look look = exchange->world->operations->look(
            exchange->owner, wasi_state(host)->secret_tickets[i], &result);
        if (look == HOSTAPI_UNDER_WAY)
            return SECRETS_WAITS;
        if (look == HOSTAPI_OVER || (result != STATUS_OK && result != STATUS_NOT_FOUND))
            return STATUS_UNREACHABLE;
    }
    return STATUS_OK;
}

static bool secrets_join(struct hostapi_host *host)
{
    struct http_exchange *exchange = host->request.exchange;
    const struct hostapi_environment *own = &exchange->environment;
    struct hostapi_variable *pairs =
        ARENA_ARRAY(&exchange->arena, struct hostapi_variable, own->count + exchange->secret_count);
    uint32_t count = own->count;
    if (pairs == NULL)
        return false;
    if (count > 0)
        memcpy(pairs, own->pairs, count * sizeof(*pairs));
    for (uint32_t i = 0; i < exchange->secret_count; i++) {
        uint64_t ticket = wasi_state(host)->secret_tickets[i];
        int64_t result = STATUS_NOT_FOUND;
        (void)exchange->world->operations->look(exchange->owner, ticket, &result);
        if (result != STATUS_OK)
            continue;
        pairs[count++] = (struct hostapi_variable){
            .text = exchange->world->secrets->pair(exchange->owner, ticket),
            .name_bytes = exchange->secrets[i].count};
    }
    exchange->environment = (struct hostapi_environment){.pairs = pairs, .count = count};
    return true;
}

enum wasi_secrets wasi_secrets(struct hostapi_host *host)
{
    const struct http_exchange *exchange = host->request.exchange;
    struct wasi_state *state = wasi_state(host);
    if (exchange == NULL || exchange->secret_count == 0 || state->secrets_joined)
        return WASI_SECRETS_THERE;
    if (state->secret_tickets == NULL && !secrets_ask(host))
        return WASI_SECRETS_FAIL;
    int64_t status = secrets_look(host);
    if (status == SECRETS_WAITS)
        return WASI_SECRETS_COME;
    state->secrets_joined = status == STATUS_OK && secrets_join(host);
    return state->secrets_joined ? WASI_SECRETS_THERE : WASI_SECRETS_FAIL;
}
