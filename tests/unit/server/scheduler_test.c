/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fairness and the price of fuel, with guests that are numbers and a clock that they turn.
 */
#include "server/scheduler.h"
#include "tests/support/unit.h"

#define SLICE_NS    100000
#define TASKS_MAX   64
#define TENANTS_MAX 100

/* A guest that needs `need` fuel, each unit of which takes `cost_ps` picoseconds. */
struct guest {
    struct scheduler_task task;
    uint64_t need;
    uint64_t cost_ps;
    uint64_t used;
    uint64_t slices;
    uint64_t finished_ns;
    uint64_t longest_ns;
};

static uint64_t now_ns;

static uint64_t fake_now(void *context)
{
    (void)context;
    return now_ns;
}

static const struct clock fake_clock = {.monotonic_ns = fake_now, .realtime_ns = fake_now};

static enum scheduler_verdict run_guest(struct scheduler_task *task, struct scheduler_slice *slice)
{
    struct guest *guest = CONTAINER_OF(task, struct guest, task);
    assert_false(task->queued);
    assert_true(slice->fuel > 0);
    assert_int_equal(slice->began_ns, now_ns);
    uint64_t used = MIN((uint64_t)slice->fuel, guest->need - guest->used);
    uint64_t took_ns = used * guest->cost_ps / 1000;
    now_ns += took_ns;
    guest->longest_ns = MAX(guest->longest_ns, took_ns);
    guest->used += used;
    guest->slices++;
    slice->fuel_used = used;
    slice->ended_ns = now_ns;
    if (guest->used < guest->need)
        return SCHEDULER_AGAIN;
    guest->finished_ns = now_ns;
    return SCHEDULER_LEAVE;
}

static void setup(struct scheduler *scheduler)
{
    now_ns = 1000000;
    struct scheduler_options options = {
        .clock = &fake_clock, .slice_ns = SLICE_NS, .run = run_guest};
    scheduler_init(scheduler, &options);
}

static void give(struct guest *guest, struct scheduler_tenant *tenant, uint64_t need)
{
    *guest = (struct guest){.need = need, .cost_ps = 1000};
    guest->task.tenant = tenant;
}

static void a_short_request_runs_at_once_when_nothing_else_does(void **state)
{
    (void)state;
    struct scheduler scheduler;
    struct scheduler_tenant tenant;
    struct guest guest;
    setup(&scheduler);
    scheduler_tenant_init(&scheduler, &tenant);
    give(&guest, &tenant, 5000);
    scheduler_start(&scheduler, &guest.task, now_ns);
    assert_int_equal(guest.used, 5000);
    assert_true(scheduler_idle(&scheduler));
}

static void a_second_request_waits_while_another_is_runnable(void **state)
{
    (void)state;
    struct scheduler scheduler;
    struct scheduler_tenant tenants[2];
    struct guest endless, victim;
    setup(&scheduler);
    scheduler_tenant_init(&scheduler, &tenants[0]);
    scheduler_tenant_init(&scheduler, &tenants[1]);
    give(&endless, &tenants[0], UINT64_MAX / 4);
    give(&victim, &tenants[1], 5000);
    scheduler_start(&scheduler, &endless.task, now_ns);
    scheduler_start(&scheduler, &victim.task, now_ns);
    assert_int_equal(victim.slices, 0);
    uint64_t began = now_ns;
    while (victim.finished_ns == 0)
        scheduler_turn(&scheduler, 8);
    assert_true(victim.finished_ns - began <= 3 * SLICE_NS);
}

static void twenty_endless_loops_of_one_tenant_cost_another_its_fair_share(void **state)
{
    (void)state;
    struct scheduler scheduler;
    struct scheduler_tenant bad, good;
    struct guest loops[20], work;
    setup(&scheduler);
    scheduler_tenant_init(&scheduler, &bad);
    scheduler_tenant_init(&scheduler, &good);
    for (int i = 0; i < 20; i++) {
        give(&loops[i], &bad, UINT64_MAX / 4);
        scheduler_add(&scheduler, &loops[i].task);
    }
    give(&work, &good, 50000000); /* 50 ms alone */
    scheduler_add(&scheduler, &work.task);
    uint64_t began = now_ns;
    while (work.finished_ns == 0)
        scheduler_turn(&scheduler, 8);
    uint64_t took = work.finished_ns - began;
    assert_in_range(took, 95000000, 105000000); /* half of the time each */
    for (int i = 0; i < 20; i++)
        assert_in_range(loops[i].used, 2000000, 3000000); /* and fair among themselves */
}

static void a_hundred_tenants_of_different_speed_get_equal_time(void **state)
{
    (void)state;
    static struct scheduler_tenant tenants[TENANTS_MAX];
    static struct guest guests[TENANTS_MAX];
    struct scheduler scheduler;
    setup(&scheduler);
    for (int i = 0; i < TENANTS_MAX; i++) {
        scheduler_tenant_init(&scheduler, &tenants[i]);
        give(&guests[i], &tenants[i], UINT64_MAX / 4);
        guests[i].cost_ps = 300 + (uint64_t)i * 40;
        scheduler_add(&scheduler, &guests[i].task);
    }
    for (int i = 0; i < 20000; i++)
        scheduler_turn(&scheduler, 8);
    double sum = 0, squares = 0;
    for (int i = 0; i < TENANTS_MAX; i++) {
        double time = (double)guests[i].used * (double)guests[i].cost_ps;
        sum += time;
        squares += time * time;
    }
    double jain = sum * sum / (TENANTS_MAX * squares);
    assert_true(jain >= 0.95);
}

static void contended_time_is_shared_by_weight(void **state)
{
    (void)state;
    const uint32_t weights[] = {1, 2, 4, 0};
    const double parts[] = {1, 2, 4, 1}; /* of eight; 0 means the default */
    struct scheduler scheduler;
    struct scheduler_tenant tenants[4];
    struct guest guests[4];
    setup(&scheduler);
    for (int i = 0; i < 4; i++) {
        scheduler_tenant_init(&scheduler, &tenants[i]);
        scheduler_tenant_set_weight(&tenants[i], weights[i]);
        give(&guests[i], &tenants[i], UINT64_MAX / 4);
        guests[i].cost_ps = 500 + (uint64_t)i * 700;
        scheduler_add(&scheduler, &guests[i].task);
    }
    uint64_t began = now_ns;
    for (int i = 0; i < 4000; i++)
        scheduler_turn(&scheduler, 8);
    for (int i = 0; i < 4; i++) {
        double share =
            (double)(guests[i].used * guests[i].cost_ps) / 1000 / (double)(now_ns - began);
        assert_true(share > parts[i] / 8 * 0.9 && share < parts[i] / 8 * 1.1);
    }
}

static void a_tenant_that_was_away_has_saved_no_credit(void **state)
{
    (void)state;
    struct scheduler scheduler;
    struct scheduler_tenant tenants[2];
    struct guest guests[2];
    setup(&scheduler);
    for (int i = 0; i < 2; i++)
        scheduler_tenant_init(&scheduler, &tenants[i]);
    scheduler_tenant_set_weight(&tenants[0], UINT32_MAX);
    assert_int_equal(tenants[0].weight, SCHEDULER_WEIGHT_MAX);
    give(&guests[0], &tenants[0], 1000); /* a turn of a hundred slices, hardly used */
    scheduler_add(&scheduler, &guests[0].task);
    scheduler_turn(&scheduler, 1);
    assert_int_equal(tenants[0].credit_ns, 0);
    scheduler_tenant_set_weight(&tenants[0], 1);
    for (int i = 0; i < 2; i++) {
        give(&guests[i], &tenants[i], UINT64_MAX / 4);
        scheduler_add(&scheduler, &guests[i].task);
    }
    for (int i = 0; i < 10; i++)
        scheduler_turn(&scheduler, 1);
    assert_int_equal(guests[0].slices, guests[1].slices);
}

static void a_slow_guest_overruns_its_slice_once_and_then_fits(void **state)
{
    (void)state;
    struct scheduler scheduler;
    struct scheduler_tenant tenant;
    struct guest guest;
    setup(&scheduler);
    scheduler_tenant_init(&scheduler, &tenant);
    give(&guest, &tenant, UINT64_MAX / 4);
    guest.cost_ps = 4000; /* four times the first guess */
    scheduler_add(&scheduler, &guest.task);
    scheduler_turn(&scheduler, 1);
    assert_int_equal(guest.longest_ns, 4 * SLICE_NS);
    guest.longest_ns = 0;
    for (int i = 0; i < 100; i++)
        scheduler_turn(&scheduler, 1);
    assert_true(guest.longest_ns <= SLICE_NS + 1000);
}

static void a_turn_ends_when_a_slice_of_time_was_used(void **state)
{
    (void)state;
    struct scheduler scheduler;
    struct scheduler_tenant tenant;
    struct guest guests[TASKS_MAX];
    setup(&scheduler);
    scheduler_tenant_init(&scheduler, &tenant);
    for (int i = 0; i < TASKS_MAX; i++) {
        give(&guests[i], &tenant, 30000);
        scheduler_add(&scheduler, &guests[i].task);
    }
    uint64_t began = now_ns;
    scheduler_turn(&scheduler, TASKS_MAX);
    assert_true(now_ns - began < 2 * SLICE_NS);
    assert_false(scheduler_idle(&scheduler));
    began = now_ns;
    scheduler_turn(&scheduler, 1);
    assert_true(now_ns - began <= 30000);
}

static void a_removed_task_never_runs_and_its_tenant_leaves_the_ring(void **state)
{
    (void)state;
    struct scheduler scheduler;
    struct scheduler_tenant tenants[2];
    struct guest guests[3];
    setup(&scheduler);
    scheduler_tenant_init(&scheduler, &tenants[0]);
    scheduler_tenant_init(&scheduler, &tenants[1]);
    for (int i = 0; i < 3; i++) {
        give(&guests[i], &tenants[i / 2], 1000);
        scheduler_add(&scheduler, &guests[i].task);
    }
    scheduler_remove(&scheduler, &guests[1].task);
    scheduler_remove(&scheduler, &guests[1].task);
    scheduler_remove(&scheduler, &guests[2].task);
    scheduler_turn(&scheduler, 8);
    assert_int_equal(guests[0].slices, 1);
    assert_int_equal(guests[1].slices, 0);
    assert_int_equal(guests[2].slices, 0);
    assert_true(scheduler_idle(&scheduler));
}

/* What a request does that finishes: gives its slot to another, and takes one away. */
static struct scheduler *meddled;
static struct guest meddler, started, removed;

static enum scheduler_verdict run_meddler(struct scheduler_task *task,
                                          struct scheduler_slice *slice)
{
    struct guest *guest = CONTAINER_OF(task, struct guest, task);
    if (guest == &meddler) {
        scheduler_remove(meddled, &removed.task);
        scheduler_start(meddled, &started.task, now_ns);
        assert_int_equal(started.slices, 0);
        return SCHEDULER_LEAVE;
    }
    return run_guest(task, slice);
}

static void a_running_task_may_add_and_remove_others(void **state)
{
    (void)state;
    struct scheduler scheduler;
    struct scheduler_tenant tenant;
    setup(&scheduler);
    scheduler.options.run = run_meddler;
    meddled = &scheduler;
    scheduler_tenant_init(&scheduler, &tenant);
    give(&meddler, &tenant, 1000);
    give(&started, &tenant, 1000);
    give(&removed, &tenant, 1000);
    scheduler_add(&scheduler, &meddler.task);
    scheduler_add(&scheduler, &removed.task);
    scheduler_turn(&scheduler, 8);
    assert_int_equal(started.slices, 1);
    assert_int_equal(removed.slices, 0);
    assert_true(scheduler_idle(&scheduler));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_short_request_runs_at_once_when_nothing_else_does),
        cmocka_unit_test(a_second_request_waits_while_another_is_runnable),
        cmocka_unit_test(twenty_endless_loops_of_one_tenant_cost_another_its_fair_share),
        cmocka_unit_test(a_hundred_tenants_of_different_speed_get_equal_time),
        cmocka_unit_test(contended_time_is_shared_by_weight),
        cmocka_unit_test(a_tenant_that_was_away_has_saved_no_credit),
        cmocka_unit_test(a_slow_guest_overruns_its_slice_once_and_then_fits),
        cmocka_unit_test(a_turn_ends_when_a_slice_of_time_was_used),
        cmocka_unit_test(a_removed_task_never_runs_and_its_tenant_leaves_the_ring),
        cmocka_unit_test(a_running_task_may_add_and_remove_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
