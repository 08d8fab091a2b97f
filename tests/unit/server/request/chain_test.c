/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several steps on one exchange: their turns, isolates, fuel, faults, and each early end.
 */
#include <stdio.h>

#include "server/request/chain.h"
#include "tests/unit/server/request/stage.h"

#define MS CLOCK_NS_PER_MS

/* All steps are the stage's one function. */
static struct request *begin_chain(struct stage *stage, uint32_t count)
{
    static const struct bytes rows[] = {{.data = (const uint8_t *)"hello", .count = 5},
                                        {.data = (const uint8_t *)"hello", .count = 5},
                                        {.data = (const uint8_t *)"hello", .count = 5}};
    assert_true(count <= COUNT_OF(rows));
    stage->function.steps.rows = rows;
    stage->function.steps.count = count;
    return stage_begin(stage, 0);
}

static void each_step_runs_in_turn_and_then_backwards(void **state)
{
    struct stage *stage = *state;
    stage->steps[0] = GUEST_NEXT;
    stage->steps[1] = GUEST_NEXT;
    stage->steps[2] = GUEST_FINISHED;
    stage->step_count = 3;
    struct request *request = begin_chain(stage, 3);
    stage_turn(stage, 0);
    assert_int_equal(request->state, REQUEST_ANSWERED);
    assert_int_equal(stage->checkouts, 3);
    assert_int_equal(stage->in_use, 0);
    assert_int_equal(stage->returns, 2);
    assert_int_equal(stage->errors, 0);
    assert_int_equal(stage->sent, 1);
    assert_ptr_equal(request->function, &stage->function);
    /* Each counted once, and told of. */
    assert_int_equal(stage->metrics.starts[ISOLATE_START_FIRST_REQUEST], 3);
    struct bytes timing = request->response.extras[2].value;
    assert_non_null(memmem(timing.data, timing.count, "step2;desc=\"hello\";dur=0.001", 28));
}

static void only_the_last_step_has_no_next_one(void **state)
{
    struct stage *stage = *state;
    stage->steps[0] = GUEST_WAITS;
    stage->result.until_ns = UINT64_MAX;
    struct request *request = begin_chain(stage, 2);
    assert_true(request->http.has_next);
    stage->steps[0] = GUEST_NEXT;
    stage->steps[1] = GUEST_WAITS;
    stage->step_count = 2;
    stage_end(stage, 0);
    stage->steps_taken = 0;
    request = begin_chain(stage, 2);
    assert_int_equal(request->state, REQUEST_PARKED);
    assert_false(request->http.has_next);
    assert_int_equal(stage->in_use, 2);
    /* Its client leaves: both isolates go. */
    stage_end(stage, 0);
    assert_int_equal(stage->in_use, 0);
    assert_int_equal(stage->last_end, ISOLATE_DISCARDED);
}

static void a_step_that_answers_is_the_last(void **state)
{
    struct stage *stage = *state;
    struct request *request = begin_chain(stage, 3);
    assert_int_equal(request->state, REQUEST_ANSWERED);
    assert_int_equal(stage->checkouts, 1);
    assert_int_equal(stage->returns, 0);
}

static void a_fault_becomes_the_response_that_the_step_before_sees(void **state)
{
    struct stage *stage = *state;
    stage->steps[0] = GUEST_NEXT;
    stage->steps[1] = GUEST_FAULTED;
    stage->step_count = 2;
    stage->return_step = GUEST_FINISHED;
    stage->result.fault = FAULT_TRAP;
    (void)snprintf(stage->result.text, sizeof(stage->result.text), "integer overflow");
    stage_log_begin();
    struct request *request = begin_chain(stage, 2);
    assert_int_equal(stage_log_count(stage_log_take(), "\"guest_fault\""), 1);
    assert_int_equal(request->state, REQUEST_ANSWERED);
    assert_int_equal(stage->errors, 1);
    assert_int_equal(request->response.status, 500);
    assert_null(request->code);
    assert_int_equal(stage->metrics.faults_trap, 1);
    struct bytes body = request->response.body;
    assert_non_null(memmem(body.data, body.count, "integer overflow", 16));
    assert_int_equal(request->http.response_headers.count, 1);
}

static void after_the_head_a_fault_cuts_the_answer_of_all(void **state)
{
    struct stage *stage = *state;
    stage->steps[0] = GUEST_NEXT;
    stage->steps[1] = GUEST_WAITS;
    stage->steps[2] = GUEST_FAULTED;
    stage->step_count = 3;
    stage->result.fault = FAULT_TRAP;
    stage->result.until_ns = 0;
    stage->write_bytes = 10;
    stage_log_begin();
    struct request *request = begin_chain(stage, 2);
    assert_int_equal(stage->pieces, 1);
    stage_turn(stage, 0);
    (void)stage_log_take();
    assert_int_equal(request->state, REQUEST_ANSWERED);
    assert_int_equal(stage->cuts, 1);
    assert_int_equal(stage->in_use, 0);
    assert_int_equal(stage->returns, 0);
}

static void fuel_is_each_steps_own_and_counts_together(void **state)
{
    struct stage *stage = *state;
    stage->config.limits.fuel = 2 * STAGE_RUN_FUEL;
    stage->steps[0] = GUEST_NEXT;
    stage->steps[1] = GUEST_RUNS;
    stage->steps[2] = GUEST_FINISHED;
    stage->step_count = 3;
    stage->return_step = GUEST_FINISHED;
    struct request *request = begin_chain(stage, 2);
    /* Its second step has used all that it may: it would have been enough for two runs. */
    stage_turn(stage, 0);
    assert_int_equal(request->state, REQUEST_ANSWERED);
    assert_int_equal(stage->metrics.fuel_used, 3 * STAGE_RUN_FUEL);
}

static void a_step_that_runs_out_of_fuel_is_told_to_the_one_before(void **state)
{
    struct stage *stage = *state;
    stage->config.limits.fuel = 2 * STAGE_RUN_FUEL;
    stage->steps[0] = GUEST_NEXT;
    stage->steps[1] = GUEST_RUNS;
    stage->steps[2] = GUEST_RUNS;
    stage->step_count = 3;
    stage->return_step = GUEST_FINISHED;
    stage_log_begin();
    struct request *request = begin_chain(stage, 2);
    stage_turn(stage, 0);
    (void)stage_log_take();
    assert_int_equal(request->state, REQUEST_ANSWERED);
    assert_int_equal(request->response.status, 500);
    assert_int_equal(stage->returns, 1);
    assert_int_equal(stage->metrics.faults_fuel, 1);
}

static void steps_that_cannot_be_run_refuse_the_request(void **state)
{
    struct stage *stage = *state;
    stage->find_status_later = STATUS_NOT_FOUND;
    struct request *request = begin_chain(stage, 2);
    assert_int_equal(request->response.status, 500);
    assert_string_equal(request->code, "no_step");
    assert_int_equal(stage->checkouts, 0);
    stage_end(stage, 0);
    stage->find_status_later = STATUS_CORRUPT;
    request = begin_chain(stage, 2);
    assert_string_equal(request->code, "busy");
    assert_ptr_equal(request->function, &stage->function);
}

static void a_step_waits_for_its_artifact_like_any_other(void **state)
{
    struct stage *stage = *state;
    stage->steps[0] = GUEST_WAITS;
    stage->steps[1] = GUEST_NEXT;
    stage->steps[2] = GUEST_FINISHED;
    stage->step_count = 3;
    stage->return_step = GUEST_FINISHED;
    stage->result.until_ns = 0;
    struct request *request = begin_chain(stage, 2);
    stage->checkout_status = STATUS_STALE;
    stage_turn(stage, 0);
    assert_int_equal(request->state, REQUEST_WAIT_ARTIFACT);
    assert_int_equal(stage->in_use, 1);
    stage->checkout_status = STATUS_OK;
    stage_turn(stage, stage->now_ns + 10 * MS);
    assert_int_equal(request->state, REQUEST_ANSWERED);
    assert_int_equal(stage->rebuilds, 1);
}

#define STAGED(test) cmocka_unit_test_setup_teardown(test, stage_setup, stage_teardown)

UNIT
{
    const struct CMUnitTest tests[] = {
        STAGED(each_step_runs_in_turn_and_then_backwards),
        STAGED(only_the_last_step_has_no_next_one),
        STAGED(a_step_that_answers_is_the_last),
        STAGED(a_fault_becomes_the_response_that_the_step_before_sees),
        STAGED(after_the_head_a_fault_cuts_the_answer_of_all),
        STAGED(fuel_is_each_steps_own_and_counts_together),
        STAGED(a_step_that_runs_out_of_fuel_is_told_to_the_one_before),
        STAGED(steps_that_cannot_be_run_refuse_the_request),
        STAGED(a_step_waits_for_its_artifact_like_any_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
