/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: one process that control keeps alive, whatever it is for.
 *
 *   IDLE --start--> STARTING --says so--> READY
 *    ^                 |                    |
 *    |              it dies              it dies: the next one starts at once
 *    +-- wait: longer each time -----------'   (but not sooner than CHILD_SPACING_MS after it did)
 *
 * A process that was ready did its work and died of something: whoever waits for its successor
 * did nothing wrong, and is not made to wait. Only one that cannot even start is held back. What
 * kills a process again and again is dealt with where it is known.
 */
#ifndef SKERRY_SERVER_CONTROL_CHILD_H
#define SKERRY_SERVER_CONTROL_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

#include "engine/base/clock.h"
#include "server/control/roles.h"

#define CHILD_SPACING_MS      100
#define CHILD_WAIT_MS_FIRST   100
#define CHILD_WAIT_MS_MAX     5000
#define CHILD_START_TRIES_MAX 3

struct event;
struct event_base;

struct child_ops {
    /* Starts a process that writes a byte to `ready_fd` when it is ready. */
    enum status (*start)(void *context, int ready_fd, struct report *report, pid_t *ret_pid);
    void (*ready)(void *context);
    void *context;
};

struct child {
    const struct role *role;
    uint32_t index; /* which of its role, for the log */
    struct event_base *base;
    const struct clock *clock;
    struct child_ops ops;
    pid_t pid; /* 0: none runs */
    bool ready;
    bool stopped;      /* no successor is wanted */
    uint32_t failures; /* in a row: processes that were never ready */
    uint64_t started_ns;
    struct event *ready_event;
    struct event *restart_event;
};

/* role, index, base, clock and ops are set by the caller; all else is zero. */
NODISCARD enum status child_init(struct child *child, struct report *report);
/* Kills nothing: the process, if there is one, must have been reaped or be dying. Accepts what
 * child_init failed on, and zeros. */
void child_done(struct child *child);
/* A start that fails is logged and tried again. */
void child_start(struct child *child);
/* It ended and was reaped; the next one starts, now or later, unless it was stopped. */
void child_died(struct child *child, int wait_status);
/* From now on it has no successor; does not end what runs. */
void child_stop(struct child *child);
void child_kill(const struct child *child, int number);
/* Was it never ready, as often as makes hope idle? */
bool child_is_hopeless(const struct child *child);
/* How long the next start has to wait, after a death or a failed start at `now_ns`. */
uint64_t child_wait_ns(const struct child *child, uint64_t now_ns);

#endif
