/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The clock of cron triggers: what is due, what was missed, and what overlaps; with workers that
 * answer when the test says so.
 */
#include <stdio.h>

#include "deploy/cron.h"
#include "tests/unit/deploy/fixture.h"

#define MAP_BYTES (4ULL << 20)
#define START_S   UINT64_C(1764374400) /* 2025-11-29 00:00:00 */

static struct {
    struct fixture fixture;
    struct cron *cron;
    struct errand_desk desk;
    struct clock clock;
    struct store_target target;
    uint64_t now_s;
    bool nobody; /* serves */
    uint32_t asked;
    uint64_t number; /* of the last errand */
    char path[64];
    char fields[256];
    uint32_t lines;
    enum deploy_log_level level;
    char line[1024];
} rig;

static uint64_t now(void *context)
{
    (void)context;
    return rig.now_s * CLOCK_NS_PER_S;
}

static bool ask(void *context, const struct deploy_errand *errand, uint64_t number)
{
    (void)context;
    if (rig.nobody)
        return false;
    rig.asked++;
    rig.number = number;
    assert_true(bytes_equal_text(errand->method, "POST"));
    memcpy(rig.path, errand->path.data, errand->path.count);
    rig.path[errand->path.count] = '\0';
    memcpy(rig.fields, errand->fields.data, errand->fields.count);
    return true;
}

static void line(void *context,
                 const struct store_target *target,
                 enum deploy_log_level level,
                 struct bytes text)
{
    (void)context;
    assert_true(bytes_equal_text(target->function, "api"));
    rig.lines++;
    rig.level = level;
    (void)snprintf(rig.line, sizeof(rig.line), "%.*s", (int)text.count, (const char *)text.data);
}

static void answer(uint64_t number, uint32_t status)
{
    const struct deploy_errand_end end = {.status = status, .version = 1, .elapsed_us = 2000};
    errand_desk_done(&rig.desk, number, &end);
}

static void at(uint64_t second)
{
    rig.now_s = START_S + second;
    cron_tick(rig.cron);
}

static void add(const char *id, const char *schedule, const char *overlap, const char *missed)
{
    const struct deploy_cron trigger = {.schedule = bytes_of_text(schedule),
                                        .path = bytes_of_text("/tick"),
                                        .overlap = bytes_of_text(overlap),
                                        .missed = bytes_of_text(missed)};
    assert_int_equal(
        store_set_cron(rig.fixture.store, &rig.target, bytes_of_text(id), &trigger, NULL),
        STATUS_OK);
    cron_changed(rig.cron);
}

static int setup(void **state)
{
    (void)state;
    uint32_t version;
    memset(&rig, 0, sizeof(rig));
    fixture_init(&rig.fixture);
    rig.now_s = START_S;
    rig.clock = (struct clock){.monotonic_ns = now, .realtime_ns = now};
    rig.fixture.clock = rig.clock;
    fixture_open_store(&rig.fixture, MAP_BYTES);
    rig.target = fixture_target("acme", "api");
    assert_int_equal(fixture_add(&rig.fixture, "acme", "api", bytes_of_text("m"), &version),
                     STATUS_OK);
    rig.desk.ask = ask;
    const struct cron_options options = {
        .store = rig.fixture.store, .errands = &rig.desk, .clock = &rig.clock, .line = line};
    assert_int_equal(cron_create(&options, &rig.cron), STATUS_OK);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    errand_desk_close(&rig.desk);
    cron_free(rig.cron);
    fixture_done(&rig.fixture);
    return 0;
}

static void what_is_due_runs_once_and_is_logged(void **state)
{
    (void)state;
    add("a", "*/5 * * * *", "", "");
    at(299);
    assert_int_equal(rig.asked, 0);
    at(300);
    assert_int_equal(rig.asked, 1);
    assert_string_equal(rig.path, "/tick");
    assert_memory_equal(rig.fields,
                        "x-skerry-cron\0*/5 * * * *\0x-skerry-scheduled-time\0"
                        "1764374700000",
                        64);
    at(301);
    at(330);
    assert_int_equal(rig.asked, 1);
    assert_int_equal(rig.lines, 0);
    answer(rig.number, 204);
    assert_int_equal(rig.lines, 1);
    assert_int_equal(rig.level, DEPLOY_LOG_INFO);
    assert_non_null(strstr(rig.line, "\"event\":\"cron_run\""));
    assert_non_null(strstr(rig.line, "cron /tick: 204 in 2 ms"));
    at(600);
    assert_int_equal(rig.asked, 2);
    answer(rig.number, 500);
    assert_int_equal(rig.level, DEPLOY_LOG_ERROR);
}

static void a_run_that_would_overlap_is_left_out_unless_it_may(void **state)
{
    (void)state;
    add("a", "* * * * *", "skip", "");
    at(60);
    at(120);
    assert_int_equal(rig.asked, 1);
    assert_non_null(strstr(rig.line, "still under way"));
    answer(rig.number, 200);
    at(180);
    assert_int_equal(rig.asked, 2);
    add("a", "* * * * *", "allow", "");
    at(240);
    assert_int_equal(rig.asked, 3);
}

static void what_was_missed_is_left_out_or_made_up_for_once(void **state)
{
    (void)state;
    add("a", "* * * * *", "", "skip");
    add("b", "0 * * * *", "", "once");
    /* Three hours and two minutes: the last minute is not late, the last hour is. */
    at(3 * 3600 + 120);
    assert_int_equal(rig.asked, 2);
    at(3 * 3600 + 121);
    assert_int_equal(rig.asked, 2);
    add("c", "0 0 * * *", "", "skip");
    at(2 * 86400 + 3600);
    /* Late by an hour. */
    assert_non_null(strstr(rig.line, "left out"));
}

static void when_nobody_serves_or_answers_the_log_says_so(void **state)
{
    (void)state;
    rig.nobody = true;
    add("a", "* * * * *", "", "");
    at(60);
    assert_non_null(strstr(rig.line, "nobody answered"));
    rig.nobody = false;
    at(120);
    answer(rig.number, 0);
    assert_int_equal(rig.lines, 2);
    assert_non_null(strstr(rig.line, "nobody answered"));
}

static void one_can_be_run_now_if_it_is_there_and_does_not_run(void **state)
{
    (void)state;
    struct report report = REPORT_INIT;
    add("a", "0 0 1 1 *", "", "");
    assert_int_equal(cron_run_now(rig.cron, &rig.target, bytes_of_text("a"), &report), STATUS_OK);
    assert_int_equal(rig.asked, 1);
    assert_int_equal(cron_run_now(rig.cron, &rig.target, bytes_of_text("a"), &report), STATUS_BUSY);
    report_clear(&report);
    assert_int_equal(cron_run_now(rig.cron, &rig.target, bytes_of_text("b"), &report),
                     STATUS_NOT_FOUND);
    answer(rig.number, 200);
}

static void triggers_end_with_their_function_and_are_no_more_than_may(void **state)
{
    (void)state;
    uint32_t dropped;
    struct report report = REPORT_INIT;
    const struct deploy_cron trigger = {.schedule = bytes_of_text("* * * * *")};
    for (int i = 0; i < STORE_CRONS_PER_FUNCTION; i++) {
        char id[8];
        (void)snprintf(id, sizeof(id), "t%d", i);
        add(id, "* * * * *", "", "");
    }
    assert_int_equal(
        store_set_cron(rig.fixture.store, &rig.target, bytes_of_text("more"), &trigger, &report),
        STATUS_LIMIT);
    assert_int_equal(
        store_set_cron(rig.fixture.store, &rig.target, bytes_of_text("t0"), &trigger, NULL),
        STATUS_OK);
    assert_int_equal(store_set_cron(rig.fixture.store, &rig.target, bytes_of_text("x"), NULL, NULL),
                     STATUS_NOT_FOUND);
    assert_int_equal(store_delete_function(rig.fixture.store, &rig.target, NULL, &dropped),
                     STATUS_OK);
    at(60);
    assert_int_equal(rig.asked, 0);
}

#define RIGGED(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

UNIT
{
    const struct CMUnitTest tests[] = {
        RIGGED(what_is_due_runs_once_and_is_logged),
        RIGGED(a_run_that_would_overlap_is_left_out_unless_it_may),
        RIGGED(what_was_missed_is_left_out_or_made_up_for_once),
        RIGGED(when_nobody_serves_or_answers_the_log_says_so),
        RIGGED(one_can_be_run_now_if_it_is_there_and_does_not_run),
        RIGGED(triggers_end_with_their_function_and_are_no_more_than_may),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
