/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tenant's connections: a curl multi handle on our event loop.
 *
 * A multi handle owns the connections that its fetches made and keeps some for the next ones; with
 * one for each tenant, none ever sends a request over what another authenticated or pays for
 * another's limits. It lives POOL_IDLE_NS longer than the last fetch.
 *
 * curl wants to hear of a connection while a fetch has it, and says so anew for each. The loop goes
 * on waiting for its bytes between two fetches, which saves two system calls of each; if some come
 * then, it stops, and curl finds them when it looks at the connection again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/egress/private.h"

/* A socket of curl's, from its first use to its end. */
struct pool_socket {
    struct event event;
    struct egress_pool *pool;
    short watched; /* what the loop waits for, or 0 */
    bool wanted;   /* curl wants to hear of it */
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

static void pool_on_socket(evutil_socket_t fd, short events, void *context);

static void pool_watch(struct pool_socket *row, short events)
{
    if (row->watched == events)
        return;
    if (row->watched != 0)
        (void)event_del(&row->event);
    row->watched = 0;
    if (events == 0)
        return;
    evutil_socket_t fd = event_get_fd(&row->event);
    (void)event_assign(&row->event, row->pool->engine->options.base, fd,
                       (short)(events | EV_PERSIST), pool_on_socket, row);
    if (event_add(&row->event, NULL) == 0)
        row->watched = events;
}

static void pool_on_socket(evutil_socket_t fd, short events, void *context)
{
    struct pool_socket *row = context;
    struct egress_pool *pool = row->pool;
    int running;
    if (!row->wanted) {
        pool_watch(row, 0);
        return;
    }
    int actions = ((events & EV_READ) != 0 ? CURL_CSELECT_IN : 0) |
                  ((events & EV_WRITE) != 0 ? CURL_CSELECT_OUT : 0);
    (void)curl_multi_socket_action(pool->multi, fd, actions, &running);
    pool_drain(pool);
}

/* ---- its sockets ----------------------------------------------------------------------------- */

static struct pool_socket *pool_socket_of(const struct egress_engine *engine, curl_socket_t fd)
{
    return (size_t)fd < engine->socket_max ? engine->sockets[fd] : NULL;
}

static bool pool_has_place(struct egress_engine *engine, size_t index)
{
    if (index < engine->socket_max)
        return true;
    size_t max = MAX(2 * engine->socket_max, index + 1);
    struct pool_socket **sockets = reallocarray(engine->sockets, max, sizeof(sockets[0]));
    if (sockets == NULL)
        return false;
    memset(sockets + engine->socket_max, 0, (max - engine->socket_max) * sizeof(sockets[0]));
    engine->sockets = sockets;
    engine->socket_max = max;
    return true;
}

/* curl says nothing when it closes one that was never connected: then another has its number when
 * it is forgotten, of which the loop does not know yet. */
static void pool_forget_socket(struct egress_engine *engine, curl_socket_t fd)
{
    struct pool_socket *row = pool_socket_of(engine, fd);
    if (row == NULL)
        return;
    pool_watch(row, 0);
    engine->sockets[fd] = NULL;
    free(row);
}

curl_socket_t egress_pool_open_socket(struct egress_pool *pool, const struct curl_sockaddr *address)
{
    struct egress_engine *engine = pool->engine;
    curl_socket_t fd = socket(address->family, address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
                              address->protocol);
    if (fd < 0)
        return CURL_SOCKET_BAD;
    struct pool_socket *row = pool_has_place(engine, (size_t)fd) ? calloc(1, sizeof(*row)) : NULL;
    if (row == NULL) {
        (void)close(fd);
        return CURL_SOCKET_BAD;
    }
    pool_forget_socket(engine, fd);
    engine->sockets[fd] = row;
    row->pool = pool;
    (void)event_assign(&row->event, engine->options.base, fd, 0, pool_on_socket, row);
    return fd;
}

int egress_pool_close_socket(void *context, curl_socket_t fd)
{
    pool_forget_socket(context, fd);
    return close(fd);
}

void egress_pool_forget_sockets(struct egress_engine *engine)
{
    for (size_t fd = 0; fd < engine->socket_max; fd++)
        pool_forget_socket(engine, (curl_socket_t)fd);
    free(engine->sockets);
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
    (void)assigned;
    struct egress_fetch *fetch = NULL;
    (void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&fetch);
    if ((what & CURL_POLL_IN) == 0 && fetch != NULL)
        egress_hop_reads_no_more(fetch, fd);
    struct pool_socket *row = pool_socket_of(((struct egress_pool *)context)->engine, fd);
    if (row == NULL)
        return -1; /* none that was opened here */
    row->wanted = what != CURL_POLL_REMOVE;
    if (row->wanted)
        pool_watch(row, (short)(((what & CURL_POLL_IN) != 0 ? EV_READ : 0) |
                                ((what & CURL_POLL_OUT) != 0 ? EV_WRITE : 0)));
    else if (row->watched != EV_READ)
        pool_watch(row, 0);
    return row->wanted && row->watched == 0 ? -1 : 0;
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
