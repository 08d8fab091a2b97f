/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request through an http-wasm handler, and the calls about single fields.
 *
 *   begin -> handle_request --next=0--> finished: what the guest wrote, by default 200
 *                           --next=1--> the next handler, or 404 -> handle_response -> finished
 *
 * The next handler works on the same exchange: it sees the request as the guest left it, and what
 * it writes comes to the guest's headers, takes the place of the guest's body, and leaves the
 * status alone unless it sets one.
 *
 * Features that were enabled while the snapshot was made are not in the snapshot, because
 * they are the host's. So a guest that was initialised in the builder and imports
 * enable_features is taken to have enabled all of them there. A response that is buffered
 * does not stream: it is kept whole until it is complete.
 */
#include "hostapi/http_wasm/http_wasm.h"

#include "engine/base/problem.h"
#include "hostapi/exchange.h"
#include "hostapi/guest_mem.h"
#include "hostapi/hostcalls.h"
#include "hostapi/http_wasm/http_wasm_rules.h"
#include "hostapi/skerry/skerry.h"
#include "hostapi/wasi/wasi.h"

/* As in the family's entries. */
enum http_wasm_entry { HTTP_WASM_HANDLE_REQUEST, HTTP_WASM_HANDLE_RESPONSE };

/* ---- rules ----------------------------------------------------------------------------------- */

static const char *http_wasm_response_refusal(const struct hostapi_host *host,
                                              enum http_wasm_access access)
{
    const struct http_wasm_state *state = http_wasm_state(host);
    const char *begun = "the response began with write_body: do this before it, or enable the "
                        "feature buffer_response";
    if (host->request.exchange->response_begun && access != HTTP_WASM_WRITE_RESPONSE_BODY)
        return begun;
    if ((state->features & HTTP_WASM_BUFFER_RESPONSE) != 0)
        return NULL;
    if (state->phase == HTTP_WASM_RESPONSE)
        return "in handle_response this needs the feature buffer_response";
    if (access == HTTP_WASM_READ_RESPONSE_BODY)
        return "reading the response body needs the feature buffer_response";
    if (access == HTTP_WASM_CHANGE_RESPONSE_HEAD && state->body_written[HTTP_WASM_RESPONSE_BODY])
        return begun;
    return NULL;
}

const char *http_wasm_refusal(const struct hostapi_host *host, enum http_wasm_access access)
{
    const struct http_wasm_state *state = http_wasm_state(host);
    if (state->phase != HTTP_WASM_REQUEST && state->phase != HTTP_WASM_RESPONSE)
        return "there is no request while the guest is initialised";
    switch (access) {
    case HTTP_WASM_READ_HEAD:
        return NULL;
    case HTTP_WASM_CHANGE_REQUEST:
        return state->phase == HTTP_WASM_REQUEST
                   ? NULL
                   : "the request cannot be changed in handle_response";
    case HTTP_WASM_READ_REQUEST_BODY:
        return state->phase == HTTP_WASM_REQUEST ||
                       (state->features & HTTP_WASM_BUFFER_REQUEST) != 0
                   ? NULL
                   : "in handle_response this needs the feature buffer_request";
    case HTTP_WASM_CHANGE_RESPONSE_HEAD:
    case HTTP_WASM_READ_RESPONSE_BODY:
    case HTTP_WASM_WRITE_RESPONSE_BODY:
        return http_wasm_response_refusal(host, access);
    }
    return NULL;
}

/* ---- leading a request ----------------------------------------------------------------------- */

static uint32_t http_wasm_initial_features(const struct hostapi_host *host)
{
    const struct host_entries *entries = &host->entries;
    if ((host->linked & HOSTCALLS_FEATURES) == 0)
        return 0;
    if (host_defers_initialise(host))
        return ((const struct http_wasm_kept *)host_kept(host, HOSTAPI_KIND_HTTP_WASM))->features;
    bool was_initialised =
        entries->initialise != HOST_NO_ENTRY || entries->preinitialise != HOST_NO_ENTRY ||
        entries->own_initialise != HOST_NO_ENTRY || engine_module_has_start(entries->module);
    return was_initialised ? HTTP_WASM_FEATURES : 0;
}

static void http_wasm_initialised(struct hostapi_host *host)
{
    struct http_wasm_kept *kept = host_kept(host, HOSTAPI_KIND_HTTP_WASM);
    kept->features = http_wasm_state(host)->features;
}

/* Whoever may change a response after it is written must have it whole. */
static void http_wasm_hold_response(struct hostapi_host *host)
{
    struct http_wasm_state *state = http_wasm_state(host);
    bool holds = (state->features & HTTP_WASM_BUFFER_RESPONSE) != 0;
    if (holds && !state->holds_response && host->request.exchange != NULL)
        host->request.exchange->response_holds++;
    state->holds_response |= holds && host->request.exchange != NULL;
}

static enum hostapi_step http_wasm_begin(struct hostapi_host *host, struct report *report)
{
    struct http_wasm_state *state = http_wasm_state(host);
    (void)report;
    state->features = http_wasm_initial_features(host);
    state->phase = HTTP_WASM_REQUEST;
    http_wasm_hold_response(host);
    host_call_entry(host, HTTP_WASM_HANDLE_REQUEST, NULL, 0);
    return HOSTAPI_RUN;
}

/* The end of the chain. A body that the guest has written already stays. */
static enum status http_wasm_no_next_handler(struct http_exchange *exchange)
{
    exchange->status = 404;
    if (exchange->response_body.count > 0)
        return STATUS_OK;
    enum status status =
        http_headers_set(exchange, &exchange->response_headers, bytes_of_text("content-type"),
                         bytes_of_text(PROBLEM_CONTENT_TYPE));
    if (status != STATUS_OK)
        return status;
    static const struct problem problem = {
        .status = 404,
        .code = "no_next_handler",
        .detail = "The handler asked for the next handler, and there is none.",
        .hint = "Let handle_request write the response and return 0.",
        .offset = REPORT_OFFSET_NONE,
    };
    char body[PROBLEM_ROOM_MIN];
    return buffer_append(&exchange->response_body, body,
                         problem_write(&problem, body, sizeof(body)));
}

static enum hostapi_step http_wasm_finish(struct hostapi_host *host)
{
    exchange_seal(host->request.exchange);
    return HOSTAPI_FINISHED;
}

static enum hostapi_step
http_wasm_returned(struct hostapi_host *host, bool is_error, struct report *report)
{
    struct http_wasm_state *state = http_wasm_state(host);
    (void)report;
    ASSERT(state->phase == HTTP_WASM_REQUEST);
    if (host->entries.of_family[HTTP_WASM_HANDLE_RESPONSE] == HOST_NO_ENTRY)
        return http_wasm_finish(host);
    state->phase = HTTP_WASM_RESPONSE;
    memset(state->body_read, 0, sizeof(state->body_read));
    memset(state->body_written, 0, sizeof(state->body_written));
    const union engine_value arguments[2] = {{.bits = state->context}, {.bits = is_error}};
    host_call_entry(host, HTTP_WASM_HANDLE_RESPONSE, arguments, 2);
    return HOSTAPI_RUN;
}

static enum hostapi_step http_wasm_next(struct hostapi_host *host, struct report *report)
{
    struct http_wasm_state *state = http_wasm_state(host);
    struct engine_machine *machine = engine_instance_machine(host->request.instance);
    if (state->phase == HTTP_WASM_RESPONSE)
        return http_wasm_finish(host);
    ASSERT(state->phase == HTTP_WASM_REQUEST);
    uint64_t context_and_next = engine_call_results(machine)[0].i64;
    if ((uint32_t)context_and_next != 1)
        return http_wasm_finish(host);
    state->context = (uint32_t)(context_and_next >> 32);
    if (host->request.exchange->has_next)
        return HOSTAPI_NEXT;
    enum status status = http_wasm_no_next_handler(host->request.exchange);
    if (status != STATUS_OK) {
        (void)report_fail(report, status, REPORT_OFFSET_NONE,
                          "no room for the answer of a missing next handler: %s",
                          status_text(status));
        return HOSTAPI_FAULT;
    }
    return http_wasm_returned(host, false, report);
}

/* ---- features, config, log ------------------------------------------------------------------- */

enum engine_outcome http_wasm_enable_features(struct hostapi_host *host,
                                              struct engine_host_call *call)
{
    struct http_wasm_state *state = http_wasm_state(host);
    if (state->phase != HTTP_WASM_RESPONSE)
        state->features |= call->slots[0].i32 & HTTP_WASM_FEATURES;
    if (state->phase == HTTP_WASM_REQUEST)
        http_wasm_hold_response(host);
    call->slots[0].bits = HTTP_WASM_FEATURES;
    return ENGINE_DONE;
}

/* The getters' convention: writes all or nothing, answers the length either way. */
static enum engine_outcome http_wasm_give(struct engine_host_call *call, struct bytes text)
{
    uint32_t address = call->slots[0].i32;
    uint32_t limit = call->slots[1].i32;
    if (text.count > 0 && text.count <= limit) {
        uint8_t *space;
        if (!guest_mem_space(call->instance, address, text.count, &space))
            return host_trap(call, "buffer of %zu bytes at %u is outside memory", text.count,
                             address);
        hostcalls_charge_bytes(call, text.count);
        memcpy(space, text.data, text.count);
    }
    call->slots[0].bits = (uint32_t)text.count;
    return ENGINE_DONE;
}

enum engine_outcome http_wasm_get_config(struct hostapi_host *host, struct engine_host_call *call)
{
    const struct http_exchange *exchange = host->request.exchange;
    return http_wasm_give(call, exchange == NULL ? host->options.config : exchange->config);
}

enum http_wasm_log_level {
    HTTP_WASM_LOG_DEBUG = -1,
    HTTP_WASM_LOG_INFO,
    HTTP_WASM_LOG_WARN,
    HTTP_WASM_LOG_ERROR,
    HTTP_WASM_LOG_NONE,
};

/* NULL: not enabled. Debug is where the version chose it; `none` is no level to write at. */
static const char *http_wasm_level(const struct http_exchange *exchange, uint32_t level)
{
    switch ((int32_t)level) {
    case HTTP_WASM_LOG_DEBUG:
        return exchange != NULL && exchange->debug_log ? "debug" : NULL;
    case HTTP_WASM_LOG_INFO:
        return "info";
    case HTTP_WASM_LOG_WARN:
        return "warn";
    case HTTP_WASM_LOG_ERROR:
        return "error";
    default:
        return NULL;
    }
}

enum engine_outcome http_wasm_log(struct hostapi_host *host, struct engine_host_call *call)
{
    struct http_exchange *exchange = host->request.exchange;
    const char *level = http_wasm_level(exchange, call->slots[0].i32);
    struct bytes text;
    if (!guest_mem_view(call->instance, call->slots[1].i32, call->slots[2].i32, &text))
        return host_trap(call, "log: text of %u bytes at %u is outside memory", call->slots[2].i32,
                         call->slots[1].i32);
    if (level == NULL || (exchange == NULL && host->options.said == NULL))
        return ENGINE_DONE;
    hostcalls_charge_bytes(call, text.count);
    if (exchange != NULL)
        http_exchange_log(exchange, level, text);
    else if ((int32_t)call->slots[0].i32 == HTTP_WASM_LOG_ERROR)
        host_say(host, text);
    return ENGINE_DONE;
}

enum engine_outcome http_wasm_log_enabled(struct hostapi_host *host, struct engine_host_call *call)
{
    call->slots[0].bits = http_wasm_level(host->request.exchange, call->slots[0].i32) != NULL;
    return ENGINE_DONE;
}

/* ---- single fields --------------------------------------------------------------------------- */

static enum engine_outcome http_wasm_get(struct hostapi_host *host,
                                         struct engine_host_call *call,
                                         const char *name,
                                         struct bytes text)
{
    const char *refusal = http_wasm_refusal(host, HTTP_WASM_READ_HEAD);
    if (refusal != NULL)
        return host_trap(call, "%s: %s", name, refusal);
    return http_wasm_give(call, text);
}

/* What a field of the request holds; empty while there is no request. */
#define HTTP_WASM_FIELD(host, field)                                                               \
    ((host)->request.exchange == NULL ? bytes_make(NULL, 0) : (host)->request.exchange->field)

enum engine_outcome http_wasm_get_method(struct hostapi_host *host, struct engine_host_call *call)
{
    return http_wasm_get(host, call, "get_method", HTTP_WASM_FIELD(host, method));
}

enum engine_outcome http_wasm_get_uri(struct hostapi_host *host, struct engine_host_call *call)
{
    struct bytes uri = HTTP_WASM_FIELD(host, uri);
    return http_wasm_get(host, call, "get_uri", uri.count > 0 ? uri : bytes_of_text("/"));
}

enum engine_outcome http_wasm_get_protocol_version(struct hostapi_host *host,
                                                   struct engine_host_call *call)
{
    return http_wasm_get(host, call, "get_protocol_version", HTTP_WASM_FIELD(host, protocol));
}

enum engine_outcome http_wasm_get_source_addr(struct hostapi_host *host,
                                              struct engine_host_call *call)
{
    return http_wasm_get(host, call, "get_source_addr", HTTP_WASM_FIELD(host, source_addr));
}

/* Arguments 0 and 1 as a view, once the request may be changed; false: the guest was ended. */
static bool http_wasm_take(struct hostapi_host *host,
                           struct engine_host_call *call,
                           const char *name,
                           struct bytes *ret_text)
{
    const char *refusal = http_wasm_refusal(host, HTTP_WASM_CHANGE_REQUEST);
    if (refusal != NULL) {
        (void)host_trap(call, "%s: %s", name, refusal);
        return false;
    }
    if (!guest_mem_view(call->instance, call->slots[0].i32, call->slots[1].i32, ret_text)) {
        (void)host_trap(call, "%s: text of %u bytes at %u is outside memory", name,
                        call->slots[1].i32, call->slots[0].i32);
        return false;
    }
    return true;
}

static enum engine_outcome http_wasm_replace(struct http_exchange *exchange,
                                             struct engine_host_call *call,
                                             struct bytes text,
                                             struct bytes *field)
{
    if (text.count > exchange->limits->headers || !exchange_copy(exchange, text, field))
        return host_trap(call, "request head is larger than limits.headers (%llu)",
                         (unsigned long long)exchange->limits->headers);
    return ENGINE_DONE;
}

enum engine_outcome http_wasm_set_method(struct hostapi_host *host, struct engine_host_call *call)
{
    struct bytes method;
    if (!http_wasm_take(host, call, "set_method", &method))
        return ENGINE_TRAPPED;
    if (!bytes_is_token(method))
        return host_trap(call, "set_method: not an HTTP method");
    return http_wasm_replace(host->request.exchange, call, method, &host->request.exchange->method);
}

static bool http_wasm_is_uri(struct bytes uri)
{
    for (size_t i = 0; i < uri.count; i++) {
        if (uri.data[i] <= ' ' || uri.data[i] >= 0x7f)
            return false;
    }
    return uri.count > 0 && uri.data[0] == '/';
}

enum engine_outcome http_wasm_set_uri(struct hostapi_host *host, struct engine_host_call *call)
{
    struct bytes uri;
    if (!http_wasm_take(host, call, "set_uri", &uri))
        return ENGINE_TRAPPED;
    if (uri.count == 0)
        uri = bytes_of_text("/");
    if (!http_wasm_is_uri(uri))
        return host_trap(call, "set_uri: not an encoded path that begins with '/'");
    return http_wasm_replace(host->request.exchange, call, uri, &host->request.exchange->uri);
}

enum engine_outcome http_wasm_get_status_code(struct hostapi_host *host,
                                              struct engine_host_call *call)
{
    const char *refusal = http_wasm_refusal(host, HTTP_WASM_READ_HEAD);
    if (refusal != NULL)
        return host_trap(call, "get_status_code: %s", refusal);
    call->slots[0].bits = host->request.exchange->status;
    return ENGINE_DONE;
}

enum engine_outcome http_wasm_set_status_code(struct hostapi_host *host,
                                              struct engine_host_call *call)
{
    const char *refusal = http_wasm_refusal(host, HTTP_WASM_CHANGE_RESPONSE_HEAD);
    if (refusal != NULL)
        return host_trap(call, "set_status_code: %s", refusal);
    uint32_t status = call->slots[0].i32;
    if (status < 200 || status > 599)
        return host_trap(call, "set_status_code: %u is not from 200 to 599", status);
    host->request.exchange->status = status;
    return ENGINE_DONE;
}

/* ---- the family ------------------------------------------------------------------------------ */

static bool http_wasm_arguments(struct hostapi_host *host, struct wasi_texts *ret_texts)
{
    struct http_exchange *exchange = host->request.exchange;
    return exchange == NULL || wasi_texts_add(&exchange->arena, ret_texts, exchange->function);
}

static bool http_wasm_environment(struct hostapi_host *host, struct wasi_texts *ret_texts)
{
    struct http_exchange *exchange = host->request.exchange;
    const struct hostapi_environment *environment =
        exchange == NULL ? NULL : &exchange->environment;
    for (uint32_t i = 0; environment != NULL && i < environment->count; i++) {
        if (!wasi_texts_add(&exchange->arena, ret_texts, environment->pairs[i].text))
            return false;
    }
    return true;
}

static const struct wasi_setting http_wasm_setting = {
    .arguments = http_wasm_arguments,
    .environment = http_wasm_environment,
    .stdin_bytes = wasi_stdin_none,
    .read = wasi_read_none,
    .write = wasi_write_log,
    .mounts = wasi_request_mounts,
};

#define HOSTCALL(name_, signature_, handler_, fuel_, trait_)                                       \
    HOSTCALLS_FUNC(HTTP_WASM, http_wasm, name_, handler_, fuel_)
#include "hostapi/http_wasm/http_wasm.def"

#define HOSTCALL(name_, signature_, handler_, fuel_, trait_)                                       \
    HOSTCALLS_ROW(http_wasm, name_, signature_, trait_)
static const struct hostcalls_row http_wasm_rows[] = {
#include "hostapi/http_wasm/http_wasm.def"
};

static const struct hostcalls_table http_wasm_table = {
    .module = "http_handler",
    .rows = http_wasm_rows,
    .count = COUNT_OF(http_wasm_rows),
};

static bool http_wasm_detect(const struct engine_module *module)
{
    struct engine_export_desc found;
    return engine_module_find_export(module, "handle_request", ENGINE_EXTERN_FUNC, &found);
}

static void http_wasm_release(struct hostapi_host *host)
{
    struct http_wasm_state *state = http_wasm_state(host);
    if (state->request_body.data != NULL)
        host->request.exchange->request_body = bytes_make(NULL, 0);
    buffer_done(&state->request_body);
}

const struct hostapi_family http_wasm_family = {
    .kind = HOSTAPI_KIND_HTTP_WASM,
    .id = "http-wasm",
    .text = "http-wasm handler: imports http_handler, exports handle_request",
    .keeps_memory = true,
    .uses = &skerry_family,
    .setting = &http_wasm_setting,
    .tables = {&http_wasm_table},
    .entries = {[HTTP_WASM_HANDLE_REQUEST] = {"handle_request", ":I"},
                [HTTP_WASM_HANDLE_RESPONSE] = {"handle_response", "ii:"}},
    .initialisers = {"_initialize", "_start"},
    .state_bytes = sizeof(struct http_wasm_state),
    .kept_bytes = sizeof(struct http_wasm_kept),
    .detect = http_wasm_detect,
    .begin = http_wasm_begin,
    .next = http_wasm_next,
    .returned = http_wasm_returned,
    .initialised = http_wasm_initialised,
    .release = http_wasm_release,
};
