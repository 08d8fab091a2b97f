/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: control makes the changes of the key-value store that workers ask for, and
 * ends a worker whose reading stands in the way of all.
 */
#ifndef SKERRY_SERVER_CONTROL_KV_SERVICE_H
#define SKERRY_SERVER_CONTROL_KV_SERVICE_H

#include "deploy/kv/kv_queue.h"
#include "server/control/workers.h"

/* Values that one worker may have waiting; over it, it is told LIMIT. */
#define KV_SERVICE_BYTES_MAX ((size_t)64 << 20)

struct kv_service;

/* Both are borrowed, and outlive it. */
NODISCARD enum status kv_service_create(struct workers *workers,
                                        struct kv_queue *queue,
                                        struct report *report,
                                        struct kv_service **ret_service);
/* After the queue: what waited there has been answered. Accepts NULL. */
void kv_service_free(struct kv_service *service);

#endif
