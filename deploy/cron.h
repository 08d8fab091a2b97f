/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to deploy: the clock of cron triggers.
 *
 *   each second: which are due? --> their moments are stored, in one transaction --> errands
 *                                                        each run's end --> a line of the log
 *
 * A moment is stored before its run begins, so that none runs twice, whatever ends control. What
 * was due while control did not run is left out or made up for once, as the trigger says.
 */
#ifndef SKERRY_DEPLOY_CRON_H
#define SKERRY_DEPLOY_CRON_H

#include "deploy/errand_desk.h"
#include "deploy/store/store.h"

struct cron;

struct cron_options {
    struct store *store;
    struct errand_desk *errands;
    const struct clock *clock;
    /* A line of the function's log. */
    void (*line)(void *context,
                 const struct store_target *target,
                 enum deploy_log_level level,
                 struct bytes line);
    void *context;
};

NODISCARD enum status cron_create(const struct cron_options *options, struct cron **ret_cron);
/* After its errands have ended; accepts NULL. */
void cron_free(struct cron *cron);
/* Once a second. */
void cron_tick(struct cron *cron);
/* Triggers may have changed. */
void cron_changed(struct cron *cron);
/* Runs a trigger now, besides its schedule. NOT_FOUND; BUSY: it runs already and may not twice. */
NODISCARD enum status cron_run_now(struct cron *cron,
                                   const struct store_target *target,
                                   struct bytes id,
                                   struct report *report);

#endif
