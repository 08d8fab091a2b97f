/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine: what all fetches share.
 */
#include <stdlib.h>
#include <string.h>

#include "server/egress/private.h"

#define ENGINE_SWEEP_S 5

static void engine_on_sweep(evutil_socket_t fd, short events, void *context)
{
    (void)fd;
    (void)events;
    egress_pools_sweep(context);
}

static enum status engine_set_up(struct egress_engine *engine, struct report *report)
{
    const struct timeval interval = {.tv_sec = ENGINE_SWEEP_S};
    const struct egress_options *options = &engine->options;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "libcurl cannot begin");
    enum status status = address_policy_init(&engine->policy, options->allow_private);
    ASSERT(status == STATUS_OK);
    status = address_policy_init(&engine->operators, true);
    ASSERT(status == STATUS_OK);
    (void)event_assign(&engine->sweep, options->base, -1, EV_PERSIST, engine_on_sweep, engine);
    if (event_add(&engine->sweep, &interval) != 0)
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "out of memory");
    return resolver_create(options->base, options->clock, options->nameserver, report,
                           &engine->resolver);
}

enum status egress_engine_create(const struct egress_options *options,
                                 struct report *report,
                                 struct egress_engine **ret_engine)
{
    struct egress_engine *engine = calloc(1, sizeof(*engine));
    if (engine == NULL)
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "out of memory");
    engine->options = *options;
    enum status status = engine_set_up(engine, report);
    if (status == STATUS_OK)
        *ret_engine = engine;
    else
        egress_engine_free(engine);
    return status;
}

void egress_engine_free(struct egress_engine *engine)
{
    if (engine == NULL)
        return;
    LIST_FOREACH(fetch, &engine->fetches, struct egress_fetch, link)
        egress_fetch_cancel(fetch);
    LIST_FOREACH(pool, &engine->pools, struct egress_pool, link)
        egress_pool_free(pool);
    while (engine->handle_count > 0)
        curl_easy_cleanup(engine->handles[--engine->handle_count]);
    egress_pool_forget_sockets(engine);
    resolver_free(engine->resolver);
    (void)event_del(&engine->sweep);
    curl_global_cleanup();
    free(engine);
}

struct egress_stats egress_engine_stats(const struct egress_engine *engine)
{
    return engine->stats;
}
