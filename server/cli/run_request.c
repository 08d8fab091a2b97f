/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request to a function, without a server: what builder and worker do, one after the other
 * and without a snapshot in between.
 *
 *   detect -> host -> (instantiate, start) -> initialise -> begin -> run, next, ... -> answer
 *
 * The body goes to stdout as it is, so that it can be piped; status, headers and the guest's log
 * go to stderr.
 */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "engine/base/http_status.h"
#include "server/cli/run.h"
#include "server/cli/verbs_engine.h"

#define RUN_REQUEST_HOST "localhost"

enum status run_request_prepare(struct run *run, struct report *report)
{
    const struct hostapi_options options = {
        .kind = hostapi_detect(run->module, run->request.allow_missing, report),
        .config = run->request.config,
        .said = &run->request.said,
        .dirs = {.rows = run->open_dirs, .count = run->dir_count},
        .clock = &clock_system};
    if (options.kind == HOSTAPI_KIND_UNKNOWN)
        return report->status;
    return hostapi_host_create(&options, &run->host);
}

/* ---- the request ----------------------------------------------------------------------------- */

static enum status
request_fill_line(const struct run *run, struct http_exchange *exchange, struct report *report)
{
    const char *line = run->request.line;
    const char *blank = strchr(line, ' ');
    const char *uri = blank == NULL ? line : blank + 1;
    exchange->method = blank == NULL ? bytes_of_text(run->request.body != NULL ? "POST" : "GET")
                                     : bytes_make(line, (size_t)(blank - line));
    exchange->uri = bytes_of_text(uri);
    if (exchange->method.count == 0 || uri[0] != '/' || strpbrk(uri, " \t\r\n") != NULL)
        return report_fail(report, STATUS_USAGE, REPORT_OFFSET_NONE,
                           "--request `%.100s`: a method and a path are wanted, like 'GET /path'",
                           line);
    exchange->protocol = bytes_of_text("HTTP/1.1");
    exchange->source_addr = bytes_of_text("127.0.0.1:0");
    exchange->authority = bytes_of_text(RUN_REQUEST_HOST);
    exchange->tenant = bytes_of_text("default");
    exchange->function = bytes_of_text("run");
    exchange->node = bytes_of_text(RUN_REQUEST_HOST);
    return STATUS_OK;
}

static enum status
request_fill_header(struct http_exchange *exchange, const char *text, struct report *report)
{
    char name[256];
    const char *colon = strchr(text, ':');
    size_t count = (size_t)(colon - text);
    enum status status = STATUS_INVALID;
    if (count < sizeof(name)) {
        for (size_t i = 0; i < count; i++)
            name[i] = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] + 'a' - 'A') : text[i];
        status = http_headers_add(exchange, &exchange->request_headers, bytes_make(name, count),
                                  bytes_of_text(colon + 1));
    }
    if (status != STATUS_OK)
        return report_fail(report, STATUS_USAGE, REPORT_OFFSET_NONE, "-H `%.100s`: no header",
                           text);
    if (count == 4 && strncasecmp(text, "host", 4) == 0)
        exchange->authority =
            http_headers_find(&exchange->request_headers, bytes_of_text("host"))->value;
    return STATUS_OK;
}

static enum status request_fill_body(const struct run *run,
                                     struct http_exchange *exchange,
                                     struct buffer *file,
                                     struct report *report)
{
    const char *body = run->request.body;
    if (body == NULL)
        return STATUS_OK;
    if (body[0] != '@') {
        exchange->request_body = bytes_of_text(body);
        return STATUS_OK;
    }
    enum status status = verb_read_file(body + 1, exchange->limits->body, report, file);
    if (status == STATUS_OK)
        exchange->request_body = buffer_bytes(file);
    return status;
}

/* A name twice: the last one counts. */
static void request_fill_environment(const struct run *run,
                                     struct hostapi_variable variables[RUN_ENVIRONMENT_MAX],
                                     struct http_exchange *exchange)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < run->environment_count; i++) {
        const struct hostapi_variable variable = {.text = bytes_of_text(run->environment[i]),
                                                  .name_bytes = strcspn(run->environment[i], "=")};
        uint32_t at = 0;
        while (at < count && !bytes_equal(hostapi_variable_name(&variables[at]),
                                          hostapi_variable_name(&variable)))
            at++;
        variables[at] = variable;
        count += at == count;
    }
    exchange->environment = (struct hostapi_environment){.pairs = variables, .count = count};
}

static enum status request_fill(const struct run *run,
                                struct http_exchange *exchange,
                                struct buffer *file,
                                struct report *report)
{
    enum status status = request_fill_line(run, exchange, report);
    for (uint32_t i = 0; i < run->request.header_count && status == STATUS_OK; i++)
        status = request_fill_header(exchange, run->request.headers[i], report);
    return status == STATUS_OK ? request_fill_body(run, exchange, file, report) : status;
}

/* ---- what the guest says -------------------------------------------------------------------- */

static void request_print_log(struct bytes log)
{
    for (size_t i = 0; i < log.count; i++) {
        bool plain = log.data[i] >= ' ' || log.data[i] == '\n' || log.data[i] == '\t';
        (void)fputc(plain ? log.data[i] : '?', stderr);
    }
    if (log.count > 0 && log.data[log.count - 1] != '\n')
        (void)fputc('\n', stderr);
}

/* ---- its way through the guest --------------------------------------------------------------- */

/* True: it finished. */
static bool
request_lead(struct run *run, enum hostapi_step step, struct report *report, int *ret_exit)
{
    while (step == HOSTAPI_RUN) {
        enum engine_outcome outcome = run_finish_call(run);
        if (outcome == ENGINE_DONE) {
            step = hostapi_next(run->host, report);
            continue;
        }
        if (outcome == ENGINE_TRAPPED)
            step = hostapi_trapped(run->host, report);
        bool exited =
            outcome == ENGINE_TRAPPED && engine_machine_trap(run->machine).trap == TRAP_EXIT;
        if (step != HOSTAPI_FINISHED && !exited) {
            *ret_exit = run_ended_early(run, outcome);
            return false;
        }
    }
    if (step == HOSTAPI_FINISHED)
        return true;
    (void)fprintf(stderr, "skerry run: the function answered nothing that can be sent: %s\n",
                  report->text);
    *ret_exit = RUN_EXIT_TRAP;
    return false;
}

static bool request_initialise(struct run *run, int *ret_exit)
{
    while (hostapi_begin_initialise(run->host, run->instance)) {
        enum engine_outcome outcome = run_finish_call(run);
        struct engine_trap_info trap = engine_machine_trap(run->machine);
        bool returned = outcome == ENGINE_DONE || (outcome == ENGINE_TRAPPED &&
                                                   trap.trap == TRAP_EXIT && trap.exit_code == 0);
        if (!returned) {
            request_print_log(buffer_bytes(&run->request.said));
            *ret_exit = run_ended_early(run, outcome);
            return false;
        }
        if (outcome != ENGINE_DONE)
            engine_call_cancel(run->machine);
    }
    return true;
}

/* ---- the answer ------------------------------------------------------------------------------ */

static void request_print(const struct http_exchange *exchange)
{
    (void)fprintf(stderr, "%u %s\n", exchange->status, http_status_text(exchange->status));
    for (uint32_t i = 0; i < exchange->response_headers.count; i++) {
        const struct http_header *header = &exchange->response_headers.rows[i];
        verb_print_name(stderr, header->name);
        (void)fputs(": ", stderr);
        verb_print_name(stderr, header->value);
        (void)fputc('\n', stderr);
    }
    (void)fflush(stderr);
    struct bytes body = buffer_bytes(&exchange->response_body);
    (void)fwrite(body.data, 1, body.count, stdout);
}

int run_request_execute(struct run *run)
{
    struct report report = REPORT_INIT;
    struct config_limits limits;
    struct http_exchange exchange;
    struct buffer file = {0};
    struct hostapi_variable variables[RUN_ENVIRONMENT_MAX];
    int exit_status = 0;
    config_limits_default(&limits);
    http_exchange_init(&exchange, &limits);
    request_fill_environment(run, variables, &exchange);
    enum status status = request_fill(run, &exchange, &file, &report);
    if (status != STATUS_OK)
        exit_status = verb_fail("run", status, "%s", report.text);
    if (status == STATUS_OK && request_initialise(run, &exit_status)) {
        enum hostapi_step step = hostapi_begin(run->host, run->instance, &exchange, &report);
        bool answered = request_lead(run, step, &report, &exit_status);
        request_print_log(buffer_bytes(&exchange.log));
        if (answered)
            request_print(&exchange);
    }
    hostapi_host_reset(run->host);
    http_exchange_done(&exchange);
    buffer_done(&file);
    return exit_status;
}
