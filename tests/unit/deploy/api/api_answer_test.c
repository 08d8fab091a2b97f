/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers: there is one whatever happens, in the words and with the status of what went wrong.
 */
#include <stdio.h>

#include "deploy/api/api_private.h"
#include "tests/support/unit.h"

struct desk {
    struct api_request request;
    struct api_response response;
    struct api_call call;
    json_t *json;
};

static struct api_call *desk_init(struct desk *desk)
{
    *desk = (struct desk){.request = {.id = "0123456789abcdef"}};
    api_response_init(&desk->response);
    desk->call = (struct api_call){.request = &desk->request, .response = &desk->response};
    return &desk->call;
}

/* A member of the answer; NULL: it has none. */
static const char *desk_text(struct desk *desk, const char *name)
{
    struct bytes body = buffer_bytes(&desk->response.body);
    json_decref(desk->json);
    desk->json = json_loadb((const char *)body.data, body.count, 0, NULL);
    return json_string_value(json_object_get(desk->json, name));
}

static void desk_done(struct desk *desk)
{
    json_decref(desk->json);
    api_response_done(&desk->response);
}

static void an_answer_is_one_line_in_the_order_it_was_made(void **state)
{
    (void)state;
    struct desk desk;
    api_answer(desk_init(&desk), 201, json_pack("{s:i, s:i}", "z", 1, "a", 2));
    assert_int_equal(desk.response.status, 201);
    assert_string_equal(desk.response.content_type, "application/json");
    assert_true(bytes_equal_text(buffer_bytes(&desk.response.body), "{\"z\":1,\"a\":2}\n"));
    desk_done(&desk);
}

static void a_body_that_no_memory_was_left_for_becomes_a_problem(void **state)
{
    (void)state;
    struct desk desk;
    api_answer(desk_init(&desk), 200, NULL);
    assert_int_equal(desk.response.status, 500);
    assert_string_equal(desk_text(&desk, "code"), "no_memory");
    desk_done(&desk);
}

static void a_body_beyond_the_cap_is_not_cut_but_a_problem(void **state)
{
    (void)state;
    struct desk desk;
    struct api_call *call = desk_init(&desk);
    buffer_done(&desk.response.body);
    buffer_init(&desk.response.body, 1024);
    char text[2000];
    memset(text, 'x', sizeof(text));
    api_answer(call, 200, json_pack("{s:s#}", "text", text, (int)sizeof(text)));
    assert_int_equal(desk.response.status, 500);
    assert_string_equal(desk_text(&desk, "code"), "no_memory");
    assert_null(desk_text(&desk, "text"));
    desk_done(&desk);
}

static void a_problem_that_does_not_fit_leaves_the_status(void **state)
{
    (void)state;
    struct desk desk;
    struct api_call *call = desk_init(&desk);
    buffer_done(&desk.response.body);
    buffer_init(&desk.response.body, 8);
    api_answer_error(call, 404, "not_found", "there is no such function", NULL);
    assert_int_equal(desk.response.status, 404);
    assert_int_equal(desk.response.body.count, 0);
    desk_done(&desk);
}

static void a_problem_takes_the_place_of_what_was_written(void **state)
{
    (void)state;
    struct desk desk;
    struct api_call *call = desk_init(&desk);
    api_answer(call, 200, json_pack("{s:s}", "secret", "half an answer"));
    api_answer_error(call, 400, "bad_query", "no such name", "see the manual");
    assert_null(desk_text(&desk, "secret"));
    assert_string_equal(desk_text(&desk, "detail"), "no such name");
    assert_string_equal(desk_text(&desk, "hint"), "see the manual");
    assert_string_equal(desk.response.content_type, PROBLEM_CONTENT_TYPE);
    assert_int_equal(desk.response.retry_after_s, 0);
    desk_done(&desk);
}

static void a_report_is_answered_with_the_status_of_its_kind(void **state)
{
    (void)state;
    static const struct {
        enum status status;
        int http;
        const char *code; /* NULL: the status's own */
        uint32_t retry_after_s;
    } rows[] = {
        {STATUS_NOT_FOUND, 404, NULL, 0}, {STATUS_CONFLICT, 409, NULL, 0},
        {STATUS_LIMIT, 409, NULL, 0},     {STATUS_FULL, 507, "storage_full", 0},
        {STATUS_BUSY, 503, NULL, 1},      {STATUS_UNREACHABLE, 503, "stopping", 1},
        {STATUS_CORRUPT, 500, NULL, 0},   {STATUS_IO, 500, NULL, 0},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct desk desk;
        struct report report = REPORT_INIT;
        (void)report_fail(&report, rows[i].status, REPORT_OFFSET_NONE, "case %zu", i);
        api_answer_report(desk_init(&desk), &report);
        assert_int_equal(desk.response.status, rows[i].http);
        assert_string_equal(desk_text(&desk, "code"),
                            rows[i].code != NULL ? rows[i].code : status_code(rows[i].status));
        assert_string_equal(desk_text(&desk, "detail"), report.text);
        assert_int_equal(desk.response.retry_after_s, rows[i].retry_after_s);
        desk_done(&desk);
    }
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_is_one_line_in_the_order_it_was_made),
        cmocka_unit_test(a_body_that_no_memory_was_left_for_becomes_a_problem),
        cmocka_unit_test(a_body_beyond_the_cap_is_not_cut_but_a_problem),
        cmocka_unit_test(a_problem_that_does_not_fit_leaves_the_status),
        cmocka_unit_test(a_problem_takes_the_place_of_what_was_written),
        cmocka_unit_test(a_report_is_answered_with_the_status_of_its_kind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
