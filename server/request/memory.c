/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When to look: at a new request; at a guest that goes on after MEASURE_NS, or waits. One that ends
 * sooner costs nothing: what it left behind is counted when its isolate is reset.
 *
 * Between two looks a guest can take what the kernel gives in that time, some 100 pages: bulk
 * operations are chunks of 64 KiB that end with their fuel, host calls mark all of their range
 * before they write.
 */
#include "server/request/memory.h"

#include "server/request/chain.h"
#include "server/request/request.h"
#include "server/request/service.h"

#define MEASURE_NS (100 * CLOCK_NS_PER_US)

static uint64_t memory_exchange_bytes(const struct request *request)
{
    const struct http_exchange *http = &request->http;
    return sizeof(*request) + http->arena.used_bytes + http->request_body.count +
           http->response_body.capacity + request->stream.sending.capacity + http->log.capacity +
           request->operations.bytes + http->scratch_used_bytes + coding_memory_bytes(request);
}

static bool memory_must_yield(const struct request *request)
{
    const struct request_service *service = request->service;
    const struct directory_tenant *tenant = request->function->tenant;
    if (LIKELY(!service->memory.must_yield(tenant->memory)))
        return false;
    if (tenant->memory == NULL ||
        isolate_tenant_budget(tenant->memory)->kind_bytes[ISOLATE_BUDGET_FUNCTION] == 0)
        return true;
    service->names.shed(service->names.context, tenant);
    return service->memory.must_yield(tenant->memory);
}

bool memory_begin(struct request *request)
{
    const struct request_memory *memory = &request->service->memory;
    struct directory_tenant *tenant = request->function->tenant;
    if (UNLIKELY(tenant->memory == NULL))
        tenant->memory = memory->find(memory->context, tenant->name);
    directory_count(chain_function(request));
    directory_count(request->function);
    if (UNLIKELY(memory_must_yield(request)))
        return false;
    if (LIKELY(tenant->memory != NULL))
        request->claim.budget = isolate_tenant_budget(tenant->memory);
    memory_count(request);
    return true;
}

/* True: it is more than at the last look. */
static bool memory_recount(struct request *request)
{
    return isolate_claim_set(&request->claim, ISOLATE_BUDGET_EXCHANGE,
                             memory_exchange_bytes(request));
}

void memory_count(struct request *request)
{
    (void)memory_recount(request);
}

bool memory_is_over(struct request *request, bool waits)
{
    if (LIKELY(!waits && request->now_ns - request->measured_ns < MEASURE_NS))
        return false;
    request->measured_ns = request->now_ns;
    bool grew = request->service->memory.measure(request->isolate);
    grew |= memory_recount(request);
    return grew && memory_must_yield(request);
}

void memory_end(struct request *request)
{
    isolate_claim_drop(&request->claim);
}
