/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fetches as guests call them, in a world that the test plays.
 */
#include "hostapi/hostcalls.h"
#include "hostapi/skerry/skerry.h"
#include "tests/support/unit.h"
#include "tests/unit/hostapi/wasi/calls.h"

#define TICKET 77
#define METHOD 16
#define URL    32
#define FIELDS 64
#define BODY   128
#define BUFFER 1024

static struct {
    struct hostapi_fetch_order order;
    struct hostapi_fetch_view view;
    enum hostapi_fetch_end start_end;
    bool over;
    uint32_t starts;
    uint32_t ends;
    uint32_t awaits;
    size_t taken;
    char written[64];
    size_t written_count;
    bool last;
} world;

static enum hostapi_fetch_end start(void *owner,
                                    const struct hostapi_fetch_order *order,
                                    uint64_t *ret_ticket,
                                    const char **ret_text)
{
    assert_ptr_equal(owner, &world);
    world.starts++;
    world.order = *order;
    *ret_ticket = TICKET;
    *ret_text = world.start_end == HOSTAPI_FETCH_UNDER_WAY ? "" : "no such luck";
    return world.start_end;
}

static const struct hostapi_fetch_view *view(void *owner, uint64_t ticket)
{
    (void)owner;
    assert_int_equal(ticket, TICKET);
    return world.over ? NULL : &world.view;
}

static void take(void *owner, uint64_t ticket, size_t count)
{
    (void)owner;
    (void)ticket;
    world.taken += count;
    world.view.data = bytes_make(world.view.data.data + count, world.view.data.count - count);
}

static bool write_body(void *owner, uint64_t ticket, struct bytes data, bool last)
{
    (void)owner;
    (void)ticket;
    assert_true(data.count <= world.view.room);
    if (data.count > 0)
        memcpy(world.written + world.written_count, data.data, data.count);
    world.written_count += data.count;
    world.last = last;
    return true;
}

static void await(void *owner, uint64_t ticket)
{
    (void)owner;
    (void)ticket;
    world.awaits++;
}

static enum hostapi_look look(void *owner, uint64_t ticket, int64_t *ret_result)
{
    (void)owner;
    (void)ticket;
    (void)ret_result;
    return HOSTAPI_UNDER_WAY;
}

static void end(void *owner, uint64_t ticket)
{
    (void)owner;
    assert_int_equal(ticket, TICKET);
    world.ends++;
}

static int setup(void **state)
{
    static const struct hostapi_operations operations = {.look = look, .end = end};
    static const struct hostapi_fetches fetches = {
        .start = start, .view = view, .take = take, .write = write_body, .await = await};
    static const struct hostapi_world all = {.operations = &operations, .fetches = &fetches};
    static const struct bytes rules[] = {{(const uint8_t *)"https://a", 9}};
    memset(&world, 0, sizeof(world));
    world.view.text = "";
    assert_int_equal(calls_setup(state), 0);
    fixture.exchange.world = &all;
    fixture.exchange.owner = &world;
    fixture.exchange.outbound = rules;
    fixture.exchange.outbound_count = 1;
    fixture.exchange.tenant = bytes_of_text("acme");
    memcpy(memory(METHOD), "PUT", 3);
    memcpy(memory(URL), "https://a/b", 11);
    memcpy(memory(FIELDS), "x\0y\0", 4);
    memcpy(memory(BODY), "abc", 3);
    return 0;
}

/* The answer; INT32_MIN if the call did not answer. */
static int32_t ask(skerry_handler *handler, uint64_t flags, uint64_t timeout_ms, uint32_t url_bytes)
{
    const uint64_t arguments[] = {METHOD, 3, URL, url_bytes, FIELDS, 4, BODY, 3, flags, timeout_ms};
    for (size_t i = 0; i < COUNT_OF(arguments); i++)
        slots[i].bits = arguments[i];
    struct engine_host_call host_call = {
        .instance = fixture.instance, .context = fixture.host, .slots = slots};
    enum engine_outcome outcome =
        handler(hostcalls_enter(&host_call, HOSTAPI_KIND_SKERRY, 0), &host_call);
    return outcome == ENGINE_DONE ? (int32_t)slots[0].i32 : INT32_MIN;
}

static uint32_t open_fetch(void)
{
    int32_t handle = ask(skerry_fetch_start, 0, 0, 11);
    assert_true(handle >= 0);
    return (uint32_t)handle;
}

static void expect_call(skerry_handler *handler, uint32_t a, uint32_t b, uint32_t c, int32_t answer)
{
    assert_int_equal(call(handler, a, b, c, 0), ENGINE_DONE);
    assert_int_equal((int32_t)slots[0].i32, answer);
}

static void a_fetch_is_begun_with_what_the_guest_says_and_the_function_may(void **state)
{
    (void)state;
    (void)open_fetch();
    const struct hostapi_fetch_order *order = &world.order;
    assert_true(bytes_equal_text(order->method, "PUT"));
    assert_true(bytes_equal_text(order->url, "https://a/b"));
    assert_true(bytes_equal(order->fields, bytes_make("x\0y\0", 4)));
    assert_true(bytes_equal_text(order->body, "abc"));
    assert_true(bytes_equal_text(order->tenant, "acme"));
    assert_int_equal(order->rule_count, 1);
    assert_false(order->body_follows || order->follows);
    assert_int_equal(order->deadline_us, fixture.limits.outbound_wall);
    assert_int_equal(order->answer_bytes_max, fixture.limits.outbound_bytes);
    assert_true(ask(skerry_fetch_start, 3, 20, 11) >= 0);
    assert_true(order->body_follows && order->follows);
    assert_int_equal(order->deadline_us, 20000);
    assert_true(ask(skerry_fetch_start, 0, UINT64_MAX >> 1, 11) >= 0);
    assert_int_equal(order->deadline_us, fixture.limits.outbound_wall);
}

static void what_makes_no_sense_is_refused(void **state)
{
    (void)state;
    assert_int_equal(ask(skerry_fetch_start, 4, 0, 11), SKERRY_INVALID);
    assert_int_equal(ask(skerry_fetch_start, 0, 0, HOSTAPI_FETCH_URL_MAX + 1), SKERRY_TOO_LARGE);
    assert_int_equal(ask(skerry_fetch_start, 0, 0, PAGE_BYTES), INT32_MIN); /* trapped */
    *memory(FIELDS + 3) = 'z';
    assert_int_equal(ask(skerry_fetch_start, 0, 0, 11), SKERRY_INVALID);
    assert_int_equal(world.starts, 0);
    world.start_end = HOSTAPI_FETCH_LIMIT;
    *memory(FIELDS + 3) = '\0';
    assert_int_equal(ask(skerry_fetch_start, 0, 0, 11), SKERRY_LIMIT);
    assert_non_null(memmem(fixture.exchange.log.data, fixture.exchange.log.count, "no such", 7));
    fixture.exchange.world = NULL;
    assert_int_equal(ask(skerry_fetch_start, 0, 0, 11), SKERRY_UNAVAILABLE);
}

static void a_request_makes_so_many_and_no_more(void **state)
{
    (void)state;
    fixture.limits.outbound = 2;
    (void)open_fetch();
    (void)open_fetch();
    assert_int_equal(ask(skerry_fetch_start, 0, 0, 11), SKERRY_LIMIT);
    assert_int_equal(world.starts, 2);
}

static void a_status_is_waited_for(void **state)
{
    (void)state;
    uint32_t handle = open_fetch();
    assert_int_equal(call(skerry_fetch_status, handle, 0, 0, 0), ENGINE_PENDING);
    assert_int_equal(world.awaits, 1);
    world.view.has_head = true;
    world.view.status = 204;
    expect_call(skerry_fetch_status, handle, 0, 0, 204);
    expect_call(skerry_fetch_status, handle + 1, 0, 0, SKERRY_INVALID);
    world.over = true;
    expect_call(skerry_fetch_status, handle, 0, 0, SKERRY_INVALID);
}

static void the_call_that_waits_answers_a_handle_or_why_not(void **state)
{
    (void)state;
    assert_int_equal(ask(skerry_fetch, 0, 0, 11), INT32_MIN); /* parked */
    assert_int_equal(slots[0].bits, METHOD);                  /* as it was asked */
    world.view.has_head = true;
    world.view.status = 200;
    int32_t handle = ask(skerry_fetch, 0, 0, 11);
    assert_true(handle >= 0);
    assert_int_equal(world.starts, 1); /* the same call, made again */
    world.view.has_head = false;
    world.view.end = HOSTAPI_FETCH_DENIED;
    world.view.text = "add a line";
    assert_int_equal(ask(skerry_fetch, 0, 0, 11), SKERRY_DENIED);
    assert_int_equal(world.ends, 1);
    assert_non_null(memmem(fixture.exchange.log.data, fixture.exchange.log.count, "a line", 6));
    world.over = true;
    assert_int_equal(ask(skerry_fetch, 0, 0, 11), SKERRY_UNAVAILABLE);
}

static void each_end_has_its_error(void **state)
{
    (void)state;
    static const struct {
        enum hostapi_fetch_end end;
        int32_t error;
    } rows[] = {
        {HOSTAPI_FETCH_INVALID, SKERRY_INVALID},
        {HOSTAPI_FETCH_DENIED, SKERRY_DENIED},
        {HOSTAPI_FETCH_LIMIT, SKERRY_LIMIT},
        {HOSTAPI_FETCH_TIMEOUT, SKERRY_TIMEOUT},
        {HOSTAPI_FETCH_TOO_LARGE, SKERRY_TOO_LARGE},
        {HOSTAPI_FETCH_CLOSED, SKERRY_CLOSED},
        {HOSTAPI_FETCH_UNAVAILABLE, SKERRY_UNAVAILABLE},
        {HOSTAPI_FETCH_FAILED, SKERRY_FAILED},
    };
    uint32_t handle = open_fetch();
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        world.view.end = rows[i].end;
        expect_call(skerry_fetch_status, handle, 0, 0, rows[i].error);
        expect_call(skerry_fetch_read, handle, BUFFER, 10, rows[i].error);
    }
}

static void a_body_is_read_to_its_end(void **state)
{
    (void)state;
    uint32_t handle = open_fetch();
    world.view.has_head = true;
    assert_int_equal(call(skerry_fetch_read, handle, BUFFER, 4, 0), ENGINE_PENDING);
    world.view.data = bytes_of_text("hello!");
    expect_call(skerry_fetch_read, handle, BUFFER, 4, 4);
    assert_memory_equal(memory(BUFFER), "hell", 4);
    assert_int_equal(world.awaits, 1);
    expect_call(skerry_fetch_read, handle, BUFFER, 4, 2);
    assert_int_equal(world.awaits, 2); /* nothing is left to look at */
    world.view.end = HOSTAPI_FETCH_DONE;
    expect_call(skerry_fetch_read, handle, BUFFER, 4, 0);
    assert_int_equal(world.taken, 6);
    assert_int_equal(call(skerry_fetch_read, handle, PAGE_BYTES - 1, 2, 0), ENGINE_TRAPPED);
    /* It counts for the next one. */
    (void)open_fetch();
    assert_int_equal(world.order.answer_bytes_max, fixture.limits.outbound_bytes - 6);
}

static void headers_are_found_by_name_and_place(void **state)
{
    (void)state;
    static const char fields[] = "set-cookie\0a\0x\0\0set-cookie\0b";
    uint32_t handle = open_fetch();
    memcpy(memory(METHOD), "Set-Cookie", 10);
    for (uint32_t i = 0; i < 4; i++) {
        static const int32_t answers[] = {SKERRY_NOT_FOUND, 1, 1, SKERRY_NOT_FOUND};
        const uint64_t arguments[] = {handle, METHOD, 10, i == 0 ? 0 : i - 1, BUFFER, 100};
        for (size_t j = 0; j < COUNT_OF(arguments); j++)
            slots[j].bits = arguments[j];
        struct engine_host_call host_call = {
            .instance = fixture.instance, .context = fixture.host, .slots = slots};
        assert_int_equal(
            skerry_fetch_header(hostcalls_enter(&host_call, HOSTAPI_KIND_SKERRY, 0), &host_call),
            ENGINE_DONE);
        assert_int_equal((int32_t)slots[0].i32, answers[i]);
        if (answers[i] == 1)
            assert_int_equal(*memory(BUFFER), i == 1 ? 'a' : 'b');
        world.view.has_head = true;
        world.view.fields = bytes_make(fields, sizeof(fields));
    }
    expect_call(skerry_fetch_headers, handle, BUFFER, 100, sizeof(fields));
    assert_memory_equal(memory(BUFFER), fields, sizeof(fields));
    world.view.url = bytes_of_text("https://b/");
    expect_call(skerry_fetch_url, handle, BUFFER, 100, 10);
    expect_call(skerry_fetch_error, handle, BUFFER, 100, 0);
}

static void a_body_is_written_as_there_is_room(void **state)
{
    (void)state;
    uint32_t handle = open_fetch();
    assert_int_equal(call(skerry_fetch_body_write, handle, BODY, 3, 0), ENGINE_PENDING);
    world.view.room = 2;
    expect_call(skerry_fetch_body_write, handle, BODY, 3, 2);
    expect_call(skerry_fetch_body_write, handle, BODY, 0, 0);
    expect_call(skerry_fetch_body_end, handle, 0, 0, 0);
    assert_true(world.last);
    assert_memory_equal(world.written, "ab", 2);
    world.view.end = HOSTAPI_FETCH_DONE;
    expect_call(skerry_fetch_body_write, handle, BODY, 3, SKERRY_CLOSED);
    expect_call(skerry_fetch_body_end, handle, 0, 0, SKERRY_CLOSED);
}

#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, setup, calls_teardown)

UNIT
{
    const struct CMUnitTest tests[] = {
        IN_WORLD(a_fetch_is_begun_with_what_the_guest_says_and_the_function_may),
        IN_WORLD(what_makes_no_sense_is_refused),
        IN_WORLD(a_request_makes_so_many_and_no_more),
        IN_WORLD(a_status_is_waited_for),
        IN_WORLD(the_call_that_waits_answers_a_handle_or_why_not),
        IN_WORLD(each_end_has_its_error),
        IN_WORLD(a_body_is_read_to_its_end),
        IN_WORLD(headers_are_found_by_name_and_place),
        IN_WORLD(a_body_is_written_as_there_is_room),
    };
    return cmocka_run_group_tests(tests, fixture_prepare, NULL);
}
