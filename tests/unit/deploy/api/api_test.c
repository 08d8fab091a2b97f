/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The admin API as a function: requests in, responses out, a real store below, and fakes
 * for builder, artifacts and workers.
 */
#include "fixture.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "deploy/api/api.h"

#define MAP_BYTES (4ULL << 20)

struct rig {
    struct fixture fixture;
    struct config config;
    struct api api;
    struct api_upload upload;
    struct api_response response;
    json_t *json; /* of the last response; NULL if it is none */
    enum api_step step;
    struct builder_job_outcome outcome; /* what the next build ends with */
    enum status publish_status;
    uint32_t published_count;
    uint32_t withdrawn_count;
    bool ready;
    bool starts_fail;
    uint32_t quarantined_version;
    enum api_scope granted;
};

static enum status rig_publish(void *context,
                               const char *artifact_temp,
                               const uint8_t sha256[DEPLOY_SHA256_BYTES],
                               struct report *report)
{
    struct rig *rig = context;
    (void)sha256;
    assert_string_equal(artifact_temp, "1.tmp");
    rig->published_count++;
    return rig->publish_status == STATUS_OK
               ? STATUS_OK
               : report_fail(report, rig->publish_status, REPORT_OFFSET_NONE, "no room");
}

static void rig_withdraw(void *context, const uint8_t sha256[DEPLOY_SHA256_BYTES])
{
    struct rig *rig = context;
    (void)sha256;
    rig->withdrawn_count++;
}

static struct builder_jobs_stats rig_builds(void *context)
{
    (void)context;
    return (struct builder_jobs_stats){.ended = {[BUILDER_JOB_BUILT] = 5}, .running = 1};
}

static uint64_t rig_generation(void *context)
{
    struct rig *rig = context;
    return rig->fixture.committed_count;
}

static bool rig_ready(void *context)
{
    struct rig *rig = context;
    return rig->ready;
}

static struct api_artifact_stats rig_artifacts(void *context)
{
    (void)context;
    return (struct api_artifact_stats){.damaged = 1, .rebuilt = 2, .failed = 3};
}

static void rig_print_worker_metrics(void *context, struct buffer *out)
{
    (void)context;
    assert_int_equal(buffer_printf(out, "# HELP x y\nskerry_x{worker=\"0\"} 7\nskerry_y 0.5\n"),
                     STATUS_OK);
}

static bool
rig_print_starts(void *context, const struct deploy_function_key *key, struct buffer *out)
{
    struct rig *rig = context;
    assert_int_equal(key->created_ns, rig->fixture.now_ns);
    return !rig->starts_fail &&
           buffer_printf(out, "{\"cold\":\"%s/%s\"}\n", key->tenant, key->function) == STATUS_OK;
}

static uint64_t
rig_quarantine_us(void *context, const struct deploy_function_key *key, uint32_t version)
{
    const struct rig *rig = context;
    assert_int_equal(key->created_ns, rig->fixture.now_ns);
    return version == rig->quarantined_version ? 7000000 : 0;
}

static void rig_init_with_map(struct rig *rig, uint64_t map_bytes)
{
    *rig = (struct rig){.ready = true, .publish_status = STATUS_OK, .granted = API_SCOPE_ADMIN};
    fixture_init(&rig->fixture);
    fixture_open_store(&rig->fixture, map_bytes);
    config_limits_default(&rig->config.limits);
    rig->config.limits.module = 1000;
    (void)snprintf(rig->config.domain, sizeof(rig->config.domain), "localhost");
    (void)snprintf(rig->config.listen[0], sizeof(rig->config.listen[0]), "127.0.0.1:8080");
    rig->config.listen_count = 1;
    rig->outcome = (struct builder_job_outcome){.end = BUILDER_JOB_BUILT,
                                                .artifact_temp = "1.tmp",
                                                .result = {.kind = "http-wasm",
                                                           .keeps_memory = 1,
                                                           .validate_us = 1,
                                                           .translate_us = 2,
                                                           .snapshot_us = 3}};
    rig->api = (struct api){.store = rig->fixture.store,
                            .config = &rig->config,
                            .clock = &rig->fixture.clock,
                            .publish = rig_publish,
                            .withdraw = rig_withdraw,
                            .builds = rig_builds,
                            .artifacts = rig_artifacts,
                            .generation = rig_generation,
                            .ready = rig_ready,
                            .print_worker_metrics = rig_print_worker_metrics,
                            .print_starts = rig_print_starts,
                            .quarantine_us = rig_quarantine_us,
                            .context = rig};
    api_response_init(&rig->response);
}

static void rig_init(struct rig *rig)
{
    rig_init_with_map(rig, MAP_BYTES);
}

static void rig_done(struct rig *rig)
{
    json_decref(rig->json);
    api_response_done(&rig->response);
    fixture_done(&rig->fixture);
}

/* Sends a request; an upload goes through the fake builder. */
static void rig_send(struct rig *rig, enum api_method method, const char *target, struct bytes body)
{
    char path[512];
    (void)snprintf(path, sizeof(path), "%s", target);
    char *mark = strchr(path, '?');
    if (mark != NULL)
        *mark = '\0';
    const struct api_request request = {.method = method,
                                        .granted = rig->granted,
                                        .path = path,
                                        .query = mark == NULL ? NULL : mark + 1,
                                        .body = body,
                                        .id = "0123456789abcdef"};
    json_decref(rig->json);
    api_response_done(&rig->response);
    api_response_init(&rig->response);
    rig->step = api_handle(&rig->api, &request, &rig->upload, &rig->response);
    if (rig->step == API_BUILD)
        api_upload_built(&rig->api, &request, &rig->upload, &rig->outcome, &rig->response);
    api_upload_done(&rig->upload);
    rig->json =
        json_loadb((const char *)rig->response.body.data, rig->response.body.count, 0, NULL);
}

static void rig_get(struct rig *rig, const char *target)
{
    rig_send(rig, API_GET, target, bytes_make(NULL, 0));
}

static void rig_put(struct rig *rig, const char *target, const char *module)
{
    rig_send(rig, API_PUT, target, bytes_of_text(module));
}

static void assert_status(const struct rig *rig, int status)
{
    if (rig->response.status != status)
        fail_msg("%d: %.*s", rig->response.status, (int)rig->response.body.count,
                 (const char *)rig->response.body.data);
    assert_non_null(rig->json);
}

static const char *text_of(const struct rig *rig, const char *name)
{
    const char *text = json_string_value(json_object_get(rig->json, name));
    return text == NULL ? "" : text;
}

static void assert_problem(const struct rig *rig, int status, const char *code)
{
    assert_status(rig, status);
    assert_string_equal(rig->response.content_type, "application/problem+json");
    assert_string_equal(text_of(rig, "code"), code);
    assert_string_equal(text_of(rig, "request_id"), "0123456789abcdef");
    assert_string_equal(text_of(rig, "type"), "about:blank");
    assert_int_equal(json_integer_value(json_object_get(rig->json, "status")), status);
    assert_true(text_of(rig, "title")[0] != '\0');
    assert_true(text_of(rig, "detail")[0] != '\0');
}

#define HELLO "/v1/tenants/default/functions/hello"

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

static json_int_t number_of(const struct rig *rig, const char *name)
{
    return json_integer_value(json_object_get(rig->json, name));
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

#define LIMITS "/v1/tenants/acme/limits"

static void limits_of_a_tenant_are_replaced_as_a_whole(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    rig_get(&rig, LIMITS);
    assert_problem(&rig, 404, "not_found");
    rig_send(&rig, API_PUT, LIMITS, bytes_of_text("{\"cpu_share\":4,\"queue\":9}"));
    assert_status(&rig, 200);
    assert_int_equal(rig.fixture.committed_count, 1);
    rig_get(&rig, LIMITS);
    assert_status(&rig, 200);
    assert_int_equal(number_of(&rig, "cpu_share"), 4);
    assert_true(json_is_null(json_object_get(rig.json, "concurrency")));
    rig_send(&rig, API_PUT, LIMITS, bytes_of_text("{\"queue\":null,\"pool\":3}"));
    assert_int_equal(number_of(&rig, "pool"), 3);
    assert_true(json_is_null(json_object_get(rig.json, "cpu_share")));
    rig_send(&rig, API_DELETE, LIMITS, bytes_make(NULL, 0));
    assert_problem(&rig, 405, "method_not_allowed");
    rig_done(&rig);
}

static void wrong_limits_change_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        const char *code;
    } rows[] = {
        {"", "bad_json"},
        {"{\"pool\":3", "bad_json"},
        {"{\"pool\":3,\"pool\":4}", "bad_json"},
        {"[1]", "bad_limit"},
        {"{\"pool\":0}", "bad_limit"},
        {"{\"pools\":3}", "bad_limit"},
    };
    struct rig rig;
    static char huge[5000];
    rig_init(&rig);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        rig_send(&rig, API_PUT, LIMITS, bytes_of_text(rows[i].body));
        assert_problem(&rig, 400, rows[i].code);
    }
    assert_non_null(strstr(text_of(&rig, "detail"), "did you mean `pool`?"));
    memset(huge, ' ', sizeof(huge));
    rig_send(&rig, API_PUT, LIMITS, bytes_make(huge, sizeof(huge)));
    assert_problem(&rig, 413, "body_too_large");
    rig_send(&rig, API_PUT, LIMITS "?x=1", bytes_of_text("{}"));
    assert_problem(&rig, 400, "bad_query");
    rig_get(&rig, LIMITS);
    assert_problem(&rig, 404, "not_found");
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

static void upload_without_activation_waits_for_a_rollback_to_it(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    rig_put(&rig, HELLO, "abc");
    rig_send(&rig, API_POST, HELLO "/versions", bytes_of_text("def"));
    assert_status(&rig, 201);
    assert_true(json_is_false(json_object_get(rig.json, "active")));
    rig_send(&rig, API_POST, HELLO "/versions", bytes_of_text("def"));
    assert_status(&rig, 200);
    assert_string_equal(text_of(&rig, "version"), "v2");
    rig_get(&rig, HELLO);
    assert_string_equal(text_of(&rig, "version"), "v1");
    rig_send(&rig, API_POST, HELLO "/rollback", bytes_of_text("{\"to\":\"v2\"}"));
    assert_status(&rig, 200);
    assert_string_equal(text_of(&rig, "version"), "v2");
    rig_send(&rig, API_POST, HELLO "/rollback", bytes_make(NULL, 0));
    assert_string_equal(text_of(&rig, "version"), "v1");
    rig_get(&rig, HELLO "/versions");
    json_t *versions = json_object_get(rig.json, "versions");
    assert_int_equal(json_array_size(versions), 2);
    json_t *newest = json_array_get(versions, 0);
    assert_string_equal(json_string_value(json_object_get(newest, "version")), "v2");
    assert_true(json_is_false(json_object_get(newest, "active")));
    rig_get(&rig, HELLO "/versions/v1");
    assert_status(&rig, 200);
    assert_true(json_is_true(json_object_get(rig.json, "active")));
    rig_done(&rig);
}

static void wrong_rollbacks_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        int status;
        const char *code;
    } rows[] = {
        {"", 409, "conflict"},
        {"{\"to\":\"v9\"}", 404, "not_found"},
        {"{\"to\":\"9\"}", 400, "bad_version"},
        {"{\"to\":2}", 400, "bad_json"},
        {"{\"two\":\"v1\"}", 400, "bad_json"},
        {"[]", 400, "bad_json"},
        {"{\"to\":\"v1\"", 400, "bad_json"},
    };
    struct rig rig;
    rig_init(&rig);
    rig_put(&rig, HELLO, "abc");
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        rig_send(&rig, API_POST, HELLO "/rollback", bytes_of_text(rows[i].body));
        assert_problem(&rig, rows[i].status, rows[i].code);
    }
    assert_int_equal(rig.fixture.committed_count, 1);
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

static void a_tenant_can_be_removed_once_it_is_empty(void **state)
{
    (void)state;
    struct rig rig;
    static const char tenant[] = "/v1/tenants/default";
    rig_init(&rig);
    rig_send(&rig, API_DELETE, tenant, bytes_make(NULL, 0));
    assert_problem(&rig, 404, "not_found");
    rig_put(&rig, HELLO, "abc");
    rig_send(&rig, API_DELETE, tenant, bytes_make(NULL, 0));
    assert_problem(&rig, 409, "conflict");
    assert_non_null(strstr(text_of(&rig, "detail"), "1 functions"));
    rig_send(&rig, API_DELETE, HELLO, bytes_make(NULL, 0));
    assert_status(&rig, 200);
    rig_send(&rig, API_DELETE, tenant, bytes_make(NULL, 0));
    assert_status(&rig, 200);
    assert_string_equal(text_of(&rig, "tenant"), "default");
    rig_get(&rig, tenant);
    assert_problem(&rig, 404, "not_found");
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

static void removed_function_is_gone_and_its_tenant_stays(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    rig_put(&rig, HELLO, "abc");
    rig_send(&rig, API_DELETE, HELLO, bytes_make(NULL, 0));
    assert_status(&rig, 200);
    assert_int_equal(json_integer_value(json_object_get(rig.json, "version_count")), 1);
    assert_int_equal(rig.fixture.gone_count, 1);
    rig_get(&rig, "/v1/tenants/default/functions");
    assert_status(&rig, 200);
    assert_int_equal(json_array_size(json_object_get(rig.json, "functions")), 0);
    rig_get(&rig, "/v1/tenants");
    assert_int_equal(json_array_size(json_object_get(rig.json, "tenants")), 1);
    rig_done(&rig);
}

static void long_lists_come_in_pages(void **state)
{
    (void)state;
    struct rig rig;
    uint32_t number;
    char name[16];
    char target[128];
    rig_init(&rig);
    for (int i = 0; i < 1001; i++) {
        (void)snprintf(name, sizeof(name), "f%04d", i);
        assert_int_equal(fixture_add(&rig.fixture, "default", name, bytes_of_text("x"), &number),
                         STATUS_OK);
    }
    rig_get(&rig, "/v1/tenants/default/functions");
    assert_int_equal(json_array_size(json_object_get(rig.json, "functions")), 1000);
    assert_string_equal(text_of(&rig, "next"), "f0999");
    (void)snprintf(target, sizeof(target), "/v1/tenants/default/functions?after=%s",
                   text_of(&rig, "next"));
    rig_get(&rig, target);
    assert_int_equal(json_array_size(json_object_get(rig.json, "functions")), 1);
    assert_null(json_object_get(rig.json, "next"));
    rig_done(&rig);
}

static void server_tells_limits_numbers_and_health(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    rig_put(&rig, HELLO, "abc");
    rig_get(&rig, "/v1/limits");
    assert_status(&rig, 200);
    json_t *module = json_object_get(json_object_get(rig.json, "limits"), "module");
    assert_int_equal(json_integer_value(json_object_get(module, "value")), 1000);
    rig_get(&rig, "/v1/stats");
    assert_status(&rig, 200);
    assert_int_equal(json_integer_value(json_object_get(rig.json, "functions")), 1);
    json_t *workers = json_object_get(rig.json, "workers");
    char *shown = json_dumps(workers, JSON_COMPACT);
    assert_string_equal(shown, "[{\"name\":\"skerry_x\",\"labels\":{\"worker\":\"0\"},\"value\":7},"
                               "{\"name\":\"skerry_y\",\"labels\":{},\"value\":0.5}]");
    free(shown);
    rig_get(&rig, "/healthz");
    assert_status(&rig, 200);
    rig_get(&rig, "/readyz");
    assert_status(&rig, 200);
    rig.ready = false;
    rig_get(&rig, "/readyz");
    assert_problem(&rig, 503, "not_ready");
    rig_get(&rig, "/metrics");
    assert_int_equal(rig.response.status, 200);
    assert_int_equal(buffer_append(&rig.response.body, "", 1), STATUS_OK);
    const char *text = (const char *)rig.response.body.data;
    assert_non_null(strstr(text, "\nskerry_functions 1\n"));
    assert_non_null(strstr(text, "\nskerry_builds_total{end=\"built\"} 5\n"));
    assert_non_null(strstr(text, "\nskerry_artifacts_total{event=\"damaged\"} 1\n"));
    assert_non_null(strstr(text, "\nskerry_artifacts_total{event=\"rebuild_failed\"} 3\n"));
    assert_non_null(strstr(text, "\nskerry_x{worker=\"0\"} 7\n"));
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

static void starts_are_those_of_the_function_as_it_was_made(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    rig_get(&rig, HELLO "/starts");
    assert_problem(&rig, 404, "not_found");
    rig_put(&rig, HELLO, "abc");
    rig_get(&rig, HELLO "/starts");
    assert_status(&rig, 200);
    assert_string_equal(rig.response.content_type, "application/json");
    assert_string_equal(text_of(&rig, "cold"), "default/hello");
    rig_get(&rig, HELLO "/starts?since=1");
    assert_problem(&rig, 400, "bad_query");
    rig.starts_fail = true;
    rig_get(&rig, HELLO "/starts");
    assert_problem(&rig, 500, "no_memory");
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

static void a_function_says_that_its_version_is_in_quarantine(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    rig_put(&rig, HELLO, "abc");
    rig_get(&rig, HELLO);
    assert_null(json_object_get(rig.json, "quarantined_us"));
    rig.quarantined_version = 1;
    rig_get(&rig, HELLO);
    assert_int_equal(json_integer_value(json_object_get(rig.json, "quarantined_us")), 7000000);
    rig_put(&rig, HELLO, "abcd");
    rig_get(&rig, HELLO);
    assert_null(json_object_get(rig.json, "quarantined_us"));
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

int main(void)
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
        cmocka_unit_test(limits_of_a_tenant_are_replaced_as_a_whole),
        cmocka_unit_test(wrong_limits_change_nothing),
        cmocka_unit_test(dry_run_builds_and_stores_nothing),
        cmocka_unit_test(upload_without_activation_waits_for_a_rollback_to_it),
        cmocka_unit_test(wrong_rollbacks_are_refused),
        cmocka_unit_test(refused_build_says_why_and_where),
        cmocka_unit_test(every_end_of_a_build_has_its_status_and_code),
        cmocka_unit_test(failed_commit_takes_the_artifact_back),
        cmocka_unit_test(artifact_that_cannot_be_kept_fails_the_upload),
        cmocka_unit_test(uploads_of_the_wrong_size_never_reach_a_builder),
        cmocka_unit_test(wrong_requests_get_the_problem_that_they_are),
        cmocka_unit_test(a_tenant_can_be_removed_once_it_is_empty),
        cmocka_unit_test(names_in_messages_are_as_they_were_meant),
        cmocka_unit_test(removed_function_is_gone_and_its_tenant_stays),
        cmocka_unit_test(a_body_is_refused_by_its_head),
        cmocka_unit_test(a_body_is_of_the_type_that_its_path_takes),
        cmocka_unit_test(a_function_says_that_its_version_is_in_quarantine),
        cmocka_unit_test(a_caller_gets_what_its_scope_reaches_and_no_more),
        cmocka_unit_test(starts_are_those_of_the_function_as_it_was_made),
        cmocka_unit_test(long_lists_come_in_pages),
        cmocka_unit_test(server_tells_limits_numbers_and_health),
        cmocka_unit_test(text_that_is_not_utf8_never_breaks_an_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
