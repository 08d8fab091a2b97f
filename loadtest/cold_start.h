/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the first request to a function costs: deploys N functions that no worker has
 * seen, requests each once, and deletes them.
 *
 *   PUT    /v1/tenants/T/functions/cold-0001 ...   over the admin socket, one by one
 *   GET    /f/T/cold-0001/ ...                     over the functions' port: measured
 *   DELETE /v1/tenants/T/functions/cold-0001 ...   whatever happened before
 *
 * Each module ends in a custom section with a number of its own, because equal bytes
 * would share one artifact and only the first of them would be cold.
 */
#ifndef SKERRY_LOADTEST_COLD_START_H
#define SKERRY_LOADTEST_COLD_START_H

#include "loadtest/load_options.h"
#include "loadtest/load_results.h"

struct cold_start_result {
    bool measured;                   /* requests were made: the rest is valid */
    bool interrupted;                /* in any of the three parts */
    struct load_run_result requests; /* the measured part */
    struct histogram uploads;        /* as the client saw them */
};

/*
 * Requests are counted in `results`. If an upload fails, nothing is requested and the
 * report names function, status and reason; what was uploaded is deleted all the same. Requests
 * go where the deploys say, unless the user said where: then `target` is changed.
 */
NODISCARD enum status cold_start_run(const struct load_options *options,
                                     struct target *target,
                                     struct load_results *results,
                                     struct report *report,
                                     struct cold_start_result *ret_result);

/* Where the functions' traffic goes, by what the admin API answered to a deploy; path and query of
 * `target` stay. False, and nothing is changed, if it says nothing that can be used. */
bool cold_start_follow(struct bytes answer, struct target *target);

/* Appends the custom section that makes module number `index` of a run unlike all others. */
#define COLD_START_NONCE_BYTES 16
NODISCARD enum status cold_start_append_nonce(struct buffer *module,
                                              const uint8_t nonce[COLD_START_NONCE_BYTES],
                                              uint64_t index);

#endif
