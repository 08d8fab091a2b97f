/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Problems as JSON.
 */
#include "engine/base/problem.h"
#include "tests/support/unit.h"

static const struct problem plain = {
    .status = 404, .code = "unknown_host", .detail = "no", .offset = REPORT_OFFSET_NONE};

static void expect(const struct problem *problem, size_t room, const char *want)
{
    char out[2048];
    memset(out, '~', sizeof(out));
    size_t count = problem_write(problem, out, room);
    assert_true(count < room);
    assert_int_equal(out[room], '~');
    out[count] = '\0';
    assert_string_equal(out, want);
}

static void a_plain_one_has_five_members(void **state)
{
    (void)state;
    expect(&plain, PROBLEM_ROOM_MIN,
           "{\"type\":\"about:blank\",\"title\":\"Not Found\",\"status\":404,"
           "\"code\":\"unknown_host\",\"detail\":\"no\"}\n");
}

static void what_is_known_besides_comes_after_the_detail(void **state)
{
    (void)state;
    struct problem problem = plain;
    problem.hint = "say \"yes\"";
    problem.offset = 17;
    problem.request_id = "0123456789abcdef";
    expect(&problem, PROBLEM_ROOM_MIN,
           "{\"type\":\"about:blank\",\"title\":\"Not Found\",\"status\":404,"
           "\"code\":\"unknown_host\",\"detail\":\"no\",\"hint\":\"say \\\"yes\\\"\","
           "\"offset\":17,\"request_id\":\"0123456789abcdef\"}\n");
}

static void a_detail_ends_no_string_and_no_line(void **state)
{
    (void)state;
    struct problem problem = plain;
    problem.detail = "a\"}\n\xff";
    expect(&problem, PROBLEM_ROOM_MIN,
           "{\"type\":\"about:blank\",\"title\":\"Not Found\",\"status\":404,"
           "\"code\":\"unknown_host\",\"detail\":\"a\\\"}\\u000a\\u00ff\"}\n");
}

static void texts_that_are_too_long_are_cut_and_the_rest_stands(void **state)
{
    (void)state;
    static char text[4000];
    memset(text, '\n', sizeof(text) - 1);
    struct problem problem = plain;
    problem.code = problem.detail = problem.hint = problem.request_id = text;
    problem.offset = UINT64_MAX - 1;
    problem.status = UINT32_MAX;
    for (size_t room = PROBLEM_ROOM_MIN; room < PROBLEM_ROOM_MIN + 16; room++) {
        char out[2048];
        size_t count = problem_write(&problem, out, room);
        assert_true(count < room && count > PROBLEM_ROOM_MIN - 160);
        assert_memory_equal(out + count - 3, "\"}\n", 3);
    }
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_one_has_five_members),
        cmocka_unit_test(what_is_known_besides_comes_after_the_detail),
        cmocka_unit_test(a_detail_ends_no_string_and_no_line),
        cmocka_unit_test(texts_that_are_too_long_are_cut_and_the_rest_stands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
