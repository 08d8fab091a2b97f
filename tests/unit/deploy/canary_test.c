/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Canaries: judged when enough was seen, and undone when they fail more than the others.
 */
#include "deploy/canary.h"
#include "tests/unit/deploy/fixture.h"

#define MAP_BYTES (4ULL << 20)

static struct fixture fixture;
static struct canaries *canaries;
static struct store_target target;
static struct deploy_undone undone;
static uint64_t created_ns;

static void split(uint32_t factor, uint32_t requests)
{
    const struct records_deployment deployment = {.shares = {{1, 3000}, {2, 6000}, {3, 1000}},
                                                  .share_count = 3,
                                                  .cookie = "id",
                                                  .canary_factor = factor,
                                                  .canary_requests = requests};
    assert_int_equal(store_set_deployment(fixture.store, &target, &deployment, NULL), STATUS_OK);
}

static int setup(void **state)
{
    (void)state;
    struct store_function function;
    uint32_t version;
    fixture_init(&fixture);
    fixture_open_store(&fixture, MAP_BYTES);
    target = fixture_target("acme", "api");
    for (int i = 0; i < 3; i++)
        assert_int_equal(fixture_add(&fixture, "acme", "api", bytes_of_text("m"), &version),
                         STATUS_OK);
    assert_int_equal(store_get_function(fixture.store, &target, NULL, &function), STATUS_OK);
    created_ns = function.record.created_ns;
    assert_int_equal(canaries_create(fixture.store, &canaries), STATUS_OK);
    split(200, 100);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    canaries_free(canaries);
    fixture_done(&fixture);
    return 0;
}

static bool count(uint32_t version, uint32_t answered, uint32_t failed)
{
    const struct deploy_answers answers = {.tenant = target.tenant,
                                           .function = target.function,
                                           .created_ns = created_ns,
                                           .version = version,
                                           .answered = answered,
                                           .failed = failed};
    return canaries_count(canaries, &answers, &undone);
}

static uint32_t shares(void)
{
    struct records_deployments found;
    assert_int_equal(store_get_deployments(fixture.store, &target, NULL, &found), STATUS_OK);
    return found.current.share_count;
}

static void a_canary_that_fails_more_is_undone(void **state)
{
    (void)state;
    struct records_deployments found;
    assert_false(count(1, 500, 5));
    assert_false(count(2, 500, 5));
    assert_false(count(3, 99, 99)); /* not enough yet */
    assert_true(count(3, 1, 0));
    assert_int_equal(undone.version, 3);
    assert_int_equal(undone.answered, 100);
    assert_int_equal(undone.failed, 99);
    assert_int_equal(undone.others_answered, 1000);
    assert_int_equal(undone.others_failed, 10);
    assert_int_equal(store_get_deployments(fixture.store, &target, NULL, &found), STATUS_OK);
    assert_int_equal(found.current.share_count, 2);
    assert_int_equal(found.current.shares[0].version, 2);
    assert_int_equal(found.current.shares[0].parts, 7000);
    assert_int_equal(found.current.shares[1].parts, 3000);
    assert_string_equal(found.current.cookie, "id");
    assert_int_equal(found.current.canary_factor, 0);
    assert_false(count(3, 1000, 1000)); /* what was under way */
    assert_int_equal(shares(), 2);
}

static void a_canary_may_fail_as_often_as_it_is_said(void **state)
{
    (void)state;
    assert_false(count(1, 999, 9)); /* with one more of each 1 % */
    assert_false(count(3, 1000, 20));
    assert_true(count(3, 10, 10));
}

static void a_few_failures_are_no_rate(void **state)
{
    (void)state;
    assert_false(count(1, 100000, 0));
    assert_false(count(3, 100, CANARY_FAILURES_MIN - 1));
    assert_true(count(3, 1, 1));
}

static void what_was_counted_of_another_deployment_does_not_count(void **state)
{
    (void)state;
    assert_false(count(3, 99, 99));
    split(200, 101);
    assert_false(count(1, 1000, 0));
    assert_false(count(3, 2, 2));
    created_ns++;
    assert_false(count(3, 1000, 1000));
    created_ns--;
    split(0, 0);
    assert_false(count(3, 1000, 1000));
    assert_int_equal(store_activate(fixture.store, &target, 3, NULL), STATUS_OK);
    assert_false(count(3, 1000, 1000));
    target.function = bytes_of_text("none");
    assert_false(count(3, 1000, 1000));
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_canary_that_fails_more_is_undone, setup, teardown),
        cmocka_unit_test_setup_teardown(a_canary_may_fail_as_often_as_it_is_said, setup, teardown),
        cmocka_unit_test_setup_teardown(a_few_failures_are_no_rate, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_counted_of_another_deployment_does_not_count,
                                        setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
