/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tenants' connections: kept for the same tenant, never for another, and bounded.
 */
#include <stdio.h>

#include "tests/unit/server/egress/fixture.h"

#define OK_HELLO "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

static void a_connection_is_used_again_by_its_tenant_only(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage);
    for (int i = 0; i < 4; i++)
        stage_answer(&stage, OK_HELLO);
    struct fetch_order order = stage_order(&stage, "/");
    stage_fetch(&stage, &order);
    stage_fetch(&stage, &order);
    assert_end(&stage, FETCH_END_DONE);
    assert_int_equal(stage.origin.connections, 1);
    assert_int_equal(stage.probe.result.connects, 0);
    order.tenant = bytes_of_text("other");
    stage_fetch(&stage, &order);
    assert_end(&stage, FETCH_END_DONE);
    assert_int_equal(stage.origin.connections, 2);
    assert_int_equal(stage.probe.result.connects, 1);
    assert_int_equal(egress_engine_stats(stage.engine).pools, 2);
    stage_close(&stage);
}

static void a_kept_connection_that_died_is_replaced(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage);
    stage_answer(&stage, OK_HELLO);
    stage_answer(&stage, OK_HELLO);
    stage.origin.answers[0].close = true;
    stage.origin.answers[1].request_bytes = 3;
    struct fetch_order order = stage_order(&stage, "/");
    stage_fetch(&stage, &order);
    while (stage.origin.open > 0)
        stage_turn(&stage);
    order.method = bytes_of_text("PUT");
    order.body = bytes_of_text("abc");
    stage_fetch(&stage, &order);
    assert_end(&stage, FETCH_END_DONE);
    assert_int_equal(stage.origin.connections, 2);
    stage_close(&stage);
}

static int count_if_read(const struct event_base *base, const struct event *event, void *count)
{
    (void)base;
    *(uint32_t *)count += event_get_fd(event) >= 0 && (event_get_events(event) & EV_READ) != 0;
    return 0;
}

/* What the loop waits to read from; the origin's own ends are among them. */
static uint32_t count_watched(const struct stage *stage)
{
    uint32_t count = 0;
    (void)event_base_foreach_event(stage->base, count_if_read, &count);
    return count;
}

static void a_kept_connection_is_watched_until_something_comes(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage);
    uint32_t before = count_watched(&stage);
    stage_answer(&stage, OK_HELLO);
    stage_answer(&stage, OK_HELLO);
    stage.origin.answers[1].close = true;
    struct fetch_order order = stage_order(&stage, "/");
    stage_fetch(&stage, &order);
    assert_int_equal(count_watched(&stage), before + 2);
    stage_fetch(&stage, &order);
    assert_end(&stage, FETCH_END_DONE);
    assert_int_equal(stage.probe.result.connects, 0);
    while (stage.origin.open > 0 || count_watched(&stage) > before)
        stage_turn(&stage);
    stage_close(&stage);
}

static void a_tenant_has_so_many_fetches_at_once_and_no_more(void **state)
{
    (void)state;
    struct stage stage;
    struct probe probes[4];
    struct egress_options options = stage_options(&stage);
    options.fetches_per_tenant_max = 2;
    options.fetches_max = 3;
    stage_open_with(&stage, &options);
    struct fetch_order order = stage_order(&stage, "/");
    for (uint32_t i = 0; i < 4; i++) {
        probe_init(&probes[i]);
        if (i == 3)
            order.tenant = bytes_of_text("other");
        egress_fetch_start(stage.engine, &order, &probe_ops, &probes[i], &probes[i].fetch);
        assert_int_equal(probes[i].done, i == 2);
    }
    assert_int_equal(probes[2].result.end, FETCH_END_LIMIT);
    stage_fetch(&stage, &order);
    assert_end(&stage, FETCH_END_LIMIT);
    assert_int_equal(egress_engine_stats(stage.engine).fetches, 3);
    for (uint32_t i = 0; i < 4; i++) {
        if (probes[i].fetch != NULL)
            egress_fetch_cancel(probes[i].fetch);
        probe_done(&probes[i]);
    }
    assert_int_equal(egress_engine_stats(stage.engine).fetches, 0);
    stage_close(&stage);
}

static uint64_t fake_now_ns;

static uint64_t fake_now(void *context)
{
    (void)context;
    return fake_now_ns;
}

static void an_unused_pool_ends(void **state)
{
    (void)state;
    static const struct clock clock = {.monotonic_ns = fake_now, .realtime_ns = fake_now};
    struct stage stage;
    struct egress_options options = stage_options(&stage);
    options.clock = &clock;
    fake_now_ns = CLOCK_NS_PER_S;
    stage_open_with(&stage, &options);
    stage_answer(&stage, OK_HELLO);
    struct fetch_order order = stage_order(&stage, "/");
    stage_fetch(&stage, &order);
    assert_end(&stage, FETCH_END_DONE);
    fake_now_ns += POOL_IDLE_NS - 1;
    egress_pools_sweep(stage.engine);
    assert_int_equal(egress_engine_stats(stage.engine).pools, 1);
    fake_now_ns += 1;
    egress_pools_sweep(stage.engine);
    assert_int_equal(egress_engine_stats(stage.engine).pools, 0);
    while (stage.origin.open > 0)
        stage_turn(&stage);
    stage_close(&stage);
}

static void a_name_of_a_tenant_that_is_none_gets_no_pool(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage);
    struct fetch_order order = stage_order(&stage, "/");
    order.tenant = bytes_of_text("");
    stage_fetch(&stage, &order);
    assert_end(&stage, FETCH_END_UNAVAILABLE);
    stage_close(&stage);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_is_used_again_by_its_tenant_only),
        cmocka_unit_test(a_kept_connection_that_died_is_replaced),
        cmocka_unit_test(a_kept_connection_is_watched_until_something_comes),
        cmocka_unit_test(a_tenant_has_so_many_fetches_at_once_and_no_more),
        cmocka_unit_test(an_unused_pool_ends),
        cmocka_unit_test(a_name_of_a_tenant_that_is_none_gets_no_pool),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
