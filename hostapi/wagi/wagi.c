/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stdout of a WAGI command.
 *
 *   content-type: text/plain LF        header lines, LF or CRLF     -> request.head
 *   status: 404 Not Found LF
 *   LF                                 the first empty line
 *   any bytes                          the body                     -> response_body
 *
 * Lines are looked at once, as they come. Over a limit the guest is ended at once: its
 * response could not be sent.
 */
#include "hostapi/wagi/wagi.h"

#include "hostapi/exchange.h"
#include "hostapi/skerry/skerry.h"
#include "hostapi/wagi/cgi.h"
#include "hostapi/wagi/routes.h"

#define WAGI_NAME_SHOWN 100 /* bytes of a guest's name in a report */

/* As in the family's entries. */
enum wagi_entry { WAGI_START, WAGI_ROUTES };

/* ---- collecting ------------------------------------------------------------------------------ */

/* Appends up to and with the next newline; false over the limit. */
static bool wagi_append_line(struct wagi_state *state, struct bytes *piece)
{
    const uint8_t *newline = memchr(piece->data, '\n', piece->count);
    size_t count = newline == NULL ? piece->count : (size_t)(newline - piece->data) + 1;
    if (buffer_append(&state->head, piece->data, count) != STATUS_OK)
        return false;
    *piece = bytes_make(piece->data + count, piece->count - count);
    return true;
}

static bool wagi_ends_with_empty_line(struct bytes head)
{
    if (head.count == 0 || head.data[head.count - 1] != '\n')
        return false;
    size_t before = head.count - 1;
    if (before > 0 && head.data[before - 1] == '\r')
        before--;
    return before == 0 || head.data[before - 1] == '\n';
}

/* ---- parsing --------------------------------------------------------------------------------- */

/* "CODE" or "CODE reason" with a final status; false for anything else. */
static bool wagi_parse_status(struct bytes value, uint32_t *ret_status)
{
    uint32_t status = 0;
    if (value.count < 3 || (value.count > 3 && value.data[3] != ' '))
        return false;
    for (size_t i = 0; i < 3; i++) {
        if (value.data[i] < '0' || value.data[i] > '9')
            return false;
        status = status * 10 + (uint32_t)(value.data[i] - '0');
    }
    if (status < 200 || status > 599)
        return false;
    *ret_status = status;
    return true;
}

/* What a header block says beside its headers. */
struct wagi_head {
    uint32_t status; /* 0: none given */
    uint32_t line;
};

static enum status wagi_parse_line(struct http_exchange *exchange,
                                   struct bytes line,
                                   struct wagi_head *head,
                                   struct report *report)
{
    if (line.data[0] == ' ' || line.data[0] == '\t')
        return report_fail(report, STATUS_INVALID, REPORT_OFFSET_NONE,
                           "line %u of the header block on stdout begins with a blank: a header "
                           "cannot go on in a second line",
                           head->line);
    const uint8_t *colon = memchr(line.data, ':', line.count);
    if (colon == NULL)
        return report_fail(report, STATUS_INVALID, REPORT_OFFSET_NONE,
                           "line %u of the header block on stdout has no colon; write "
                           "\"name: value\" lines, then an empty line, then the body",
                           head->line);
    size_t name_count = (size_t)(colon - line.data);
    struct bytes name = bytes_make(line.data, name_count);
    struct bytes value = bytes_trim(bytes_make(colon + 1, line.count - name_count - 1));
    if (bytes_equal_nocase(name, bytes_of_text("status"))) {
        if (wagi_parse_status(value, &head->status))
            return STATUS_OK;
        return report_fail(report, STATUS_INVALID, REPORT_OFFSET_NONE,
                           "line %u of the header block on stdout: status must be a number from "
                           "200 to 599, then a blank and a reason if you like",
                           head->line);
    }
    /* A field of CGI's own is given once [RFC 3875 6.3]: of more, the last one counts. */
    bool once = bytes_equal_nocase(name, bytes_of_text("content-type")) ||
                bytes_equal_nocase(name, bytes_of_text("location"));
    struct http_headers *headers = &exchange->response_headers;
    enum status status = once ? http_headers_set(exchange, headers, name, value)
                              : http_headers_add(exchange, headers, name, value);
    if (status == STATUS_INVALID)
        return report_fail(report, status, REPORT_OFFSET_NONE,
                           "line %u of the header block on stdout: name is no token, or value has "
                           "a control byte",
                           head->line);
    if (status != STATUS_OK)
        return report_fail(report, status, REPORT_OFFSET_NONE,
                           "response headers are larger than limits.headers (%llu)",
                           (unsigned long long)exchange->limits->headers);
    return STATUS_OK;
}

enum status
wagi_parse_head(struct http_exchange *exchange, struct bytes head, struct report *report)
{
    struct wagi_head parsed = {.line = 1};
    while (head.count > 0) {
        const uint8_t *newline = memchr(head.data, '\n', head.count);
        size_t end = newline == NULL ? head.count : (size_t)(newline - head.data);
        size_t next = newline == NULL ? end : end + 1;
        if (end > 0 && head.data[end - 1] == '\r')
            end--;
        if (end == 0)
            break;
        enum status status = wagi_parse_line(exchange, bytes_make(head.data, end), &parsed, report);
        if (status != STATUS_OK)
            return status;
        head = bytes_make(head.data + next, head.count - next);
        parsed.line++;
    }
    const struct http_headers *headers = &exchange->response_headers;
    uint32_t given = parsed.status;
    bool has_no_content = given == 204 || given == 205 || given == 304;
    bool has_type = http_headers_find(headers, bytes_of_text("content-type")) != NULL;
    bool has_location = http_headers_find(headers, bytes_of_text("location")) != NULL;
    if (!has_type && !has_location && !has_no_content)
        return report_fail(report, STATUS_INVALID, REPORT_OFFSET_NONE,
                           "the header block on stdout has neither content-type nor location");
    exchange->status = given != 0 ? given : has_location ? 302 : 200;
    return STATUS_OK;
}

/* ---- stdout ---------------------------------------------------------------------------------- */

/* The header block is complete: the response may stream from here, unless it is a bad one, which
 * the end of the command tells of. */
static void wagi_read_head(struct hostapi_host *host)
{
    struct wagi_state *state = wagi_state(host);
    struct http_exchange *exchange = host->request.exchange;
    struct report report = REPORT_INIT;
    state->head_read = wagi_parse_head(exchange, buffer_bytes(&state->head), &report) == STATUS_OK;
    if (state->head_read)
        exchange->response_holds--;
}

/* Stdout: the header block is kept apart, the rest goes to the response's body. `piece` becomes
 * what there is no room for now. */
static enum engine_outcome
wagi_write_stdout(struct hostapi_host *host, struct engine_host_call *call, struct bytes *piece)
{
    struct wagi_state *state = wagi_state(host);
    struct http_exchange *exchange = host->request.exchange;
    if (state->head.max == 0)
        buffer_init(&state->head, exchange->limits->headers);
    if (state->routing) {
        if (buffer_append(&state->head, piece->data, piece->count) != STATUS_OK)
            return host_trap(call, "_routes printed more than limits.headers (%llu)",
                             (unsigned long long)exchange->limits->headers);
        piece->count = 0;
        return ENGINE_DONE;
    }
    while (!state->head_complete && piece->count > 0) {
        if (!wagi_append_line(state, piece))
            return host_trap(call, "header block on stdout is larger than limits.headers (%llu)",
                             (unsigned long long)exchange->limits->headers);
        state->head_complete = wagi_ends_with_empty_line(buffer_bytes(&state->head));
        if (state->head_complete)
            wagi_read_head(host);
    }
    /* A handler before this one may have written a body: this one takes its place. */
    if (piece->count > 0 && !state->body_begun)
        exchange_replace_body(exchange);
    state->body_begun |= piece->count > 0;
    enum status status = exchange_write(exchange, piece);
    if (status != STATUS_OK)
        return host_trap(call, "response %s (%llu)", exchange_write_refusal(status),
                         (unsigned long long)(status == STATUS_INVALID
                                                  ? exchange->head_length
                                                  : exchange->limits->response));
    return piece->count == 0 ? ENGINE_DONE : host_go_on_writing(host);
}

/* ---- leading a request ----------------------------------------------------------------------- */

/*
 * The command ended. One that says it failed has written half an answer, or one about its failure:
 * what has not left yet is not sent.
 */
static enum hostapi_step wagi_end(struct hostapi_host *host, int exit_code, struct report *report)
{
    const struct wagi_state *state = wagi_state(host);
    struct http_exchange *exchange = host->request.exchange;
    if (!state->head_complete)
        return host_fail(host, report, HOSTAPI_FAULT_BAD_OUTPUT,
                         "stdout ended after %zu bytes without the empty line that ends the header "
                         "block; the command's exit status was %d",
                         state->head.count, exit_code);
    if (exit_code != 0)
        return host_fail(host, report, HOSTAPI_FAULT_EXIT_STATUS,
                         "the command wrote an answer, then ended with exit status %d: it must be "
                         "0 for the answer to be sent",
                         exit_code);
    host->request.fault = HOSTAPI_FAULT_BAD_OUTPUT;
    if (!state->head_read &&
        wagi_parse_head(exchange, buffer_bytes(&state->head), report) != STATUS_OK)
        return HOSTAPI_FAULT;
    exchange_seal(exchange);
    return HOSTAPI_FINISHED;
}

/* The route's part of the path becomes part of what was matched. */
static bool wagi_take_route(struct http_exchange *exchange, const struct routes_match *match)
{
    uint8_t *matched =
        arena_alloc(&exchange->arena, exchange->matched.count + match->prefix.count + 1, 1);
    if (matched == NULL)
        return false;
    if (exchange->matched.count > 0)
        memcpy(matched, exchange->matched.data, exchange->matched.count);
    memcpy(matched + exchange->matched.count, match->prefix.data, match->prefix.count);
    exchange->matched = bytes_make(matched, exchange->matched.count + match->prefix.count);
    exchange->matched_whole = match->whole;
    exchange->uri = bytes_make(exchange->uri.data + match->prefix.count,
                               exchange->uri.count - match->prefix.count);
    return true;
}

/* `_routes` returned: begins the entrypoint that it names for this path, or `_start`. */
static enum hostapi_step wagi_route(struct hostapi_host *host, struct report *report)
{
    struct wagi_state *state = wagi_state(host);
    struct http_exchange *exchange = host->request.exchange;
    struct bytes uri = exchange->uri;
    const uint8_t *mark = uri.count > 0 ? memchr(uri.data, '?', uri.count) : NULL;
    struct bytes path = bytes_make(uri.data, mark == NULL ? uri.count : (size_t)(mark - uri.data));
    struct routes_match match = routes_find(buffer_bytes(&state->head), path);
    if (match.entrypoint.count == 0) {
        host_call_entry(host, WAGI_START, NULL, 0);
    } else if (!host_call_export(host, match.entrypoint)) {
        return host_fail(host, report, HOSTAPI_FAULT_BAD_OUTPUT,
                         "_routes names the entrypoint %.*s, which the module does not export with "
                         "the type [] -> []",
                         (int)MIN(match.entrypoint.count, (size_t)WAGI_NAME_SHOWN),
                         (const char *)match.entrypoint.data);
    } else if (!wagi_take_route(exchange, &match)) {
        return host_fail(host, report, HOSTAPI_FAULT_TRAP, "no room for the route's path");
    }
    /* What `_routes` read and wrote was its own. */
    struct wasi_state *wasi = wasi_state(host);
    wasi->arguments = wasi->environment = (struct wasi_texts){.count = 0};
    buffer_done(&state->head);
    *state = (struct wagi_state){.routing = false};
    return HOSTAPI_RUN;
}

static enum hostapi_step wagi_next(struct hostapi_host *host, struct report *report)
{
    return wagi_state(host)->routing ? wagi_route(host, report) : wagi_end(host, 0, report);
}

static enum hostapi_step
wagi_exited(struct hostapi_host *host, int exit_code, struct report *report)
{
    if (wagi_state(host)->routing)
        return host_fail(host, report, HOSTAPI_FAULT_TRAP,
                         "the guest called proc_exit(%d) in _routes, which must return", exit_code);
    return wagi_end(host, exit_code, report);
}

static enum hostapi_step wagi_begin(struct hostapi_host *host, struct report *report)
{
    host->request.exchange->response_holds++; /* until its head is read */
    if (engine_module_has_checkpoint(host->entries.module))
        return host_resume(host) ? HOSTAPI_RUN
                                 : host_fail(host, report, HOSTAPI_FAULT_TRAP,
                                             "the checkpoint in the artifact is damaged");
    wagi_state(host)->routing = host->entries.of_family[WAGI_ROUTES] != HOST_NO_ENTRY;
    host_call_entry(host, wagi_state(host)->routing ? WAGI_ROUTES : WAGI_START, NULL, 0);
    return HOSTAPI_RUN;
}

static void wagi_release(struct hostapi_host *host)
{
    buffer_done(&wagi_state(host)->head);
}

/* ---- the setting ----------------------------------------------------------------------------- */

static bool wagi_arguments(struct hostapi_host *host, struct wasi_texts *ret_texts)
{
    struct http_exchange *exchange = host->request.exchange;
    return exchange == NULL ? cgi_config_arguments(host->options.config, &host->arena, ret_texts)
                            : cgi_arguments(exchange, ret_texts);
}

static bool wagi_environment(struct hostapi_host *host, struct wasi_texts *ret_texts)
{
    struct http_exchange *exchange = host->request.exchange;
    /* On the way to a checkpoint there is what all requests have in common, and is of the version.
     */
    return exchange == NULL ? cgi_config(host->options.config, &host->arena, ret_texts)
                            : cgi_environment(exchange, ret_texts);
}

static struct bytes wagi_stdin(const struct hostapi_host *host)
{
    const struct http_exchange *exchange = host->request.exchange;
    return exchange == NULL ? bytes_make(NULL, 0)
                            : exchange_body_from(exchange, wagi_state(host)->body_read);
}

static bool wagi_stdin_waits(const struct hostapi_host *host)
{
    const struct http_exchange *exchange = host->request.exchange;
    return exchange != NULL && exchange_body_waits(exchange, wagi_state(host)->body_read);
}

static uint64_t wagi_stdin_bytes(const struct hostapi_host *host)
{
    return wagi_stdin(host).count;
}

static enum wasi_errno wagi_read(struct hostapi_host *host,
                                 struct engine_instance *instance,
                                 const struct guest_mem_iovecs *iovecs,
                                 uint32_t *ret_count)
{
    *ret_count = 0;
    for (uint32_t i = 0; i < iovecs->count; i++) {
        struct bytes rest = wagi_stdin(host);
        size_t count = MIN(rest.count, (size_t)iovecs->rows[i].count);
        if (count == 0)
            continue;
        uint8_t *space;
        if (!guest_mem_space(instance, iovecs->rows[i].address, count, &space))
            return WASI_FAULT;
        memcpy(space, rest.data, count);
        wagi_state(host)->body_read += count;
        *ret_count += (uint32_t)count;
    }
    return WASI_SUCCESS;
}

static enum engine_outcome wagi_write(struct hostapi_host *host,
                                      struct engine_host_call *call,
                                      enum wasi_stream stream,
                                      struct bytes piece,
                                      uint32_t *sum,
                                      enum wasi_errno *error)
{
    if (stream == WASI_STDOUT && host->checkpoint.on_the_way) {
        host_say_on(host, piece); /* often it is an interpreter that tells what is wrong */
        return host_trap(call, "stdout was written before the checkpoint: it would be part of no "
                               "request's answer; write after it");
    }
    if (stream != WASI_STDOUT || host->request.exchange == NULL)
        return wasi_write_log(host, call, stream, piece, sum, error);
    *error = WASI_SUCCESS;
    struct bytes rest = piece;
    enum engine_outcome outcome = wagi_write_stdout(host, call, &rest);
    *sum += (uint32_t)(piece.count - rest.count);
    return outcome;
}

static const struct wasi_setting wagi_setting = {
    .arguments = wagi_arguments,
    .environment = wagi_environment,
    .texts_are_requests = true,
    .stdin_bytes = wagi_stdin_bytes,
    .stdin_waits = wagi_stdin_waits,
    .read = wagi_read,
    .write = wagi_write,
    .flush = host_flush,
    .mounts = wasi_request_mounts,
};

/* ---- the family ------------------------------------------------------------------------------ */

static bool wagi_detect(const struct engine_module *module)
{
    struct engine_export_desc found;
    return engine_module_find_export(module, "_start", ENGINE_EXTERN_FUNC, &found);
}

const struct hostapi_family wagi_family = {
    .kind = HOSTAPI_KIND_WAGI,
    .id = "wagi",
    .has_checkpoint = true,
    .text = "WAGI command: imports only WASI preview 1, exports _start",
    .uses = &skerry_family,
    .setting = &wagi_setting,
    .entries = {[WAGI_START] = {"_start", ":"}, [WAGI_ROUTES] = {"_routes", ":"}},
    .state_bytes = sizeof(struct wagi_state),
    .detect = wagi_detect,
    .begin = wagi_begin,
    .check_config = cgi_check_config,
    .next = wagi_next,
    .exited = wagi_exited,
    .release = wagi_release,
};
