/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: how many requests of a tenant run at once in a worker, and who waits.
 *
 *   ask --> a permit is free and nobody waits: PERMIT
 *       --> the queue has room: WAIT; in the order in which they came
 *       --> FULL
 *   release --> the permit goes to the first that waits, at once: nobody overtakes
 *   resume  --> a permit, whether one is free or not: it was given back for a while only, and what
 *               is over the bound is made up by releases
 *
 * Knows no requests: who waits is a link, and the caller finds what it is in.
 */
#ifndef SKERRY_SERVER_REQUEST_TURNS_ADMISSION_H
#define SKERRY_SERVER_REQUEST_TURNS_ADMISSION_H

#include "config/limits.h"
#include "deploy/deploy.h"
#include "engine/base/list.h"

/* All zeros: nobody runs or waits. Only admission.c looks inside. */
struct admission_tenant {
    struct list queue;
    uint32_t running;     /* permits that are given */
    uint32_t waiting;     /* links in the queue */
    uint64_t running_max; /* as it was last asked with */
};

struct admission_bounds {
    uint64_t running_max;
    uint64_t waiting_max;
};

/* The tenant's own bounds, and the operator's where it has none. */
struct admission_bounds admission_bounds_of(const struct config_limits *limits,
                                            const struct deploy_tenant_limits *own);

enum admission_answer {
    ADMISSION_PERMIT, /* go on, and release it in the end */
    ADMISSION_WAIT,   /* `link` is in the queue: it gets a permit, or leaves */
    ADMISSION_FULL,
};

enum admission_answer admission_ask(struct admission_tenant *tenant,
                                    const struct admission_bounds *bounds,
                                    struct list_link *link);
/* Takes a permit again that was given back while its holder was parked. */
void admission_resume(struct admission_tenant *tenant);
/* Gives a permit back. If somebody waited, it has it now and is in the queue no more: whoever is
 * returned; else NULL. NULL too while more run than may. */
struct list_link *admission_release(struct admission_tenant *tenant);
/* Waits no longer. */
void admission_leave(struct admission_tenant *tenant, struct list_link *link);
/* Has it neither permits given nor anybody waiting? */
bool admission_is_idle(const struct admission_tenant *tenant);

#endif
