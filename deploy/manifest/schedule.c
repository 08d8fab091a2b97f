/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fields as sets of bits; the next moment by days first, then hours and minutes of the day.
 */
#include "deploy/manifest/schedule.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SCHEDULE_FIELDS   5
#define SCHEDULE_DAY_S    86400
#define SCHEDULE_DAYS_MAX (8 * 366 + 2) /* from one 29 February to the next, over 2100 */

struct schedule_field {
    const char *name;
    uint32_t minimum;
    uint32_t maximum;
    const char *names; /* of three letters each, from `minimum` on; NULL: none */
};

static const struct schedule_field schedule_fields[SCHEDULE_FIELDS] = {
    {"minute", 0, 59, NULL},
    {"hour", 0, 23, NULL},
    {"day", 1, 31, NULL},
    {"month", 1, 12, "janfebmaraprmayjunjulaugsepoctnovdec"},
    {"weekday", 0, 7, "sunmontuewedthufrisat"},
};

/* A number or a name, and what is behind it; false: neither. */
static bool
schedule_number(const struct schedule_field *field, const char **at, uint32_t *ret_number)
{
    char *end;
    if (isdigit((unsigned char)**at)) {
        unsigned long number = strtoul(*at, &end, 10);
        *at = end;
        *ret_number = (uint32_t)MIN(number, 1000ul);
        return number >= field->minimum && number <= field->maximum;
    }
    for (const char *name = field->names; name != NULL && *name != '\0'; name += 3) {
        if (strncasecmp(*at, name, 3) != 0)
            continue;
        *ret_number = field->minimum + (uint32_t)(name - field->names) / 3;
        *at += 3;
        return true;
    }
    return false;
}

/* One part of a field, between commas. */
static bool schedule_part(const struct schedule_field *field, const char *text, uint64_t *bits)
{
    uint32_t from = field->minimum;
    uint32_t to = field->maximum;
    uint32_t step = 1;
    bool is_star = *text == '*';
    if (is_star)
        text++;
    else if (!schedule_number(field, &text, &from))
        return false;
    bool is_range = !is_star && *text == '-';
    if (is_range) {
        text++;
        if (!schedule_number(field, &text, &to))
            return false;
    }
    if (*text == '/') {
        char *end;
        step = (uint32_t)MIN(strtoul(text + 1, &end, 10), 1000ul);
        if (!isdigit((unsigned char)text[1]) || step == 0)
            return false;
        text = end;
    } else if (!is_star && !is_range) {
        to = from;
    }
    if (*text != '\0' || from > to)
        return false;
    for (uint32_t i = from; i <= to; i += step)
        *bits |= UINT64_C(1) << i;
    return true;
}

static bool schedule_field(const struct schedule_field *field, char *text, uint64_t *ret_bits)
{
    char *rest = NULL;
    *ret_bits = 0;
    if (text[0] == ',' || text[strlen(text) - 1] == ',' || strstr(text, ",,") != NULL)
        return false;
    for (char *part = strtok_r(text, ",", &rest); part != NULL; part = strtok_r(NULL, ",", &rest)) {
        if (!schedule_part(field, part, ret_bits))
            return false;
    }
    return *ret_bits != 0;
}

static const char *schedule_by_name(const char *text)
{
    static const char *const names[][2] = {
        {"@hourly", "0 * * * *"},   {"@daily", "0 0 * * *"},   {"@midnight", "0 0 * * *"},
        {"@weekly", "0 0 * * 0"},   {"@monthly", "0 0 1 * *"}, {"@yearly", "0 0 1 1 *"},
        {"@annually", "0 0 1 1 *"},
    };
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (strcasecmp(text, names[i][0]) == 0)
            return names[i][1];
    }
    return text;
}

static bool schedule_day_is(const struct schedule *schedule, const struct tm *day)
{
    bool by_day = (schedule->days >> day->tm_mday & 1) != 0;
    bool by_weekday = (schedule->weekdays >> day->tm_wday & 1) != 0;
    if ((schedule->months >> (day->tm_mon + 1) & 1) == 0)
        return false;
    if (schedule->any_day || schedule->any_weekday)
        return by_day && by_weekday;
    return by_day || by_weekday;
}

/* The first moment of that day at or after `second` of it; UINT32_MAX: none. */
static uint32_t schedule_in_day(const struct schedule *schedule, uint32_t second)
{
    uint32_t from = (second + 59) / 60;
    for (uint32_t hour = from / 60; hour < 24; hour++) {
        if ((schedule->hours >> hour & 1) == 0)
            continue;
        uint32_t minute = hour == from / 60 ? from % 60 : 0;
        uint64_t left = schedule->minutes >> minute;
        if (left != 0)
            return 60 * (60 * hour + minute + (uint32_t)__builtin_ctzll(left));
    }
    return UINT32_MAX;
}

/* UINT64_MAX: never. */
static uint64_t schedule_find(const struct schedule *schedule, uint64_t after_s)
{
    uint64_t from = after_s + 1;
    uint64_t day = from / SCHEDULE_DAY_S;
    uint32_t second = (uint32_t)(from % SCHEDULE_DAY_S);
    for (int i = 0; i < SCHEDULE_DAYS_MAX; i++, day++, second = 0) {
        struct tm parts;
        time_t begins = (time_t)(day * SCHEDULE_DAY_S);
        if (gmtime_r(&begins, &parts) == NULL || !schedule_day_is(schedule, &parts))
            continue;
        uint32_t found = schedule_in_day(schedule, second);
        if (found != UINT32_MAX)
            return (uint64_t)begins + found;
    }
    return UINT64_MAX;
}

uint64_t schedule_next(const struct schedule *schedule, uint64_t after_s)
{
    return schedule_find(schedule, after_s);
}

enum status schedule_parse(struct bytes text, struct report *report, struct schedule *ret_schedule)
{
    char copy[SCHEDULE_BYTES_MAX + 1];
    char *rest = NULL;
    uint64_t bits[SCHEDULE_FIELDS];
    bool any[SCHEDULE_FIELDS];
    int count = 0;
    if (text.count > SCHEDULE_BYTES_MAX || (text.count > 0 && memchr(text.data, '\0', text.count)))
        return report_fail(report, STATUS_CONFIG, REPORT_OFFSET_NONE,
                           "is no schedule: it has more than %d bytes", SCHEDULE_BYTES_MAX);
    (void)snprintf(copy, sizeof(copy), "%.*s", (int)text.count, (const char *)text.data);
    const char *named = schedule_by_name(copy);
    if (named != copy)
        (void)snprintf(copy, sizeof(copy), "%s", named);
    for (char *field = strtok_r(copy, " \t", &rest); field != NULL;
         field = strtok_r(NULL, " \t", &rest)) {
        if (count == SCHEDULE_FIELDS)
            return report_fail(report, STATUS_CONFIG, REPORT_OFFSET_NONE,
                               "is no schedule: it has more than five fields");
        any[count] = field[0] == '*';
        if (!schedule_field(&schedule_fields[count], field, &bits[count]))
            return report_fail(report, STATUS_CONFIG, REPORT_OFFSET_NONE,
                               "is no schedule: its %s is wrong", schedule_fields[count].name);
        count++;
    }
    if (count != SCHEDULE_FIELDS)
        return report_fail(report, STATUS_CONFIG, REPORT_OFFSET_NONE,
                           "is no schedule, like `*/5 * * * *`: minute hour day month weekday");
    const struct schedule schedule = {.minutes = bits[0],
                                      .hours = (uint32_t)bits[1],
                                      .days = (uint32_t)bits[2],
                                      .months = (uint32_t)bits[3],
                                      .weekdays = (uint32_t)((bits[4] | bits[4] >> 7) & 0x7f),
                                      .any_day = any[2],
                                      .any_weekday = any[4]};
    if (schedule_find(&schedule, 0) == UINT64_MAX)
        return report_fail(report, STATUS_CONFIG, REPORT_OFFSET_NONE, "is a day that never comes");
    *ret_schedule = schedule;
    return STATUS_OK;
}
