/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a host call may ask about operations: things outside that a request has begun and that
 * will have an answer later. Each kind of service begins its own; here is what they share.
 *
 *   service->start(owner, ...) --> ticket      the guest goes on, or waits with host_park
 *   look(owner, ticket)        --> UNDER_WAY | READY, result | OVER
 *   end(owner, ticket)             cancels what is under way, frees what came
 *
 * A ticket that ended, or that is another request's, is OVER: it names nothing, ever again.
 */
#ifndef SKERRY_HOSTAPI_OPERATIONS_H
#define SKERRY_HOSTAPI_OPERATIONS_H

#include <stdint.h>

/* Operations that one request may have at once. */
#define HOSTAPI_OPERATIONS_MAX 64
/* No ticket is this. */
#define HOSTAPI_TICKET_NONE 0

enum hostapi_look { HOSTAPI_UNDER_WAY, HOSTAPI_READY, HOSTAPI_OVER };

struct hostapi_operations {
    /* `ret_result` is written if READY: what the service says it is. */
    enum hostapi_look (*look)(void *owner, uint64_t ticket, int64_t *ret_result);
    void (*end)(void *owner, uint64_t ticket);
};

#endif
