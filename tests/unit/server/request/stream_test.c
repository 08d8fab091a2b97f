/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers in pieces: when they begin, how they flow, and each way in which they end.
 */
#include "tests/unit/server/request/stage.h"

#define MS CLOCK_NS_PER_MS
#define US CLOCK_NS_PER_US

/* Request 0 wrote 10 bytes and is parked until `until_ns`; its next run finishes. */
static struct request *begin_stream(struct stage *stage, uint64_t until_ns)
{
    stage->steps[0] = GUEST_WAITS;
    stage->steps[1] = GUEST_FINISHED;
    stage->step_count = 2;
    stage->result.until_ns = until_ns;
    stage->write_bytes = 10;
    return stage_begin(stage, 0);
}

/* The same, and its first piece is out. */
static struct request *begin_paused(struct stage *stage, uint64_t until_ns)
{
    struct request *request = begin_stream(stage, until_ns);
    stage_take(stage, 0);
    return request;
}

static void expect_cut(const struct stage *stage, const struct request *request, const char *code)
{
    assert_int_equal(request->state, REQUEST_ANSWERED);
    assert_int_equal(stage->cuts, 1);
    assert_int_equal(stage->sent, 0);
    assert_string_equal(request->code, code);
    assert_int_equal(request->response.status, 200);
    assert_int_equal(stage->metrics.streams_cut, 1);
    assert_int_equal(stage->last_end, ISOLATE_DISCARDED);
}

/* ---- it begins ------------------------------------------------------------------------------- */

static void a_guest_that_parks_with_something_written_sends_it(void **state)
{
    struct stage *stage = *state;
    struct request *request = begin_stream(stage, UINT64_MAX);
    assert_int_equal(request->state, REQUEST_PARKED);
    assert_int_equal(stage->pieces, 1);
    assert_int_equal(stage->piece_bytes, 10);
    assert_int_equal(request->response.status, 200);
    assert_int_equal(request->response.extra_count, 3);
    assert_int_equal(request->http.response_body.count, 0);
    assert_int_equal(stage->metrics.streams, 1);
    stage_end(stage, 0);
    assert_int_equal(stage->metrics.streams, 0);
    assert_int_equal(stage->metrics.streams_begun, 1);
}

static void a_guest_that_parks_with_nothing_written_is_no_stream(void **state)
{
    struct stage *stage = *state;
    stage->steps[0] = GUEST_WAITS;
    stage->steps[1] = GUEST_FINISHED;
    stage->step_count = 2;
    struct request *request = stage_begin(stage, 0);
    assert_int_equal(request->state, REQUEST_PARKED);
    assert_int_equal(stage->pieces, 0);
    stage_turn(stage, 0);
    assert_int_equal(request->state, REQUEST_ANSWERED);
    assert_int_equal(stage->sent, 1);
    assert_int_equal(stage->pieces, 0);
}

static void a_flush_sends_the_head_alone(void **state)
{
    struct stage *stage = *state;
    struct request *request = &stage->requests[0];
    stage->steps[0] = GUEST_WAITS;
    stage->steps[1] = GUEST_WAITS;
    stage->step_count = 2;
    stage_begin(stage, 0);
    request->http.flush_wanted = true;
    stage->result.until_ns = UINT64_MAX;
    stage_turn(stage, 0);
    assert_int_equal(stage->pieces, 1);
    assert_int_equal(stage->piece_bytes, 0);
    assert_false(request->http.flush_wanted);
    /* Once. */
    stage_take(stage, 0);
    request->http.flush_wanted = true;
    stage_turn(stage, request->deadline_ns - 1);
    assert_int_equal(stage->pieces, 1);
}

static void a_response_that_somebody_wants_whole_is_no_stream(void **state)
{
    struct stage *stage = *state;
    stage->steps[0] = GUEST_WAITS;
    stage->steps[1] = GUEST_WAITS;
    stage->steps[2] = GUEST_FINISHED;
    stage->step_count = 3;
    struct request *request = stage_begin(stage, 0);
    stage->write_bytes = 10;
    request->http.response_holds = 1;
    stage_turn(stage, 0);
    assert_int_equal(request->state, REQUEST_PARKED);
    assert_int_equal(stage->pieces, 0);
    stage_turn(stage, 0);
    assert_int_equal(request->response.body.count, 20);
    assert_int_equal(stage->sent, 1);
}

static void without_room_for_its_answer_it_is_busy(void **state)
{
    struct stage *stage = *state;
    stage->is_full = true;
    struct request *request = begin_stream(stage, UINT64_MAX);
    assert_int_equal(request->state, REQUEST_ANSWERED);
    assert_int_equal(request->response.status, 503);
    assert_int_equal(stage->pieces, 0);
    assert_int_equal(stage->metrics.refused_unread, 1);
}

static void where_there_is_no_body_the_head_is_all_and_the_guest_ends(void **state)
{
    static const struct {
        const char *method;
        uint32_t status;
    } rows[] = {{"HEAD", 200}, {"GET", 204}, {"GET", 205}, {"GET", 304}};
    for (uint32_t i = 0; i < COUNT_OF(rows); i++) {
        assert_int_equal(stage_teardown(state), 0);
        assert_int_equal(stage_setup(state), 0);
        struct stage *stage = *state;
        stage->method = rows[i].method;
        stage->steps[0] = GUEST_WAITS;
        struct request *request = stage_begin(stage, 0);
        request->http.status = rows[i].status;
        stage->write_bytes = 10;
        stage_turn(stage, 0);
        assert_int_equal(request->state, REQUEST_ANSWERED);
        assert_int_equal(request->response.status, rows[i].status);
        assert_int_equal(request->response.body.count, 0);
        assert_int_equal(stage->sent, 1);
        assert_int_equal(stage->pieces, 0);
        assert_int_equal(stage->last_end, ISOLATE_DISCARDED);
    }
}

/* ---- it flows -------------------------------------------------------------------------------- */

static void a_guest_is_two_pieces_ahead_and_then_waits_for_its_client(void **state)
{
    struct stage *stage = *state;
    stage->steps[0] = GUEST_WAITS;
    stage->result = (struct guest_result){.for_room = true, .until_ns = UINT64_MAX};
    stage->write_bytes = STAGE_WRITE_MAX / 2;
    struct request *request = stage_begin(stage, 0);
    /* The first went out, which made room at once. */
    assert_int_equal(request->state, REQUEST_PARKED);
    assert_int_equal(stage->pieces, 1);
    assert_int_equal(stage->steps_taken, 2);
    assert_int_equal(request->http.response_body.count, STAGE_WRITE_MAX / 2);
    stage_take(stage, 0);
    assert_int_equal(request->state, REQUEST_RUNNABLE);
    assert_int_equal(stage->pieces, 2);
    stage_turn(stage, stage->now_ns + MS);
    assert_int_equal(request->state, REQUEST_PARKED);
    assert_int_equal(stage->steps_taken, 3);
    assert_int_equal(request->http.response_sent, STAGE_WRITE_MAX);
    /* Memory is flat, and counted. */
    assert_true(request->stream.sending.capacity <= STAGE_WRITE_MAX);
    assert_true(request->http.response_body.capacity <= STAGE_WRITE_MAX);
    assert_true(request->claim.bytes[ISOLATE_BUDGET_EXCHANGE] >=
                sizeof(*request) + (size_t)STAGE_WRITE_MAX);
}

static void what_is_written_while_a_piece_is_in_flight_follows_it(void **state)
{
    struct stage *stage = *state;
    stage->steps[0] = GUEST_WAITS;
    stage->result.until_ns = 0;
    stage->write_bytes = 10;
    struct request *request = stage_begin(stage, 0);
    stage->result.until_ns = UINT64_MAX;
    stage_turn(stage, 0);
    assert_int_equal(request->state, REQUEST_PARKED);
    assert_int_equal(stage->pieces, 1);
    stage_take(stage, 0);
    assert_int_equal(stage->pieces, 2);
    assert_int_equal(stage->piece_bytes, 10);
    assert_int_equal(request->state, REQUEST_PARKED);
    stage_take(stage, 0);
    assert_int_equal(stage->pieces, 2);
}

static void with_nothing_in_flight_the_end_is_sent_at_once(void **state)
{
    struct stage *stage = *state;
    struct request *request = begin_paused(stage, 0);
    stage->service.access_log = true;
    stage_turn(stage, 0);
    assert_int_equal(request->state, REQUEST_ANSWERED);
    assert_int_equal(stage->sent, 1);
    assert_int_equal(stage->piece_bytes, 10);
    assert_int_equal(stage->last_end, ISOLATE_GOES_ON);
    stage_log_begin();
    stage_end(stage, 0);
    assert_int_equal(stage_log_count(stage_log_take(), "\"bytes\":20"), 1);
}

static void the_permit_of_who_sends_the_rest_is_free_when_that_is_out(void **state)
{
    struct stage *stage = *state;
    struct request *first = begin_stream(stage, 0);
    stage_turn(stage, 0);
    assert_int_equal(first->state, REQUEST_SENDING);
    assert_int_equal(stage->in_use, 0);
    stage->write_bytes = 0;
    struct request *second = stage_begin(stage, 1);
    assert_int_equal(second->state, REQUEST_QUEUED);
    stage_take(stage, 0);
    assert_int_equal(first->state, REQUEST_ANSWERED);
    assert_int_equal(second->state, REQUEST_READY);
}

/* ---- lengths --------------------------------------------------------------------------------- */

static void promise(struct request *request, const char *length)
{
    assert_int_equal(http_headers_set(&request->http, &request->http.response_headers,
                                      bytes_of_text("content-length"), bytes_of_text(length)),
                     STATUS_OK);
}

/* Writes 10 bytes twice, with a length promised before. */
static struct request *begin_promised(struct stage *stage, const char *length)
{
    stage->steps[0] = GUEST_WAITS;
    stage->steps[1] = GUEST_WAITS;
    stage->steps[2] = GUEST_FINISHED;
    stage->step_count = 3;
    struct request *request = stage_begin(stage, 0);
    stage->write_bytes = 10;
    promise(request, length);
    stage_turn(stage, 0);
    if (stage->pieces > 0)
        stage_take(stage, 0);
    return request;
}

static void a_length_that_is_kept_is_the_lengths_end(void **state)
{
    struct stage *stage = *state;
    struct request *request = begin_promised(stage, "20");
    assert_int_equal(request->http.head_length, 20);
    stage_turn(stage, 0);
    assert_int_equal(request->state, REQUEST_ANSWERED);
    assert_int_equal(stage->cuts, 0);
    assert_int_equal(stage->sent, 1);
}

static void a_body_shorter_than_its_length_is_cut(void **state)
{
    struct stage *stage = *state;
    struct request *request = begin_promised(stage, "21");
    stage_log_begin();
    stage_turn(stage, 0);
    assert_int_equal(stage_log_count(stage_log_take(), "\"bad_output\""), 1);
    expect_cut(stage, request, "bad_output");
}

static void a_body_longer_than_its_length_is_a_fault_before_it_begins(void **state)
{
    struct stage *stage = *state;
    stage_log_begin();
    struct request *request = begin_promised(stage, "9");
    (void)stage_log_take();
    assert_int_equal(request->state, REQUEST_ANSWERED);
    assert_int_equal(request->response.status, 500);
    assert_int_equal(stage->pieces, 0);
}

/* ---- it ends before its time ----------------------------------------------------------------- */

static void the_first_byte_stops_one_clock_and_starts_another(void **state)
{
    struct stage *stage = *state;
    struct request *request = begin_paused(stage, UINT64_MAX);
    uint64_t begun_ns = stage->now_ns;
    stage_turn(stage, request->arrived_ns + STAGE_WALL_US * US);
    assert_int_equal(request->state, REQUEST_PARKED);
    stage_turn(stage, begun_ns + STAGE_STREAM_US * US - 1);
    assert_int_equal(request->state, REQUEST_PARKED);
    stage_log_begin();
    stage_turn(stage, begun_ns + STAGE_STREAM_US * US);
    const char *log = stage_log_take();
    assert_int_equal(stage_log_count(log, "\"stream_cut\""), 1);
    assert_int_equal(stage_log_count(log, "limits.stream_wall"), 1);
    expect_cut(stage, request, "deadline");
}

static void a_fault_after_the_head_cuts_it_and_is_logged(void **state)
{
    struct stage *stage = *state;
    struct request *request = begin_paused(stage, 0);
    stage->steps[1] = GUEST_FAULTED;
    stage->result.fault = FAULT_TRAP;
    stage_log_begin();
    stage_turn(stage, 0);
    const char *log = stage_log_take();
    assert_int_equal(stage_log_count(log, "\"guest_fault\""), 1);
    assert_int_equal(stage_log_count(log, "\"stream_cut\""), 0);
    expect_cut(stage, request, "trap");
    assert_false(stage->cut_at_once);
}

/* Whatever they wait for: room in their answer, a piece of their body, a moment. */
static void ten_thousand_whose_client_leaves_give_all_back(void **state)
{
    struct stage *stage = *state;
    static const struct guest_result waits[] = {{.for_room = true, .until_ns = UINT64_MAX},
                                                {.for_body = true, .until_ns = UINT64_MAX},
                                                {.until_ns = UINT64_MAX}};
    stage->service.access_log = false;
    stage->steps[0] = GUEST_WAITS;
    for (size_t kind = 0; kind < COUNT_OF(waits); kind++) {
        stage->result = waits[kind];
        stage->write_bytes = waits[kind].for_room ? STAGE_WRITE_MAX / 2 : 0;
        for (uint32_t i = 0; i < 10000; i++) {
            const struct request *request = stage_begin(stage, 0);
            while (request->state == REQUEST_READY) /* so many in one moment */
                stage_turn(stage, stage->now_ns);
            assert_int_equal(request->state, REQUEST_PARKED);
            stage_end(stage, 0);
            stage->in_flight[0] = false; /* the carrier is gone with it */
            (void)guest_log_turn(&stage->service);
        }
        assert_int_equal(stage->metrics.parked, 0);
        assert_int_equal(stage->service.parking.taken, 0);
        assert_int_equal(stage->service.in_flight, 0);
        assert_int_equal(stage->in_use, 0);
        assert_true(list_is_empty(&stage->service.streams));
    }
    assert_int_equal(stage->metrics.client_gone, 10000 * COUNT_OF(waits));
}

static void a_client_that_takes_nothing_is_waited_for_so_long(void **state)
{
    struct stage *stage = *state;
    stage->steps[0] = GUEST_WAITS;
    stage->result = (struct guest_result){.for_room = true, .until_ns = UINT64_MAX};
    stage->write_bytes = STAGE_WRITE_MAX / 2;
    struct request *request = stage_begin(stage, 0);
    uint64_t parked_ns = stage->now_ns;
    stage->taken_bytes++;
    stage_turn(stage, parked_ns + STAGE_IDLE_US * US);
    assert_int_equal(request->state, REQUEST_PARKED);
    stage_turn(stage, parked_ns + 2 * STAGE_IDLE_US * US - 1);
    assert_int_equal(request->state, REQUEST_PARKED);
    stage_turn(stage, parked_ns + 2 * STAGE_IDLE_US * US);
    expect_cut(stage, request, "stream_idle");
    assert_true(stage->cut_at_once);
    assert_int_equal(stage->metrics.slow_clients, 1);
}

static void so_it_is_for_the_rest(void **state)
{
    struct stage *stage = *state;
    struct request *request = begin_stream(stage, 0);
    stage_turn(stage, 0);
    assert_int_equal(request->state, REQUEST_SENDING);
    stage_turn(stage, stage->now_ns + STAGE_IDLE_US * US);
    assert_int_equal(request->state, REQUEST_ANSWERED);
    assert_int_equal(stage->cuts, 1);
    assert_string_equal(request->code, "stream_idle");
}

/* ---- drain, and functions that go ------------------------------------------------------------ */

static void a_drain_gives_streams_a_grace_and_new_ones_the_rest_of_it(void **state)
{
    struct stage *stage = *state;
    struct request *first = begin_paused(stage, UINT64_MAX);
    uint64_t drained_ns = stage->now_ns + STAGE_GRACE_US * US;
    stream_drain(&stage->service);
    stage_turn(stage, drained_ns - MS);
    assert_int_equal(first->state, REQUEST_PARKED);
    stage->steps_taken = 0;
    struct request *second = stage_begin(stage, 1);
    assert_int_equal(second->state, REQUEST_PARKED);
    stage_log_begin();
    stage_turn(stage, drained_ns);
    assert_int_equal(stage_log_count(stage_log_take(), "limits.drain_grace"), 2);
    assert_string_equal(first->code, "stream_ended");
    assert_string_equal(second->code, "stream_ended");
    assert_int_equal(stage->metrics.streams_left, 2);
}

static void only_a_function_that_is_gone_ends_its_streams(void **state)
{
    struct stage *stage = *state;
    struct request *request = begin_paused(stage, UINT64_MAX);
    uint64_t deadline_ns = request->deadline_ns;
    stage->generation = 1; /* another version */
    stream_sweep(&stage->service);
    assert_int_equal(request->deadline_ns, deadline_ns);
    stage->find_status = STATUS_NOT_FOUND;
    stream_sweep(&stage->service); /* nothing happened since */
    assert_int_equal(request->deadline_ns, deadline_ns);
    stage->generation = 2;
    stream_sweep(&stage->service);
    assert_int_equal(request->deadline_ns, stage->now_ns + STAGE_GRACE_US * US);
    stage_turn(stage, request->deadline_ns);
    expect_cut(stage, request, "stream_ended");
}

static void who_waits_for_its_body_goes_on_when_it_comes(void **state)
{
    struct stage *stage = *state;
    stage->steps[0] = GUEST_WAITS;
    stage->steps[1] = GUEST_FINISHED;
    stage->step_count = 2;
    stage->result = (struct guest_result){.for_body = true, .until_ns = UINT64_MAX};
    struct request *request = stage_begin(stage, 0);
    assert_int_equal(request->state, REQUEST_PARKED);
    request_body_came(request);
    assert_int_equal(request->state, REQUEST_RUNNABLE);
    request_body_came(request);
    stage_turn(stage, 0);
    assert_int_equal(request->state, REQUEST_ANSWERED);
    /* For something else it is no news. */
    stage->steps_taken = 0;
    stage->result.for_body = false;
    request = stage_begin(stage, 1);
    request_body_came(request);
    assert_int_equal(request->state, REQUEST_PARKED);
}

#define STAGED(test) cmocka_unit_test_setup_teardown(test, stage_setup, stage_teardown)

UNIT
{
    const struct CMUnitTest tests[] = {
        STAGED(a_guest_that_parks_with_something_written_sends_it),
        STAGED(a_guest_that_parks_with_nothing_written_is_no_stream),
        STAGED(a_flush_sends_the_head_alone),
        STAGED(a_response_that_somebody_wants_whole_is_no_stream),
        STAGED(without_room_for_its_answer_it_is_busy),
        STAGED(where_there_is_no_body_the_head_is_all_and_the_guest_ends),
        STAGED(a_guest_is_two_pieces_ahead_and_then_waits_for_its_client),
        STAGED(what_is_written_while_a_piece_is_in_flight_follows_it),
        STAGED(with_nothing_in_flight_the_end_is_sent_at_once),
        STAGED(the_permit_of_who_sends_the_rest_is_free_when_that_is_out),
        STAGED(a_length_that_is_kept_is_the_lengths_end),
        STAGED(a_body_shorter_than_its_length_is_cut),
        STAGED(a_body_longer_than_its_length_is_a_fault_before_it_begins),
        STAGED(the_first_byte_stops_one_clock_and_starts_another),
        STAGED(a_fault_after_the_head_cuts_it_and_is_logged),
        STAGED(ten_thousand_whose_client_leaves_give_all_back),
        STAGED(a_client_that_takes_nothing_is_waited_for_so_long),
        STAGED(so_it_is_for_the_rest),
        STAGED(a_drain_gives_streams_a_grace_and_new_ones_the_rest_of_it),
        STAGED(only_a_function_that_is_gone_ends_its_streams),
        STAGED(who_waits_for_its_body_goes_on_when_it_comes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
