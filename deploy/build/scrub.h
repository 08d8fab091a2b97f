/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scrub: control's walk over all artifacts, a while after it started and then once a day.
 *
 * What nobody keeps, what other builds or runs left over, is removed. What is kept is read
 * through and held against its checksum, because a seal (artifacts.h) cannot show bytes that
 * went bad on the disk. It goes in small steps, so that control answers in between, and
 * only after the server is ready: 10,000 artifacts must not delay a start.
 */
#ifndef SKERRY_DEPLOY_BUILD_SCRUB_H
#define SKERRY_DEPLOY_BUILD_SCRUB_H

#include "deploy/build/artifacts.h"

struct scrub;

struct scrub_options {
    struct event_base *base;
    int artifacts_fd; /* borrowed */
    uint64_t run;     /* as in builder_job_options */
    /* Does a version have this artifact? */
    bool (*keeps)(void *context, const uint8_t key[DEPLOY_SHA256_BYTES]);
    /* One that a version has is not what was published. */
    void (*damaged)(void *context,
                    const uint8_t key[DEPLOY_SHA256_BYTES],
                    const struct report *report);
    void *context;
};

NODISCARD enum status
scrub_start(const struct scrub_options *options, struct report *report, struct scrub **ret_scrub);
void scrub_stop(struct scrub *scrub); /* accepts NULL */
/* While it is held nothing is removed or read: another build's artifacts are wanted, too. */
void scrub_hold(struct scrub *scrub, bool held);
/* One step, as the timer takes it; false at the end of a walk. For tests. */
bool scrub_step(struct scrub *scrub);

#endif
