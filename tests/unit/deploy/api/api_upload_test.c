/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Uploads: what is refused by looking, what a build makes of the rest, and what is left when
 * something fails.
 */
#include "rig.h"

static void upload_is_created_and_told_in_full(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    (void)snprintf(rig.outcome.result.warnings, sizeof(rig.outcome.result.warnings),
                   "import `env.x` is not provided: calling it will trap\nsecond\n");
    rig_put(&rig, HELLO, "abc");
    assert_status(&rig, 201);
    assert_string_equal(text_of(&rig, "version"), "v1");
    assert_string_equal(text_of(&rig, "kind"), "http-wasm");
    assert_string_equal(text_of(&rig, "url"), "http://hello.default.localhost:8080/");
    assert_string_equal(text_of(&rig, "sha256"),
                        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_string_equal(rig.response.etag,
                        "\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"");
    json_t *timings = json_object_get(rig.json, "timings");
    assert_int_equal(json_integer_value(json_object_get(timings, "translate_us")), 2);
    assert_true(json_is_integer(json_object_get(timings, "commit_us")));
    assert_int_equal(json_array_size(json_object_get(rig.json, "warnings")), 2);
    assert_int_equal(rig.published_count, 1);
    assert_int_equal(rig.fixture.committed_count, 1);
    rig_done(&rig);
}

static void urls_are_those_that_clients_use(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    rig_put(&rig, HELLO, "abc");
    assert_string_equal(text_of(&rig, "url"), "http://hello.default.localhost:8080/");
    (void)strcpy(rig.config.public_url, "https://example.org:8443");
    rig_get(&rig, HELLO);
    assert_string_equal(text_of(&rig, "url"), "https://hello.default.example.org:8443/");
    (void)strcpy(rig.config.public_url, "http://example.org");
    rig_get(&rig, HELLO);
    assert_string_equal(text_of(&rig, "url"), "http://hello.default.example.org/");
    rig_done(&rig);
}

static void same_bytes_are_unchanged_and_not_built(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    rig_put(&rig, HELLO, "abc");
    rig_put(&rig, HELLO, "abc");
    assert_status(&rig, 200);
    assert_int_equal(rig.step, API_ANSWERED);
    assert_string_equal(text_of(&rig, "status"), "unchanged");
    assert_string_equal(text_of(&rig, "version"), "v1");
    assert_int_equal(rig.fixture.committed_count, 1);
    /* The bytes of an older version make a new one. */
    rig_put(&rig, HELLO, "def");
    rig_put(&rig, HELLO, "abc");
    assert_status(&rig, 201);
    assert_string_equal(text_of(&rig, "version"), "v3");
    rig_done(&rig);
}

static void configuration_makes_a_version_of_its_own(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    rig_put(&rig, HELLO, "abc");
    char plain_etag[API_ETAG_BYTES];
    memcpy(plain_etag, rig.response.etag, sizeof(plain_etag));
    rig_put(&rig, HELLO "?config=a%3Db%20%c3%A9+", "abc");
    assert_status(&rig, 201);
    assert_string_equal(text_of(&rig, "version"), "v2");
    assert_string_equal(text_of(&rig, "sha256"),
                        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_int_equal(json_integer_value(json_object_get(rig.json, "config_bytes")), 7);
    assert_string_not_equal(rig.response.etag, plain_etag);
    rig_put(&rig, HELLO "?config=a%3Db%20%c3%A9+", "abc");
    assert_status(&rig, 200);
    assert_string_equal(text_of(&rig, "status"), "unchanged");
    rig_get(&rig, HELLO);
    assert_string_equal(text_of(&rig, "config"), "a=b \xc3\xa9+");
    rig_get(&rig, HELLO "/versions/v1");
    assert_string_equal(text_of(&rig, "config"), "");
    /* Bytes that are no text. */
    rig_put(&rig, HELLO "?config=%03%00%ff", "abc");
    assert_status(&rig, 201);
    rig_get(&rig, HELLO "/versions/v3");
    assert_true(json_is_null(json_object_get(rig.json, "config")));
    assert_string_equal(text_of(&rig, "config_base64"), "AwD/");
    assert_int_equal(json_integer_value(json_object_get(rig.json, "config_bytes")), 3);
    /* None is none, not the one before. */
    rig_put(&rig, HELLO, "abc");
    assert_status(&rig, 201);
    rig_get(&rig, HELLO);
    assert_string_equal(text_of(&rig, "config"), "");
    assert_string_equal(rig.response.etag, plain_etag);
    rig_done(&rig);
}

static void wrong_configurations_never_reach_a_builder(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    rig.config.limits.guest_config = 4;
    static const char *const malformed[] = {"%", "a%", "a%4", "%zz", "%4g", "%-1", "%%20"};
    for (size_t i = 0; i < COUNT_OF(malformed); i++) {
        char target[128];
        (void)snprintf(target, sizeof(target), HELLO "?config=%s", malformed[i]);
        rig_put(&rig, target, "abc");
        assert_problem(&rig, 400, "bad_query");
        assert_int_equal(rig.step, API_ANSWERED);
    }
    rig_put(&rig, HELLO "?config=12345", "abc");
    assert_problem(&rig, 413, "config_too_large");
    assert_non_null(strstr(text_of(&rig, "detail"), "limits.guest_config (4)"));
    rig_put(&rig, HELLO "?config=1234&dry_run=1", "abc");
    assert_status(&rig, 200);
    rig_put(&rig, HELLO "?config", "abc");
    assert_status(&rig, 201);
    assert_int_equal(json_integer_value(json_object_get(rig.json, "config_bytes")), 0);
    rig_done(&rig);
}

static void assert_reuse(const struct rig *rig, json_int_t requests, json_int_t us)
{
    assert_int_equal(number_of(rig, "reuse_requests"), requests);
    assert_int_equal(number_of(rig, "reuse_us"), us);
}

static void memory_is_kept_for_as_long_as_a_version_asks(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    rig.config.limits.reuse_requests = 1000;
    rig.config.limits.reuse_for = 60000000;
    rig_put(&rig, HELLO, "abc");
    assert_reuse(&rig, 0, 0);
    rig_put(&rig, HELLO "?reuse_requests=100&reuse_for=10s", "abc");
    assert_status(&rig, 201);
    assert_string_equal(text_of(&rig, "version"), "v2");
    assert_reuse(&rig, 100, 10000000);
    rig_put(&rig, HELLO "?reuse_requests=100&reuse_for=10%73", "abc");
    assert_string_equal(text_of(&rig, "status"), "unchanged");
    /* What is left out is bounded by its limit. */
    rig_put(&rig, HELLO "?reuse_requests=1k", "abc");
    assert_reuse(&rig, 1000, 60000000);
    rig_put(&rig, HELLO "?reuse_for=500ms", "abc");
    assert_reuse(&rig, 1000, 500000);
    rig_get(&rig, HELLO);
    assert_reuse(&rig, 1000, 500000);
    rig_get(&rig, HELLO "/versions/v2");
    assert_reuse(&rig, 100, 10000000);
    /* One request, and not the next, is what happens without a choice. */
    rig_put(&rig, HELLO "?reuse_requests=1&reuse_for=10s", "abc");
    assert_status(&rig, 201);
    assert_reuse(&rig, 0, 0);
    rig_done(&rig);
}

static void another_choice_is_another_version(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    rig_put(&rig, HELLO, "abc");
    assert_false(json_is_true(json_object_get(rig.json, "deterministic")));
    rig_put(&rig, HELLO "?deterministic=1", "abc");
    assert_status(&rig, 201);
    assert_string_equal(text_of(&rig, "version"), "v2");
    assert_true(json_is_true(json_object_get(rig.json, "deterministic")));
    rig_put(&rig, HELLO "?deterministic=1", "abc");
    assert_string_equal(text_of(&rig, "status"), "unchanged");
    rig_get(&rig, HELLO);
    assert_true(json_is_true(json_object_get(rig.json, "deterministic")));
    rig_get(&rig, HELLO "/versions/v1");
    assert_false(json_is_true(json_object_get(rig.json, "deterministic")));
    rig_put(&rig, HELLO "?deterministic=maybe", "abc");
    assert_problem(&rig, 400, "bad_query");
    /* A choice that changes no code is another version all the same. */
    rig_put(&rig, HELLO "?pass_authorization=1", "abc");
    assert_string_equal(text_of(&rig, "version"), "v3");
    assert_true(json_is_true(json_object_get(rig.json, "pass_authorization")));
    assert_false(json_is_true(json_object_get(rig.json, "allow_missing")));
    rig_put(&rig, HELLO "?pass_authorization=1", "abc");
    assert_string_equal(text_of(&rig, "status"), "unchanged");
    rig_put(&rig, HELLO "?allow_missing=1&pass_authorization=true", "abc");
    assert_string_equal(text_of(&rig, "version"), "v4");
    rig_done(&rig);
}

static void reuse_out_of_range_is_refused(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    rig.config.limits.reuse_requests = 1000;
    rig.config.limits.reuse_for = 60000000;
    static const char *const wrong[] = {
        "reuse_requests=0",  "reuse_requests=1001",
        "reuse_requests=-1", "reuse_requests=2s",
        "reuse_requests",    "reuse_requests=4294967298",
        "reuse_for=0us",     "reuse_for=61s",
        "reuse_for=10",      "reuse_for=",
        "reuse_for=%",       "reuse_for=111111111111111111111111111111111111111111s"};
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        char target[128];
        (void)snprintf(target, sizeof(target), HELLO "?%s", wrong[i]);
        rig_put(&rig, target, "abc");
        assert_problem(&rig, 400, "bad_query");
        assert_non_null(strstr(text_of(&rig, "detail"), "limits.reuse_"));
    }
    /* A command runs from its beginning each time. */
    rig.outcome.result.keeps_memory = 0;
    rig_put(&rig, HELLO "?reuse_requests=2", "abc");
    assert_problem(&rig, 422, "reuse_unsupported");
    assert_int_equal(rig.published_count, 0);
    rig_put(&rig, HELLO "?reuse_requests=1", "abc");
    assert_status(&rig, 201);
    rig_done(&rig);
}

static void dry_run_builds_and_stores_nothing(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    rig_put(&rig, HELLO "?dry_run=1", "abc");
    assert_status(&rig, 200);
    assert_int_equal(rig.step, API_BUILD);
    assert_string_equal(text_of(&rig, "status"), "dry_run");
    assert_int_equal(rig.published_count, 0);
    rig_get(&rig, HELLO);
    assert_problem(&rig, 404, "not_found");
    rig_done(&rig);
}

static void refused_build_says_why_and_where(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    rig.outcome = (struct builder_job_outcome){
        .end = BUILDER_JOB_REFUSED,
        .result = {.status = STATUS_MALFORMED, .offset = 42, .text = "code section: too short"}};
    rig_put(&rig, HELLO, "abc");
    assert_problem(&rig, 422, "malformed");
    assert_string_equal(text_of(&rig, "detail"), "code section: too short");
    assert_int_equal(json_integer_value(json_object_get(rig.json, "offset")), 42);
    /* `skerry validate` would say the same again. */
    assert_null(json_object_get(rig.json, "hint"));
    assert_int_equal(rig.fixture.committed_count, 0);
    assert_int_equal(rig.published_count, 0);
    rig_done(&rig);
}

static void every_end_of_a_build_has_its_status_and_code(void **state)
{
    (void)state;
    static const struct {
        enum builder_job_end end;
        enum status status;
        const char *kind;
        int http;
        const char *code;
    } rows[] = {
        {BUILDER_JOB_REFUSED, STATUS_UNSUPPORTED, "unknown", 422, "unknown_kind"},
        {BUILDER_JOB_REFUSED, STATUS_UNSUPPORTED, "wagi", 422, "unsupported"},
        {BUILDER_JOB_REFUSED, STATUS_TRAPPED, "wagi", 422, "trapped"},
        {BUILDER_JOB_REFUSED, STATUS_LIMIT, "wagi", 422, "limit"},
        {BUILDER_JOB_REFUSED, STATUS_FULL, "wagi", 507, "storage_full"},
        {BUILDER_JOB_REFUSED, STATUS_IO, "wagi", 500, "io"},
        {BUILDER_JOB_CRASHED, STATUS_IO, "", 422, "builder_crashed"},
        {BUILDER_JOB_TIMEOUT, STATUS_TIMEOUT, "", 422, "build_timeout"},
        {BUILDER_JOB_FAILED, STATUS_BUSY, "", 503, "busy"},
        {BUILDER_JOB_FAILED, STATUS_FULL, "", 507, "storage_full"},
        {BUILDER_JOB_FAILED, STATUS_UNREACHABLE, "", 503, "stopping"},
    };
    struct rig rig;
    rig_init(&rig);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        rig.outcome = (struct builder_job_outcome){
            .end = rows[i].end,
            .result = {.status = rows[i].status, .offset = REPORT_OFFSET_NONE, .text = "why"}};
        (void)snprintf(rig.outcome.result.kind, sizeof(rig.outcome.result.kind), "%s",
                       rows[i].kind);
        rig_put(&rig, HELLO, "abc");
        assert_problem(&rig, rows[i].http, rows[i].code);
        assert_null(json_object_get(rig.json, "offset"));
        assert_int_equal(rig.response.retry_after_s, rows[i].http == 503 ? 1 : 0);
    }
    assert_int_equal(rig.fixture.committed_count, 0);
    rig_done(&rig);
}

static void failed_commit_takes_the_artifact_back(void **state)
{
    (void)state;
    struct rig rig;
    char module[900];
    char path[64];
    uint32_t count = 0;
    rig_init_with_map(&rig, 1 << 20);
    do {
        (void)snprintf(path, sizeof(path), "/v1/tenants/default/functions/f%u", count++);
        (void)snprintf(module, sizeof(module), "%0890u", count);
        rig_put(&rig, path, module);
    } while (rig.response.status == 201);
    assert_problem(&rig, 507, "storage_full");
    assert_int_equal(rig.withdrawn_count, 1);
    assert_int_equal(rig.published_count, count);
    rig_get(&rig, path);
    assert_problem(&rig, 404, "not_found");
    rig_send(&rig, API_DELETE, "/v1/tenants/default/functions/f0", bytes_make(NULL, 0));
    assert_status(&rig, 200);
    rig_done(&rig);
}

static void artifact_that_cannot_be_kept_fails_the_upload(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    rig.publish_status = STATUS_FULL;
    rig_put(&rig, HELLO, "abc");
    assert_problem(&rig, 507, "storage_full");
    assert_int_equal(rig.fixture.committed_count, 0);
    rig_done(&rig);
}

static void uploads_of_the_wrong_size_never_reach_a_builder(void **state)
{
    (void)state;
    struct rig rig;
    char module[1001] = "";
    rig_init(&rig);
    rig_send(&rig, API_PUT, HELLO, bytes_make(module, sizeof(module)));
    assert_problem(&rig, 413, "module_too_large");
    assert_int_equal(rig.step, API_ANSWERED);
    rig_send(&rig, API_PUT, HELLO, bytes_make(NULL, 0));
    assert_problem(&rig, 422, "malformed");
    assert_int_equal(json_integer_value(json_object_get(rig.json, "offset")), 0);
    assert_int_equal(rig.step, API_ANSWERED);
    rig_done(&rig);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(upload_is_created_and_told_in_full),
        cmocka_unit_test(urls_are_those_that_clients_use),
        cmocka_unit_test(same_bytes_are_unchanged_and_not_built),
        cmocka_unit_test(configuration_makes_a_version_of_its_own),
        cmocka_unit_test(wrong_configurations_never_reach_a_builder),
        cmocka_unit_test(memory_is_kept_for_as_long_as_a_version_asks),
        cmocka_unit_test(another_choice_is_another_version),
        cmocka_unit_test(reuse_out_of_range_is_refused),
        cmocka_unit_test(dry_run_builds_and_stores_nothing),
        cmocka_unit_test(refused_build_says_why_and_where),
        cmocka_unit_test(every_end_of_a_build_has_its_status_and_code),
        cmocka_unit_test(failed_commit_takes_the_artifact_back),
        cmocka_unit_test(artifact_that_cannot_be_kept_fails_the_upload),
        cmocka_unit_test(uploads_of_the_wrong_size_never_reach_a_builder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
