/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bodies of requests that are still coming in: memory of which no tenant is known yet.
 *
 *   bytes come --> room for them? --no--> the request ends here, and its answer is a 503
 *                      | yes
 *                      v
 *                  counted, by connection, address and worker
 *                      | whole: the exchange begins, and its tenant's budget counts it
 *                      | reset, or the connection ends
 *                      v
 *                  counted no more
 *
 * What came is counted, not what a head announces. A little has room on every connection: who has
 * filled the rest cannot keep others from asking with a small body.
 *
 * Invariant: coming_bytes of the worker is the sum of its connections'; that of an address the sum
 * of those that are counted by it.
 */
#include "server/front/h2o_guard.h"

#define FREE_BYTES 16384 /* on a connection */

bool h2o_bodies_has_room(const struct h2o_connection *connection, uint64_t bytes)
{
    const struct h2o_front *front = connection->front;
    uint64_t own = connection->coming_bytes;
    if (bytes <= MAX(own, (uint64_t)FREE_BYTES))
        return true;
    if (connection->account != NULL && connection->account->coming_bytes - own + bytes >
                                           front->service->config->limits.bodies_per_address)
        return false;
    return front->coming_bytes - own + bytes <= front->coming_max;
}

void h2o_bodies_set(struct h2o_connection *connection, uint64_t bytes)
{
    struct h2o_front *front = connection->front;
    uint64_t more = bytes - connection->coming_bytes;
    if (more == 0)
        return;
    connection->coming_bytes = bytes;
    front->coming_bytes += more;
    if (connection->account != NULL)
        connection->account->coming_bytes += more;
    front->service->metrics->coming_bytes = front->coming_bytes;
}

void h2o_bodies_count(struct h2o_connection *connection)
{
    uint64_t bytes = 0;
    if (connection->is_http2)
        bytes = h2o_guard_body_bytes(connection);
    else if (connection->is_in_body)
        bytes = connection->socket->input->size;
    const h2o_linklist_t *held = &connection->held;
    for (h2o_linklist_t *node = held->next; node != held; node = node->next)
        bytes += H2O_STRUCT_FROM_MEMBER(struct h2o_exchange, link, node)->req->entity.len;
    h2o_bodies_set(connection, bytes);
}
