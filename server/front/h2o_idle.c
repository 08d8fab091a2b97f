/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections on which no request runs, the longest idle first.
 *
 *   accepted --> idle --a request--> (not in the list) --its answer is out--> idle, at the end
 *                 | |
 *                 | +-- a body is coming in, and 16 KiB of it came since: goes to the end
 *                 +---- too long: HTTP/1 is shut, HTTP/2 is told to go, and shut if it does not
 *
 * That bytes come is no reason to stay: PING, and a head a byte at a time, are bytes too. Time is
 * counted in the seconds of the sweep. When the server is full, the first of the list makes room.
 */
#include "server/front/h2o_guard.h"

#define IDLE_S         10    /* between requests, and for a head to come in */
#define BODY_S         20    /* for so much of a body, or of anything on HTTP/2 */
#define PROGRESS_BYTES 16384 /* ... */
#define EVICTED_MAX    64    /* that may be on their way out at once */

static struct h2o_connection *idle_first(const struct h2o_front *front)
{
    if (h2o_linklist_is_empty((h2o_linklist_t *)(uintptr_t)&front->idle))
        return NULL;
    return H2O_STRUCT_FROM_MEMBER(struct h2o_connection, idle_link, front->idle.next);
}

static void idle_put_last(struct h2o_connection *connection)
{
    if (h2o_linklist_is_linked(&connection->idle_link))
        h2o_linklist_unlink(&connection->idle_link);
    h2o_linklist_insert(&connection->front->idle, &connection->idle_link);
    connection->idle_s = connection->front->now_s;
    connection->received_mark = connection->received_bytes;
}

void h2o_idle_begin(struct h2o_connection *connection)
{
    connection->is_in_body = false;
    idle_put_last(connection);
}

void h2o_idle_end(struct h2o_connection *connection)
{
    connection->is_in_body = false;
    if (h2o_linklist_is_linked(&connection->idle_link))
        h2o_linklist_unlink(&connection->idle_link);
}

void h2o_idle_body(struct h2o_connection *connection)
{
    connection->is_in_body = true;
    if (h2o_linklist_is_linked(&connection->idle_link))
        idle_put_last(connection);
}

static void idle_close(struct h2o_connection *connection)
{
    connection->front->service->metrics->connections_idle++;
    if (!connection->is_http2 || connection->is_told_to_go) {
        h2o_connection_shut(connection);
        h2o_linklist_unlink(&connection->idle_link);
        return;
    }
    connection->is_told_to_go = true;
    h2o_guard_wind_down(h2o_guard_http2(connection), H2O_HTTP2_ERROR_NONE, "idle");
}

static void idle_look(struct h2o_connection *connection)
{
    bool may_be_slow = connection->is_http2 || connection->is_in_body;
    uint64_t received = connection->received_bytes - connection->received_mark;
    uint32_t idle_s = connection->front->now_s - connection->idle_s;
    if (connection->is_told_to_go || idle_s > (may_be_slow ? BODY_S : IDLE_S)) {
        if (may_be_slow && received >= PROGRESS_BYTES && !connection->is_told_to_go)
            idle_put_last(connection);
        else
            idle_close(connection);
    }
}

void h2o_idle_sweep(struct h2o_front *front)
{
    h2o_linklist_t *next;
    for (h2o_linklist_t *node = front->idle.next; node != &front->idle; node = next) {
        struct h2o_connection *connection =
            H2O_STRUCT_FROM_MEMBER(struct h2o_connection, idle_link, node);
        next = node->next;
        if (front->now_s - connection->idle_s <= IDLE_S)
            return;
        idle_look(connection);
    }
}

bool h2o_idle_evict(struct h2o_front *front)
{
    struct h2o_connection *first = idle_first(front);
    if (first == NULL || front->connection_count >= front->connection_max + EVICTED_MAX)
        return false;
    front->service->metrics->connections_evicted++;
    h2o_linklist_unlink(&first->idle_link);
    h2o_connection_shut(first);
    return true;
}
