/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bodies of http-wasm: streams to the guest. The request's is whole in the host; the response's
 * goes out by pieces where nobody wants it whole, and write_body waits for room.
 *
 * read_body goes on where the last one ended, in each phase from the beginning. The first
 * write_body of a phase replaces the body, further ones append. A request body that the
 * guest wrote lives in the host until the request is forgotten.
 */
#include "hostapi/exchange.h"
#include "hostapi/guest_mem.h"
#include "hostapi/hostcalls.h"
#include "hostapi/http_wasm/http_wasm.h"
#include "hostapi/http_wasm/http_wasm_rules.h"

#define HTTP_WASM_EOF (UINT64_C(1) << 32)

/* Of a call that is made again: how many of its bytes were moved. */
static uint64_t http_wasm_done(struct hostapi_host *host)
{
    struct http_wasm_state *state = http_wasm_state(host);
    if (!host->request.resumed)
        state->done = 0;
    return state->done;
}

enum engine_outcome http_wasm_read_body(struct hostapi_host *host, struct engine_host_call *call)
{
    uint32_t kind = call->slots[0].i32;
    uint32_t address = call->slots[1].i32;
    uint32_t limit = call->slots[2].i32;
    if (kind >= HTTP_WASM_BODY_KIND_COUNT)
        return host_trap(call, "read_body: there is no such kind of body");
    const char *refusal =
        http_wasm_refusal(host, kind == HTTP_WASM_REQUEST_BODY ? HTTP_WASM_READ_REQUEST_BODY
                                                               : HTTP_WASM_READ_RESPONSE_BODY);
    if (refusal == NULL && limit == 0)
        refusal = "a buffer of 0 bytes reads nothing";
    if (refusal != NULL)
        return host_trap(call, "read_body: %s", refusal);
    struct http_exchange *exchange = host->request.exchange;
    bool is_request = kind == HTTP_WASM_REQUEST_BODY;
    struct bytes body =
        is_request ? exchange->request_body : buffer_bytes(&exchange->response_body);
    uint64_t *read = &http_wasm_state(host)->body_read[kind];
    uint64_t done = http_wasm_done(host);
    if (is_request && done == 0 && exchange_body_waits(exchange, *read))
        return host_park_for_body(host);
    uint64_t left = body.count - *read;
    uint64_t count = MIN(left, (uint64_t)limit - done);
    uint8_t *space;
    if (!guest_mem_space(call->instance, address, done + count, &space))
        return host_trap(call, "read_body: buffer of %u bytes at %u is outside memory",
                         (uint32_t)(done + count), address);
    uint64_t turn = MIN(count, (uint64_t)HOSTAPI_TURN_BYTES);
    if (turn > 0) {
        hostcalls_charge_bytes(call, turn);
        memcpy(space + done, body.data + *read, turn);
        *read += turn;
    }
    http_wasm_state(host)->done = done + turn;
    if (turn < count)
        return host_take_turn(host);
    bool is_end = count == left && !(is_request && exchange->request_body_is_coming);
    call->slots[0].bits = (done + count) | (is_end ? HTTP_WASM_EOF : 0);
    return ENGINE_DONE;
}

static enum status
http_wasm_write_request(struct hostapi_host *host, struct bytes piece, uint64_t done)
{
    struct http_wasm_state *state = http_wasm_state(host);
    struct http_exchange *exchange = host->request.exchange;
    if (!state->body_written[HTTP_WASM_REQUEST_BODY]) {
        buffer_init(&state->request_body, exchange->limits->body);
        state->body_read[HTTP_WASM_REQUEST_BODY] = 0;
    }
    if (piece.count - done > state->request_body.max - state->request_body.count)
        return STATUS_FULL;
    uint64_t turn = MIN(piece.count - done, (uint64_t)HOSTAPI_TURN_BYTES);
    enum status status = buffer_append(&state->request_body, piece.data + done, turn);
    if (status != STATUS_OK)
        return status;
    state->done = done + turn;
    state->body_written[HTTP_WASM_REQUEST_BODY] = true;
    exchange->request_body_is_coming = false;
    exchange->request_body = buffer_bytes(&state->request_body);
    return STATUS_OK;
}

/* The call waits for room until all of the piece is written. */
static enum engine_outcome http_wasm_write_response(struct hostapi_host *host,
                                                    struct engine_host_call *call,
                                                    struct bytes piece)
{
    struct http_wasm_state *state = http_wasm_state(host);
    struct http_exchange *exchange = host->request.exchange;
    if (!state->body_written[HTTP_WASM_RESPONSE_BODY]) {
        exchange_replace_body(exchange);
        state->body_read[HTTP_WASM_RESPONSE_BODY] = 0;
    }
    state->body_written[HTTP_WASM_RESPONSE_BODY] = true;
    uint64_t done = http_wasm_done(host);
    struct bytes rest = bytes_make(piece.data + done, piece.count - done);
    enum status status = exchange_write(exchange, &rest);
    if (status != STATUS_OK)
        return host_trap(call, "write_body: %s (%llu)", exchange_write_refusal(status),
                         (unsigned long long)(status == STATUS_INVALID
                                                  ? exchange->head_length
                                                  : exchange->limits->response));
    state->done = piece.count - rest.count;
    return rest.count == 0 ? ENGINE_DONE : host_go_on_writing(host);
}

enum engine_outcome http_wasm_write_body(struct hostapi_host *host, struct engine_host_call *call)
{
    uint32_t kind = call->slots[0].i32;
    struct bytes piece;
    if (kind >= HTTP_WASM_BODY_KIND_COUNT)
        return host_trap(call, "write_body: there is no such kind of body");
    const char *refusal =
        http_wasm_refusal(host, kind == HTTP_WASM_REQUEST_BODY ? HTTP_WASM_CHANGE_REQUEST
                                                               : HTTP_WASM_WRITE_RESPONSE_BODY);
    if (refusal != NULL)
        return host_trap(call, "write_body: %s", refusal);
    if (!guest_mem_view(call->instance, call->slots[1].i32, call->slots[2].i32, &piece))
        return host_trap(call, "write_body: %u bytes at %u are outside memory", call->slots[2].i32,
                         call->slots[1].i32);
    if (!host->request.resumed)
        hostcalls_charge_bytes(call, piece.count);
    if (kind == HTTP_WASM_RESPONSE_BODY)
        return http_wasm_write_response(host, call, piece);
    if (http_wasm_write_request(host, piece, http_wasm_done(host)) == STATUS_OK)
        return http_wasm_state(host)->done == piece.count ? ENGINE_DONE : host_take_turn(host);
    return host_trap(call, "write_body: body is larger than limits.body (%llu)",
                     (unsigned long long)host->request.exchange->limits->body);
}
