/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two buffers for each stream: the guest fills one while the other is sent; a push exchanges them.
 * So no byte is copied between the guest's write and the socket, and memory is flat.
 */
#include "server/request/stream.h"

#include "server/request/account.h"
#include "server/request/memory.h"
#include "server/request/respond.h"
#include "server/request/service.h"

bool stream_wants(const struct request *request, bool for_room)
{
    const struct http_exchange *http = &request->http;
    return http_exchange_streams(http) &&
           (for_room || http->flush_wanted || http->response_body.count > 0);
}

static void stream_begin(struct request *request)
{
    struct request_service *service = request->service;
    struct request_stream *stream = &request->stream;
    ASSERT(!stream->begun);
    coding_begin_stream(request);
    respond_prepare(request, request->http.status, NULL);
    request->response.body = (struct bytes){0};
    stream->begun = true;
    buffer_init(&stream->sending, request->http.response_body.max);
    request->deadline_ns = request->now_ns + service->config->limits.stream_wall * CLOCK_NS_PER_US;
    list_append(&service->streams, &stream->link);
    service->metrics->streams++;
    service->metrics->streams_begun++;
    if (service->drained_ns == 0)
        return;
    stream->leaves = true;
    request->deadline_ns = MIN(request->deadline_ns, service->drained_ns);
}

/* What is written becomes the piece. */
static struct bytes stream_take_piece(struct request *request, bool is_last)
{
    struct request_stream *stream = &request->stream;
    struct buffer *body = &request->http.response_body;
    ASSERT(!stream->in_flight && stream->sending.count == 0);
    struct buffer piece = *body;
    *body = stream->sending;
    stream->sending = piece;
    request->http.response_sent += piece.count;
    request->http.flush_wanted = false;
    stream->owes = false;
    request->service->pieces++;
    return coding_encode_piece(request, buffer_bytes(&stream->sending), is_last);
}

static void stream_push(struct request *request)
{
    struct request_stream *stream = &request->stream;
    bool is_head = request->http.response_sent == 0 && !stream->has_head;
    if (stream->in_flight) {
        stream->owes = true;
        return;
    }
    if (request->http.response_body.count == 0 && !is_head) {
        request->http.flush_wanted = false;
        return;
    }
    struct bytes piece = stream_take_piece(request, false);
    stream->in_flight = true;
    stream->has_head = true;
    request->carrier->write(request, piece, false);
}

static void stream_push_last(struct request *request)
{
    request->carrier->write(request, stream_take_piece(request, true), true);
}

static void stream_taken(struct request *request)
{
    struct request_stream *stream = &request->stream;
    ASSERT(stream->begun && stream->in_flight);
    stream->in_flight = false;
    stream->sending.count = 0;
}

static bool stream_is_short(const struct request *request)
{
    const struct http_exchange *http = &request->http;
    return http->head_length != HTTP_LENGTH_UNKNOWN &&
           http->response_sent + http->response_body.count < http->head_length;
}

uint64_t stream_idle_at_ns(struct request *request)
{
    request->stream.taken_bytes = request->carrier->taken_bytes(request);
    return request->now_ns + request->service->config->limits.stream_idle * CLOCK_NS_PER_US;
}

static bool stream_moves(struct request *request)
{
    return request->carrier->taken_bytes(request) != request->stream.taken_bytes;
}

void stream_done(struct request *request)
{
    struct request_stream *stream = &request->stream;
    if (LIKELY(!stream->begun))
        return;
    list_remove(&stream->link);
    request->service->metrics->streams--;
    buffer_done(&stream->sending);
}

static void stream_log_cut(const struct request *request, const char *code, const char *text)
{
    struct log_line line;
    log_begin(&line, "warn", "stream_cut");
    access_log_names(&line, request->id, request->function);
    log_text(&line, "code", bytes_of_text(code));
    log_text(&line, "message", bytes_of_text(text));
    log_number(&line, "bytes", request->http.response_sent);
    access_log_write(&line, request);
}

/* ---- on its way ------------------------------------------------------------------------------ */

void stream_cut(struct request *request, enum fault fault, const char *text)
{
    const struct fault_row *row = &fault_rows[fault];
    request->service->metrics->streams_cut++;
    request->code = row->code;
    if (!row->trace && fault != FAULT_CLIENT_GONE)
        stream_log_cut(request, row->code, text);
    request_conclude(request, REQUEST_ANSWERED, ISOLATE_DISCARDED);
    request->carrier->cut(request, fault == FAULT_STREAM_IDLE || fault == FAULT_CLIENT_GONE);
}

void stream_finish(struct request *request, enum isolate_end end)
{
    if (stream_is_short(request)) {
        request_refuse(request, FAULT_OUTPUT,
                       "the body is shorter than its Content-Length, which has gone out");
        return;
    }
    memory_count(request);
    if (!request->stream.in_flight) {
        request_conclude(request, REQUEST_ANSWERED, end);
        stream_push_last(request);
        return;
    }
    request_leave_isolate(request, REQUEST_SENDING, end);
    request_set_timer(request, MIN(stream_idle_at_ns(request), request->deadline_ns));
}

void stream_send_piece(struct request *request, bool is_last)
{
    if (!request->stream.begun)
        stream_begin(request);
    if (!is_last) {
        stream_push(request);
        return;
    }
    request_conclude(request, REQUEST_ANSWERED, ISOLATE_DISCARDED);
    stream_push_last(request);
}

/* The head goes out. False: there is nothing to follow it, or no room for that: it was ended. */
static bool stream_start(struct request *request)
{
    uint32_t status = request->http.status;
    if (!request_may_answer(request, request->service->config->limits.stream_buffer))
        return false;
    bool has_body = !request->is_head && status != 204 && status != 205 && status != 304;
    /* A guest that goes on would speak to nobody. */
    if (!has_body)
        buffer_done(&request->http.response_body);
    if (!http_exchange_begin_response(&request->http)) {
        request_refuse(request, FAULT_OUTPUT, "the body is longer than its Content-Length");
        return false;
    }
    if (has_body)
        stream_begin(request);
    else
        request_answer(request, ISOLATE_DISCARDED);
    return has_body;
}

bool stream_advance(struct request *request)
{
    if (!request->stream.begun && !stream_start(request))
        return false;
    stream_push(request);
    return true;
}

void stream_look_at_client(struct request *request)
{
    if (request_now(request) >= request->deadline_ns) {
        request_expire(request);
    } else if (!stream_moves(request)) {
        request_refuse(request, FAULT_STREAM_IDLE, NULL);
    } else {
        request->until_ns = MIN(stream_idle_at_ns(request), request->deadline_ns);
        request_set_timer(request, request->until_ns);
    }
}

void request_sent(struct request *request)
{
    ASSERT(request->magic == REQUEST_MAGIC);
    stream_taken(request);
    if (request->state == REQUEST_SENDING) {
        (void)request_now(request);
        request_conclude(request, REQUEST_ANSWERED, ISOLATE_DISCARDED);
        stream_push_last(request);
        return;
    }
    if (request->state == REQUEST_READING) {
        assets_sent(request);
        return;
    }
    if (request->stream.owes || request->state == REQUEST_PARKED)
        stream_push(request);
    if (request->state == REQUEST_PARKED && request->stream.for_room)
        request_unpark(request);
}

/* ---- before their time ----------------------------------------------------------------------- */

static void stream_end_by(struct request *request, uint64_t at_ns)
{
    if (request->deadline_ns <= at_ns)
        return;
    request->stream.leaves = true;
    request->deadline_ns = at_ns;
    request->until_ns = MIN(request->until_ns, at_ns);
    if (request->timer.position != 0 && request->timer.at_ns > at_ns)
        timers_set(&request->service->timers, &request->timer, at_ns);
}

static uint64_t stream_grace_ns(const struct request_service *service)
{
    return clock_monotonic_ns(service->clock) +
           service->config->limits.drain_grace * CLOCK_NS_PER_US;
}

void stream_drain(struct request_service *service)
{
    service->drained_ns = stream_grace_ns(service);
    LIST_FOREACH(request, &service->streams, struct request, stream.link)
        stream_end_by(request, service->drained_ns);
}

/* Versions come and go without a stream's noticing it; only a function that is there no more ends
 * its streams. */
void stream_sweep(struct request_service *service)
{
    if (list_is_empty(&service->streams))
        return;
    uint64_t generation = service->names.generation(service->names.context);
    if (generation == service->streams_generation)
        return;
    service->streams_generation = generation;
    uint64_t at_ns = stream_grace_ns(service);
    LIST_FOREACH(request, &service->streams, struct request, stream.link) {
        struct directory_function *function = NULL;
        enum status status =
            service->names.find(service->names.context, &request->target, NULL, &function);
        if (status == STATUS_NOT_FOUND)
            stream_end_by(request, at_ns);
        service->names.release(function);
    }
}
