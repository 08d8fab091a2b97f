/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tenant's connections: a curl multi handle on our event loop.
 *
 * A multi handle owns the connections that its fetches made and keeps some for the next ones; with
 * one for each tenant, none ever sends a request over what another authenticated or pays for
 * another's limits. It lives POOL_IDLE_NS longer than the last fetch.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/egress/private.h"

struct pool_socket {
    struct event event;
    struct egress_pool *pool;
};

/* Of what curl has finished. */
static void pool_drain(struct egress_pool *pool)
{
    CURLMsg *message;
    int left;
    pool->draining = true;
    while ((message = curl_multi_info_read(pool->multi, &left)) != NULL) {
        if (message->msg != CURLMSG_DONE)
            continue;
        struct egress_fetch *fetch = NULL;
        CURLcode code = message->data.result;
        (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&fetch);
        egress_fetch_hop_over(fetch, code);
    }
    pool->draining = false;
}

void egress_pool_kick(struct egress_pool *pool)
{
    int running;
    if (pool->draining)
        return; /* its timer was set to now */
    (void)curl_multi_socket_action(pool->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    pool_drain(pool);
}

static void pool_on_timer(evutil_socket_t fd, short events, void *context)
{
    (void)fd;
    (void)events;
    egress_pool_kick(context);
}

static void pool_on_socket(evutil_socket_t fd, short events, void *context)
{
    struct egress_pool *pool = ((struct pool_socket *)context)->pool;
    int running;
    int actions = ((events & EV_READ) != 0 ? CURL_CSELECT_IN : 0) |
                  ((events & EV_WRITE) != 0 ? CURL_CSELECT_OUT : 0);
    (void)curl_multi_socket_action(pool->multi, fd, actions, &running);
    pool_drain(pool);
}

/* ---- what curl wants to hear of ----------------------------------------------------------------
 */

static int pool_set_timer(CURLM *multi, long timeout_ms, void *context)
{
    (void)multi;
    struct egress_pool *pool = context;
    if (timeout_ms < 0) {
        (void)evtimer_del(&pool->timer);
        return 0;
    }
    const struct timeval wait = {.tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000};
    return evtimer_add(&pool->timer, &wait);
}

static int pool_set_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *assigned)
{
    struct egress_pool *pool = context;
    struct pool_socket *row = assigned;
    struct egress_fetch *fetch = NULL;
    (void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&fetch);
    if ((what & CURL_POLL_IN) == 0 && fetch != NULL)
        egress_hop_reads_no_more(fetch, fd);
    if (what == CURL_POLL_REMOVE) {
        if (row != NULL)
            (void)event_del(&row->event);
        free(row);
        return 0;
    }
    if (row == NULL) {
        row = calloc(1, sizeof(*row));
        if (row == NULL || curl_multi_assign(pool->multi, fd, row) != CURLM_OK) {
            free(row);
            return -1;
        }
        row->pool = pool;
    } else {
        (void)event_del(&row->event);
    }
    short events = (short)(((what & CURL_POLL_IN) != 0 ? EV_READ : 0) |
                           ((what & CURL_POLL_OUT) != 0 ? EV_WRITE : 0) | EV_PERSIST);
    (void)event_assign(&row->event, pool->engine->options.base, fd, events, pool_on_socket, row);
    return event_add(&row->event, NULL);
}

/* ---- life ------------------------------------------------------------------------------------ */

static bool pool_set_up(struct egress_pool *pool)
{
    CURLM *multi = pool->multi = curl_multi_init();
    CURLSH *share = pool->share = curl_share_init();
    (void)evtimer_assign(&pool->timer, pool->engine->options.base, pool_on_timer, pool);
    return multi != NULL && share != NULL &&
           curl_share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION) == CURLSHE_OK &&
           curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, pool_set_socket) == CURLM_OK &&
           curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, pool) == CURLM_OK &&
           curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, pool_set_timer) == CURLM_OK &&
           curl_multi_setopt(multi, CURLMOPT_TIMERDATA, pool) == CURLM_OK &&
           curl_multi_setopt(multi, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX) == CURLM_OK &&
           curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, POOL_KEPT_MAX) == CURLM_OK &&
           curl_multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, POOL_CONNECTIONS_MAX) ==
               CURLM_OK &&
           curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS, POOL_PER_HOST_MAX) == CURLM_OK;
}

void egress_pool_free(struct egress_pool *pool)
{
    ASSERT(pool->fetches == 0 && !pool->draining);
    if (list_is_linked(&pool->link)) {
        list_remove(&pool->link);
        pool->engine->stats.pools--;
    }
    (void)curl_multi_cleanup(pool->multi);
    (void)curl_share_cleanup(pool->share);
    (void)evtimer_del(&pool->timer);
    free(pool);
}

/* The one that was unused the longest; NULL if all are in use. */
static struct egress_pool *pool_oldest_idle(const struct egress_engine *engine)
{
    struct egress_pool *oldest = NULL;
    LIST_FOREACH(pool, &engine->pools, struct egress_pool, link) {
        if (pool->fetches == 0)
            oldest = pool;
    }
    return oldest;
}

static struct egress_pool *pool_create(struct egress_engine *engine, struct bytes tenant)
{
    if (engine->stats.pools >= ENGINE_POOLS_MAX) {
        struct egress_pool *oldest = pool_oldest_idle(engine);
        if (oldest == NULL)
            return NULL;
        egress_pool_free(oldest);
    }
    struct egress_pool *pool = calloc(1, sizeof(*pool));
    if (pool == NULL)
        return NULL;
    pool->engine = engine;
    memcpy(pool->tenant, tenant.data, tenant.count);
    if (!pool_set_up(pool)) {
        egress_pool_free(pool);
        return NULL;
    }
    pool->idle_since_ns = clock_monotonic_ns(engine->options.clock);
    list_prepend(&engine->pools, &pool->link);
    engine->stats.pools++;
    return pool;
}

struct egress_pool *egress_pool_of(struct egress_engine *engine, struct bytes tenant)
{
    if (tenant.count == 0 || tenant.count >= ENGINE_TENANT_BYTES)
        return NULL;
    LIST_FOREACH(pool, &engine->pools, struct egress_pool, link) {
        if (!bytes_equal_text(tenant, pool->tenant))
            continue;
        list_remove(&pool->link);
        list_prepend(&engine->pools, &pool->link);
        return pool;
    }
    return pool_create(engine, tenant);
}

void egress_pools_sweep(struct egress_engine *engine)
{
    uint64_t now = clock_monotonic_ns(engine->options.clock);
    LIST_FOREACH(pool, &engine->pools, struct egress_pool, link) {
        if (pool->fetches == 0 && now - pool->idle_since_ns >= POOL_IDLE_NS)
            egress_pool_free(pool);
    }
}

bool egress_pool_add(struct egress_fetch *fetch)
{
    return curl_easy_setopt(fetch->easy, CURLOPT_SHARE, fetch->pool->share) == CURLE_OK &&
           curl_multi_add_handle(fetch->pool->multi, fetch->easy) == CURLM_OK;
}

void egress_pool_remove(struct egress_fetch *fetch)
{
    (void)curl_multi_remove_handle(fetch->pool->multi, fetch->easy);
}
