/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Heads of answers are what the C library's printing makes of the formats, byte for byte, and never
 * more than there is room for.
 */
#include <stdio.h>

#include "server/front/http1_print.h"
#include "tests/support/unit.h"

#define DATE "Sun, 06 Nov 1994 08:49:37 GMT"

static const struct http1_print rows[] = {
    {200, "OK", DATE, "keep-alive", true, 6},
    {200, "OK", DATE, "close", false, 0},
    {204, "", DATE, "", true, 0},
    {999, "Something longer than most", DATE, "keep-alive", true, UINT64_MAX},
    {0, "x", "", "close", false, 77},
};

static int reference(const struct http1_print *row, char *text, size_t size)
{
    return row->has_length ? snprintf(text, size, HTTP1_PRINT_AND_LENGTH, (int)row->status,
                                      row->reason, row->date, row->connection, (size_t)row->length)
                           : snprintf(text, size, HTTP1_PRINT_STATUS, (int)row->status, row->reason,
                                      row->date, row->connection);
}

static void a_head_is_what_the_format_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char expected[256];
        char printed[256];
        int count = reference(&rows[i], expected, sizeof(expected));
        assert_int_equal(http1_print(&rows[i], printed, sizeof(printed)), count);
        assert_string_equal(printed, expected);
        assert_int_equal(http1_print(&rows[i], printed, SIZE_MAX), count);
    }
}

static void what_does_not_fit_is_not_written(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char expected[256];
        size_t count = (size_t)reference(&rows[i], expected, sizeof(expected));
        char printed[256] = "unchanged";
        for (size_t size = 0; size <= count; size++) {
            assert_int_equal(http1_print(&rows[i], printed, size), 0);
            assert_string_equal(printed, "unchanged");
        }
        assert_int_equal(http1_print(&rows[i], printed, count + 1), count);
    }
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_head_is_what_the_format_says),
        cmocka_unit_test(what_does_not_fit_is_not_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
