/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stack of steps. What a request knows of its present guest moves to and from the step's place
 * when another step's turn comes.
 */
#include "server/request/chain.h"

#include <stdio.h>

#include "server/request/account.h"
#include "server/request/service.h"

struct chain_step {
    struct directory_function *function; /* a reference */
    struct isolate *isolate;             /* of one that waits for the next one; else NULL */
    struct isolate_start start;
    uint64_t fuel_used;
    uint64_t fuel_before;
    uint64_t run_ns;
    struct bytes request_body; /* as it left it to the next one */
};

struct request_chain {
    struct directory_function *function; /* whose chain it is: the request's own reference */
    uint64_t run_mark_ns;                /* request->run_ns when the present step's turn came */
    uint32_t count;
    uint32_t at; /* the present step */
    uint32_t begun_count;
    struct chain_step steps[];
};

/* ---- beginning ------------------------------------------------------------------------------- */

static struct route_name chain_name(struct bytes text)
{
    struct route_name name = {.count = (uint8_t)MIN(text.count, (size_t)ROUTE_LABEL_BYTES - 1)};
    memcpy(name.text, text.data, name.count);
    return name;
}

/* Which one it is is the developer's to know, not the client's. */
static void chain_no_step(struct request *request, struct bytes name)
{
    char text[ROUTE_LABEL_BYTES + 64];
    int count =
        snprintf(text, sizeof(text), "step `%.*s` of the chain is no function of the tenant",
                 (int)MIN(name.count, (size_t)ROUTE_LABEL_BYTES), (const char *)name.data);
    http_exchange_log(&request->http, "warn", bytes_make(text, (size_t)count));
    request_refuse(request, FAULT_NO_STEP, NULL);
}

/* False: it is not there, or not to be run; the request was refused. */
static bool chain_find_step(struct request *request, struct bytes text, struct chain_step *step)
{
    const struct request_service *service = request->service;
    struct route_target target = {.tenant = chain_name(request->http.tenant),
                                  .function = chain_name(text)};
    enum status status = intake_find(request, &target, NULL, &step->function);
    if (status == STATUS_OK)
        request->chain->count++;
    if (status == STATUS_OK &&
        quarantine_until_ns(service->quarantine, &step->function->entry, service->clock) == 0)
        return true;
    if (status == STATUS_OK)
        request_refuse(request, FAULT_QUARANTINED, NULL);
    else if (status == STATUS_NOT_FOUND)
        chain_no_step(request, text);
    else
        request_refuse(request, FAULT_NO_CATALOG, NULL);
    return false;
}

bool chain_has_next(const struct request *request)
{
    const struct request_chain *chain = request->chain;
    return chain != NULL && chain->at + 1 < chain->count;
}

/* The step's turn comes, for the first time or again. */
static void chain_enter(struct request *request)
{
    struct request_chain *chain = request->chain;
    struct chain_step *step = &chain->steps[chain->at];
    request->function = step->function;
    request->isolate = step->isolate;
    request->start = step->start;
    request->fuel_used = step->fuel_used;
    request->fuel_before = step->fuel_before;
    request->rebuild_asked = false;
    request->http.has_next = chain_has_next(request);
    chain->run_mark_ns = request->run_ns;
    step->isolate = NULL;
    directory_count(step->function);
    intake_enter(request);
}

bool chain_begin(struct request *request)
{
    const struct deploy_texts *names = &request->function->steps;
    struct request_chain *chain = arena_alloc(
        &request->http.arena, sizeof(*chain) + names->count * sizeof(chain->steps[0]), 16);
    if (chain == NULL) {
        request_refuse(request, FAULT_NO_MEMORY, NULL);
        return false;
    }
    memset(chain, 0, sizeof(*chain) + names->count * sizeof(chain->steps[0]));
    chain->function = request->function;
    request->chain = chain;
    for (uint32_t i = 0; i < names->count; i++) {
        if (!chain_find_step(request, names->rows[i], &chain->steps[i]))
            return false;
    }
    chain->begun_count = 1;
    chain_enter(request);
    return true;
}

/* ---- from step to step ----------------------------------------------------------------------- */

/* The present step waits, or is over. */
static struct chain_step *chain_leave(struct request *request)
{
    struct request_chain *chain = request->chain;
    struct chain_step *step = &chain->steps[chain->at];
    guest_log_take_rest(request);
    step->run_ns += request->run_ns - chain->run_mark_ns;
    step->fuel_used = request->fuel_used;
    step->fuel_before = request->fuel_before;
    step->start = request->start;
    return step;
}

void chain_go_on(struct request *request)
{
    struct request_chain *chain = request->chain;
    struct chain_step *step = chain_leave(request);
    ASSERT(chain->at + 1 < chain->count);
    step->isolate = request->isolate;
    step->request_body = request->http.request_body;
    chain->at++;
    chain->begun_count = chain->at + 1;
    chain_enter(request);
    request_become(request, REQUEST_READY);
}

void chain_answer_fault(struct request *request, const struct guest_result *result)
{
    const struct fault_row *row = &fault_rows[result->fault];
    struct http_exchange *http = &request->http;
    fault_count(result->fault, request->service->metrics);
    if (row->trace)
        fault_log(request, result->fault, result->text);
    struct problem problem = {.status = row->status,
                              .code = row->code,
                              .detail = result->text,
                              .offset = REPORT_OFFSET_NONE,
                              .request_id = request->id};
    char body[REQUEST_PROBLEM_BYTES];
    size_t count = problem_write(&problem, body, sizeof(body));
    http->status = row->status;
    http->response_headers.count = 0;
    http->response_headers.bytes = 0;
    http->response_body.count = 0;
    enum status status =
        http_headers_add(http, &http->response_headers, bytes_of_text("content-type"),
                         bytes_of_text(PROBLEM_CONTENT_TYPE));
    if (status == STATUS_OK)
        status = buffer_append(&http->response_body, body, count);
    (void)status; /* without room the status of the answer has to say it all */
}

enum guest_step
chain_go_back(struct request *request, enum guest_step step, struct guest_result *result)
{
    struct request_chain *chain = request->chain;
    bool is_fault = step == GUEST_FAULTED && !request->stream.begun;
    while (chain->at > 0 && (step == GUEST_FINISHED || is_fault)) {
        enum isolate_end end = is_fault ? ISOLATE_DISCARDED : result->end;
        if (is_fault)
            chain_answer_fault(request, result);
        account_step_ended(request);
        (void)chain_leave(request);
        request->service->isolates.give_back(request->isolate, end, request->now_ns);
        chain->at--;
        request->http.request_body = chain->steps[chain->at].request_body;
        chain_enter(request);
        step = request->service->guests->returned(request->isolate, is_fault, result);
        is_fault = step == GUEST_FAULTED && !request->stream.begun;
    }
    return step;
}

void chain_end(struct request *request)
{
    struct request_chain *chain = request->chain;
    const struct request_service *service = request->service;
    for (uint32_t i = 0; i < chain->count; i++) {
        struct chain_step *step = &chain->steps[i];
        if (step->isolate != NULL)
            service->isolates.give_back(step->isolate, ISOLATE_DISCARDED, request->now_ns);
        step->isolate = NULL;
    }
    guest_log_take_rest(request);
    request->function = chain->function;
    for (uint32_t i = 0; i < chain->count; i++)
        service->names.release(chain->steps[i].function);
    chain->count = 0;
}

/* ---- telling --------------------------------------------------------------------------------- */

struct directory_function *chain_function(const struct request *request)
{
    return request->chain != NULL ? request->chain->function : request->function;
}

uint64_t chain_fuel_used(const struct request *request)
{
    const struct request_chain *chain = request->chain;
    uint64_t fuel = 0;
    for (uint32_t i = 0; chain != NULL && i < chain->begun_count; i++) {
        if (i != chain->at)
            fuel += chain->steps[i].fuel_used;
    }
    return fuel;
}

size_t chain_timing(const struct request *request, char *ret_text)
{
    const struct request_chain *chain = request->chain;
    size_t count = 0;
    for (uint32_t i = 0; i < chain->begun_count; i++) {
        const struct chain_step *step = &chain->steps[i];
        uint64_t run_ns = step->run_ns;
        if (i == chain->at)
            run_ns += request->run_ns - chain->run_mark_ns;
        int added = snprintf(ret_text + count, CHAIN_TIMING_BYTES - count,
                             ", step%u;desc=\"%.*s\";dur=%.3f", i, (int)step->function->name.count,
                             (const char *)step->function->name.data, (double)run_ns / 1e6);
        if (added < 0 || (size_t)added >= CHAIN_TIMING_BYTES - count)
            break;
        count += (size_t)added;
    }
    return count;
}
