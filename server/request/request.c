/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state machine of one request. Each arrow is one function here.
 *
 *   NEW --request_begin--> route, look up --request_admit--+--no slot--> WAIT_SLOT --+
 *    |                                                     |                         |
 *    |                         +---------------------------+     a slot came free    |
 *    |                         v the scheduler's turn                                |
 *    |                request_checkout <---------------------------------------------+
 *    |                  |      |  ^
 *    |                  |      +--+-- artifact missing: WAIT_ARTIFACT, a rebuild is under way
 *    |                  v
 *    |               RUNNABLE <------timer------ PARKED
 *    |                  | request_slice            ^
 *    |                  +--PENDING-----------------+
 *    |                  +--OUT_OF_FUEL, some left--> RUNNABLE
 *    |                  |
 *    |                  +--DONE and finished--> request_answer --+
 *    +--any refusal, fault or deadline--------> request_fail ----+--> ANSWERED
 *
 * From every state before ANSWERED, request_end (the client is gone) leads out: the isolate
 * is discarded, the slot is given back.
 *
 * Invariants: an isolate that faulted, ran out or was cancelled is never re-used; a slot is
 * held exactly from admission to answer; carrier->send is the last thing that happens.
 */
#include "server/request/request.h"

#include <errno.h>
#include <stdio.h>
#include <sys/random.h>
#include <unistd.h>

#include "server/request/account.h"
#include "server/request/respond.h"
#include "server/telemetry/log.h"

#define REQUEST_MAGIC        UINT64_C(0x7265717565737431)
#define IN_FLIGHT_MAX        65536 /* requests of all tenants in one worker */
#define NO_ROOM_LOG_NS       CLOCK_NS_PER_S
#define ARTIFACT_RETRY_NS    (10 * CLOCK_NS_PER_MS)
#define GONE_CHECK_NS        (50 * CLOCK_NS_PER_MS) /* how often a long request's client is looked at */
#define TIMERS_PER_TURN      256
#define SLICES_PER_TURN      64
#define POOL_TENANT_PART     2 /* of the warm isolates may be one tenant's */
#define WAIT_MS_MAX          1000
#define STATUS_CLIENT_GONE   499
#define BACKTRACE_FRAMES_MAX 16

static struct request *request_of_task(struct scheduler_task *task)
{
    struct request *request = CONTAINER_OF(task, struct request, task);
    ASSERT(request->magic == REQUEST_MAGIC);
    return request;
}

static uint64_t request_now(struct request *request)
{
    request->now_ns = clock_monotonic_ns(request->service->clock);
    return request->now_ns;
}

/* A report without clearing its text: this is on the path of every request. */
static void request_report_clear(struct report *report)
{
    report->status = STATUS_OK;
    report->offset = REPORT_OFFSET_NONE;
    report->text[0] = '\0';
}

/* ---- slots of a tenant ----------------------------------------------------------------------- */

static void request_leave_queue(struct request *request)
{
    struct directory_tenant *tenant = request->function->tenant;
    *(request->previous != NULL ? &request->previous->next : &tenant->first) = request->next;
    *(request->next != NULL ? &request->next->previous : &tenant->last) = request->previous;
    request->next = request->previous = NULL;
    tenant->waiting--;
}

/*
 * The slot goes to the first in the queue, at once, so that nobody overtakes; it starts from
 * its timer, not from here, so that a queue of refusals cannot pile up on the C stack.
 */
static void request_release_slot(struct request *request)
{
    if (!request->has_slot)
        return;
    request->has_slot = false;
    struct directory_tenant *tenant = request->function->tenant;
    ASSERT(tenant->running > 0);
    tenant->running--;
    struct request *next = tenant->first;
    if (next == NULL)
        return;
    request_leave_queue(next);
    next->has_slot = true;
    tenant->running++;
    timers_set(&request->service->timers, &next->timer, 0);
}

/* ---- the ends -------------------------------------------------------------------------------- */

static void request_return_isolate(struct request *request, enum isolate_end end)
{
    struct isolate *isolate = request->isolate;
    request->isolate = NULL;
    if (isolate != NULL)
        isolate_pool_return(isolate, end);
}

/* Everything but the sending. */
static void request_conclude(struct request *request, enum isolate_end end)
{
    request->state = REQUEST_ANSWERED;
    scheduler_remove(&request->service->scheduler, &request->task);
    timers_clear(&request->service->timers, &request->timer);
    account_ended(request);
    request_return_isolate(request, end);
    request_release_slot(request);
    request->service->answered++;
    request->service->in_flight--;
    request->service->metrics->in_flight--;
}

/* `end`: may the next request find the memory that this one left? Not after an exit. */
static void request_answer(struct request *request, enum isolate_end end)
{
    uint32_t status = request->http.status;
    if (status < 200 || status > 599) {
        request_refuse(request, 500, "invalid_status",
                       "the function answered with a status "
                       "that is not between 200 and 599");
        return;
    }
    respond_prepare(request, status, NULL);
    request_conclude(request, end);
    request->carrier->send(request);
}

void request_refuse(struct request *request, uint32_t status, const char *code, const char *detail)
{
    if (request->state == REQUEST_WAIT_SLOT && !request->has_slot)
        request_leave_queue(request);
    request->code = code;
    respond_prepare(request, status, detail);
    request_conclude(request, ISOLATE_DISCARDED);
    request->carrier->send(request);
}

static void request_busy(struct request *request, const char *detail)
{
    request->service->metrics->refused_busy++;
    request->retry_later = true;
    request_refuse(request, 503, "busy", detail);
}

static void request_deadline(struct request *request)
{
    request->service->metrics->faults_deadline++;
    request_refuse(request, 504, "deadline", "the function did not finish within limits.wall");
}

/* ---- faults of the guest --------------------------------------------------------------------- */

static void request_log_fault(const struct request *request, const char *text)
{
    struct engine_frame_info frames[BACKTRACE_FRAMES_MAX];
    uint32_t count =
        engine_backtrace(isolate_machine(request->isolate), frames, BACKTRACE_FRAMES_MAX);
    struct log_line line;
    log_begin(&line, "error", "guest_fault");
    log_text(&line, "request_id", bytes_make(request->id, REQUEST_ID_BYTES));
    log_text(&line, "tenant", bytes_of_text(request->function->entry.tenant));
    log_text(&line, "function", bytes_of_text(request->function->entry.function));
    log_text(&line, "version", bytes_of_text(request->function->version));
    log_text(&line, "code", bytes_of_text(request->code));
    log_text(&line, "message", bytes_of_text(text));
    for (uint32_t i = 0; i < count; i++) {
        char key[32];
        (void)snprintf(key, sizeof(key), "frame%u", i);
        char name[160];
        (void)snprintf(name, sizeof(name), "func %u at 0x%x %.*s", frames[i].func_index,
                       frames[i].offset, (int)MIN(frames[i].func_name.count, (size_t)100),
                       (const char *)frames[i].func_name.data);
        log_text(&line, key, bytes_of_text(name));
    }
    if (!log_end(&line))
        request->service->metrics->log_dropped++;
}

static void request_fault(struct request *request, const char *code, const char *text)
{
    request->code = code;
    request_log_fault(request, text);
    request_refuse(request, 500, code, text);
}

/* hostapi said HOSTAPI_FAULT. */
static void request_broke_rules(struct request *request, const struct report *report)
{
    struct metrics *metrics = request->service->metrics;
    enum hostapi_fault fault = hostapi_fault(isolate_host(request->isolate));
    (*(fault == HOSTAPI_FAULT_BAD_OUTPUT    ? &metrics->faults_output
       : fault == HOSTAPI_FAULT_EXIT_STATUS ? &metrics->faults_exit
                                            : &metrics->faults_trap))++;
    request_fault(request, hostapi_fault_code(fault),
                  report->text[0] != '\0' ? report->text : "protocol fault");
}

static void request_trapped(struct request *request)
{
    struct report report;
    request_report_clear(&report);
    if (hostapi_trapped(isolate_host(request->isolate), &report) == HOSTAPI_FINISHED) {
        request_answer(request, ISOLATE_FINISHED);
        return;
    }
    struct engine_trap_info trap = engine_machine_trap(isolate_machine(request->isolate));
    const char *reason = trap.text != NULL ? trap.text : engine_trap_text(trap.trap);
    char text[REPORT_TEXT_BYTES];
    bool heap_is_full = trap.trap == TRAP_HEAP_EXHAUSTED;
    if (heap_is_full || engine_memory_refused(isolate_instance(request->isolate))) {
        request->service->metrics->faults_memory++;
        (void)snprintf(text, sizeof(text), "the function wanted more than limits.%s, then: %s",
                       heap_is_full ? "heap" : "memory", reason);
        request_fault(request, "memory_exhausted", text);
        return;
    }
    request_broke_rules(request, &report);
}

/* ---- running --------------------------------------------------------------------------------- */

static void request_park(struct request *request)
{
    uint64_t until = hostapi_waits_until_ns(hostapi_waits(isolate_host(request->isolate)));
    request->parked_at_ns = request->now_ns;
    request->state = REQUEST_PARKED;
    timers_set(&request->service->timers, &request->timer, MIN(until, request->deadline_ns));
}

/* After ENGINE_DONE: true if another guest call was begun. Otherwise the request was answered. */
static bool request_goes_on(struct request *request)
{
    struct report report;
    request_report_clear(&report);
    switch (hostapi_next(isolate_host(request->isolate), &report)) {
    case HOSTAPI_RUN:
        return true;
    case HOSTAPI_FINISHED:
        request_answer(request, ISOLATE_GOES_ON);
        return false;
    case HOSTAPI_FAULT:
        break;
    }
    request_broke_rules(request, &report);
    return false;
}

/* What a run's outcome leads to; AGAIN if the request wants more fuel. */
static enum scheduler_verdict request_outcome(struct request *request, enum engine_outcome outcome)
{
    switch (outcome) {
    case ENGINE_DONE:
        return request_goes_on(request) ? SCHEDULER_AGAIN : SCHEDULER_LEAVE;
    case ENGINE_TRAPPED:
        request_trapped(request);
        return SCHEDULER_LEAVE;
    case ENGINE_PENDING:
        request_park(request);
        return SCHEDULER_LEAVE;
    case ENGINE_CALLING: /* never from engine_run */
    case ENGINE_OUT_OF_FUEL:
        break;
    }
    if (request->fuel_used < request->service->config->limits.fuel)
        return SCHEDULER_AGAIN;
    request->service->metrics->faults_fuel++;
    request_fault(request, "fuel_exhausted", "the function used up limits.fuel");
    return SCHEDULER_LEAVE;
}

/* False: its time is over, or nobody waits for the answer any more; it was ended. */
static bool request_may_run(struct request *request, uint64_t now)
{
    if (now >= request->deadline_ns) {
        request_deadline(request);
        return false;
    }
    if (now < request->gone_check_ns)
        return true;
    request->gone_check_ns = now + GONE_CHECK_NS;
    if (!request->carrier->client_gone(request))
        return true;
    request->service->metrics->client_gone++;
    request_refuse(request, STATUS_CLIENT_GONE, "client_gone", "the client hung up");
    return false;
}

/* ---- checkout -------------------------------------------------------------------------------- */

/* The artifact is a cache: control rebuilds it from the module while the request waits. */
static void
request_wait_artifact(struct request *request, enum status status, const struct report *report)
{
    uint64_t now = request_now(request);
    const struct config_limits *limits = &request->service->config->limits;
    if (request->state != REQUEST_WAIT_ARTIFACT) {
        struct metrics *metrics = request->service->metrics;
        const char *event = status == STATUS_NOT_FOUND ? "artifact_missing"
                            : status == STATUS_STALE   ? "artifact_stale"
                                                       : "artifact_damaged";
        (*(status == STATUS_NOT_FOUND ? &metrics->artifacts_missing
           : status == STATUS_STALE   ? &metrics->artifacts_stale
                                      : &metrics->artifacts_damaged))++;
        request->state = REQUEST_WAIT_ARTIFACT;
        log_message("warn", event, "%s: %s: asking for a rebuild", request->function->key_text,
                    report->text);
        deploy_artifact_request(request->service->config->data_dir,
                                request->function->entry.artifact_key);
    }
    if (now - request->arrived_ns >= limits->queue_wait * CLOCK_NS_PER_US) {
        request_busy(request, "the function is being rebuilt; try again");
        return;
    }
    timers_set(&request->service->timers, &request->timer, now + ARTIFACT_RETRY_NS);
}

/* The host takes the request. True: the guest has something to run. */
static bool request_begin_guest(struct request *request)
{
    struct report report;
    request_report_clear(&report);
    request->fuel_before = engine_machine_fuel_used(isolate_machine(request->isolate));
    switch (hostapi_begin(isolate_host(request->isolate), isolate_instance(request->isolate),
                          &request->http, &report)) {
    case HOSTAPI_RUN:
        request->state = REQUEST_RUNNABLE;
        return true;
    case HOSTAPI_FINISHED:
        request_answer(request, ISOLATE_GOES_ON);
        return false;
    case HOSTAPI_FAULT:
        break;
    }
    request_broke_rules(request, &report);
    return false;
}

/* Thousands of requests may meet this in a second: one of them tells. */
static void
request_no_room(struct request *request, enum status status, const struct report *report)
{
    struct request_service *service = request->service;
    service->metrics->starts_failed++;
    if (service->no_room_ns == 0 || request->now_ns - service->no_room_ns >= NO_ROOM_LOG_NS) {
        service->no_room_ns = request->now_ns;
        log_message("error", "start_failed", "%s: %s%s", request->function->key_text,
                    report->text[0] != '\0' ? report->text : status_text(status),
                    status == STATUS_NO_MEMORY
                        ? "; raise vm.max_map_count, or lower pool.total or limits.concurrency: "
                          "see `skerry doctor`"
                        : "");
    }
    request_busy(request, "no room to start the function; try again");
}

/* True: it has an isolate and may run. The start is a part of its first slice: the tenant pays
 * for it, and many starts at once wait for each other, not the sockets for them all. */
static bool request_checkout(struct request *request, struct scheduler_grant *grant)
{
    struct request_service *service = request->service;
    struct isolate_key key = isolates_key(request->function);
    struct isolates_source source = {.data_dir = service->config->data_dir,
                                     .function = request->function};
    struct report report;
    request_report_clear(&report);
    struct isolate_opener opener = {.open = isolates_open, .context = &source};
    enum status status = isolate_pool_checkout(service->pool, &key, opener, &report,
                                               &request->start, &request->isolate);
    grant->ended_ns = request_now(request);
    request->start_ns = grant->ended_ns - grant->began_ns;
    if (LIKELY(status == STATUS_OK)) {
        request->started = true;
        account_started(request);
        return request_begin_guest(request);
    }
    if (status == STATUS_NOT_FOUND || status == STATUS_STALE || status == STATUS_CORRUPT) {
        request_wait_artifact(request, status, &report);
    } else {
        request_no_room(request, status, &report);
    }
    return false;
}

static enum scheduler_verdict request_slice(struct scheduler_task *task,
                                            struct scheduler_grant *grant)
{
    struct request *request = request_of_task(task);
    request->now_ns = grant->began_ns;
    if (!request_may_run(request, grant->began_ns))
        return SCHEDULER_LEAVE;
    if (request->isolate == NULL && !request_checkout(request, grant))
        return SCHEDULER_LEAVE;
    request->state = REQUEST_RUNNABLE;
    uint64_t began_ns = request->now_ns;
    uint64_t left = request->service->config->limits.fuel - request->fuel_used;
    struct engine_machine *machine = isolate_machine(request->isolate);
    enum engine_outcome outcome = engine_run(machine, (int64_t)MIN((uint64_t)grant->fuel, left));
    request->fuel_used = engine_machine_fuel_used(machine) - request->fuel_before;
    grant->ended_ns = request_now(request);
    request->run_ns += grant->ended_ns - began_ns;
    return request_outcome(request, outcome);
}

/* Whatever it does to the process: it was this version. */
static enum scheduler_verdict request_turn(struct scheduler_task *task,
                                           struct scheduler_grant *grant)
{
    const struct request *request = request_of_task(task);
    struct vitals *vitals = request->service->vitals;
    vitals_enter(vitals, &request->function->entry);
    enum scheduler_verdict verdict = request_slice(task, grant); /* may free the request */
    vitals_leave(vitals);
    return verdict;
}

/* ---- admission ------------------------------------------------------------------------------- */

static void request_admit(struct request *request)
{
    const struct config_limits *limits = &request->service->config->limits;
    const struct deploy_tenant_limits *own = &request->function->entry.limits;
    struct directory_tenant *tenant = request->function->tenant;
    uint64_t concurrency = own->concurrency != 0 ? own->concurrency : limits->concurrency;
    uint64_t queue = own->queue != 0 ? own->queue : limits->queue;
    uint64_t now = request_now(request);
    request->lookup_ns = now - request->arrived_ns;
    if (tenant->running < concurrency && tenant->waiting == 0) {
        tenant->running++;
        request->has_slot = true;
        scheduler_start(&request->service->scheduler, &request->task, now);
        return;
    }
    if (tenant->waiting >= queue) {
        request->service->metrics->refused_queue_full++;
        request->retry_later = true;
        request_refuse(request, 503, "queue_full",
                       "the tenant's queue is full: too many requests at once");
        return;
    }
    request->state = REQUEST_WAIT_SLOT;
    request->previous = tenant->last;
    *(tenant->last != NULL ? &tenant->last->next : &tenant->first) = request;
    tenant->last = request;
    tenant->waiting++;
    timers_set(&request->service->timers, &request->timer,
               request->arrived_ns + limits->queue_wait * CLOCK_NS_PER_US);
}

/* ---- routing --------------------------------------------------------------------------------- */

static void
request_not_found(struct request *request, enum status status, const struct report *report)
{
    if (status != STATUS_NOT_FOUND) {
        log_message("error", "lookup_failed", "%s", report->text);
        request_busy(request, "the catalog cannot be read; try again");
        return;
    }
    request_refuse(request, 404, "unknown_function", report->text);
}

/* The guest sees the path after the prefix, and always one that begins with a slash. */
static bool request_set_uri(struct request *request)
{
    struct http_exchange *http = &request->http;
    const struct route_target *target = &request->target;
    http->matched = target->matched;
    http->uri = target->rest;
    if (!target->slash_missing)
        return true;
    uint8_t *uri = arena_alloc(&http->arena, target->rest.count + 1, 1);
    if (uri == NULL)
        return false;
    uri[0] = '/';
    if (target->rest.count > 0)
        memcpy(uri + 1, target->rest.data, target->rest.count);
    http->uri = bytes_make(uri, target->rest.count + 1);
    return true;
}

static void request_look_up(struct request *request)
{
    struct report report;
    request_report_clear(&report);
    enum status status =
        directory_find(request->service->directory, &request->target, &report, &request->function);
    if (status != STATUS_OK) {
        request_not_found(request, status, &report);
        return;
    }
    struct directory_tenant *tenant = request->function->tenant;
    request->task.tenant = &tenant->schedule;
    request->http.tenant = route_name_bytes(&tenant->name);
    request->http.function = bytes_of_text(request->function->entry.function);
    request->http.config = request->function->entry.config;
    if (!request_set_uri(request)) {
        request_busy(request, "out of memory");
        return;
    }
    if (quarantine_until_ns(request->service->quarantine, &request->function->entry,
                            request->service->clock) != 0) {
        request->service->metrics->refused_quarantined++;
        request->retry_later = true;
        request_refuse(request, 503, "quarantined",
                       "workers died of this version again and again; it is not run for a while");
        return;
    }
    request_admit(request);
}

void request_begin(struct request *request)
{
    switch (route_parse(request->http.authority, request->path, request->service->domain,
                        &request->target)) {
    case ROUTE_FOUND:
        request_look_up(request);
        return;
    case ROUTE_UNKNOWN_HOST:
        request_refuse(request, 404, "unknown_host",
                       "neither the host name nor the path names a function");
        return;
    case ROUTE_BAD_PATH:
        request_refuse(request, 400, "bad_path", "the path does not begin with a slash");
        return;
    }
}

/* ---- timers ---------------------------------------------------------------------------------- */

static void request_on_timer(struct timers_timer *timer)
{
    struct request *request = CONTAINER_OF(timer, struct request, timer);
    ASSERT(request->magic == REQUEST_MAGIC);
    switch (request->state) {
    case REQUEST_WAIT_SLOT:
        if (!request->has_slot) {
            request_busy(request, "no slot came free within limits.queue_wait");
            return;
        }
        scheduler_add(&request->service->scheduler, &request->task);
        return;
    case REQUEST_WAIT_ARTIFACT:
        scheduler_add(&request->service->scheduler, &request->task);
        return;
    case REQUEST_PARKED:
        request->parked_ns += request_now(request) - request->parked_at_ns;
        request->state = REQUEST_RUNNABLE;
        scheduler_add(&request->service->scheduler, &request->task);
        return;
    case REQUEST_NEW:
    case REQUEST_RUNNABLE:
    case REQUEST_ANSWERED:
        break;
    }
    ASSERT(!"a timer fired in a state that sets none");
}

/* ---- life ------------------------------------------------------------------------------------ */

bool request_init(struct request *request,
                  struct request_service *service,
                  const struct request_carrier *carrier)
{
    if (service->in_flight >= IN_FLIGHT_MAX || !timers_reserve(&service->timers))
        return false;
    /* All but the texts at its end, which are written before they are read. */
    memset(request, 0, offsetof(struct request, id));
    request->magic = REQUEST_MAGIC;
    request->service = service;
    request->carrier = carrier;
    request->timer.fire = request_on_timer;
    request->arrived_ns = request_now(request);
    request_service_heard(service, request->arrived_ns);
    request->deadline_ns = request->arrived_ns + service->config->limits.wall * CLOCK_NS_PER_US;
    request->gone_check_ns = request->arrived_ns + GONE_CHECK_NS;
    http_exchange_init(&request->http, &service->config->limits);
    respond_make_id(service, request->id);
    service->in_flight++;
    service->metrics->in_flight++;
    service->metrics->requests++;
    return true;
}

void request_end(struct request *request)
{
    ASSERT(request->magic == REQUEST_MAGIC);
    struct request_service *service = request->service;
    if (request->state != REQUEST_ANSWERED) {
        service->metrics->client_gone++;
        if (request->state == REQUEST_WAIT_SLOT && !request->has_slot)
            request_leave_queue(request);
        request_conclude(request, ISOLATE_DISCARDED);
    }
    timers_release(&service->timers);
    directory_release(request->function);
    http_exchange_done(&request->http);
    request->magic = 0;
}

/* ---- the service ----------------------------------------------------------------------------- */

static enum status request_create_host(void *context,
                                       const struct engine_module *module,
                                       struct engine_linker *ret_linker,
                                       void **ret_host)
{
    const struct request_service *service = context;
    struct hostapi_options options = {
        .kind = hostapi_detect(module, NULL),
        .clock = service->clock,
    };
    if (options.kind == HOSTAPI_KIND_UNKNOWN)
        return STATUS_UNSUPPORTED;
    struct hostapi_host *host;
    enum status status = hostapi_host_create(&options, &host);
    if (status != STATUS_OK)
        return status;
    *ret_linker = hostapi_linker(host);
    *ret_host = host;
    return STATUS_OK;
}

static void request_reset_host(void *host)
{
    hostapi_host_reset(host);
}

static void request_keep_host(void *host)
{
    hostapi_host_keep(host);
}

static void request_free_host(void *host)
{
    hostapi_host_free(host);
}

enum status request_service_init(struct request_service *service, struct report *report)
{
    const struct config *config = service->config;
    service->domain = bytes_of_text(config->domain);
    if (getrandom(&service->id_seed, sizeof(service->id_seed), 0) != sizeof(service->id_seed))
        return report_errno(report, "no random numbers");
    struct scheduler_options scheduling = {
        .clock = service->clock,
        .slice_ns = config->limits.slice * CLOCK_NS_PER_US,
        .run = request_turn,
    };
    scheduler_init(&service->scheduler, &scheduling);
    struct isolate_pool_options options = {
        .per_function_max = config->pool_per_function,
        .per_tenant_max = MAX(config->pool_total / POOL_TENANT_PART, config->pool_per_function),
        .total_max = config->pool_total,
        .trim_ns = config->pool_trim_us * CLOCK_NS_PER_US,
        .idle_max_ns = config->pool_idle_us * CLOCK_NS_PER_US,
        .ahead_max_ns = config->pool_prewarm_us * CLOCK_NS_PER_US,
        .began_ns = clock_realtime_ns(service->clock),
        .clock = service->clock,
        .limits = &config->limits,
        .ops = {.create = request_create_host,
                .reset = request_reset_host,
                .keep = request_keep_host,
                .free = request_free_host,
                .context = service},
    };
    enum status status = isolate_pool_create(&options, &service->pool);
    if (status == STATUS_OK)
        status = directory_create(service->catalog, (uint32_t)config->limits.cpu_share,
                                  &service->directory);
    if (status != STATUS_OK)
        return report_fail(report, status, REPORT_OFFSET_NONE, "out of memory");
    return STATUS_OK;
}

void request_service_done(struct request_service *service)
{
    ASSERT(service->in_flight == 0);
    isolate_pool_free(service->pool);
    directory_free(service->directory);
    timers_done(&service->timers);
}

/* The next piece of what can wait, in a turn that had begun at `now`. True: there is more to do. A
 * turn is quiet if no request came since the last one in which nothing was to be run. */
static bool request_service_idle(struct request_service *service, uint64_t now)
{
    if (!scheduler_idle(&service->scheduler)) {
        (void)isolate_pool_idle(service->pool, now, false);
        return true;
    }
    uint64_t requests = service->metrics->requests;
    bool quiet = requests == service->turn_requests;
    service->turn_requests = requests;
    if (!isolates_has_news(&service->news))
        return isolate_pool_idle(service->pool, now, quiet);
    (void)isolate_pool_idle(service->pool, now, false);
    if (!quiet)
        return true;
    struct isolates_owner owner = {.data_dir = service->config->data_dir,
                                   .directory = service->directory,
                                   .pool = service->pool};
    isolates_take_news(&service->news, &owner);
    return true;
}

int request_service_turn(struct request_service *service)
{
    uint64_t answered = service->answered;
    uint64_t began = clock_monotonic_ns(service->clock);
    timers_run(&service->timers, began, TIMERS_PER_TURN);
    scheduler_turn(&service->scheduler, SLICES_PER_TURN);
    if (request_service_idle(service, began))
        return 0;
    /* What was sent from here is written, but the loop goes on with its connection only when it
     * does not wait for sockets: the next request on it would not be one that it looks for. */
    if (service->answered != answered)
        return 0;
    uint64_t next = timers_next_ns(&service->timers);
    if (next == UINT64_MAX)
        return WAIT_MS_MAX;
    uint64_t now = clock_monotonic_ns(service->clock);
    if (next <= now)
        return 0;
    return (int)MIN((next - now + CLOCK_NS_PER_MS - 1) / CLOCK_NS_PER_MS, (uint64_t)WAIT_MS_MAX);
}

void request_service_heard(struct request_service *service, uint64_t now_ns)
{
    if (service->heard_ns == 0)
        service->heard_ns = now_ns;
}

void request_service_sweep(struct request_service *service)
{
    directory_sweep(service->directory);
    struct isolate_pool_stats stats = isolate_pool_stats(service->pool);
    struct metrics *metrics = service->metrics;
    metrics->pool_warm = stats.warm;
    metrics->pool_in_use = stats.in_use;
    metrics->pool_functions = stats.functions;
    metrics->pool_evicted = stats.evicted;
    metrics->pool_prepared = stats.prepared;
    metrics->pool_discarded = stats.discarded;
    metrics->slices = service->scheduler.slices;
}
