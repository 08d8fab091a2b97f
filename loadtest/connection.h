/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One HTTP/1.1 client connection on libevent: one request at a time, kept alive.
 *
 *            open/send           connected            send
 *   CLOSED ------------> CONNECTING -----> IDLE <-------------> BUSY
 *     ^                     |  refused       | peer closed       | failed, or
 *     |                     v                v                   | not kept alive
 *     +---- sweep ------- FAILED          CLOSED <---------------+
 *
 * Each connection_open ends in one call of `opened`, each connection_send in one call of
 * `done`, never from inside the call that caused it. A refused connect rests in FAILED
 * until the next sweep, so that a dead server is not asked in a tight loop. A request is
 * never sent twice: a load test that repeats what failed hides failures.
 */
#ifndef SKERRY_LOADTEST_CONNECTION_H
#define SKERRY_LOADTEST_CONNECTION_H

#include "engine/base/clock.h"
#include "loadtest/answer.h"
#include "loadtest/target.h"

enum failure {
    FAILURE_NONE,
#define FAILURE(name, code, text) FAILURE_##name,
#include "loadtest/failure.def"
    FAILURE_COUNT
};

struct connection;
struct event_base;

struct connection_result {
    enum failure failure;
    const char *detail;          /* of MALFORMED; static text */
    int error_number;            /* of CONNECT and CLOSED; 0 if the peer just closed */
    const struct answer *answer; /* whole if failure is NONE; valid during the call */
    struct bytes body;           /* its first keep_bytes; valid during the call */
    uint64_t sent_ns;            /* when the request was handed to the connection */
    uint64_t done_ns;
};

/* What all connections of a run share; borrowed, outlives them. */
struct connection_owner {
    struct event_base *base;
    const struct target *target;
    const struct clock *clock;
    size_t keep_bytes; /* of each answer's body, at most LOADTEST_ANSWER_KEEP_BYTES */
    void (*opened)(void *slot, int error_number);
    void (*done)(void *slot, const struct connection_result *result);
};

/* `slot` is passed to the callbacks. NULL if memory is out. */
struct connection *connection_create(const struct connection_owner *owner, void *slot);
/* Closes the socket without a callback. */
void connection_free(struct connection *connection);
/* Connects ahead of the first request. */
void connection_open(struct connection *connection);
/* `request` stays the caller's and unchanged until `done`. Connects first if need be.
 * The connection must not be busy. */
void connection_send(struct connection *connection, struct bytes request, bool to_head);
/* Reports refused connects, and ends with TIMEOUT what began `timeout_ns` before now. */
void connection_sweep(struct connection *connection, uint64_t now_ns, uint64_t timeout_ns);
/* Code and text of failure.def. */
const char *failure_code(enum failure failure);
const char *failure_text(enum failure failure);

#endif
