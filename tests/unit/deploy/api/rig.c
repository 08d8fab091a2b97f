/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See rig.h.
 */
#include "rig.h"

#include <sys/stat.h>

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

static void rig_print_function_metrics(void *context, struct buffer *out)
{
    (void)context;
    assert_int_equal(buffer_printf(out, "skerry_z{tenant=\"acme\"} 1\n"), STATUS_OK);
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

static void rig_open_kv(struct rig *rig)
{
    char dir[96];
    struct report report = REPORT_INIT;
    const struct kv_store_options options = {.data_dir = rig->fixture.dir,
                                             .map_bytes = MAP_BYTES,
                                             .tenant_bytes_max = RIG_KV_BYTES,
                                             .clock = &rig->fixture.clock};
    (void)snprintf(dir, sizeof(dir), "%s/kv", rig->fixture.dir);
    assert_int_equal(mkdir(dir, 0700), 0);
    if (kv_store_open(&options, &report, &rig->kv) != STATUS_OK)
        fail_msg("%s", report.text);
}

static void rig_open_logs(struct rig *rig)
{
    char dir[96];
    struct report report = REPORT_INIT;
    const struct log_store_options options = {.data_dir = rig->fixture.dir,
                                              .file_bytes_max = 1 << 20,
                                              .files_max = 2,
                                              .age_ns_max = CLOCK_NS_PER_S,
                                              .clock = &rig->fixture.clock};
    (void)snprintf(dir, sizeof(dir), "%s/logs", rig->fixture.dir);
    assert_int_equal(mkdir(dir, 0700), 0);
    if (log_store_open(&options, &report, &rig->logs) != STATUS_OK)
        fail_msg("%s", report.text);
}

void rig_init_with_map(struct rig *rig, uint64_t map_bytes)
{
    *rig = (struct rig){.ready = true,
                        .publish_status = STATUS_OK,
                        .caller = {.verbs = API_VERBS_ALL, .who = "uid 7", .from = "socket"}};
    fixture_init(&rig->fixture);
    fixture_open_store(&rig->fixture, map_bytes);
    rig_open_kv(rig);
    rig_open_logs(rig);
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
                            .kv = rig->kv,
                            .logs = rig->logs,
                            .config = &rig->config,
                            .clock = &rig->fixture.clock,
                            .publish = rig_publish,
                            .withdraw = rig_withdraw,
                            .builds = rig_builds,
                            .artifacts = rig_artifacts,
                            .generation = rig_generation,
                            .ready = rig_ready,
                            .print_worker_metrics = rig_print_worker_metrics,
                            .print_function_metrics = rig_print_function_metrics,
                            .print_starts = rig_print_starts,
                            .quarantine_us = rig_quarantine_us,
                            .context = rig};
    api_response_init(&rig->response);
}

void rig_init(struct rig *rig)
{
    rig_init_with_map(rig, MAP_BYTES);
}

void rig_done(struct rig *rig)
{
    json_decref(rig->json);
    api_response_done(&rig->response);
    kv_store_close(rig->kv);
    log_store_close(rig->logs);
    fixture_done(&rig->fixture);
}

struct rig hello_rig;

int hello_setup(void **state)
{
    (void)state;
    rig_init(&hello_rig);
    rig_put(&hello_rig, HELLO, "m1");
    return 0;
}

int hello_teardown(void **state)
{
    (void)state;
    rig_done(&hello_rig);
    return 0;
}

void rig_send(struct rig *rig, enum api_method method, const char *target, struct bytes body)
{
    static char path[512]; /* what is wanted of the vault refers to it */
    (void)snprintf(path, sizeof(path), "%s", target);
    char *mark = strchr(path, '?');
    if (mark != NULL)
        *mark = '\0';
    const struct api_request request = {.method = method,
                                        .caller = &rig->caller,
                                        .path = path,
                                        .query = mark == NULL ? NULL : mark + 1,
                                        .body = body,
                                        .accept = rig->accept,
                                        .last_event_id = rig->last_event_id,
                                        .if_match = rig->if_match,
                                        .content_type = rig->content_type,
                                        .signature = rig->signature,
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

void rig_get(struct rig *rig, const char *target)
{
    rig_send(rig, API_GET, target, bytes_make(NULL, 0));
}

void rig_put(struct rig *rig, const char *target, const char *module)
{
    rig_send(rig, API_PUT, target, bytes_of_text(module));
}

static void rig_put_parts(struct rig *rig, const char *target, const char *body)
{
    rig->content_type = bytes_of_text("multipart/related; boundary=b");
    rig_send(rig, API_PUT, target, bytes_of_text(body));
    rig->content_type = bytes_make(NULL, 0);
}

#define RIG_PARTS                                                                                  \
    "--b\r\nContent-Type: application/json\r\n\r\n%s\r\n--b\r\n"                                   \
    "Content-Type: application/wasm\r\n\r\nm1\r\n--b"

void rig_put_manifest(struct rig *rig, const char *target, const char *manifest)
{
    char body[4096];
    (void)snprintf(body, sizeof(body), RIG_PARTS "--\r\n", manifest);
    rig_put_parts(rig, target, body);
}

void rig_put_files(struct rig *rig, const char *target, const char *files)
{
    char body[4096];
    const char *manifest =
        strstr(files, "\"assets\"") == NULL ? "{}" : "{\"assets\":{\"dir\":\"d\"}}";
    (void)snprintf(body, sizeof(body),
                   RIG_PARTS "\r\nContent-Type: application/vnd.skerry.files+json\r\n\r\n%s"
                             "\r\n--b--\r\n",
                   manifest, files);
    rig_put_parts(rig, target, body);
}

void assert_status(const struct rig *rig, int status)
{
    if (rig->response.status != status)
        fail_msg("%d: %.*s", rig->response.status, (int)rig->response.body.count,
                 (const char *)rig->response.body.data);
    assert_non_null(rig->json);
}

const char *text_of(const struct rig *rig, const char *name)
{
    const char *text = json_string_value(json_object_get(rig->json, name));
    return text == NULL ? "" : text;
}

void assert_problem(const struct rig *rig, int status, const char *code)
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

json_int_t number_of(const struct rig *rig, const char *name)
{
    return json_integer_value(json_object_get(rig->json, name));
}
