/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An engine, an origin on loopback that answers what a test wrote down, a name server, and a
 * probe that keeps what a fetch calls back. All on one loop: nothing sleeps.
 */
#ifndef SKERRY_TESTS_UNIT_SERVER_EGRESS_FIXTURE_H
#define SKERRY_TESTS_UNIT_SERVER_EGRESS_FIXTURE_H

#include <event2/event.h>

#include "server/egress/private.h"
#include "tests/support/unit.h"

#define ORIGIN_ANSWERS_MAX 16
#define PROBE_HEADERS_MAX  32

/* What is done with a request once its head has come. */
struct origin_answer {
    const char *bytes; /* NULL: nothing */
    size_t count;      /* of bytes; 0: it is text */
    const char *again; /* sent `repeat` times after that */
    uint32_t repeat;
    const char *rest;     /* and then this */
    size_t request_bytes; /* waits for so many bytes behind the head */
    const char *until;    /* waits until the request ends with this */
    bool close;
    bool reset;
    bool at_once; /* when the connection is made: nobody has asked yet */
};

struct origin {
    struct event_base *base;
    struct evconnlistener *listener;
    uint16_t port;
    struct origin_answer answers[ORIGIN_ANSWERS_MAX]; /* one for each request */
    uint32_t answered;
    uint32_t connections;
    uint32_t open;
    struct buffer seen; /* all requests */
};

struct probe {
    bool done;
    uint32_t heads;
    uint32_t status;
    char url[300];
    char headers[4096]; /* "name: value\n" */
    struct buffer data;
    uint64_t room;
    uint64_t grant; /* what is granted at the start */
    bool grants;    /* what came is granted again, by probe_run */
    struct fetch_result result;
    char text[FETCH_TEXT_BYTES];
    struct egress_fetch *fetch;
    struct event_base *base;
};

struct stage {
    struct event_base *base;
    struct egress_engine *engine;
    struct origin origin;
    struct probe probe;
    char url[300]; /* stage_url's */
    char rule[300];
};

/* With private addresses allowed; names are asked of nobody. */
void stage_open(struct stage *stage);
void stage_open_with(struct stage *stage, const struct egress_options *options);
struct egress_options stage_options(struct stage *stage);
void stage_close(struct stage *stage);
/* "http://127.0.0.1:PORT" and `path`. */
const char *stage_url(struct stage *stage, const char *path);
/* A GET of `path`, which the function's one rule allows. */
struct fetch_order stage_order(struct stage *stage, const char *path);
/* From its start to its end; the probe is new. */
void stage_fetch(struct stage *stage, const struct fetch_order *order);
void stage_start(struct stage *stage, const struct fetch_order *order);
/* Until it is done. */
void stage_finish(struct stage *stage);
/* One turn of the loop. */
void stage_turn(struct stage *stage);
void stage_answer(struct stage *stage, const char *bytes);
bool stage_saw(const struct stage *stage, const char *text);

void probe_init(struct probe *probe);
void probe_done(struct probe *probe);
extern const struct egress_ops probe_ops;

void assert_end(const struct stage *stage, enum fetch_end end);

#endif
