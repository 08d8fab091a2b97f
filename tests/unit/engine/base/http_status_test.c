/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of status codes.
 */
#include "engine/base/http_status.h"
#include "engine/base/macros.h"
#include "tests/support/unit.h"

static const struct {
    uint32_t number;
    const char *text;
} rows[] = {
#define HTTP_STATUS(number_, text_) {.number = (number_), .text = (text_)},
#include "engine/base/http_status.def"
};

static void every_row_is_found_and_they_rise(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_string_equal(http_status_text(rows[i].number), rows[i].text);
        assert_true(i == 0 || rows[i - 1].number < rows[i].number);
        assert_true(rows[i].number >= 100 && rows[i].number < 600);
    }
}

static void a_number_without_a_name_has_an_empty_reason(void **state)
{
    (void)state;
    static const uint32_t others[] = {0, 99, 104, 299, 306, 418, 430, 512, 599, 600, UINT32_MAX};
    for (size_t i = 0; i < COUNT_OF(others); i++)
        assert_string_equal(http_status_text(others[i]), "");
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_found_and_they_rise),
        cmocka_unit_test(a_number_without_a_name_has_an_empty_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
