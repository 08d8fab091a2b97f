/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ring, the queues, and the price of fuel.
 *
 * Invariant: between calls a tenant is in the ring exactly when its queue is not empty.
 * While a task runs it is in no queue, so that its callback may free it, and may add and
 * remove others; its tenant must outlive the slice.
 */
#include "server/scheduler.h"

#define PRICE_FIRST_PS  1000   /* 1 ns a unit, before anything was measured */
#define PRICE_MIN_PS    50     /* no interpreter is faster */
#define PRICE_MAX_PS    200000 /* a guest that mostly waits for page faults */
#define PRICE_FUEL_MIN  2000   /* slices with less fuel measure the clock, not the guest */
#define PRICE_DECAY     8
#define FUEL_MIN        1000
#define FUEL_MAX        100000000
#define DEBT_SLICES_MAX 10

void scheduler_init(struct scheduler *scheduler, const struct scheduler_options *options)
{
    *scheduler = (struct scheduler){.options = *options, .fuel_price_ps = PRICE_FIRST_PS};
}

void scheduler_tenant_init(const struct scheduler *scheduler, struct scheduler_tenant *tenant)
{
    *tenant = (struct scheduler_tenant){.weight = 1, .fuel_price_ps = scheduler->fuel_price_ps};
}

void scheduler_tenant_set_weight(struct scheduler_tenant *tenant, uint32_t weight)
{
    tenant->weight = MIN(MAX(weight, 1u), (uint32_t)SCHEDULER_WEIGHT_MAX);
}

static void scheduler_enter_ring(struct scheduler *scheduler, struct scheduler_tenant *tenant)
{
    struct scheduler_tenant *current = scheduler->current;
    if (current == NULL) {
        tenant->next = tenant->previous = tenant;
        scheduler->current = tenant;
        return;
    }
    /* Behind the one whose turn it is: everyone else comes first. */
    tenant->next = current;
    tenant->previous = current->previous;
    current->previous->next = tenant;
    current->previous = tenant;
}

static void scheduler_leave_ring(struct scheduler *scheduler, struct scheduler_tenant *tenant)
{
    if (scheduler->current == tenant)
        scheduler->current = tenant->next == tenant ? NULL : tenant->next;
    tenant->previous->next = tenant->next;
    tenant->next->previous = tenant->previous;
    tenant->next = tenant->previous = NULL;
    tenant->credit_ns = MIN(tenant->credit_ns, 0);
}

void scheduler_add(struct scheduler *scheduler, struct scheduler_task *task)
{
    struct scheduler_tenant *tenant = task->tenant;
    ASSERT(!task->queued);
    task->queued = true;
    task->next = NULL;
    task->previous = tenant->last;
    *(tenant->last != NULL ? &tenant->last->next : &tenant->first) = task;
    tenant->last = task;
    if (tenant->next == NULL)
        scheduler_enter_ring(scheduler, tenant);
}

static void scheduler_take(struct scheduler_task *task)
{
    struct scheduler_tenant *tenant = task->tenant;
    *(task->previous != NULL ? &task->previous->next : &tenant->first) = task->next;
    *(task->next != NULL ? &task->next->previous : &tenant->last) = task->previous;
    task->next = task->previous = NULL;
    task->queued = false;
}

void scheduler_remove(struct scheduler *scheduler, struct scheduler_task *task)
{
    if (!task->queued)
        return;
    scheduler_take(task);
    if (task->tenant->first == NULL)
        scheduler_leave_ring(scheduler, task->tenant);
}

/* Dearer than thought: believed at once, so that no second slice is too long. */
static uint64_t scheduler_learn(uint64_t price, uint64_t sample)
{
    return sample >= price ? sample : price - (price - sample) / PRICE_DECAY;
}

static void scheduler_learn_price(struct scheduler *scheduler,
                                  struct scheduler_tenant *tenant,
                                  uint64_t used_ns,
                                  uint64_t fuel_used)
{
    if (fuel_used < PRICE_FUEL_MIN)
        return;
    uint64_t sample = MIN(used_ns, (uint64_t)UINT32_MAX) * 1000 / fuel_used;
    sample = MIN(MAX(sample, (uint64_t)PRICE_MIN_PS), (uint64_t)PRICE_MAX_PS);
    tenant->fuel_price_ps = scheduler_learn(tenant->fuel_price_ps, sample);
    int64_t change = (int64_t)sample - (int64_t)scheduler->fuel_price_ps;
    scheduler->fuel_price_ps = (uint64_t)((int64_t)scheduler->fuel_price_ps + change / 16);
}

static int64_t scheduler_fuel(const struct scheduler *scheduler,
                              const struct scheduler_tenant *tenant)
{
    uint64_t fuel = scheduler->options.slice_ns * 1000 / tenant->fuel_price_ps;
    return (int64_t)MIN(MAX(fuel, (uint64_t)FUEL_MIN), (uint64_t)FUEL_MAX);
}

/* One slice of a task that is in no queue; back into it if it wants more. */
static uint64_t
scheduler_run_slice(struct scheduler *scheduler, struct scheduler_task *task, uint64_t now_ns)
{
    struct scheduler_tenant *tenant = task->tenant;
    struct scheduler_slice slice = {
        .fuel = scheduler_fuel(scheduler, tenant),
        .began_ns = now_ns,
        .ended_ns = now_ns,
    };
    scheduler->running = true;
    enum scheduler_verdict verdict = scheduler->options.run(task, &slice);
    scheduler->running = false;
    uint64_t used_ns = slice.ended_ns - now_ns;
    scheduler_learn_price(scheduler, tenant, used_ns, slice.fuel_used);
    scheduler->slices++;
    if (verdict == SCHEDULER_AGAIN)
        scheduler_add(scheduler, task);
    return used_ns;
}

/* Nobody else wanted the time, so it is free: only contended time is paid for. */
void scheduler_start(struct scheduler *scheduler, struct scheduler_task *task, uint64_t now_ns)
{
    if (scheduler_idle(scheduler) && !scheduler->running)
        (void)scheduler_run_slice(scheduler, task, now_ns);
    else
        scheduler_add(scheduler, task);
}

/* True if it is the current tenant's turn; otherwise the ring has gone on. */
static bool scheduler_credit(struct scheduler *scheduler, struct scheduler_tenant *tenant)
{
    if (tenant->credit_ns <= 0)
        tenant->credit_ns += (int64_t)(scheduler->options.slice_ns * tenant->weight);
    if (tenant->credit_ns > 0)
        return true;
    scheduler->current = tenant->next;
    return false;
}

static void
scheduler_charge(struct scheduler *scheduler, struct scheduler_tenant *tenant, uint64_t used_ns)
{
    int64_t debt_max = -(int64_t)(scheduler->options.slice_ns * DEBT_SLICES_MAX);
    int64_t credit = tenant->credit_ns - (int64_t)MIN(used_ns, (uint64_t)INT64_MAX / 2);
    tenant->credit_ns = MAX(credit, debt_max);
    if (tenant->next == NULL)
        return;
    if (tenant->first == NULL)
        scheduler_leave_ring(scheduler, tenant);
    else if (tenant->credit_ns <= 0 && scheduler->current == tenant)
        scheduler->current = tenant->next;
}

void scheduler_turn(struct scheduler *scheduler, uint32_t slices_max)
{
    uint64_t used_ns = 0;
    uint32_t slices = 0;
    while (scheduler->current != NULL && slices < slices_max &&
           used_ns < scheduler->options.slice_ns) {
        struct scheduler_tenant *tenant = scheduler->current;
        if (!scheduler_credit(scheduler, tenant))
            continue;
        struct scheduler_task *task = tenant->first;
        scheduler_take(task);
        uint64_t now_ns = clock_monotonic_ns(scheduler->options.clock);
        uint64_t slice_ns = scheduler_run_slice(scheduler, task, now_ns);
        scheduler_charge(scheduler, tenant, slice_ns);
        used_ns += slice_ns;
        slices++;
    }
}
