/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Three runs of load_run over the same names, and the modules they upload.
 */
#include "loadtest/cold_start.h"

#include <jansson.h>
#include <stdio.h>
#include <sys/random.h>

#include "config/config.h"
#include "loadtest/input_file.h"

#define COLD_START_FUNCTION_BYTES    16
#define COLD_START_UPLOAD_TIMEOUT_NS (120 * CLOCK_NS_PER_S)
#define COLD_START_SECTION_NAME      "skerry.loadtest"

/*
 * (module
 *   (import "http_handler" "write_body" (func $write_body (param i32 i32 i32)))
 *   (memory (export "memory") 1)
 *   (data (i32.const 0) "hello\n")
 *   (func (export "handle_request") (result i64)
 *     (call $write_body (i32.const 1) (i32.const 0) (i32.const 6))
 *     (i64.const 0))
 *   (func (export "handle_response") (param i32 i32)))
 */
static const uint8_t cold_start_hello[] = {
    0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x10, 0x03, 0x60, 0x03, 0x7f, 0x7f,
    0x7f, 0x00, 0x60, 0x00, 0x01, 0x7e, 0x60, 0x02, 0x7f, 0x7f, 0x00, 0x02, 0x1b, 0x01, 0x0c,
    0x68, 0x74, 0x74, 0x70, 0x5f, 0x68, 0x61, 0x6e, 0x64, 0x6c, 0x65, 0x72, 0x0a, 0x77, 0x72,
    0x69, 0x74, 0x65, 0x5f, 0x62, 0x6f, 0x64, 0x79, 0x00, 0x00, 0x03, 0x03, 0x02, 0x01, 0x02,
    0x05, 0x03, 0x01, 0x00, 0x01, 0x07, 0x2d, 0x03, 0x06, 0x6d, 0x65, 0x6d, 0x6f, 0x72, 0x79,
    0x02, 0x00, 0x0e, 0x68, 0x61, 0x6e, 0x64, 0x6c, 0x65, 0x5f, 0x72, 0x65, 0x71, 0x75, 0x65,
    0x73, 0x74, 0x00, 0x01, 0x0f, 0x68, 0x61, 0x6e, 0x64, 0x6c, 0x65, 0x5f, 0x72, 0x65, 0x73,
    0x70, 0x6f, 0x6e, 0x73, 0x65, 0x00, 0x02, 0x0a, 0x11, 0x02, 0x0c, 0x00, 0x41, 0x01, 0x41,
    0x00, 0x41, 0x06, 0x10, 0x00, 0x42, 0x00, 0x0b, 0x02, 0x00, 0x0b, 0x0b, 0x0c, 0x01, 0x00,
    0x41, 0x00, 0x0b, 0x06, 0x68, 0x65, 0x6c, 0x6c, 0x6f, 0x0a,
};

struct cold_start {
    const struct load_options *options;
    struct report *report;
    struct target admin;
    struct target target;
    struct buffer wasm;   /* as given */
    struct buffer module; /* the one being uploaded */
    struct load_results *results;
    struct histogram uploads;
    uint64_t uploaded_count;
    uint64_t deleted_count;
    enum status status; /* of uploads or deletes */
    uint8_t nonce[COLD_START_NONCE_BYTES];
};

enum status cold_start_append_nonce(struct buffer *module,
                                    const uint8_t nonce[COLD_START_NONCE_BYTES],
                                    uint64_t index)
{
    static const char name[] = COLD_START_SECTION_NAME;
    enum { NAME_BYTES = sizeof(name) - 1 };
    enum { SECTION_BYTES = 1 + NAME_BYTES + COLD_START_NONCE_BYTES + sizeof(index) };
    _Static_assert(SECTION_BYTES < 0x80, "sizes fit one LEB128 byte");
    uint8_t section[2 + SECTION_BYTES] = {0, SECTION_BYTES, NAME_BYTES};
    memcpy(section + 3, name, NAME_BYTES);
    memcpy(section + 3 + NAME_BYTES, nonce, COLD_START_NONCE_BYTES);
    memcpy(section + 3 + NAME_BYTES + COLD_START_NONCE_BYTES, &index, sizeof(index));
    return buffer_append(module, section, sizeof(section));
}

static void cold_start_name(uint64_t index, char ret_name[COLD_START_FUNCTION_BYTES])
{
    (void)snprintf(ret_name, COLD_START_FUNCTION_BYTES, "cold-%04u", (unsigned)(index + 1));
}

/* Formats one request for function `index`, whose path follows its name; no data if memory is out.
 */
static struct bytes cold_start_format(const struct target *target,
                                      const char *prefix,
                                      uint64_t index,
                                      const struct target_request *request,
                                      struct buffer *scratch)
{
    char name[COLD_START_FUNCTION_BYTES];
    char path[LOADTEST_URL_BYTES + LOADTEST_NAME_BYTES * 2];
    cold_start_name(index, name);
    int used = snprintf(path, sizeof(path), "%s%s%s", prefix, name, request->path);
    ASSERT(used > 0 && (size_t)used < sizeof(path));
    struct target_request whole = *request;
    whole.path = path;
    if (target_format_request(target, &whole, scratch) != STATUS_OK)
        return bytes_make(NULL, 0);
    return buffer_bytes(scratch);
}

static struct bytes cold_start_format_admin(const struct cold_start *cold,
                                            uint64_t index,
                                            const struct target_request *request,
                                            struct buffer *scratch)
{
    char prefix[LOADTEST_NAME_BYTES * 2];
    (void)snprintf(prefix, sizeof(prefix), "/v1/tenants/%s/functions/", cold->options->tenant);
    return cold_start_format(&cold->admin, prefix, index, request, scratch);
}

static struct bytes cold_start_make_upload(void *context, uint64_t index, struct buffer *scratch)
{
    struct cold_start *cold = context;
    cold->module.count = 0;
    enum status status = buffer_append(&cold->module, cold->wasm.data, cold->wasm.count);
    if (status == STATUS_OK)
        status = cold_start_append_nonce(&cold->module, cold->nonce, index);
    if (status != STATUS_OK)
        return bytes_make(NULL, 0);
    const struct target_request request = {
        .method = "PUT",
        .path = "",
        .has_body = true,
        .content_type = "application/wasm",
        .body = buffer_bytes(&cold->module),
    };
    return cold_start_format_admin(cold, index, &request, scratch);
}

static struct bytes cold_start_make_request(void *context, uint64_t index, struct buffer *scratch)
{
    struct cold_start *cold = context;
    char prefix[LOADTEST_NAME_BYTES * 2];
    (void)snprintf(prefix, sizeof(prefix), "/f/%s/", cold->options->tenant);
    const struct target_request request = {
        .method = cold->options->method,
        .path = cold->target.path,
        .headers = cold->options->headers,
        .header_count = cold->options->header_count,
    };
    return cold_start_format(&cold->target, prefix, index, &request, scratch);
}

static struct bytes cold_start_make_delete(void *context, uint64_t index, struct buffer *scratch)
{
    const struct cold_start *cold = context;
    const struct target_request request = {.method = "DELETE", .path = ""};
    return cold_start_format_admin(cold, index, &request, scratch);
}

static enum status cold_start_status(uint32_t http_status)
{
    switch (http_status) {
    case 401:
    case 403:
        return STATUS_DENIED;
    case 413:
    case 429:
    case 507:
        return STATUS_LIMIT;
    default:
        return STATUS_INVALID;
    }
}

/* Files what the admin API answered instead of 2xx. */
static void
cold_start_refused(struct cold_start *cold, const char *what, const struct load_run_sample *sample)
{
    char name[COLD_START_FUNCTION_BYTES];
    cold_start_name(sample->index, name);
    const struct connection_result *result = sample->result;
    if (result->failure != FAILURE_NONE) {
        cold->status = report_fail(cold->report, STATUS_IO, REPORT_OFFSET_NONE, "cannot %s %s: %s",
                                   what, name, failure_text(result->failure));
        return;
    }
    json_t *problem = json_loadb((const char *)result->body.data, result->body.count, 0, NULL);
    const char *detail = json_string_value(json_object_get(problem, "detail"));
    cold->status = report_fail(cold->report, cold_start_status(result->answer->http_status),
                               REPORT_OFFSET_NONE, "cannot %s %s: status %u%s%.250s", what, name,
                               result->answer->http_status, detail != NULL ? ": " : "",
                               detail != NULL ? detail : "");
    json_decref(problem);
}

static bool cold_start_is_ok(const struct connection_result *result)
{
    return result->failure == FAILURE_NONE && result->answer->http_status >= 200 &&
           result->answer->http_status < 300;
}

bool cold_start_follow(struct bytes answer, struct target *target)
{
    struct target found;
    json_t *deployed = json_loadb((const char *)answer.data, answer.count, 0, NULL);
    const char *url = json_string_value(json_object_get(deployed, "url"));
    bool good = url != NULL && target_from_url(url, NULL, &found) == STATUS_OK;
    json_decref(deployed);
    if (!good)
        return false;
    /* Functions are called by path: the Host must not name one of them. */
    memcpy(found.path, target->path, sizeof(found.path));
    (void)snprintf(found.authority, sizeof(found.authority), "%s", found.place);
    *target = found;
    return true;
}

static bool cold_start_uploaded(void *context, const struct load_run_sample *sample)
{
    struct cold_start *cold = context;
    if (!cold_start_is_ok(sample->result)) {
        cold_start_refused(cold, "deploy", sample);
        return false;
    }
    if (cold->uploaded_count == 0 && cold->options->url_is_default &&
        !cold_start_follow(sample->result->body, &cold->target))
        (void)fprintf(stderr, "the server did not say where its functions are: trying %s\n",
                      cold->target.place);
    cold->uploaded_count++;
    histogram_record(&cold->uploads, sample->result->done_ns - sample->result->sent_ns);
    return true;
}

static bool cold_start_requested(void *context, const struct load_run_sample *sample)
{
    struct cold_start *cold = context;
    load_results_add(cold->results, sample);
    return true;
}

static bool cold_start_deleted(void *context, const struct load_run_sample *sample)
{
    struct cold_start *cold = context;
    if (cold_start_is_ok(sample->result))
        cold->deleted_count++;
    else
        cold_start_refused(cold, "delete", sample);
    return true;
}

static enum status cold_start_upload(struct cold_start *cold, bool *ret_interrupted)
{
    const struct load_run_options run = {
        .target = &cold->admin,
        .clock = &clock_system,
        .connections = 1,
        .count = cold->options->functions,
        .timeout_ns = COLD_START_UPLOAD_TIMEOUT_NS,
        .keep_bytes = LOADTEST_ANSWER_KEEP_BYTES,
        .request = cold_start_make_upload,
        .finished = cold_start_uploaded,
        .context = cold,
    };
    struct load_run_result result;
    enum status status = load_run(&run, cold->report, &result);
    *ret_interrupted = status == STATUS_OK && result.interrupted;
    return status != STATUS_OK ? status : cold->status;
}

static enum status cold_start_request(struct cold_start *cold, struct load_run_result *ret_result)
{
    const struct load_options *options = cold->options;
    const struct load_run_options run = {
        .target = &cold->target,
        .clock = &clock_system,
        .connections = (uint32_t)options->connections,
        .rate_millis = options->rate_millis,
        .poisson = options->poisson,
        .seed = options->seed,
        .count = options->functions,
        .timeout_ns = options->timeout_us * 1000,
        .to_head = strcmp(options->method, "HEAD") == 0,
        .request = cold_start_make_request,
        .finished = cold_start_requested,
        .context = cold,
    };
    return load_run(&run, cold->report, ret_result);
}

/* Removes what was uploaded. Its failure is reported, but hides no earlier one. */
static enum status cold_start_delete(struct cold_start *cold, bool *ret_interrupted)
{
    *ret_interrupted = false;
    if (cold->options->keep || cold->uploaded_count == 0)
        return STATUS_OK;
    const struct load_run_options run = {
        .target = &cold->admin,
        .clock = &clock_system,
        .connections = 1,
        .count = cold->uploaded_count,
        .timeout_ns = COLD_START_UPLOAD_TIMEOUT_NS,
        .keep_bytes = LOADTEST_ANSWER_KEEP_BYTES,
        .request = cold_start_make_delete,
        .finished = cold_start_deleted,
        .context = cold,
    };
    struct load_run_result result;
    cold->status = STATUS_OK;
    enum status status = load_run(&run, cold->report, &result);
    *ret_interrupted = status == STATUS_OK && result.interrupted;
    return status != STATUS_OK ? status : cold->status;
}

static enum status cold_start_find_admin(const struct load_options *options,
                                         struct report *report,
                                         struct target *ret_admin)
{
    if (options->admin_socket != NULL)
        return target_from_socket(options->admin_socket, report, ret_admin);
    struct config config;
    enum status status = config_defaults(&config, report);
    if (status == STATUS_OK && options->data_dir != NULL &&
        snprintf(config.data_dir, sizeof(config.data_dir), "%s", options->data_dir) >=
            (int)sizeof(config.data_dir))
        status = report_fail(report, STATUS_USAGE, REPORT_OFFSET_NONE,
                             "--data: the path is longer than %d bytes", CONFIG_PATH_BYTES - 1);
    if (status == STATUS_OK)
        status = config_check(&config, report);
    return status == STATUS_OK ? target_from_socket(config.admin_socket, report, ret_admin)
                               : status;
}

static enum status cold_start_load_module(struct cold_start *cold)
{
    static const uint8_t magic[] = {0, 'a', 's', 'm', 1, 0, 0, 0};
    const char *path = cold->options->wasm_file;
    if (path == NULL)
        return buffer_append(&cold->wasm, cold_start_hello, sizeof(cold_start_hello));
    enum status status = input_file_read("--wasm", path, cold->report, &cold->wasm);
    if (status != STATUS_OK)
        return status;
    if (cold->wasm.count < sizeof(magic) || memcmp(cold->wasm.data, magic, sizeof(magic)) != 0)
        return report_fail(cold->report, STATUS_MALFORMED, 0,
                           "--wasm: '%.200s' is not a WebAssembly module (version 1)", path);
    return STATUS_OK;
}

static enum status cold_start_measure(struct cold_start *cold, struct cold_start_result *result)
{
    (void)fprintf(stderr, "deploying %llu functions through %s\n",
                  (unsigned long long)cold->options->functions, cold->admin.place);
    enum status status = cold_start_upload(cold, &result->interrupted);
    if (status == STATUS_OK && !result->interrupted) {
        status = cold_start_request(cold, &result->requests);
        result->measured = status == STATUS_OK;
        result->interrupted = result->measured && result->requests.interrupted;
    }
    bool interrupted;
    enum status deleted = cold_start_delete(cold, &interrupted);
    result->interrupted = result->interrupted || interrupted;
    if (!cold->options->keep && cold->deleted_count < cold->uploaded_count)
        (void)fprintf(stderr, "%llu functions named cold-... are still deployed for tenant %s\n",
                      (unsigned long long)(cold->uploaded_count - cold->deleted_count),
                      cold->options->tenant);
    return status != STATUS_OK ? status : deleted;
}

enum status cold_start_run(const struct load_options *options,
                           struct target *target,
                           struct load_results *results,
                           struct report *report,
                           struct cold_start_result *ret_result)
{
    struct cold_start cold = {
        .options = options, .report = report, .target = *target, .results = results};
    *ret_result = (struct cold_start_result){.measured = false};
    histogram_init(&cold.uploads);
    buffer_init(&cold.wasm, LOADTEST_BODY_BYTES);
    buffer_init(&cold.module, LOADTEST_REQUEST_BYTES);
    enum status status = cold_start_find_admin(options, report, &cold.admin);
    if (status == STATUS_OK)
        status = cold_start_load_module(&cold);
    if (status == STATUS_OK && getrandom(cold.nonce, sizeof(cold.nonce), 0) < 0)
        status = report_errno(report, "no random bytes");
    if (status == STATUS_OK)
        status = cold_start_measure(&cold, ret_result);
    ret_result->uploads = cold.uploads;
    *target = cold.target;
    buffer_done(&cold.module);
    buffer_done(&cold.wasm);
    return status;
}
