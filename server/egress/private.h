/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/egress: what an engine, a tenant's pool and a fetch are made of.
 *
 *   engine 1 -- n pools (a tenant's connections: one curl multi handle)
 *   engine 1 -- n fetches, each in one pool; a hop of it is one curl easy handle
 *
 * curl calls back in the midst of what it does, and a handle may not be removed then: what such a
 * callback finds is noted in the fetch, and acted upon when curl has returned (pool_drain).
 */
#ifndef SKERRY_SERVER_EGRESS_PRIVATE_H
#define SKERRY_SERVER_EGRESS_PRIVATE_H

#include <curl/curl.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <netinet/in.h>

#include "engine/base/arena.h"
#include "engine/base/list.h"
#include "server/egress/address_policy.h"
#include "server/egress/fetch.h"
#include "server/egress/resolver.h"

#define FETCH_MAGIC           0x48435445464b5259u
#define FETCH_ARENA_BYTES     (512u << 10)
#define HOP_PIECE_MAX         CURL_MAX_WRITE_SIZE /* bytes of an answer that curl gives at once */
#define EGRESS_LENGTH_UNKNOWN UINT64_MAX
#define FETCH_DISCARD_BYTES   65536u /* of a redirect's body; longer ones end the connection */
#define POOL_IDLE_NS          (30 * CLOCK_NS_PER_S)
#define POOL_CONNECTIONS_MAX  256L /* of a tenant */
#define POOL_PER_HOST_MAX     128L /* ... to one server */
#define POOL_KEPT_MAX         64L  /* ... that wait for the next fetch */
#define POOL_KEPT_S           60L
#define ENGINE_HANDLES_MAX    64u /* easy handles kept for the next fetches */
#define ENGINE_POOLS_MAX      1024u
#define ENGINE_TENANT_BYTES   64

struct pool_socket;

struct egress_pool {
    struct list_link link; /* of the engine's */
    struct egress_engine *engine;
    char tenant[ENGINE_TENANT_BYTES];
    CURLM *multi;
    CURLSH *share; /* TLS sessions */
    struct event timer;
    uint32_t fetches;
    uint64_t idle_since_ns; /* while there are none */
    bool draining;          /* pool_drain is at work: starts need not kick */
};

struct egress_engine {
    struct egress_options options;
    struct address_policy policy;
    struct address_policy operators; /* for what the operator asks, who named the server */
    struct resolver *resolver;
    struct list pools;   /* the latest used first */
    struct list fetches; /* all */
    struct egress_stats stats;
    struct event sweep;
    CURL *handles[ENGINE_HANDLES_MAX];
    uint32_t handle_count;
    struct pool_socket **sockets; /* by descriptor; NULL: curl has none of this number */
    size_t socket_max;
};

enum fetch_state { FETCH_RESOLVING, FETCH_TRYING, FETCH_ENDED };

/* The request's body on its way out: a window that is written at one end and read at the other. */
struct fetch_body {
    uint8_t *ring;  /* EGRESS_WINDOW bytes; NULL: the whole body is in the order */
    uint32_t count; /* in it */
    uint32_t at;    /* the first of them */
    bool follows;   /* more comes */
};

struct egress_fetch {
    uint64_t magic;
    struct list_link link; /* of the engine's */
    struct egress_engine *engine;
    struct egress_pool *pool;
    const struct egress_ops *ops;
    void *context;
    enum fetch_state state;
    struct arena arena; /* texts of the order, and of this hop's head */
    struct event timer;
    uint64_t deadline_ns;
    uint64_t progress_ns; /* when who was asked last gave or took a byte */

    /* the order */
    struct bytes method;
    const char *loop;           /* the row CDN-Loop; or NULL */
    struct fetch_field *fields; /* views of rows */
    uint32_t field_count;
    const struct bytes *rules;
    uint32_t rule_count;
    struct bytes body; /* whole, unless upload.follows */
    struct fetch_body upload;
    bool streams; /* the body came in pieces: it cannot be sent a second time */
    bool deaf;    /* ... and nobody wants the rest of it */
    bool follows; /* redirects */
    const struct address_policy *policy;
    uint32_t redirects_left;
    uint64_t answer_bytes_max;

    /* this hop */
    struct config_url url;
    struct resolver_query *query;
    struct resolver_answer addresses;
    CURL *easy;
    struct curl_slist *list;     /* rows for curl; of the arena */
    struct curl_slist *resolved; /* CURLOPT_RESOLVE */
    size_t body_at;
    uint64_t head_bytes;
    struct fetch_field *rows; /* of the arena */
    uint32_t row_count;
    uint32_t row_max; /* for so many there is room */
    uint32_t status;
    struct bytes location; /* of the head that comes */
    uint64_t length;       /* of the answer's body, or EGRESS_LENGTH_UNKNOWN */
    bool is_encoded;       /* its end is said in another way */
    bool head_done;
    bool redirecting; /* its body is thrown away, and the next hop follows */
    uint64_t discarded;

    /* the answer */
    uint32_t granted; /* bytes that may be given */
    bool complete;    /* it is all here, although the request's body is not all sent */
    bool paused_reading;
    bool paused_writing;
    bool resumes; /* writing, at its timer: there is nothing more to write */

    struct fetch_result result; /* its end is DONE until something went wrong */
    char text[FETCH_TEXT_BYTES];
    char curl_text[CURL_ERROR_SIZE];
    bool *gone; /* where egress_fetch_start learns that it ended meanwhile; or NULL */
};

/* pool.c */
struct egress_pool *egress_pool_of(struct egress_engine *engine, struct bytes tenant);
void egress_pool_free(struct egress_pool *pool);
/* Idle ones end. */
void egress_pools_sweep(struct egress_engine *engine);
NODISCARD bool egress_pool_add(struct egress_fetch *fetch);
void egress_pool_remove(struct egress_fetch *fetch);
void egress_pool_kick(struct egress_pool *pool);
/* For curl: a socket that it may connect, and its end, with the engine. */
curl_socket_t egress_pool_open_socket(struct egress_pool *pool,
                                      const struct curl_sockaddr *address);
int egress_pool_close_socket(void *context, curl_socket_t fd);
/* All, at the engine's end. */
void egress_pool_forget_sockets(struct egress_engine *engine);

/* hop.c: from a fetch whose addresses are known to a curl handle that is set up, and back. */
NODISCARD bool egress_hop_prepare(struct egress_fetch *fetch);
/* curl no more waits for bytes of the fetch's connection. */
void egress_hop_reads_no_more(struct egress_fetch *fetch, curl_socket_t fd);
/* The handle goes back to the engine; accepts a fetch without one. */
void egress_hop_end(struct egress_fetch *fetch);
/* What curl's result means, where nothing is noted yet. */
void egress_hop_judge(struct egress_fetch *fetch, CURLcode code);

/* fields.c */
/* The order's headers. False: no memory. */
NODISCARD bool egress_fields_copy(struct egress_fetch *fetch, const struct fetch_order *order);
/* Makes fetch->list of those that go to the server. */
void egress_fields_list(struct egress_fetch *fetch);
/* False: it is not a request's; text says why. */
NODISCARD bool egress_fields_check(const struct fetch_order *order, const char **ret_text);
/* Before a hop to another origin; before one that became a GET. */
void egress_fields_drop_secrets(struct egress_fetch *fetch);
void egress_fields_drop_body(struct egress_fetch *fetch);
/* Of a head that says its length in two ways. */
void egress_fields_drop_length(struct egress_fetch *fetch);
/* Of a whole head: what belongs to the origin's connection goes no further. */
void egress_fields_drop_connection(struct egress_fetch *fetch);
/* One line of an answer's head, without its end; false if it may not be. */
NODISCARD bool egress_fields_line(struct egress_fetch *fetch, struct bytes line);

/* fetch.c */
/* A hop is over, well or not: curl has returned. */
void egress_fetch_hop_over(struct egress_fetch *fetch, CURLcode code);
/* The first complaint stays. */
void egress_fetch_note(struct egress_fetch *fetch, enum fetch_end end, const char *format, ...)
    PRINTF_LIKE(3, 4);
void egress_fetch_end(struct egress_fetch *fetch);
uint64_t egress_fetch_now(const struct egress_fetch *fetch);

#endif
