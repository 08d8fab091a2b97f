/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters as text: every row, each family announced once.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/telemetry/metrics.h"
#include "tests/support/unit.h"

static char *print(const struct metrics *const *pages, uint32_t count, size_t max)
{
    struct buffer out;
    buffer_init(&out, max);
    metrics_print(pages, count, &out);
    char *text = calloc(out.count + 1, 1);
    assert_non_null(text);
    if (out.count > 0)
        memcpy(text, out.data, out.count);
    buffer_done(&out);
    return text;
}

static size_t occurrences(const char *text, const char *word)
{
    size_t count = 0;
    for (const char *at = strstr(text, word); at != NULL; at = strstr(at + 1, word))
        count++;
    return count;
}

static void each_worker_has_a_line_for_each_row(void **state)
{
    (void)state;
    struct metrics first = {.requests = 7, .run_ns = UINT64_C(1500000000)};
    struct metrics second = {.requests = 9, .starts = {[ISOLATE_START_FIRST_REQUEST] = 3}};
    const struct metrics *pages[] = {&first, &second};
    char *text = print(pages, 2, 1 << 20);
    assert_non_null(strstr(text, "\nskerry_requests_total{worker=\"0\"} 7\n"));
    assert_non_null(strstr(text, "\nskerry_requests_total{worker=\"1\"} 9\n"));
    assert_non_null(
        strstr(text, "\nskerry_starts_total{worker=\"1\",reason=\"first_request\"} 3\n"));
    assert_non_null(strstr(text, "\nskerry_run_seconds_total{worker=\"0\"} 1.500000000\n"));
    assert_int_equal(occurrences(text, "# TYPE skerry_starts_total counter\n"), 1);
    assert_int_equal(occurrences(text, "\nskerry_starts_total{"), 14);
    free(text);
}

static void a_family_is_announced_once_and_stands_together(void **state)
{
    (void)state;
    static const char *const families[] = {
#define METRIC(name, family, labels, type, help) family,
#include "server/telemetry/metrics.def"
    };
    for (size_t i = 1; i < COUNT_OF(families); i++) {
        for (size_t j = 0; j + 1 < i; j++) {
            if (strcmp(families[i], families[j]) == 0)
                assert_string_equal(families[i], families[i - 1]);
        }
    }
}

static void what_does_not_fit_is_left_away_in_whole_lines(void **state)
{
    (void)state;
    struct metrics page = {0};
    const struct metrics *pages[] = {&page};
    for (size_t max = 0; max < 2000; max += 37) {
        char *text = print(pages, 1, max);
        size_t count = strlen(text);
        assert_true(count <= max);
        assert_true(count == 0 || text[count - 1] == '\n');
        free(text);
    }
}

static void a_new_worker_keeps_counters_and_clears_gauges(void **state)
{
    (void)state;
    struct metrics page = {.requests = 5, .connections = 4, .in_flight = 3};
    metrics_clear_gauges(&page);
    assert_int_equal(page.requests, 5);
    assert_int_equal(page.connections, 0);
    assert_int_equal(page.in_flight, 0);
}

static void a_turn_is_counted_where_its_length_is_the_bound_or_less(void **state)
{
    (void)state;
    struct metrics page = {0};
    static const uint64_t lengths[] = {0, 25000, 25001, 400000, 400001, UINT64_C(3600000000000)};
    for (size_t i = 0; i < COUNT_OF(lengths); i++)
        metrics_count_turn(&page, lengths[i]);
    assert_int_equal(page.turns[0], 2);
    assert_int_equal(page.turns[1], 1);
    assert_int_equal(page.turns[4], 1);
    assert_int_equal(page.turns[5], 1);
    assert_int_equal(page.turns[METRICS_TURN_BUCKETS - 1], 1);
    const struct metrics *pages[] = {&page};
    char *text = print(pages, 1, 1 << 20);
    assert_int_equal(occurrences(text, "# TYPE skerry_turn_seconds histogram\n"), 1);
    assert_non_null(strstr(text, "\nskerry_turn_seconds_bucket{worker=\"0\",le=\"0.000025\"} 2\n"));
    assert_non_null(strstr(text, "\nskerry_turn_seconds_bucket{worker=\"0\",le=\"0.000400\"} 4\n"));
    assert_non_null(strstr(text, "\nskerry_turn_seconds_bucket{worker=\"0\",le=\"0.025600\"} 5\n"));
    assert_non_null(strstr(text, "\nskerry_turn_seconds_bucket{worker=\"0\",le=\"+Inf\"} 6\n"));
    assert_non_null(strstr(text, "\nskerry_turn_seconds_sum{worker=\"0\"} 3600.000850002\n"));
    assert_non_null(strstr(text, "\nskerry_turn_seconds_count{worker=\"0\"} 6\n"));
    free(text);
}

static void a_warm_request_is_in_the_phases_that_it_has(void **state)
{
    (void)state;
    struct metrics page = {0};
    const struct start_times times = {.ns = {1000, 2000, 3000, 4000, 5000, 6000}};
    metrics_count_phases(&page, false, &times);
    metrics_count_phases(&page, true, &times);
    metrics_count_phases(&page, true, &times);
    const struct metrics *pages[] = {&page};
    char *text = print(pages, 1, 1 << 20);
    static const char *const phases[] = {"queue", "lookup", "load", "map", "restore", "run"};
    for (size_t i = 0; i < COUNT_OF(phases); i++) {
        char line[160];
        bool cold_only = i >= 2 && i <= 4;
        (void)snprintf(
            line, sizeof(line),
            "\nskerry_start_phase_seconds_count{worker=\"0\",start=\"cold\",phase=\"%s\"} "
            "2\n",
            phases[i]);
        assert_int_equal(occurrences(text, line), 1);
        (void)snprintf(
            line, sizeof(line),
            "\nskerry_start_phase_seconds_count{worker=\"0\",start=\"warm\",phase=\"%s\"} "
            "1\n",
            phases[i]);
        assert_int_equal(occurrences(text, line), cold_only ? 0 : 1);
    }
    assert_non_null(
        strstr(text, "{worker=\"0\",start=\"cold\",phase=\"run\",le=\"0.000004\"} 0\n"));
    assert_non_null(
        strstr(text, "{worker=\"0\",start=\"cold\",phase=\"run\",le=\"0.000008\"} 2\n"));
    assert_non_null(
        strstr(text, "{worker=\"0\",start=\"cold\",phase=\"run\",le=\"1.048576\"} 2\n"));
    assert_non_null(strstr(text, "{worker=\"0\",start=\"cold\",phase=\"run\",le=\"+Inf\"} 2\n"));
    assert_non_null(strstr(text, "_sum{worker=\"0\",start=\"cold\",phase=\"run\"} 0.000012000\n"));
    free(text);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_worker_has_a_line_for_each_row),
        cmocka_unit_test(a_family_is_announced_once_and_stands_together),
        cmocka_unit_test(what_does_not_fit_is_left_away_in_whole_lines),
        cmocka_unit_test(a_new_worker_keeps_counters_and_clears_gauges),
        cmocka_unit_test(a_warm_request_is_in_the_phases_that_it_has),
        cmocka_unit_test(a_turn_is_counted_where_its_length_is_the_bound_or_less),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
