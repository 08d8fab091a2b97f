/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: what is counted and told of a request: in the worker's counters, in the
 * ring of starts that control reads (account.c), and in the line that the worker's log gets of it
 * when the carrier is done with it: after the answer, never before (access_log.c).
 */
#ifndef SKERRY_SERVER_REQUEST_ACCOUNT_H
#define SKERRY_SERVER_REQUEST_ACCOUNT_H

#include "server/request/request.h"
#include "server/telemetry/log.h"

/* Where the request's time went so far. */
struct start_times account_times(const struct request *request);
/* An isolate was checked out for it. */
void account_started(const struct request *request);
/* A step of its chain is over, and others go on. */
void account_step_ended(struct request *request);
/* It is about to be answered, or nobody waits for the answer any more. */
void account_ended(struct request *request);
/* Tells control of warm starts that it does not know of; ten times a second while there is
 * something to do, and at the end. */
void account_flush(struct request_service *service);

/* ---- the log --------------------------------------------------------------------------------- */

/* Which request, and whose, as far as it is known (NULL: it is not). */
void access_log_names(struct log_line *line,
                      const char *id,
                      const struct directory_function *function);
/* Writes a line, or counts it. */
void access_log_write(struct log_line *line, const struct request *request);
/* The line of a request that has ended, for an operator who asked for them. */
void access_log_ended(const struct request *request);

#endif
