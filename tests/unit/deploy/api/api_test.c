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
        {API_PUT, HELLO "?per_cent=10", 400, "bad_query"},
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
    request.caller = &rig->caller;
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
    rig.caller.verbs = 0;
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
        {HELLO, API_PUT, "multipart/form-data; boundary=x", true},
        {HELLO, API_PUT, "multipart/mixed; boundary=x", false},
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

static void a_caller_gets_what_its_verbs_reach_and_no_more(void **state)
{
    (void)state;
    struct rig rig;
    static const struct {
        enum api_method method;
        const char *path;
        uint32_t verb; /* 0: anybody; UINT32_MAX: anybody with a token */
    } rows[] = {
        {API_GET, "/healthz", 0},
        {API_GET, "/readyz", 0},
        {API_GET, "/metrics", 0},
        {API_GET, "/v1/caller", UINT32_MAX},
        {API_PUT, "/metrics", UINT32_MAX},
        {API_GET, "/healthz/", UINT32_MAX},
        {API_GET, "/v1/nothing", UINT32_MAX},
        {API_GET, HELLO, API_BIT(READ)},
        {API_GET, "/v1/tenants", API_BIT(READ)},
        {API_GET, "/v1/limits", API_BIT(READ)},
        {API_GET, HELLO "/logs", API_BIT(LOGS)},
        {API_GET, "/v1/tenants/default/kv", API_BIT(KV)},
        {API_PUT, HELLO, API_BIT(DEPLOY)},
        {API_DELETE, HELLO, API_BIT(DEPLOY)},
        {API_POST, HELLO "/rollback", API_BIT(DEPLOY)},
        {API_POST, HELLO "/versions", API_BIT(DEPLOY)},
        {API_GET, "/v1/tokens", API_BIT(ADMIN)},
        {API_POST, "/v1/tokens", API_BIT(ADMIN)},
        {API_GET, "/v1/audit", API_BIT(ADMIN)},
        {API_PUT, "/v1/tenants/default/limits", API_BIT(OPERATOR)},
        {API_GET, "/v1/stats", API_BIT(OPERATOR)},
    };
    rig_init(&rig);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        for (uint32_t verbs = 0; verbs <= API_BIT(OPERATOR); verbs = verbs == 0 ? 2 : verbs * 2) {
            rig.caller.verbs = verbs;
            rig_send(&rig, rows[i].method, rows[i].path, bytes_make(NULL, 0));
            bool may = rows[i].verb == 0 || (verbs & rows[i].verb) != 0;
            if (!may && verbs == 0)
                assert_problem(&rig, 401, "unauthorized");
            else if (!may)
                assert_problem(&rig, 403, "forbidden");
            else
                assert_true(rig.response.status != 403 && rig.response.status != 401);
            assert_true(may || rig.response.allow[0] == '\0');
        }
    }
    assert_int_equal(rig.fixture.committed_count, 0);
    rig_done(&rig);
}

static void what_is_another_tenants_is_not_there(void **state)
{
    (void)state;
    struct rig rig;
    static const struct {
        enum api_method method;
        const char *path;
    } rows[] = {
        {API_GET, ""},
        {API_DELETE, ""},
        {API_GET, "/functions"},
        {API_GET, "/functions/hello"},
        {API_PUT, "/functions/hello"},
        {API_DELETE, "/functions/hello"},
        {API_GET, "/functions/hello/logs"},
        {API_GET, "/functions/hello/env"},
        {API_PUT, "/functions/hello/secrets/A"},
        {API_PUT, "/functions/hello/routes/r"},
        {API_GET, "/limits"},
        {API_PUT, "/limits"},
        {API_GET, "/kv"},
        {API_PUT, "/kv/a"},
    };
    rig_init(&rig);
    rig_put(&rig, HELLO, "abc");
    memcpy(rig.caller.tenant, "acme", 5);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        for (uint32_t verbs = API_BIT(READ); verbs <= API_BIT(OPERATOR); verbs *= 2) {
            char there[128];
            char nowhere[128];
            rig.caller.verbs = verbs;
            (void)snprintf(nowhere, sizeof(nowhere), "/v1/tenants/nobody1%s", rows[i].path);
            (void)snprintf(there, sizeof(there), "/v1/tenants/default%s", rows[i].path);
            rig_send(&rig, rows[i].method, there, bytes_make(NULL, 0));
            assert_problem(&rig, 404, "not_found");
            size_t count = rig.response.body.count;
            /* Nothing tells it from one that is nowhere. */
            rig_send(&rig, rows[i].method, nowhere, bytes_make(NULL, 0));
            assert_problem(&rig, 404, "not_found");
            assert_int_equal(rig.response.body.count, count);
            assert_int_equal(rig.response.vault.verb, DEPLOY_VAULT_NONE);
        }
    }
    rig.caller.verbs = API_VERBS_ALL;
    rig_get(&rig, "/v1/tenants");
    assert_int_equal(json_array_size(json_object_get(rig.json, "tenants")), 0);
    assert_int_equal(rig.fixture.committed_count, 1);
    rig_done(&rig);
}

static void a_token_of_some_functions_sees_no_others(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    rig_put(&rig, HELLO, "abc");
    rig_put(&rig, "/v1/tenants/default/functions/other", "abcd");
    memcpy(rig.caller.tenant, "default", 8);
    memcpy(rig.caller.functions, "hello\0x", 8);
    rig.caller.functions_bytes = 8;
    rig_get(&rig, HELLO);
    assert_status(&rig, 200);
    rig_get(&rig, "/v1/tenants/default/functions/other");
    assert_problem(&rig, 404, "not_found");
    assert_string_equal(text_of(&rig, "detail"), "tenant `default` has no function `other`");
    rig_get(&rig, "/v1/tenants/default/functions");
    assert_int_equal(json_array_size(json_object_get(rig.json, "functions")), 1);
    /* What a whole tenant has is not its to change, but for what its files hold. */
    rig_send(&rig, API_PUT, "/v1/tenants/default/domains/a.example", bytes_of_text("{}"));
    assert_problem(&rig, 403, "forbidden");
    rig_send(&rig, API_DELETE, "/v1/tenants/default/domains/a.example", bytes_make(NULL, 0));
    assert_problem(&rig, 403, "forbidden");
    rig_send(&rig, API_POST, "/v1/tenants/default/blobs/missing", bytes_of_text("{\"blobs\":[]}"));
    assert_int_not_equal(rig.response.status, 403);
    rig.caller.functions_bytes = 0;
    rig_send(&rig, API_DELETE, "/v1/tenants/default/domains/a.example", bytes_make(NULL, 0));
    assert_problem(&rig, 404, "not_found");
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
        cmocka_unit_test(a_caller_gets_what_its_verbs_reach_and_no_more),
        cmocka_unit_test(what_is_another_tenants_is_not_there),
        cmocka_unit_test(a_token_of_some_functions_sees_no_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
