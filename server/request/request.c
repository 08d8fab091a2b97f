/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ways of a request from one state to another, and nothing else: what it costs to be in a
 * state is said in request_states.def, what is counted and written of it in account.c,
 * access_log.c and fault.c.
 *
 * Invariants: request_become is the only writer of `state`; an isolate that faulted, ran out or
 * was cancelled is never re-used; a permit, or a place among the parked, is held exactly in the
 * states that say so, and a permit until a large answer is sent; who takes one does so before it
 * becomes what holds it, and request_become gives back; carrier->send is the last thing that
 * happens.
 */
#include "server/request/request.h"

#include <stdio.h>

#include "server/request/account.h"
#include "server/request/chain.h"
#include "server/request/memory.h"
#include "server/request/quota.h"
#include "server/request/respond.h"
#include "server/request/service.h"

#define IN_FLIGHT_MAX     65536 /* requests of all tenants in one worker */
#define ARTIFACT_RETRY_NS (10 * CLOCK_NS_PER_MS)
#define GONE_CHECK_NS     (50 * CLOCK_NS_PER_MS) /* how often a long request's client is looked at */
#define PARKED_CHECK_NS   (4 * CLOCK_NS_PER_S) /* the same for one that is parked: the first time */

uint64_t request_now(struct request *request)
{
    request->now_ns = clock_monotonic_ns(request->service->clock);
    return request->now_ns;
}

void request_set_timer(struct request *request, uint64_t at_ns)
{
    timers_set(&request->service->timers, &request->timer, at_ns);
}

/* ---- from state to state --------------------------------------------------------------------- */

static void request_release_permit(struct request *request);

static void request_leave_place(struct request *request)
{
    struct request_service *service = request->service;
    service->metrics->parked--;
    /* Who gave way has left already. */
    if (list_is_linked(&request->queue_link))
        parking_leave(&service->parking, &request->function->tenant->parking, &request->queue_link);
}

/* The one door: leaves what the request waited for, and gives back what its state no more has. */
void request_become(struct request *request, enum request_state next)
{
    request_check_arrow(request->state, next);
    const struct request_state_row *row = &request_state_rows[request->state];
    struct request_service *service = request->service;
    if (row->waits == REQUEST_WAITS_TURN)
        scheduler_remove(&service->scheduler, &request->task);
    else if (row->waits != REQUEST_WAITS_NOTHING)
        timers_clear(&service->timers, &request->timer);
    /* Whoever gets a permit was taken out of the queue with it. */
    if (row->waits == REQUEST_WAITS_QUEUE && next != REQUEST_READY)
        admission_leave(&request->function->tenant->admission, &request->queue_link);
    request->state = next;
    if (row->permit == request_state_rows[next].permit)
        return;
    if (row->permit == REQUEST_PERMIT_PLACE)
        request_leave_place(request);
    else if (row->permit == REQUEST_PERMIT_RUN && !request->keeps_permit)
        request_release_permit(request);
}

/* To a state that waits for its turn. */
static void request_line_up(struct request *request, enum request_state next)
{
    request_become(request, next);
    scheduler_add(&request->service->scheduler, &request->task);
}

/* Of a request that needs it no more. */
void request_leave_isolate(struct request *request, enum request_state next, enum isolate_end end)
{
    struct isolate *isolate = request->isolate;
    bool has_isolate = request_state_rows[request->state].isolate;
    request->isolate = NULL;
    if (UNLIKELY(request->operations.count > 0))
        operations_end_all(&request->operations);
    request_become(request, next);
    if (has_isolate)
        request->service->isolates.give_back(isolate, end, request->now_ns);
}

static void request_release_permit(struct request *request)
{
    struct list_link *next = admission_release(&request->function->tenant->admission);
    if (next != NULL)
        request_line_up(CONTAINER_OF(next, struct request, queue_link), REQUEST_READY);
}

/* ---- the ends -------------------------------------------------------------------------------- */

/* Everything but the sending. */
void request_conclude(struct request *request, enum request_state last, enum isolate_end end)
{
    struct request_service *service = request->service;
    request->last_state = request->state;
    account_ended(request);
    /* What the guest wrote is not sent; the problem in its place may wait long to be read. */
    if (request->code != NULL)
        buffer_done(&request->http.response_body);
    request->keeps_permit = last == REQUEST_ANSWERED &&
                            request_state_rows[request->state].permit == REQUEST_PERMIT_RUN &&
                            request->response.body.count > REQUEST_SMALL_BYTES;
    request_leave_isolate(request, last, end);
    if (UNLIKELY(request->chain != NULL))
        chain_end(request);
    service->answered++;
    service->in_flight--;
    service->metrics->in_flight--;
}

void request_reject(struct request *request, uint32_t status, const char *code, const char *detail)
{
    request->code = code;
    respond_prepare(request, status, detail);
    request_conclude(request, REQUEST_ANSWERED, ISOLATE_DISCARDED);
    request->carrier->send(request);
}

void request_refuse(struct request *request, enum fault fault, const char *detail)
{
    const struct fault_row *row = &fault_rows[fault];
    const char *text = detail != NULL ? detail : row->detail;
    fault_count(fault, request->service->metrics);
    if (row->trace)
        fault_log(request, fault, text);
    if (UNLIKELY(request->stream.begun)) {
        stream_cut(request, fault, text);
        return;
    }
    request->retry_later = row->retry;
    request_reject(request, row->status, row->code, text);
}

/* False: an answer with so large a body cannot be; the request was ended. */
bool request_may_answer(struct request *request, uint64_t body_bytes)
{
    uint32_t status = request->http.status;
    if (status < 200 || status > 599)
        request_refuse(request, FAULT_STATUS, NULL);
    else if (UNLIKELY(!request->carrier->has_room(request, body_bytes)))
        request_refuse(request, FAULT_UNREAD, NULL);
    else
        return true;
    return false;
}

/* `end`: may the next request find the memory that this one left? Not after an exit. */
void request_answer(struct request *request, enum isolate_end end)
{
    if (UNLIKELY(request->stream.begun)) {
        stream_finish(request, end);
        return;
    }
    if (!request_may_answer(request, request->http.response_body.count))
        return;
    coding_encode_whole(request);
    respond_prepare(request, request->http.status, NULL);
    memory_count(request);
    request_conclude(request, REQUEST_ANSWERED, end);
    request->carrier->send(request);
}

void request_acknowledge(struct request *request)
{
    request->http.status = 204;
    request_answer(request, ISOLATE_DISCARDED);
}

/* ---- a turn ---------------------------------------------------------------------------------- */

/* Its deadline has come. */
void request_expire(struct request *request)
{
    if (request->stream.leaves)
        request_refuse(request, FAULT_STREAM_LEFT, NULL);
    else if (request->stream.begun)
        request_refuse(request, FAULT_DEADLINE, "the answer did not end within limits.stream_wall");
    else
        request_refuse(request, FAULT_DEADLINE, NULL);
}

/* False: its time is over, or nobody waits for the answer any more; it was ended. */
static bool request_may_run(struct request *request)
{
    uint64_t now = request->now_ns;
    if (now >= request->deadline_ns) {
        request_expire(request);
        return false;
    }
    if (now < request->gone_check_ns)
        return true;
    request->gone_check_ns = now + GONE_CHECK_NS;
    if (request->carrier->client_gone(request)) {
        request_refuse(request, FAULT_CLIENT_GONE, NULL);
        return false;
    }
    /* What streams is here for long. */
    if (request->stream.has_head && request->carrier->watch(request))
        request->gone_check_ns = UINT64_MAX;
    return true;
}

/* The artifact is a cache: control rebuilds it from the module while the request waits. */
static void
request_wait_artifact(struct request *request, enum status status, const struct report *report)
{
    struct request_service *service = request->service;
    if (!request->rebuild_asked) {
        request->rebuild_asked = true;
        service->isolates.rebuild(service->isolates.context, request->function, status, report);
    }
    uint64_t wait_max_ns = service->config->limits.queue_wait * CLOCK_NS_PER_US;
    if (request->now_ns - request->arrived_ns >= wait_max_ns) {
        request_refuse(request, FAULT_NO_ARTIFACT, NULL);
        return;
    }
    request_become(request, REQUEST_WAIT_ARTIFACT);
    request_set_timer(request, request->now_ns + ARTIFACT_RETRY_NS);
}

/* True: it has an isolate. The start is a part of its first slice: the tenant pays for it, and
 * many starts at once wait for each other, not the sockets for them all. */
static bool request_checkout(struct request *request, struct scheduler_grant *grant)
{
    const struct request_isolates *isolates = &request->service->isolates;
    struct report report;
    report_clear(&report);
    enum status status = isolates->checkout(isolates->context, request->function, &report,
                                            &request->start, &request->isolate);
    grant->ended_ns = request_now(request);
    request->start_ns += grant->ended_ns - grant->began_ns;
    if (LIKELY(status == STATUS_OK)) {
        request_become(request, REQUEST_RUNNABLE);
        request->started = true;
        request->measured_ns = request->now_ns;
        request->fuel_before = request->service->guests->fuel_used(request->isolate);
        account_started(request);
        return true;
    }
    if (isolates_lack_artifact(status))
        request_wait_artifact(request, status, &report);
    else
        request_refuse(request, FAULT_NO_ISOLATE, NULL);
    return false;
}

static enum guest_step
request_run(struct request *request, struct scheduler_grant *grant, struct guest_result *ret_result)
{
    const struct guest_ops *guests = request->service->guests;
    uint64_t began_ns = request->now_ns;
    uint64_t left = request->fuel_max - MIN(request->fuel_used, request->fuel_max);
    ret_result->native_fuel = 0;
    enum guest_step step =
        guests->run(request->isolate, (int64_t)MIN((uint64_t)grant->fuel, left), ret_result);
    uint64_t fuel_used = guests->fuel_used(request->isolate) - request->fuel_before;
    if (UNLIKELY(request->function->bounded))
        quota_spend(request, fuel_used - request->fuel_used);
    request->fuel_used = fuel_used;
    request->native_fuel += ret_result->native_fuel;
    grant->ended_ns = request_now(request);
    request->run_ns += grant->ended_ns - began_ns;
    if (step != GUEST_RUNS || request->fuel_used < request->fuel_max)
        return step;
    ret_result->fault = FAULT_FUEL;
    (void)snprintf(ret_result->text, sizeof(ret_result->text), "%s", fault_rows[FAULT_FUEL].detail);
    return GUEST_FAULTED;
}

/* Another tenant's request has its place now. */
static void request_give_way(struct request *request)
{
    ASSERT(request->magic == REQUEST_MAGIC);
    request->parked_ns += request_now(request) - request->parked_at_ns;
    request_refuse(request, FAULT_PARKED, NULL);
}

/* Its permit is for others meanwhile. */
static void request_park(struct request *request, const struct guest_result *result)
{
    struct request_service *service = request->service;
    struct list_link *way;
    if (parking_ask(&service->parking, &request->function->tenant->parking,
                    (uint32_t)service->config->limits.parked, &request->queue_link,
                    &way) == PARKING_FULL) {
        request_refuse(request, FAULT_PARKED, NULL);
        return;
    }
    service->metrics->parked++;
    request_become(request, REQUEST_PARKED);
    request->for_event = result->for_event;
    request->for_body = result->for_body;
    request->stream.for_room = result->for_room;
    request->parked_at_ns = request->now_ns;
    guest_log_take_lines(request);
    request->until_ns =
        MIN(result->for_room ? stream_idle_at_ns(request) : result->until_ns, request->deadline_ns);
    request_set_timer(request, MIN(request->until_ns, request->now_ns + PARKED_CHECK_NS));
    if (way != NULL)
        request_give_way(CONTAINER_OF(way, struct request, queue_link));
}

bool request_always_has_room(const struct request *request, uint64_t body_bytes)
{
    (void)request;
    (void)body_bytes;
    return true;
}

bool request_is_never_left(const struct request *request)
{
    (void)request;
    return false;
}

bool request_is_watched_by_itself(struct request *request)
{
    (void)request;
    return true;
}

/* What runs finds out itself, in its next turn. */
void request_hung_up(struct request *request)
{
    ASSERT(request->magic == REQUEST_MAGIC);
    request->gone_check_ns = 0;
    if (request->state != REQUEST_PARKED)
        return;
    request->parked_ns += request_now(request) - request->parked_at_ns;
    request_refuse(request, FAULT_CLIENT_GONE, NULL);
}

/* Parked, and its time is not over. Most are parked for less, and need not be watched; libh2o does
 * not say that an HTTP/1.1 client has hung up before it reads from it again. */
static void request_stay_parked(struct request *request)
{
    if (request->carrier->client_gone(request))
        request_hung_up(request);
    else if (request->carrier->watch(request))
        request_set_timer(request, request->until_ns);
    else
        request_set_timer(request, MIN(request->until_ns, request->now_ns + PARKED_CHECK_NS));
}

/* It takes its permit again, which others may have: they do not wait for it, new ones do. */
void request_unpark(struct request *request)
{
    request->parked_ns += request_now(request) - request->parked_at_ns;
    admission_resume(&request->function->tenant->admission);
    request_line_up(request, REQUEST_RUNNABLE);
}

void request_body_came(struct request *request)
{
    ASSERT(request->magic == REQUEST_MAGIC);
    if (request->state == REQUEST_PARKED && request->for_body)
        request_unpark(request);
}

void request_wake(struct operations_owner *owner)
{
    struct request *request = CONTAINER_OF(owner, struct request, operations);
    ASSERT(request->magic == REQUEST_MAGIC);
    if (request->state == REQUEST_PARKED && request->for_event)
        request_unpark(request);
}

/* A guest that waits: its answer goes out so far. True: that made the room that it waited for. */
static bool request_goes_on(struct request *request, const struct guest_result *result)
{
    if (stream_wants(request, result->for_room) && !stream_advance(request))
        return false;
    if (result->for_room && request->http.response_body.count == 0)
        return true;
    request_park(request, result);
    return false;
}

/* What a guest's step leads to; AGAIN if the request wants more fuel. */
static enum scheduler_verdict
request_follow(struct request *request, enum guest_step step, const struct guest_result *result)
{
    switch (step) {
    case GUEST_RUNS:
        return SCHEDULER_AGAIN;
    case GUEST_WAITS: /* if it has no fuel any more, its next turn finds that */
        return request_goes_on(request, result) ? SCHEDULER_AGAIN : SCHEDULER_LEAVE;
    case GUEST_NEXT: /* of a chain: request_turn has dealt with an origin */
        chain_go_on(request);
        return SCHEDULER_AGAIN;
    case GUEST_FINISHED:
        request_answer(request, result->end);
        break;
    case GUEST_FAULTED:
        request_refuse(request, result->fault, result->text);
        break;
    }
    return SCHEDULER_LEAVE;
}

static enum scheduler_verdict request_turn(struct request *request, struct scheduler_grant *grant)
{
    request->now_ns = grant->began_ns;
    if (!request_may_run(request))
        return SCHEDULER_LEAVE;
    struct guest_result result;
    enum guest_step step = GUEST_RUNS;
    if (request->state == REQUEST_READY) {
        if (!request_checkout(request, grant))
            return SCHEDULER_LEAVE;
        step = request->service->guests->begin(request->isolate, &request->http, &result);
    }
    if (request->origin.ticket != HOSTAPI_TICKET_NONE)
        step = origin_turn(request, &result);
    else if (step == GUEST_RUNS)
        step = request_run(request, grant, &result);
    if (step == GUEST_NEXT && !chain_has_next(request))
        step = origin_begin(request, &result);
    bool goes_on = step == GUEST_RUNS || step == GUEST_WAITS;
    bool sleeps = step == GUEST_WAITS && !result.for_room;
    if (UNLIKELY(goes_on && memory_is_over(request, sleeps))) {
        request_refuse(request, FAULT_TENANT_MEMORY, NULL);
        return SCHEDULER_LEAVE;
    }
    if (UNLIKELY(request->chain != NULL))
        step = chain_go_back(request, step, &result);
    return request_follow(request, step, &result);
}

enum scheduler_verdict request_slice(struct scheduler_task *task, struct scheduler_grant *grant)
{
    struct request *request = CONTAINER_OF(task, struct request, task);
    ASSERT(request->magic == REQUEST_MAGIC);
    /* Whatever it does to the process: it was this version. */
    struct vitals *vitals = request->service->vitals;
    vitals_enter(vitals, &request->function->entry);
    enum scheduler_verdict verdict = request_turn(request, grant); /* may free the request */
    vitals_leave(vitals);
    return verdict;
}

/* ---- permits and timers ---------------------------------------------------------------------- */

void request_admit(struct request *request)
{
    struct request_service *service = request->service;
    const struct config_limits *limits = &service->config->limits;
    struct admission_bounds bounds = admission_bounds_of(limits, &request->function->entry.limits);
    /* A function that is known is found sooner than the clock is read. */
    if (UNLIKELY(request->function->is_new))
        request->lookup_ns = request_now(request) - request->arrived_ns;
    if (UNLIKELY(!memory_begin(request))) {
        request_refuse(request, FAULT_MEMORY_BUSY, NULL);
        return;
    }
    switch (admission_ask(&request->function->tenant->admission, &bounds, &request->queue_link)) {
    case ADMISSION_PERMIT:
        request_become(request, REQUEST_READY);
        scheduler_start(&service->scheduler, &request->task, request->now_ns);
        return;
    case ADMISSION_WAIT:
        request_become(request, REQUEST_QUEUED);
        request_set_timer(request, request->arrived_ns + limits->queue_wait * CLOCK_NS_PER_US);
        return;
    case ADMISSION_FULL:
        request_refuse(request, FAULT_QUEUE_FULL, NULL);
        return;
    }
}

static void request_on_timer(struct timers_timer *timer)
{
    struct request *request = CONTAINER_OF(timer, struct request, timer);
    ASSERT(request->magic == REQUEST_MAGIC);
    switch (request->state) {
    case REQUEST_QUEUED:
        request_refuse(request, FAULT_NO_PERMIT, NULL);
        return;
    case REQUEST_PARKED:
        if (request_now(request) < request->until_ns)
            request_stay_parked(request);
        else if (request->stream.for_room)
            stream_look_at_client(request);
        else
            request_unpark(request);
        return;
    case REQUEST_SENDING:
        stream_look_at_client(request);
        return;
    case REQUEST_READING:
        assets_on_timer(request);
        return;
    case REQUEST_WAIT_ARTIFACT:
        request_line_up(request, REQUEST_READY);
        return;
    default:
        ASSERT(!"a timer fired in a state that sets none");
    }
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
    request->http.node = bytes_of_text(service->config->node);
    request->http.world = &service->world.calls;
    request->http.owner = &request->operations;
    request->http.may_stream = true;
    request->operations.operations = &service->world.operations;
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
        (void)request_now(request);
        request_conclude(request, REQUEST_GONE, ISOLATE_DISCARDED);
    }
    if (service->access_log)
        access_log_ended(request);
    stream_done(request);
    assets_done(request);
    coding_done(request);
    memory_end(request);
    if (request->keeps_permit)
        request_release_permit(request);
    guest_log_take_rest(request);
    timers_release(&service->timers);
    service->names.release(request->function);
    http_exchange_done(&request->http);
    request->magic = 0;
}
