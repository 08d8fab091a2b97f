/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libh2o's loop, set up with our limits; accepting; ending.
 *
 * Sizes are capped here before data reaches libh2o's pools, which abort when memory runs
 * out: the body by limits.body, connections by the descriptors that the process has.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "server/front/forwarded.h"
#include "server/front/h2o_guard.h"
#include "server/telemetry/log.h"

#define ACCEPTS_PER_TURN      32
#define NO_ROOM_LOG_NS        CLOCK_NS_PER_S
#define COMING_PART           4       /* of limits.worker_memory, for bodies that are coming in */
#define HTTP1_TIMEOUT_MS      3600000 /* h2o_idle.c knows better what is slow */
#define HTTP2_IDLE_TIMEOUT_MS 10000
#define HTTP2_STREAMS_MAX     100
#define HTTP2_GOAWAY_GRACE_MS 1000 /* beyond what requests may take when the server drains */

/* ---- connections ----------------------------------------------------------------------------- */

static void listen_unlink(h2o_linklist_t *link)
{
    if (h2o_linklist_is_linked(link))
        h2o_linklist_unlink(link);
}

static void listen_on_close(void *data)
{
    struct h2o_connection *connection = data;
    struct h2o_front *front = connection->front;
    listen_unlink(&connection->link);
    listen_unlink(&connection->idle_link);
    listen_unlink(&connection->ready_link);
    h2o_bodies_set(connection, 0);
    if (connection->account != NULL)
        addresses_give(&front->addresses, connection->address_key);
    front->connection_count--;
    front->service->metrics->connections = front->connection_count;
    if (connection->linger_fd >= 0)
        h2o_linger_begin(connection);
    h2o_guard_forget(connection);
    free(connection->tls_write);
    h2o_proxy_forget(connection);
    free(connection);
}

bool h2o_connection_owns(const h2o_socket_t *socket)
{
    return socket->on_close.cb == listen_on_close;
}

void h2o_connection_shut(struct h2o_connection *connection)
{
    if (connection->shut)
        return;
    connection->shut = true;
    (void)shutdown(h2o_socket_get_fd(connection->socket), SHUT_RDWR);
}

void h2o_connection_reset_at_close(const struct h2o_connection *connection)
{
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    (void)setsockopt(h2o_socket_get_fd(connection->socket), SOL_SOCKET, SO_LINGER, &at_once,
                     sizeof(at_once));
}

/* Thousands of connections may meet this in a second: one of them tells. */
static void listen_tell_no_room(struct h2o_front *front)
{
    uint64_t now_ns = clock_monotonic_ns(front->service->clock);
    if (front->no_room_ns != 0 && now_ns - front->no_room_ns < NO_ROOM_LOG_NS)
        return;
    front->no_room_ns = now_ns;
    log_message("error", "no_descriptors",
                "no room for more than %u connections: raise `ulimit -n`, then restart",
                front->connection_count);
}

bool h2o_connection_count(struct h2o_connection *connection)
{
    struct h2o_front *front = connection->front;
    struct sockaddr_storage peer;
    struct sockaddr *address = (struct sockaddr *)&peer;
    if (h2o_socket_getpeername(connection->socket, address) == 0 ||
        !addresses_key_of(address, &connection->address_key))
        return true;
    /* A balancer's own address is nobody's. */
    if (!connection->is_balanced && config_speaks_proxy(front->service->config, address)) {
        connection->is_balanced = true;
        return true;
    }
    connection->is_proxied = config_trusts(front->service->config, address);
    if (connection->is_proxied || addresses_is_loopback(address))
        return true;
    /* One address never has them all. */
    uint64_t max = MIN(front->service->config->limits.connections_per_address,
                       (uint64_t)front->connection_max / 2);
    if (!addresses_take(&front->addresses, connection->address_key, max))
        return false;
    connection->account = addresses_account(&front->addresses, connection->address_key);
    return true;
}

static struct h2o_connection *listen_make(struct h2o_front *front, h2o_socket_t *socket)
{
    struct metrics *metrics = front->service->metrics;
    struct h2o_connection *connection = NULL;
    bool has_room = front->connection_count < front->connection_max;
    if (!has_room) {
        listen_tell_no_room(front);
        has_room = h2o_idle_evict(front);
    }
    if (has_room)
        connection = calloc(1, sizeof(*connection));
    if (connection == NULL) {
        metrics->connections_refused++;
        return NULL;
    }
    connection->front = front;
    connection->socket = socket;
    connection->linger_fd = -1;
    connection->left_loop_fd = -1;
    if (h2o_connection_count(connection))
        return connection;
    metrics->connections_refused_address++;
    free(connection);
    return NULL;
}

bool h2o_connection_adopt(struct h2o_front *front, h2o_socket_t *socket)
{
    struct h2o_connection *connection = listen_make(front, socket);
    if (connection == NULL) {
        h2o_socket_close(socket);
        return false;
    }
    h2o_linklist_init_anchor(&connection->held);
    h2o_linklist_insert(&front->connections, &connection->link);
    h2o_idle_begin(connection);
    front->connection_count++;
    front->service->metrics->connections = front->connection_count;
    socket->on_close.cb = listen_on_close;
    socket->on_close.data = connection;
    return true;
}

static void listen_begin(const struct h2o_listener *listener, h2o_socket_t *socket)
{
    struct h2o_front *front = listener->front;
    h2o_accept_ctx_t *accept = listener->is_tls ? &front->accept_tls : &front->accept;
    if (!h2o_connection_adopt(front, socket))
        return;
    struct h2o_connection *connection = socket->on_close.data;
    if (UNLIKELY(connection->is_balanced))
        h2o_proxy_begin(connection, accept);
    else
        h2o_accept(accept, socket);
}

/* True if there may be more. */
static bool listen_accept_one(const struct h2o_listener *listener)
{
    struct h2o_front *front = listener->front;
    h2o_socket_t *socket = h2o_evloop_socket_accept(listener->socket);
    if (socket == NULL) {
        if (errno == EMFILE || errno == ENFILE) {
            listen_tell_no_room(front);
            (void)h2o_idle_evict(front);
        }
        return false;
    }
    listen_begin(listener, socket);
    return true;
}

static void listen_on_accept(h2o_socket_t *socket, const char *err)
{
    const struct h2o_listener *listener = socket->data;
    struct h2o_front *front = listener->front;
    if (err != NULL)
        return;
    request_service_heard(front->service, clock_monotonic_ns(front->service->clock));
    for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
        if (!listen_accept_one(listener))
            return;
    }
}

void h2o_listen_adopt(struct h2o_front *front, int fd, uint32_t listener)
{
    int on = 1;
    ASSERT(listener < FRONT_LISTENERS_MAX);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    h2o_socket_t *socket =
        h2o_evloop_socket_create(front->loop, fd, H2O_SOCKET_FLAG_IS_ACCEPTED_CONNECTION);
    listen_begin(&front->listeners[listener], socket);
}

/* ---- set-up ---------------------------------------------------------------------------------- */

static void listen_look_at_clock(struct h2o_front *front)
{
    front->now_s = (uint32_t)(clock_monotonic_ns(front->service->clock) / CLOCK_NS_PER_S);
}

static void listen_configure(struct h2o_front *front)
{
    const struct config_limits *limits = &front->service->config->limits;
    h2o_globalconf_t *config = &front->config;
    h2o_config_init(config);
    config->server_name = h2o_iovec_init(NULL, 0);
    /* The guard refuses what is over the limits, and before libh2o would. */
    config->max_request_entity_size = limits->body + 1;
    front->rules = (struct http1_rules){
        .head_bytes_max = MIN(limits->headers, (uint64_t)H2O_MAX_REQLEN - 1),
        .body_bytes_max = limits->body,
    };
    front->is_https = forwarded_public_is_https(front->service->config);
    h2o_socket_buffer_mmap_settings.threshold = SIZE_MAX; /* never a file in the temp directory */
    config->http1.req_timeout = HTTP1_TIMEOUT_MS;
    config->http1.upgrade_to_http2 = front->service->config->h2c;
    config->http2.idle_timeout = HTTP2_IDLE_TIMEOUT_MS;
    config->http2.max_concurrent_requests_per_connection = HTTP2_STREAMS_MAX;
    config->http2.graceful_shutdown_timeout =
        MAX(limits->wall, limits->drain_grace) / 1000 + HTTP2_GOAWAY_GRACE_MS;
    h2o_hostconf_t *host =
        h2o_config_register_host(config, h2o_iovec_init(H2O_STRLIT("default")), 65535);
    h2o_exchange_register(front, host);
}

/* What the configuration says of a listener. */
static void listen_prepare(struct h2o_front *front, uint32_t at)
{
    struct h2o_listener *listener = &front->listeners[at];
    struct config_address address;
    const char *text = config_listen_address(front->service->config->listen[at], &listener->is_tls);
    listener->front = front;
    if (listener->is_tls && front->https_port[0] == '\0' && config_address_parse(text, &address) &&
        address.port != 443)
        (void)snprintf(front->https_port, sizeof(front->https_port), ":%u", address.port);
}

enum status h2o_listen_create(struct request_service *service,
                              const int *fds,
                              uint32_t count,
                              struct report *report,
                              struct h2o_front **ret_front)
{
    ASSERT(count <= FRONT_LISTENERS_MAX);
    struct h2o_front *front = calloc(1, sizeof(*front));
    if (front == NULL)
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "out of memory");
    front->service = service;
    listen_look_at_clock(front);
    front->connection_max = service->descriptors.connections;
    front->coming_max = config_worker_memory_bytes(service->config) / COMING_PART;
    h2o_linklist_init_anchor(&front->connections);
    h2o_linklist_init_anchor(&front->idle);
    h2o_linklist_init_anchor(&front->ready);
    h2o_linklist_init_anchor(&front->signed_ones);
    h2o_linklist_init_anchor(&front->unsent);
    h2o_linklist_init_anchor(&front->lingering);
    h2o_guard_init();
    listen_configure(front);
    front->loop = h2o_evloop_create();
    h2o_context_init(&front->context, front->loop, &front->config);
    front->accept = (h2o_accept_ctx_t){.ctx = &front->context, .hosts = front->config.hosts};
    enum status status = h2o_hangup_init(front, report);
    for (uint32_t i = 0; i < count; i++) {
        if (fds[i] >= 0)
            listen_prepare(front, i);
    }
    front->has_tls = config_speaks_tls(service->config);
    if (front->has_tls && status == STATUS_OK)
        status = h2o_tls_init(front, report);
    for (uint32_t i = 0; i < count && status == STATUS_OK; i++) {
        struct h2o_listener *listener = &front->listeners[i];
        front->listener_count++;
        if (fds[i] < 0)
            continue;
        listener->socket = h2o_evloop_socket_create(front->loop, fds[i], H2O_SOCKET_FLAG_DONT_READ);
        listener->socket->data = listener;
        h2o_socket_read_start(listener->socket, listen_on_accept);
    }
    *ret_front = front;
    return status;
}

void h2o_listen_run(struct h2o_front *front, uint64_t wait_us)
{
    h2o_wait_run(front->loop, wait_us, !front->service->settles);
    h2o_tls_turn(front);
    h2o_unread_turn(front);
}

/* ---- other descriptors ----------------------------------------------------------------------- */

static void listen_on_ready(h2o_socket_t *socket, const char *err)
{
    const struct h2o_watch *watch = socket->data;
    if (err == NULL)
        watch->ready(watch->context);
}

struct h2o_watch *
h2o_listen_watch(struct h2o_front *front, int fd, void (*ready)(void *context), void *context)
{
    uint32_t at = 0;
    while (at < FRONT_WATCHES_MAX && front->watches[at].socket != NULL)
        at++;
    ASSERT(at < FRONT_WATCHES_MAX);
    struct h2o_watch *watch = &front->watches[at];
    watch->ready = ready;
    watch->context = context;
    watch->socket = h2o_evloop_socket_create(front->loop, fd, H2O_SOCKET_FLAG_DONT_READ);
    watch->socket->data = watch;
    h2o_socket_read_start(watch->socket, listen_on_ready);
    return watch;
}

void h2o_listen_unwatch(struct h2o_watch *watch)
{
    h2o_socket_read_stop(watch->socket);
    h2o_socket_close(watch->socket);
    watch->socket = NULL;
}

/* ---- ending ---------------------------------------------------------------------------------- */

void h2o_listen_drain(struct h2o_front *front)
{
    for (uint32_t i = 0; i < front->listener_count; i++) {
        const struct h2o_listener *listener = &front->listeners[i];
        if (listener->socket == NULL)
            continue;
        for (int n = 0; n < H2O_SOMAXCONN && listen_accept_one(listener); n++)
            ;
        h2o_socket_read_stop(listener->socket);
        h2o_socket_close(listener->socket);
    }
    front->listener_count = 0;
    h2o_context_request_shutdown(&front->context);
}

uint32_t h2o_listen_unsent(const struct h2o_front *front)
{
    return front->exchange_count;
}

uint32_t h2o_listen_connections(const struct h2o_front *front)
{
    return front->connection_count;
}

void h2o_listen_sweep(struct h2o_front *front)
{
    listen_look_at_clock(front);
    h2o_unread_sweep(front);
    h2o_guard_sweep(front);
    h2o_idle_sweep(front);
    h2o_linger_sweep(front);
    addresses_sweep(&front->addresses, front->now_s);
}

void h2o_listen_abort(struct h2o_front *front)
{
    for (h2o_linklist_t *node = front->connections.next; node != &front->connections;
         node = node->next)
        h2o_connection_shut(H2O_STRUCT_FROM_MEMBER(struct h2o_connection, link, node));
}
