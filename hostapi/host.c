/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Life of a host object, and the steps of a request by kind.
 *
 * The invariant: everything that belongs to one request is in `struct host_request`, and
 * hostapi_host_keep leaves exactly what hostapi_host_create made there. What belongs to the
 * instance's memory is beside it, and goes with hostapi_host_reset.
 */
#include "hostapi/host.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "hostapi/exchange.h"
#include "hostapi/hostcalls.h"
#include "hostapi/http_wasm/http_wasm.h"
#include "hostapi/wagi/cgi.h"
#include "hostapi/wagi/wagi.h"

#define HOST_TEXTS_MAX_BYTES ((size_t)16 << 20) /* arguments and environment of a command */

/* ---- for the other files --------------------------------------------------------------------- */

enum engine_outcome host_trap(struct engine_host_call *call, const char *format, ...)
{
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    return engine_host_trap(call, text);
}

enum engine_outcome host_trap_frozen(struct engine_host_call *call, const char *what)
{
    return host_trap(call,
                     "%s was called while the snapshot is made: its answer would be the same for "
                     "every request; call it while handling one",
                     what);
}

enum engine_outcome host_park(struct hostapi_host *host, uint64_t until_ns)
{
    host->request.parked = true;
    host->request.wait_until_ns = until_ns;
    return ENGINE_PENDING;
}

static uint32_t
host_entry(const struct engine_module *module, const char *name, const char *signature)
{
    struct engine_export_desc found;
    if (!engine_module_find_export(module, name, ENGINE_EXTERN_FUNC, &found) ||
        !hostcalls_signature_matches(signature, &found.type))
        return HOST_NO_ENTRY;
    return found.index;
}

void host_learn(struct hostapi_host *host, struct engine_instance *instance)
{
    const struct engine_module *module = engine_instance_module(instance);
    if (host->entries.module != NULL) {
        ASSERT(host->entries.module == module);
        return;
    }
    bool handler = host->options.kind == HOSTAPI_KIND_HTTP_WASM;
    uint32_t start = host_entry(module, "_start", ":");
    uint32_t initialise = handler ? host_entry(module, "_initialize", ":") : HOST_NO_ENTRY;
    if (handler && initialise == HOST_NO_ENTRY)
        initialise = start;
    host->entries = (struct host_entries){
        .module = module,
        .command = handler ? HOST_NO_ENTRY : start,
        .initialise = initialise,
        .preinitialise = host_entry(module, "wizer.initialize", ":"),
        .own_initialise = host_entry(module, "skerry_init", ":"),
        .request = host_entry(module, "handle_request", ":I"),
        .response = host_entry(module, "handle_response", "ii:"),
    };
}

bool host_defers_initialise(const struct hostapi_host *host)
{
    return host->imports_world && host->entries.initialise != HOST_NO_ENTRY &&
           host->entries.preinitialise == HOST_NO_ENTRY &&
           host->entries.own_initialise == HOST_NO_ENTRY;
}

/* ---- life ------------------------------------------------------------------------------------ */

static void host_prepare_request(struct hostapi_host *host)
{
    memset(&host->request, 0, sizeof(host->request));
    for (uint32_t i = 0; i < HOST_STREAM_COUNT; i++)
        host->request.fds[i] = i;
}

enum status hostapi_host_create(const struct hostapi_options *options,
                                struct hostapi_host **ret_host)
{
    ASSERT(options->kind < HOSTAPI_KIND_COUNT);
    struct hostapi_host *host = calloc(1, sizeof(*host));
    if (host == NULL)
        return STATUS_NO_MEMORY;
    host->magic = HOST_MAGIC;
    host->options = *options;
    arena_init(&host->texts, HOST_TEXTS_MAX_BYTES);
    host_prepare_request(host);
    *ret_host = host;
    return STATUS_OK;
}

void hostapi_host_free(struct hostapi_host *host)
{
    if (host == NULL)
        return;
    ASSERT(host->magic == HOST_MAGIC);
    hostapi_host_reset(host);
    arena_done(&host->texts);
    host->magic = 0;
    free(host);
}

struct engine_linker hostapi_linker(struct hostapi_host *host)
{
    ASSERT(host->magic == HOST_MAGIC);
    return (struct engine_linker){
        .resolve = hostcalls_resolve,
        .context = host,
        .missing_funcs_trap = true,
    };
}

void hostapi_host_keep(struct hostapi_host *host)
{
    ASSERT(host->magic == HOST_MAGIC);
    struct host_request *request = &host->request;
    if (request->request_body.data != NULL)
        request->exchange->request_body = bytes_make(NULL, 0);
    buffer_done(&request->request_body);
    buffer_done(&request->head);
    host_prepare_request(host);
}

void hostapi_host_reset(struct hostapi_host *host)
{
    hostapi_host_keep(host);
    host->initialised = false;
    host->initialised_features = 0;
}

static bool host_command_texts(struct hostapi_host *host,
                               const char *const *texts,
                               uint32_t count,
                               struct host_texts *ret_texts)
{
    for (uint32_t i = 0; i < count; i++) {
        if (!cgi_texts_add(&host->texts, ret_texts, bytes_of_text(texts[i])))
            return false;
    }
    return true;
}

enum status hostapi_command_create(const struct hostapi_command *command,
                                   struct hostapi_host **ret_host)
{
    struct hostapi_options options = {.kind = HOSTAPI_KIND_WAGI, .clock = command->clock};
    struct hostapi_host *host;
    enum status status = hostapi_host_create(&options, &host);
    if (status != STATUS_OK)
        return status;
    host->is_command = true;
    if (!host_command_texts(host, command->arguments, command->argument_count,
                            &host->command_arguments) ||
        !host_command_texts(host, command->environment, command->environment_count,
                            &host->command_environment)) {
        hostapi_host_free(host);
        return STATUS_NO_MEMORY;
    }
    *ret_host = host;
    return STATUS_OK;
}

/* ---- a request ------------------------------------------------------------------------------- */

bool hostapi_begin_initialise(struct hostapi_host *host, struct engine_instance *instance)
{
    ASSERT(host->magic == HOST_MAGIC);
    host_learn(host, instance);
    host->request.instance = instance;
    const uint32_t steps[] = {
        host_defers_initialise(host) ? HOST_NO_ENTRY : host->entries.initialise,
        host->entries.preinitialise,
        host->entries.own_initialise,
    };
    while (host->initialise_steps < COUNT_OF(steps)) {
        uint32_t entry = steps[host->initialise_steps++];
        if (entry == HOST_NO_ENTRY)
            continue;
        engine_call_begin(engine_instance_machine(instance), instance, entry, NULL, 0);
        return true;
    }
    return false;
}

enum hostapi_step hostapi_begin(struct hostapi_host *host,
                                struct engine_instance *instance,
                                struct http_exchange *exchange,
                                struct report *report)
{
    ASSERT(host->magic == HOST_MAGIC);
    ASSERT(host->request.exchange == NULL);
    host_learn(host, instance);
    host->request.instance = instance;
    host->request.exchange = exchange;
    bool handler = host->options.kind == HOSTAPI_KIND_HTTP_WASM;
    if ((handler ? host->entries.request : host->entries.command) == HOST_NO_ENTRY) {
        (void)report_fail(report, STATUS_UNSUPPORTED, REPORT_OFFSET_NONE,
                          "the module does not export %s with the type of a %s function",
                          handler ? "handle_request" : "_start",
                          hostapi_kind_id(host->options.kind));
        return HOSTAPI_FAULT;
    }
    if (handler)
        return http_wasm_begin(host, report);
    host->request.phase = HOST_REQUEST;
    engine_call_begin(engine_instance_machine(instance), instance, host->entries.command, NULL, 0);
    return HOSTAPI_RUN;
}

enum hostapi_step hostapi_next(struct hostapi_host *host, struct report *report)
{
    ASSERT(host->magic == HOST_MAGIC);
    ASSERT(host->request.phase != HOST_IDLE);
    if (host->options.kind == HOSTAPI_KIND_HTTP_WASM)
        return http_wasm_next(host, report);
    return wagi_finish(host, report);
}

/* A command that fails after a whole response is no error, but worth a line. */
static void host_log_exit(struct http_exchange *exchange, int exit_code)
{
    char text[64];
    int count = snprintf(text, sizeof(text), "exit status %d", exit_code);
    if (exit_code != 0)
        http_exchange_log(exchange, "warn", bytes_make(text, (size_t)count));
}

enum hostapi_step hostapi_trapped(struct hostapi_host *host, struct report *report)
{
    ASSERT(host->magic == HOST_MAGIC);
    struct host_request *request = &host->request;
    ASSERT(request->instance != NULL);
    struct engine_trap_info info = engine_machine_trap(engine_instance_machine(request->instance));
    if (info.trap != TRAP_EXIT) {
        (void)report_fail(report, STATUS_TRAPPED, REPORT_OFFSET_NONE, "%s", info.text);
        return HOSTAPI_FAULT;
    }
    if (host->options.kind == HOSTAPI_KIND_WAGI && request->phase == HOST_REQUEST) {
        host_log_exit(request->exchange, info.exit_code);
        return wagi_finish(host, report);
    }
    (void)report_fail(report, STATUS_TRAPPED, REPORT_OFFSET_NONE,
                      "the guest called proc_exit(%d) where it must return", info.exit_code);
    return HOSTAPI_FAULT;
}

uint64_t hostapi_wait_until_ns(const struct hostapi_host *host)
{
    ASSERT(host->magic == HOST_MAGIC);
    return host->request.wait_until_ns;
}
