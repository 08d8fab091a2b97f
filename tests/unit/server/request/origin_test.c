/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A function that ends at an origin, whose answers the test gives.
 */
#include <stdio.h>

#include "server/request/origin.h"
#include "tests/unit/server/request/stage.h"

static struct {
    struct hostapi_world calls;
    struct hostapi_world *real; /* the stage's */
    struct hostapi_fetch_view view;
    enum hostapi_fetch_end start_end;
    struct operation *operation;
    char url[200];
    char fields[1000];
    size_t fields_count;
    struct bytes rule;
    size_t body_bytes;
    size_t written;
    bool last;
    size_t taken;
    uint64_t deadline_us;
} origin;

static enum hostapi_fetch_end start(void *owner,
                                    const struct hostapi_fetch_order *order,
                                    uint64_t *ret_ticket,
                                    const char **ret_text)
{
    (void)snprintf(origin.url, sizeof(origin.url), "%.*s", (int)order->url.count,
                   (const char *)order->url.data);
    assert_true(order->fields.count <= sizeof(origin.fields));
    memcpy(origin.fields, order->fields.data, order->fields.count);
    origin.fields_count = order->fields.count;
    assert_int_equal(order->rule_count, 1);
    origin.rule = order->rules[0];
    origin.body_bytes = order->body.count;
    assert_false(order->follows);
    *ret_text = "as the test says";
    if (origin.start_end != HOSTAPI_FETCH_UNDER_WAY)
        return origin.start_end;
    assert_int_equal(operations_begin(owner, OPERATION_FETCH, &origin.operation), STATUS_OK);
    *ret_ticket = operation_ticket(origin.operation);
    return HOSTAPI_FETCH_UNDER_WAY;
}

static const struct hostapi_fetch_view *view(void *owner, uint64_t ticket)
{
    (void)owner;
    (void)ticket;
    return &origin.view;
}

static void take(void *owner, uint64_t ticket, size_t count)
{
    (void)owner;
    (void)ticket;
    origin.taken += count;
    origin.view.data = bytes_make(origin.view.data.data + count, origin.view.data.count - count);
}

static bool write_body(void *owner, uint64_t ticket, struct bytes data, bool last)
{
    (void)owner;
    (void)ticket;
    assert_true(data.count <= origin.view.room);
    origin.view.room -= (uint32_t)data.count;
    origin.written += data.count;
    origin.last = last;
    return true;
}

static void await(void *owner, uint64_t ticket)
{
    (void)owner;
    (void)ticket;
    operation_rearm(origin.operation);
}

static int setup(void **state)
{
    static const struct hostapi_fetches fetches = {
        .start = start, .view = view, .take = take, .write = write_body, .await = await};
    assert_int_equal(stage_setup(state), 0);
    struct stage *stage = *state;
    memset(&origin, 0, sizeof(origin));
    origin.view.text = "";
    stage->service.world.calls.fetches = &fetches;
    stage->service.world.operations.ended[OPERATION_FETCH] = NULL;
    stage->function.origin = bytes_of_text("https://backend.example");
    stage->steps[0] = GUEST_NEXT;
    stage->steps[1] = GUEST_FINISHED;
    stage->step_count = 2;
    return 0;
}

/* Something new of the origin's. */
static void happens(struct stage *stage)
{
    operations_complete(&stage->service.world.operations, operation_ticket(origin.operation), 0);
    stage_turn(stage, stage->now_ns);
}

static void says(const char *fields, size_t count)
{
    origin.view.has_head = true;
    origin.view.status = 203;
    origin.view.fields = bytes_make(fields, count);
}

static bool has_field(const char *name_and_value, size_t count)
{
    return memmem(origin.fields, origin.fields_count, name_and_value, count) != NULL;
}

static void next_is_the_origin_and_its_answer_the_response(void **state)
{
    struct stage *stage = *state;
    struct request *request = stage_begin(stage, 0);
    assert_int_equal(request->state, REQUEST_PARKED);
    assert_string_equal(origin.url, "https://backend.example/");
    assert_true(bytes_equal_text(origin.rule, "https://backend.example"));
    assert_true(has_field("x-forwarded-proto\0http", 23));
    assert_true(has_field("x-forwarded-host\0hello.acme.test", 33));
    says("content-length\0"
         "5\0x-a\0b",
         23);
    happens(stage);
    assert_int_equal(request->state, REQUEST_PARKED); /* a small one is waited for */
    origin.view.data = bytes_of_text("hello");
    origin.view.end = HOSTAPI_FETCH_DONE;
    happens(stage);
    assert_int_equal(request->state, REQUEST_ANSWERED);
    assert_int_equal(stage->returns, 1);
    assert_int_equal(stage->errors, 0);
    assert_int_equal(request->response.status, 203);
    assert_true(bytes_equal_text(request->response.body, "hello"));
    assert_int_equal(stage->metrics.operations_fetch, 0);
}

static void an_origin_that_fails_is_told_to_the_guest(void **state)
{
    static const struct {
        enum hostapi_fetch_end end;
        uint32_t status;
    } rows[] = {{HOSTAPI_FETCH_FAILED, 502},  {HOSTAPI_FETCH_CLOSED, 502},
                {HOSTAPI_FETCH_TIMEOUT, 504}, {HOSTAPI_FETCH_LIMIT, 508},
                {HOSTAPI_FETCH_DENIED, 502},  {HOSTAPI_FETCH_UNAVAILABLE, 502}};
    struct stage *stage = *state;
    for (uint32_t i = 0; i < COUNT_OF(rows); i++) {
        stage->steps_taken = 0;
        origin.view.end = HOSTAPI_FETCH_UNDER_WAY;
        struct request *request = stage_begin(stage, 0);
        origin.view.end = rows[i].end;
        happens(stage);
        assert_int_equal(request->state, REQUEST_ANSWERED);
        assert_int_equal(request->response.status, rows[i].status);
        assert_int_equal(stage->errors, i + 1);
        stage_end(stage, 0);
    }
    assert_int_equal(stage->metrics.faults_origin, COUNT_OF(rows));
    assert_int_equal(stage->in_use, 0);
}

static void one_that_cannot_be_begun_is_told_too(void **state)
{
    struct stage *stage = *state;
    origin.start_end = HOSTAPI_FETCH_LIMIT;
    struct request *request = stage_begin(stage, 0);
    stage_turn(stage, stage->now_ns);
    assert_int_equal(request->response.status, 508);
    assert_int_equal(stage->errors, 1);
    stage_end(stage, 0);
    stage->service.world.calls.fetches = NULL;
    stage->steps_taken = 0;
    request = stage_begin(stage, 0);
    stage_turn(stage, stage->now_ns);
    assert_int_equal(request->response.status, 502);
}

static void what_a_client_says_of_itself_goes_no_further(void **state)
{
    struct stage *stage = *state;
    static const char *const names[] = {"x-forwarded-for", "forwarded", "host", "x-real-ip", "x-a"};
    struct request *request = stage_begin(stage, 0);
    stage_end(stage, 0);
    (void)request;
    request = &stage->requests[0];
    assert_true(request_init(request, &stage->service, request->carrier));
    struct http_exchange *http = &request->http;
    for (size_t i = 0; i < COUNT_OF(names); i++)
        assert_int_equal(http_headers_add(http, &http->request_headers, bytes_of_text(names[i]),
                                          bytes_of_text("said")),
                         STATUS_OK);
    http->authority = bytes_of_text("hello.acme.test");
    http->source_addr = bytes_of_text("[2001:db8::1]:77");
    http->method = bytes_of_text("GET");
    request->path = bytes_of_text("/");
    stage->steps_taken = 0;
    request_begin(request);
    assert_string_equal(origin.url, "https://backend.example/");
    assert_true(has_field("x-a\0said", 9));
    assert_true(has_field("x-forwarded-for\0"
                          "2001:db8::1",
                          28));
    assert_true(
        has_field("forwarded\0for=\"[2001:db8::1]\";host=\"hello.acme.test\";proto=http", 63));
    assert_false(has_field("x-forwarded-for\0said", 21));
    assert_false(has_field("x-real-ip", 9));
    assert_false(has_field("host\0said", 10));
}

static void a_long_answer_goes_out_as_it_comes(void **state)
{
    static char piece[STAGE_WRITE_MAX];
    struct stage *stage = *state;
    struct request *request = stage_begin(stage, 0);
    request->http.may_stream = true;
    says("x-a\0b", 6);
    origin.view.data = bytes_make(piece, 100);
    happens(stage);
    assert_int_equal(stage->pieces, 1);
    assert_int_equal(stage->piece_bytes, 100);
    assert_int_equal(request->state, REQUEST_PARKED);
    /* More than there is room for waits until some is out. */
    origin.view.data = bytes_make(piece, sizeof(piece));
    happens(stage);
    stage_take(stage, 0);
    stage_turn(stage, stage->now_ns);
    while (origin.view.data.count > 0 || stage->in_flight[0]) {
        if (stage->in_flight[0])
            stage_take(stage, 0);
        stage_turn(stage, stage->now_ns);
    }
    assert_int_equal(origin.taken, 100 + sizeof(piece));
    origin.view.end = HOSTAPI_FETCH_DONE;
    happens(stage);
    assert_int_equal(request->state, REQUEST_ANSWERED);
    assert_int_equal(stage->returns, 1);
}

static void the_last_step_of_a_chain_ends_at_the_chains_origin(void **state)
{
    static const struct bytes rows[] = {{(const uint8_t *)"hello", 5},
                                        {(const uint8_t *)"hello", 5}};
    struct stage *stage = *state;
    stage->function.steps.rows = rows;
    stage->function.steps.count = COUNT_OF(rows);
    stage->steps[1] = GUEST_NEXT;
    stage->step_count = 2;
    stage->return_step = GUEST_FINISHED;
    struct request *request = stage_begin(stage, 0);
    stage_turn(stage, stage->now_ns);
    assert_int_equal(request->state, REQUEST_PARKED);
    assert_int_equal(stage->in_use, 2);
    says("x-a\0b", 6);
    origin.view.end = HOSTAPI_FETCH_DONE;
    happens(stage);
    assert_int_equal(request->state, REQUEST_ANSWERED);
    assert_int_equal(stage->returns, 2);
    assert_int_equal(request->response.status, 203);
}

static void who_leaves_ends_the_fetch(void **state)
{
    struct stage *stage = *state;
    (void)stage_begin(stage, 0);
    assert_int_equal(stage->metrics.operations_fetch, 1);
    stage_end(stage, 0);
    assert_int_equal(stage->metrics.operations_fetch, 0);
    assert_int_equal(stage->in_use, 0);
}

#define ON_STAGE(test) cmocka_unit_test_setup_teardown(test, setup, stage_teardown)

UNIT
{
    const struct CMUnitTest tests[] = {
        ON_STAGE(next_is_the_origin_and_its_answer_the_response),
        ON_STAGE(an_origin_that_fails_is_told_to_the_guest),
        ON_STAGE(one_that_cannot_be_begun_is_told_too),
        ON_STAGE(what_a_client_says_of_itself_goes_no_further),
        ON_STAGE(a_long_answer_goes_out_as_it_comes),
        ON_STAGE(the_last_step_of_a_chain_ends_at_the_chains_origin),
        ON_STAGE(who_leaves_ends_the_fetch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
