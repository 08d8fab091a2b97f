/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: who runs next, and for how much fuel.
 *
 * Deficit round robin over tenants, in nanoseconds that were really used:
 *
 *   ring:  tenant A --> tenant B --> tenant C --> (A)
 *            | tasks      | tasks
 *          t1 t2 t3      t4
 *
 * A tenant's turn adds `weight` slices to its credit; its tasks run, one slice each, and pay
 * what it cost; when the credit is used up, the ring goes on. So a tenant with twenty endless
 * loops and one with a single short request get the same share, and one of weight 4 gets four
 * times that of one of weight 1. Overdrafts (a slice that cost more than was granted) are
 * carried, up to a named debt.
 *
 * A slice is granted as fuel. Each tenant's price of fuel (picoseconds a unit) is learned
 * from its own slices: up at once when a slice was dearer, down slowly.
 *
 * Knows no engine: a task is a callback that runs for some fuel.
 */
#ifndef SKERRY_SERVER_SCHEDULER_H
#define SKERRY_SERVER_SCHEDULER_H

#include <stdbool.h>

#include "engine/base/clock.h"
#include "engine/base/macros.h"

/* A heavy tenant's turn delays the others by so many slices. */
#define SCHEDULER_WEIGHT_MAX 100

struct scheduler_task {
    struct scheduler_task *next; /* in its tenant's queue */
    struct scheduler_task *previous;
    struct scheduler_tenant *tenant;
    bool queued;
};

struct scheduler_tenant {
    struct scheduler_tenant *next; /* in the ring; NULL if it has no tasks */
    struct scheduler_tenant *previous;
    struct scheduler_task *first;
    struct scheduler_task *last;
    int64_t credit_ns;
    uint32_t weight; /* its share of contended time; 1..SCHEDULER_WEIGHT_MAX */
    uint64_t fuel_price_ps;
};

enum scheduler_verdict {
    SCHEDULER_AGAIN, /* wants another slice */
    SCHEDULER_LEAVE, /* finished or parked; the task may be gone */
};

struct scheduler_slice {
    int64_t fuel;       /* granted */
    uint64_t began_ns;  /* now, when it is given */
    uint64_t ended_ns;  /* to be filled: when the guest stopped ... */
    uint64_t fuel_used; /* ... and how much it used */
};

struct scheduler_options {
    const struct clock *clock;
    uint64_t slice_ns;
    /* Runs a task for slice->fuel and fills the rest. May free the task, not its tenant. */
    enum scheduler_verdict (*run)(struct scheduler_task *task, struct scheduler_slice *slice);
};

struct scheduler {
    struct scheduler_options options;
    struct scheduler_tenant *current; /* whose turn it is; NULL if nothing is runnable */
    uint64_t fuel_price_ps;           /* of all tenants: where a new one starts */
    uint64_t slices;
    bool running; /* inside a task's slice: a new task waits for its turn */
};

void scheduler_init(struct scheduler *scheduler, const struct scheduler_options *options);
void scheduler_tenant_init(const struct scheduler *scheduler, struct scheduler_tenant *tenant);
/* 0 is the default, 1; from the tenant's next turn on. */
void scheduler_tenant_set_weight(struct scheduler_tenant *tenant, uint32_t weight);
/* At the end of its tenant's queue. */
void scheduler_add(struct scheduler *scheduler, struct scheduler_task *task);
/* Nothing happens if it is not queued. */
void scheduler_remove(struct scheduler *scheduler, struct scheduler_task *task);
static inline bool scheduler_idle(const struct scheduler *scheduler)
{
    return scheduler->current == NULL;
}
/* A new task's first slice, at once: only if nothing else is runnable, otherwise queued. */
void scheduler_start(struct scheduler *scheduler, struct scheduler_task *task, uint64_t now_ns);
/* Runs slices until one slice's time was used or `slices_max` were run. */
void scheduler_turn(struct scheduler *scheduler, uint32_t slices_max);

#endif
