/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What guests log: what is written of it, when, and what is told of the rest.
 */
#include <stdio.h>

#include "tests/unit/server/request/stage.h"

/* A request of a guest that logs these lines, over and done with. */
static void log_and_end(struct stage *stage, uint32_t index, const char *line, uint32_t times)
{
    stage->steps[0] = GUEST_WAITS;
    stage->steps[1] = GUEST_FINISHED;
    stage->step_count = 2;
    stage->steps_taken = 0;
    stage->result.until_ns = stage->now_ns;
    struct request *request = stage_begin(stage, index);
    for (uint32_t i = 0; i < times; i++)
        http_exchange_log(&request->http, "info", bytes_of_text(line));
    stage_turn(stage, 0);
    assert_int_equal(request->state, REQUEST_ANSWERED);
    stage_end(stage, index);
}

static const char *written_by(struct stage *stage)
{
    stage_log_begin();
    while (guest_log_turn(&stage->service))
        ;
    return stage_log_take();
}

/* What control makes of these lines counts. */
static size_t counted(const char *log)
{
    return strlen(log) + LOG_STAMP_BYTES * stage_log_count(log, "\"ts\"");
}

static void lines_are_written_in_turns_after_the_end(void **state)
{
    struct stage *stage = *state;
    stage_log_begin();
    log_and_end(stage, 0, "hello", 3);
    assert_string_equal(stage_log_take(), "");
    assert_int_equal(stage->released + 1, stage->found);
    const char *log = written_by(stage);
    assert_int_equal(stage_log_count(log, "\"event\":\"guest\""), 3);
    assert_int_equal(stage_log_count(log, "\"level\":\"info\""), 3);
    assert_int_equal(stage_log_count(log, "\"function\":\"hello\",\"version\":\"v3\""), 3);
    assert_int_equal(stage_log_count(log, "\"message\":\"hello\""), 3);
    assert_int_equal(stage->released, stage->found);
}

static void fields_of_a_line_have_names_of_their_own(void **state)
{
    struct stage *stage = *state;
    stage->begin_step = GUEST_FINISHED;
    struct request *request = stage_begin(stage, 0);
    static const char line[] = "info hi\x1ftenant=evil\x1fn=a=b\x1f"
                               "cut\n";
    assert_int_equal(buffer_append(&request->http.log, line, sizeof(line) - 1), STATUS_OK);
    stage_end(stage, 0);
    const char *log = written_by(stage);
    assert_int_equal(stage_log_count(log, "\"message\":\"hi\",\"field_tenant\":\"evil\","
                                          "\"field_n\":\"a=b\"}"),
                     1);
}

static void one_turn_writes_a_bounded_part(void **state)
{
    struct stage *stage = *state;
    stage->config.limits.log = 1 << 20;
    stage->config.limits.log_rate = 1 << 20;
    log_and_end(stage, 0, "a line of some length", 1000);
    stage_log_begin();
    assert_true(guest_log_turn(&stage->service));
    size_t count = counted(stage_log_take());
    assert_true(count >= 8192 && count < 8192 + LOG_LINE_BYTES);
}

static void lines_without_text_are_left_out_and_cost_nothing(void **state)
{
    struct stage *stage = *state;
    log_and_end(stage, 0, "", 500);
    const char *log = written_by(stage);
    assert_string_equal(log, "");
    assert_int_equal(stage->metrics.guest_log_lost_bytes, 0);
    assert_int_equal(stage->tenant.log.used_bytes, 0);
}

static void a_requests_limit_counts_what_is_written(void **state)
{
    struct stage *stage = *state;
    log_and_end(stage, 0, "x", 400); /* 400 x "info x\n" fit; as lines they are much more */
    const char *log = written_by(stage);
    uint32_t lines = stage_log_count(log, "\"event\":\"guest\"");
    assert_true(lines > 10 && lines < 40);
    assert_true(counted(log) <= 4096 + 512);
    char told[64];
    (void)snprintf(told, sizeof(told), "\"dropped_bytes\":%u", (400 - lines) * 6);
    assert_int_equal(stage_log_count(log, "guest_log_cut"), 1);
    assert_int_equal(stage_log_count(log, told), 1);
    assert_int_equal(stage->metrics.guest_log_lost_bytes, (400 - lines) * 6);
}

static void a_tenant_has_its_rate_and_hears_of_the_loss_when_there_is_room(void **state)
{
    struct stage *stage = *state;
    size_t written = 0;
    for (uint32_t i = 0; i < 40; i++) {
        log_and_end(stage, 0, "some words", 15);
        written += counted(written_by(stage));
    }
    assert_true(written <= 16384 && written > 16384 - 512);
    uint64_t lost = stage->tenant.log.lost_bytes;
    assert_true(lost > 0);
    assert_true(lost <= stage->metrics.guest_log_lost_bytes);
    /* Half a second later there is half of it again. */
    stage->now_ns += CLOCK_NS_PER_S / 2;
    log_and_end(stage, 0, "words", 1);
    const char *log = written_by(stage);
    assert_int_equal(stage_log_count(log, "\"message\":\"words\""), 1);
    char told[64];
    (void)snprintf(told, sizeof(told), "\"dropped_bytes\":%llu", (unsigned long long)lost);
    assert_int_equal(stage_log_count(log, told), 1);
    assert_int_equal(stage->tenant.log.lost_bytes, 0);
    assert_true(stage->tenant.log.used_bytes < 16384 / 2 + 1024);
}

static void what_waits_is_bounded(void **state)
{
    struct stage *stage = *state;
    stage->service.guest_log.held_bytes = (4 << 20) - 10;
    log_and_end(stage, 0, "longer than ten bytes", 1);
    assert_true(list_is_empty(&stage->service.guest_log.entries));
    assert_int_equal(stage->metrics.guest_log_lost_bytes, strlen("info longer than ten bytes\n"));
    assert_int_equal(stage->released, stage->found);
    stage->service.guest_log.held_bytes = 0;
}

static void a_client_that_left_takes_no_line_with_it(void **state)
{
    struct stage *stage = *state;
    stage->steps[0] = GUEST_WAITS;
    stage->result.until_ns = UINT64_MAX;
    struct request *request = stage_begin(stage, 0);
    http_exchange_log(&request->http, "error", bytes_of_text("so far"));
    stage_end(stage, 0);
    assert_int_equal(stage_log_count(written_by(stage), "\"message\":\"so far\""), 1);
}

static void what_was_logged_before_a_wait_is_written_while_it_lasts(void **state)
{
    struct stage *stage = *state;
    stage->steps[0] = GUEST_WAITS;
    stage->result.until_ns = stage->now_ns;
    struct request *request = stage_begin(stage, 0);
    http_exchange_log(&request->http, "info", bytes_of_text("tick"));
    stage_turn(stage, 0); /* it wakes, and waits again */
    assert_int_equal(request->state, REQUEST_PARKED);
    assert_int_equal(stage_log_count(written_by(stage), "\"message\":\"tick\""), 1);
    http_exchange_log(&request->http, "info", bytes_of_text("tock"));
    stage_turn(stage, 0);
    assert_int_equal(stage_log_count(written_by(stage), "\"message\":\"tock\""), 1);
    stage_end(stage, 0);
    assert_string_equal(written_by(stage), "");
}

/* A guest that logs so many lines and traps. */
static void log_and_trap(struct stage *stage, uint32_t index, uint32_t times)
{
    stage->steps[0] = GUEST_WAITS;
    stage->steps[1] = GUEST_FAULTED;
    stage->step_count = 2;
    stage->steps_taken = 0;
    stage->result.until_ns = stage->now_ns;
    stage->result.fault = FAULT_TRAP;
    struct request *request = stage_begin(stage, index);
    for (uint32_t i = 0; i < times; i++)
        http_exchange_log(&request->http, "info", bytes_of_text("on the way"));
    stage_turn(stage, 0);
    assert_int_equal(request->response.status, 500);
}

static void a_fault_is_told_after_what_the_guest_said_before_it(void **state)
{
    struct stage *stage = *state;
    stage_log_begin();
    log_and_trap(stage, 0, 3);
    assert_string_equal(stage_log_take(), "");
    /* Not only when the client has read the answer. */
    const char *log = written_by(stage);
    assert_int_equal(stage_log_count(log, "\"message\":\"on the way\""), 3);
    assert_int_equal(stage_log_count(log, "\"guest_fault\""), 1);
    const char *fault = strstr(log, "\"guest_fault\"");
    /* Nor do their times say otherwise. */
    assert_int_equal(stage_log_count(log, "\"ts\":\"1970-01-01T00:00:01."), 4);
    assert_null(strstr(fault, "on the way"));
    stage_end(stage, 0);
    assert_string_equal(written_by(stage), "");
}

static void a_fault_is_told_whatever_becomes_of_the_guests_lines(void **state)
{
    struct stage *stage = *state;
    stage->service.guest_log.held_bytes = (4 << 20) - 10;
    stage_log_begin();
    log_and_trap(stage, 0, 1);
    const char *log = stage_log_take();
    assert_int_equal(stage_log_count(log, "\"guest_fault\""), 1);
    assert_int_equal(stage->metrics.guest_log_lost_bytes, strlen("info on the way\n"));
    stage->service.guest_log.held_bytes = 0;
    /* Nor does it cost the tenant's rate, or wait for it. */
    stage->config.limits.log_rate = 0;
    log_and_trap(stage, 1, 1);
    log = written_by(stage);
    assert_int_equal(stage_log_count(log, "\"guest_fault\""), 1);
    assert_int_equal(stage_log_count(log, "on the way"), 0);
}

#define STAGED(test) cmocka_unit_test_setup_teardown(test, stage_setup, stage_teardown)

UNIT
{
    const struct CMUnitTest tests[] = {
        STAGED(lines_are_written_in_turns_after_the_end),
        STAGED(fields_of_a_line_have_names_of_their_own),
        STAGED(one_turn_writes_a_bounded_part),
        STAGED(lines_without_text_are_left_out_and_cost_nothing),
        STAGED(a_requests_limit_counts_what_is_written),
        STAGED(a_tenant_has_its_rate_and_hears_of_the_loss_when_there_is_room),
        STAGED(what_waits_is_bounded),
        STAGED(a_fault_is_told_after_what_the_guest_said_before_it),
        STAGED(a_fault_is_told_whatever_becomes_of_the_guests_lines),
        STAGED(a_client_that_left_takes_no_line_with_it),
        STAGED(what_was_logged_before_a_wait_is_written_while_it_lasts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
