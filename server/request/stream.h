/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: an answer that goes out in pieces while its guest runs.
 *
 *   guest writes --> http.response_body --piece--> stream.sending --> the carrier --> the client
 *                    at most limits.stream_buffer   one at a time       request_sent: it is out
 *
 * It begins when a guest that may stream parks with something written, or because it wrote more
 * than limits.stream_buffer, or flushes; an answer that is complete before is no stream. A guest
 * is at most two pieces ahead of its client, and then parks. What happens to the request then is
 * request.c's; here is what moves bytes and bounds time.
 */
#ifndef SKERRY_SERVER_REQUEST_STREAM_H
#define SKERRY_SERVER_REQUEST_STREAM_H

#include <stdbool.h>

#include "engine/base/bytes.h"
#include "engine/base/list.h"

struct request;
struct request_service;

/* Part of each request; all zeros: its answer is no stream (yet). */
struct request_stream {
    bool begun;            /* its head is final */
    bool has_head;         /* ... and with the carrier */
    bool for_room;         /* its guest is parked because it may not write more */
    bool in_flight;        /* a piece is with the carrier */
    bool owes;             /* what is written by then follows that piece */
    bool leaves;           /* its deadline was brought forward: drain, or its function is gone */
    struct buffer sending; /* the piece in flight; owned */
    struct list_link link; /* in service->streams */
    uint64_t taken_bytes;  /* what the client had when it was last looked at */
};

/* Has a guest that parks something to send? `for_room`: it parks because it cannot write more. */
bool stream_wants(const struct request *request, bool for_room);
/* The head is final, and the clock of limits.stream_wall begins. The response is prepared; what is
 * sent first takes its head along. */
void stream_begin(struct request *request);
/* Hands what is written to the carrier, now or when the piece in flight is out. */
void stream_push(struct request *request);
/* The same for the rest, of a request that is answered; may free the request. */
void stream_push_last(struct request *request);
/* The piece in flight is out. */
void stream_taken(struct request *request);
/* Has the guest written less than the Content-Length that is out? */
bool stream_is_short(const struct request *request);
/* Until when it waits for its client, from now on. */
uint64_t stream_idle_at_ns(struct request *request);
/* Since it was last asked, or began to wait: did the client take anything? */
bool stream_moves(struct request *request);
/* The request ends. */
void stream_done(struct request *request);
/* A line about a stream that ends before its guest does. */
void stream_log_cut(const struct request *request, const char *code, const char *text);

/* The worker drains: no stream goes on for longer than limits.drain_grace. */
void stream_drain(struct request_service *service);
/* About once a second: the same for streams whose function is gone. */
void stream_sweep(struct request_service *service);

#endif
