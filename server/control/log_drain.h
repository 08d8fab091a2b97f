/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: what other processes write to stderr, on its way through control.
 *
 *   worker, builder --pipe (never waits)--> drain --line by line--> control's stderr
 *
 * Nobody who writes ever waits for who reads: a full pipe loses what is written to it, and so
 * does a full stderr of control, which is counted here. Each line is stamped with the process whose
 * pipe it came from, so that one that guests broke out into speaks for nobody else. One that is not
 * of our log's form (a library's, a sanitizer's, a forger's) becomes the text of one that is, and
 * of those only so many a second are passed on.
 */
#ifndef SKERRY_SERVER_CONTROL_LOG_DRAIN_H
#define SKERRY_SERVER_CONTROL_LOG_DRAIN_H

#include "engine/base/clock.h"
#include "engine/base/status.h"
#include "server/telemetry/log.h"

#define LOG_DRAIN_FOREIGN_PER_S 200

struct event_base;
struct log_drain;
struct log_drain_pipe;

struct log_drain_options {
    struct event_base *base;
    const struct clock *clock;
    /* Writes one line, its end included; false if it was lost. Never waits. */
    bool (*write)(const char *line, size_t count);
};

NODISCARD enum status log_drain_create(const struct log_drain_options *options,
                                       struct report *report,
                                       struct log_drain **ret_drain);
/* Takes what is still in the pipes first; accepts NULL. */
void log_drain_free(struct log_drain *drain);
/* `who`, plain text, is named in each line; the pipe is the drain's. */
NODISCARD enum status log_drain_open(struct log_drain *drain,
                                     const char *who,
                                     struct report *report,
                                     struct log_drain_pipe **ret_pipe);
/* The same with a pipe that is there already, both of whose ends are taken over. */
NODISCARD enum status log_drain_adopt(struct log_drain *drain,
                                      const char *who,
                                      const int fds[2],
                                      struct report *report,
                                      struct log_drain_pipe **ret_pipe);
/* Its ends, for reading and writing; the pipe's. */
void log_drain_ends(const struct log_drain_pipe *pipe, int ret_fds[2]);
/* What to give to a process as its stderr. */
int log_drain_fd(const struct log_drain_pipe *pipe);
/* Takes what is in the pipe now: its writer ended. */
void log_drain_flush(struct log_drain_pipe *pipe);
/* Lines ever that were not passed on. */
uint64_t log_drain_dropped(const struct log_drain *drain);

#endif
