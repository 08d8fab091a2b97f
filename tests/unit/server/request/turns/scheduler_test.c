/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fairness and the length of slices, with guests that are numbers and a clock that they turn.
 */
#include "server/request/turns/scheduler.h"
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
    uint64_t grants;
    uint64_t finished_ns;
};

static uint64_t now_ns;

static uint64_t fake_now(void *context)
{
    (void)context;
    return now_ns;
}

static const struct clock fake_clock = {.monotonic_ns = fake_now, .realtime_ns = fake_now};

static enum scheduler_verdict run_guest(struct scheduler_task *task, struct scheduler_grant *grant)
{
    struct guest *guest = CONTAINER_OF(task, struct guest, task);
    assert_false(list_is_linked(&task->link));
    assert_true(grant->fuel > 0);
    assert_int_equal(grant->began_ns, now_ns);
    uint64_t used = MIN((uint64_t)grant->fuel, guest->need - guest->used);
    uint64_t took_ns = used * guest->cost_ps / 1000;
    now_ns += took_ns;
    guest->used += used;
    guest->grants++;
    grant->ended_ns = now_ns;
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
    scheduler_tenant_init(&tenant);
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
    scheduler_tenant_init(&tenants[0]);
    scheduler_tenant_init(&tenants[1]);
    give(&endless, &tenants[0], UINT64_MAX / 4);
    give(&victim, &tenants[1], 5000);
    scheduler_start(&scheduler, &endless.task, now_ns);
    scheduler_start(&scheduler, &victim.task, now_ns);
    assert_int_equal(victim.grants, 0);
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
    scheduler_tenant_init(&bad);
    scheduler_tenant_init(&good);
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
        scheduler_tenant_init(&tenants[i]);
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
        scheduler_tenant_init(&tenants[i]);
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
        scheduler_tenant_init(&tenants[i]);
    scheduler_tenant_set_weight(&tenants[0], UINT32_MAX);
    assert_int_equal(tenants[0].weight, SCHEDULER_WEIGHT_MAX);
    give(&guests[0], &tenants[0], 1000); /* a turn of a hundred slices, hardly used */
    scheduler_add(&scheduler, &guests[0].task);
    scheduler_turn(&scheduler, 1);
    assert_int_equal(tenants[0].credit_ns, -1000); /* what it used in the lane */
    scheduler_tenant_set_weight(&tenants[0], 1);
    for (int i = 0; i < 2; i++) {
        give(&guests[i], &tenants[i], UINT64_MAX / 4);
        scheduler_add(&scheduler, &guests[i].task);
    }
    for (int i = 0; i < 100; i++)
        scheduler_turn(&scheduler, 1);
    assert_in_range(guests[0].used, guests[1].used * 9 / 10, guests[1].used * 11 / 10);
}

static void a_slice_is_as_long_for_a_dear_guest_as_for_a_cheap_one(void **state)
{
    (void)state;
    const uint64_t costs_ps[] = {100, 1000, 4000, 50, 10000};
    struct scheduler scheduler;
    struct scheduler_tenant tenant;
    struct guest guest;
    setup(&scheduler);
    scheduler_tenant_init(&tenant);
    give(&guest, &tenant, UINT64_MAX / 4);
    scheduler_add(&scheduler, &guest.task);
    for (size_t i = 0; i < COUNT_OF(costs_ps); i++) {
        guest.cost_ps = costs_ps[i];
        uint64_t began = now_ns;
        scheduler_turn(&scheduler, 1);
        assert_in_range(now_ns - began, SLICE_NS,
                        SLICE_NS + SCHEDULER_GRANT_FUEL * costs_ps[i] / 1000);
    }
}

/* A victim that asks every 2 ms for 10 us, beside endless loops of several tenants. */
static uint64_t longest_wait_of_a_rare_request(uint64_t need)
{
    static struct scheduler_tenant tenants[TASKS_MAX + 1];
    static struct guest loops[TASKS_MAX];
    struct scheduler scheduler;
    struct guest rare;
    uint64_t longest = 0;
    setup(&scheduler);
    for (int i = 0; i < TASKS_MAX; i++) {
        scheduler_tenant_init(&tenants[i]);
        give(&loops[i], &tenants[i], UINT64_MAX / 4);
        scheduler_add(&scheduler, &loops[i].task);
    }
    for (int i = 0; i < 3 * TASKS_MAX; i++) /* they were new once, too */
        scheduler_turn(&scheduler, 8);
    scheduler_tenant_init(&tenants[TASKS_MAX]);
    for (int i = 0; i < 100; i++) {
        for (uint64_t until = now_ns + 2000000; now_ns < until;)
            scheduler_turn(&scheduler, 8);
        give(&rare, &tenants[TASKS_MAX], need);
        uint64_t came = now_ns;
        scheduler_start(&scheduler, &rare.task, now_ns);
        while (rare.finished_ns == 0)
            scheduler_turn(&scheduler, 8);
        longest = MAX(longest, rare.finished_ns - came);
    }
    return longest;
}

static void a_tenant_below_its_share_does_not_wait_for_the_ring(void **state)
{
    (void)state;
    assert_true(longest_wait_of_a_rare_request(10000) <= 10000 + SLICE_NS);
    /* Every 2 ms one of 1 ms, beside 64 others: far more than its share. */
    assert_true(longest_wait_of_a_rare_request(1000000) > 20 * SLICE_NS);
}

static void coming_often_gives_nobody_more_than_a_share(void **state)
{
    (void)state;
    struct scheduler scheduler;
    struct scheduler_tenant tenants[4];
    struct guest guests[4];
    setup(&scheduler);
    for (int i = 0; i < 4; i++) {
        scheduler_tenant_init(&tenants[i]);
        give(&guests[i], &tenants[i], i == 0 ? 20000 : UINT64_MAX / 4);
        scheduler_add(&scheduler, &guests[i].task);
    }
    uint64_t began = now_ns;
    uint64_t used = 0;
    for (int i = 0; i < 20000; i++) {
        scheduler_turn(&scheduler, 1);
        if (guests[0].finished_ns != 0) { /* away for not even a turn */
            used += guests[0].used;
            give(&guests[0], &tenants[0], 20000);
            scheduler_start(&scheduler, &guests[0].task, now_ns);
        }
    }
    double share = (double)used / (double)(now_ns - began);
    assert_true(share > 0.1 && share <= 0.26);
    for (int i = 1; i < 4; i++)
        assert_true((double)guests[i].used / (double)(now_ns - began) >= 0.24);
}

static void many_that_come_seldom_leave_half_to_one_that_stays(void **state)
{
    (void)state;
    static struct scheduler_tenant tenants[TENANTS_MAX];
    static struct guest guests[TENANTS_MAX];
    struct scheduler scheduler;
    struct scheduler_tenant tenant;
    struct guest loop;
    setup(&scheduler);
    scheduler_tenant_init(&tenant);
    give(&loop, &tenant, UINT64_MAX / 4);
    scheduler_add(&scheduler, &loop.task);
    for (int i = 0; i < TENANTS_MAX; i++) {
        scheduler_tenant_init(&tenants[i]);
        give(&guests[i], &tenants[i], 50000);
        scheduler_add(&scheduler, &guests[i].task);
    }
    uint64_t began = now_ns;
    while (now_ns - began < 4 * 1000000)
        scheduler_turn(&scheduler, 8);
    assert_true(loop.used >= (now_ns - began) * 4 / 10);
}

static void first_slices_given_at_once_are_a_slice_in_one_turn(void **state)
{
    (void)state;
    struct scheduler scheduler;
    struct scheduler_tenant tenant;
    struct guest guests[TASKS_MAX];
    setup(&scheduler);
    scheduler_tenant_init(&tenant);
    uint64_t began = now_ns;
    for (int i = 0; i < TASKS_MAX; i++) {
        give(&guests[i], &tenant, 30000);
        scheduler_start(&scheduler, &guests[i].task, now_ns);
    }
    assert_in_range(now_ns - began, SLICE_NS, SLICE_NS + 30000);
    while (!scheduler_idle(&scheduler))
        scheduler_turn(&scheduler, 8);
    assert_int_equal(now_ns - began, TASKS_MAX * 30000);
}

static void a_turn_ends_when_a_slice_of_time_was_used(void **state)
{
    (void)state;
    struct scheduler scheduler;
    struct scheduler_tenant tenant;
    struct guest guests[TASKS_MAX];
    setup(&scheduler);
    scheduler_tenant_init(&tenant);
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
    scheduler_tenant_init(&tenants[0]);
    scheduler_tenant_init(&tenants[1]);
    for (int i = 0; i < 3; i++) {
        give(&guests[i], &tenants[i / 2], 1000);
        scheduler_add(&scheduler, &guests[i].task);
    }
    scheduler_remove(&scheduler, &guests[1].task);
    scheduler_remove(&scheduler, &guests[1].task);
    scheduler_remove(&scheduler, &guests[2].task);
    scheduler_turn(&scheduler, 8);
    assert_int_equal(guests[0].grants, 1);
    assert_int_equal(guests[1].grants, 0);
    assert_int_equal(guests[2].grants, 0);
    assert_true(scheduler_idle(&scheduler));
}

/* What a request does that finishes: gives its slot to another, and takes one away. */
static struct scheduler *meddled;
static struct guest meddler, started, removed;

static enum scheduler_verdict run_meddler(struct scheduler_task *task,
                                          struct scheduler_grant *grant)
{
    struct guest *guest = CONTAINER_OF(task, struct guest, task);
    if (guest == &meddler) {
        scheduler_remove(meddled, &removed.task);
        scheduler_start(meddled, &started.task, now_ns);
        assert_int_equal(started.grants, 0);
        return SCHEDULER_LEAVE;
    }
    return run_guest(task, grant);
}

static void a_running_task_may_add_and_remove_others(void **state)
{
    (void)state;
    struct scheduler scheduler;
    struct scheduler_tenant tenant;
    setup(&scheduler);
    scheduler.options.run = run_meddler;
    meddled = &scheduler;
    scheduler_tenant_init(&tenant);
    give(&meddler, &tenant, 1000);
    give(&started, &tenant, 1000);
    give(&removed, &tenant, 1000);
    scheduler_add(&scheduler, &meddler.task);
    scheduler_add(&scheduler, &removed.task);
    scheduler_turn(&scheduler, 8);
    assert_int_equal(started.grants, 1);
    assert_int_equal(removed.grants, 0);
    assert_true(scheduler_idle(&scheduler));
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_short_request_runs_at_once_when_nothing_else_does),
        cmocka_unit_test(a_second_request_waits_while_another_is_runnable),
        cmocka_unit_test(twenty_endless_loops_of_one_tenant_cost_another_its_fair_share),
        cmocka_unit_test(a_hundred_tenants_of_different_speed_get_equal_time),
        cmocka_unit_test(contended_time_is_shared_by_weight),
        cmocka_unit_test(a_tenant_that_was_away_has_saved_no_credit),
        cmocka_unit_test(a_slice_is_as_long_for_a_dear_guest_as_for_a_cheap_one),
        cmocka_unit_test(a_tenant_below_its_share_does_not_wait_for_the_ring),
        cmocka_unit_test(coming_often_gives_nobody_more_than_a_share),
        cmocka_unit_test(many_that_come_seldom_leave_half_to_one_that_stays),
        cmocka_unit_test(first_slices_given_at_once_are_a_slice_in_one_turn),
        cmocka_unit_test(a_turn_ends_when_a_slice_of_time_was_used),
        cmocka_unit_test(a_removed_task_never_runs_and_its_tenant_leaves_the_ring),
        cmocka_unit_test(a_running_task_may_add_and_remove_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
