/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is counted of a request, and told to control.
 */
#include <stdio.h>
#include <stdlib.h>

#include "server/request/account.h"
#include "server/telemetry/answer_record.h"
#include "tests/unit/server/request/stage.h"

static bool read_record(struct stage *stage, struct start_record *ret_record)
{
    struct record_reader reader = {0};
    struct record record;
    uint64_t budget = UINT64_MAX;
    return record_ring_read(stage->records, &reader, &budget, &record) &&
           start_record_read(&record, clock_monotonic_ns(stage->service.clock), ret_record);
}

static void name_the_function(struct directory_function *function)
{
    function->entry.version = 3;
    function->entry.created_ns = 77;
    (void)snprintf(function->entry.tenant, sizeof(function->entry.tenant), "acme");
    (void)snprintf(function->entry.function, sizeof(function->entry.function), "hello");
}

static void a_cold_start_is_told_with_its_phases(void **state)
{
    struct stage *stage = *state;
    name_the_function(&stage->function);
    stage_begin(stage, 0);
    struct start_record record;
    assert_true(read_record(stage, &record));
    assert_int_equal(record.reason, ISOLATE_START_FIRST_REQUEST);
    assert_int_equal(record.count, 1);
    assert_int_equal(record.version, 3);
    assert_int_equal(record.created_ns, 77);
    assert_string_equal(record.tenant, "acme");
    assert_string_equal(record.function, "hello");
    assert_int_equal(record.times.ns[START_RUN], STAGE_RUN_NS);
    assert_int_equal(stage->metrics.cold_phases[START_RUN].sum_ns, STAGE_RUN_NS);
}

static void warm_starts_are_added_up_until_they_are_told(void **state)
{
    struct stage *stage = *state;
    struct directory_function *function = calloc(1, sizeof(*function));
    assert_non_null(function);
    name_the_function(function);
    function->tenant = &stage->tenant;
    stage->tenant.references = 1;
    for (int i = 0; i < 5; i++)
        directory_count_warm(stage->service.directory, function);
    struct start_record record;
    assert_false(read_record(stage, &record));
    account_flush(&stage->service);
    assert_true(read_record(stage, &record));
    assert_int_equal(record.reason, ISOLATE_START_WARM);
    assert_int_equal(record.count, 5);
    assert_int_equal(stage->records->serial, 1);
    account_flush(&stage->service);
    assert_int_equal(stage->records->serial, 1);
}

static void what_answers_came_to_is_told_by_version(void **state)
{
    struct stage *stage = *state;
    struct record_reader reader = {0};
    struct record record;
    struct tally_record tally;
    struct answer_record answers;
    uint64_t budget = UINT64_MAX;
    name_the_function(&stage->function);
    for (uint32_t i = 0; i < 3; i++) {
        struct request request = {.service = &stage->service,
                                  .function = &stage->function,
                                  .started = true,
                                  .start.reason = ISOLATE_START_WARM,
                                  .response.status = i == 0 ? 500 : 499,
                                  .arrived_ns = 100,
                                  .now_ns = 1100,
                                  .run_ns = 10,
                                  .fuel_used = 7,
                                  .native_fuel = 5};
        account_ended(&request);
    }
    directory_take_warm(stage->service.directory, NULL, NULL);
    assert_int_equal(stage->records->serial, 0);
    account_flush(&stage->service);
    account_flush(&stage->service);
    assert_int_equal(stage->records->serial, 1);
    assert_true(record_ring_read(stage->records, &reader, &budget, &record));
    assert_true(tally_record_read(&record, &tally));
    assert_int_equal(tally.version, 3);
    assert_string_equal(tally.function, "hello");
    const struct tally sum = {
        .answered = 3, .failed = 1, .total_ns = 3000, .run_ns = 30, .fuel = 21, .native_fuel = 15};
    assert_memory_equal(&tally.tally, &sum, sizeof(sum));
    /* Of a version that is a share, canaries hear too. */
    stage->function.is_share = true;
    directory_tally(stage->service.directory, &stage->function, &sum);
    account_flush(&stage->service);
    assert_true(record_ring_read(stage->records, &reader, &budget, &record));
    assert_true(record_ring_read(stage->records, &reader, &budget, &record));
    assert_true(answer_record_read(&record, &answers));
    assert_int_equal(answers.answered, 3);
    assert_int_equal(answers.failed, 1);
}

static void time_that_is_in_no_phase_was_waiting(void **state)
{
    (void)state;
    struct request request = {.arrived_ns = 1000,
                              .now_ns = 11000,
                              .lookup_ns = 100,
                              .start_ns = 200,
                              .run_ns = 300,
                              .parked_ns = 400};
    assert_int_equal(account_times(&request).ns[START_QUEUE], 9000);
    request.run_ns = 100000; /* clocks may be read apart */
    assert_int_equal(account_times(&request).ns[START_QUEUE], 0);
}

static void answers_are_counted_by_class_and_one_that_never_came_in_none(void **state)
{
    struct stage *stage = *state;
    static const uint32_t statuses[] = {200, 299, 304, 404, 431, 500, 599, 0, 199, 600};
    for (size_t i = 0; i < COUNT_OF(statuses); i++) {
        struct request request = {.service = &stage->service, .response.status = statuses[i]};
        account_ended(&request);
    }
    assert_int_equal(stage->metrics.responses_2xx, 2);
    assert_int_equal(stage->metrics.responses_3xx, 1);
    assert_int_equal(stage->metrics.responses_4xx, 2);
    assert_int_equal(stage->metrics.responses_5xx, 2);
}

#define STAGED(test) cmocka_unit_test_setup_teardown(test, stage_setup, stage_teardown)

UNIT
{
    const struct CMUnitTest tests[] = {
        STAGED(a_cold_start_is_told_with_its_phases),
        STAGED(warm_starts_are_added_up_until_they_are_told),
        STAGED(what_answers_came_to_is_told_by_version),
        STAGED(time_that_is_in_no_phase_was_waiting),
        STAGED(answers_are_counted_by_class_and_one_that_never_came_in_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
