/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WAGI commands: one run of `_start` per request, whose stdout is a header block, an empty
 * line and the body [RFC 3875 6].
 */
#ifndef SKERRY_HOSTAPI_WAGI_WAGI_H
#define SKERRY_HOSTAPI_WAGI_WAGI_H

#include "hostapi/host.h"

/* Stdout: the header block is kept apart, the rest goes to the response's body. */
enum engine_outcome
wagi_write(struct hostapi_host *host, struct engine_host_call *call, struct bytes piece);
/* The command ended by itself or by exit: turns the header block into the response's head. */
enum hostapi_step wagi_finish(struct hostapi_host *host, struct report *report);
/*
 * Reads a whole header block (with its empty line) into status and headers. INVALID or LIMIT
 * and a report if it cannot be one.
 */
NODISCARD enum status
wagi_parse_head(struct http_exchange *exchange, struct bytes head, struct report *report);

#endif
