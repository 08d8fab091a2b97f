/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Samples sorted by class, phase, reason, status and failure.
 */
#include <errno.h>
#include <stdio.h>

#include "loadtest/load_results.h"
#include "tests/support/unit.h"

#define DUE_NS  1000000000ull
#define SENT_NS (DUE_NS + 3000)
#define DONE_NS (DUE_NS + 10000)

static void
add_answer(struct load_results *results, uint32_t status, const char *timing, bool warmup)
{
    struct answer answer;
    answer_init(&answer, false, NULL);
    answer.state = ANSWER_DONE;
    answer.http_status = status;
    answer.body_bytes = 5;
    assert_true(server_timing_parse(&answer.timing, bytes_of_text(timing)));
    const struct connection_result result = {
        .answer = &answer, .sent_ns = SENT_NS, .done_ns = DONE_NS};
    const struct load_run_sample sample = {.due_ns = DUE_NS, .warmup = warmup, .result = &result};
    load_results_add(results, &sample);
}

static void add_failure(struct load_results *results,
                        enum failure failure,
                        int error_number,
                        const char *detail)
{
    const struct connection_result result = {
        .failure = failure, .error_number = error_number, .detail = detail, .done_ns = DONE_NS};
    const struct load_run_sample sample = {.due_ns = DUE_NS, .result = &result};
    load_results_add(results, &sample);
}

static void latency_counts_from_due_and_service_from_sent(void **state)
{
    (void)state;
    struct load_results *results = load_results_create();
    assert_non_null(results);
    add_answer(results, 200, "", false);
    assert_int_equal(results->latency[LOAD_RESULTS_UNTOLD].maximum, DONE_NS - DUE_NS);
    assert_int_equal(results->service.maximum, DONE_NS - SENT_NS);
    load_results_free(results);
}

static void classes_are_kept_apart_and_add_up(void **state)
{
    (void)state;
    struct load_results *results = load_results_create();
    assert_non_null(results);
    add_answer(results, 200, "start;dur=1;desc=\"warm\"", false);
    add_answer(results, 204, "start;dur=1;desc=\"warm\"", false);
    add_answer(results, 200, "start;dur=2;desc=\"cold:evicted\"", false);
    add_answer(results, 200, "", false);
    add_answer(results, 503, "start;dur=1;desc=\"warm\"", false);
    assert_int_equal(results->latency[LOAD_RESULTS_WARM].count, 2);
    assert_int_equal(results->latency[LOAD_RESULTS_COLD].count, 1);
    assert_int_equal(results->latency[LOAD_RESULTS_UNTOLD].count, 1);
    assert_int_equal(results->latency[LOAD_RESULTS_ERROR].count, 1);
    assert_int_equal(results->answered_count, 5);
    assert_int_equal(results->succeeded_count, 4);
    assert_int_equal(results->statuses[200], 3);
    assert_int_equal(results->statuses[503], 1);
    assert_int_equal(results->body_bytes, 25);
    struct histogram all;
    load_results_all(results, &all);
    assert_int_equal(all.count, 5);
    load_results_free(results);
}

static void phases_are_found_by_name_and_class(void **state)
{
    (void)state;
    struct load_results *results = load_results_create();
    assert_non_null(results);
    add_answer(results, 200, "start;dur=2;desc=\"cold:restart\", load;dur=1.5", false);
    add_answer(results, 200, "start;dur=0.001;desc=\"warm\"", false);
    assert_int_equal(results->phase_count, 2);
    assert_string_equal(results->phases[0].name, "start");
    assert_string_equal(results->phases[1].name, "load");
    assert_int_equal(results->phases[0].by_class[LOAD_RESULTS_COLD]->maximum, 2000000);
    assert_int_equal(results->phases[0].by_class[LOAD_RESULTS_WARM]->maximum, 1000);
    assert_null(results->phases[1].by_class[LOAD_RESULTS_WARM]);
    struct histogram all;
    load_results_phase_all(&results->phases[0], &all);
    assert_int_equal(all.count, 2);
    load_results_free(results);
}

static void reasons_of_cold_starts_are_counted(void **state)
{
    (void)state;
    struct load_results *results = load_results_create();
    assert_non_null(results);
    add_answer(results, 200, "start;desc=\"cold:first_request\"", false);
    add_answer(results, 200, "start;desc=\"cold:pool_empty\"", false);
    add_answer(results, 200, "start;desc=\"cold:first_request\"", false);
    add_answer(results, 200, "start;desc=cold", false);
    add_answer(results, 200, "start;desc=warm", false);
    assert_int_equal(results->reason_count, 3);
    assert_string_equal(results->reasons[0].name, "first_request");
    assert_int_equal(results->reasons[0].count, 2);
    assert_string_equal(results->reasons[2].name, "unnamed");
    load_results_free(results);
}

static void names_past_the_cap_are_counted_as_left_out(void **state)
{
    (void)state;
    struct load_results *results = load_results_create();
    assert_non_null(results);
    for (int i = 0; i < LOADTEST_PHASES_MAX + 3; i++) {
        char timing[64];
        (void)snprintf(timing, sizeof(timing), "p%d;dur=1", i);
        add_answer(results, 200, timing, false);
    }
    for (int i = 0; i < LOADTEST_REASONS_MAX + 2; i++) {
        char timing[64];
        (void)snprintf(timing, sizeof(timing), "start;desc=\"cold:r%d\"", i);
        add_answer(results, 200, timing, false);
    }
    assert_int_equal(results->phase_count, LOADTEST_PHASES_MAX);
    assert_int_equal(results->reason_count, LOADTEST_REASONS_MAX);
    assert_int_equal(results->dropped_timing_count, 5);
    load_results_free(results);
}

static void the_warmup_is_counted_and_otherwise_forgotten(void **state)
{
    (void)state;
    struct load_results *results = load_results_create();
    assert_non_null(results);
    add_answer(results, 500, "start;dur=1;desc=\"warm\"", true);
    assert_int_equal(results->warmup_count, 1);
    assert_int_equal(results->answered_count, 0);
    assert_int_equal(results->phase_count, 0);
    load_results_free(results);
}

static void failures_are_counted_by_kind_with_the_first_detail(void **state)
{
    (void)state;
    struct load_results *results = load_results_create();
    assert_non_null(results);
    add_failure(results, FAILURE_MALFORMED, 0, "first");
    add_failure(results, FAILURE_MALFORMED, 0, "second");
    add_failure(results, FAILURE_CONNECT, ECONNREFUSED, NULL);
    add_failure(results, FAILURE_QUEUE_FULL, 0, NULL);
    assert_int_equal(results->failed_count, 4);
    assert_int_equal(results->failures[FAILURE_MALFORMED], 2);
    assert_string_equal(results->details[FAILURE_MALFORMED], "first");
    assert_string_equal(results->details[FAILURE_CONNECT], "Connection refused");
    assert_string_equal(results->details[FAILURE_QUEUE_FULL], "");
    assert_int_equal(results->answered_count, 0);
    load_results_free(results);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(latency_counts_from_due_and_service_from_sent),
        cmocka_unit_test(classes_are_kept_apart_and_add_up),
        cmocka_unit_test(phases_are_found_by_name_and_class),
        cmocka_unit_test(reasons_of_cold_starts_are_counted),
        cmocka_unit_test(names_past_the_cap_are_counted_as_left_out),
        cmocka_unit_test(the_warmup_is_counted_and_otherwise_forgotten),
        cmocka_unit_test(failures_are_counted_by_kind_with_the_first_detail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
