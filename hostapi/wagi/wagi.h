/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WAGI commands: one run of `_start` per request, whose stdout is a header block, an empty
 * line and the body [RFC 3875 6].
 */
#ifndef SKERRY_HOSTAPI_WAGI_WAGI_H
#define SKERRY_HOSTAPI_WAGI_WAGI_H

#include "hostapi/host.h"

/* What one request has of WAGI. */
struct wagi_state {
    uint64_t body_read; /* how far stdin was read */
    struct buffer head; /* stdout up to the empty line; owned */
    bool head_complete;
    bool head_read; /* and found to be good: it is in the exchange */
    bool body_begun;
    bool routing; /* `_routes` runs: stdout is its, in `head` */
};

static inline struct wagi_state *wagi_state(const struct hostapi_host *host)
{
    return host_state(host, HOSTAPI_KIND_WAGI);
}

/*
 * Reads a whole header block (with its empty line) into status and headers. INVALID or LIMIT
 * and a report if it cannot be one.
 */
NODISCARD enum status
wagi_parse_head(struct http_exchange *exchange, struct bytes head, struct report *report);

#endif
