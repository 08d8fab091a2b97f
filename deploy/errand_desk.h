/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to deploy: who waits for which errand (struct deploy_errand).
 */
#ifndef SKERRY_DEPLOY_ERRAND_DESK_H
#define SKERRY_DEPLOY_ERRAND_DESK_H

#include "deploy/deploy.h"
#include "engine/base/list.h"

struct errand_call {
    struct list_link link;
    uint64_t number;
    /* Once; the call is off the list, and may be freed. */
    void (*done)(struct errand_call *call, const struct deploy_errand_end *end);
};

struct errand_desk {
    /* As in deploy_control_options, with its context. */
    bool (*ask)(void *context, const struct deploy_errand *errand, uint64_t number);
    void *context;
    struct list calls;
    uint64_t number;
};

/* False: nobody can be asked now, and `done` is not called. */
NODISCARD bool errand_desk_send(struct errand_desk *desk,
                                const struct deploy_errand *errand,
                                struct errand_call *call);
void errand_desk_done(struct errand_desk *desk,
                      uint64_t number,
                      const struct deploy_errand_end *end);
/* Nobody answers any more: all are told so. */
void errand_desk_close(struct errand_desk *desk);

#endif
