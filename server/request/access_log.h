/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: the lines that the worker's log gets of a request.
 *
 * They are written when the carrier is done with it: after the answer, never before.
 */
#ifndef SKERRY_SERVER_REQUEST_ACCESS_LOG_H
#define SKERRY_SERVER_REQUEST_ACCESS_LOG_H

#include "server/request/request.h"
#include "server/telemetry/log.h"

/* Which request, and whose, as far as it is known. */
void access_log_names(struct log_line *line, const struct request *request);
/* Writes a line, or counts it. */
void access_log_write(struct log_line *line, const struct request *request);
/* The request has ended: what its guest wrote to its log, a line each, then the access log's
 * line, if the operator asked for it. */
void access_log_ended(const struct request *request);

#endif
