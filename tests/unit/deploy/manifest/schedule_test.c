/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Schedules, and when they are due.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "deploy/manifest/schedule.h"
#include "tests/support/unit.h"

/* "2026-11-29 04:55:00" */
static uint64_t moment(const char *text)
{
    struct tm parts = {0};
    assert_non_null(strptime(text, "%Y-%m-%d %H:%M:%S", &parts));
    return (uint64_t)timegm(&parts);
}

static void check(const char *text, const char *after, const char *due)
{
    struct schedule schedule;
    struct report report = REPORT_INIT;
    char found[32];
    if (schedule_parse(bytes_of_text(text), &report, &schedule) != STATUS_OK)
        fail_msg("%s: %s", text, report.text);
    time_t next = (time_t)schedule_next(&schedule, moment(after));
    struct tm parts;
    assert_true(strftime(found, sizeof(found), "%Y-%m-%d %H:%M:%S", gmtime_r(&next, &parts)) > 0);
    assert_string_equal(found, due);
}

static void each_is_due_when_cron_says_so(void **state)
{
    (void)state;
    check("* * * * *", "2026-11-29 04:55:00", "2026-11-29 04:56:00");
    check("* * * * *", "2026-11-29 04:55:59", "2026-11-29 04:56:00");
    check("* * * * *", "2026-12-31 23:59:00", "2027-01-01 00:00:00");
    check("*/5 * * * *", "2026-11-29 04:55:00", "2026-11-29 05:00:00");
    check("5/20 * * * *", "2026-11-29 04:55:00", "2026-11-29 05:05:00");
    check("0 9-17 * * mon-fri", "2026-11-28 12:00:00", "2026-11-30 09:00:00");
    check("30 4 1,15 * *", "2026-11-29 04:55:00", "2026-12-01 04:30:00");
    /* Either is enough: the 13th, or a Friday. */
    check("0 0 13 * 5", "2026-11-29 00:00:00", "2026-12-04 00:00:00");
    check("0 0 * * 7", "2026-11-29 00:00:00", "2026-12-06 00:00:00");
    check("0 0 29 2 *", "2026-11-29 00:00:00", "2028-02-29 00:00:00");
    check("0 0 29 feb *", "2096-03-01 00:00:00", "2104-02-29 00:00:00");
    check("  15\t10  *  Jan,jul * ", "2026-11-29 00:00:00", "2027-01-01 10:15:00");
    check("@hourly", "2026-11-29 04:55:00", "2026-11-29 05:00:00");
    check("@Yearly", "2026-11-29 04:55:00", "2027-01-01 00:00:00");
    check("59 23 31 12 *", "2026-11-29 04:55:00", "2026-12-31 23:59:00");
}

static void what_is_none_is_refused_by_its_field(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"", "minute hour"},
        {"* * * *", "minute hour"},
        {"* * * * * *", "more than five"},
        {"60 * * * *", "minute"},
        {"* 24 * * *", "hour"},
        {"* * 0 * *", "day"},
        {"* * 32 * *", "day"},
        {"* * * 13 *", "month"},
        {"* * * * 8", "weekday"},
        {"*/0 * * * *", "minute"},
        {"5-1 * * * *", "minute"},
        {"1,,2 * * * *", "minute"},
        {", * * * *", "minute"},
        {"a * * * *", "minute"},
        {"-1 * * * *", "minute"},
        {"1-2-3 * * * *", "minute"},
        {"*/ * * * *", "minute"},
        {"* * * foo *", "month"},
        {"0 0 30 2 *", "never"},
        {"@reboot", "minute"},
        {"99999999999999999999 * * * *", "minute"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct schedule schedule;
        struct report report = REPORT_INIT;
        assert_int_equal(schedule_parse(bytes_of_text(rows[i][0]), &report, &schedule),
                         STATUS_CONFIG);
        if (strstr(report.text, rows[i][1]) == NULL)
            fail_msg("%s: %s", rows[i][0], report.text);
    }
    char text[SCHEDULE_BYTES_MAX + 2];
    struct schedule schedule;
    memset(text, ' ', sizeof(text));
    assert_int_equal(schedule_parse(bytes_make(text, sizeof(text)), NULL, &schedule),
                     STATUS_CONFIG);
    assert_int_equal(schedule_parse(bytes_make("* * *\0* *", 9), NULL, &schedule), STATUS_CONFIG);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_is_due_when_cron_says_so),
        cmocka_unit_test(what_is_none_is_refused_by_its_field),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
