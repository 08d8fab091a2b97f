/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: one HTTP request on its way through a worker. Its states and the ways
 * between them are the table of request_states.def.
 *
 * A request is embedded in its carrier's object (h2o_exchange.c), which fills `http` and
 * `path` with borrowed views and calls request_begin. The carrier answers by `send`, or in pieces
 * by `write`, and says request_end when the client's side is gone or done: before the answer that
 * is a cancel. After that, the carrier frees the memory.
 */
#ifndef SKERRY_SERVER_REQUEST_REQUEST_H
#define SKERRY_SERVER_REQUEST_REQUEST_H

#include "engine/base/problem.h"
#include "hostapi/hostapi.h"
#include "isolate/isolate.h"
#include "server/request/assets.h"
#include "server/request/coding.h"
#include "server/request/fault.h"
#include "server/request/names/directory.h"
#include "server/request/origin.h"
#include "server/request/request_states.h"
#include "server/request/stream.h"
#include "server/request/turns/timers.h"
#include "server/world/world.h"

#define REQUEST_MAGIC         UINT64_C(0x7265717565737431)
#define REQUEST_ID_BYTES      16
#define REQUEST_TIMING_BYTES  256
#define REQUEST_PROBLEM_BYTES 1024
#define REQUEST_EXTRAS_MAX    6
/* An answer with a larger body counts as running until its client has read it: what is smaller, the
 * kernel takes at once. */
#define REQUEST_SMALL_BYTES 65536

struct request;
struct request_service;

struct request_carrier {
    /* Sends request->response. May free the request: nothing may follow. */
    void (*send)(struct request *request);
    /* May an answer with such a body be sent, or do too many wait to be read? */
    bool (*has_room)(const struct request *request, uint64_t body_bytes);
    /* Has the client hung up? Costs a system call. */
    bool (*client_gone)(const struct request *request);
    /* From now on request_hung_up says so when the client does; false: that is not to be had. */
    bool (*watch)(struct request *request);
    /*
     * A response in pieces: the first takes the head along, request->response, whose body is empty;
     * its length is http.head_length, if that is known. The piece is borrowed until request_sent;
     * no other may be written before. The last may free the request: nothing may follow.
     */
    void (*write)(struct request *request, struct bytes piece, bool is_last);
    /* Ends it so that the client sees that it is not whole; `at_once`: that client does not read.
     * May free the request. */
    void (*cut)(struct request *request, bool at_once);
    /* How much of it the client has, more or less: it changes while the client reads. */
    uint64_t (*taken_bytes)(const struct request *request);
};

struct request_response {
    uint32_t status;
    struct http_headers guest_headers; /* of the exchange; none in a problem */
    struct http_header extras[REQUEST_EXTRAS_MAX];
    uint32_t extra_count;
    bool is_coded; /* its length is not what the guest says */
    struct bytes body;
};

struct request {
    uint64_t magic;
    enum request_state state;
    enum request_state last_state; /* what it was when it ended */
    bool retry_later;              /* the problem gets a Retry-After */
    bool started;                  /* an isolate was checked out: `start` is valid */
    bool rebuild_asked;            /* control was asked for its artifact */
    bool keeps_permit;             /* answered, but its permit is free only when that is sent */
    bool for_event;                /* parked until an operation of its own completes, too */
    bool for_body;                 /* parked until more of its body has come, too */
    bool is_head;                  /* its method came as HEAD */
    bool is_errand;                /* control's: it gets the active version, whatever shares say */
    bool asks_assets;              /* of its caller's version: no guest answers */
    struct request_service *service;
    const struct request_carrier *carrier;
    const struct request *caller;        /* whose guest calls for it; NULL: a client does */
    struct directory_function *function; /* a reference; NULL before it is known; of a chain the
                                            present step's, which is the chain's reference */
    struct isolate *isolate;             /* checked out in states that have one; else NULL */
    struct isolate_start start;
    struct isolate_claim claim;  /* of its tenant's memory */
    uint64_t measured_ns;        /* when its memory was last looked at */
    struct list_link queue_link; /* in the tenant's queue for permits, or among its parked ones */
    struct operations_owner operations;
    struct request_stream stream;
    struct request_coding coding;
    struct request_origin origin;
    struct request_file file;
    struct request_chain *chain; /* in the exchange's arena; NULL: it has but one function */
    struct scheduler_task task;
    struct timers_timer timer;
    struct route_target target;
    const char *code; /* of the problem; NULL if the guest answered */
    uint64_t arrived_ns;
    uint64_t now_ns;    /* the clock's last reading on this request's way: reading is dear */
    uint64_t lookup_ns; /* reading the function from the catalog; 0: it was known */
    uint64_t start_ns;  /* checkout, all of it */
    uint64_t run_ns;    /* slices, all of them */
    uint64_t parked_ns; /* asleep by its own wish */
    uint64_t parked_at_ns;
    uint64_t until_ns;    /* when it goes on without an event */
    uint64_t deadline_ns; /* by limits.wall, of a stream by limits.stream_wall */
    uint64_t gone_check_ns;
    uint64_t fuel_max;   /* what it may use */
    uint64_t fuel_given; /* by its caller, all of it; 0: it has none */
    uint64_t fuel_lent;  /* to siblings: used, or still theirs */
    uint64_t fuel_used;
    uint64_t native_fuel; /* of all its fuel, steps of a chain included */
    uint64_t fuel_before; /* what the isolate's earlier requests used, if it kept its memory */
    struct http_exchange http;
    struct bytes path; /* as it came, with query */
    struct request_response response;
    char id[REQUEST_ID_BYTES + 1];
    char timing[REQUEST_TIMING_BYTES];
    char problem[REQUEST_PROBLEM_BYTES];
};

/* False: there is no room for one more; nothing was taken. */
NODISCARD bool request_init(struct request *request,
                            struct request_service *service,
                            const struct request_carrier *carrier);
/* Carriers' of requests that no client waits for: there is room for every answer, and nobody hangs
 * up. A function that waits for one looks at its own client. */
bool request_always_has_room(const struct request *request, uint64_t body_bytes);
bool request_is_never_left(const struct request *request);
bool request_is_watched_by_itself(struct request *request);
#define REQUEST_WITHOUT_CLIENT                                                                     \
    .has_room = request_always_has_room, .client_gone = request_is_never_left,                     \
    .watch = request_is_watched_by_itself
/* Takes it all the way, or to where it has to wait. May end in carrier->send. */
void request_begin(struct request *request);
/* What of a request says where it leads. */
struct request_line {
    struct bytes method;
    struct bytes authority;
    struct bytes path; /* with query, or in absolute form */
};
/* Is there nothing where it leads? For who may answer before there is a request. */
bool request_leads_nowhere(const struct request_service *service, struct request_line line);
/* The same for one of a caller's, whose target is set, and fuel_max what it was given. */
void request_call(struct request *request);
/* The same from where its function is known; request_begin's. */
void request_admit(struct request *request);
/* It is for the server and no function: 204, nothing to say but that it is there. */
void request_acknowledge(struct request *request);
/* Ends it with an answer of the server's own. What `detail` says is for people; NULL: the
 * fault's own words. */
void request_refuse(struct request *request, enum fault fault, const char *detail);
/* The same for what the carrier refuses, and counts, itself. */
void request_reject(struct request *request, uint32_t status, const char *code, const char *detail);
/* The carrier's side is gone or done: what is to be logged is. Afterwards nothing refers to the
 * request. */
void request_end(struct request *request);
/* The carrier's: http.request_body has grown, or has come to its end. It may have moved. */
void request_body_came(struct request *request);
/* The carrier's: the client has hung up. */
void request_hung_up(struct request *request);
/* The carrier's: the piece that was written is out, and it takes the next. */
void request_sent(struct request *request);
/* One of its operations has completed: if it is parked for that, it goes on. */
void request_wake(struct operations_owner *owner);
/* ---- for the files that lead it: streams, chains, the way in ----------------------------------
 */

/* Reads the clock into request->now_ns. */
uint64_t request_now(struct request *request);
void request_set_timer(struct request *request, uint64_t at_ns);
/* The one door: leaves what the request waited for, and gives back what its state no more has. */
void request_become(struct request *request, enum request_state next);
/* The same, of a request that needs its isolate no more. */
void request_leave_isolate(struct request *request, enum request_state next, enum isolate_end end);
/* To its last state: everything but the sending. */
void request_conclude(struct request *request, enum request_state last, enum isolate_end end);
/* False: an answer with so large a body cannot be; the request was ended. */
bool request_may_answer(struct request *request, uint64_t body_bytes);
/* `end`: may the next request find the memory that this one left? Not after an exit. */
void request_answer(struct request *request, enum isolate_end end);
/* A parked one goes on. */
void request_unpark(struct request *request);
/* Its deadline has come: ends it. */
void request_expire(struct request *request);
/* What `target` names, with a reference: of several versions the one that this client gets. */
NODISCARD enum status intake_find(const struct request *request,
                                  const struct route_target *target,
                                  struct report *report,
                                  struct directory_function **ret_function);
/* Makes the exchange request->function's. */
void intake_enter(struct request *request);

/* Calls of siblings that may stand behind one another. */
#define REQUEST_DEPTH_MAX 8
/* Whose guests may call functions of their tenant from now on; its owners are requests (sibling.c).
 */
void request_open_siblings(struct world *world);
/* Takes from request->fuel_max what is not its own. */
void sibling_bound_fuel(struct request *request);
/* The scheduler's: a portion of a slice. */
enum scheduler_verdict request_slice(struct scheduler_task *task, struct scheduler_grant *grant);

#endif
