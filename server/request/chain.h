/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: a request that several functions of one tenant handle in turn.
 *
 *   steps: [auth, rewrite, app]
 *
 *   auth.handle_request --next--> rewrite.handle_request --next--> app answers
 *   auth.handle_response <------- rewrite.handle_response <---------+
 *
 * All of them work on one exchange. Each step has an isolate of its own, which waits while the
 * next ones run, and fuel of its own; request->function and what else the request knows of a guest
 * are the present step's. A step that fails where nothing has gone out leaves a problem as the
 * response, and the one before it is told; what is not a guest's fault ends the request.
 */
#ifndef SKERRY_SERVER_REQUEST_CHAIN_H
#define SKERRY_SERVER_REQUEST_CHAIN_H

#include <stdbool.h>
#include <stddef.h>

#include "server/request/guest.h"

struct request;
struct request_chain;

/* What a chain says of itself in Server-Timing, at most. */
#define CHAIN_TIMING_BYTES 1024

/* Finds all steps of request->function, and enters the first. False: the request was refused. */
NODISCARD bool chain_begin(struct request *request);
/* The present step asked for the next one, which is READY now. */
void chain_go_on(struct request *request);
/* The present step has finished, or failed, and there is one before it: that one goes on. Its step
 * and result are the answer; else, they are left as they are. */
enum guest_step
chain_go_back(struct request *request, enum guest_step step, struct guest_result *result);
/* What the present step left of a response becomes a problem, for the step before it to see. */
void chain_answer_fault(struct request *request, const struct guest_result *result);
/* Is there a step after the present one? */
bool chain_has_next(const struct request *request);
/* The request ends: what waits is discarded, and request->function is whose chain it was. */
void chain_end(struct request *request);

/* Whose chain it is, or else the request's function. */
struct directory_function *chain_function(const struct request *request);
/* Fuel of all steps but the present one. */
uint64_t chain_fuel_used(const struct request *request);
/* ", step0;desc="auth";dur=0.123, ..." of the steps that began; ret_text has CHAIN_TIMING_BYTES. */
size_t chain_timing(const struct request *request, char *ret_text);

#endif
