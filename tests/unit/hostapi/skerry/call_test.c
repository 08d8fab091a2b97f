/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls of siblings, in a world whose siblings answer as the test says.
 */
#include "hostapi/skerry/skerry.h"
#include "tests/support/unit.h"
#include "tests/unit/hostapi/wasi/calls.h"

static struct {
    struct hostapi_fetch_view view;
    enum hostapi_fetch_end start;
    uint32_t starts;
    uint32_t ends;
    uint32_t awaits;
    bool waits;
    struct bytes fields;
} sibling;

static enum hostapi_look look(void *owner, uint64_t ticket, int64_t *ret_result)
{
    (void)owner;
    (void)ticket;
    *ret_result = 0;
    return sibling.view.has_head ? HOSTAPI_READY : HOSTAPI_UNDER_WAY;
}

static void end(void *owner, uint64_t ticket)
{
    (void)owner;
    assert_int_equal(ticket, 9);
    sibling.ends++;
}

static enum hostapi_fetch_end start(void *owner,
                                    const struct hostapi_fetch_order *order,
                                    uint64_t *ret_ticket,
                                    const char **ret_text)
{
    (void)owner;
    assert_true(bytes_equal_text(order->function, "other"));
    assert_true(bytes_equal_text(order->method, "GET"));
    assert_true(bytes_equal_text(order->url, "/a?b"));
    sibling.starts++;
    sibling.waits = order->waits;
    *ret_ticket = 9;
    *ret_text = "said the sibling";
    return sibling.start;
}

static const struct hostapi_fetch_view *view(void *owner, uint64_t ticket)
{
    (void)owner;
    return ticket == 9 ? &sibling.view : NULL;
}

static void take(void *owner, uint64_t ticket, size_t count)
{
    (void)owner;
    (void)ticket;
    sibling.view.data = bytes_make(sibling.view.data.data + count, sibling.view.data.count - count);
}

static bool no_write(void *owner, uint64_t ticket, struct bytes data, bool last)
{
    (void)owner;
    (void)ticket;
    (void)data;
    (void)last;
    return false;
}

static void await(void *owner, uint64_t ticket)
{
    (void)owner;
    assert_int_equal(ticket, 9);
    sibling.awaits++;
}

static int setup(void **state)
{
    static const struct hostapi_operations operations = {.look = look, .end = end};
    static const struct hostapi_fetches siblings = {
        .start = start, .view = view, .take = take, .write = no_write, .await = await};
    static const struct hostapi_world world = {.operations = &operations, .siblings = &siblings};
    memset(&sibling, 0, sizeof(sibling));
    sibling.view.text = "";
    assert_int_equal(calls_setup(state), 0);
    fixture.exchange.world = &world;
    fixture.exchange.owner = &sibling;
    memcpy(memory(0), "otherGET/a?bx-a\0v\0", 19);
    return 0;
}

static enum engine_outcome ask(skerry_handler *handler, uint32_t uri_bytes, uint32_t fields_bytes)
{
    const uint32_t rest[] = {8, uri_bytes, 12, fields_bytes, 0, 0};
    /* The harness sets four; the others are set before. */
    for (size_t i = 0; i < COUNT_OF(rest); i++)
        slots[i + 4].bits = rest[i];
    return call(handler, 0, 5, 5, 3);
}

static int32_t answer(void)
{
    return (int32_t)slots[0].i32;
}

static void what_is_started_is_read_like_another_servers_answer(void **state)
{
    (void)state;
    assert_int_equal(ask(skerry_call_start, 4, 6), ENGINE_DONE);
    assert_true(answer() >= 0);
    assert_false(sibling.waits);
    uint32_t handle = (uint32_t)answer();
    assert_int_equal(call(skerry_fetch_status, handle, 0, 0, 0), ENGINE_PENDING);
    assert_int_equal(sibling.awaits, 1);
    sibling.view = (struct hostapi_fetch_view){.has_head = true,
                                               .status = 201,
                                               .data = bytes_of_text("body"),
                                               .end = HOSTAPI_FETCH_DONE,
                                               .text = ""};
    assert_int_equal(call(skerry_fetch_status, handle, 0, 0, 0), ENGINE_DONE);
    assert_int_equal(answer(), 201);
    assert_int_equal(call(skerry_fetch_read, handle, 100, 3, 0), ENGINE_DONE);
    assert_int_equal(answer(), 3);
    assert_memory_equal(memory(100), "bod", 3);
    assert_int_equal(call(skerry_handle_close, handle, 0, 0, 0), ENGINE_DONE);
    assert_int_equal(sibling.ends, 1);
}

static void a_call_that_waits_answers_with_the_handle(void **state)
{
    (void)state;
    assert_int_equal(ask(skerry_call, 4, 6), ENGINE_PENDING);
    assert_int_equal(slots[0].bits, 0); /* where the name is, as it was asked */
    assert_true(sibling.waits);
    sibling.view.has_head = true;
    sibling.view.status = 404;
    assert_int_equal(ask(skerry_call, 4, 6), ENGINE_DONE);
    assert_true(answer() >= 0);
    assert_int_equal(sibling.starts, 1);
}

static void what_is_wrong_is_told_and_logged(void **state)
{
    (void)state;
    sibling.start = HOSTAPI_FETCH_DENIED;
    assert_int_equal(ask(skerry_call_start, 4, 6), ENGINE_DONE);
    assert_int_equal(answer(), SKERRY_DENIED);
    fixture_assert_log(&fixture, "warn said the sibling\n");
    sibling.start = HOSTAPI_FETCH_LIMIT;
    assert_int_equal(ask(skerry_call, 4, 6), ENGINE_DONE);
    assert_int_equal(answer(), SKERRY_LIMIT);
    assert_int_equal(ask(skerry_call, 4, 5), ENGINE_DONE); /* fields without their end */
    assert_int_equal(answer(), SKERRY_INVALID);
    assert_int_equal(sibling.starts, 2);
    fixture.exchange.world = NULL;
    assert_int_equal(ask(skerry_call, 4, 6), ENGINE_DONE);
    assert_int_equal(answer(), SKERRY_UNAVAILABLE);
}

static void a_pointer_outside_memory_or_the_builder_end_the_guest(void **state)
{
    (void)state;
    assert_int_equal(ask(skerry_call, PAGE_BYTES, 6), ENGINE_TRAPPED);
    fixture.host->options.snapshotting = true;
    assert_int_equal(ask(skerry_call, 4, 6), ENGINE_TRAPPED);
    fixture.host->options.snapshotting = false;
    assert_int_equal(sibling.starts, 0);
}

#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, setup, calls_teardown)

UNIT
{
    const struct CMUnitTest tests[] = {
        IN_WORLD(what_is_started_is_read_like_another_servers_answer),
        IN_WORLD(a_call_that_waits_answers_with_the_handle),
        IN_WORLD(what_is_wrong_is_told_and_logged),
        IN_WORLD(a_pointer_outside_memory_or_the_builder_end_the_guest),
    };
    return cmocka_run_group_tests(tests, fixture_prepare, NULL);
}
