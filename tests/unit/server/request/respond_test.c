/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers: what is added to a guest's, what is taken out of it, and the server's own.
 */
#include <stdio.h>

#include "server/request/respond.h"
#include "tests/unit/server/request/stage.h"

/* A parked request, whose answer is still to be written. */
static struct request *parked(struct stage *stage)
{
    stage->steps[0] = GUEST_WAITS;
    stage->result.until_ns = stage->now_ns + CLOCK_NS_PER_MS;
    return stage_begin(stage, 0);
}

static void add(struct request *request, const char *name)
{
    assert_int_equal(http_headers_add(&request->http, &request->http.response_headers,
                                      bytes_of_text(name), bytes_of_text("value")),
                     STATUS_OK);
}

static const struct http_header *extra(const struct request *request, const char *name)
{
    for (uint32_t i = 0; i < request->response.extra_count; i++) {
        if (bytes_equal_text(request->response.extras[i].name, name))
            return &request->response.extras[i];
    }
    return NULL;
}

static void a_guests_answer_gets_id_version_and_timing(void **state)
{
    struct stage *stage = *state;
    struct request *request = parked(stage);
    assert_int_equal(buffer_append(&request->http.response_body, "body", 4), STATUS_OK);
    add(request, "Content-Type");
    respond_prepare(request, 201, NULL);
    assert_int_equal(request->response.status, 201);
    assert_true(bytes_equal_text(request->response.body, "body"));
    assert_int_equal(request->response.guest_headers.count, 1);
    assert_true(bytes_equal_text(extra(request, "x-request-id")->value, request->id));
    assert_true(bytes_equal_text(extra(request, "x-skerry-version")->value, "v3"));
    assert_non_null(strstr(request->timing, "queue;dur=0.000, start;dur=0.000;desc=\"cold:first"));
    assert_int_equal(request->response.extra_count, 3);
}

static void what_commands_a_proxy_or_passes_for_ours_is_taken_out_and_told(void **state)
{
    struct stage *stage = *state;
    struct request *request = parked(stage);
    static const char *const forged[] = {
        "X-Accel-Redirect", "x-accel-buffering",    "X-SENDFILE",           "X-Reproxy-URL",
        "Server-Timing",    "X-Skerry-Version",     "x-skerry-secret",      "X-Request-Id",
        "X-Sendfile2",      "X-LIGHTTPD-send-file", "X-LiteSpeed-Location", "X-REPROXY-FILE",
    };
    static const char *const fine[] = {
        "X-Accelerate", "X-Sendfiles", "X-Request-Id-Of", "Server", "X", "X-Skerr",
    };
    for (size_t i = 0; i < MAX(COUNT_OF(forged), COUNT_OF(fine)); i++) {
        if (i < COUNT_OF(forged))
            add(request, forged[i]);
        if (i < COUNT_OF(fine))
            add(request, fine[i]);
    }
    respond_prepare(request, 200, NULL);
    assert_int_equal(request->response.guest_headers.count, COUNT_OF(fine));
    for (size_t i = 0; i < COUNT_OF(fine); i++)
        assert_true(bytes_equal_text(request->response.guest_headers.rows[i].name, fine[i]));
    assert_int_equal(stage->metrics.guest_headers_dropped, COUNT_OF(forged));
    struct bytes log = buffer_bytes(&request->http.log);
    assert_non_null(memmem(log.data, log.count, "warn the server dropped the header X-SENDFILE\n",
                           strlen("warn the server dropped the header X-SENDFILE\n")));
}

static void an_answer_that_resets_a_form_has_no_body(void **state)
{
    struct stage *stage = *state;
    struct request *request = parked(stage);
    assert_int_equal(buffer_append(&request->http.response_body, "body", 4), STATUS_OK);
    respond_prepare(request, 205, NULL);
    assert_int_equal(request->response.body.count, 0);
}

static void a_problem_has_none_of_the_guests_headers(void **state)
{
    struct stage *stage = *state;
    struct request *request = parked(stage);
    add(request, "set-cookie");
    stage->steps[0] = GUEST_FAULTED;
    stage->result.fault = FAULT_NO_ISOLATE;
    (void)snprintf(stage->result.text, sizeof(stage->result.text), "a \"word\"");
    stage_turn(stage, request->deadline_ns - CLOCK_NS_PER_MS);
    assert_int_equal(request->response.guest_headers.count, 0);
    assert_true(
        bytes_equal_text(extra(request, "content-type")->value, "application/problem+json"));
    assert_true(bytes_equal_text(extra(request, "retry-after")->value, "1"));
    char want[256];
    (void)snprintf(want, sizeof(want),
                   "{\"type\":\"about:blank\",\"title\":\"Service Unavailable\",\"status\":503,"
                   "\"code\":\"busy\",\"detail\":\"a \\\"word\\\"\",\"request_id\":\"%s\"}\n",
                   request->id);
    assert_true(bytes_equal_text(request->response.body, want));
}

static void ids_are_all_different(void **state)
{
    struct stage *stage = *state;
    static char ids[1000][REQUEST_ID_BYTES + 1];
    for (size_t i = 0; i < COUNT_OF(ids); i++) {
        respond_make_id(&stage->service, ids[i]);
        assert_int_equal(strlen(ids[i]), REQUEST_ID_BYTES);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(ids[i], ids[j]);
    }
}

#define STAGED(test) cmocka_unit_test_setup_teardown(test, stage_setup, stage_teardown)

UNIT
{
    const struct CMUnitTest tests[] = {
        STAGED(a_guests_answer_gets_id_version_and_timing),
        STAGED(what_commands_a_proxy_or_passes_for_ours_is_taken_out_and_told),
        STAGED(an_answer_that_resets_a_form_has_no_body),
        STAGED(a_problem_has_none_of_the_guests_headers),
        STAGED(ids_are_all_different),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
