/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which requests reach a handler: scopes, bodies by their heads, names, and problems.
 */
#include "rig.h"

static void wrong_requests_get_the_problem_that_they_are(void **state)
{
    (void)state;
    static const struct {
        enum api_method method;
        const char *target;
        int status;
        const char *code;
    } rows[] = {
        {API_GET, "/", 404, "endpoint_not_found"},
        {API_GET, "", 404, "endpoint_not_found"},
        {API_GET, "//", 404, "endpoint_not_found"},
        {API_GET, "/v1/nothing", 404, "endpoint_not_found"},
        {API_GET, "/v1/tenants/", 400, "bad_name"},
        {API_GET, "/a/b/c/d/e/f/g/h/i/j/k", 404, "endpoint_not_found"},
        {API_GET, "/v1/tenants/Bad", 400, "bad_name"},
        {API_PUT, "/v1/tenants/default/functions/under_score", 400, "bad_name"},
        {API_PUT, "/v1/tenants/default/functions/a%2fb", 400, "bad_name"},
        {API_PUT, "/v1/tenants/..%2f/functions/a", 400, "bad_name"},
        {API_PUT, HELLO "?dry_run=maybe", 400, "bad_query"},
        {API_PUT, HELLO "?percent=10", 400, "bad_query"},
        {API_GET, HELLO, 404, "not_found"},
        {API_GET, HELLO "/versions", 404, "not_found"},
        {API_GET, HELLO "/versions/v1", 404, "not_found"},
        {API_GET, HELLO "/versions/one", 400, "bad_version"},
        {API_DELETE, HELLO, 404, "not_found"},
        {API_GET, "/v1/tenants/nobody", 404, "not_found"},
        {API_GET, "/v1/tenants/nobody/functions", 404, "not_found"},
        {API_GET, "/v1/tenants?after=../", 400, "bad_query"},
    };
    struct rig rig;
    rig_init(&rig);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        rig_send(&rig, rows[i].method, rows[i].target, bytes_of_text("abc"));
        assert_problem(&rig, rows[i].status, rows[i].code);
        assert_int_equal(rig.step, API_ANSWERED);
    }
    rig_send(&rig, API_POST, HELLO, bytes_make(NULL, 0));
    assert_problem(&rig, 405, "method_not_allowed");
    assert_string_equal(rig.response.allow, "GET, PUT, DELETE");
    rig_send(&rig, API_OTHER, "/v1/limits", bytes_make(NULL, 0));
    assert_problem(&rig, 405, "method_not_allowed");
    rig_done(&rig);
}

static void names_in_messages_are_as_they_were_meant(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    rig_get(&rig, "/v1/tenants/a%21b");
    assert_problem(&rig, 400, "bad_name");
    assert_non_null(strstr(text_of(&rig, "detail"), "`a!b` cannot be"));
    rig_get(&rig, "/v1/tenants/a%2xb%");
    assert_problem(&rig, 400, "bad_name");
    assert_non_null(strstr(text_of(&rig, "detail"), "`a%2xb%` cannot be"));
    rig_put(&rig, HELLO, "abc");
    rig_get(&rig, HELLO "/versions/v%20");
    assert_problem(&rig, 400, "bad_version");
    assert_non_null(strstr(text_of(&rig, "detail"), "`v ` is no version"));
    rig_done(&rig);
}

static void text_that_is_not_utf8_never_breaks_an_answer(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    rig.outcome = (struct builder_job_outcome){
        .end = BUILDER_JOB_REFUSED,
        .result = {.status = STATUS_INVALID, .offset = 1, .text = "export \xff\xfe\n"}};
    rig_put(&rig, HELLO, "abc");
    assert_problem(&rig, 422, "invalid");
    assert_string_equal(text_of(&rig, "detail"), "export \u00ff\u00fe\n");
    rig_done(&rig);
}

/* Sends only what a head tells; gives how large the body may be, 0 when it was refused. */
static uint64_t rig_admit(struct rig *rig, struct api_request request, uint64_t body_bytes)
{
    uint64_t body_max = 0;
    request.granted = rig->granted;
    memcpy(request.id, "0123456789abcdef", sizeof(request.id));
    json_decref(rig->json);
    rig->json = NULL;
    api_response_done(&rig->response);
    api_response_init(&rig->response);
    if (api_admit(&rig->api, &request, body_bytes, &rig->response, &body_max))
        assert_true(body_max > 0);
    else
        rig->json =
            json_loadb((const char *)rig->response.body.data, rig->response.body.count, 0, NULL);
    return body_max;
}

static void a_body_is_refused_by_its_head(void **state)
{
    (void)state;
    struct rig rig;
    const struct api_request put = {.method = API_PUT, .path = HELLO};
    const struct api_request roll = {.method = API_POST, .path = HELLO "/rollback"};
    const struct api_request bad_name = {.method = API_PUT,
                                         .path = "/v1/tenants/default/functions/No"};
    rig_init(&rig);
    assert_int_equal(rig_admit(&rig, put, 1000), 1000);
    assert_int_equal(rig_admit(&rig, put, 0), 1000);
    assert_int_equal(rig_admit(&rig, put, 1001), 0);
    assert_problem(&rig, 413, "module_too_large");
    assert_int_equal(rig_admit(&rig, roll, 100), 4096);
    assert_int_equal(rig_admit(&rig, roll, 4097), 0);
    assert_problem(&rig, 413, "body_too_large");
    assert_int_equal(rig_admit(&rig, bad_name, 1), 0);
    assert_problem(&rig, 400, "bad_name");
    rig.granted = API_SCOPE_PUBLIC;
    assert_int_equal(rig_admit(&rig, put, 1), 0);
    assert_problem(&rig, 401, "unauthorized");
    rig_done(&rig);
}

static void a_body_is_of_the_type_that_its_path_takes(void **state)
{
    (void)state;
    struct rig rig;
    static const struct {
        const char *path;
        enum api_method method;
        const char *type;
        bool good;
    } rows[] = {
        {HELLO, API_PUT, NULL, true},
        {HELLO, API_PUT, "application/wasm", true},
        {HELLO, API_PUT, "Application/WASM; x=1", true},
        {HELLO, API_PUT, "application/octet-stream", true},
        {HELLO, API_PUT, "application/wasmx", false},
        {HELLO, API_PUT, "application/json", false},
        {HELLO, API_PUT, "text/plain", false},
        {HELLO, API_PUT, "application/x-www-form-urlencoded", false},
        {HELLO, API_PUT, "multipart/form-data; boundary=x", false},
        {HELLO, API_PUT, "", false},
        {HELLO "/versions", API_POST, "text/plain", false},
        {HELLO "/rollback", API_POST, NULL, true},
        {HELLO "/rollback", API_POST, "application/json; charset=utf-8", true},
        {HELLO "/rollback", API_POST, "text/plain", false},
        {"/v1/tenants/default/limits", API_PUT, "application/wasm", false},
        {HELLO, API_GET, "text/plain", true},
        {HELLO, API_DELETE, "text/plain", true},
    };
    rig_init(&rig);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct api_request request = {.method = rows[i].method, .path = rows[i].path};
        if (rows[i].type != NULL)
            request.content_type = bytes_of_text(rows[i].type);
        assert_int_equal(rig_admit(&rig, request, 1) > 0, rows[i].good);
        if (!rows[i].good)
            assert_problem(&rig, 415, "unsupported_media_type");
        request.content_encoded = true;
        bool looked_at = rows[i].method == API_PUT || rows[i].method == API_POST;
        assert_int_equal(rig_admit(&rig, request, 1) > 0, rows[i].good && !looked_at);
    }
    rig_done(&rig);
}

static void a_caller_gets_what_its_scope_reaches_and_no_more(void **state)
{
    (void)state;
    struct rig rig;
    static const struct {
        enum api_method method;
        const char *path;
        enum api_scope scope;
    } rows[] = {
        {API_GET, "/healthz", API_SCOPE_PUBLIC},
        {API_GET, "/readyz", API_SCOPE_PUBLIC},
        {API_GET, "/metrics", API_SCOPE_PUBLIC},
        {API_PUT, "/metrics", API_SCOPE_ADMIN},
        {API_GET, "/healthz/", API_SCOPE_ADMIN},
        {API_GET, HELLO, API_SCOPE_READ},
        {API_GET, "/v1/tenants", API_SCOPE_READ},
        {API_GET, "/v1/limits", API_SCOPE_READ},
        {API_PUT, HELLO, API_SCOPE_WRITE},
        {API_DELETE, HELLO, API_SCOPE_WRITE},
        {API_POST, HELLO "/rollback", API_SCOPE_WRITE},
        {API_POST, HELLO "/versions", API_SCOPE_WRITE},
        {API_PUT, "/v1/tenants/default/limits", API_SCOPE_ADMIN},
        {API_GET, "/v1/stats", API_SCOPE_ADMIN},
        {API_GET, "/v1/nothing", API_SCOPE_ADMIN},
    };
    rig_init(&rig);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        for (int granted = API_SCOPE_PUBLIC; granted <= API_SCOPE_ADMIN; granted++) {
            rig.granted = (enum api_scope)granted;
            rig_send(&rig, rows[i].method, rows[i].path, bytes_make(NULL, 0));
            if (rig.granted == API_SCOPE_PUBLIC && rows[i].scope > API_SCOPE_PUBLIC)
                assert_problem(&rig, 401, "unauthorized");
            else if (rig.granted < rows[i].scope)
                assert_problem(&rig, 403, "forbidden");
            else
                assert_true(rig.response.status != 403 && rig.response.status != 401);
            assert_true(rig.granted >= rows[i].scope || rig.response.allow[0] == '\0');
        }
    }
    assert_int_equal(rig.fixture.committed_count, 0);
    rig_done(&rig);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_requests_get_the_problem_that_they_are),
        cmocka_unit_test(names_in_messages_are_as_they_were_meant),
        cmocka_unit_test(text_that_is_not_utf8_never_breaks_an_answer),
        cmocka_unit_test(a_body_is_refused_by_its_head),
        cmocka_unit_test(a_body_is_of_the_type_that_its_path_takes),
        cmocka_unit_test(a_caller_gets_what_its_scope_reaches_and_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
