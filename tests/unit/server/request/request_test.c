/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request's ways through its states: each arrow of the table, each cancel, each deadline.
 */
#include <stdio.h>

#include "tests/unit/server/request/stage_site.h"

#define MS CLOCK_NS_PER_MS

static void expect_problem(const struct request *request, uint32_t status, const char *code)
{
    assert_int_equal(request->state, REQUEST_ANSWERED);
    assert_int_equal(request->response.status, status);
    assert_string_equal(request->code, code);
    char text[96];
    (void)snprintf(text, sizeof(text), "\"status\":%u,\"code\":\"%s\"", status, code);
    assert_non_null(strstr(request->problem, text));
}

/* ---- the good ways --------------------------------------------------------------------------- */

static void a_request_that_nobody_is_in_the_way_of_is_answered_at_once(void **state)
{
    struct stage *stage = *state;
    struct request *request = stage_begin(stage, 0);
    assert_int_equal(request->state, REQUEST_ANSWERED);
    assert_int_equal(request->response.status, 200);
    assert_null(request->code);
    assert_int_equal(stage->sent, 1);
    assert_int_equal(stage->last_end, ISOLATE_GOES_ON);
    assert_int_equal(stage->metrics.responses_2xx, 1);
    assert_int_equal(stage->metrics.starts[ISOLATE_START_FIRST_REQUEST], 1);
    assert_int_equal(stage->metrics.fuel_used, STAGE_RUN_FUEL);
    assert_int_equal(stage->metrics.run_ns, STAGE_RUN_NS);
}

static void an_answer_of_the_host_needs_no_run(void **state)
{
    struct stage *stage = *state;
    stage->begin_step = GUEST_FINISHED;
    stage->result.end = ISOLATE_FINISHED;
    assert_int_equal(stage_begin(stage, 0)->state, REQUEST_ANSWERED);
    assert_int_equal(stage->steps_taken, 0);
    assert_int_equal(stage->last_end, ISOLATE_FINISHED);
}

static void a_guest_that_wants_more_fuel_has_it_until_its_limit(void **state)
{
    struct stage *stage = *state;
    stage->steps[0] = GUEST_RUNS;
    stage->result.native_fuel = 9;
    struct request *request = stage_begin(stage, 0);
    expect_problem(request, 500, "fuel_exhausted");
    assert_int_equal(stage->metrics.fuel_native, 9 * stage->steps_taken);
    assert_int_equal(request->fuel_used, STAGE_FUEL);
    assert_int_equal(stage->steps_taken, STAGE_FUEL / STAGE_RUN_FUEL);
    assert_int_equal(stage->last_end, ISOLATE_DISCARDED);
    assert_int_equal(stage->metrics.faults_fuel, 1);
}

static void a_tenant_over_its_memory_is_refused_early(void **state)
{
    struct stage *stage = *state;
    stage->must_yield = true;
    struct request *request = stage_begin(stage, 0);
    expect_problem(request, 503, "memory_busy");
    assert_true(request->retry_later);
    assert_int_equal(stage->checkouts, 0);
    assert_int_equal(stage->metrics.refused_memory, 1);
}

static void a_guest_that_grows_where_its_tenant_must_yield_is_ended(void **state)
{
    struct stage *stage = *state;
    stage->steps[0] = GUEST_WAITS;
    stage->result.until_ns = stage->now_ns + 1000000;
    struct request *request = stage_begin(stage, 0);
    assert_int_equal(request->state, REQUEST_PARKED);
    assert_int_equal(stage->measures, 1);
    stage->must_yield = true; /* but it does not grow */
    stage_turn(stage, stage->result.until_ns);
    assert_int_equal(request->state, REQUEST_PARKED);
    stage->grows = true;
    stage_turn(stage, stage->result.until_ns + 1);
    expect_problem(request, 500, "memory_exhausted");
    assert_int_equal(stage->metrics.faults_memory, 1);
    assert_int_equal(stage->last_end, ISOLATE_DISCARDED);
}

static void a_guest_that_ends_soon_is_not_measured(void **state)
{
    struct stage *stage = *state;
    stage->must_yield = false;
    struct request *request = stage_begin(stage, 0);
    assert_int_equal(request->response.status, 200);
    assert_int_equal(stage->measures, 0);
    assert_true(request->claim.bytes[ISOLATE_BUDGET_EXCHANGE] >= sizeof(*request));
}

static void a_guest_that_runs_on_is_measured_from_time_to_time(void **state)
{
    struct stage *stage = *state;
    for (uint32_t i = 0; i < 3; i++)
        stage->steps[i] = GUEST_RUNS;
    stage->steps[3] = GUEST_FINISHED;
    stage->step_count = 4;
    struct request *request = stage_begin(stage, 0);
    assert_int_equal(request->response.status, 200);
    assert_int_equal(stage->measures, 0);
}

static void fuel_of_requests_before_is_not_this_ones(void **state)
{
    struct stage *stage = *state;
    stage->fuel_used = 10 * STAGE_FUEL;
    struct request *request = stage_begin(stage, 0);
    assert_int_equal(request->response.status, 200);
    assert_int_equal(request->fuel_used, STAGE_RUN_FUEL);
}

static void a_guest_that_waits_is_parked_until_then(void **state)
{
    struct stage *stage = *state;
    stage->steps[0] = GUEST_WAITS;
    stage->steps[1] = GUEST_FINISHED;
    stage->step_count = 2;
    stage->result.until_ns = stage->now_ns + 10 * MS;
    struct request *request = stage_begin(stage, 0);
    uint64_t parked_at_ns = stage->now_ns;
    assert_int_equal(request->state, REQUEST_PARKED);
    assert_int_equal(stage->in_use, 1);
    stage_turn(stage, stage->result.until_ns - 1);
    assert_int_equal(request->state, REQUEST_PARKED);
    stage_turn(stage, stage->result.until_ns);
    assert_int_equal(request->state, REQUEST_ANSWERED);
    assert_int_equal(request->parked_ns, stage->result.until_ns - parked_at_ns);
    assert_int_equal(request->run_ns, 2 * STAGE_RUN_NS);
}

/* The first runs, has the only permit, and ends with the next turn. */
static void hold_the_permit(struct stage *stage)
{
    stage->config.limits.fuel = UINT64_MAX / 2;
    stage->steps[0] = GUEST_RUNS;
    assert_int_equal(stage_begin(stage, 0)->state, REQUEST_RUNNABLE);
    stage->steps[0] = GUEST_FINISHED;
}

static void who_waits_for_a_permit_gets_it_in_the_order_of_coming(void **state)
{
    struct stage *stage = *state;
    hold_the_permit(stage);
    struct request *second = stage_begin(stage, 1);
    struct request *third = stage_begin(stage, 2);
    assert_int_equal(second->state, REQUEST_QUEUED);
    assert_int_equal(third->state, REQUEST_QUEUED);
    expect_problem(stage_begin(stage, 3), 503, "queue_full");
    assert_int_equal(stage->metrics.refused_queue_full, 1);
    stage_end(stage, 0);
    assert_int_equal(second->state, REQUEST_READY);
    assert_int_equal(third->state, REQUEST_QUEUED);
    /* The permit is the second's: a newcomer does not overtake the third. */
    assert_int_equal(stage_begin(stage, 4)->state, REQUEST_QUEUED);
    stage_turn(stage, 0);
    stage_turn(stage, 0);
    assert_int_equal(second->state, REQUEST_ANSWERED);
    assert_int_equal(third->state, REQUEST_ANSWERED);
    assert_int_equal(stage->metrics.client_gone, 1);
}

static void who_waits_for_an_artifact_looks_again_and_asks_but_once(void **state)
{
    struct stage *stage = *state;
    stage->checkout_status = STATUS_STALE;
    struct request *request = stage_begin(stage, 0);
    assert_int_equal(request->state, REQUEST_WAIT_ARTIFACT);
    stage_turn(stage, stage->now_ns + 10 * MS);
    assert_int_equal(request->state, REQUEST_WAIT_ARTIFACT);
    assert_int_equal(stage->checkouts, 2);
    assert_int_equal(stage->rebuilds, 1);
    stage->checkout_status = STATUS_OK;
    stage_turn(stage, stage->now_ns + 10 * MS);
    assert_int_equal(request->response.status, 200);
}

/* ---- parked ---------------------------------------------------------------------------------- */

/* Requests park until their deadline, or an event, and then end. */
static void park_all(struct stage *stage)
{
    stage->steps[0] = GUEST_WAITS;
    stage->result.until_ns = UINT64_MAX;
    stage->result.for_event = true;
}

static void who_is_parked_lets_others_run_and_goes_on_over_the_bound(void **state)
{
    struct stage *stage = *state;
    park_all(stage);
    struct request *first = stage_begin(stage, 0);
    assert_int_equal(first->state, REQUEST_PARKED);
    assert_int_equal(stage->metrics.parked, 1);
    stage->config.limits.fuel = UINT64_MAX / 2;
    stage->steps[0] = GUEST_RUNS;
    struct request *second = stage_begin(stage, 1);
    assert_int_equal(second->state, REQUEST_RUNNABLE);
    struct request *third = stage_begin(stage, 2);
    assert_int_equal(third->state, REQUEST_QUEUED);
    request_wake(&first->operations);
    assert_int_equal(first->state, REQUEST_RUNNABLE);
    assert_int_equal(stage->metrics.parked, 0);
    /* Two run where one may: the first that ends makes that good, the other lets the third in. */
    stage_end(stage, 0);
    assert_int_equal(third->state, REQUEST_QUEUED);
    stage_end(stage, 1);
    assert_int_equal(third->state, REQUEST_READY);
}

static void parking_lets_the_next_in_line_in(void **state)
{
    struct stage *stage = *state;
    hold_the_permit(stage);
    struct request *second = stage_begin(stage, 1);
    assert_int_equal(second->state, REQUEST_QUEUED);
    park_all(stage);
    stage_turn(stage, 0);
    assert_int_equal(stage->requests[0].state, REQUEST_PARKED);
    assert_int_equal(second->state, REQUEST_PARKED);
}

static void an_event_wakes_who_waits_for_one_and_nobody_else(void **state)
{
    struct stage *stage = *state;
    park_all(stage);
    stage->result.for_event = false;
    struct request *asleep = stage_begin(stage, 0);
    request_wake(&asleep->operations);
    assert_int_equal(asleep->state, REQUEST_PARKED);
    stage->result.for_event = true;
    struct request *request = stage_begin(stage, 1);
    struct operation *operation;
    assert_int_equal(operations_begin(&request->operations, OPERATION_FETCH, &operation),
                     STATUS_OK);
    assert_int_equal(stage->metrics.operations_fetch, 1);
    uint64_t ticket = operation_ticket(operation);
    stage->now_ns += MS;
    operations_complete(&stage->service.world.operations, ticket, 5);
    assert_int_equal(request->state, REQUEST_RUNNABLE);
    assert_int_equal(request->parked_ns, MS);
    request_wake(&request->operations); /* it is awake */
    stage->steps[0] = GUEST_FINISHED;
    stage_turn(stage, 0);
    assert_int_equal(request->state, REQUEST_ANSWERED);
    /* What it left under way ended with it. */
    assert_int_equal(stage->metrics.operations_fetch, 0);
    assert_null(operations_find(&stage->service.world.operations, ticket));
    operations_complete(&stage->service.world.operations, ticket, 6);
}

static void places_are_bounded_and_shared(void **state)
{
    struct stage *stage = *state;
    park_all(stage);
    for (uint32_t i = 0; i < STAGE_PLACES; i++)
        assert_int_equal(stage_begin(stage, i)->state, REQUEST_PARKED);
    struct request *refused = stage_begin(stage, STAGE_PLACES);
    expect_problem(refused, 503, "parked_full");
    assert_true(refused->retry_later);
    /* Another tenant takes half of them from one that has all, latest first, and no more. */
    stage->is_other = true;
    uint32_t index = STAGE_PLACES + 1;
    stage->now_ns += MS;
    for (uint32_t i = 1; i <= STAGE_PLACES / 2; i++, index++) {
        assert_int_equal(stage_begin(stage, index)->state, REQUEST_PARKED);
        expect_problem(&stage->requests[STAGE_PLACES - i], 503, "parked_full");
        assert_true(stage->requests[STAGE_PLACES - i].parked_ns >= MS);
    }
    expect_problem(stage_begin(stage, index), 503, "parked_full");
    assert_int_equal(stage->service.parking.taken, STAGE_PLACES);
    assert_int_equal(stage->metrics.parked, STAGE_PLACES);
}

/* Each with all operations that it may have, some of them answered. */
static void ten_thousand_that_are_cancelled_leave_nothing(void **state)
{
    struct stage *stage = *state;
    stage->service.access_log = false;
    park_all(stage);
    uint64_t ticket = 0;
    for (uint32_t i = 0; i < 10000; i++) {
        struct request *request = stage_begin(stage, 0);
        for (uint32_t k = 0; k < HOSTAPI_OPERATIONS_MAX; k++) {
            struct operation *operation;
            assert_int_equal(operations_begin(&request->operations, OPERATION_FETCH, &operation),
                             STATUS_OK);
            ticket = operation_ticket(operation);
        }
        if (i % 2 == 0)
            operations_complete(&stage->service.world.operations, ticket, 1);
        stage_end(stage, 0);
        operations_complete(&stage->service.world.operations, ticket, 2); /* wakes nobody */
        (void)guest_log_turn(&stage->service);
    }
    assert_int_equal(stage->service.world.operations.page_count, 1);
    assert_int_equal(stage->metrics.client_gone, 10000);
}

/* ---- the refusals ---------------------------------------------------------------------------- */

static void what_cannot_be_found_or_read_is_refused_before_it_costs(void **state)
{
    struct stage *stage = *state;
    stage->find_status = STATUS_NOT_FOUND;
    expect_problem(stage_begin(stage, 0), 404, "unknown_function");
    assert_non_null(strstr(stage->requests[0].problem, "said the stage"));
    stage->find_status = STATUS_CORRUPT;
    stage_log_begin();
    expect_problem(stage_begin(stage, 1), 503, "busy");
    assert_int_equal(stage_log_count(stage_log_take(), "\"lookup_failed\""), 1);
    assert_null(strstr(stage->requests[1].problem, "said the stage"));
    assert_true(stage->requests[1].retry_later);
    assert_int_equal(stage->checkouts, 0);
}

static void what_is_for_the_server_needs_no_function(void **state)
{
    struct stage *stage = *state;
    stage->path = "*";
    assert_int_equal(stage_begin(stage, 0)->response.status, 204);
    stage->path = "nonsense";
    expect_problem(stage_begin(stage, 1), 400, "bad_path");
    assert_int_equal(stage->found, 0);
    assert_int_equal(stage->metrics.refused_path, 1);
}

static void a_version_in_quarantine_is_not_run(void **state)
{
    struct stage *stage = *state;
    struct vitals_key key = {.tenant = "acme", .function = "hello", .version = 3};
    stage->function.entry.version = 3;
    quarantine_put(&stage->quarantine, &key, stage->now_ns + MS);
    expect_problem(stage_begin(stage, 0), 503, "quarantined");
    assert_int_equal(stage->checkouts, 0);
    stage->now_ns += MS;
    assert_int_equal(stage_begin(stage, 1)->response.status, 200);
}

static void no_room_for_an_isolate_is_busy_and_gives_the_permit_back(void **state)
{
    struct stage *stage = *state;
    stage->checkout_status = STATUS_NO_MEMORY;
    expect_problem(stage_begin(stage, 0), 503, "busy");
    assert_int_equal(stage->rebuilds, 0);
    stage->checkout_status = STATUS_OK;
    assert_int_equal(stage_begin(stage, 1)->response.status, 200);
}

/* Still running, so that the stage can write its answer. */
static struct request *begin_with_answer(struct stage *stage, uint32_t index, size_t body_bytes)
{
    static const uint8_t body[REQUEST_SMALL_BYTES + 1];
    hold_the_permit(stage);
    struct request *request = &stage->requests[index];
    assert_int_equal(buffer_append(&request->http.response_body, body, body_bytes), STATUS_OK);
    return request;
}

static void an_answer_that_waits_to_be_read_keeps_its_permit_if_it_is_large(void **state)
{
    struct stage *stage = *state;
    struct request *first = begin_with_answer(stage, 0, REQUEST_SMALL_BYTES + 1);
    struct request *second = stage_begin(stage, 1);
    http_exchange_log(&first->http, "info", bytes_of_text("and its log goes on without it"));
    stage_turn(stage, 0);
    assert_int_equal(first->state, REQUEST_ANSWERED);
    assert_int_equal(second->state, REQUEST_QUEUED);
    stage_end(stage, 0);
    assert_int_equal(second->state, REQUEST_READY);
}

static void a_small_answer_gives_its_permit_back_at_once(void **state)
{
    struct stage *stage = *state;
    struct request *first = begin_with_answer(stage, 0, REQUEST_SMALL_BYTES);
    struct request *second = stage_begin(stage, 1);
    stage_turn(stage, 0);
    assert_int_equal(first->state, REQUEST_ANSWERED);
    assert_int_not_equal(second->state, REQUEST_QUEUED);
}

static void an_answer_there_is_no_room_for_is_busy_and_its_body_freed(void **state)
{
    struct stage *stage = *state;
    struct request *request = begin_with_answer(stage, 0, REQUEST_SMALL_BYTES + 1);
    stage->is_full = true;
    stage_turn(stage, 0);
    expect_problem(request, 503, "busy");
    assert_int_equal(request->http.response_body.capacity, 0);
    assert_int_equal(stage->metrics.refused_unread, 1);
    assert_true(request->retry_later);
}

static void a_status_that_is_none_is_a_fault(void **state)
{
    struct stage *stage = *state;
    stage->steps[0] = GUEST_WAITS;
    stage->steps[1] = GUEST_FINISHED;
    stage->step_count = 2;
    static const uint32_t wrong[] = {0, 100, 199, 600, UINT32_MAX};
    for (uint32_t i = 0; i < COUNT_OF(wrong); i++) {
        stage->steps_taken = 0;
        stage->result.until_ns = stage->now_ns + MS;
        struct request *request = stage_begin(stage, i);
        request->http.status = wrong[i];
        stage_turn(stage, stage->result.until_ns);
        expect_problem(request, 500, "invalid_status");
        assert_int_equal(stage->last_end, ISOLATE_DISCARDED);
    }
    assert_int_equal(stage->metrics.faults_status, COUNT_OF(wrong));
}

static void a_fault_is_told_in_the_guests_words_and_logged_with_its_place(void **state)
{
    struct stage *stage = *state;
    stage->steps[0] = GUEST_FAULTED;
    stage->result.fault = FAULT_TRAP;
    (void)snprintf(stage->result.text, sizeof(stage->result.text), "integer overflow");
    stage_log_begin();
    expect_problem(stage_begin(stage, 0), 500, "trap");
    const char *log = stage_log_take();
    assert_non_null(strstr(stage->requests[0].problem, "integer overflow"));
    assert_int_equal(stage_log_count(log, "\"guest_fault\""), 1);
    assert_non_null(strstr(log, "\"tenant\":\"acme\",\"function\":\"hello\",\"version\":\"v3\""));
    assert_non_null(strstr(log, "\"frame0\":\"func 7 at 0x1f \""));
    assert_non_null(strstr(log, "\"frame1\":\"func 0 at 0x0 hello::main\""));
    assert_int_equal(stage->last_end, ISOLATE_DISCARDED);
    /* A fault of the host's part, before anything ran. */
    stage->begin_step = GUEST_FAULTED;
    stage->steps_taken = 0;
    stage_log_begin();
    expect_problem(stage_begin(stage, 1), 500, "trap");
    assert_int_equal(stage_log_count(stage_log_take(), "\"guest_fault\""), 1);
    assert_int_equal(stage->steps_taken, 0);
}

/* ---- too late -------------------------------------------------------------------------------- */

static void in_the_queue_the_time_to_wait_ends_it(void **state)
{
    struct stage *stage = *state;
    hold_the_permit(stage);
    struct request *second = stage_begin(stage, 1);
    stage_turn(stage, second->arrived_ns + STAGE_WAIT_US * CLOCK_NS_PER_US);
    expect_problem(second, 503, "busy");
    assert_true(second->retry_later);
}

static void ready_runnable_and_parked_end_at_the_deadline(void **state)
{
    struct stage *stage = *state;
    hold_the_permit(stage);
    struct request *second = stage_begin(stage, 1);
    stage_end(stage, 0);
    assert_int_equal(second->state, REQUEST_READY);
    stage_turn(stage, second->deadline_ns);
    expect_problem(second, 504, "deadline");
    assert_int_equal(stage->checkouts, 1);
    /* Parked for longer than it has: woken in time to be ended. */
    stage->steps_taken = 0;
    stage->steps[0] = GUEST_WAITS;
    stage->result.until_ns = UINT64_MAX;
    struct request *third = stage_begin(stage, 2);
    assert_int_equal(third->state, REQUEST_PARKED);
    stage_turn(stage, third->deadline_ns - 1);
    assert_int_equal(third->state, REQUEST_PARKED);
    stage_turn(stage, third->deadline_ns);
    expect_problem(third, 504, "deadline");
    assert_int_equal(stage->steps_taken, 1);
    assert_int_equal(stage->metrics.faults_deadline, 2);
}

static void a_runnable_one_ends_at_the_deadline_between_two_portions(void **state)
{
    struct stage *stage = *state;
    stage->config.limits.fuel = UINT64_MAX / 2;
    stage->steps[0] = GUEST_RUNS;
    struct request *request = stage_begin(stage, 0);
    assert_int_equal(request->state, REQUEST_RUNNABLE);
    stage_turn(stage, request->deadline_ns - 2 * STAGE_RUN_NS);
    expect_problem(request, 504, "deadline");
    assert_int_equal(stage->now_ns, request->deadline_ns);
}

static void without_an_artifact_the_time_to_wait_ends_it(void **state)
{
    struct stage *stage = *state;
    stage->checkout_status = STATUS_NOT_FOUND;
    struct request *request = stage_begin(stage, 0);
    for (uint64_t at_ns = stage->now_ns; request->state != REQUEST_ANSWERED; at_ns += 10 * MS) {
        assert_true(at_ns <= request->arrived_ns + STAGE_WAIT_US * CLOCK_NS_PER_US);
        stage_turn(stage, at_ns);
    }
    expect_problem(request, 503, "busy");
    assert_non_null(strstr(request->problem, "being rebuilt"));
}

/* ---- nobody waits any more ------------------------------------------------------------------- */

/* Brings request 1 into `wanted`; others may have to be there for that. */
static void bring_into(struct stage *stage, enum request_state wanted)
{
    switch (wanted) {
    case REQUEST_QUEUED:
        hold_the_permit(stage);
        stage_begin(stage, 1);
        break;
    case REQUEST_READY:
        hold_the_permit(stage);
        stage_begin(stage, 1);
        stage_end(stage, 0);
        break;
    case REQUEST_WAIT_ARTIFACT:
        stage->checkout_status = STATUS_NOT_FOUND;
        stage_begin(stage, 1);
        break;
    case REQUEST_RUNNABLE:
        stage->config.limits.fuel = UINT64_MAX / 2;
        stage->steps[0] = GUEST_RUNS;
        stage_begin(stage, 1);
        break;
    case REQUEST_PARKED:
        stage->steps[0] = GUEST_WAITS;
        stage->result.until_ns = UINT64_MAX;
        stage_begin(stage, 1);
        break;
    case REQUEST_SENDING:
        stage->steps[0] = GUEST_WAITS;
        stage->steps[1] = GUEST_FINISHED;
        stage->step_count = 2;
        stage->write_bytes = 1;
        stage->result.until_ns = 0;
        stage_begin(stage, 1);
        stage_turn(stage, 0);
        break;
    case REQUEST_READING:
        stage_site_make(stage);
        stage->path = "/big";
        stage_begin(stage, 1);
        stage_site_done();
        stage->function.site = NULL; /* the next request is a guest's */
        stage->path = "/";
        break;
    default:
        stage_begin(stage, 1);
        break;
    }
    assert_int_equal(stage->requests[1].state, wanted);
}

static void a_client_that_leaves_ends_its_request_in_any_state(void **state)
{
    for (enum request_state left = REQUEST_NEW + 1; left < REQUEST_ANSWERED; left++) {
        assert_int_equal(stage_teardown(state), 0);
        assert_int_equal(stage_setup(state), 0);
        struct stage *stage = *state;
        stage->service.access_log = true;
        bring_into(stage, left);
        stage_log_begin();
        uint64_t gone = stage->metrics.client_gone;
        stage_end(stage, 1);
        const char *log = stage_log_take();
        assert_int_equal(stage->requests[1].state, REQUEST_GONE);
        assert_int_equal(stage->metrics.client_gone, gone + 1);
        assert_int_equal(stage->sent, 0);
        if (request_state_rows[left].isolate)
            assert_int_equal(stage->last_end, ISOLATE_DISCARDED);
        char text[96];
        (void)snprintf(text, sizeof(text), "\"gone_while\":\"%s\"", request_state_rows[left].text);
        assert_int_equal(stage_log_count(log, text), 1);
        /* Its permit is free again. */
        stage->steps[0] = GUEST_FINISHED;
        stage->step_count = 1;
        stage->checkout_status = STATUS_OK;
        if (left == REQUEST_QUEUED)
            continue; /* it had none */
        stage_begin(stage, 2);
        stage_turn(stage, 0);
        assert_int_equal(stage->requests[2].state, REQUEST_ANSWERED);
    }
}

static void the_rest_is_sent_when_the_piece_in_flight_is_out(void **state)
{
    struct stage *stage = *state;
    bring_into(stage, REQUEST_SENDING);
    assert_int_equal(stage->in_use, 0);
    stage_take(stage, 1);
    assert_int_equal(stage->requests[1].state, REQUEST_ANSWERED);
    assert_int_equal(stage->sent, 1);
    assert_int_equal(stage->pieces, 2);
}

static void the_next_step_of_a_chain_is_ready_when_it_is_asked_for(void **state)
{
    struct stage *stage = *state;
    static const struct bytes names[] = {{.data = (const uint8_t *)"hello", .count = 5},
                                         {.data = (const uint8_t *)"hello", .count = 5}};
    stage->function.steps.rows = names;
    stage->function.steps.count = COUNT_OF(names);
    stage->steps[0] = GUEST_NEXT;
    stage->steps[1] = GUEST_FINISHED;
    stage->step_count = 2;
    struct request *request = stage_begin(stage, 0);
    assert_int_equal(request->state, REQUEST_ANSWERED);
    assert_int_equal(stage->checkouts, 2);
}

static void a_request_that_never_began_can_end(void **state)
{
    struct stage *stage = *state;
    static const struct request_carrier none;
    assert_true(request_init(&stage->requests[0], &stage->service, &none));
    stage_end(stage, 0);
    assert_int_equal(stage->requests[0].state, REQUEST_GONE);
    assert_int_equal(stage->metrics.client_gone, 1);
}

static void a_hang_up_that_nobody_reported_is_looked_for_now_and_then(void **state)
{
    struct stage *stage = *state;
    stage->config.limits.fuel = UINT64_MAX / 2;
    stage->steps[0] = GUEST_RUNS;
    struct request *request = stage_begin(stage, 0);
    stage_turn(stage, request->arrived_ns + 49 * MS);
    assert_int_equal(stage->gone_checks, 0);
    stage_turn(stage, request->arrived_ns + 50 * MS);
    assert_int_equal(stage->gone_checks, 1);
    stage->client_gone = true;
    stage_turn(stage, request->arrived_ns + 99 * MS);
    assert_int_equal(request->state, REQUEST_RUNNABLE);
    stage_turn(stage, request->arrived_ns + 101 * MS);
    expect_problem(request, 499, "client_gone");
    assert_int_equal(stage->metrics.client_gone, 1);
}

static void the_client_of_one_that_stays_parked_is_watched(void **state)
{
    struct stage *stage = *state;
    stage->config.limits.wall = 3600 * UINT64_C(1000000);
    park_all(stage);
    struct request *request = stage_begin(stage, 0);
    uint64_t parked_at_ns = stage->now_ns;
    stage_turn(stage, parked_at_ns + 3999 * MS);
    assert_int_equal(stage->watches, 0);
    stage_turn(stage, parked_at_ns + 4000 * MS);
    assert_int_equal(stage->watches, 1);
    stage_turn(stage, parked_at_ns + 3000000 * MS);
    assert_int_equal(request->state, REQUEST_PARKED);
    assert_int_equal(stage->gone_checks, 1);
    assert_int_equal(stage->watches, 1);
    request_hung_up(request);
    expect_problem(request, 499, "client_gone");
    assert_int_equal(request->parked_ns, 3000000 * MS);
    assert_int_equal(stage->steps_taken, 1);
    assert_int_equal(stage->last_end, ISOLATE_DISCARDED);
}

static void one_that_runs_finds_a_hang_up_in_its_next_turn(void **state)
{
    struct stage *stage = *state;
    bring_into(stage, REQUEST_RUNNABLE);
    stage->client_gone = true;
    request_hung_up(&stage->requests[1]);
    assert_int_equal(stage->requests[1].state, REQUEST_RUNNABLE);
    stage_turn(stage, stage->now_ns);
    assert_int_equal(stage->requests[1].state, REQUEST_ANSWERED);
    assert_int_equal(stage->metrics.client_gone, 1);
}

static void the_client_of_a_parked_one_is_looked_at_if_it_cannot_be_watched(void **state)
{
    struct stage *stage = *state;
    stage->is_unwatchable = true;
    stage->config.limits.wall = 3600 * UINT64_C(1000000);
    park_all(stage);
    struct request *request = stage_begin(stage, 0);
    uint64_t parked_at_ns = stage->now_ns;
    stage_turn(stage, parked_at_ns + 3999 * MS);
    assert_int_equal(stage->gone_checks, 0);
    stage_turn(stage, parked_at_ns + 4000 * MS);
    assert_int_equal(stage->gone_checks, 1);
    assert_int_equal(request->state, REQUEST_PARKED);
    stage->client_gone = true;
    stage_turn(stage, parked_at_ns + 8000 * MS);
    expect_problem(request, 499, "client_gone");
    assert_int_equal(request->parked_ns, 8000 * MS);
    assert_int_equal(stage->steps_taken, 1);
    assert_int_equal(stage->last_end, ISOLATE_DISCARDED);
}

static void a_file_goes_out_while_its_client_takes_it(void **state)
{
    struct stage *stage = *state;
    bring_into(stage, REQUEST_READING);
    while (stage->in_flight[1])
        stage_take(stage, 1);
    assert_int_equal(stage->requests[1].state, REQUEST_ANSWERED);
    assert_int_equal(stage->taken_bytes, STAGE_BIG_BYTES);
    assert_int_equal(stage->checkouts, 0);
}

/* ---- the log and the bounds ------------------------------------------------------------------ */

static void the_log_is_written_after_the_answer_and_once(void **state)
{
    struct stage *stage = *state;
    stage->service.access_log = true;
    stage_log_begin();
    stage_begin(stage, 0);
    assert_int_equal(stage->sent, 1);
    assert_int_equal(stage_log_count(stage_log_take(), "\"access\""), 0);
    stage_log_begin();
    stage_end(stage, 0);
    assert_int_equal(stage_log_count(stage_log_take(), "\"access\""), 1);
}

static void requests_under_way_are_bounded(void **state)
{
    struct stage *stage = *state;
    static const struct request_carrier none;
    stage->service.in_flight = 65536;
    assert_false(request_init(&stage->requests[0], &stage->service, &none));
    assert_int_equal(stage->metrics.requests, 0);
    stage->service.in_flight = 0;
    stage->requests[0].magic = 0;
}

/* ---- the table ------------------------------------------------------------------------------- */

/* Comes last: what the other tests did together. */
static void every_way_of_the_table_was_gone_and_no_other(void **state)
{
    (void)state;
    for (enum request_state from = 0; from < REQUEST_STATE_COUNT; from++) {
        for (enum request_state to = 0; to < REQUEST_STATE_COUNT; to++) {
            bool wanted = request_arrow_cause(from, to) != NULL;
            if (stage_seen[from][to] != wanted)
                print_error("%s -> %s\n", request_state_rows[from].text,
                            request_state_rows[to].text);
            assert_true(stage_seen[from][to] == wanted);
        }
    }
}

#define STAGED(test) cmocka_unit_test_setup_teardown(test, stage_setup, stage_teardown)

UNIT
{
    const struct CMUnitTest tests[] = {
        STAGED(a_request_that_nobody_is_in_the_way_of_is_answered_at_once),
        STAGED(an_answer_of_the_host_needs_no_run),
        STAGED(a_guest_that_wants_more_fuel_has_it_until_its_limit),
        STAGED(a_tenant_over_its_memory_is_refused_early),
        STAGED(a_guest_that_grows_where_its_tenant_must_yield_is_ended),
        STAGED(a_guest_that_ends_soon_is_not_measured),
        STAGED(a_guest_that_runs_on_is_measured_from_time_to_time),
        STAGED(fuel_of_requests_before_is_not_this_ones),
        STAGED(a_guest_that_waits_is_parked_until_then),
        STAGED(who_waits_for_a_permit_gets_it_in_the_order_of_coming),
        STAGED(who_waits_for_an_artifact_looks_again_and_asks_but_once),
        STAGED(who_is_parked_lets_others_run_and_goes_on_over_the_bound),
        STAGED(parking_lets_the_next_in_line_in),
        STAGED(an_event_wakes_who_waits_for_one_and_nobody_else),
        STAGED(places_are_bounded_and_shared),
        STAGED(ten_thousand_that_are_cancelled_leave_nothing),
        STAGED(what_cannot_be_found_or_read_is_refused_before_it_costs),
        STAGED(what_is_for_the_server_needs_no_function),
        STAGED(a_version_in_quarantine_is_not_run),
        STAGED(no_room_for_an_isolate_is_busy_and_gives_the_permit_back),
        STAGED(an_answer_that_waits_to_be_read_keeps_its_permit_if_it_is_large),
        STAGED(a_small_answer_gives_its_permit_back_at_once),
        STAGED(an_answer_there_is_no_room_for_is_busy_and_its_body_freed),
        STAGED(a_status_that_is_none_is_a_fault),
        STAGED(a_fault_is_told_in_the_guests_words_and_logged_with_its_place),
        STAGED(in_the_queue_the_time_to_wait_ends_it),
        STAGED(ready_runnable_and_parked_end_at_the_deadline),
        STAGED(a_runnable_one_ends_at_the_deadline_between_two_portions),
        STAGED(without_an_artifact_the_time_to_wait_ends_it),
        STAGED(a_client_that_leaves_ends_its_request_in_any_state),
        STAGED(a_file_goes_out_while_its_client_takes_it),
        STAGED(the_rest_is_sent_when_the_piece_in_flight_is_out),
        STAGED(the_next_step_of_a_chain_is_ready_when_it_is_asked_for),
        STAGED(a_request_that_never_began_can_end),
        STAGED(a_hang_up_that_nobody_reported_is_looked_for_now_and_then),
        STAGED(the_client_of_one_that_stays_parked_is_watched),
        STAGED(one_that_runs_finds_a_hang_up_in_its_next_turn),
        STAGED(the_client_of_a_parked_one_is_looked_at_if_it_cannot_be_watched),
        STAGED(the_log_is_written_after_the_answer_and_once),
        STAGED(requests_under_way_are_bounded),
        cmocka_unit_test(every_way_of_the_table_was_gone_and_no_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
