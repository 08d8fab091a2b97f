/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Control: changes of the key-value store wait here for their group. What came in one turn of the
 * loop is one transaction and one fsync; each is told when it is on disk.
 *
 *   push ... push --> end of the turn --> kv_store_apply --> done, done, ...
 */
#ifndef SKERRY_DEPLOY_KV_KV_QUEUE_H
#define SKERRY_DEPLOY_KV_KV_QUEUE_H

#include "deploy/kv/kv.h"
#include "engine/base/list.h"

struct event_base;
struct kv_queue;

/* One change on its way; its owner's until kv_queue_push, and again from `done` on. */
struct kv_request {
    struct list_link link;
    struct kv_change change; /* its bytes are the owner's, and stay until `done` */
    /* `status`: OK, and the change has its own; else why nothing was changed. */
    void (*done)(struct kv_request *request, enum status status);
};

struct kv_queue_options {
    struct event_base *base;
    struct kv_store *store; /* borrowed */
    const struct clock *clock;
    /* A group could not be written; for the log: of those of 10 s the first. */
    void (*failed)(void *context, const struct report *report);
    void *context;
};

#define KV_QUEUE_MAX 65536 /* changes that wait */

NODISCARD enum status kv_queue_create(const struct kv_queue_options *options,
                                      struct report *report,
                                      struct kv_queue **ret_queue);
/* What waits is told UNREACHABLE. */
void kv_queue_free(struct kv_queue *queue);
/* All that waits, now. */
void kv_queue_flush(struct kv_queue *queue);
/* False: too many wait; `done` is not called. */
NODISCARD bool kv_queue_push(struct kv_queue *queue, struct kv_request *request);

#endif
