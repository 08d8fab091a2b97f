/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Permits and the queue for them.
 */
#include "server/request/turns/admission.h"
#include "tests/support/unit.h"

static const struct admission_bounds two = {.running_max = 2, .waiting_max = 3};

static void permits_then_the_queue_then_nothing(void **state)
{
    (void)state;
    struct admission_tenant tenant = {0};
    struct list_link links[6] = {0};
    static const enum admission_answer want[] = {ADMISSION_PERMIT, ADMISSION_PERMIT,
                                                 ADMISSION_WAIT,   ADMISSION_WAIT,
                                                 ADMISSION_WAIT,   ADMISSION_FULL};
    for (size_t i = 0; i < COUNT_OF(links); i++) {
        assert_int_equal(admission_ask(&tenant, &two, &links[i]), want[i]);
        assert_true(list_is_linked(&links[i]) == (want[i] == ADMISSION_WAIT));
    }
    assert_ptr_equal(admission_release(&tenant), &links[2]);
    admission_leave(&tenant, &links[3]);
    assert_ptr_equal(admission_release(&tenant), &links[4]);
    assert_null(admission_release(&tenant));
    assert_false(admission_is_idle(&tenant));
    assert_null(admission_release(&tenant));
    assert_true(admission_is_idle(&tenant));
}

static void nobody_overtakes_who_waits_when_the_bound_is_raised(void **state)
{
    (void)state;
    struct admission_tenant tenant = {0};
    struct list_link links[3] = {0};
    struct admission_bounds bounds = {.running_max = 1, .waiting_max = 2};
    assert_int_equal(admission_ask(&tenant, &bounds, &links[0]), ADMISSION_PERMIT);
    assert_int_equal(admission_ask(&tenant, &bounds, &links[1]), ADMISSION_WAIT);
    bounds.running_max = 10;
    assert_int_equal(admission_ask(&tenant, &bounds, &links[2]), ADMISSION_WAIT);
    assert_ptr_equal(admission_release(&tenant), &links[1]);
}

static void a_queue_of_none_refuses_at_once(void **state)
{
    (void)state;
    struct admission_tenant tenant = {0};
    struct list_link link = {0};
    struct admission_bounds none = {.running_max = 0, .waiting_max = 0};
    assert_int_equal(admission_ask(&tenant, &none, &link), ADMISSION_FULL);
    assert_true(admission_is_idle(&tenant));
}

static void a_tenants_own_bounds_come_before_the_operators(void **state)
{
    (void)state;
    const struct config_limits limits = {.concurrency = 256, .queue = 1024};
    struct deploy_tenant_limits own = {0};
    struct admission_bounds bounds = admission_bounds_of(&limits, &own);
    assert_int_equal(bounds.running_max, 256);
    assert_int_equal(bounds.waiting_max, 1024);
    own.concurrency = 3;
    own.queue = 4;
    bounds = admission_bounds_of(&limits, &own);
    assert_int_equal(bounds.running_max, 3);
    assert_int_equal(bounds.waiting_max, 4);
}

static void who_comes_back_runs_at_once_and_newcomers_wait_until_that_is_made_good(void **state)
{
    (void)state;
    struct admission_tenant tenant = {0};
    struct list_link links[4] = {0};
    const struct admission_bounds one = {.running_max = 1, .waiting_max = 2};
    assert_int_equal(admission_ask(&tenant, &one, &links[0]), ADMISSION_PERMIT);
    assert_null(admission_release(&tenant)); /* parked */
    assert_int_equal(admission_ask(&tenant, &one, &links[1]), ADMISSION_PERMIT);
    admission_resume(&tenant);
    assert_int_equal(admission_ask(&tenant, &one, &links[2]), ADMISSION_WAIT);
    assert_null(admission_release(&tenant));
    assert_ptr_equal(admission_release(&tenant), &links[2]);
    assert_null(admission_release(&tenant));
    assert_true(admission_is_idle(&tenant));
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(permits_then_the_queue_then_nothing),
        cmocka_unit_test(nobody_overtakes_who_waits_when_the_bound_is_raised),
        cmocka_unit_test(a_queue_of_none_refuses_at_once),
        cmocka_unit_test(who_comes_back_runs_at_once_and_newcomers_wait_until_that_is_made_good),
        cmocka_unit_test(a_tenants_own_bounds_come_before_the_operators),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
