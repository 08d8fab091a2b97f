/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One run: connections, opened before the clock starts, and requests given to them.
 *
 *   open loop (a rate)      pacer -> queue -> whichever connection is free the longest
 *   closed loop (rate 0)    each connection sends its next request when it has an answer
 *
 *   OPENING -> RUNNING -> DRAINING (nothing new; what is due is still answered) -> end
 *
 * Latency counts from the time a request was due, wherever it waited, so a server that
 * stalls cannot hide it by keeping the client from asking (no coordinated omission).
 * A request that waited longer than the timeout for a connection is not sent any more.
 */
#ifndef SKERRY_LOADTEST_LOAD_RUN_H
#define SKERRY_LOADTEST_LOAD_RUN_H

#include "loadtest/connection.h"
#include "loadtest/histogram.h"

struct load_run_sample {
    uint64_t index;                         /* 0.. in the order of becoming due */
    uint64_t due_ns;                        /* closed loop: when it was sent */
    bool warmup;                            /* due before the measured time began */
    const struct connection_result *result; /* sent_ns is 0 if it was never sent */
};

struct load_run_options {
    const struct target *target;
    const struct clock *clock;
    uint32_t connections;
    uint64_t rate_millis; /* requests in 1,000 seconds; 0: closed loop */
    bool poisson;
    uint64_t seed;
    uint64_t warmup_ns;   /* before the measured time */
    uint64_t duration_ns; /* measured; 0: until `count` requests were made */
    uint64_t count;       /* 0: no bound */
    uint64_t timeout_ns;
    bool to_head; /* requests are HEAD */
    size_t keep_bytes;
    /* Makes request `index`: writes it to `scratch` (empty, its slot's own), or returns bytes
     * that outlive the run. No data: memory is out, the run ends. */
    struct bytes (*request)(void *context, uint64_t index, struct buffer *scratch);
    /* Called once for each request. False ends the run; what is under way is dropped. */
    bool (*finished)(void *context, const struct load_run_sample *sample);
    void *context;
};

struct load_run_result {
    bool interrupted;     /* SIGINT or SIGTERM; requests under way were dropped */
    uint64_t measured_ns; /* from the end of the warm-up to the last answer or the end */
    uint64_t cpu_ns;      /* of this process, in the whole run */
    uint64_t wall_ns;     /* of the whole run, without opening connections */
    struct histogram lag; /* how late the pacer itself was */
};

/* UNREACHABLE if nothing listens there; `ret_result` is set only if OK. */
NODISCARD enum status load_run(const struct load_run_options *options,
                               struct report *report,
                               struct load_run_result *ret_result);

#endif
