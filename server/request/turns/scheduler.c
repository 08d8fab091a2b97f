/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ring, the lane, the queues.
 *
 * Invariant: between calls a tenant is in the ring or the lane exactly when its queue is not
 * empty. While a task runs it is in no queue and its tenant in the ring, so that its callback
 * may free it, and may add and remove others; its tenant must outlive the slice.
 */
#include "server/request/turns/scheduler.h"

#define FUEL_MAX        100000000 /* of one slice, whatever the clock says */
#define DEBT_SLICES_MAX 10

void scheduler_init(struct scheduler *scheduler, const struct scheduler_options *options)
{
    *scheduler = (struct scheduler){.options = *options};
}

void scheduler_tenant_init(struct scheduler_tenant *tenant)
{
    *tenant = (struct scheduler_tenant){.weight = 1};
}

void scheduler_tenant_set_weight(struct scheduler_tenant *tenant, uint32_t weight)
{
    tenant->weight = MIN(MAX(weight, 1u), (uint32_t)SCHEDULER_WEIGHT_MAX);
}

static void scheduler_enter_ring(struct scheduler *scheduler, struct scheduler_tenant *tenant)
{
    struct scheduler_tenant *current = scheduler->current;
    tenant->place = SCHEDULER_RING;
    tenant->ring_weight = tenant->weight;
    scheduler->ring_weight += tenant->ring_weight;
    /* Behind the one whose turn it is: everyone else comes first. */
    list_insert(&scheduler->ring, current != NULL ? &current->link : NULL, &tenant->link);
    if (current == NULL)
        scheduler->current = tenant;
}

/* Itself if it is alone. */
static struct scheduler_tenant *scheduler_ring_next(const struct scheduler *scheduler,
                                                    const struct scheduler_tenant *tenant)
{
    struct scheduler_tenant *next =
        LIST_NEXT(&scheduler->ring, tenant, struct scheduler_tenant, link);
    return next != NULL ? next : LIST_FIRST(&scheduler->ring, struct scheduler_tenant, link);
}

static void scheduler_enter_lane(struct scheduler *scheduler, struct scheduler_tenant *tenant)
{
    tenant->place = SCHEDULER_LANE;
    list_append(&scheduler->lane, &tenant->link);
}

static void scheduler_unlink(struct scheduler *scheduler, struct scheduler_tenant *tenant)
{
    if (tenant->place == SCHEDULER_RING) {
        struct scheduler_tenant *next = scheduler_ring_next(scheduler, tenant);
        if (scheduler->current == tenant)
            scheduler->current = next == tenant ? NULL : next;
        scheduler->ring_weight -= tenant->ring_weight;
    }
    list_remove(&tenant->link);
    tenant->place = SCHEDULER_OUT;
}

/* Its queue is empty. Credit is not saved, debt is kept. */
static void scheduler_leave(struct scheduler *scheduler, struct scheduler_tenant *tenant)
{
    scheduler_unlink(scheduler, tenant);
    tenant->credit_ns = MIN(tenant->credit_ns, 0);
    tenant->left_ns = scheduler->now_ns;
}

/* Its queue was empty. What it would have got meanwhile pays its debt. */
static void scheduler_enter(struct scheduler *scheduler, struct scheduler_tenant *tenant)
{
    uint64_t away_ns = MIN(scheduler->now_ns - tenant->left_ns, (uint64_t)UINT32_MAX);
    uint64_t share_ns = away_ns * tenant->weight / (scheduler->ring_weight + tenant->weight);
    tenant->credit_ns = MIN(tenant->credit_ns + (int64_t)share_ns, 0);
    if (tenant->credit_ns == 0 && scheduler->lane_lead_ns < scheduler->options.slice_ns)
        scheduler_enter_lane(scheduler, tenant);
    else
        scheduler_enter_ring(scheduler, tenant);
}

void scheduler_add(struct scheduler *scheduler, struct scheduler_task *task)
{
    struct scheduler_tenant *tenant = task->tenant;
    list_append(&tenant->tasks, &task->link);
    if (tenant->place == SCHEDULER_OUT)
        scheduler_enter(scheduler, tenant);
}

void scheduler_remove(struct scheduler *scheduler, struct scheduler_task *task)
{
    if (!list_is_linked(&task->link))
        return;
    list_remove(&task->link);
    if (list_is_empty(&task->tenant->tasks))
        scheduler_leave(scheduler, task->tenant);
}

/* One slice of a task that is in no queue; back into it if it wants more. Nanoseconds used. */
static uint64_t
scheduler_run_slice(struct scheduler *scheduler, struct scheduler_task *task, uint64_t now_ns)
{
    const struct scheduler_options *options = &scheduler->options;
    struct scheduler_grant grant = {.fuel = SCHEDULER_GRANT_FUEL, .ended_ns = now_ns};
    enum scheduler_verdict verdict;
    int64_t fuel = 0;
    scheduler->running = true;
    do {
        grant.began_ns = grant.ended_ns;
        verdict = options->run(task, &grant);
        scheduler->now_ns = grant.ended_ns;
        fuel += grant.fuel;
    } while (verdict == SCHEDULER_AGAIN && grant.ended_ns - now_ns < options->slice_ns &&
             fuel < FUEL_MAX);
    scheduler->running = false;
    scheduler->slices++;
    if (verdict == SCHEDULER_AGAIN)
        scheduler_add(scheduler, task);
    return grant.ended_ns - now_ns;
}

/* Nobody else wanted the time, so it is free: only contended time is paid for. */
void scheduler_start(struct scheduler *scheduler, struct scheduler_task *task, uint64_t now_ns)
{
    scheduler->now_ns = now_ns;
    if (scheduler_idle(scheduler) && !scheduler->running &&
        scheduler->started_ns < scheduler->options.slice_ns)
        scheduler->started_ns += scheduler_run_slice(scheduler, task, now_ns);
    else
        scheduler_add(scheduler, task);
}

/* The tenant whose slice it is, now in the ring. */
static struct scheduler_tenant *scheduler_next(struct scheduler *scheduler)
{
    struct scheduler_tenant *tenant = LIST_FIRST(&scheduler->lane, struct scheduler_tenant, link);
    if (tenant != NULL &&
        (scheduler->lane_lead_ns < scheduler->options.slice_ns || scheduler->current == NULL)) {
        scheduler_unlink(scheduler, tenant);
        scheduler_enter_ring(scheduler, tenant);
        return tenant;
    }
    for (;;) {
        tenant = scheduler->current;
        if (tenant->credit_ns <= 0)
            tenant->credit_ns += (int64_t)(scheduler->options.slice_ns * tenant->weight);
        if (tenant->credit_ns > 0)
            return tenant;
        scheduler->current = scheduler_ring_next(scheduler, tenant);
    }
}

static void
scheduler_charge(struct scheduler *scheduler, struct scheduler_tenant *tenant, uint64_t used_ns)
{
    int64_t debt_max = -(int64_t)(scheduler->options.slice_ns * DEBT_SLICES_MAX);
    int64_t credit = tenant->credit_ns - (int64_t)MIN(used_ns, (uint64_t)INT64_MAX / 2);
    tenant->credit_ns = MAX(credit, debt_max);
    if (tenant->place == SCHEDULER_OUT)
        return;
    if (list_is_empty(&tenant->tasks))
        scheduler_leave(scheduler, tenant);
    else if (tenant->credit_ns <= 0 && scheduler->current == tenant)
        scheduler->current = scheduler_ring_next(scheduler, tenant);
}

void scheduler_turn(struct scheduler *scheduler, uint32_t slices_max)
{
    uint64_t used_ns = 0;
    scheduler->started_ns = 0;
    for (uint32_t slices = 0; !scheduler_idle(scheduler) && slices < slices_max &&
                              used_ns < scheduler->options.slice_ns / 2;
         slices++) {
        struct scheduler_tenant *tenant = scheduler_next(scheduler);
        bool lane = tenant->credit_ns <= 0; /* nobody has a turn of the ring without credit */
        struct scheduler_task *task = LIST_FIRST(&tenant->tasks, struct scheduler_task, link);
        list_remove(&task->link);
        uint64_t now_ns = clock_monotonic_ns(scheduler->options.clock);
        uint64_t slice_ns = scheduler_run_slice(scheduler, task, now_ns);
        uint64_t *lead = &scheduler->lane_lead_ns;
        *lead = lane ? *lead + slice_ns : *lead - MIN(*lead, slice_ns);
        scheduler_charge(scheduler, tenant, slice_ns);
        used_ns += slice_ns;
    }
}
