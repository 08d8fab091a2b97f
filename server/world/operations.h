/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: what the requests of a worker have under way outside themselves.
 *
 *   operations_begin --> UNDER WAY --operations_complete--> READY --operations_rearm--> UNDER WAY
 *                            |                                |
 *                            +-------- operation_end ---------+--> its kind's `ended`, once
 *
 * An operation is a row of the worker's, on its owner's list, and is named by a ticket: generation
 * and slot. When it ends, the slot's generation grows: a ticket that comes late, after a cancel or
 * its request's end, finds nothing and wakes nobody.
 *
 * Who owns operations is told when any of them completes (`wake`), and looks for itself.
 */
#ifndef SKERRY_SERVER_WORLD_OPERATIONS_H
#define SKERRY_SERVER_WORLD_OPERATIONS_H

#include "engine/base/list.h"
#include "engine/base/status.h"
#include "hostapi/operations.h"

enum operation_kind {
#define OPERATION(NAME, name, text) OPERATION_##NAME,
#include "server/world/operations.def"
    OPERATION_KIND_COUNT
};
/* The kind's name in metrics. */
const char *operation_kind_name(enum operation_kind kind);

struct operations;

/* Embedded in whoever begins operations. All zeros but `operations`: it has none. */
struct operations_owner {
    struct operations *operations; /* the worker's */
    struct list list;
    uint32_t count;
    size_t bytes; /* of memory that they hold, as far as their kinds say */
};

struct operation {
    struct list_link link; /* its owner's; or the free ones */
    struct operations_owner *owner;
    enum operation_kind kind;
    uint32_t slot;
    uint32_t generation;
    bool ready;
    int64_t result; /* if it is ready: its kind's */
    void *data;     /* its kind's */
};

/* A kind's: the operation is over, ready or not. Tells the other side, frees `data`; must not
 * begin or end operations of the same owner. */
typedef void (*operation_ended)(struct operation *operation);

#define OPERATIONS_PAGE      256
#define OPERATIONS_PAGES_MAX 1024 /* so a worker has at most 262,144 */

struct operations {
    struct operation *pages[OPERATIONS_PAGES_MAX]; /* owned, OPERATIONS_PAGE rows each */
    uint32_t page_count;
    struct list free;
    operation_ended ended[OPERATION_KIND_COUNT]; /* NULL: nothing to do */
    uint64_t *gauges[OPERATION_KIND_COUNT];      /* borrowed: how many there are; may be NULL */
    /* One of this owner's has completed. */
    void (*wake)(struct operations_owner *owner);
};

/* `ended` and `gauges` are set by whoever provides a kind. */
void operations_init(struct operations *operations, void (*wake)(struct operations_owner *owner));
/* There are none any more. */
void operations_done(struct operations *operations);
/* What host calls get of them; `owner` is a struct operations_owner. */
extern const struct hostapi_operations operations_calls;

/* STATUS_LIMIT: the owner has HOSTAPI_OPERATIONS_MAX, or the worker as many as it can. */
NODISCARD enum status operations_begin(struct operations_owner *owner,
                                       enum operation_kind kind,
                                       struct operation **ret_operation);
uint64_t operation_ticket(const struct operation *operation);
/* NULL: it is over. */
struct operation *operations_find(const struct operations *operations, uint64_t ticket);
/* The same for one that must be this owner's, and of this kind. */
struct operation *operations_find_own(const struct operations_owner *owner,
                                      enum operation_kind kind,
                                      uint64_t ticket);
/* It has an answer. Nothing happens if it is over, or has one. */
void operations_complete(struct operations *operations, uint64_t ticket, int64_t result);
/* Waits for the next answer: of a stream, of which this piece was taken. */
void operation_rearm(struct operation *operation);
void operation_end(struct operation *operation);
/* All of them. */
void operations_end_all(struct operations_owner *owner);

#endif
