/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way in: from a request's bytes to the function that they name.
 *
 *   request_begin --> route_parse --> names->find_host --> names->find --> request_admit
 *                         |              (not by its name)      |
 *                         +-------------------------------------+--> request_refuse
 */
#include "server/request/hosts.h"
#include "server/request/request.h"
#include "server/request/service.h"
#include "server/telemetry/log.h"

static void intake_not_found(struct request *request, enum status status, const char *text)
{
    if (status == STATUS_NOT_FOUND) {
        request_refuse(request, FAULT_UNKNOWN_FUNCTION, text);
        return;
    }
    log_message("error", "lookup_failed", "%s", text);
    request_refuse(request, FAULT_NO_CATALOG, NULL);
}

/* What the function's own manifest says, up to what the operator allows. */
static void intake_bound(struct request *request)
{
    const struct config_limits *all = &request->service->config->limits;
    const struct deploy_function_limits *own = &request->function->limits;
    request->fuel_max = own->fuel == 0 ? all->fuel : MIN(own->fuel, all->fuel);
    if (own->wall_us > 0)
        request->deadline_ns =
            MIN(request->deadline_ns, request->arrived_ns + own->wall_us * CLOCK_NS_PER_US);
}

static void intake_look_up(struct request *request)
{
    const struct request_service *service = request->service;
    struct report report;
    report_clear(&report);
    enum status status =
        service->names.find(service->names.context, &request->target, &report, &request->function);
    if (status != STATUS_OK) {
        intake_not_found(request, status, report.text);
        return;
    }
    const struct directory_function *function = request->function;
    struct http_exchange *http = &request->http;
    request->task.tenant = &function->tenant->schedule;
    http->tenant = function->tenant->name;
    http->function = function->name;
    http->config = function->entry.config;
    http->environment = function->environment;
    http->debug_log = (function->entry.choices & DEPLOY_DEBUG_LOG) != 0;
    http->pass_authorization = (function->entry.choices & DEPLOY_PASS_AUTHORIZATION) != 0;
    http->matched = request->target.matched;
    intake_bound(request);
    if (!route_uri(&request->target, &http->arena, &http->uri) ||
        !http_exchange_open_outbound(http, function->outbound.rows, function->outbound.count))
        request_refuse(request, FAULT_NO_MEMORY, NULL);
    else if (UNLIKELY(!quarantine_is_empty(service->quarantine)) &&
             quarantine_until_ns(service->quarantine, &function->entry, service->clock) != 0)
        request_refuse(request, FAULT_QUARANTINED, NULL);
    else
        request_admit(request);
}

/* A host with routes goes before /f/; what `result` was without them stays if it has none. */
static enum route_result intake_route(struct request *request, enum route_result result)
{
    const struct request_names *names = &request->service->names;
    const struct deploy_host *host;
    struct report report;
    if (result != ROUTE_UNKNOWN_HOST && (result != ROUTE_FOUND || request->target.by_name))
        return result;
    report_clear(&report);
    switch (names->find_host(names->context, request->http.authority, &report, &host)) {
    case STATUS_NOT_FOUND:
        return result;
    case STATUS_OK:
        return hosts_match(host, request->path, request->http.method, &request->target)
                   ? ROUTE_FOUND
                   : ROUTE_NONE;
    default:
        log_message("error", "lookup_failed", "%s", report.text);
        return ROUTE_UNKNOWN;
    }
}

void request_begin(struct request *request)
{
    request->is_head = bytes_equal_text(request->http.method, "HEAD");
    enum route_result result = route_parse(request->http.authority, request->path,
                                           request->service->domain, &request->target);
    switch (intake_route(request, result)) {
    case ROUTE_FOUND:
        intake_look_up(request);
        return;
    case ROUTE_SERVER:
        request_acknowledge(request);
        return;
    case ROUTE_NONE:
        request_refuse(request, FAULT_UNKNOWN_ROUTE, NULL);
        return;
    case ROUTE_UNKNOWN:
        request_refuse(request, FAULT_NO_CATALOG, NULL);
        return;
    case ROUTE_UNKNOWN_HOST:
        request_refuse(request, FAULT_UNKNOWN_HOST, NULL);
        return;
    case ROUTE_BAD_PATH:
        request_refuse(request, FAULT_BAD_PATH, NULL);
        return;
    }
}
