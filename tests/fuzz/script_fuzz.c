/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Property: whatever a script does, and whatever the world answers it, QuickJS and the glue around
 * it end by answering, by running out of fuel, memory or stack, or by giving up after the response
 * has begun. They never read or write outside their memory, call what is no function, abort, or
 * pass the host what it has to end a guest for.
 *
 *   | "//" a script NUL choices |   or   | choices of a script and of answers |
 *
 * The module is compiled and its base made once; each script begins there, as in a builder, and its
 * request follows in the same instance.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/engine.h"
#include "hostapi/exchange.h"
#include "hostapi/javascript/module.h"
#include "tests/fuzz/hostcalls_world.h"
#include "tests/fuzz/run.h"
#include "tests/fuzz/script_text.h"

#define SCRIPT_BASE_FUEL  (INT64_C(2) << 30)
#define SCRIPT_FUEL       (INT64_C(12) << 20) /* of its evaluation, and of its request */
#define SCRIPT_SLICE      (INT64_C(1) << 20)
#define SCRIPT_WAITS_MAX  500
#define SCRIPT_BYTES_MAX  65536
#define SCRIPT_NOW_NS     UINT64_C(1700000007000000456)
#define SCRIPT_MEMORY_MAX 256 /* pages */
#define SCRIPT_FRAMES_MAX 24

static struct script {
    struct engine_limits limits;
    struct engine_image base_image;
    struct engine_module *base;
    struct engine_machine *machine;
    struct engine_instance *instance;
    struct hostapi_host *host;
    struct clock clock;
    uint64_t now_ns;
    struct choices choices;
    struct fuzz_world world;
    struct buffer said;
} script;

static uint64_t script_now_ns(void *context)
{
    return ((const struct script *)context)->now_ns;
}

/* ---- running --------------------------------------------------------------------------------- */

/* The one place where the glue traps on purpose: the response has begun, and cannot be ended well.
 */
static bool script_gave_up(const struct engine_frame_info *frame)
{
    return bytes_equal_text(frame->func_name, "guest_handle_request");
}

static void script_find_fault(void)
{
    struct engine_trap_info trap = engine_machine_trap(script.machine);
    struct engine_frame_info frames[SCRIPT_FRAMES_MAX];
    uint32_t count = engine_backtrace(script.machine, frames, SCRIPT_FRAMES_MAX);
    if (trap.trap == TRAP_EXIT || trap.trap == TRAP_CALL_STACK_EXHAUSTED ||
        (trap.trap == TRAP_UNREACHABLE && count > 0 && script_gave_up(&frames[0])))
        return;
    (void)fprintf(stderr, "the script's end: %s\n", trap.text);
    for (uint32_t i = 0; i < count; i++)
        (void)fprintf(stderr, "  in func %u %.*s\n", frames[i].func_index,
                      (int)frames[i].func_name.count, (const char *)frames[i].func_name.data);
    abort();
}

/* The guest waits: for time, for what the world does, or for nothing but its turn. */
static void script_wait(void)
{
    uint64_t until_ns = hostapi_waits_until_ns(hostapi_waits(script.host));
    fuzz_world_step(&script.world);
    if (script.choices.left == 0)
        fuzz_world_finish(&script.world);
    if (until_ns != UINT64_MAX && until_ns > script.now_ns)
        script.now_ns = until_ns;
    script.now_ns += CLOCK_NS_PER_MS;
}

/* DONE, TRAPPED, or OUT_OF_FUEL for whoever takes too long. */
static enum engine_outcome script_run(int64_t fuel)
{
    uint32_t waits = 0;
    uint64_t begin = engine_machine_fuel_used(script.machine);
    while (engine_machine_fuel_used(script.machine) - begin < (uint64_t)fuel &&
           waits < SCRIPT_WAITS_MAX) {
        hostapi_run_begins(script.host);
        enum engine_outcome outcome = engine_run(script.machine, SCRIPT_SLICE);
        if (outcome == ENGINE_DONE || outcome == ENGINE_TRAPPED)
            return outcome;
        if (outcome == ENGINE_PENDING) {
            script_wait();
            waits++;
        }
    }
    return ENGINE_OUT_OF_FUEL;
}

static void script_open(const struct engine_module *module, bool is_base, struct bytes config)
{
    struct report report = REPORT_INIT;
    const struct hostapi_options options = {.kind = HOSTAPI_KIND_HTTP_WASM,
                                            .clock = &script.clock,
                                            .snapshotting = is_base,
                                            .on_base = !is_base,
                                            .config = config,
                                            .said = &script.said};
    ASSERT(hostapi_host_create(&options, &script.host) == STATUS_OK);
    ASSERT(engine_machine_create(&script.limits, &report, &script.machine) == STATUS_OK);
    struct engine_linker linker = hostapi_linker(script.host);
    enum status status =
        is_base ? engine_instantiate(script.machine, module, &linker, &report, &script.instance)
                : engine_restore(script.machine, module, &linker, false, &report, &script.instance);
    ASSERT(status == STATUS_OK);
}

static void script_close(void)
{
    engine_machine_free(script.machine);
    hostapi_host_free(script.host);
    script.machine = NULL;
    script.host = NULL;
}

/* ---- the base -------------------------------------------------------------------------------- */

static void script_make_base(void)
{
    static struct engine_image compiled;
    struct engine_module *module;
    struct report report = REPORT_INIT;
    struct engine_timings timings;
    script.limits = engine_limits_default;
    script.limits.memory_pages = SCRIPT_MEMORY_MAX;
    script.clock = (struct clock){script_now_ns, script_now_ns, &script};
    script.now_ns = SCRIPT_NOW_NS;
    buffer_init(&script.said, SCRIPT_BYTES_MAX);
    ASSERT(engine_init(&report) == STATUS_OK);
    ASSERT(engine_compile(javascript_module(), &script.limits, &engine_options_default, &report,
                          &timings, &compiled) == STATUS_OK);
    ASSERT(engine_module_open(bytes_make(compiled.data, compiled.count), false, &report, &module) ==
           STATUS_OK);
    script_open(module, true, bytes_of_text(""));
    if (engine_instance_begin_start(script.instance))
        ASSERT(script_run(SCRIPT_BASE_FUEL) == ENGINE_DONE);
    ASSERT(hostapi_has_base_step(script.host, script.instance));
    hostapi_begin_base_step(script.host, script.instance);
    ASSERT(script_run(SCRIPT_BASE_FUEL) == ENGINE_DONE);
    ASSERT(engine_snapshot(script.instance, &report, &script.base_image) == STATUS_OK);
    script_close();
    engine_module_close(module);
    engine_image_free(&compiled);
    ASSERT(engine_module_open(bytes_make(script.base_image.data, script.base_image.count), false,
                              &report, &script.base) == STATUS_OK);
}

/* ---- one script ------------------------------------------------------------------------------ */

/* False: it was refused, as a deploy would be. */
static bool script_initialise(void)
{
    while (hostapi_begin_initialise(script.host, script.instance)) {
        enum engine_outcome outcome = script_run(SCRIPT_FUEL);
        if (outcome == ENGINE_TRAPPED)
            script_find_fault();
        if (outcome != ENGINE_DONE)
            return false;
    }
    return true;
}

static void script_request(const struct config_limits *limits)
{
    struct report report = REPORT_INIT;
    struct http_exchange exchange;
    http_exchange_init(&exchange, limits);
    exchange.method = bytes_of_text("POST");
    exchange.uri = bytes_of_text("/a/b?c=d&e");
    exchange.protocol = bytes_of_text("HTTP/1.1");
    exchange.source_addr = bytes_of_text("[::1]:5151");
    exchange.authority = bytes_of_text("hello.acme.localhost:8080");
    exchange.tenant = bytes_of_text("acme");
    exchange.function = bytes_of_text("hello");
    exchange.request_body =
        bytes_of_text("--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n"
                      "b\r\n--x--\r\n");
    exchange.world = &script.world.calls;
    exchange.owner = &script.world;
    exchange.has_next = choose(&script.choices, 2) == 1;
    (void)!http_headers_add(&exchange, &exchange.request_headers, bytes_of_text("content-type"),
                            bytes_of_text("multipart/form-data; boundary=x"));
    enum hostapi_step step = hostapi_begin(script.host, script.instance, &exchange, &report);
    while (step == HOSTAPI_RUN) {
        enum engine_outcome outcome = script_run(SCRIPT_FUEL);
        if (outcome == ENGINE_TRAPPED)
            script_find_fault();
        if (outcome != ENGINE_DONE)
            break;
        step = hostapi_next(script.host, &report);
    }
    ASSERT(step != HOSTAPI_FAULT);
    hostapi_host_reset(script.host);
    fuzz_world_forget(&script.world);
    http_exchange_done(&exchange);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config_limits limits;
    struct buffer text;
    if (javascript_module().count == 0)
        return 0; /* this build has none */
    if (script.base == NULL)
        script_make_base();
    script.now_ns = SCRIPT_NOW_NS;
    script.choices = choices_make(data, size);
    config_limits_default(&limits);
    buffer_init(&text, 4 * SCRIPT_BYTES_MAX);
    script.said.count = 0;
    if (size >= 2 && memcmp(data, "//", 2) == 0) {
        size_t count = strnlen((const char *)data, MIN(size, SCRIPT_BYTES_MAX));
        ASSERT(buffer_append(&text, data, count) == STATUS_OK);
        script.choices = choices_make(data + count, size - count);
    } else {
        script_text(&script.choices, &text);
    }
    fuzz_world_make(&script.world, &script.choices);
    script_open(script.base, false, buffer_bytes(&text));
    if (script_initialise())
        script_request(&limits);
    script_close();
    buffer_done(&text);
    return 0;
}
