/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Building missing artifacts again, when a worker asks for one.
 *
 * A request that is under way already, came too late, or failed a moment ago is dropped: workers
 * ask again.
 */
#ifndef SKERRY_DEPLOY_BUILD_REBUILD_H
#define SKERRY_DEPLOY_BUILD_REBUILD_H

#include "deploy/build/bases.h"
#include "deploy/store/store.h"

struct rebuild;

struct rebuild_options {
    int artifacts_fd;
    const struct clock *clock;
    struct store *store;
    struct bases *bases;
    /* One was published; or could not be, `text` says why. */
    void (*rebuilt)(void *context, const uint8_t key[DEPLOY_SHA256_BYTES]);
    void (*failed)(void *context, const uint8_t key[DEPLOY_SHA256_BYTES], const char *text);
    void *context;
};

NODISCARD enum status rebuild_start(const struct rebuild_options *options,
                                    struct report *report,
                                    struct rebuild **ret_rebuild);
/* A worker asks, or whoever found that it is damaged. */
void rebuild_request(struct rebuild *rebuild, const uint8_t key[DEPLOY_SHA256_BYTES]);
/* Nothing is being built. */
bool rebuild_is_idle(const struct rebuild *rebuild);
/* Call after builder_jobs_free, which ends the jobs; accepts NULL. */
void rebuild_stop(struct rebuild *rebuild);

#endif
