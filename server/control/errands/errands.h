/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: errands, requests that control has a worker make, as control sees them
 * (server/request/errands/errand.h).
 *
 *   deploy --errands_ask--> a worker that serves --ERRAND_DONE--> deploy_control_errand_done
 *                                \--it ended, or says nothing for long--> the same, as lost
 */
#ifndef SKERRY_SERVER_CONTROL_ERRANDS_ERRANDS_H
#define SKERRY_SERVER_CONTROL_ERRANDS_ERRANDS_H

#include "deploy/deploy.h"
#include "engine/base/list.h"
#include "server/control/workers.h"

#define ERRANDS_WAITING_MAX 1024

struct errands {
    struct workers *workers;       /* borrowed */
    struct deploy_control *deploy; /* hears the answers */
    const struct config *config;   /* borrowed */
    const struct clock *clock;
    struct list waiting;
    uint32_t waiting_count;
    uint32_t next; /* where the search for a worker begins */
};

/* From now on answers are heard. */
void errands_open(struct errands *errands);
void errands_close(struct errands *errands);
/* For deploy_control_options.errand. */
bool errands_ask(struct errands *errands, const struct deploy_errand *errand, uint64_t number);
/* That process has ended: what it was asked is lost. */
void errands_lost(struct errands *errands, const struct workers_caller *worker);
/* Now and then: what nobody answers in its time is lost. */
void errands_tick(struct errands *errands);

#endif
