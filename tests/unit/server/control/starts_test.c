/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Histories of starts: what is added is what is printed, and there are never too many.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "isolate/isolate.h"
#include "server/control/starts.h"
#include "tests/support/unit.h"

#define WALL_NS UINT64_C(1700000000000000000) /* 2023-11-14T22:13:20Z */

#define NOW_NS  UINT64_C(5000000000)

static uint64_t fake_monotonic(void *context)
{
    (void)context;
    return NOW_NS;
}

static uint64_t fake_realtime(void *context)
{
    (void)context;
    return WALL_NS;
}

static const struct clock fake_clock = {.monotonic_ns = fake_monotonic,
                                        .realtime_ns = fake_realtime};

static struct starts *make(uint32_t functions_max)
{
    struct starts *starts;
    assert_int_equal(starts_create(functions_max, &fake_clock, &starts), STATUS_OK);
    return starts;
}

static struct start_record make_record(const char *function, enum isolate_start_reason reason)
{
    struct start_record record = {
        .created_ns = 5, .version = 3, .reason = reason, .count = 1, .tenant = "acme"};
    (void)snprintf(record.function, sizeof(record.function), "%s", function);
    return record;
}

static void add(struct starts *starts, const char *function, enum isolate_start_reason reason)
{
    struct start_record record = make_record(function, reason);
    starts_add(starts, 1, &record, WALL_NS);
}

static json_t *print_made(struct starts *starts, const char *function, uint64_t created_ns)
{
    struct buffer out;
    buffer_init(&out, 1 << 20);
    const struct starts_key key = {
        .tenant = "acme", .function = function, .created_ns = created_ns};
    assert_int_equal(starts_print(starts, &key, &out), STATUS_OK);
    assert_int_equal(out.data[out.count - 1], '\n');
    json_t *root = json_loadb((const char *)out.data, out.count, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(root);
    buffer_done(&out);
    return root;
}

static json_int_t number(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    assert_true(json_is_integer(value));
    return json_integer_value(value);
}

/* A time in microseconds, as whole nanoseconds. */
static json_int_t ns_of(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    assert_true(json_is_real(value));
    return (json_int_t)(json_real_value(value) * 1000 + 0.5);
}

static json_int_t cold_of(struct starts *starts, const char *function)
{
    json_t *root = print_made(starts, function, 5);
    json_int_t cold = number(root, "cold");
    json_decref(root);
    return cold;
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void each_reason_is_counted_as_itself(void **state)
{
    (void)state;
    struct starts *starts = make(4);
    struct start_record warm = make_record("f", ISOLATE_START_WARM);
    warm.count = 1000;
    starts_add(starts, 0, &warm, WALL_NS);
    for (uint32_t reason = 1; reason < ISOLATE_START_REASON_COUNT; reason++) {
        for (uint32_t i = 0; i < reason; i++)
            add(starts, "f", reason);
    }
    json_t *root = print_made(starts, "f", 5);
    const json_t *reasons = json_object_get(root, "reasons");
    assert_int_equal(json_object_size(reasons), ISOLATE_START_REASON_COUNT - 1);
    for (uint32_t reason = 1; reason < ISOLATE_START_REASON_COUNT; reason++)
        assert_int_equal(number(reasons, isolate_start_reason_text(reason)), reason);
    assert_int_equal(number(root, "warm"), 1000);
    assert_int_equal(number(root, "cold"), 1 + 2 + 3 + 4 + 5 + 6);
    assert_int_equal(number(root, "lost"), 0);
    assert_string_equal(json_string_value(json_object_get(root, "since")),
                        "2023-11-14T22:13:20.000000Z");
    json_decref(root);
    starts_free(starts);
}

static void phases_are_those_of_cold_starts(void **state)
{
    (void)state;
    struct starts *starts = make(4);
    struct start_record record = make_record("f", ISOLATE_START_EVICTED);
    static const uint64_t loads_ns[] = {1500, 2500, 90000};
    for (size_t i = 0; i < COUNT_OF(loads_ns); i++) {
        record.times.ns[START_LOAD] = loads_ns[i];
        starts_add(starts, 0, &record, WALL_NS);
    }
    record.reason = ISOLATE_START_WARM;
    record.times.ns[START_LOAD] = 5000000;
    starts_add(starts, 0, &record, WALL_NS);

    json_t *root = print_made(starts, "f", 5);
    const json_t *phases = json_object_get(root, "phases");
    assert_int_equal(json_object_size(phases), START_PHASE_COUNT);
    const json_t *load = json_object_get(phases, "load");
    assert_int_equal(number(load, "count"), 3);
    assert_int_equal(ns_of(load, "sum_us"), 94000);
    assert_int_equal(ns_of(load, "p50_us"), 4000);
    assert_int_equal(ns_of(load, "p99_us"), 90000); /* no bound says more than the largest */
    assert_int_equal(ns_of(load, "max_us"), 90000);
    const json_t *buckets = json_object_get(load, "buckets");
    assert_int_equal(json_array_size(buckets), START_BUCKETS);
    assert_int_equal(json_array_size(json_object_get(root, "bucket_le_us")), START_BUCKETS - 1);
    assert_int_equal(json_integer_value(json_array_get(buckets, 1)), 1);
    assert_int_equal(json_integer_value(json_array_get(buckets, 2)), 1);
    assert_int_equal(json_integer_value(json_array_get(buckets, 7)), 1);
    json_decref(root);
    starts_free(starts);
}

static void the_last_cold_starts_are_kept_in_full_newest_first(void **state)
{
    (void)state;
    struct starts *starts = make(4);
    for (uint32_t i = 1; i <= STARTS_RECENT + 3; i++) {
        struct start_record record = make_record("f", ISOLATE_START_DISCARDED);
        record.version = i;
        record.times.ns[START_RUN] = i * 1000 + 500;
        starts_add(starts, 2, &record, WALL_NS + i * 1000);
        add(starts, "f", ISOLATE_START_WARM);
    }
    json_t *root = print_made(starts, "f", 5);
    const json_t *recent = json_object_get(root, "recent");
    assert_int_equal(json_array_size(recent), STARTS_RECENT);
    const json_t *newest = json_array_get(recent, 0);
    assert_string_equal(json_string_value(json_object_get(newest, "version")), "v19");
    assert_string_equal(json_string_value(json_object_get(newest, "reason")), "discarded");
    assert_string_equal(json_string_value(json_object_get(newest, "time")),
                        "2023-11-14T22:13:20.000019Z");
    assert_int_equal(number(newest, "worker"), 2);
    assert_int_equal(ns_of(json_object_get(newest, "phases_us"), "run"), 19500);
    const json_t *oldest = json_array_get(recent, STARTS_RECENT - 1);
    assert_string_equal(json_string_value(json_object_get(oldest, "version")), "v4");
    json_decref(root);
    starts_free(starts);
}

static void a_function_made_anew_has_no_past(void **state)
{
    (void)state;
    struct starts *starts = make(4);
    add(starts, "f", ISOLATE_START_FIRST_REQUEST);
    json_t *root = print_made(starts, "f", 6);
    assert_int_equal(number(root, "cold"), 0);
    assert_true(json_is_null(json_object_get(root, "since")));
    assert_int_equal(json_array_size(json_object_get(root, "recent")), 0);
    json_decref(root);
    assert_int_equal(cold_of(starts, "f"), 1);
    starts_free(starts);
}

static void names_that_join_to_the_same_text_are_different(void **state)
{
    (void)state;
    struct starts *starts = make(4);
    struct start_record record = make_record("c", ISOLATE_START_EVICTED);
    (void)snprintf(record.tenant, sizeof(record.tenant), "acmeb");
    starts_add(starts, 0, &record, WALL_NS);
    assert_int_equal(cold_of(starts, "bc"), 0);
    starts_free(starts);
}

static void the_history_without_news_for_the_longest_makes_room(void **state)
{
    (void)state;
    struct starts *starts = make(2);
    add(starts, "one", ISOLATE_START_EVICTED);
    add(starts, "two", ISOLATE_START_EVICTED);
    add(starts, "one", ISOLATE_START_WARM);
    add(starts, "three", ISOLATE_START_EVICTED);
    assert_int_equal(cold_of(starts, "one"), 1);
    assert_int_equal(cold_of(starts, "two"), 0);
    assert_int_equal(cold_of(starts, "three"), 1);
    struct starts_stats stats = starts_stats(starts);
    assert_int_equal(stats.functions, 2);
    assert_int_equal(stats.forgotten, 1);
    starts_free(starts);
}

static void many_functions_keep_their_histories_apart(void **state)
{
    (void)state;
    struct starts *starts = make(3000);
    char name[32];
    for (uint32_t round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < 5000; i++) {
            (void)snprintf(name, sizeof(name), "f%u", i);
            add(starts, name, ISOLATE_START_EVICTED);
        }
    }
    assert_int_equal(starts_stats(starts).functions, 3000);
    assert_int_equal(starts_stats(starts).forgotten, 7000);
    assert_int_equal(cold_of(starts, "f1999"), 0);
    assert_int_equal(cold_of(starts, "f2000"), 1);
    assert_int_equal(cold_of(starts, "f4999"), 1);
    starts_free(starts);
}

static void what_was_lost_on_the_way_is_told(void **state)
{
    (void)state;
    struct starts *starts = make(4);
    add(starts, "f", ISOLATE_START_EVICTED);
    starts_tell_lost(starts, 3);
    assert_int_equal(starts_stats(starts).lost, 3);
    json_t *root = print_made(starts, "f", 5);
    assert_int_equal(number(root, "lost"), 3);
    json_decref(root);
    starts_free(starts);
}

static void an_answer_that_does_not_fit_is_an_error(void **state)
{
    (void)state;
    struct starts *starts = make(1);
    struct buffer out;
    buffer_init(&out, 100);
    const struct starts_key key = {.tenant = "acme", .function = "f"};
    assert_int_equal(starts_print(starts, &key, &out), STATUS_NO_MEMORY);
    buffer_done(&out);
    starts_free(starts);
}

static char *metrics_of(const struct starts *starts)
{
    struct buffer out;
    buffer_init(&out, 4 << 20);
    starts_print_metrics(starts, &out);
    assert_int_equal(buffer_append(&out, "", 1), STATUS_OK);
    char *text = strdup((const char *)out.data);
    assert_non_null(text);
    buffer_done(&out);
    return text;
}

static uint32_t count_of(const char *text, const char *part)
{
    uint32_t count = 0;
    for (const char *at = strstr(text, part); at != NULL; at = strstr(at + 1, part))
        count++;
    return count;
}

static void metrics_are_labelled_by_tenant_and_function(void **state)
{
    (void)state;
    struct starts *starts = make(4);
    struct start_record record = make_record("f", ISOLATE_START_EVICTED);
    record.times.ns[START_LOAD] = 1500000000;
    starts_add(starts, 0, &record, WALL_NS);
    record = make_record("f", ISOLATE_START_WARM);
    record.count = 7;
    starts_add(starts, 1, &record, WALL_NS);
    char *text = metrics_of(starts);
    assert_non_null(strstr(text, "\n# TYPE skerry_function_starts_total counter\n"));
    assert_non_null(strstr(text, "\nskerry_function_starts_total{tenant=\"acme\",function=\"f\","
                                 "reason=\"evicted\"} 1\n"));
    assert_non_null(strstr(text, "\nskerry_function_starts_total{tenant=\"acme\",function=\"f\","
                                 "reason=\"warm\"} 7\n"));
    assert_non_null(strstr(text, "\nskerry_function_cold_seconds_total{tenant=\"acme\","
                                 "function=\"f\",phase=\"load\"} 1.500000000\n"));
    assert_non_null(strstr(text, "\nskerry_function_metrics_left_out 0\n"));
    free(text);
    starts_free(starts);
}

static void a_function_made_anew_is_in_the_metrics_once(void **state)
{
    (void)state;
    struct starts *starts = make(4);
    struct start_record record = make_record("f", ISOLATE_START_WARM);
    record.count = 7;
    starts_add(starts, 0, &record, WALL_NS);
    record.created_ns++;
    record.count = 3;
    starts_add(starts, 0, &record, WALL_NS);
    record.created_ns--; /* the first one's last words, late */
    starts_add(starts, 0, &record, WALL_NS);
    char *text = metrics_of(starts);
    assert_int_equal(count_of(text, "reason=\"warm\"}"), 1);
    assert_non_null(strstr(text, "reason=\"warm\"} 3\n"));
    assert_non_null(strstr(text, "\nskerry_function_metrics_left_out 0\n"));
    free(text);
    starts_free(starts);
}

static void metrics_name_so_many_functions_and_count_the_rest(void **state)
{
    (void)state;
    struct starts *starts = make(STARTS_METRICS + 10);
    for (uint32_t i = 0; i < STARTS_METRICS + 5; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "f%u", i);
        add(starts, name, ISOLATE_START_FIRST_REQUEST);
    }
    char *text = metrics_of(starts);
    assert_int_equal(count_of(text, "reason=\"warm\"}"), STARTS_METRICS);
    assert_null(strstr(text, "function=\"f4\""));
    assert_non_null(strstr(text, "function=\"f5\""));
    assert_non_null(strstr(text, "\nskerry_function_metrics_left_out 5\n"));
    free(text);
    starts_free(starts);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_reason_is_counted_as_itself),
        cmocka_unit_test(phases_are_those_of_cold_starts),
        cmocka_unit_test(the_last_cold_starts_are_kept_in_full_newest_first),
        cmocka_unit_test(a_function_made_anew_has_no_past),
        cmocka_unit_test(names_that_join_to_the_same_text_are_different),
        cmocka_unit_test(the_history_without_news_for_the_longest_makes_room),
        cmocka_unit_test(many_functions_keep_their_histories_apart),
        cmocka_unit_test(what_was_lost_on_the_way_is_told),
        cmocka_unit_test(an_answer_that_does_not_fit_is_an_error),
        cmocka_unit_test(metrics_are_labelled_by_tenant_and_function),
        cmocka_unit_test(a_function_made_anew_is_in_the_metrics_once),
        cmocka_unit_test(metrics_name_so_many_functions_and_count_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
