/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Environment, log, clock and random bytes of the native API.
 */
#include "hostapi/skerry/skerry.h"
#include "tests/support/unit.h"
#include "tests/unit/hostapi/wasi/calls.h"

#define BEFORE_TIME 0xee

static enum engine_outcome
ask(skerry_handler *handler, uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
    return call(handler, a, b, c, d);
}

static void put(uint32_t address, const char *text, size_t count)
{
    memcpy(memory(address), text, count);
}

/* ---- environment ----------------------------------------------------------------------------- */

static const struct hostapi_variable variables[] = {
    {.text = {.data = (const uint8_t *)"A=1", .count = 3}, .name_bytes = 1},
    {.text = {.data = (const uint8_t *)"AB=two=2", .count = 8}, .name_bytes = 2},
    {.text = {.data = (const uint8_t *)"NONE=", .count = 5}, .name_bytes = 4},
};

static int32_t env(const char *name, uint32_t room)
{
    fixture.exchange.environment.pairs = variables;
    fixture.exchange.environment.count = COUNT_OF(variables);
    put(0, name, strlen(name));
    memset(memory(100), BEFORE_TIME, 10);
    assert_int_equal(ask(skerry_env_get, 0, (uint32_t)strlen(name), 100, room), ENGINE_DONE);
    return (int32_t)slots[0].i32;
}

static void a_variable_is_found_by_its_whole_name(void **state)
{
    (void)state;
    assert_int_equal(env("AB", 10), 5);
    assert_memory_equal(memory(100), "two=2\xee", 6);
    assert_int_equal(env("A", 1), 1);
    assert_memory_equal(memory(100), "1\xee", 2);
    assert_int_equal(env("NONE", 10), 0);
    assert_int_equal(env("", 10), SKERRY_NOT_FOUND);
    assert_int_equal(env("ABC", 10), SKERRY_NOT_FOUND);
    assert_int_equal(env("a", 10), SKERRY_NOT_FOUND);
}

static void what_has_no_room_is_not_written_and_its_length_told(void **state)
{
    (void)state;
    assert_int_equal(env("AB", 4), 5);
    assert_int_equal(*memory(100), BEFORE_TIME);
    assert_int_equal(env("AB", 0), 5);
}

static void a_buffer_outside_memory_ends_the_guest(void **state)
{
    (void)state;
    assert_int_equal(ask(skerry_env_get, 0, 1, PAGE_BYTES - 4, 5), ENGINE_TRAPPED);
    assert_int_equal(ask(skerry_env_get, PAGE_BYTES, 1, 0, 5), ENGINE_TRAPPED);
    assert_int_equal(ask(skerry_env_get, 0, UINT32_MAX, 0, 5), ENGINE_TRAPPED);
    assert_int_equal(ask(skerry_random, 1, PAGE_BYTES, 0, 0), ENGINE_TRAPPED);
    slots[4].bits = 0;
    assert_int_equal(ask(skerry_log, 0, PAGE_BYTES - 1, 2, 0), ENGINE_TRAPPED);
    slots[4].bits = PAGE_BYTES + 1;
    assert_int_equal(ask(skerry_log, 0, 0, 0, 0), ENGINE_TRAPPED);
}

/* ---- the log --------------------------------------------------------------------------------- */

static int32_t log_it(int32_t level, const char *text, const char *fields, size_t fields_count)
{
    put(0, text, strlen(text));
    put(1000, fields, fields_count);
    slots[4].bits = fields_count;
    assert_int_equal(ask(skerry_log, (uint32_t)level, 0, (uint32_t)strlen(text), 1000),
                     ENGINE_DONE);
    return (int32_t)slots[0].i32;
}
#define LOG(level, text, fields) log_it(level, text, fields, sizeof(fields) - 1)

static void a_line_has_a_level_a_text_and_fields(void **state)
{
    (void)state;
    assert_int_equal(LOG(0, "hello", ""), 0);
    assert_int_equal(LOG(1, "two\nlines",
                         "user\0"
                         "a=b\nc\0"
                         "n_2\0"
                         "\0"),
                     0);
    assert_int_equal(LOG(2, "", ""), 0);
    assert_int_equal(LOG(-1, "not kept", ""), 0);
    fixture.exchange.debug_log = true;
    assert_int_equal(LOG(-1, "\x1fno=field", ""), 0);
    fixture_assert_log(&fixture, "info hello\n"
                                 "warn two\\x0alines\x1fuser=a=b\\x0ac\x1fn_2=\n"
                                 "error \n"
                                 "debug \\x1fno=field\n");
}

static void a_line_that_makes_no_sense_is_refused_whole(void **state)
{
    (void)state;
    assert_int_equal(LOG(3, "x", ""), SKERRY_INVALID);
    assert_int_equal(LOG(-2, "x", ""), SKERRY_INVALID);
    assert_int_equal(LOG(0, "x",
                         "a\0"
                         "no end"),
                     SKERRY_INVALID);
    assert_int_equal(LOG(0, "x", "a"), SKERRY_INVALID);
    assert_int_equal(LOG(0, "x", "a\0"), SKERRY_INVALID);
    assert_int_equal(LOG(0, "x",
                         "\0"
                         "v\0"),
                     SKERRY_INVALID);
    assert_int_equal(LOG(0, "x",
                         "A\0"
                         "v\0"),
                     SKERRY_INVALID);
    assert_int_equal(LOG(0, "x",
                         "a.b\0"
                         "v\0"),
                     SKERRY_INVALID);
    assert_int_equal(LOG(0, "x",
                         "0a\0"
                         "v\0"),
                     SKERRY_INVALID);
    assert_int_equal(LOG(0, "x",
                         "a2345678901234567890123456789012x\0"
                         "v\0"),
                     SKERRY_INVALID);
    assert_int_equal(LOG(0, "x",
                         "a\0"
                         "v\0"
                         "a\0"
                         "w\0"),
                     SKERRY_INVALID);
    char many[17 * 4];
    for (size_t i = 0; i < sizeof(many); i += 4) {
        memcpy(many + i, "a\0v", 4);
        many[i] = (char)('a' + i / 4);
    }
    assert_int_equal(log_it(0, "x", many, sizeof(many)), SKERRY_INVALID);
    fixture_assert_log(&fixture, "");
    assert_int_equal(log_it(0, "x", many, sizeof(many) - 4), 0);
}

/* ---- clock and random bytes ------------------------------------------------------------------ */

static void the_clock_goes_in_steps_and_stands_still_in_a_run(void **state)
{
    (void)state;
    uint64_t step_ns = fixture.limits.clock_resolution * 1000;
    hostapi_run_begins(fixture.host);
    assert_int_equal(ask(skerry_time_now, 0, 0, 0, 0), ENGINE_DONE);
    assert_int_equal(slots[0].bits, FIXTURE_REALTIME_NS / step_ns * step_ns);
    fixture.now_ns += 10 * step_ns;
    assert_int_equal(ask(skerry_time_now, 1, 0, 0, 0), ENGINE_DONE);
    assert_int_equal(slots[0].bits, FIXTURE_MONOTONIC_NS / step_ns * step_ns);
    assert_int_equal(ask(skerry_time_now, 2, 0, 0, 0), ENGINE_DONE);
    assert_int_equal((int64_t)slots[0].bits, SKERRY_INVALID);
}

static void random_bytes_fill_the_buffer_and_no_more(void **state)
{
    (void)state;
    memset(memory(0), 0, 100);
    assert_int_equal(ask(skerry_random, 10, 64, 0, 0), ENGINE_DONE);
    assert_int_equal(slots[0].bits, 0);
    assert_int_equal(*memory(9), 0);
    assert_int_equal(*memory(74), 0);
    uint32_t zeros = 0;
    for (uint32_t i = 10; i < 74; i++)
        zeros += *memory(i) == 0;
    assert_true(zeros < 32);
    assert_int_equal(ask(skerry_random, PAGE_BYTES, 0, 0, 0), ENGINE_DONE);
    assert_int_equal(slots[0].bits, 0);
}

static void what_must_not_be_frozen_ends_the_builders_guest(void **state)
{
    (void)state;
    fixture.host->options.snapshotting = true;
    assert_int_equal(ask(skerry_time_now, 0, 0, 0, 0), ENGINE_TRAPPED);
    assert_int_equal(ask(skerry_random, 0, 1, 0, 0), ENGINE_TRAPPED);
    assert_int_equal(ask(skerry_env_get, 0, 1, 0, 0), ENGINE_TRAPPED);
    assert_int_equal(ask(skerry_wait, 0, 0, 1, 0), ENGINE_TRAPPED);
    fixture.host->options.snapshotting = false;
}

#define CALLED(test) cmocka_unit_test_setup_teardown(test, calls_setup, calls_teardown)

/* ---- the response ---------------------------------------------------------------------------- */

static void a_flush_is_for_responses_that_stream(void **state)
{
    (void)state;
    struct http_exchange *exchange = &fixture.exchange;
    assert_int_equal(ask(skerry_response_flush, 0, 0, 0, 0), ENGINE_DONE);
    assert_int_equal((int32_t)slots[0].i32, SKERRY_UNSUPPORTED);
    exchange->may_stream = true;
    exchange->response_holds = 0;
    assert_int_equal(ask(skerry_response_flush, 0, 0, 0, 0), ENGINE_PENDING);
    assert_true(exchange->flush_wanted);
    fixture.host->request.resumed = true;
    assert_int_equal(ask(skerry_response_flush, 0, 0, 0, 0), ENGINE_DONE);
    assert_int_equal(slots[0].i32, 0);
}

/* ---- counters -------------------------------------------------------------------------------- */

static int32_t count(const char *name, uint64_t amount)
{
    put(0, name, strlen(name));
    assert_int_equal(call(skerry_counter_add, 0, strlen(name), amount, 0), ENGINE_DONE);
    return (int32_t)slots[0].i32;
}

static void what_is_counted_is_added_up_by_name(void **state)
{
    (void)state;
    char name[8] = "n_";
    assert_null(fixture.exchange.counters);
    assert_int_equal(count("hits", 2), 0);
    assert_int_equal(count("hits", 3), 0);
    assert_int_equal(count("misses", 0), 0);
    const struct http_counters *counters = fixture.exchange.counters;
    assert_int_equal(counters->count, 2);
    assert_true(bytes_equal_text(counters->rows[0].name, "hits"));
    assert_int_equal(counters->rows[0].amount, 5);
    for (name[2] = 'a'; name[2] < 'a' + HTTP_COUNTERS_MAX - 2; name[2]++)
        assert_int_equal(count(name, 1), 0);
    assert_int_equal(count("more", 1), SKERRY_LIMIT);
    assert_int_equal(count("hits", INT32_MAX), 0);
    assert_int_equal(count("Hits", 1), SKERRY_INVALID);
    assert_int_equal(count("", 1), SKERRY_INVALID);
    assert_int_equal(count("hits", UINT64_MAX), SKERRY_INVALID);
    assert_int_equal(count("hits", INT32_MAX + UINT64_C(1)), SKERRY_INVALID);
    assert_int_equal(call(skerry_counter_add, PAGE_BYTES, 1, 1, 0), ENGINE_TRAPPED);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        CALLED(a_variable_is_found_by_its_whole_name),
        CALLED(what_has_no_room_is_not_written_and_its_length_told),
        CALLED(a_buffer_outside_memory_ends_the_guest),
        CALLED(a_line_has_a_level_a_text_and_fields),
        CALLED(a_line_that_makes_no_sense_is_refused_whole),
        CALLED(the_clock_goes_in_steps_and_stands_still_in_a_run),
        CALLED(random_bytes_fill_the_buffer_and_no_more),
        CALLED(what_must_not_be_frozen_ends_the_builders_guest),
        CALLED(a_flush_is_for_responses_that_stream),
        CALLED(what_is_counted_is_added_up_by_name),
    };
    return cmocka_run_group_tests(tests, fixture_prepare, NULL);
}
