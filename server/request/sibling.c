/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request of one function to another of its tenant, as an operation of the first one's: the
 * carrier of requests that come from requests.
 *
 *   caller: start --> a request of its own, admitted and run like any other --> its answer is kept
 *           ended --> it is cancelled if it runs, and its answer freed
 *
 * It runs on fuel taken from the caller's, no later than to the caller's deadline; what it did not
 * use goes back.
 *
 * Invariant: a sibling's request lives exactly as long as its operation, which its caller's end
 * ends; so `caller` is valid as long as the sibling is. Neither runs inside the other's slice.
 */
#include <ctype.h>
#include <stdlib.h>

#include "server/request/chain.h"
#include "server/request/errands/errand.h"
#include "server/request/request.h"
#include "server/request/service.h"

/* Of the caller's fuel, so that many calls at once never have more than it. */
#define SIBLING_KEPT_WAITS 16 /* of so many parts the caller keeps one, if it only waits */
#define SIBLING_KEPT_GOES  2
/* No function is called so: the files of the caller's own version. */
#define SIBLING_ASSETS "*assets"

struct sibling {
    struct request request;
    struct request *caller;
    uint64_t ticket;
    uint64_t fuel; /* of the caller's; given back with the answer */
    uint8_t *body; /* of its request; owned */
    bool answered;
    struct hostapi_fetch_view view;
    struct buffer fields; /* of its answer */
};

static struct sibling *sibling_of(struct request *request)
{
    return CONTAINER_OF(request, struct sibling, request);
}

/* ---- the answer ------------------------------------------------------------------------------ */

static void sibling_return_fuel(struct sibling *sibling)
{
    const struct request *request = &sibling->request;
    uint64_t all = request->fuel_used + chain_fuel_used(request) + request->fuel_lent;
    uint64_t used = MIN(all, sibling->fuel);
    sibling->caller->fuel_max += sibling->fuel - used;
    sibling->caller->fuel_lent -= sibling->fuel - used;
    sibling->fuel = 0;
}

/* Of a chain, what the steps before have used is not there any more; so for what siblings have.
 * What was used already stays, and one unit, so that it ends by itself. */
void sibling_bound_fuel(struct request *request)
{
    uint64_t gone = request->fuel_lent;
    uint64_t max = request->fuel_max;
    if (request->fuel_given != 0) {
        gone += chain_fuel_used(request);
        max = MIN(max, request->fuel_given);
    }
    request->fuel_max = MAX(max - MIN(gone, max), request->fuel_used + 1);
}

static bool sibling_add_field(struct buffer *fields, struct bytes name, struct bytes value)
{
    size_t begins = fields->count;
    if (buffer_append(fields, name.data, name.count) != STATUS_OK)
        return false;
    for (size_t i = begins; i < fields->count; i++)
        fields->data[i] = (uint8_t)tolower(fields->data[i]);
    return buffer_append(fields, "", 1) == STATUS_OK &&
           buffer_append(fields, value.data, value.count) == STATUS_OK &&
           buffer_append(fields, "", 1) == STATUS_OK;
}

/* What does not fit is left away. */
static void sibling_keep_fields(struct sibling *sibling)
{
    const struct request_response *response = &sibling->request.response;
    buffer_init(&sibling->fields, HOSTAPI_FETCH_FIELDS_MAX);
    bool fits = true;
    for (uint32_t i = 0; i < response->guest_headers.count && fits; i++)
        fits = sibling_add_field(&sibling->fields, response->guest_headers.rows[i].name,
                                 response->guest_headers.rows[i].value);
    for (uint32_t i = 0; i < response->extra_count && fits; i++)
        fits = sibling_add_field(&sibling->fields, response->extras[i].name,
                                 response->extras[i].value);
}

static void sibling_send(struct request *request)
{
    struct sibling *sibling = sibling_of(request);
    sibling->answered = true;
    sibling_return_fuel(sibling);
    sibling_keep_fields(sibling);
    sibling->view.has_head = true;
    sibling->view.status = request->response.status;
    sibling->view.fields = buffer_bytes(&sibling->fields);
    sibling->view.data = request->response.body;
    sibling->view.end = HOSTAPI_FETCH_DONE;
    operations_complete(&request->service->world.operations, sibling->ticket, 0);
}

/* It never streams: nobody calls the others. */
static const struct request_carrier sibling_carrier = {.send = sibling_send,
                                                       REQUEST_WITHOUT_CLIENT};

static void sibling_ended(struct operation *operation)
{
    struct sibling *sibling = operation->data;
    if (sibling == NULL)
        return;
    /* What it called itself gives back first. */
    operations_end_all(&sibling->request.operations);
    if (!sibling->answered)
        sibling_return_fuel(sibling);
    request_end(&sibling->request);
    buffer_done(&sibling->fields);
    free(sibling->body);
    free(sibling);
}

/* ---- the request ----------------------------------------------------------------------------- */

static bool sibling_copy(struct sibling *sibling, struct bytes text, struct bytes *ret_copy)
{
    char *copy = arena_copy_text(&sibling->request.http.arena, text);
    if (copy != NULL)
        *ret_copy = bytes_make(copy, text.count);
    return copy != NULL;
}

/* Of a connection that is not there, or said otherwise. */
static bool sibling_drops(struct bytes name)
{
    static const char *const names[] = {"host",    "content-length", "connection",
                                        "expect",  "keep-alive",     "te",
                                        "trailer", "upgrade",        "transfer-encoding"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (bytes_equal_text(name, names[i]))
            return true;
    }
    return errand_owns_field(name);
}

static struct bytes sibling_next_text(struct bytes *rest)
{
    const uint8_t *end = memchr(rest->data, '\0', rest->count);
    size_t count = end == NULL ? rest->count : (size_t)(end - rest->data);
    struct bytes text = bytes_make(rest->data, count);
    size_t taken = MIN(count + 1, rest->count);
    *rest = bytes_make(rest->data + taken, rest->count - taken);
    return text;
}

static bool sibling_add_headers(struct sibling *sibling, struct bytes rest)
{
    struct http_exchange *http = &sibling->request.http;
    while (rest.count > 0) {
        struct bytes given = sibling_next_text(&rest);
        struct bytes value = sibling_next_text(&rest);
        char *name = arena_copy_text(&http->arena, given);
        if (name == NULL)
            return false;
        for (size_t i = 0; i < given.count; i++)
            name[i] = (char)tolower((unsigned char)name[i]);
        struct bytes lower = bytes_make(name, given.count);
        if (!sibling_drops(lower) &&
            http_headers_add(http, &http->request_headers, lower, value) != STATUS_OK)
            return false;
    }
    return true;
}

static bool sibling_is_uri(struct bytes uri)
{
    for (size_t i = 0; i < uri.count; i++) {
        if (uri.data[i] <= ' ' || uri.data[i] >= 0x7f)
            return false;
    }
    return uri.count > 0 && uri.data[0] == '/';
}

/* Its head and body; false: something of them is none. */
static bool sibling_fill(struct sibling *sibling, const struct hostapi_fetch_order *order)
{
    struct request *request = &sibling->request;
    struct http_exchange *http = &request->http;
    const struct http_exchange *from = &sibling->caller->http;
    request->asks_assets = bytes_equal_text(order->function, SIBLING_ASSETS);
    struct bytes function =
        request->asks_assets ? sibling->caller->function->name : order->function;
    http->may_stream = false;
    http->protocol = from->protocol;
    http->source_addr = from->source_addr;
    http->is_https = from->is_https;
    http->tls_version = from->tls_version;
    http->authority = from->authority;
    if (!bytes_is_token(order->method) || !sibling_is_uri(order->url) ||
        !sibling_copy(sibling, order->method, &http->method) ||
        !sibling_copy(sibling, order->url, &request->path) ||
        !route_set(&request->target, from->tenant, function, request->path, 0) ||
        !sibling_add_headers(sibling, order->fields))
        return false;
    sibling->body = malloc(order->body.count + 1);
    if (sibling->body == NULL)
        return false;
    if (order->body.count > 0)
        memcpy(sibling->body, order->body.data, order->body.count);
    http->request_body = bytes_make(sibling->body, order->body.count);
    return true;
}

static void sibling_charge(struct sibling *sibling, bool waits)
{
    struct request *caller = sibling->caller;
    const struct guest_ops *guests = caller->service->guests;
    /* As it is now, and what the portion under way may still use. */
    caller->fuel_used = guests->fuel_used(caller->isolate) - caller->fuel_before;
    uint64_t kept = caller->fuel_used + SCHEDULER_GRANT_FUEL;
    uint64_t left = caller->fuel_max - MIN(kept, caller->fuel_max);
    sibling->fuel = left - left / (waits ? SIBLING_KEPT_WAITS : SIBLING_KEPT_GOES);
    caller->fuel_max -= sibling->fuel;
    caller->fuel_lent += sibling->fuel;
    sibling->request.fuel_given = sibling->fuel;
    sibling->request.deadline_ns = MIN(sibling->request.deadline_ns, caller->deadline_ns);
}

/* ---- what guests' calls do ------------------------------------------------------------------- */

/* UNDER_WAY: it may be called. */
static enum hostapi_fetch_end
sibling_may_call(const struct request *caller, struct bytes function, const char **ret_text)
{
    uint32_t depth = 0;
    for (const struct request *at = caller; at != NULL; at = at->caller) {
        if (bytes_equal(at->function->name, function)) {
            *ret_text = "a function cannot call one that waits for it, or itself";
            return HOSTAPI_FETCH_DENIED;
        }
        depth++;
    }
    if (depth <= REQUEST_DEPTH_MAX)
        return HOSTAPI_FETCH_UNDER_WAY;
    *ret_text = "too many functions call one another";
    return HOSTAPI_FETCH_LIMIT;
}

/* One that is part of the operation; NULL: there is no room, or it makes no sense. */
static struct sibling *sibling_create(struct request *caller,
                                      const struct hostapi_fetch_order *order)
{
    struct sibling *sibling = calloc(1, sizeof(*sibling));
    if (sibling == NULL)
        return NULL;
    sibling->caller = caller;
    if (!request_init(&sibling->request, caller->service, &sibling_carrier)) {
        free(sibling);
        return NULL;
    }
    sibling->request.caller = caller;
    if (sibling_fill(sibling, order))
        return sibling;
    request_end(&sibling->request);
    free(sibling->body);
    free(sibling);
    return NULL;
}

static enum hostapi_fetch_end sibling_start(void *owner,
                                            const struct hostapi_fetch_order *order,
                                            uint64_t *ret_ticket,
                                            const char **ret_text)
{
    struct request *caller =
        CONTAINER_OF((struct operations_owner *)owner, struct request, operations);
    struct operation *operation;
    enum hostapi_fetch_end end = sibling_may_call(caller, order->function, ret_text);
    if (end != HOSTAPI_FETCH_UNDER_WAY)
        return end;
    *ret_text = "too much is under way";
    if (operations_begin(owner, OPERATION_SIBLING, &operation) != STATUS_OK)
        return HOSTAPI_FETCH_LIMIT;
    struct sibling *sibling = sibling_create(caller, order);
    *ret_text = "that is no request: its method, its URI or a header";
    if (sibling == NULL) {
        operation_end(operation);
        return HOSTAPI_FETCH_INVALID;
    }
    operation->data = sibling;
    sibling->ticket = operation_ticket(operation);
    sibling_charge(sibling, order->waits);
    *ret_text = "no fuel is left";
    if (sibling->fuel == 0) {
        operation_end(operation);
        return HOSTAPI_FETCH_LIMIT;
    }
    *ret_ticket = sibling->ticket;
    request_call(&sibling->request);
    return HOSTAPI_FETCH_UNDER_WAY;
}

static struct sibling *sibling_find(void *owner, uint64_t ticket)
{
    const struct operation *operation = operations_find_own(owner, OPERATION_SIBLING, ticket);
    return operation == NULL ? NULL : operation->data;
}

static const struct hostapi_fetch_view *sibling_view(void *owner, uint64_t ticket)
{
    struct sibling *sibling = sibling_find(owner, ticket);
    if (sibling == NULL)
        return NULL;
    if (sibling->view.text == NULL)
        sibling->view.text = "";
    return &sibling->view;
}

static void sibling_take(void *owner, uint64_t ticket, size_t count)
{
    struct bytes *data = &sibling_find(owner, ticket)->view.data;
    ASSERT(count <= data->count);
    if (count > 0)
        *data = bytes_make(data->data + count, data->count - count);
}

/* Its body came with the call. */
static bool sibling_write(void *owner, uint64_t ticket, struct bytes data, bool last)
{
    (void)owner;
    (void)ticket;
    (void)data;
    (void)last;
    return false;
}

static void sibling_await(void *owner, uint64_t ticket)
{
    struct operation *operation = operations_find_own(owner, OPERATION_SIBLING, ticket);
    if (operation != NULL && !((const struct sibling *)operation->data)->answered)
        operation_rearm(operation);
}

void request_open_siblings(struct world *world)
{
    static const struct hostapi_fetches calls = {.start = sibling_start,
                                                 .view = sibling_view,
                                                 .take = sibling_take,
                                                 .write = sibling_write,
                                                 .await = sibling_await};
    world->operations.ended[OPERATION_SIBLING] = sibling_ended;
    world->calls.siblings = &calls;
}
