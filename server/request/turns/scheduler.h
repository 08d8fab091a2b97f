/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: who runs next, and for how much fuel.
 *
 * Deficit round robin over tenants, in nanoseconds that were really used, and a lane for those
 * who used less than their share:
 *
 *   lane:  tenant V --> tenant W          one slice each, on credit, then into the ring
 *   ring:  tenant A --> tenant B --> tenant C --> (A)
 *            | tasks      | tasks
 *          t1 t2 t3      t4
 *
 * A tenant's turn adds `weight` slices to its credit; its tasks run, one slice each, and pay
 * what it cost; when the credit is used up, the ring goes on. So a tenant with twenty endless
 * loops and one with a single short request get the same share, and one of weight 4 gets four
 * times that of one of weight 1. Overdrafts are carried, up to a named debt.
 *
 * A tenant that comes back first gets the share of the time that it was away taken off its debt.
 * If nothing is left of that, it takes the lane and waits for the slice under way at most, not for
 * the ring; what it uses there is a debt again, so that nobody gets more than a share by coming
 * often. While the lane is a slice ahead of the ring, nobody enters it.
 *
 * A slice is time: it is granted as little portions of fuel until the time is over. So it is as
 * long as it should be for a guest of any price, however the price changes.
 *
 * Knows no engine: a task is a callback that runs for some fuel.
 */
#ifndef SKERRY_SERVER_REQUEST_TURNS_SCHEDULER_H
#define SKERRY_SERVER_REQUEST_TURNS_SCHEDULER_H

#include <stdbool.h>

#include "config/limits.h"
#include "engine/base/clock.h"
#include "engine/base/list.h"

/* What runs between two looks at the clock, and how far a slice may overrun: 4 us of arithmetic,
 * or 2,000 page faults of a guest that does nothing else. */
#define SCHEDULER_GRANT_FUEL 8192
/* A heavy tenant's turn delays the others in the ring by so many slices. */
#define SCHEDULER_WEIGHT_MAX CONFIG_CPU_SHARE_MAX

struct scheduler_task {
    struct list_link link; /* in its tenant's queue */
    struct scheduler_tenant *tenant;
};

enum scheduler_place { SCHEDULER_OUT, SCHEDULER_LANE, SCHEDULER_RING };

struct scheduler_tenant {
    struct list_link link;      /* in the ring or the lane */
    enum scheduler_place place; /* OUT if it has no tasks */
    struct list tasks;          /* queued, first come first */
    int64_t credit_ns;
    uint32_t ring_weight; /* what it weighs in the ring: `weight` may change meanwhile */
    uint32_t weight;      /* its share of contended time; 1..SCHEDULER_WEIGHT_MAX */
    uint64_t left_ns;     /* when it had no tasks any more */
};

enum scheduler_verdict {
    SCHEDULER_AGAIN, /* wants another slice */
    SCHEDULER_LEAVE, /* finished or parked; the task may be gone */
};

/* A portion of a slice. */
struct scheduler_grant {
    int64_t fuel;      /* granted: SCHEDULER_GRANT_FUEL */
    uint64_t began_ns; /* now, when it is given */
    uint64_t ended_ns; /* to be filled: when the guest stopped */
};

struct scheduler_options {
    const struct clock *clock;
    uint64_t slice_ns;
    /* Runs a task for grant->fuel and fills the rest. May free the task, not its tenant. */
    enum scheduler_verdict (*run)(struct scheduler_task *task, struct scheduler_grant *grant);
};

struct scheduler {
    struct scheduler_options options;
    struct list ring;
    struct list lane;
    struct scheduler_tenant *current; /* whose turn it is in the ring; NULL: it is empty */
    uint64_t ring_weight;             /* of all tenants in the ring */
    uint64_t lane_lead_ns;            /* what the lane used and the ring did not yet */
    uint64_t started_ns;              /* of this turn, used by first slices given at once */
    uint64_t now_ns;                  /* as last heard */
    uint64_t slices;
    bool running; /* inside a task's slice: a new task waits for its turn */
};

void scheduler_init(struct scheduler *scheduler, const struct scheduler_options *options);
void scheduler_tenant_init(struct scheduler_tenant *tenant);
/* From the tenant's next turn on. */
void scheduler_tenant_set_weight(struct scheduler_tenant *tenant, uint32_t weight);
/* At the end of its tenant's queue. */
void scheduler_add(struct scheduler *scheduler, struct scheduler_task *task);
/* Nothing happens if it is not queued. */
void scheduler_remove(struct scheduler *scheduler, struct scheduler_task *task);
static inline bool scheduler_idle(const struct scheduler *scheduler)
{
    return scheduler->current == NULL && list_is_empty(&scheduler->lane);
}
/* A new task's first slice, at once: only if nothing else is runnable and less than a slice of
 * this turn went to such; otherwise queued. */
void scheduler_start(struct scheduler *scheduler, struct scheduler_task *task, uint64_t now_ns);
/* A new turn: runs slices until half of a slice's time was used (so one and a half at most, and
 * sockets are heard after each that was a whole one) or `slices_max` were run. */
void scheduler_turn(struct scheduler *scheduler, uint32_t slices_max);

#endif
