/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: one HTTP request on its way through a worker. The state machine is
 * drawn at the top of request.c.
 *
 * A request is embedded in its carrier's object (h2o_exchange.c), which fills `http` and
 * `path` with borrowed views and calls request_begin. The carrier answers by `send`, and
 * says request_end when the client's side is gone: before the answer that is a cancel.
 * After either, the carrier frees the memory.
 */
#ifndef SKERRY_SERVER_REQUEST_REQUEST_H
#define SKERRY_SERVER_REQUEST_REQUEST_H

#include "config/config.h"
#include "hostapi/hostapi.h"
#include "isolate/isolate.h"
#include "server/request/directory.h"
#include "server/request/isolates.h"
#include "server/request/timers.h"
#include "server/telemetry/metrics.h"
#include "server/telemetry/quarantine.h"
#include "server/telemetry/start_ring.h"

#define REQUEST_ID_BYTES      16
#define REQUEST_TIMING_BYTES  256
#define REQUEST_PROBLEM_BYTES 1024
#define REQUEST_EXTRAS_MAX    6

/* STATE(name, text): text is for logs and asserts. */
#define REQUEST_STATES(STATE)                                                                      \
    STATE(NEW, "new")                                                                              \
    STATE(WAIT_SLOT, "waiting for a slot")                                                         \
    STATE(WAIT_ARTIFACT, "waiting for an artifact")                                                \
    STATE(RUNNABLE, "runnable")                                                                    \
    STATE(PARKED, "parked")                                                                        \
    STATE(ANSWERED, "answered")

enum request_state {
#define STATE(name, text) REQUEST_##name,
    REQUEST_STATES(STATE)
#undef STATE
};

struct request_carrier {
    /* Sends request->response. May free the request: nothing may follow. */
    void (*send)(struct request *request);
    /* Has the client hung up? Costs a system call. */
    bool (*client_gone)(const struct request *request);
};

struct request_response {
    uint32_t status;
    struct http_headers guest_headers; /* of the exchange; none in a problem */
    struct http_header extras[REQUEST_EXTRAS_MAX];
    uint32_t extra_count;
    struct bytes body;
};

/* All that the requests of one worker share. */
struct request_service {
    const struct config *config;
    const struct clock *clock;
    struct metrics *metrics;
    struct start_ring *starts; /* where control reads of them */
    struct vitals *vitals;     /* where it reads what runs */
    const struct quarantine_page *quarantine;
    struct deploy_catalog *catalog;
    struct directory *directory;
    struct isolate_pool *pool;
    struct isolates_queue news; /* functions that control says have changed */
    struct scheduler scheduler;
    struct timers timers;
    struct bytes domain;
    uint64_t id_seed;
    uint64_t id_count;
    uint64_t turn_requests; /* metrics->requests at the last turn */
    uint64_t heard_ns;      /* when this turn of the loop began; 0: it waits for something to do */
    uint64_t no_room_ns;    /* when it was last logged that an isolate could not be made */
    uint64_t answered;      /* requests ever that were answered or cancelled */
    uint32_t in_flight;     /* requests begun and not yet answered or cancelled */
    bool access_log;
};

struct request {
    uint64_t magic;
    enum request_state state;
    bool has_slot;
    bool retry_later; /* the problem gets a Retry-After */
    struct request_service *service;
    const struct request_carrier *carrier;
    struct directory_function *function; /* a reference; NULL before it is known */
    struct isolate *isolate;             /* checked out; NULL before and after */
    struct isolate_start start;
    struct request *next; /* in the tenant's queue for a slot */
    struct request *previous;
    struct scheduler_task task;
    struct timers_timer timer;
    struct route_target target;
    const char *code; /* of the problem; NULL if the guest answered */
    uint64_t arrived_ns;
    uint64_t now_ns;    /* the clock's last reading on this request's way: reading is dear */
    uint64_t lookup_ns; /* finding the function */
    uint64_t start_ns;  /* checkout, all of it */
    uint64_t run_ns;    /* slices, all of them */
    uint64_t parked_ns; /* asleep by its own wish */
    uint64_t parked_at_ns;
    uint64_t deadline_ns; /* by limits.wall */
    uint64_t gone_check_ns;
    uint64_t fuel_used;
    uint64_t fuel_before; /* what the isolate's earlier requests used, if it kept its memory */
    bool started;         /* an isolate was checked out: `start` is valid */
    struct http_exchange http;
    struct bytes path; /* as it came, with query */
    struct request_response response;
    char id[REQUEST_ID_BYTES + 1];
    char timing[REQUEST_TIMING_BYTES];
    char problem[REQUEST_PROBLEM_BYTES];
};

/* clock, config, metrics, starts, catalog must be set; makes the rest. */
NODISCARD enum status request_service_init(struct request_service *service, struct report *report);
void request_service_done(struct request_service *service);
/* Timers and one turn of the scheduler; then at most so many milliseconds may pass. */
int request_service_turn(struct request_service *service);
/* A socket has something to do: if the loop waited, its turn begins. */
void request_service_heard(struct request_service *service, uint64_t now_ns);
/* About once a second. */
void request_service_sweep(struct request_service *service);

/* False: there is no room for one more; nothing was taken. */
NODISCARD bool request_init(struct request *request,
                            struct request_service *service,
                            const struct request_carrier *carrier);
/* Takes it all the way, or to where it has to wait. May end in carrier->send. */
void request_begin(struct request *request);
/* Refuses it with an answer of the server's own: for carriers that saw a limit exceeded. */
void request_refuse(struct request *request, uint32_t status, const char *code, const char *detail);
/* The carrier's side is gone or done. Afterwards nothing refers to the request. */
void request_end(struct request *request);

#endif
