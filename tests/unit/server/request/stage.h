/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker's service with nothing real around it: the clock, the names, the isolates, the guests
 * and the carrier are this stage's, and do what a test tells them. Scheduler, timers and all that
 * is counted, answered and logged are real.
 *
 * Everybody who is called on a request's way looks at it, so that the stage knows each way from
 * one state to another that was gone.
 */
#ifndef SKERRY_TESTS_UNIT_SERVER_REQUEST_STAGE_H
#define SKERRY_TESTS_UNIT_SERVER_REQUEST_STAGE_H

#include "server/request/request.h"
#include "server/request/service.h"
#include "server/telemetry/log_record.h"
#include "server/telemetry/start_record.h"
#include "tests/support/unit.h"

#define STAGE_REQUESTS  8
#define STAGE_LOG_BYTES 131072
#define STAGE_SLICE_US  100
#define STAGE_WALL_US   1000000
#define STAGE_WAIT_US   50000 /* limits.queue_wait */
#define STAGE_FUEL      20000
#define STAGE_RUN_NS    1000 /* what a run takes, */
#define STAGE_RUN_FUEL  5000 /* and uses */
#define STAGE_STEPS_MAX 8
#define STAGE_WRITE_MAX 8192     /* limits.stream_buffer */
#define STAGE_STREAM_US 60000000 /* limits.stream_wall */
#define STAGE_IDLE_US   2000000  /* limits.stream_idle */
#define STAGE_GRACE_US  3000000  /* limits.drain_grace */
#define STAGE_PLACES    4        /* limits.parked */

struct stage {
    struct config config;
    struct metrics metrics;
    struct record_ring *records;
    struct vitals vitals;
    struct quarantine_page quarantine;
    struct request_service service;
    struct directory_tenant tenant;
    struct request requests[STAGE_REQUESTS];
    enum request_state looked[STAGE_REQUESTS]; /* as last seen */
    uint64_t now_ns;
    /* what the others do */
    const char *path; /* of requests; "/" */
    enum status find_status;
    enum status find_status_later;  /* of all but the first name of a request */
    const struct deploy_host *host; /* routed.example has its routes; NULL: it has none */
    uint64_t find_takes_ns;
    enum status checkout_status;
    enum isolate_start_reason reason;
    enum guest_step begin_step;
    enum guest_step steps[STAGE_STEPS_MAX]; /* of one run after the other; then the last again */
    uint32_t step_count;
    enum guest_step return_step; /* of a guest whose next step has answered; RUNS */
    struct guest_result result;  /* of steps that have one */
    size_t write_bytes;          /* of body, by each run */
    const char *authority;       /* NULL: its function's own */
    const char *method;          /* NULL: GET */
    uint64_t generation;         /* of names */
    struct http_exchange *http;  /* of who began last */
    uint64_t fuel_used;
    bool client_gone;
    bool is_unwatchable; /* its end is not told */
    uint32_t watches;
    bool is_full;    /* no answer may be sent */
    bool must_yield; /* the tenant, for memory */
    bool grows;      /* whenever its guests are looked at */
    /* what they were asked */
    uint32_t steps_taken;
    uint32_t returns; /* of next steps */
    uint32_t errors;  /* of those */
    uint32_t finds;   /* names of the request that began last */
    uint32_t found;
    uint32_t released;
    uint32_t checkouts;
    uint32_t in_use; /* isolates */
    enum isolate_end last_end;
    uint32_t rebuilds;
    uint32_t sent;
    bool in_flight[STAGE_REQUESTS]; /* a piece */
    uint32_t pieces;                /* ever, the last ones too */
    size_t piece_bytes;             /* of the latest */
    uint64_t taken_bytes;           /* of all: what the client is said to have */
    uint32_t cuts;
    bool cut_at_once;
    uint32_t gone_checks;
    uint32_t measures;
    struct directory_tenant other_tenant; /* whose function is requested if `is_other` */
    struct directory_function *other;
    bool is_other;
    struct directory_function function; /* last: its config has no bound */
};

/* Ways gone since the program began. */
extern bool stage_seen[REQUEST_STATE_COUNT][REQUEST_STATE_COUNT];

/* A cmocka fixture: one tenant may run `concurrency` = 1 request, and 2 wait. */
int stage_setup(void **state);
int stage_teardown(void **state);
/* Request `index` comes, for http://hello.acme.test/. */
struct request *stage_begin(struct stage *stage, uint32_t index);
/* The same, and then the carrier is done with it. */
void stage_end(struct stage *stage, uint32_t index);
/* The piece of its answer that is in flight is out. */
void stage_take(struct stage *stage, uint32_t index);
/* A turn of the worker's at this time. */
void stage_turn(struct stage *stage, uint64_t at_ns);
/* Notes the states of all requests. */
void stage_look(struct stage *stage);

/* What this process writes to its log from here on, until it is taken. */
void stage_log_begin(void);
/* NUL-terminated; valid until the next call. */
const char *stage_log_take(void);
/* How many lines of it have `word`. */
uint32_t stage_log_count(const char *log, const char *word);

#endif
