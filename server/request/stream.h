/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: an answer that goes out in pieces while its guest runs.
 *
 *   guest writes --> http.response_body --piece--> stream.sending --> the carrier --> the client
 *                    at most limits.stream_buffer   one at a time       request_sent: it is out
 *
 * It begins when a guest that may stream parks with something written, or because it wrote more
 * than limits.stream_buffer, or flushes; an answer that is complete before is no stream. A guest
 * is at most two pieces ahead of its client, and then parks.
 */
#ifndef SKERRY_SERVER_REQUEST_STREAM_H
#define SKERRY_SERVER_REQUEST_STREAM_H

#include <stdbool.h>

#include "engine/base/bytes.h"
#include "engine/base/list.h"
#include "isolate/isolate.h"
#include "server/request/fault.h"

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
/* A guest that parks has something to send: its head, and what is written. False: the request was
 * ended, because there is nothing more to say, or no room for it. */
bool stream_advance(struct request *request);
/* The guest has finished: its isolate is free, the rest may have to wait for what is in flight. */
void stream_finish(struct request *request, enum isolate_end end);
/* Its head is out: the client gets less than the whole, and sees it. */
void stream_cut(struct request *request, enum fault fault, const char *text);
/* What is in http.response_body goes out as a piece, of an answer that no guest writes; the first
 * begins it. The last concludes the request. */
void stream_send_piece(struct request *request, bool is_last);
/* It waits for its client, until when; and when that is over: did the client take anything? */
uint64_t stream_idle_at_ns(struct request *request);
void stream_look_at_client(struct request *request);
/* The request ends. */
void stream_done(struct request *request);

/* The worker drains: no stream goes on for longer than limits.drain_grace. */
void stream_drain(struct request_service *service);
/* About once a second: the same for streams whose function is gone. */
void stream_sweep(struct request_service *service);

#endif
