/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers that clients have not read yet: each is memory that its client decides about.
 *
 *   answered --> room for it? --no--> 503 in its place
 *                     | yes
 *                     v
 *                 under way --sent, or the client is gone--> done
 *                     | its connection took less than 16 KiB in 20 s
 *                     v
 *                 the connection is shut
 *
 * There is room for one answer on each connection, whatever its size; beyond that, by connection,
 * tenant and worker. On HTTP/2 further requests of a connection wait until it has read what it
 * asked for: a client that reads is not refused, and one that does not costs one answer.
 *
 * Of an answer in pieces only the one in flight is unread; while there is none, it is paused: then
 * it is the guest that takes its time.
 *
 * How far a client is: HTTP/1, what the kernel says it acknowledged; HTTP/2, the data that its
 * windows let out, because PINGs are acknowledged too.
 */
#include <stdio.h>
#include <sys/socket.h>

#include "server/front/h2o_guard.h"
#include "server/front/tcp_acked.h"
#include "server/telemetry/log.h"

#define FREE_BYTES           4096 /* a body that is not counted: it is not more than what is around it */
#define HOLD_BYTES           (UINT64_C(1) << 20)  /* unread on a connection: its requests wait */
#define CONNECTION_BYTES_MAX (UINT64_C(32) << 20) /* ... of requests that ran side by side */
#define WORKER_FACTOR        4                    /* limits.unread is one tenant's */
#define PROGRESS_BYTES       16384
#define PROGRESS_S           20
#define PROGRESS_UNKNOWN     UINT64_MAX

static uint64_t *unread_of_tenant(const struct request *request)
{
    return request->function != NULL ? &request->function->tenant->unread_bytes : NULL;
}

/* ---- room ------------------------------------------------------------------------------------ */

bool h2o_unread_has_room(const struct h2o_exchange *exchange, uint64_t body_bytes)
{
    if (LIKELY(body_bytes <= FREE_BYTES))
        return true;
    const struct h2o_connection *connection = exchange->connection;
    const struct h2o_front *front = connection->front;
    uint64_t tenant_max = front->service->config->limits.unread;
    const uint64_t *tenant_bytes = unread_of_tenant(&exchange->request);
    if (connection->unread_bytes > 0 &&
        connection->unread_bytes + body_bytes > CONNECTION_BYTES_MAX)
        return false;
    if (tenant_bytes != NULL && *tenant_bytes > 0 && *tenant_bytes + body_bytes > tenant_max)
        return false;
    return front->unread_bytes == 0 ||
           front->unread_bytes + body_bytes <= tenant_max * WORKER_FACTOR;
}

static void unread_add(struct h2o_exchange *exchange, uint64_t bytes)
{
    uint64_t *tenant_bytes = unread_of_tenant(&exchange->request);
    exchange->connection->unread_bytes += bytes;
    exchange->connection->front->unread_bytes += bytes;
    if (tenant_bytes != NULL)
        *tenant_bytes += bytes;
    exchange->connection->front->service->metrics->unread_bytes =
        exchange->connection->front->unread_bytes;
}

/* Something is to be read of one answer more. */
static void unread_count_answer(struct h2o_connection *connection)
{
    if (connection->answer_count++ > 0)
        return;
    connection->progress_s = connection->front->now_s;
    connection->progress_mark = PROGRESS_UNKNOWN;
}

static void unread_count_bytes(struct h2o_exchange *exchange, uint64_t bytes)
{
    if (LIKELY(bytes <= FREE_BYTES))
        return;
    exchange->unread_bytes = bytes;
    unread_add(exchange, bytes);
}

/* What was counted has been read, or never will be. */
static void unread_uncount_bytes(struct h2o_exchange *exchange)
{
    struct h2o_connection *connection = exchange->connection;
    if (LIKELY(exchange->unread_bytes == 0))
        return;
    unread_add(exchange, -exchange->unread_bytes);
    exchange->unread_bytes = 0;
    if (connection->unread_bytes < HOLD_BYTES && !h2o_linklist_is_empty(&connection->held) &&
        !h2o_linklist_is_linked(&connection->ready_link))
        h2o_linklist_insert(&connection->front->ready, &connection->ready_link);
}

void h2o_unread_begin(struct h2o_exchange *exchange)
{
    unread_count_answer(exchange->connection);
    h2o_linklist_insert(&exchange->connection->front->unsent, &exchange->link);
    unread_count_bytes(exchange, exchange->request.response.body.count);
}

void h2o_unread_piece(struct h2o_exchange *exchange, uint64_t bytes)
{
    if (exchange->is_paused)
        unread_count_answer(exchange->connection);
    exchange->is_paused = false;
    unread_count_bytes(exchange, bytes);
}

void h2o_unread_pause(struct h2o_exchange *exchange)
{
    exchange->is_paused = true;
    exchange->connection->answer_count--;
    unread_uncount_bytes(exchange);
}

void h2o_unread_end(struct h2o_exchange *exchange)
{
    struct h2o_connection *connection = exchange->connection;
    if (!h2o_linklist_is_linked(&exchange->link))
        return;
    h2o_linklist_unlink(&exchange->link);
    if (exchange->is_held)
        return;
    if (!exchange->is_paused)
        connection->answer_count--;
    connection->sent_bytes += exchange->req->bytes_sent;
    unread_uncount_bytes(exchange);
}

/* ---- requests that wait ---------------------------------------------------------------------- */

bool h2o_unread_hold(struct h2o_exchange *exchange)
{
    struct h2o_connection *connection = exchange->connection;
    if (connection->unread_bytes < HOLD_BYTES)
        return false;
    exchange->is_held = true;
    h2o_linklist_insert(&connection->held, &exchange->link);
    return true;
}

/* Not from where an answer ends: libh2o is in the middle of its stream there. */
void h2o_unread_turn(struct h2o_front *front)
{
    while (!h2o_linklist_is_empty(&front->ready)) {
        struct h2o_connection *connection =
            H2O_STRUCT_FROM_MEMBER(struct h2o_connection, ready_link, front->ready.next);
        h2o_linklist_unlink(&connection->ready_link);
        while (!h2o_linklist_is_empty(&connection->held) && connection->unread_bytes < HOLD_BYTES) {
            struct h2o_exchange *exchange =
                H2O_STRUCT_FROM_MEMBER(struct h2o_exchange, link, connection->held.next);
            h2o_linklist_unlink(&exchange->link);
            exchange->is_held = false;
            h2o_exchange_start(exchange);
        }
        h2o_bodies_count(connection);
    }
}

/* ---- progress -------------------------------------------------------------------------------- */

static void unread_shut(struct h2o_connection *connection)
{
    struct metrics *metrics = connection->front->service->metrics;
    char detail[96];
    metrics->slow_clients++;
    (void)snprintf(detail, sizeof(detail), "%llu bytes of answers wait to be read",
                   (unsigned long long)connection->unread_bytes);
    h2o_guard_log(connection, "slow_client", "no_progress", bytes_of_text(detail));
    h2o_connection_reset_at_close(connection);
    h2o_connection_shut(connection);
}

/* `bytes`: all that its client has read. */
static void unread_judge(struct h2o_connection *connection, uint64_t bytes)
{
    uint32_t now_s = connection->front->now_s;
    if (connection->progress_mark == PROGRESS_UNKNOWN) {
        connection->progress_mark = bytes;
    } else if (bytes - connection->progress_mark >= PROGRESS_BYTES) {
        connection->progress_mark = bytes;
        connection->progress_s = now_s;
    } else if (now_s - connection->progress_s > PROGRESS_S && !connection->shut) {
        unread_shut(connection);
    }
}

void h2o_unread_sweep(struct h2o_front *front)
{
    h2o_linklist_t *node;
    for (node = front->unsent.next; node != &front->unsent; node = node->next) {
        struct h2o_exchange *exchange = H2O_STRUCT_FROM_MEMBER(struct h2o_exchange, link, node);
        exchange->connection->swept_bytes = exchange->connection->sent_bytes;
    }
    for (node = front->unsent.next; node != &front->unsent; node = node->next) {
        struct h2o_exchange *exchange = H2O_STRUCT_FROM_MEMBER(struct h2o_exchange, link, node);
        struct h2o_connection *connection = exchange->connection;
        if (exchange->req->version >= 0x200)
            connection->swept_bytes += exchange->req->bytes_sent;
        else if (!exchange->is_paused)
            connection->swept_bytes = tcp_acked_bytes(h2o_socket_get_fd(connection->socket));
    }
    for (node = front->unsent.next; node != &front->unsent; node = node->next) {
        struct h2o_exchange *exchange = H2O_STRUCT_FROM_MEMBER(struct h2o_exchange, link, node);
        if (!exchange->is_paused)
            unread_judge(exchange->connection, exchange->connection->swept_bytes);
    }
}
