/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/request/: a request's ways from one state to another (request.c), for the files
 * that lead it through streams and chains.
 */
#ifndef SKERRY_SERVER_REQUEST_WAYS_H
#define SKERRY_SERVER_REQUEST_WAYS_H

#include "server/request/request.h"

/* Reads the clock into request->now_ns. */
uint64_t request_now(struct request *request);
void request_set_timer(struct request *request, uint64_t at_ns);
/* The one door: leaves what the request waited for, and gives back what its state no more has. */
void request_become(struct request *request, enum request_state next);
/* The same, of a request that needs its isolate no more. */
void request_leave_isolate(struct request *request, enum request_state next, enum isolate_end end);
/* To its last state: everything but the sending. */
void request_conclude(struct request *request, enum request_state last, enum isolate_end end);
/* False: an answer with so large a body cannot be; the request was ended. */
bool request_may_answer(struct request *request, uint64_t body_bytes);
/* `end`: may the next request find the memory that this one left? Not after an exit. */
void request_answer(struct request *request, enum isolate_end end);
/* A parked one goes on. */
void request_unpark(struct request *request);
/* Its deadline has come: ends it. */
void request_expire(struct request *request);

#endif
