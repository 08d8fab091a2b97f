/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: the line that the worker's log gets of a request, when the carrier is
 * done with it: after the answer, never before.
 */
#ifndef SKERRY_SERVER_REQUEST_ACCESS_LOG_H
#define SKERRY_SERVER_REQUEST_ACCESS_LOG_H

#include "server/request/request.h"
#include "server/telemetry/log.h"

/* Which request, and whose, as far as it is known (NULL: it is not). */
void access_log_names(struct log_line *line,
                      const char *id,
                      const struct directory_function *function);
/* Writes a line, or counts it. */
void access_log_write(struct log_line *line, const struct request *request);
/* The line of a request that has ended, for an operator who asked for them. */
void access_log_ended(const struct request *request);

#endif
