/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request's line: whose it was, how it went, and where its time did.
 */
#include <stdio.h>

#include "server/request/account.h"
#include "server/request/chain.h"
#include "server/request/service.h"

/* ---- logs ------------------------------------------------------------------------------------ */

void access_log_names(struct log_line *line,
                      const char *id,
                      const struct directory_function *function)
{
    log_text(line, "request_id", bytes_make(id, REQUEST_ID_BYTES));
    if (function == NULL)
        return;
    log_text(line, "tenant", function->tenant->name);
    log_text(line, "function", function->name);
    log_text(line, "version", function->version);
}

void access_log_write(struct log_line *line, const struct request *request)
{
    if (!log_end(line))
        request->service->metrics->log_dropped++;
}

/* Each phase in microseconds; without a start, what there was before it. */
static void access_log_start(const struct request *request, struct log_line *line)
{
    struct start_times times = account_times(request);
    bool cold = request->started && request->start.reason != ISOLATE_START_WARM;
    if (request->started)
        log_text(line, "start", bytes_of_text(isolate_start_reason_text(request->start.reason)));
    log_number(line, "start_us", request->start_ns / 1000);
    for (uint32_t i = 0; i < START_PHASE_COUNT; i++) {
        char key[32];
        if (start_phase_rows[i].cold_only && !cold)
            continue;
        (void)snprintf(key, sizeof(key), "%s_us", start_phase_rows[i].text);
        log_number(line, key, times.ns[i] / 1000);
    }
}

void access_log_ended(const struct request *request)
{
    struct log_line line;
    log_begin(&line, "info", "access");
    access_log_names(&line, request->id, request->function);
    log_text(&line, "client", request->http.source_addr);
    log_text(&line, "method", request->http.method);
    log_text(&line, "host", request->http.authority);
    log_text(&line, "path", bytes_make(request->path.data, MIN(request->path.count, 1024u)));
    log_number(&line, "status", request->response.status);
    log_number(&line, "bytes", request->http.response_sent + request->response.body.count);
    log_number(&line, "fuel", request->fuel_used + chain_fuel_used(request));
    access_log_start(request, &line);
    if (request->code != NULL)
        log_text(&line, "code", bytes_of_text(request->code));
    if (request->state == REQUEST_GONE)
        log_text(&line, "gone_while", bytes_of_text(request_state_rows[request->last_state].text));
    access_log_write(&line, request);
}
