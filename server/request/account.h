/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: what is counted and told of a request: in the worker's counters, and in the
 * ring of starts that control reads.
 */
#ifndef SKERRY_SERVER_REQUEST_ACCOUNT_H
#define SKERRY_SERVER_REQUEST_ACCOUNT_H

#include "server/request/request.h"

/* Where the request's time went so far. */
struct start_times account_times(const struct request *request);
/* An isolate was checked out for it. */
void account_started(const struct request *request);
/* It is about to be answered, or nobody waits for the answer any more. */
void account_ended(struct request *request);
/* Tells control of warm starts that it does not know of; ten times a second while there is
 * something to do, and at the end. */
void account_flush(struct request_service *service);

#endif
