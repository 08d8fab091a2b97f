/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counting costs the same for every request and never fails. A cold start is told to control one
 * by one; warm ones are added up in their function's place in the directory, because there may
 * be hundreds of thousands a second.
 */
#include "server/request/account.h"

#include <stdio.h>

#include "server/request/chain.h"
#include "server/request/service.h"
#include "server/telemetry/answer_record.h"
#include "server/telemetry/counter_record.h"
#include "server/telemetry/tally.h"

struct start_times account_times(const struct request *request)
{
    const struct isolate_start *start = &request->start;
    uint64_t total = request->now_ns - request->arrived_ns;
    uint64_t known = request->lookup_ns + request->start_ns + request->run_ns + request->parked_ns;
    return (struct start_times){.ns = {
                                    [START_QUEUE] = total > known ? total - known : 0,
                                    [START_LOOKUP] = request->lookup_ns,
                                    [START_LOAD] = start->load_ns,
                                    [START_MAP] = start->map_ns,
                                    [START_RESTORE] = start->restore_ns,
                                    [START_RUN] = request->run_ns,
                                }};
}

void account_started(const struct request *request)
{
    struct metrics *metrics = request->service->metrics;
    const struct isolate_start *start = &request->start;
    metrics->starts[start->reason]++;
    metrics->cold_start_ns += start->load_ns + start->map_ns + start->restore_ns;
}

static struct start_record account_record(const struct deploy_catalog_entry *entry,
                                          enum isolate_start_reason reason,
                                          uint32_t count,
                                          uint64_t now_ns)
{
    struct start_record record = {.ended_ns = now_ns,
                                  .created_ns = entry->created_ns,
                                  .version = entry->version,
                                  .reason = reason,
                                  .count = count};
    (void)snprintf(record.tenant, sizeof(record.tenant), "%s", entry->tenant);
    (void)snprintf(record.function, sizeof(record.function), "%s", entry->function);
    return record;
}

static void account_start(struct request *request)
{
    struct request_service *service = request->service;
    enum isolate_start_reason reason = request->start.reason;
    bool cold = reason != ISOLATE_START_WARM;
    struct start_times times = account_times(request);
    metrics_count_phases(service->metrics, cold, &times);
    if (LIKELY(!cold)) {
        directory_count_warm(service->directory, request->function);
        return;
    }
    struct start_record record =
        account_record(&request->function->entry, reason, 1, request->now_ns);
    record.times = times;
    start_record_write(service->records, &record);
}

void account_step_ended(struct request *request)
{
    account_start(request);
}

/* `fuel`: of all steps, if it is a chain. */
static void account_tally(const struct request *request, uint64_t fuel)
{
    const struct tally more = {.answered = 1,
                               .failed = request->response.status >= 500,
                               .total_ns = request->now_ns - request->arrived_ns,
                               .run_ns = request->run_ns,
                               .fuel = fuel,
                               .native_fuel = request->native_fuel};
    directory_tally(request->service->directory, request->function, &more);
}

void account_ended(struct request *request)
{
    struct metrics *metrics = request->service->metrics;
    uint32_t status = request->response.status;
    uint64_t *classes[] = {&metrics->responses_2xx, &metrics->responses_3xx,
                           &metrics->responses_4xx, &metrics->responses_5xx};
    if (status >= 200 && status < 600)
        (*classes[status / 100 - 2])++;
    uint64_t fuel = request->fuel_used;
    if (UNLIKELY(request->chain != NULL))
        fuel += chain_fuel_used(request);
    metrics->fuel_used += fuel;
    metrics->fuel_native += request->native_fuel;
    metrics->run_ns += request->run_ns;
    if (request->started) {
        account_start(request);
        account_tally(request, fuel);
    }
    const struct http_counters *counters = request->http.counters;
    for (uint32_t i = 0; counters != NULL && i < counters->count; i++)
        counter_record_write(request->service->records, &request->function->entry,
                             &counters->rows[i]);
}

struct account_flushing {
    struct record_ring *ring;
    uint64_t now_ns;
};

static void
account_tell_warm(void *context, const struct directory_function *function, uint32_t count)
{
    const struct account_flushing *flushing = context;
    struct start_record record =
        account_record(&function->entry, ISOLATE_START_WARM, count, flushing->now_ns);
    start_record_write(flushing->ring, &record);
}

static void account_tell_tally(void *context, const struct directory_function *function)
{
    const struct tally *tally = &function->tally;
    tally_record_write(context, &function->entry, tally);
    if (function->is_share)
        answer_record_write(context, &function->entry, (uint32_t)tally->answered,
                            (uint32_t)tally->failed);
}

void account_flush(struct request_service *service)
{
    directory_take_tallies(service->directory, account_tell_tally, service->records);
    struct account_flushing flushing = {.ring = service->records,
                                        .now_ns = clock_monotonic_ns(service->clock)};
    directory_take_warm(service->directory, account_tell_warm, &flushing);
}
