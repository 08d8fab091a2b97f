/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What server does, as short as it can be said.
 */
#include "tests/unit/hostapi/fixture.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/support/unit.h"

#define FIXTURE_SLICE      1000
#define FIXTURE_SLICES     1000000
#define FIXTURE_FILE_BYTES ((size_t)64 << 20)

int fixture_prepare(void **state)
{
    (void)state;
    return setenv("CMOCKA_TEST_ABORT", "1", 1);
}

static uint64_t fixture_monotonic_ns(void *context)
{
    const struct fixture *fixture = context;
    return FIXTURE_MONOTONIC_NS + fixture->now_ns;
}

static uint64_t fixture_realtime_ns(void *context)
{
    const struct fixture *fixture = context;
    return FIXTURE_REALTIME_NS + fixture->now_ns;
}

static struct bytes fixture_read(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return bytes_make(NULL, 0);
    struct buffer buffer;
    buffer_init(&buffer, FIXTURE_FILE_BYTES);
    uint8_t piece[65536];
    size_t got;
    while ((got = fread(piece, 1, sizeof(piece), file)) > 0)
        assert_int_equal(buffer_append(&buffer, piece, got), STATUS_OK);
    assert_int_equal(fclose(file), 0);
    return buffer_bytes(&buffer);
}

struct bytes fixture_guest(const char *name)
{
    char path[512];
    (void)snprintf(path, sizeof(path), "%s/%s.wasm", HOSTAPI_GUESTS, name);
    struct bytes file = fixture_read(path);
    if (file.data == NULL)
        fail_msg("%s is missing: build it", path);
    return file;
}

struct bytes fixture_shared(const char *path)
{
    char full[512];
    const char *shared = getenv("SKERRY_SHARED");
    (void)snprintf(full, sizeof(full), "%s/%s",
                   shared != NULL ? shared : HOSTAPI_SOURCE_ROOT "/../shared", path);
    struct bytes file = fixture_read(full);
    if (file.data == NULL)
        print_message("SKIPPED: %s is absent; set SKERRY_SHARED\n", full);
    return file;
}

void fixture_unload(struct bytes file)
{
    free((void *)(uintptr_t)file.data);
}

void fixture_open(struct fixture *fixture, struct bytes wasm)
{
    fixture->report = (struct report)REPORT_INIT;
    struct engine_limits limits = engine_limits_default;
    if (engine_init(&fixture->report) != STATUS_OK ||
        engine_compile(wasm, &limits, &engine_options_default, &fixture->report, NULL,
                       &fixture->image) != STATUS_OK ||
        engine_module_open(bytes_make(fixture->image.data, fixture->image.count), true,
                           &fixture->report, &fixture->module) != STATUS_OK)
        fail_msg("%s", fixture->report.text);
}

static void fixture_fill_exchange(struct fixture *fixture, const char *method, const char *uri)
{
    struct http_exchange *exchange = &fixture->exchange;
    http_exchange_init(exchange, &fixture->limits);
    exchange->method = bytes_of_text(method);
    exchange->uri = bytes_of_text(uri);
    exchange->protocol = bytes_of_text("HTTP/1.1");
    exchange->source_addr = bytes_of_text("127.0.0.1:5151");
    exchange->authority = bytes_of_text("hello.default.localhost:8080");
    exchange->matched = bytes_of_text("");
    exchange->tenant = bytes_of_text("default");
    exchange->function = bytes_of_text("hello");
}

int fixture_setup_exchange(void **state)
{
    static struct fixture fixture;
    fixture = (struct fixture){.report = REPORT_INIT};
    config_limits_default(&fixture.limits);
    fixture.limits.headers = 1024;
    fixture.limits.log = 64;
    http_exchange_init(&fixture.exchange, &fixture.limits);
    *state = &fixture;
    return 0;
}

int fixture_teardown_exchange(void **state)
{
    struct fixture *fixture = *state;
    http_exchange_done(&fixture->exchange);
    return 0;
}

struct engine_import_desc
fixture_import(const char *module, const char *name, const uint32_t *params, uint32_t param_count)
{
    static const uint32_t results[] = {ENGINE_I32};
    return (struct engine_import_desc){
        .module_name = bytes_of_text(module),
        .name = bytes_of_text(name),
        .kind = ENGINE_EXTERN_FUNC,
        .type = {.params = params,
                 .results = results,
                 .param_count = param_count,
                 .result_count = 1},
    };
}

void fixture_start_clock(struct fixture *fixture)
{
    fixture->clock = (struct clock){fixture_monotonic_ns, fixture_realtime_ns, fixture};
}

enum engine_outcome
fixture_begin(struct fixture *fixture, struct bytes wasm, const struct hostapi_options *options)
{
    *fixture = (struct fixture){.now_ns = 0};
    fixture_start_clock(fixture);
    config_limits_default(&fixture->limits);
    fixture_open(fixture, wasm);
    struct hostapi_options chosen = {.kind = HOSTAPI_KIND_UNKNOWN};
    if (options != NULL)
        chosen = *options;
    if (chosen.kind == HOSTAPI_KIND_UNKNOWN)
        chosen.kind = hostapi_detect(fixture->module, true, &fixture->report);
    chosen.clock = &fixture->clock;
    if (chosen.kind == HOSTAPI_KIND_UNKNOWN)
        fail_msg("%s", fixture->report.text);
    struct engine_limits limits = engine_limits_default;
    assert_int_equal(hostapi_host_create(&chosen, &fixture->host), STATUS_OK);
    struct engine_linker linker = hostapi_linker(fixture->host);
    if (engine_machine_create(&limits, &fixture->report, &fixture->machine) != STATUS_OK ||
        engine_instantiate(fixture->machine, fixture->module, &linker, &fixture->report,
                           &fixture->instance) != STATUS_OK)
        fail_msg("%s", fixture->report.text);
    fixture_fill_exchange(fixture, "GET", "/");
    if (!engine_instance_begin_start(fixture->instance))
        return ENGINE_DONE;
    return fixture_run(fixture);
}

void fixture_restore(struct fixture *fixture)
{
    fixture_start_clock(fixture);
    config_limits_default(&fixture->limits);
    fixture->report = (struct report)REPORT_INIT;
    if (engine_module_open(bytes_make(fixture->image.data, fixture->image.count), true,
                           &fixture->report, &fixture->module) != STATUS_OK)
        fail_msg("%s", fixture->report.text);
    struct engine_limits limits = engine_limits_default;
    struct hostapi_options options = {
        .kind = hostapi_detect(fixture->module, true, &fixture->report),
        .clock = &fixture->clock,
    };
    assert_int_equal(hostapi_host_create(&options, &fixture->host), STATUS_OK);
    struct engine_linker linker = hostapi_linker(fixture->host);
    if (engine_machine_create(&limits, &fixture->report, &fixture->machine) != STATUS_OK ||
        engine_restore(fixture->machine, fixture->module, &linker, false, &fixture->report,
                       &fixture->instance) != STATUS_OK)
        fail_msg("%s", fixture->report.text);
    fixture_fill_exchange(fixture, "GET", "/");
}

enum engine_outcome fixture_run(struct fixture *fixture)
{
    for (uint32_t i = 0; i < FIXTURE_SLICES; i++) {
        enum engine_outcome outcome = engine_run(fixture->machine, FIXTURE_SLICE);
        if (outcome == ENGINE_DONE || outcome == ENGINE_TRAPPED)
            return outcome;
        if (outcome != ENGINE_PENDING)
            continue;
        fixture->waits++;
        uint64_t until_ns = hostapi_waits_until_ns(hostapi_waits(fixture->host));
        uint64_t now_ns = FIXTURE_MONOTONIC_NS + fixture->now_ns;
        if (until_ns > now_ns)
            fixture->now_ns += until_ns - now_ns;
    }
    fail_msg("the guest did not end within %d slices", FIXTURE_SLICES);
    return ENGINE_TRAPPED;
}

enum engine_outcome fixture_initialise(struct fixture *fixture)
{
    while (hostapi_begin_initialise(fixture->host, fixture->instance)) {
        enum engine_outcome outcome = fixture_run(fixture);
        if (outcome != ENGINE_DONE)
            return outcome;
    }
    return ENGINE_DONE;
}

enum hostapi_step fixture_request(struct fixture *fixture)
{
    enum hostapi_step step =
        hostapi_begin(fixture->host, fixture->instance, &fixture->exchange, &fixture->report);
    while (step == HOSTAPI_RUN || step == HOSTAPI_NEXT) {
        if (step == HOSTAPI_NEXT) {
            assert_true(fixture->exchange.has_next);
            fixture->nexts++;
            step = hostapi_returned(fixture->host, fixture->next(fixture), &fixture->report);
            continue;
        }
        enum engine_outcome outcome = fixture_run(fixture);
        step = outcome == ENGINE_DONE ? hostapi_next(fixture->host, &fixture->report)
                                      : hostapi_trapped(fixture->host, &fixture->report);
    }
    return step;
}

static void fixture_renew_exchange(struct fixture *fixture, const char *method, const char *uri)
{
    engine_call_cancel(fixture->machine);
    http_exchange_done(&fixture->exchange);
    fixture_fill_exchange(fixture, method, uri);
    fixture->report = (struct report)REPORT_INIT;
}

void fixture_next_exchange(struct fixture *fixture, const char *method, const char *uri)
{
    hostapi_host_reset(fixture->host);
    fixture_renew_exchange(fixture, method, uri);
}

void fixture_keep_exchange(struct fixture *fixture)
{
    hostapi_host_keep(fixture->host);
    fixture_renew_exchange(fixture, "GET", "/");
}

void fixture_end(struct fixture *fixture)
{
    hostapi_host_free(fixture->host);
    http_exchange_done(&fixture->exchange);
    engine_machine_free(fixture->machine);
    engine_module_close(fixture->module);
    engine_image_free(&fixture->image);
}

void fixture_add_header(struct fixture *fixture, const char *name, const char *value)
{
    assert_int_equal(http_headers_add(&fixture->exchange, &fixture->exchange.request_headers,
                                      bytes_of_text(name), bytes_of_text(value)),
                     STATUS_OK);
}

static void fixture_assert_text(struct bytes have, const char *want)
{
    if (!bytes_equal_text(have, want))
        fail_msg("have \"%.*s\", want \"%s\"", (int)have.count, (const char *)have.data, want);
}

void fixture_assert_header(const struct fixture *fixture, const char *name, const char *value)
{
    const struct http_header *row =
        http_headers_find(&fixture->exchange.response_headers, bytes_of_text(name));
    if (row == NULL)
        fail_msg("there is no header %s", name);
    else
        fixture_assert_text(row->value, value);
}

void fixture_assert_body(const struct fixture *fixture, const char *text)
{
    fixture_assert_text(buffer_bytes(&fixture->exchange.response_body), text);
}

void fixture_assert_log(const struct fixture *fixture, const char *text)
{
    fixture_assert_text(buffer_bytes(&fixture->exchange.log), text);
}

struct bytes fixture_module(const char *const *imports, const char *export_name)
{
    static uint8_t wasm[1024];
    size_t count = 0;
    static const uint8_t head[] = {0, 'a', 's', 'm', 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0, 2};
    memcpy(wasm, head, sizeof(head));
    count = sizeof(head) + 3; /* a size in two bytes, and a count */
    uint8_t imported = 0;
    for (; imports[imported] != NULL; imported++) {
        const char *name = strchr(imports[imported], '|');
        size_t module_count = (size_t)(name - imports[imported]);
        size_t name_count = strlen(++name);
        wasm[count++] = (uint8_t)module_count;
        memcpy(wasm + count, imports[imported], module_count);
        count += module_count;
        wasm[count++] = (uint8_t)name_count;
        memcpy(wasm + count, name, name_count);
        count += name_count;
        wasm[count++] = 0;
        wasm[count++] = 0;
    }
    size_t bytes = count - sizeof(head) - 2;
    wasm[sizeof(head)] = (uint8_t)((bytes & 0x7f) | 0x80);
    wasm[sizeof(head) + 1] = (uint8_t)(bytes >> 7);
    wasm[sizeof(head) + 2] = imported;
    static const uint8_t func[] = {3, 2, 1, 0, 7};
    memcpy(wasm + count, func, sizeof(func));
    count += sizeof(func);
    size_t export_count = strlen(export_name);
    wasm[count++] = (uint8_t)(export_count + 4);
    wasm[count++] = 1;
    wasm[count++] = (uint8_t)export_count;
    memcpy(wasm + count, export_name, export_count);
    count += export_count;
    wasm[count++] = 0;
    wasm[count++] = imported;
    static const uint8_t code[] = {10, 4, 1, 2, 0, 0x0b};
    memcpy(wasm + count, code, sizeof(code));
    return bytes_make(wasm, count + sizeof(code));
}
