/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both reports of one small run: the JSON is parsed again and compared with what went
 * in; the text must show the numbers a person looks for.
 */
#include <jansson.h>
#include <stdlib.h>

#include "loadtest/load_report.h"
#include "tests/support/unit.h"

struct fixture {
    struct load_options options;
    struct target target;
    struct load_results *results;
    struct load_run_result run;
    struct load_report report;
    char *text;
    size_t text_bytes;
};

static void
add_answers(struct load_results *results, int count, const char *timing, uint64_t latency_ns)
{
    struct answer answer;
    answer_init(&answer, false, NULL);
    answer.state = ANSWER_DONE;
    answer.http_status = 200;
    assert_true(server_timing_parse(&answer.timing, bytes_of_text(timing)));
    const struct connection_result result = {
        .answer = &answer, .sent_ns = 1000, .done_ns = 1000 + latency_ns};
    const struct load_run_sample sample = {.due_ns = 1000, .result = &result};
    for (int i = 0; i < count; i++)
        load_results_add(results, &sample);
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    assert_non_null(fixture);
    fixture->options = (struct load_options){.url = "http://localhost/",
                                             .method = "GET",
                                             .tenant = "default",
                                             .rate_millis = 50500,
                                             .duration_us = 2000000,
                                             .connections = 7};
    assert_int_equal(target_from_url("http://localhost/", NULL, &fixture->target), STATUS_OK);
    fixture->results = load_results_create();
    assert_non_null(fixture->results);
    add_answers(fixture->results, 99, "start;dur=0.002;desc=\"warm\", exec;dur=0.1", 500000);
    add_answers(fixture->results, 1, "start;dur=0.3;desc=\"cold:first_request\"", 1500000);
    fixture->run = (struct load_run_result){
        .measured_ns = 2000000000, .cpu_ns = 1000000000, .wall_ns = 2000000000};
    histogram_init(&fixture->run.lag);
    fixture->report = (struct load_report){.options = &fixture->options,
                                           .target = &fixture->target,
                                           .results = fixture->results,
                                           .run = &fixture->run};
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    load_results_free(fixture->results);
    free(fixture->text);
    free(fixture);
    return 0;
}

static void print(struct fixture *fixture, bool json)
{
    FILE *out = open_memstream(&fixture->text, &fixture->text_bytes);
    assert_non_null(out);
    if (json)
        assert_int_equal(load_report_json(&fixture->report, out), STATUS_OK);
    else
        load_report_text(&fixture->report, out);
    assert_int_equal(fclose(out), 0);
}

static void json_holds_counts_quantiles_and_histograms(void **state)
{
    struct fixture *fixture = *state;
    print(fixture, true);
    json_t *root = json_loads(fixture->text, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(root);
    const char *mode;
    double rate;
    double asked;
    double p50;
    double max;
    double start;
    int status_200;
    int timeouts;
    int cold;
    int first_request;
    json_t *buckets;
    assert_int_equal(
        json_unpack(root,
                    "{s:s, s:F, s:F, s:{s:i}, s:{s:i}, s:{s:{s:F, s:F, s:o}, s:{s:i}}, "
                    "s:{s:{s:{s:F}}}, s:{s:i}}",
                    "mode", &mode, "rate_achieved", &rate, "rate_asked", &asked, "statuses", "200",
                    &status_200, "failures", "timeout", &timeouts, "latency", "all", "p50_ms", &p50,
                    "max_ms", &max, "histogram", &buckets, "cold", "count", &cold, "phases",
                    "start", "cold", "p50_ms", &start, "reasons", "first_request", &first_request),
        0);
    assert_string_equal(mode, "open");
    assert_true(rate == 50 && asked == 50.5);
    assert_int_equal(status_200, 100);
    assert_int_equal(timeouts, 0);
    assert_true(p50 > 0.495 && p50 < 0.505);
    assert_true(max == 1.5);
    assert_true(start == 0.3);
    assert_int_equal(cold, 1);
    assert_int_equal(first_request, 1);
    assert_int_equal(json_array_size(buckets), 2);
    assert_int_equal(json_integer_value(json_array_get(json_array_get(buckets, 0), 1)), 99);
    json_decref(root);
}

static void text_shows_rate_classes_phases_reasons_and_bars(void **state)
{
    struct fixture *fixture = *state;
    fixture->results->failures[FAILURE_TIMEOUT] = 3;
    print(fixture, false);
    static const char *const expected[] = {
        "open loop, 50.5/s asked, for 2 s, 7 connections",
        "50.0/s achieved: 100 answers in 2.000 s",
        "200: 100",
        "failed    3: no whole answer within --timeout",
        "50 % of a core",
        "from the time a request was due",
        "  warm                99      0.500",
        "  cold                 1      1.500",
        "  exec                99      0.100",
        "first_request 1",
        "|########################################| 99",
    };
    for (size_t i = 0; i < COUNT_OF(expected); i++) {
        if (strstr(fixture->text, expected[i]) == NULL)
            fail_msg("'%s' is not in:\n%s", expected[i], fixture->text);
    }
}

static void an_empty_run_prints_without_dividing_by_zero(void **state)
{
    struct fixture *fixture = *state;
    load_results_free(fixture->results);
    fixture->results = load_results_create();
    assert_non_null(fixture->results);
    fixture->report.results = fixture->results;
    fixture->run = (struct load_run_result){.interrupted = true};
    histogram_init(&fixture->run.lag);
    print(fixture, false);
    assert_non_null(strstr(fixture->text, "INTERRUPTED"));
    assert_non_null(strstr(fixture->text, "status    none"));
    assert_null(strstr(fixture->text, "nan"));
    free(fixture->text);
    print(fixture, true);
    json_t *root = json_loads(fixture->text, 0, NULL);
    assert_true(json_is_true(json_object_get(root, "interrupted")));
    json_decref(root);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(json_holds_counts_quantiles_and_histograms, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(text_shows_rate_classes_phases_reasons_and_bars, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_empty_run_prints_without_dividing_by_zero, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
