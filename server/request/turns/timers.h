/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: timers in a heap, for one thread.
 *
 * A timer is embedded in its owner and is in the heap at most once. Room for one more is
 * reserved when an owner is made (timers_reserve), so that setting a timer cannot fail.
 */
#ifndef SKERRY_SERVER_REQUEST_TURNS_TIMERS_H
#define SKERRY_SERVER_REQUEST_TURNS_TIMERS_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/status.h"

struct timers_timer {
    uint64_t at_ns;
    uint32_t position; /* in the heap, from 1; 0: not set */
    void (*fire)(struct timers_timer *timer);
};

/* With its moment, so that the order is found without looking at owners: of many, they are in no
 * cache. */
struct timers_place {
    uint64_t at_ns;
    struct timers_timer *timer;
};

struct timers {
    struct timers_place *heap; /* owned; [0] is the next to fire */
    uint32_t count;
    uint32_t reserved; /* owners that may set a timer */
    uint32_t capacity;
};

void timers_done(struct timers *timers);
/* One more owner, one less. */
NODISCARD bool timers_reserve(struct timers *timers);
void timers_release(struct timers *timers);
/* Sets or moves. */
void timers_set(struct timers *timers, struct timers_timer *timer, uint64_t at_ns);
void timers_clear(struct timers *timers, struct timers_timer *timer);
/* Fires what is due, at most `max`; a timer is cleared before it fires. */
void timers_run(struct timers *timers, uint64_t now_ns, uint32_t max);
/* UINT64_MAX if none is set. */
uint64_t timers_next_ns(const struct timers *timers);

#endif
