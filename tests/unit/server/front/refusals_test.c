/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the front's refusals are answered with: a code means one status, and that is HTTP's own.
 */
#include <string.h>

#include "server/front/refusals.h"
#include "server/request/fault.h"
#include "tests/support/unit.h"

/* Of each code. [RFC 9110 15.5, 15.6] [RFC 6585 5] */
static const struct {
    const char *code;
    uint32_t status;
} wanted[] = {
    {"bad_request", 400},         {"bad_path", 400}, {"bad_host", 400},
    {"unknown_function", 404},    /* Not Found */
    {"body_too_large", 413},      /* Content Too Large */
    {"unknown_expectation", 417}, /* Expectation Failed */
    {"misdirected", 421},         /* Misdirected Request */
    {"headers_too_large", 431},   /* Request Header Fields Too Large */
    {"unknown_method", 501},      /* Not Implemented: for a method that no resource has */
    {"memory_busy", 503},         /* Service Unavailable */
    {"bad_version", 505},         /* HTTP Version Not Supported */
};

static void each_code_has_the_status_that_http_has_for_it(void **state)
{
    (void)state;
    for (enum refusal_reason reason = REFUSAL_NONE + 1; reason < REFUSAL_COUNT; reason++) {
        const struct refusal_row *row = &refusal_rows[reason];
        size_t i = 0;
        while (i < COUNT_OF(wanted) && strcmp(wanted[i].code, row->code) != 0)
            i++;
        if (i == COUNT_OF(wanted))
            fail_msg("nobody knows the code %s", row->code);
        assert_int_equal(row->status, wanted[i].status);
        assert_true(strlen(row->detail) > 5);
    }
}

static void who_refuses_makes_no_difference_to_a_code(void **state)
{
    (void)state;
    for (enum refusal_reason reason = REFUSAL_NONE + 1; reason < REFUSAL_COUNT; reason++) {
        for (enum fault fault = 0; fault < FAULT_COUNT; fault++) {
            if (strcmp(refusal_rows[reason].code, fault_rows[fault].code) == 0)
                assert_int_equal(refusal_rows[reason].status, fault_rows[fault].status);
        }
    }
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_code_has_the_status_that_http_has_for_it),
        cmocka_unit_test(who_refuses_makes_no_difference_to_a_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
