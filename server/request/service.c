/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making a worker's service, its turns, and what it does in turns with nothing else to do.
 *
 *   turn: timers --> slices --> a piece of work? --> may the loop wait, and for how long
 */
#include "server/request/service.h"

#include <sys/random.h>

#include "server/request/errands/errand.h"
#include "server/request/names/hosts.h"
#include "server/request/request.h"
#include "server/world/fetch.h"
#include "server/world/secrets.h"

#define TIMERS_PER_TURN  256
#define SLICES_PER_TURN  64
#define POOL_TENANT_PART 2 /* of the warm isolates may be one tenant's */
#define WAIT_US_MAX      CLOCK_US_PER_S
/* The kernel may be late by a thousandth of a wait: longer ones end early by twice that, and what
 * is left of them is waited for by itself. */
#define WAIT_US_EXACT   20000
#define WAIT_EARLY_PART 500

/* ---- how requests reach the rest ------------------------------------------------------------- */

static void service_shed(void *context, const struct directory_tenant *tenant)
{
    struct request_service *service = context;
    directory_shed(service->directory, tenant);
}

static enum status service_find(void *context,
                                const struct route_target *target,
                                struct report *report,
                                struct directory_function **ret_function)
{
    const struct request_service *service = context;
    return directory_find(service->directory, target, report, ret_function);
}

static enum status service_find_version(void *context,
                                        const struct directory_function *of,
                                        uint32_t version,
                                        struct directory_function **ret_function)
{
    const struct request_service *service = context;
    return directory_find_version(service->directory, of, version, ret_function);
}

static enum status service_find_host(void *context,
                                     struct bytes authority,
                                     struct report *report,
                                     const struct deploy_host **ret_host)
{
    const struct request_service *service = context;
    return hosts_find(service->hosts, authority, report, ret_host);
}

static uint64_t service_generation(void *context)
{
    const struct request_service *service = context;
    return directory_generation(service->directory);
}

static enum status service_checkout(void *context,
                                    const struct directory_function *function,
                                    struct report *report,
                                    struct isolate_start *ret_start,
                                    struct isolate **ret_isolate)
{
    return isolates_checkout(context, function, report, ret_start, ret_isolate);
}

static void service_rebuild(void *context,
                            const struct directory_function *function,
                            enum status why,
                            const struct report *report)
{
    isolates_ask_rebuild(context, function, why, report);
}

static void service_want_artifact(void *context, const uint8_t key[DEPLOY_SHA256_BYTES])
{
    struct request_service *service = context;
    const struct channel_message message = {.type = CHANNEL_MESSAGE_ARTIFACT_WANTED,
                                            .head = bytes_make(key, DEPLOY_SHA256_BYTES)};
    bool asked = peers_send(&service->world.peers, CHANNEL_CONTROL, &message);
    (void)asked; /* else by the next request */
}

static struct isolate_tenant *service_find_memory(void *context, struct bytes tenant)
{
    return isolate_pool_tenant(context, tenant);
}

static bool service_must_yield(struct isolate_tenant *tenant)
{
    return tenant != NULL && isolate_tenant_must_yield(tenant);
}

static void service_introduce(struct request_service *service)
{
    service->names = (struct request_names){
        .find = service_find,
        .shed = service_shed,
        .find_version = service_find_version,
        .find_host = service_find_host,
        .retain = directory_retain,
        .release = directory_release,
        .generation = service_generation,
        .context = service,
    };
    service->isolates = (struct request_isolates){.checkout = service_checkout,
                                                  .give_back = isolate_pool_return,
                                                  .rebuild = service_rebuild,
                                                  .context = &service->owner};
    service->memory = (struct request_memory){.find = service_find_memory,
                                              .must_yield = service_must_yield,
                                              .measure = isolate_measure,
                                              .context = service->pool};
    service->guests = &guest_ops;
    service->bases =
        (struct isolate_bases){.open = isolates_open_base,
                               .context = (void *)(uintptr_t)service->config->data_dir,
                               .runs_native = service->config->limits.native != CONFIG_CHOICE_OFF};
    service->owner = (struct isolates_owner){.data_dir = service->config->data_dir,
                                             .bases = &service->bases,
                                             .directory = service->directory,
                                             .pool = service->pool,
                                             .metrics = service->metrics,
                                             .clock = service->clock,
                                             .want_artifact = service_want_artifact,
                                             .context = service};
}

/* ---- life ------------------------------------------------------------------------------------ */

static enum status service_create_pool(struct request_service *service)
{
    const struct config *config = service->config;
    struct isolate_pool_options options = {
        .memory_max_bytes = config_worker_memory_bytes(config),
        .tenant_memory_max_bytes = config_tenant_memory_bytes(config),
        .per_function_max = config->pool_per_function,
        .per_tenant_max = MAX(config->pool_total / POOL_TENANT_PART, config->pool_per_function),
        .total_max = config->pool_total,
        .artifacts_max = service->descriptors.artifacts,
        .trim_ns = config->pool_trim_us * CLOCK_NS_PER_US,
        .idle_max_ns = config->pool_idle_us * CLOCK_NS_PER_US,
        .ahead_max_ns = config->pool_prewarm_us * CLOCK_NS_PER_US,
        .began_ns = clock_realtime_ns(service->clock),
        .clock = service->clock,
        .limits = &config->limits,
        .ops = guest_host_ops(service->clock),
    };
    return isolate_pool_create(&options, &service->pool);
}

static void service_open_world(struct request_service *service)
{
    world_init(&service->world, request_wake, &service->loop);
    secrets_open(&service->world);
    request_open_siblings(&service->world);
    errand_open(service);
    struct metrics *metrics = service->metrics;
    world_fetch_init(&service->world, metrics);
#define OPERATION(NAME, name, text)                                                                \
    service->world.operations.gauges[OPERATION_##NAME] = &metrics->operations_##name;
#include "server/world/operations.def"
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
        .run = request_slice,
    };
    scheduler_init(&service->scheduler, &scheduling);
    service_open_world(service);
    enum status status = service_create_pool(service);
    if (status == STATUS_OK)
        status = directory_create(service->catalog, config->data_dir,
                                  (uint32_t)config->limits.cpu_share, &service->directory);
    if (status == STATUS_OK)
        status = hosts_create(service->catalog, &service->hosts);
    if (status != STATUS_OK)
        return report_fail(report, status, REPORT_OFFSET_NONE, "out of memory");
    service_introduce(service);
    return STATUS_OK;
}

void request_service_done(struct request_service *service)
{
    ASSERT(service->in_flight == 0);
    while (guest_log_turn(service))
        ;
    hosts_free(service->hosts);
    directory_free(service->directory); /* its tenants have accounts in the pool */
    isolate_pool_free(service->pool);
    world_done(&service->world);
    encoders_done(&service->encoders);
    timers_done(&service->timers);
}

/* ---- turns ----------------------------------------------------------------------------------- */

/* The next piece of what can wait, in a turn that had begun at `now`. True: there is more to do. A
 * turn is quiet if no request came since the last one in which nothing was to be run. News comes
 * first then: it says what the pool should have. */
static bool service_idle(struct request_service *service, uint64_t now)
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
    if (quiet)
        isolates_take_news(&service->news, &service->owner);
    return true;
}

static uint64_t service_wait_us(const struct request_service *service)
{
    uint64_t next = timers_next_ns(&service->timers);
    if (next == UINT64_MAX)
        return WAIT_US_MAX;
    uint64_t now = clock_monotonic_ns(service->clock);
    if (next <= now)
        return 0;
    uint64_t wait_us = (next - now + CLOCK_NS_PER_US - 1) / CLOCK_NS_PER_US;
    if (wait_us > WAIT_US_EXACT)
        wait_us -= wait_us / WAIT_EARLY_PART;
    return MIN(wait_us, WAIT_US_MAX);
}

uint64_t request_service_turn(struct request_service *service)
{
    uint64_t sent = service->answered + service->pieces;
    uint64_t began = clock_monotonic_ns(service->clock);
    timers_run(&service->timers, began, TIMERS_PER_TURN);
    scheduler_turn(&service->scheduler, SLICES_PER_TURN);
    bool logs = guest_log_turn(service);
    service->settles = false;
    if (service_idle(service, began) || logs)
        return 0;
    /* What was sent from here is written, but the loop goes on with its connection only when it
     * does not wait for sockets: the next request on it would not be one that it looks for. */
    uint64_t wait_us = service_wait_us(service);
    service->settles = wait_us > 0 && service->answered + service->pieces != sent;
    return service->settles ? 0 : wait_us;
}

void request_service_sweep(struct request_service *service)
{
    stream_sweep(service);
    directory_sweep(service->directory);
    struct isolate_pool_stats stats = isolate_pool_stats(service->pool);
    struct metrics *metrics = service->metrics;
    metrics->pool_warm = stats.warm;
    metrics->pool_in_use = stats.in_use;
    metrics->pool_functions = stats.functions;
    metrics->pool_evicted = stats.evicted;
    metrics->pool_prepared = stats.prepared;
    metrics->pool_discarded = stats.discarded;
    const uint64_t *used = isolate_pool_budget(service->pool)->kind_bytes;
    metrics->memory_isolate_bytes = used[ISOLATE_BUDGET_ISOLATE];
    metrics->memory_memory_bytes = used[ISOLATE_BUDGET_MEMORY];
    metrics->memory_heap_bytes = used[ISOLATE_BUDGET_HEAP];
    metrics->memory_stack_bytes = used[ISOLATE_BUDGET_STACK];
    metrics->memory_exchange_bytes = used[ISOLATE_BUDGET_EXCHANGE];
    metrics->slices = service->scheduler.slices;
    metrics->native_refused = service->bases.native_refused;
}
