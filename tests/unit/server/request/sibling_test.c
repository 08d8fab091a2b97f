/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests that come from requests: "hello" calls "other", of another tenant object, which the
 * stage does not mind.
 */
#include <stdio.h>
#include <string.h>

#include "tests/unit/server/request/stage_site.h"

#define MS CLOCK_NS_PER_MS

static const struct hostapi_fetches *calls(const struct stage *stage)
{
    return stage->service.world.calls.siblings;
}

static enum hostapi_fetch_end
start_of(struct request *caller, const struct hostapi_fetch_order *order, uint64_t *ret_ticket)
{
    const char *text = "";
    enum hostapi_fetch_end end =
        caller->http.world->siblings->start(&caller->operations, order, ret_ticket, &text);
    assert_true((end == HOSTAPI_FETCH_UNDER_WAY) || text[0] != '\0');
    return end;
}

static struct hostapi_fetch_order order_for(const char *function)
{
    return (struct hostapi_fetch_order){
        .function = bytes_of_text(function),
        .method = bytes_of_text("GET"),
        .url = bytes_of_text("/"),
        .fields = bytes_make("X-A\0one\0Host\0no\0", 16),
        .body = bytes_of_text("body"),
        .waits = true,
    };
}

/* Request 0, parked for what it calls; fuel for a million runs. */
static struct request *park_caller(struct stage *stage)
{
    request_open_siblings(&stage->service.world);
    stage->service.world.operations.gauges[OPERATION_SIBLING] = &stage->metrics.operations_sibling;
    stage->config.limits.fuel = 1000000;
    stage->config.limits.wall = 10000000;
    stage->steps[0] = GUEST_WAITS;
    stage->result.until_ns = UINT64_MAX;
    stage->result.for_event = true;
    struct request *caller = stage_begin(stage, 0);
    assert_int_equal(caller->state, REQUEST_PARKED);
    stage->steps[0] = GUEST_FINISHED;
    return caller;
}

static uint64_t start(struct stage *stage, struct request *caller)
{
    uint64_t ticket;
    struct hostapi_fetch_order order = order_for("other");
    assert_int_equal(start_of(caller, &order, &ticket), HOSTAPI_FETCH_UNDER_WAY);
    assert_int_equal(stage->metrics.operations_sibling, 1);
    return ticket;
}

static void an_answer_wakes_the_caller_and_is_there_to_be_read(void **state)
{
    struct stage *stage = *state;
    struct request *caller = park_caller(stage);
    uint64_t fuel_max = caller->fuel_max;
    uint64_t ticket = start(stage, caller);
    /* It ran at once, since nothing else did. */
    assert_int_equal(caller->state, REQUEST_RUNNABLE);
    const struct hostapi_fetch_view *view = calls(stage)->view(&caller->operations, ticket);
    assert_true(view->has_head);
    assert_int_equal(view->status, 200);
    assert_int_equal(view->end, HOSTAPI_FETCH_DONE);
    assert_string_equal(view->text, "");
    assert_non_null(memmem(view->fields.data, view->fields.count, "server-timing", 13));
    assert_int_equal(caller->fuel_max, fuel_max - STAGE_RUN_FUEL);
    assert_false(calls(stage)->write(&caller->operations, ticket, bytes_of_text("x"), true));
    calls(stage)->take(&caller->operations, ticket, 0);
    calls(stage)->await(&caller->operations, ticket); /* there is nothing more to wait for */
    int64_t result;
    assert_int_equal(caller->http.world->operations->look(&caller->operations, ticket, &result),
                     HOSTAPI_READY);
    caller->http.world->operations->end(&caller->operations, ticket);
    assert_null(calls(stage)->view(&caller->operations, ticket));
    assert_int_equal(stage->metrics.operations_sibling, 0);
}

static void who_is_in_the_callers_way_is_not_called(void **state)
{
    struct stage *stage = *state;
    struct request *caller = park_caller(stage);
    uint64_t ticket;
    struct hostapi_fetch_order order = order_for("hello");
    assert_int_equal(start_of(caller, &order, &ticket), HOSTAPI_FETCH_DENIED);
    /* Eight behind one another, each of another name. */
    static struct directory_function functions[REQUEST_DEPTH_MAX + 1];
    static struct request chain[REQUEST_DEPTH_MAX + 1];
    static char names[REQUEST_DEPTH_MAX + 1][8];
    const struct request *last = caller;
    for (int i = 0; i < REQUEST_DEPTH_MAX; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "f%d", i);
        functions[i].name = bytes_of_text(names[i]);
        chain[i] = (struct request){.caller = last, .function = &functions[i]};
        last = &chain[i];
    }
    caller->caller = &chain[0];
    chain[0].caller = NULL;
    order = order_for("f0");
    assert_int_equal(start_of(caller, &order, &ticket), HOSTAPI_FETCH_DENIED);
    chain[0].caller = &chain[1];
    for (int i = 1; i + 1 < REQUEST_DEPTH_MAX; i++)
        chain[i].caller = &chain[i + 1];
    chain[REQUEST_DEPTH_MAX - 1].caller = NULL;
    order = order_for("other");
    assert_int_equal(start_of(caller, &order, &ticket), HOSTAPI_FETCH_LIMIT);
    chain[REQUEST_DEPTH_MAX - 2].caller = NULL;
    (void)start(stage, caller);
    caller->caller = NULL;
}

static void what_is_no_request_is_refused(void **state)
{
    struct stage *stage = *state;
    struct request *caller = park_caller(stage);
    uint64_t ticket;
    static const char *const uris[] = {"", "x", "/ a", "/\x7f"};
    for (size_t i = 0; i < COUNT_OF(uris); i++) {
        struct hostapi_fetch_order order = order_for("other");
        order.url = bytes_of_text(uris[i]);
        assert_int_equal(start_of(caller, &order, &ticket), HOSTAPI_FETCH_INVALID);
    }
    struct hostapi_fetch_order order = order_for("other");
    order.method = bytes_of_text("G T");
    assert_int_equal(start_of(caller, &order, &ticket), HOSTAPI_FETCH_INVALID);
    order = order_for("other");
    order.fields = bytes_make("a b\0c\0", 6);
    assert_int_equal(start_of(caller, &order, &ticket), HOSTAPI_FETCH_INVALID);
    assert_int_equal(stage->metrics.operations_sibling, 0);
    assert_int_equal(stage->service.in_flight, 1);
}

/* The other one runs when its caller has gone. */
static void a_caller_that_ends_ends_what_it_called(void **state)
{
    struct stage *stage = *state;
    struct request *caller = park_caller(stage);
    stage->steps[0] = GUEST_WAITS;
    uint64_t fuel_max = caller->fuel_max;
    (void)start(stage, caller);
    assert_int_equal(stage->in_use, 2);
    assert_true(caller->fuel_max < fuel_max / 8);
    stage_end(stage, 0);
    assert_int_equal(stage->in_use, 0);
    assert_int_equal(stage->metrics.operations_sibling, 0);
    assert_int_equal(stage->service.in_flight, 0);
}

static void its_deadline_is_the_callers_and_its_failure_an_answer(void **state)
{
    struct stage *stage = *state;
    struct request *caller = park_caller(stage);
    stage->steps[0] = GUEST_WAITS;
    uint64_t deadline_ns = stage->now_ns + 100 * MS;
    caller->deadline_ns = deadline_ns;
    uint64_t ticket = start(stage, caller);
    caller->deadline_ns += 1000 * MS; /* so that it is there to see it */
    stage_turn(stage, deadline_ns - 1);
    assert_false(calls(stage)->view(&caller->operations, ticket)->has_head);
    stage_turn(stage, deadline_ns + 1);
    const struct hostapi_fetch_view *view = calls(stage)->view(&caller->operations, ticket);
    assert_int_equal(view->status, 504);
    assert_non_null(memmem(view->data.data, view->data.count, "deadline", 8));
}

static void without_fuel_nobody_is_called(void **state)
{
    struct stage *stage = *state;
    struct request *caller = park_caller(stage);
    uint64_t ticket;
    struct hostapi_fetch_order order = order_for("other");
    caller->fuel_max = SCHEDULER_GRANT_FUEL;
    assert_int_equal(start_of(caller, &order, &ticket), HOSTAPI_FETCH_LIMIT);
    assert_int_equal(caller->fuel_max, SCHEDULER_GRANT_FUEL);
}

static void ten_thousand_cancelled_leave_nothing(void **state)
{
    struct stage *stage = *state;
    struct request *caller = park_caller(stage);
    stage->steps[0] = GUEST_WAITS;
    uint64_t fuel_max = caller->fuel_max;
    for (uint32_t i = 0; i < 10000; i++) {
        uint64_t ticket = start(stage, caller);
        caller->http.world->operations->end(&caller->operations, ticket);
        caller->fuel_max = fuel_max;
    }
    assert_int_equal(stage->metrics.operations_sibling, 0);
    assert_int_equal(stage->in_use, 1);
    assert_int_equal(stage->service.parking.taken, 1);
}

/* The files of the caller's version answer, and no guest: not even where there is no file. */
static void assets_are_asked_for_by_a_name_of_their_own(void **state)
{
    struct stage *stage = *state;
    stage_site_make(stage);
    stage_site_has_module();
    struct request *caller = park_caller(stage);
    uint32_t checkouts = stage->checkouts;
    struct hostapi_fetch_order order = order_for("*assets");
    uint64_t ticket;
    order.url = bytes_of_text("/small");
    assert_int_equal(start_of(caller, &order, &ticket), HOSTAPI_FETCH_UNDER_WAY);
    const struct hostapi_fetch_view *view = calls(stage)->view(&caller->operations, ticket);
    assert_int_equal(view->status, 200);
    assert_true(bytes_equal_text(view->data, "abcdefghij"));
    caller->http.world->operations->end(&caller->operations, ticket);
    order.url = bytes_of_text("/nowhere");
    assert_int_equal(start_of(caller, &order, &ticket), HOSTAPI_FETCH_UNDER_WAY);
    assert_int_equal(calls(stage)->view(&caller->operations, ticket)->status, 404);
    assert_int_equal(stage->checkouts, checkouts);
    stage_site_done();
}

static void a_version_without_files_has_none_to_ask_for(void **state)
{
    struct stage *stage = *state;
    struct request *caller = park_caller(stage);
    uint32_t checkouts = stage->checkouts;
    struct hostapi_fetch_order order = order_for("*assets");
    uint64_t ticket;
    assert_int_equal(start_of(caller, &order, &ticket), HOSTAPI_FETCH_UNDER_WAY);
    assert_int_equal(calls(stage)->view(&caller->operations, ticket)->status, 404);
    assert_int_equal(stage->checkouts, checkouts);
}

#define STAGED(test) cmocka_unit_test_setup_teardown(test, stage_setup, stage_teardown)

UNIT
{
    const struct CMUnitTest tests[] = {
        STAGED(an_answer_wakes_the_caller_and_is_there_to_be_read),
        STAGED(who_is_in_the_callers_way_is_not_called),
        STAGED(what_is_no_request_is_refused),
        STAGED(a_caller_that_ends_ends_what_it_called),
        STAGED(its_deadline_is_the_callers_and_its_failure_an_answer),
        STAGED(without_fuel_nobody_is_called),
        STAGED(ten_thousand_cancelled_leave_nothing),
        STAGED(assets_are_asked_for_by_a_name_of_their_own),
        STAGED(a_version_without_files_has_none_to_ask_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
