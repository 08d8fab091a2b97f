/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/front/h2o_*.c: what listeners, connections and exchanges share.
 *
 *   h2o_front --> connections (one per socket, freed by the socket's on_close)
 *            \--> exchanges (one per request, in the request's own pool, so that it ends
 *                 when libh2o ends the request, whatever the reason)
 *
 * An exchange never outlives its connection: libh2o disposes of requests before sockets.
 */
#ifndef SKERRY_SERVER_FRONT_H2O_FRONT_H
#define SKERRY_SERVER_FRONT_H2O_FRONT_H

#include <h2o.h>

#include "server/front/addresses.h"
#include "server/front/h2o_listen.h"
#include "server/front/http1_parse.h"
#include "server/request/request.h"
#include "server/tls/tls.h"

#define FRONT_LISTENERS_MAX CONFIG_LISTEN_MAX
#define FRONT_WATCHES_MAX   12
#define LINGER_BODY_BYTES   (UINT64_C(256) << 20) /* of an honest client's body */
#define LINGER_FRAMES_BYTES (UINT64_C(1) << 20)   /* of what an HTTP/2 client had under way */

#define BUDGET_CUTS         8

/* What an HTTP/2 client may do without bringing requests along. */
struct h2o_budget {
    size_t written_bytes;  /* the socket's count when it last made up for something */
    uint32_t reset_s;      /* when the counting of resets began anew */
    uint32_t strain;       /* frames that brought nothing */
    uint32_t resets;       /* streams reset since then, by either side */
    uint32_t block_bytes;  /* of the header block that is coming in */
    uint32_t block_frames; /* and its frames */
    uint32_t cut_count;
    uint32_t cuts[BUDGET_CUTS]; /* streams whose body the client need not send any more */
};

struct h2o_connection {
    h2o_linklist_t link; /* in front->connections */
    struct h2o_front *front;
    h2o_socket_t *socket;
    int linger_fd; /* kept by h2o_linger_keep, or -1 */
    uint64_t linger_bytes;
    bool shut;
    bool is_proxied;         /* it comes from one of trusted_proxies */
    bool is_balanced;        /* it begins with a PROXY header */
    struct h2o_proxy *proxy; /* which has not come yet; h2o_proxy.c's */
    struct addresses_key address_key;
    struct addresses_account *account; /* of its address; NULL: it is not counted by that */

    /* h2o_guard*.c */
    h2o_socket_cb read;          /* libh2o's, called by the guard's */
    bool is_http2;               /* a frame was seen */
    bool is_last;                /* it ends behind the request of HTTP/1 that is there */
    uint64_t received_bytes;     /* ever */
    uint64_t body_bytes;         /* decoded of the chunked body that is coming in */
    enum refusal_reason refusal; /* of the request that libh2o is about to hand over */
    struct bytes refused_method; /* with it: views of the input; or none, if libh2o has them */
    struct bytes refused_target;
    struct h2o_budget budget;

    /* h2o_wait.c */
    uint32_t waits_for; /* what the kernel was last told to look for */
    int left_loop_fd;   /* it looks on although libh2o stopped reading, in this epoll; or -1 */

    /* h2o_tls.c; all zeros on a connection without TLS */
    SSL *ssl;                        /* NULL: its handshake has not begun */
    struct signing_job signing;      /* of its handshake */
    h2o_linklist_t signed_link;      /* in front->signed_ones */
    uint32_t tls_early_bytes;        /* that were put aside */
    int tls_alert;                   /* level and number of the one that was written; 0: none */
    struct h2o_tls_write *tls_write; /* NULL: nothing is written in pieces */

    /* h2o_bodies.c */
    uint64_t coming_bytes; /* of bodies that are not handed on */
    size_t body_end;       /* in the input, of an HTTP/1 body with a length; or 0 */

    /* h2o_idle.c */
    h2o_linklist_t idle_link; /* in front->idle, as long as it has no exchange */
    uint32_t idle_s;
    bool is_in_body;
    bool is_told_to_go;
    uint64_t received_mark; /* received_bytes when idle_s was set */
    uint32_t exchange_count;

    /* h2o_hangup.c */
    bool in_hangups;              /* front->hangup_fd tells of its end, or has */
    struct h2o_exchange *watched; /* that its client hangs up is told to; NULL: nobody */

    /* h2o_unread.c */
    h2o_linklist_t ready_link; /* in front->ready, if exchanges that are held may go on */
    h2o_linklist_t held;       /* exchanges, not begun */
    uint32_t answer_count;     /* under way */
    uint32_t progress_s;       /* when its client had last read enough */
    uint64_t progress_mark;    /* how much it had read then */
    uint64_t unread_bytes;     /* of bodies under way */
    uint64_t sent_bytes;       /* of answers that are done */
    uint64_t swept_bytes;      /* of all, while the sweep adds up */

    uint8_t address_count;
    char address[CONFIG_ADDRESS_BYTES]; /* "ip:port"; made when the first request wants it */
};

/* An answer in pieces; all zeros: it is none (yet). */
struct h2o_stream {
    bool begun;
    bool is_chunked; /* HTTP/1.1 without a length */
    bool in_flight;  /* libh2o has a piece that it has not sent yet */
    bool is_cut;     /* it ends as one that is not whole, when it can */
    char size[24];   /* of the chunk in flight, and what comes after it */
};

struct h2o_exchange {
    h2o_req_t *req; /* valid as long as the exchange is */
    struct h2o_connection *connection;
    h2o_generator_t generator;
    h2o_linklist_t link; /* in connection->held, or in front->unsent once answered */
    uint64_t unread_bytes;
    bool is_held;
    bool is_paused; /* a stream with nothing in flight: it waits for its guest */
    bool begun;     /* request_init succeeded */
    struct h2o_stream stream;
    struct request request;
};

/* Another descriptor on the loop. */
struct h2o_watch {
    h2o_socket_t *socket; /* NULL: nothing is watched here */
    void (*ready)(void *context);
    void *context;
};

struct h2o_listener {
    h2o_socket_t *socket;
    struct h2o_front *front;
    bool is_tls;
};

struct h2o_handler {
    h2o_handler_t super;
    struct h2o_front *front;
};

struct h2o_front {
    struct request_service *service;
    h2o_loop_t *loop;
    h2o_globalconf_t config;
    h2o_context_t context;
    h2o_accept_ctx_t accept;
    h2o_accept_ctx_t accept_tls;
    bool has_tls;       /* some listener has it */
    struct tls *tls;    /* NULL: none has */
    char https_port[8]; /* ":8443" of the first listener with TLS; "": the usual one */
    struct http1_rules rules;
    bool is_https; /* as the operator says; a trusted proxy may say otherwise */
    struct h2o_listener listeners[FRONT_LISTENERS_MAX];
    uint32_t listener_count;
    struct h2o_watch watches[FRONT_WATCHES_MAX];
    uint32_t connection_count;
    uint32_t connection_max;
    uint32_t exchange_count;
    uint32_t now_s; /* of the last sweep */
    struct addresses addresses;
    h2o_linklist_t connections;
    h2o_linklist_t idle;        /* connections, the longest idle first */
    h2o_linklist_t signed_ones; /* connections whose handshake may go on */
    h2o_linklist_t ready;       /* connections with requests that need not wait any more */
    h2o_linklist_t unsent;      /* exchanges, oldest answer first */
    uint64_t unread_bytes;      /* of their bodies */
    uint64_t coming_bytes;      /* of bodies that are not handed on */
    uint64_t coming_max;
    int hangup_fd; /* an epoll of connections */
    h2o_linklist_t lingering;
    uint32_t linger_count;
    uint64_t no_room_ns; /* when it was last logged that there is no room for a connection */
    uint32_t log_s;      /* lines on clients' behaviour: the second in which they are counted */
    uint32_t log_count;  /* and how many there were */
};

/* Registers the handler of all requests. */
void h2o_exchange_register(struct h2o_front *front, h2o_hostconf_t *host);
/* Begins the request of an exchange that was held. */
void h2o_exchange_start(struct h2o_exchange *exchange);

static inline struct h2o_exchange *h2o_exchange_of(const struct request *request)
{
    const char *at = (const char *)request - offsetof(struct h2o_exchange, request);
    return (struct h2o_exchange *)(uintptr_t)at;
}
/* Gives libh2o the head of request->response. */
void h2o_exchange_set_head(struct h2o_exchange *exchange);

/* A request_carrier's, for answers in pieces. */
void h2o_stream_write(struct request *request, struct bytes piece, bool is_last);
void h2o_stream_cut(struct request *request, bool at_once);
uint64_t h2o_stream_taken_bytes(const struct request *request);

/* The connection has no exchange any more, or yet; it has one; a body begins to come in. */
void h2o_idle_begin(struct h2o_connection *connection);
void h2o_idle_end(struct h2o_connection *connection);
void h2o_idle_body(struct h2o_connection *connection);
/* Ends those that are idle for too long. */
void h2o_idle_sweep(struct h2o_front *front);
/* Ends the longest idle one; false: there is none. */
bool h2o_idle_evict(struct h2o_front *front);

/* Before the first connection. */
NODISCARD enum status h2o_hangup_init(struct h2o_front *front, struct report *report);
/* A request_carrier's. */
bool h2o_hangup_watch(struct request *request);
/* The connection is about to be closed. */
void h2o_hangup_leave(struct h2o_connection *connection);

/* A balancer's connection: first it says whose it is, then it goes on with `accept`. */
void h2o_proxy_begin(struct h2o_connection *connection, h2o_accept_ctx_t *accept);
void h2o_proxy_forget(struct h2o_connection *connection);
/* Counts the connection for its client's address. False: that has as many as it may have. */
bool h2o_connection_count(struct h2o_connection *connection);

/* Makes what TLS needs; before the first listener. */
NODISCARD enum status h2o_tls_init(struct h2o_front *front, struct report *report);
/* Handshakes go on whose signatures came. Once a turn. */
void h2o_tls_turn(struct h2o_front *front);
/* The connection is about to be closed. */
void h2o_tls_leave(struct h2o_connection *connection);

/* Is there room for so much of bodies on the connection, in all? */
bool h2o_bodies_has_room(const struct h2o_connection *connection, uint64_t bytes);
/* So much of bodies is on the connection now. */
void h2o_bodies_set(struct h2o_connection *connection, uint64_t bytes);
/* Looks how much that is. */
void h2o_bodies_count(struct h2o_connection *connection);

/* May an answer with such a body be sent? */
bool h2o_unread_has_room(const struct h2o_exchange *exchange, uint64_t body_bytes);
/* The answer is on its way; the exchange ends, whatever became of it. */
void h2o_unread_begin(struct h2o_exchange *exchange);
void h2o_unread_end(struct h2o_exchange *exchange);
/* Of a stream that began so: a piece of it is on its way; it is out. */
void h2o_unread_piece(struct h2o_exchange *exchange, uint64_t bytes);
void h2o_unread_pause(struct h2o_exchange *exchange);
/* True: the request has to wait, because its client has not read what it asked for before. */
bool h2o_unread_hold(struct h2o_exchange *exchange);
/* Begins requests that need not wait any more. */
void h2o_unread_turn(struct h2o_front *front);
/* Shuts connections down whose client does not read. */
void h2o_unread_sweep(struct h2o_front *front);

/* libh2o has no call to kill a connection; this makes its next read and write fail. */
void h2o_connection_shut(struct h2o_connection *connection);
/* To close it will be to reset it, with what the kernel still holds. */
void h2o_connection_reset_at_close(const struct h2o_connection *connection);

/* The client is still sending what was refused: do not let the close reset the connection, but read
 * and forget so much more. */
void h2o_linger_keep(struct h2o_connection *connection, uint64_t bytes_max);
/* After libh2o's close; takes the descriptor over. */
void h2o_linger_begin(const struct h2o_connection *connection);
void h2o_linger_sweep(struct h2o_front *front);

/* The client's "ip:port"; empty if it is not known. */
struct bytes h2o_connection_address(struct h2o_connection *connection);
/* Makes a connection of an accepted socket; false: there is no room, and the socket is closed. */
bool h2o_connection_adopt(struct h2o_front *front, h2o_socket_t *socket);
/* Is it a client's, and not a listener's or another descriptor's? */
bool h2o_connection_owns(const h2o_socket_t *socket);

static inline struct h2o_connection *h2o_connection_of(h2o_conn_t *conn)
{
    return conn->callbacks->get_socket(conn)->on_close.data;
}

#endif
