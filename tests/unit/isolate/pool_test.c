/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pool: checkout and return, and what is evicted for whom. Isolates and artifacts are fakes
 * that count, the clock is turned by hand.
 */
#include <stdio.h>

#include "tests/support/unit.h"
#include "tests/unit/isolate/pool_fakes.h"

static void an_isolate_that_came_back_is_warm_and_was_reset(void **state)
{
    (void)state;
    struct isolate_pool *pool = fake_make_pool(4, 16);
    struct isolate *first = fake_take(pool, "t/f", "v1", ISOLATE_START_FIRST_REQUEST);
    fake_return(first, ISOLATE_FINISHED);
    assert_int_equal(fake.resets, 1);
    struct isolate *again = fake_take(pool, "t/f", "v1", ISOLATE_START_WARM);
    assert_ptr_equal(first, again);
    fake_return(again, ISOLATE_FINISHED);
    assert_int_equal(fake.opens, 1);
    fake_free_pool(pool);
}

static void an_isolate_that_faulted_is_freed_and_never_reset(void **state)
{
    (void)state;
    struct isolate_pool *pool = fake_make_pool(4, 16);
    fake_return(fake_take(pool, "t/f", "v1", ISOLATE_START_FIRST_REQUEST), ISOLATE_DISCARDED);
    assert_int_equal(fake.isolates_alive, 0);
    assert_int_equal(fake.resets, 0);
    fake_return(fake_take(pool, "t/f", "v1", ISOLATE_START_DISCARDED), ISOLATE_FINISHED);
    assert_int_equal(isolate_pool_stats(pool).discarded, 1);
    fake_free_pool(pool);
}

static void an_isolate_that_cannot_be_reset_is_freed(void **state)
{
    (void)state;
    struct isolate_pool *pool = fake_make_pool(4, 16);
    struct isolate *isolate = fake_take(pool, "t/f", "v1", ISOLATE_START_FIRST_REQUEST);
    fake.reset_fails = true;
    fake_return(isolate, ISOLATE_FINISHED);
    assert_int_equal(fake.isolates_alive, 0);
    assert_int_equal(isolate_pool_stats(pool).warm, 0);
    fake_free_pool(pool);
}

static void a_second_request_at_once_finds_the_pool_empty(void **state)
{
    (void)state;
    struct isolate_pool *pool = fake_make_pool(4, 16);
    struct isolate *a = fake_take(pool, "t/f", "v1", ISOLATE_START_FIRST_REQUEST);
    struct isolate *b = fake_take(pool, "t/f", "v1", ISOLATE_START_POOL_EMPTY);
    assert_int_equal(isolate_pool_stats(pool).in_use, 2);
    fake_return(a, ISOLATE_FINISHED);
    fake_return(b, ISOLATE_FINISHED);
    assert_int_equal(isolate_pool_stats(pool).warm, 2);
    fake_free_pool(pool);
}

static void a_new_version_drops_the_old_and_what_is_in_use_follows(void **state)
{
    (void)state;
    struct isolate_pool *pool = fake_make_pool(4, 16);
    struct isolate *used = fake_take(pool, "t/f", "v1", ISOLATE_START_FIRST_REQUEST);
    struct isolate *warm = fake_take(pool, "t/f", "v1", ISOLATE_START_POOL_EMPTY);
    fake_return(warm, ISOLATE_FINISHED);
    struct isolate *fresh = fake_take(pool, "t/f", "v2", ISOLATE_START_NEW_VERSION);
    assert_int_equal(fake.isolates_alive, 2);
    assert_int_equal(fake.artifacts_alive, 2);
    fake_return(used, ISOLATE_FINISHED); /* of v1: must not become warm */
    assert_int_equal(fake.isolates_alive, 1);
    assert_int_equal(fake.artifacts_alive, 1);
    fake_return(fresh, ISOLATE_FINISHED);
    fake_return(fake_take(pool, "t/f", "v2", ISOLATE_START_WARM), ISOLATE_FINISHED);
    fake_free_pool(pool);
}

static void an_artifact_whose_file_is_gone_is_dropped_at_the_next_generation(void **state)
{
    (void)state;
    struct isolate_pool *pool = fake_make_pool(8, 100);
    fake_return(fake_take(pool, "t/f", "v1", ISOLATE_START_FIRST_REQUEST), ISOLATE_FINISHED);
    fake.artifacts_are_gone = true;
    fake_return(fake_take(pool, "t/f", "v1", ISOLATE_START_WARM), ISOLATE_FINISHED);
    fake.generation++;
    fake_return(fake_take(pool, "t/f", "v1", ISOLATE_START_NEW_VERSION), ISOLATE_FINISHED);
    assert_int_equal(fake.opens, 2);
    assert_int_equal(fake.artifacts_alive, 1);
    fake.artifacts_are_gone = false;
    fake.generation++;
    fake_return(fake_take(pool, "t/f", "v1", ISOLATE_START_WARM), ISOLATE_FINISHED);
    fake_free_pool(pool);
}

static void a_function_older_than_the_pool_starts_after_a_restart(void **state)
{
    (void)state;
    struct isolate_pool *pool;
    static const struct config_limits limits = {.memory = FAKE_MEMORY_BYTES};
    struct isolate_pool_options options = {.per_function_max = 1,
                                           .per_tenant_max = 1,
                                           .total_max = 1,
                                           .idle_max_ns = SECOND,
                                           .began_ns = 5 * SECOND,
                                           .limits = &limits,
                                           .clock = &fake_clock};
    assert_int_equal(isolate_pool_create(&options, &pool), STATUS_OK);
    fake.function_created_ns = 5 * SECOND - 1;
    fake_return(fake_take(pool, "t/old", "v1", ISOLATE_START_RESTART), ISOLATE_FINISHED);
    fake_return(fake_take(pool, "t/old", "v2", ISOLATE_START_NEW_VERSION), ISOLATE_FINISHED);
    fake.function_created_ns = 5 * SECOND;
    fake_return(fake_take(pool, "t/new", "v1", ISOLATE_START_FIRST_REQUEST), ISOLATE_FINISHED);
    fake.function_created_ns = 0;
    isolate_pool_free(pool);
}

static void the_warm_list_of_a_function_is_bounded(void **state)
{
    (void)state;
    struct isolate_pool *pool = fake_make_pool(2, 16);
    struct isolate *taken[5];
    for (int i = 0; i < 5; i++)
        taken[i] = fake_take(pool, "t/f", "v1",
                             i == 0 ? ISOLATE_START_FIRST_REQUEST : ISOLATE_START_POOL_EMPTY);
    for (int i = 0; i < 5; i++)
        fake_return(taken[i], ISOLATE_FINISHED);
    assert_int_equal(isolate_pool_stats(pool).warm, 2);
    assert_int_equal(fake.isolates_alive, 2);
    fake_free_pool(pool);
}

static void the_least_recently_used_function_is_evicted_when_the_pool_is_full(void **state)
{
    (void)state;
    struct isolate_pool *pool = fake_make_pool(4, 3);
    char name[16];
    for (int i = 0; i < 5; i++) {
        (void)snprintf(name, sizeof(name), "t/f%d", i);
        fake_return(fake_take(pool, name, "v1", ISOLATE_START_FIRST_REQUEST), ISOLATE_FINISHED);
    }
    assert_int_equal(fake.isolates_alive, 3);
    assert_int_equal(fake.artifacts_alive, 3); /* the evicted ones are unmapped as well */
    assert_int_equal(isolate_pool_stats(pool).evicted, 2);
    fake_return(fake_take(pool, "t/f4", "v1", ISOLATE_START_WARM), ISOLATE_FINISHED);
    fake_return(fake_take(pool, "t/f0", "v1", ISOLATE_START_EVICTED), ISOLATE_FINISHED);
    fake_return(fake_take(pool, "t/f2", "v1", ISOLATE_START_EVICTED), ISOLATE_FINISHED);
    fake_return(fake_take(pool, "t/f4", "v1", ISOLATE_START_WARM), ISOLATE_FINISHED);
    fake_free_pool(pool);
}

static void functions_in_use_are_passed_over_by_eviction(void **state)
{
    (void)state;
    struct isolate_pool *pool = fake_make_pool(4, 1);
    struct isolate *used = fake_take(pool, "t/a", "v1", ISOLATE_START_FIRST_REQUEST);
    fake_return(fake_take(pool, "t/b", "v1", ISOLATE_START_FIRST_REQUEST), ISOLATE_FINISHED);
    fake_return(fake_take(pool, "t/c", "v1", ISOLATE_START_FIRST_REQUEST), ISOLATE_FINISHED);
    assert_int_equal(fake.isolates_alive, 2);
    fake_return(used, ISOLATE_FINISHED);
    assert_int_equal(fake.isolates_alive, 1);
    fake_free_pool(pool);
}

static void surplus_of_a_busy_function_is_evicted_without_a_sweep(void **state)
{
    (void)state;
    struct isolate_pool *pool = fake_make_pool(4, 16);
    struct isolate *taken[3];
    for (int i = 0; i < 3; i++)
        taken[i] = fake_take(pool, "t/f", "v1",
                             i == 0 ? ISOLATE_START_FIRST_REQUEST : ISOLATE_START_POOL_EMPTY);
    for (int i = 0; i < 3; i++)
        fake_return(taken[i], ISOLATE_FINISHED);
    fake.now_ns += 61 * SECOND;
    for (int i = 0; i < 5; i++)
        fake_return(fake_take(pool, "t/f", "v1", ISOLATE_START_WARM), ISOLATE_FINISHED);
    assert_int_equal(isolate_pool_stats(pool).warm, 1);
    fake_free_pool(pool);
}

static void a_missing_artifact_changes_nothing(void **state)
{
    (void)state;
    struct isolate_pool *pool = fake_make_pool(4, 16);
    struct isolate_key key = {bytes_of_text("t/f"), bytes_of_text("v1")};
    struct isolate_start start;
    struct isolate *isolate;
    struct report report = REPORT_INIT;
    bool missing = true;
    assert_int_equal(isolate_pool_checkout(pool, &key,
                                           (struct isolate_opener){fake_open_artifact, &missing},
                                           &report, &start, &isolate),
                     STATUS_NOT_FOUND);
    assert_string_equal(report.text, "not there");
    fake_return(fake_take(pool, "t/f", "v1", ISOLATE_START_FIRST_REQUEST), ISOLATE_FINISHED);
    fake_free_pool(pool);
}

static void an_isolate_that_cannot_be_made_leaves_nothing_mapped(void **state)
{
    (void)state;
    struct isolate_pool *pool = fake_make_pool(4, 16);
    struct isolate_key key = {bytes_of_text("t/f"), bytes_of_text("v1")};
    struct isolate_start start;
    struct isolate *isolate;
    fake.create_fails = true;
    assert_int_equal(isolate_pool_checkout(pool, &key,
                                           (struct isolate_opener){fake_open_artifact, NULL}, NULL,
                                           &start, &isolate),
                     STATUS_NO_MEMORY);
    assert_int_equal(fake.artifacts_alive, 0);
    assert_int_equal(isolate_pool_stats(pool).in_use, 0);
    fake_free_pool(pool);
}

static void a_functions_memory_is_bounded_by_its_own_limit_and_by_all(void **state)
{
    (void)state;
    struct isolate_pool *pool = fake_make_pool(4, 16);
    static const struct {
        uint64_t own;
        uint64_t memory;
    } rows[] = {{0, FAKE_MEMORY_BYTES}, {65536, 65536}, {4 * FAKE_MEMORY_BYTES, FAKE_MEMORY_BYTES}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const char version[] = {'v', (char)('0' + i), '\0'};
        struct isolate_key key = fake_key("t/f", version);
        struct isolate_start start;
        struct isolate *isolate;
        key.memory_max_bytes = rows[i].own;
        assert_int_equal(isolate_pool_checkout(pool, &key,
                                               (struct isolate_opener){fake_open_artifact, NULL},
                                               NULL, &start, &isolate),
                         STATUS_OK);
        assert_int_equal(fake.memory_bytes, rows[i].memory);
        isolate_pool_return(isolate, ISOLATE_FINISHED, fake.now_ns);
    }
    fake_free_pool(pool);
}

static void a_forgotten_function_goes_when_its_last_isolate_comes_back(void **state)
{
    (void)state;
    struct isolate_pool *pool = fake_make_pool(4, 16);
    struct isolate *used = fake_take(pool, "t/f", "v1", ISOLATE_START_FIRST_REQUEST);
    isolate_pool_forget(pool, bytes_of_text("t/f"));
    assert_int_equal(isolate_pool_stats(pool).functions, 0);
    fake_return(used, ISOLATE_FINISHED);
    assert_int_equal(fake.isolates_alive, 0);
    isolate_pool_forget(pool, bytes_of_text("t/none"));
    fake_return(fake_take(pool, "t/f", "v1", ISOLATE_START_FIRST_REQUEST), ISOLATE_FINISHED);
    fake_free_pool(pool);
}

static struct isolate *
take_reusing(struct isolate_pool *pool, const char *version, struct isolate_reuse reuse)
{
    struct isolate_key key = {
        .function = bytes_of_text("t/f"), .version = bytes_of_text(version), .reuse = reuse};
    struct isolate_start start;
    struct isolate *isolate;
    assert_int_equal(isolate_pool_checkout(pool, &key,
                                           (struct isolate_opener){fake_open_artifact, NULL}, NULL,
                                           &start, &isolate),
                     STATUS_OK);
    return isolate;
}

static void memory_is_kept_for_as_many_requests_as_the_function_chose(void **state)
{
    (void)state;
    struct isolate_pool *pool = fake_make_pool(4, 16);
    const struct isolate_reuse reuse = {.requests_max = 3};
    for (int i = 1; i <= 9; i++) {
        fake_return(take_reusing(pool, "v1", reuse), ISOLATE_GOES_ON);
        assert_int_equal(fake.resets, i / 3);
        assert_int_equal(fake.host_resets, i - i / 3); /* the host forgets every request */
    }
    fake_free_pool(pool);
}

static void memory_is_kept_for_as_long_as_the_function_chose(void **state)
{
    (void)state;
    struct isolate_pool *pool = fake_make_pool(4, 16);
    const struct isolate_reuse reuse = {.age_max_ns = 10 * SECOND};
    fake_return(take_reusing(pool, "v1", reuse), ISOLATE_GOES_ON);
    fake.now_ns += 9 * SECOND;
    fake_return(take_reusing(pool, "v1", reuse), ISOLATE_GOES_ON);
    assert_int_equal(fake.resets, 0);
    fake.now_ns += 2 * SECOND; /* passes while the isolate waits: no request may find it */
    struct isolate *isolate = take_reusing(pool, "v1", reuse);
    assert_int_equal(fake.resets, 1);
    fake.now_ns += 11 * SECOND; /* passes while it works */
    fake_return(isolate, ISOLATE_GOES_ON);
    assert_int_equal(fake.resets, 2);
    fake_free_pool(pool);
}

static void memory_is_pristine_without_that_choice_and_when_it_is_taken_back(void **state)
{
    (void)state;
    struct isolate_pool *pool = fake_make_pool(4, 16);
    const struct isolate_reuse pristine[] = {{0, 0}, {1, 0}};
    const struct isolate_reuse reuse = {.requests_max = 100};
    fake_return(take_reusing(pool, "v1", pristine[0]), ISOLATE_GOES_ON);
    fake_return(take_reusing(pool, "v1", pristine[1]), ISOLATE_GOES_ON);
    assert_int_equal(fake.resets, 2);
    fake_return(take_reusing(pool, "v1", reuse), ISOLATE_GOES_ON);
    assert_int_equal(fake.resets, 2);
    struct isolate *isolate = take_reusing(pool, "v1", pristine[0]);
    assert_int_equal(fake.resets, 3);
    fake_return(isolate, ISOLATE_GOES_ON);
    fake_free_pool(pool);
}

static void memory_is_never_kept_after_a_fault_an_exit_or_a_deploy(void **state)
{
    (void)state;
    struct isolate_pool *pool = fake_make_pool(4, 16);
    const struct isolate_reuse reuse = {.requests_max = 100};
    fake_return(take_reusing(pool, "v1", reuse), ISOLATE_DISCARDED);
    assert_int_equal(fake.isolates_alive, 0);
    fake_return(take_reusing(pool, "v1", reuse), ISOLATE_FINISHED);
    assert_int_equal(fake.resets, 1);
    struct isolate *old = take_reusing(pool, "v1", reuse);
    struct isolate *new = take_reusing(pool, "v2", reuse);
    fake_return(old, ISOLATE_GOES_ON);
    assert_int_equal(fake.isolates_alive, 1);
    fake_return(new, ISOLATE_GOES_ON);
    fake_free_pool(pool);
}

static void kept_memory_that_cannot_be_reset_in_time_is_freed(void **state)
{
    (void)state;
    struct isolate_pool *pool = fake_make_pool(4, 16);
    const struct isolate_reuse reuse = {.age_max_ns = SECOND};
    fake_return(take_reusing(pool, "v1", reuse), ISOLATE_GOES_ON);
    fake.now_ns += 2 * SECOND;
    fake.reset_fails = true;
    struct isolate *isolate = take_reusing(pool, "v1", reuse);
    assert_int_equal(fake.isolates_alive, 1);
    assert_int_equal(isolate->served, 0);
    fake_return(isolate, ISOLATE_DISCARDED);
    fake_free_pool(pool);
}

static void a_tenant_over_its_bound_loses_its_own_oldest_and_nobody_elses(void **state)
{
    (void)state;
    struct isolate_pool *pool = fake_make_bounded_pool(4, 3, 100);
    char name[16];
    fake_return(fake_take(pool, "quiet/f", "v1", ISOLATE_START_FIRST_REQUEST), ISOLATE_FINISHED);
    for (int i = 0; i < 10; i++) {
        (void)snprintf(name, sizeof(name), "loud/f%d", i);
        fake_return(fake_take(pool, name, "v1", ISOLATE_START_FIRST_REQUEST), ISOLATE_FINISHED);
    }
    assert_int_equal(isolate_pool_stats(pool).warm, 4);
    assert_int_equal(isolate_pool_stats(pool).evicted, 7);
    fake_return(fake_take(pool, "quiet/f", "v1", ISOLATE_START_WARM), ISOLATE_FINISHED);
    fake_return(fake_take(pool, "loud/f7", "v1", ISOLATE_START_WARM), ISOLATE_FINISHED);
    fake_return(fake_take(pool, "loud/f6", "v1", ISOLATE_START_EVICTED), ISOLATE_FINISHED);
    fake_return(fake_take(pool, "loud/f7", "v1", ISOLATE_START_WARM), ISOLATE_FINISHED);
    isolate_pool_forget(pool, bytes_of_text("loud/f7"));
    fake_free_pool(pool);
}

static void a_tenants_own_bound_holds_from_its_next_request_on(void **state)
{
    (void)state;
    struct isolate_pool *pool = fake_make_bounded_pool(4, 3, 100);
    fake.tenant_warm_max = 5;
    char name[16];
    for (int i = 0; i < 6; i++) {
        (void)snprintf(name, sizeof(name), "loud/f%d", i);
        fake_return(fake_take(pool, name, "v1", ISOLATE_START_FIRST_REQUEST), ISOLATE_FINISHED);
    }
    assert_int_equal(isolate_pool_stats(pool).warm, 5);
    fake.tenant_warm_max = 1;
    fake_return(fake_take(pool, "loud/f5", "v1", ISOLATE_START_WARM), ISOLATE_FINISHED);
    assert_int_equal(isolate_pool_stats(pool).warm, 1);
    fake.tenant_warm_max = 0;
    fake_return(fake_take(pool, "loud/f5", "v1", ISOLATE_START_WARM), ISOLATE_FINISHED);
    fake_return(fake_take(pool, "loud/f4", "v1", ISOLATE_START_EVICTED), ISOLATE_FINISHED);
    assert_int_equal(isolate_pool_stats(pool).warm, 2);
    fake_free_pool(pool);
}

static void an_idle_isolate_makes_room_for_one_that_cannot_be_made(void **state)
{
    (void)state;
    struct isolate_pool *pool = fake_make_pool(8, 100);
    fake.isolates_max = 2;
    fake_return(fake_take(pool, "t/a", "v1", ISOLATE_START_FIRST_REQUEST), ISOLATE_FINISHED);
    fake_return(fake_take(pool, "t/b", "v1", ISOLATE_START_FIRST_REQUEST), ISOLATE_FINISHED);
    struct isolate *c = fake_take(pool, "t/c", "v1", ISOLATE_START_FIRST_REQUEST);
    assert_int_equal(isolate_pool_stats(pool).evicted, 1);
    struct isolate *b = fake_take(pool, "t/b", "v1", ISOLATE_START_WARM);
    /* Both are in use: there is nothing to give up. */
    struct isolate_key key = {.function = bytes_of_text("t/d"), .version = bytes_of_text("v1")};
    struct report report = REPORT_INIT;
    struct isolate_start start;
    struct isolate *d;
    assert_int_equal(isolate_pool_checkout(pool, &key,
                                           (struct isolate_opener){fake_open_artifact, NULL},
                                           &report, &start, &d),
                     STATUS_NO_MEMORY);
    assert_string_equal(report.text, "no slot");
    fake_return(b, ISOLATE_FINISHED);
    fake_return(fake_take(pool, "t/d", "v1", ISOLATE_START_FIRST_REQUEST), ISOLATE_FINISHED);
    fake_return(c, ISOLATE_FINISHED);
    fake_free_pool(pool);
}

/* ---- memory ---------------------------------------------------------------------------------- */

static struct isolate *take_with(struct isolate_pool *pool, const char *function, uint64_t bytes)
{
    struct isolate *isolate = fake_take(pool, function, "v1", ISOLATE_START_FIRST_REQUEST);
    (void)isolate_claim_set(&isolate->claim, ISOLATE_BUDGET_MEMORY, bytes);
    return isolate;
}

static void what_isolates_use_is_their_tenants_until_they_are_retired(void **state)
{
    (void)state;
    struct isolate_pool *pool = fake_make_pool(4, 16);
    struct isolate_tenant *tenant = isolate_pool_tenant(pool, bytes_of_text("t"));
    const struct isolate_budget *budget = isolate_tenant_budget(tenant);
    struct isolate *isolate = take_with(pool, "t/f", 1000);
    assert_int_equal(budget->used_bytes, 1000);
    fake_return(isolate, ISOLATE_FINISHED);
    assert_int_equal(budget->used_bytes, 1000); /* warm */
    isolate = fake_take(pool, "t/f", "v1", ISOLATE_START_WARM);
    fake.worn = true;
    fake.shed_steps = 1;
    fake_return(isolate, ISOLATE_DISCARDED);
    assert_int_equal(budget->used_bytes, 0);
    assert_int_equal(isolate_pool_budget(pool)->used_bytes, 1000);
    (void)fake_busy_turn(pool);
    (void)fake_busy_turn(pool);
    assert_int_equal(isolate_pool_budget(pool)->used_bytes, 0);
    isolate_tenant_unref(tenant);
    fake_free_pool(pool);
}

static void a_tenant_yields_only_when_nothing_of_it_waits(void **state)
{
    (void)state;
    struct isolate_pool *pool = fake_make_memory_pool(0, 1000);
    struct isolate_tenant *tenant = isolate_pool_tenant(pool, bytes_of_text("t"));
    fake_return(take_with(pool, "t/a", 400), ISOLATE_FINISHED);
    fake_return(take_with(pool, "t/b", 400), ISOLATE_FINISHED);
    fake_return(take_with(pool, "u/f", 5000), ISOLATE_FINISHED);
    assert_false(isolate_tenant_must_yield(tenant));
    struct isolate *used = take_with(pool, "t/c", 500);
    assert_false(isolate_tenant_must_yield(tenant));
    assert_int_equal(isolate_pool_stats(pool).evicted, 1);
    assert_int_equal(isolate_tenant_budget(tenant)->used_bytes, 900);
    (void)isolate_claim_set(&used->claim, ISOLATE_BUDGET_MEMORY, 1001);
    assert_true(isolate_tenant_must_yield(tenant));
    assert_int_equal(isolate_pool_stats(pool).warm, 1); /* the other tenant's */
    fake_return(used, ISOLATE_DISCARDED);
    assert_false(isolate_tenant_must_yield(tenant));
    isolate_tenant_unref(tenant);
    fake_free_pool(pool);
}

static void over_the_workers_bound_who_uses_much_yields(void **state)
{
    (void)state;
    struct isolate_pool *pool = fake_make_memory_pool(1000, 0);
    struct isolate_tenant *small = isolate_pool_tenant(pool, bytes_of_text("small"));
    struct isolate_tenant *large = isolate_pool_tenant(pool, bytes_of_text("large"));
    fake_return(take_with(pool, "other/f", 300), ISOLATE_FINISHED);
    struct isolate *one = take_with(pool, "small/f", 200);
    struct isolate *two = take_with(pool, "large/f", 700);
    assert_false(isolate_tenant_must_yield(small));
    assert_int_equal(isolate_pool_stats(pool).warm, 0); /* what waits goes first */
    (void)isolate_claim_set(&two->claim, ISOLATE_BUDGET_MEMORY, 900);
    assert_false(isolate_tenant_must_yield(small));
    assert_true(isolate_tenant_must_yield(large));
    fake.worn = true; /* retired: what is on its way back takes nobody else along */
    fake_return(two, ISOLATE_DISCARDED);
    assert_int_equal(isolate_pool_budget(pool)->used_bytes, 1100);
    (void)isolate_claim_set(&one->claim, ISOLATE_BUDGET_MEMORY, 900);
    assert_false(isolate_tenant_must_yield(large));
    assert_false(isolate_tenant_must_yield(small));
    fake_return(one, ISOLATE_FINISHED);
    isolate_tenant_unref(small);
    isolate_tenant_unref(large);
    fake_free_pool(pool);
}

static void a_tenant_is_one_whoever_asks_for_it(void **state)
{
    (void)state;
    struct isolate_pool *pool = fake_make_pool(4, 16);
    struct isolate_tenant *tenant = isolate_pool_tenant(pool, bytes_of_text("t"));
    struct isolate *isolate = take_with(pool, "t/f", 100);
    isolate_pool_forget(pool, bytes_of_text("t/f"));
    assert_int_equal(isolate_tenant_budget(tenant)->used_bytes, 100);
    struct isolate_tenant *again = isolate_pool_tenant(pool, bytes_of_text("t"));
    assert_ptr_equal(tenant, again);
    isolate_tenant_unref(again);
    isolate_tenant_unref(tenant);
    fake_return(isolate, ISOLATE_FINISHED); /* the last to refer to it */
    isolate_tenant_unref(NULL);
    fake_free_pool(pool);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_isolate_that_came_back_is_warm_and_was_reset),
        cmocka_unit_test(an_isolate_that_faulted_is_freed_and_never_reset),
        cmocka_unit_test(an_isolate_that_cannot_be_reset_is_freed),
        cmocka_unit_test(a_functions_memory_is_bounded_by_its_own_limit_and_by_all),
        cmocka_unit_test(a_second_request_at_once_finds_the_pool_empty),
        cmocka_unit_test(a_new_version_drops_the_old_and_what_is_in_use_follows),
        cmocka_unit_test(an_artifact_whose_file_is_gone_is_dropped_at_the_next_generation),
        cmocka_unit_test(a_function_older_than_the_pool_starts_after_a_restart),
        cmocka_unit_test(the_warm_list_of_a_function_is_bounded),
        cmocka_unit_test(the_least_recently_used_function_is_evicted_when_the_pool_is_full),
        cmocka_unit_test(functions_in_use_are_passed_over_by_eviction),
        cmocka_unit_test(surplus_of_a_busy_function_is_evicted_without_a_sweep),
        cmocka_unit_test(a_missing_artifact_changes_nothing),
        cmocka_unit_test(an_isolate_that_cannot_be_made_leaves_nothing_mapped),
        cmocka_unit_test(a_forgotten_function_goes_when_its_last_isolate_comes_back),
        cmocka_unit_test(memory_is_kept_for_as_many_requests_as_the_function_chose),
        cmocka_unit_test(memory_is_kept_for_as_long_as_the_function_chose),
        cmocka_unit_test(memory_is_pristine_without_that_choice_and_when_it_is_taken_back),
        cmocka_unit_test(memory_is_never_kept_after_a_fault_an_exit_or_a_deploy),
        cmocka_unit_test(kept_memory_that_cannot_be_reset_in_time_is_freed),
        cmocka_unit_test(a_tenant_over_its_bound_loses_its_own_oldest_and_nobody_elses),
        cmocka_unit_test(a_tenants_own_bound_holds_from_its_next_request_on),
        cmocka_unit_test(an_idle_isolate_makes_room_for_one_that_cannot_be_made),
        cmocka_unit_test(what_isolates_use_is_their_tenants_until_they_are_retired),
        cmocka_unit_test(a_tenant_yields_only_when_nothing_of_it_waits),
        cmocka_unit_test(over_the_workers_bound_who_uses_much_yields),
        cmocka_unit_test(a_tenant_is_one_whoever_asks_for_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
