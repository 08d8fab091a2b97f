/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What host calls may ask about requests to other servers: fetches. Each is an operation
 * (operations.h) whose ticket names it; it is READY while there is something to look at.
 *
 *   start --> ticket --> view: head, then data, then how it ended
 *                        take: so many bytes of the data were read
 *                        write: more of the request's body, as far as there is room
 *                        await: there was nothing new, the operation is under way again
 */
#ifndef SKERRY_HOSTAPI_FETCH_H
#define SKERRY_HOSTAPI_FETCH_H

#include "engine/base/bytes.h"

#define HOSTAPI_FETCH_REDIRECTS_MAX 20
#define HOSTAPI_FETCH_BODY_MAX      65536 /* bytes of a body that is given at the start */
#define HOSTAPI_FETCH_FIELDS_MAX    65536
#define HOSTAPI_CALL_BODY_MAX       ((size_t)1 << 20) /* of a sibling's request */
#define HOSTAPI_FETCH_URL_MAX       8192
#define HOSTAPI_FETCH_RULES_MAX     64
/* Skerry's servers that a request may come through, one asking the next [RFC 8586]. */
#define HOSTAPI_FETCH_HOPS_MAX 4

enum hostapi_fetch_end {
    HOSTAPI_FETCH_UNDER_WAY,
    HOSTAPI_FETCH_DONE, /* the whole answer has come */
    HOSTAPI_FETCH_INVALID,
    HOSTAPI_FETCH_DENIED,
    HOSTAPI_FETCH_LIMIT,
    HOSTAPI_FETCH_TIMEOUT,
    HOSTAPI_FETCH_TOO_LARGE,
    HOSTAPI_FETCH_CLOSED, /* the other side broke off */
    HOSTAPI_FETCH_UNAVAILABLE,
    HOSTAPI_FETCH_FAILED
};

/* Borrowed until start returns. */
struct hostapi_fetch_order {
    struct bytes tenant;
    struct bytes method;
    struct bytes url;
    struct bytes fields; /* "name" NUL "value" NUL ... */
    struct bytes body;
    bool body_follows; /* by write */
    bool follows;      /* redirects */
    uint64_t deadline_us;
    uint64_t answer_bytes_max;
    const struct bytes *rules; /* whom the function may ask (config/url.h) */
    uint32_t rule_count;
    struct bytes loop; /* what the request's CDN-Loop said */
    /* Of a call of a sibling, another function of the tenant: its name; `url` is path and query.
     * Only it, the method, fields and body count. */
    struct bytes function;
    bool waits; /* the caller does nothing else meanwhile */
};

/* Valid until the next call, or until the operation ends. */
struct hostapi_fetch_view {
    bool has_head;
    uint32_t status;
    struct bytes url;    /* where the answer comes from, after redirects */
    struct bytes fields; /* of the answer, as those of an order; names in lower case */
    struct bytes data;   /* that was not taken yet */
    uint32_t room;       /* bytes of the request's body that may be written */
    enum hostapi_fetch_end end;
    const char *text; /* what went wrong; "" */
};

struct hostapi_fetches {
    /* UNDER_WAY and a ticket; or why not, and a static text. */
    enum hostapi_fetch_end (*start)(void *owner,
                                    const struct hostapi_fetch_order *order,
                                    uint64_t *ret_ticket,
                                    const char **ret_text);
    /* NULL: it is over. */
    const struct hostapi_fetch_view *(*view)(void *owner, uint64_t ticket);
    void (*take)(void *owner, uint64_t ticket, size_t count);
    /* At most `room` bytes; false: they are lost, and the fetch soon is. */
    bool (*write)(void *owner, uint64_t ticket, struct bytes data, bool last);
    void (*await)(void *owner, uint64_t ticket);
};

#endif
