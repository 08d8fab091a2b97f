/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: the guest in an isolate, as a request sees it: engine and host made one.
 *
 *   guest_begin --> RUNS --> guest_run --> RUNS ...  wants (more) fuel
 *                                      --> WAITS     parked; then guest_run again
 *                                      --> NEXT      wants the next handler's answer in the
 *                                                    exchange; then guest_returned --> RUNS ...
 *                                      --> FINISHED  the exchange holds its answer
 *                                      --> FAULTED   which fault, and in what words
 */
#ifndef SKERRY_SERVER_REQUEST_GUEST_H
#define SKERRY_SERVER_REQUEST_GUEST_H

#include "hostapi/hostapi.h"
#include "isolate/isolate.h"
#include "server/request/fault.h"

enum guest_step { GUEST_RUNS, GUEST_WAITS, GUEST_NEXT, GUEST_FINISHED, GUEST_FAULTED };

/* Valid are the fields of the step; nothing clears the others. */
struct guest_result {
    uint64_t until_ns;    /* WAITS: monotonic */
    bool for_event;       /* WAITS: an operation of its own that completes ends it too */
    bool for_room;        /* WAITS: it has written what may wait to be sent */
    bool for_body;        /* WAITS: it wants what has not come of its request's body */
    uint64_t native_fuel; /* of a run: what of its fuel native code took */
    enum isolate_end end; /* FINISHED: what the isolate is good for */
    enum fault fault;     /* FAULTED */
    char text[REPORT_TEXT_BYTES];
};

/* What requests want of guests; tests put other guests here. */
struct guest_ops {
    enum guest_step (*begin)(struct isolate *isolate,
                             struct http_exchange *http,
                             struct guest_result *ret_result);
    /* At least 1 unit of fuel. */
    enum guest_step (*run)(struct isolate *isolate, int64_t fuel, struct guest_result *ret_result);
    /* The next handler, that it asked for, has answered; or failed, and the answer is ours. */
    enum guest_step (*returned)(struct isolate *isolate,
                                bool is_error,
                                struct guest_result *ret_result);
    /* Ever, by this isolate. */
    uint64_t (*fuel_used)(const struct isolate *isolate);
    /* Of a guest that faulted or was stopped; innermost first. */
    uint32_t (*backtrace)(const struct isolate *isolate,
                          struct engine_frame_info *ret_frames,
                          uint32_t max);
};
extern const struct guest_ops guest_ops;

/* How the pool makes hosts; the clock is borrowed. */
struct isolate_host_ops guest_host_ops(const struct clock *clock);

#endif
