/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose build is next. It knows no processes: who runs them says when a place is free and when
 * a build has ended.
 *
 *   1. Rebuilds of missing artifacts go first: requests wait for them.
 *   2. A tenant has at most half of the places, so that what it sends, however endless, leaves the
 *      others theirs. Rebuilds count as a tenant's.
 *   3. Of the tenants that may, the one whose last build began longest ago.
 *   4. Of its builds the smallest, which are short; but none is passed over for ever.
 */
#ifndef SKERRY_DEPLOY_BUILD_BUILD_QUEUE_H
#define SKERRY_DEPLOY_BUILD_BUILD_QUEUE_H

#include "deploy/deploy.h"
#include "engine/base/list.h"

#define BUILD_QUEUE_PASSED_MAX 8 /* smaller ones that may go before a build */

struct build_queue {
    struct list tenants; /* struct build_tenant with builds; the next one's turn first */
    uint32_t places;
    uint32_t running_count;
    uint32_t waiting_count;
    uint64_t waiting_bytes;
};

/* Part of a build; its owner's until it is added, and again after it ended or was removed. */
struct build_entry {
    struct list_link link; /* in its tenant's list while it waits */
    struct build_tenant *tenant;
    uint64_t bytes; /* of the module */
    uint32_t passed_count;
};

void build_queue_init(struct build_queue *queue, uint32_t places);
/* `tenant` NULL: a rebuild. NO_MEMORY. */
NODISCARD enum status build_queue_add(struct build_queue *queue,
                                      const char *tenant,
                                      uint64_t bytes,
                                      struct build_entry *entry);
/* The next to run, which then counts as running; NULL: none may now. */
struct build_entry *build_queue_take(struct build_queue *queue);
/* A running one has ended. */
void build_queue_end(struct build_queue *queue, struct build_entry *entry);
/* One that waits no longer wants to. */
void build_queue_remove(struct build_queue *queue, struct build_entry *entry);
/* Does a build of somebody else wait while this one runs? */
bool build_queue_is_crowded(const struct build_queue *queue, const struct build_entry *entry);

#endif
