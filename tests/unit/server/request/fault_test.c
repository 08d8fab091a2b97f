/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each row of fault.def: what is answered, counted and logged.
 */
#include <stdio.h>

#include "tests/unit/server/request/stage.h"

/* Every counter of the worker's, added up. */
static uint64_t counted(const struct metrics *metrics)
{
    uint64_t sum = 0;
#define METRIC(name, family, labels, type, help) sum += metrics->name;
#include "server/telemetry/metrics.def"
    return sum;
}

static void each_row_is_answered_counted_and_logged_as_it_says(void **state)
{
    for (enum fault fault = 0; fault < FAULT_COUNT; fault++) {
        assert_int_equal(stage_teardown(state), 0);
        assert_int_equal(stage_setup(state), 0);
        struct stage *stage = *state;
        const struct fault_row *row = &fault_rows[fault];
        stage->steps[0] = GUEST_FAULTED;
        stage->result.fault = fault;
        (void)snprintf(stage->result.text, sizeof(stage->result.text), "in words");
        stage_log_begin();
        const struct request *request = stage_begin(stage, 0);
        uint32_t traces = stage_log_count(stage_log_take(), "\"guest_fault\"");
        assert_int_equal(traces, row->trace ? 1 : 0);
        assert_int_equal(request->response.status, row->status);
        assert_string_equal(request->code, row->code);
        assert_true(request->retry_later == row->retry);
        assert_non_null(strstr(request->problem, "in words"));
        uint64_t metric;
        memcpy(&metric, (const uint8_t *)&stage->metrics + row->metric, sizeof(metric));
        assert_int_equal(metric, 1);
        assert_true(row->status >= 400 && row->status < 600);
        assert_int_equal(stage->last_end, ISOLATE_DISCARDED);
    }
}

static void without_words_it_says_its_own(void **state)
{
    struct stage *stage = *state;
    for (enum fault fault = 0; fault < FAULT_COUNT; fault++)
        assert_true(strlen(fault_rows[fault].detail) > 5);
    stage->find_status = STATUS_CORRUPT;
    stage_log_begin();
    stage_begin(stage, 0);
    (void)stage_log_take();
    assert_non_null(strstr(stage->requests[0].problem, fault_rows[FAULT_NO_CATALOG].detail));
}

static void counting_touches_one_counter(void **state)
{
    (void)state;
    for (enum fault fault = 0; fault < FAULT_COUNT; fault++) {
        struct metrics metrics = {0};
        fault_count(fault, &metrics);
        assert_int_equal(counted(&metrics), 1);
    }
}

static void a_guests_faults_have_the_codes_that_hostapi_gives_them(void **state)
{
    (void)state;
    assert_string_equal(fault_rows[FAULT_TRAP].code, hostapi_fault_code(HOSTAPI_FAULT_TRAP));
    assert_string_equal(fault_rows[FAULT_OUTPUT].code,
                        hostapi_fault_code(HOSTAPI_FAULT_BAD_OUTPUT));
    assert_string_equal(fault_rows[FAULT_EXIT].code, hostapi_fault_code(HOSTAPI_FAULT_EXIT_STATUS));
}

/* In the order of fault.def: the guest's, the origin's, the client's, the tenant's bounds, want of
 * room. */
static uint32_t status_wanted(enum fault fault)
{
    if (fault == FAULT_DEADLINE)
        return 504; /* whoever is behind did not answer in time */
    if (fault < FAULT_ORIGIN)
        return 500;
    switch (fault) {
    case FAULT_ORIGIN:
        return 502;
    case FAULT_ORIGIN_LATE:
        return 504;
    case FAULT_ORIGIN_LOOP:
        return 508;
    case FAULT_CLIENT_GONE:
    case FAULT_STREAM_IDLE:
        return 499; /* nobody sees it; the access log's word */
    case FAULT_UNKNOWN_HOST:
    case FAULT_UNKNOWN_ROUTE:
    case FAULT_UNKNOWN_FUNCTION:
    case FAULT_NO_FILE:
        return 404;
    case FAULT_BAD_PATH:
        return 400;
    case FAULT_ELSEWHERE:
        return 421;
    case FAULT_REQUEST_RATE:
    case FAULT_FUEL_RATE:
        return 429;
    default:
        return 503;
    }
}

static void the_status_says_whose_fault_it_is(void **state)
{
    (void)state;
    for (enum fault fault = 0; fault < FAULT_COUNT; fault++)
        assert_int_equal(fault_rows[fault].status, status_wanted(fault));
}

static void want_of_room_alone_is_worth_another_try(void **state)
{
    (void)state;
    for (enum fault fault = 0; fault < FAULT_COUNT; fault++) {
        uint32_t status = status_wanted(fault);
        bool passes = (status == 503 || status == 429) && fault != FAULT_SUSPENDED;
        assert_true(fault_rows[fault].retry == passes);
    }
}

/* A status that was chosen, or a time that passed, has no place in the code. */
static void what_went_wrong_in_a_guest_is_told_with_its_place(void **state)
{
    (void)state;
    for (enum fault fault = 0; fault < FAULT_COUNT; fault++)
        assert_true(fault_rows[fault].trace == (status_wanted(fault) == 500 &&
                                                fault != FAULT_STATUS && fault != FAULT_NO_STEP));
}

#define STAGED(test) cmocka_unit_test_setup_teardown(test, stage_setup, stage_teardown)

UNIT
{
    const struct CMUnitTest tests[] = {
        STAGED(each_row_is_answered_counted_and_logged_as_it_says),
        STAGED(without_words_it_says_its_own),
        cmocka_unit_test(counting_touches_one_counter),
        cmocka_unit_test(the_status_says_whose_fault_it_is),
        cmocka_unit_test(want_of_room_alone_is_worth_another_try),
        cmocka_unit_test(what_went_wrong_in_a_guest_is_told_with_its_place),
        cmocka_unit_test(a_guests_faults_have_the_codes_that_hostapi_gives_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
