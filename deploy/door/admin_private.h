/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the door (admin_http.c) and its connections (admin_conn.c) know of each other.
 */
#ifndef SKERRY_DEPLOY_DOOR_ADMIN_PRIVATE_H
#define SKERRY_DEPLOY_DOOR_ADMIN_PRIVATE_H

#include "deploy/door/admin_failures.h"
#include "deploy/door/admin_http.h"
#include "deploy/door/admin_repeats.h"
#include "deploy/door/admin_tls.h"
#include "deploy/door/http_body.h"
#include "deploy/door/http_head.h"
#include "engine/base/list.h"

enum admin_door {
    ADMIN_DOOR_SOCKET,
    ADMIN_DOOR_ADDRESS,
    ADMIN_DOOR_COUNT,
};

struct admin_http {
    struct admin_http_options options;
    char token[ADMIN_HTTP_TOKEN_BYTES];
    struct admin_failures failures; /* wrong tokens, by address */
    struct admin_listener {
        struct admin_http *http;
        struct evconnlistener *listener; /* NULL: there is none */
        struct event *retry;             /* accepts again, after there were no descriptors */
        struct list connections;         /* struct admin_conn, the longest without news first */
        uint32_t connection_count;
    } listeners[ADMIN_DOOR_COUNT];
    struct admin_repeats repeats;
    SSL_CTX *tls; /* of the address; NULL: it speaks none */
    bool paused;
    bool handed_over;
    uint64_t body_bytes; /* of bodies, in memory now */
    uint64_t body_bytes_max;
    uint32_t refused_count; /* not told yet */
    uint64_t refused_ns;    /* when it was told last; 0: never */
};

struct admin_answer {
    const struct api_response *response;
    const char *request_id;
    bool closes;    /* the connection's last */
    bool head_only; /* to HEAD: without its body */
    bool goes_on;   /* more follows, until the connection ends: no Content-Length */
};

struct evbuffer;
/* Memory that is not there cuts the answer short, and its length tells the client so. */
void admin_answer_write(const struct admin_answer *answer,
                        const struct clock *clock,
                        struct evbuffer *out);

enum admin_conn_state {
    ADMIN_CONN_HEAD,
    ADMIN_CONN_BODY,
    ADMIN_CONN_HELD,
    ADMIN_CONN_ANSWER,
    ADMIN_CONN_STREAM, /* an answer that goes on until its client leaves */
    ADMIN_CONN_LINGER,
    ADMIN_CONN_CLOSED, /* to be freed by who works on it */
};

/* Who is at the other end, before any token. */
struct admin_peer {
    bool stranger;             /* of the socket: neither owner nor root */
    uint32_t uid;              /* of the socket */
    char from[API_FROM_BYTES]; /* the address, or "socket" */
    uint64_t address;          /* as failures are counted */
};

struct admin_conn {
    struct list_link link;
    struct admin_http *http;
    enum admin_door door;
    enum admin_conn_state state;
    struct bufferevent *stream;
    struct event *timer;
    struct admin_http_call *call; /* from its head to its answer */
    struct http_body body;
    size_t scanned; /* bytes of the head that have no end in them */
    struct admin_peer peer;
    bool known;        /* a token was shown on it */
    bool closes;       /* after the answer */
    bool body_is_left; /* ... part of the body was not read */
    bool busy;         /* being worked on further up the stack */
};

struct admin_http_call {
    struct api_request request;
    struct api_caller caller; /* the request's */
    struct admin_http *http;
    struct admin_conn *conn;     /* NULL: the client is gone */
    char *head;                  /* owned; what the request's texts are in */
    struct buffer body;          /* owned; counted in http->body_bytes */
    struct admin_repeat *repeat; /* to be ended with the answer; NULL: none */
    bool head_only;              /* the answer goes without its body */
    void (*gone)(void *context);
    void (*drained)(void *context); /* of an answer that goes on; NULL: nobody waits */
    void *gone_context;
};

/* Takes over `fd`; closes it if there is no memory. */
void admin_conn_start(struct admin_http *http,
                      enum admin_door door,
                      int fd,
                      const struct admin_peer *peer);
/* Its reply, if one is due, goes nowhere. */
void admin_conn_free(struct admin_conn *conn);
/* The one to give up when there are too many: it waits for a request and nobody has shown a
 * token on it. NULL: none is like that. */
struct admin_conn *admin_conn_oldest_idle(const struct list *connections);
/* Sends what can be sent without waiting. */
void admin_conn_flush(struct admin_conn *conn);
struct admin_conn *admin_conn_first(const struct list *connections);

/* Of a call's head, which its texts stay in. False: a method that nobody has heard of. */
bool admin_call_method(struct admin_http_call *call, struct bytes method);
void admin_call_fill(struct admin_http_call *call, const struct http_head *head);

/* What the head shows its sender to be. */
void admin_http_identify(struct admin_http *http,
                         const struct admin_conn *conn,
                         const struct http_head *head,
                         struct api_caller *ret_caller);
/* Tells of those who should have had a token. */
void admin_http_tell_refused(struct admin_http *http, const char *peer);
/* Is the API meant? A page in a browser may have been made to speak to us under another name. */
bool admin_http_knows_host(const struct admin_http *http, struct bytes host);

#endif
