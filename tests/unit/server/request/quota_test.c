/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tenant's quotas on requests' way in, and fuel that is paid as it is used.
 */
#include "stage.h"

#include <stdlib.h>

#include "server/request/quota.h"
#include "server/world/rates.h"

static struct rates rates;

static int setup(void **state)
{
    int result = stage_setup(state);
    struct stage *stage = *state;
    rates =
        (struct rates){.clock = stage->service.clock, .own = calloc(1, sizeof(struct rates_page))};
    assert_non_null(rates.own);
    rates.pages[0] = rates.own;
    rates.page_count = 1;
    stage->service.world.rates = &rates;
    stage->function.bounded = true;
    return result;
}

static int teardown(void **state)
{
    int result = stage_teardown(state);
    free(rates.own);
    return result;
}

static const char *code_of(struct stage *stage, uint32_t index)
{
    const char *code = stage_begin(stage, index)->code;
    return code == NULL ? "" : code;
}

static void a_suspended_tenant_has_no_guests(void **state)
{
    struct stage *stage = *state;
    stage->function.entry.suspended = true;
    assert_string_equal(code_of(stage, 0), "tenant_suspended");
    assert_int_equal(stage->requests[0].response.status, 503);
    assert_int_equal(stage->checkouts, 0);
    assert_int_equal(stage->metrics.refused_suspended, 1);
}

static void so_many_requests_come_in_a_second(void **state)
{
    struct stage *stage = *state;
    stage->function.entry.limits.requests_per_s = 2;
    assert_string_equal(code_of(stage, 0), "");
    stage_turn(stage, stage->now_ns + 1);
    assert_string_equal(code_of(stage, 1), "");
    stage_turn(stage, stage->now_ns + 1);
    assert_string_equal(code_of(stage, 2), "request_rate");
    assert_int_equal(stage->requests[2].response.status, 429);
    assert_true(stage->requests[2].retry_later);
    assert_int_equal(stage->metrics.refused_quota, 1);
    stage->now_ns += 2 * CLOCK_NS_PER_S;
    assert_string_equal(code_of(stage, 3), "");
}

static void fuel_is_paid_as_it_is_used(void **state)
{
    struct stage *stage = *state;
    /* Each request uses STAGE_RUN_FUEL; ten seconds allow for two of them. */
    stage->function.entry.limits.fuel_per_s = STAGE_RUN_FUEL / 5;
    for (uint32_t i = 0; i < 2; i++) {
        assert_string_equal(code_of(stage, i), "");
        stage_turn(stage, stage->now_ns + 1);
    }
    assert_true(rates_quota_used(&rates, stage->tenant.name, RATES_QUOTA_FUEL) * RATES_FUEL_UNIT <=
                2 * STAGE_RUN_FUEL);
    assert_string_equal(code_of(stage, 2), "");
    stage_turn(stage, stage->now_ns + 1);
    assert_string_equal(code_of(stage, 3), "fuel_rate");
    assert_int_equal(stage->requests[3].response.status, 429);
    stage->now_ns += 20 * CLOCK_NS_PER_S;
    assert_string_equal(code_of(stage, 4), "");
}

static void so_many_are_open_at_once(void **state)
{
    struct stage *stage = *state;
    stage->function.entry.limits.connections = 2;
    stage->steps[0] = GUEST_WAITS;
    stage->result.until_ns = stage->now_ns + 1000000;
    assert_string_equal(code_of(stage, 0), "");
    assert_string_equal(code_of(stage, 1), "");
    assert_string_equal(code_of(stage, 2), "connections_full");
    assert_int_equal(stage->requests[2].response.status, 503);
}

static void before_control_has_sent_pages_nothing_is_refused(void **state)
{
    struct stage *stage = *state;
    stage->function.entry.limits.requests_per_s = 1;
    stage->function.entry.limits.fuel_per_s = 1;
    stage->service.world.rates = NULL;
    for (uint32_t i = 0; i < 3; i++) {
        assert_string_equal(code_of(stage, i), "");
        stage_turn(stage, stage->now_ns + 1);
    }
}

#define QUOTA(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

UNIT
{
    const struct CMUnitTest tests[] = {
        QUOTA(a_suspended_tenant_has_no_guests),
        QUOTA(so_many_requests_come_in_a_second),
        QUOTA(fuel_is_paid_as_it_is_used),
        QUOTA(so_many_are_open_at_once),
        QUOTA(before_control_has_sent_pages_nothing_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
