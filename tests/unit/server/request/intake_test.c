/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way in: what a request brings along to its guest, and by which bounds it runs.
 */
#include "tests/unit/server/request/stage.h"

static void what_its_version_chose_is_the_exchanges(void **state)
{
    struct stage *stage = *state;
    stage->function.entry.choices = DEPLOY_DEBUG_LOG;
    stage->function.entry.config = bytes_of_text("config");
    const struct http_exchange *http = &stage_begin(stage, 0)->http;
    assert_true(http->debug_log);
    assert_false(http->pass_authorization);
    assert_true(bytes_equal_text(http->config, "config"));
    assert_true(bytes_equal_text(http->matched, ""));
    assert_true(http->may_stream);
    assert_false(http->has_next);
}

static void a_function_may_want_less_than_all_may_have_but_not_more(void **state)
{
    struct stage *stage = *state;
    struct request *request = stage_begin(stage, 0);
    assert_int_equal(request->fuel_max, STAGE_FUEL);
    assert_int_equal(request->deadline_ns, request->arrived_ns + STAGE_WALL_US * CLOCK_NS_PER_US);
    stage->function.limits = (struct deploy_function_limits){.fuel = 100, .wall_us = 7};
    request = stage_begin(stage, 1);
    assert_int_equal(request->fuel_max, 100);
    assert_int_equal(request->deadline_ns, request->arrived_ns + 7 * CLOCK_NS_PER_US);
    stage->function.limits =
        (struct deploy_function_limits){.fuel = STAGE_FUEL + 1, .wall_us = STAGE_WALL_US + 1};
    request = stage_begin(stage, 2);
    assert_int_equal(request->fuel_max, STAGE_FUEL);
    assert_int_equal(request->deadline_ns, request->arrived_ns + STAGE_WALL_US * CLOCK_NS_PER_US);
}

static void a_head_is_known_whatever_the_guest_makes_of_its_method(void **state)
{
    struct stage *stage = *state;
    assert_false(stage_begin(stage, 0)->is_head);
    stage->method = "HEAD";
    assert_true(stage_begin(stage, 1)->is_head);
    stage->method = "head";
    assert_false(stage_begin(stage, 2)->is_head);
}

static void a_host_with_routes_leads_where_they_say_and_nowhere_else(void **state)
{
    struct stage *stage = *state;
    static const struct deploy_host_route routes[] = {
        {{(const uint8_t *)"/v1", 3}, {(const uint8_t *)"hello", 5}, 0}};
    const struct deploy_host host = {
        .tenant = bytes_of_text("acme"), .routes = routes, .route_count = COUNT_OF(routes)};
    stage->host = &host;
    stage->authority = "routed.example";
    stage->path = "/v1";
    const struct http_exchange *http = &stage_begin(stage, 0)->http;
    assert_true(bytes_equal_text(http->matched, "/v1"));
    assert_true(bytes_equal_text(http->uri, "/"));
    stage->path = "/f/acme/hello/";
    assert_string_equal(stage_begin(stage, 1)->code, "unknown_route");
    stage->authority = "other.example";
    assert_true(bytes_equal_text(stage_begin(stage, 2)->http.matched, "/f/acme/hello"));
    /* Its own name goes before whatever routes there are. */
    stage->path = "/";
    stage->authority = "hello.acme.test";
    assert_true(bytes_equal_text(stage_begin(stage, 3)->http.matched, ""));
}

static void routes_that_cannot_be_read_are_no_answer(void **state)
{
    struct stage *stage = *state;
    const struct deploy_host host = {.tenant = bytes_of_text("acme")};
    stage->host = &host;
    stage->authority = "routed.example";
    stage->find_status = STATUS_IO;
    assert_int_equal(stage_begin(stage, 0)->response.status, 503);
}

#define STAGED(test) cmocka_unit_test_setup_teardown(test, stage_setup, stage_teardown)

UNIT
{
    const struct CMUnitTest tests[] = {
        STAGED(what_its_version_chose_is_the_exchanges),
        STAGED(a_function_may_want_less_than_all_may_have_but_not_more),
        STAGED(a_host_with_routes_leads_where_they_say_and_nowhere_else),
        STAGED(routes_that_cannot_be_read_are_no_answer),
        STAGED(a_head_is_known_whatever_the_guest_makes_of_its_method),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
