/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections of a balancer, until they have said whose they are.
 *
 *   accepted --> peek: a part of the header? take it, wait --> whole: take no byte more, and go on
 * as |                                            the client's connection
 *                  +-- no header: closed
 *
 * Nothing of what follows the header is read here: TLS and HTTP find it in the socket.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "server/front/h2o_guard.h"
#include "server/front/proxy_header.h"

struct h2o_proxy {
    h2o_accept_ctx_t *accept; /* what it goes on with */
    size_t count;
    uint8_t bytes[PROXY_HEADER_BYTES_MAX];
};

void h2o_proxy_forget(struct h2o_connection *connection)
{
    free(connection->proxy);
    connection->proxy = NULL;
}

static void proxy_go_on(struct h2o_connection *connection, struct sockaddr *client, socklen_t bytes)
{
    h2o_socket_t *socket = connection->socket;
    h2o_accept_ctx_t *accept = connection->proxy->accept;
    h2o_proxy_forget(connection);
    h2o_socket_read_stop(socket);
    h2o_socket_dont_read(socket, 0);
    if (client->sa_family != AF_UNSPEC) {
        h2o_socket_setpeername(socket, client, bytes);
        if (!h2o_connection_count(connection)) {
            connection->front->service->metrics->connections_refused_address++;
            h2o_socket_close(socket);
            return;
        }
    }
    h2o_accept(accept, socket);
}

/* What was peeked at beyond `count` bytes is taken out of the socket. */
static bool proxy_take(struct h2o_connection *connection, size_t count)
{
    struct h2o_proxy *proxy = connection->proxy;
    size_t wanted = count - proxy->count;
    ssize_t got = recv(h2o_socket_get_fd(connection->socket), proxy->bytes + proxy->count, wanted,
                       MSG_DONTWAIT);
    proxy->count += wanted;
    return got == (ssize_t)wanted;
}

static void proxy_on_read(h2o_socket_t *socket, const char *err)
{
    struct h2o_connection *connection = socket->on_close.data;
    struct h2o_proxy *proxy = connection->proxy;
    struct sockaddr_storage client;
    socklen_t client_bytes;
    size_t bytes = 0;
    enum proxy_outcome outcome = PROXY_BAD;
    ssize_t got = err != NULL ? 0
                              : recv(h2o_socket_get_fd(socket), proxy->bytes + proxy->count,
                                     sizeof(proxy->bytes) - proxy->count, MSG_PEEK | MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got > 0)
        outcome = proxy_header_parse(bytes_make(proxy->bytes, proxy->count + (size_t)got), &client,
                                     &client_bytes, &bytes);
    if (outcome == PROXY_INCOMPLETE)
        bytes = proxy->count + (size_t)got;
    if (outcome == PROXY_BAD || !proxy_take(connection, bytes)) {
        connection->front->service->metrics->proxy_headers_bad++;
        h2o_socket_close(socket);
    } else if (outcome == PROXY_COMPLETE) {
        proxy_go_on(connection, (struct sockaddr *)&client, client_bytes);
    }
}

void h2o_proxy_begin(struct h2o_connection *connection, h2o_accept_ctx_t *accept)
{
    connection->proxy = calloc(1, sizeof(*connection->proxy));
    if (connection->proxy == NULL) {
        h2o_socket_close(connection->socket);
        return;
    }
    connection->proxy->accept = accept;
    h2o_socket_dont_read(connection->socket, 1);
    h2o_guard.read_start(connection->socket, proxy_on_read);
}
