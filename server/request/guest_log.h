/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: what guests wrote to their logs, on its way to the worker's.
 *
 *   a request ends, or its guest faults --> its text is moved, nothing is written --> the queue
 *   each turn                           --> a few lines of the oldest             --> the log
 *
 * Bounded is what is written, names and JSON included: of a request by limits.log, of a tenant
 * by limits.log_rate, a bucket that fills again every second. So is what waits. Lines without
 * text are left out. All other loss is counted, and told in a line where the budget allows one:
 * the request's own, or the tenant's next.
 */
#ifndef SKERRY_SERVER_REQUEST_GUEST_LOG_H
#define SKERRY_SERVER_REQUEST_GUEST_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/list.h"

struct log_line;
struct request;
struct request_service;

/* A tenant's budget; all zeros: it is full and nothing was lost. */
struct guest_log_bucket {
    uint64_t used_bytes;
    uint64_t drained_ns; /* when `used_bytes` was so many */
    uint64_t lost_bytes; /* not told of yet */
};

/* A worker's queue; all zeros: it is empty. */
struct guest_log {
    struct list entries; /* oldest first */
    uint64_t held_bytes; /* of all their texts */
};

/* Takes what a request's guest has logged so far, up to `at_ns` (realtime). `last` (NULL: none) is
 * a line of the server's that closes it, already closed itself: written when all before it is, or
 * at once if nothing waits. */
void guest_log_take(struct request *request, uint64_t at_ns, const struct log_line *last);
/* Of a request that waits: whole lines can be read meanwhile. */
void guest_log_take_lines(struct request *request);
/* Of one that ends. */
void guest_log_take_rest(struct request *request);
/* Writes what one turn may. True: there is more. */
bool guest_log_turn(struct request_service *service);

#endif
