/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: the helpers of this server (server/helper/helper.h), each a child with a
 * channel to control, and the channels between them and the workers, which control makes and hands
 * out.
 *
 *   a helper starts: a channel to each worker          a worker starts: a channel to each helper
 *   a worker says that one was lost: a new one, so many a second
 */
#ifndef SKERRY_SERVER_CONTROL_HELPERS_H
#define SKERRY_SERVER_CONTROL_HELPERS_H

#include "server/control/workers.h"

struct helpers;

struct helpers_options {
    struct event_base *base;
    const struct clock *clock;
    const struct config *config;
    struct log_drain *log; /* takes their stderr; borrowed, outlives them */
    /* A process of that end was started: messages wait until it reads them; or one was lost. */
    void (*started)(void *context, enum channel_end end);
    void (*lost)(void *context, enum channel_end end);
    void *context;
};

/* Starts none yet. */
NODISCARD enum status helpers_create(const struct helpers_options *options,
                                     struct report *report,
                                     struct helpers **ret_helpers);
/* Ends their processes, and waits until they have ended; accepts NULL. */
void helpers_free(struct helpers *helpers);
/* The workers are borrowed; none of them was started yet. */
void helpers_start(struct helpers *helpers, struct workers *workers);
/* What is left to the next program, and taken over from the one before: those serve on for the
 * workers that know them, until helpers_end_elders. */
void helpers_leave(const struct helpers *helpers, struct handover *handover);
NODISCARD enum status helpers_adopt_elders(struct helpers *helpers,
                                           const struct handover *handover,
                                           struct report *report);
void helpers_end_elders(struct helpers *helpers);
bool helpers_have_elders(const struct helpers *helpers);
/* A worker's process was started. */
void helpers_welcome(struct helpers *helpers, const struct workers_caller *worker);
/* True if it was one of them. */
bool helpers_child_exited(struct helpers *helpers, pid_t pid, int wait_status);
/* A message to one of them; false: it is not there, or there is no room. */
NODISCARD bool
helpers_send(struct helpers *helpers, enum channel_end end, const struct channel_message *message);
/* What one of them sends to control, by type. */
void helpers_on(struct helpers *helpers,
                enum channel_type type,
                bool (*handle)(void *context, const struct channel_frame *frame),
                void *context);

#endif
