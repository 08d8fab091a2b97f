/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way in: from a request's bytes to the function that they name.
 *
 *   request_begin --> route_parse --> names->find_host --> names->find --> request_admit
 *                         |              (not by its name)      +--> assets_take (it has files)
 *                         |                                     |
 *                         +-------------------------------------+--> request_refuse
 *
 * Where clients are split between versions, which one it is is decided here, once.
 */
#include "server/request/chain.h"
#include "server/request/names/hosts.h"
#include "server/request/names/split.h"
#include "server/request/quota.h"
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

void intake_enter(struct request *request)
{
    const struct directory_function *function = request->function;
    struct http_exchange *http = &request->http;
    /* Its own bound, up to what the operator allows. */
    uint64_t fuel_max = request->service->config->limits.fuel;
    uint64_t own_fuel = function->limits.fuel;
    request->fuel_max = own_fuel == 0 ? fuel_max : MIN(own_fuel, fuel_max);
    if (UNLIKELY(request->fuel_given != 0 || request->fuel_lent != 0))
        sibling_bound_fuel(request);
    http->function = function->name;
    http->config = function->entry.config;
    http->environment = function->environment;
    http->files = &function->files;
    http->scratch_bytes =
        MIN(function->limits.scratch_bytes, request->service->config->limits.scratch);
    http->debug_log = (function->entry.choices & DEPLOY_DEBUG_LOG) != 0;
    http->has_device = (function->entry.choices & DEPLOY_CHECKPOINT) != 0;
    http->pass_authorization = (function->entry.choices & DEPLOY_PASS_AUTHORIZATION) != 0;
    http->outbound = function->outbound.rows;
    http->outbound_count = function->outbound.count;
    http->secrets = function->secrets.rows;
    http->secret_count = function->secrets.count;
    http->has_next |= chain_function(request)->origin.count > 0;
}

/* Who passed the request on is asked of its head as it came, for all steps of a chain. */
static bool intake_open_outbound(struct request *request)
{
    const struct directory_function *function = request->function;
    bool asks = function->steps.count > 0 || function->origin.count > 0;
    uint32_t count = asks ? 1 : function->outbound.count;
    return http_exchange_open_outbound(&request->http, function->outbound.rows, count);
}

enum status intake_find(const struct request *request,
                        const struct route_target *target,
                        struct report *report,
                        struct directory_function **ret_function)
{
    const struct request_names *names = &request->service->names;
    struct directory_function *function = NULL;
    struct directory_function *chosen = NULL;
    enum status status = names->find(names->context, target, report, &function);
    if (LIKELY(status != STATUS_OK ||
               (function->entry.share_count == 0 && !request->asks_assets))) {
        *ret_function = function;
        return status;
    }
    uint32_t version = function->entry.version;
    if (request->asks_assets)
        version = request->caller->function->entry.version;
    else if (!request->is_errand)
        version = split_choose(&function->entry, &request->http);
    /* If it is gone meanwhile, the active one is not. */
    if (version != function->entry.version &&
        names->find_version(names->context, function, version, &chosen) == STATUS_OK) {
        names->release(function);
        function = chosen;
    }
    function->is_share |= !request->asks_assets;
    *ret_function = function;
    return STATUS_OK;
}

/* Before anything of the tenant's is looked at, or it would come into this process. */
static bool intake_is_elsewhere(const struct request_service *service,
                                const struct route_target *target)
{
    const struct route_name *tenant = &target->tenant;
    return UNLIKELY(service->config->isolation_count > 0) &&
           !config_worker_serves(service->config, service->worker,
                                 bytes_make(tenant->text, tenant->count));
}

static void intake_look_up(struct request *request)
{
    const struct request_service *service = request->service;
    struct report report;
    report_clear(&report);
    if (intake_is_elsewhere(service, &request->target)) {
        request_refuse(request, FAULT_ELSEWHERE, NULL);
        return;
    }
    enum status status = intake_find(request, &request->target, &report, &request->function);
    if (status != STATUS_OK) {
        intake_not_found(request, status, report.text);
        return;
    }
    const struct directory_function *function = request->function;
    struct http_exchange *http = &request->http;
    request->task.tenant = &function->tenant->schedule;
    http->tenant = function->tenant->name;
    http->matched = request->target.matched;
    if (function->limits.wall_us > 0)
        request->deadline_ns = MIN(
            request->deadline_ns, request->arrived_ns + function->limits.wall_us * CLOCK_NS_PER_US);
    bool has_room =
        route_uri(&request->target, &http->arena, &http->uri) && intake_open_outbound(request);
    intake_enter(request);
    if (!has_room)
        request_refuse(request, FAULT_NO_MEMORY, NULL);
    else if (UNLIKELY(function->bounded) && !quota_admit(request))
        (void)0;
    else if (UNLIKELY(function->site != NULL) && assets_take(request))
        (void)0; /* a file answers */
    else if (UNLIKELY(request->asks_assets))
        request_refuse(request, FAULT_NO_FILE, NULL);
    else if (UNLIKELY(!quarantine_is_empty(service->quarantine)) &&
             quarantine_until_ns(service->quarantine, &function->entry, service->clock) != 0)
        request_refuse(request, FAULT_QUARANTINED, NULL);
    else if (LIKELY(function->steps.count == 0) || chain_begin(request))
        request_admit(request);
}

/* Where the host's routes lead; `result`, if it has none. */
static enum route_result intake_route_by(const struct request_names *names,
                                         const struct request_line *line,
                                         struct bytes authority,
                                         enum route_result result,
                                         struct route_target *ret_target)
{
    const struct deploy_host *host;
    struct report report;
    report_clear(&report);
    switch (names->find_host(names->context, authority, &report, &host)) {
    case STATUS_NOT_FOUND:
        return result;
    case STATUS_OK:
        return hosts_match(host, line->path, line->method, ret_target) ? ROUTE_FOUND : ROUTE_NONE;
    default:
        log_message("error", "lookup_failed", "%s", report.text);
        return ROUTE_UNKNOWN;
    }
}

/* A host with routes goes before /f/, and behind it whoever has what is nobody's. */
static enum route_result intake_route(const struct request_service *service,
                                      const struct request_line *line,
                                      struct route_target *ret_target)
{
    enum route_result result =
        route_parse(line->authority, line->path, service->domain, ret_target);
    if (result != ROUTE_UNKNOWN_HOST && (result != ROUTE_FOUND || ret_target->by_name))
        return result;
    const struct request_names *names = &service->names;
    result = intake_route_by(names, line, line->authority, result, ret_target);
    return LIKELY(result != ROUTE_UNKNOWN_HOST)
               ? result
               : intake_route_by(names, line, bytes_of_text(DEPLOY_HOST_ANY), result, ret_target);
}

bool request_leads_nowhere(const struct request_service *service, struct request_line line)
{
    struct route_target target;
    struct directory_function *function = NULL;
    route_take_absolute_form(&line.path, &line.authority);
    enum route_result result = intake_route(service, &line, &target);
    if (result != ROUTE_FOUND || intake_is_elsewhere(service, &target))
        return result == ROUTE_UNKNOWN_HOST || result == ROUTE_NONE;
    enum status status = service->names.find(service->names.context, &target, NULL, &function);
    service->names.release(function);
    return status == STATUS_NOT_FOUND;
}

void request_call(struct request *request)
{
    request->is_head = bytes_equal_text(request->http.method, "HEAD");
    intake_look_up(request);
}

void request_begin(struct request *request)
{
    request->is_head = bytes_equal_text(request->http.method, "HEAD");
    const struct request_line line = {.method = request->http.method,
                                      .authority = request->http.authority,
                                      .path = request->path};
    switch (intake_route(request->service, &line, &request->target)) {
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
