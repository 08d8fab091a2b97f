/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The heap: position p has its children at 2p and 2p + 1, all later than it.
 */
#include "server/request/turns/timers.h"

#include <stdlib.h>

#define TIMERS_CAPACITY_FIRST 64
#define TIMERS_CAPACITY_MAX   (1u << 20)

void timers_done(struct timers *timers)
{
    free(timers->heap);
    *timers = (struct timers){0};
}

bool timers_reserve(struct timers *timers)
{
    if (timers->reserved == timers->capacity) {
        uint32_t capacity = MAX(timers->capacity * 2, (uint32_t)TIMERS_CAPACITY_FIRST);
        if (capacity > TIMERS_CAPACITY_MAX)
            return false;
        struct timers_timer **heap =
            reallocarray(timers->heap, capacity, sizeof(struct timers_timer *));
        if (heap == NULL)
            return false;
        timers->heap = heap;
        timers->capacity = capacity;
    }
    timers->reserved++;
    return true;
}

void timers_release(struct timers *timers)
{
    ASSERT(timers->reserved > 0);
    timers->reserved--;
    ASSERT(timers->count <= timers->reserved);
}

static void timers_place(struct timers *timers, uint32_t position, struct timers_timer *timer)
{
    timers->heap[position - 1] = timer;
    timer->position = position;
}

static void timers_sift_up(struct timers *timers, uint32_t position, struct timers_timer *timer)
{
    while (position > 1 && timers->heap[position / 2 - 1]->at_ns > timer->at_ns) {
        timers_place(timers, position, timers->heap[position / 2 - 1]);
        position /= 2;
    }
    timers_place(timers, position, timer);
}

static void timers_sift_down(struct timers *timers, uint32_t position, struct timers_timer *timer)
{
    for (;;) {
        uint32_t child = position * 2;
        if (child > timers->count)
            break;
        if (child < timers->count && timers->heap[child]->at_ns < timers->heap[child - 1]->at_ns)
            child++;
        if (timers->heap[child - 1]->at_ns >= timer->at_ns)
            break;
        timers_place(timers, position, timers->heap[child - 1]);
        position = child;
    }
    timers_place(timers, position, timer);
}

void timers_clear(struct timers *timers, struct timers_timer *timer)
{
    uint32_t position = timer->position;
    if (position == 0)
        return;
    ASSERT(timers->heap[position - 1] == timer);
    timer->position = 0;
    struct timers_timer *last = timers->heap[--timers->count];
    if (last == timer)
        return;
    if (position > 1 && timers->heap[position / 2 - 1]->at_ns > last->at_ns)
        timers_sift_up(timers, position, last);
    else
        timers_sift_down(timers, position, last);
}

void timers_set(struct timers *timers, struct timers_timer *timer, uint64_t at_ns)
{
    timers_clear(timers, timer);
    ASSERT(timers->count < timers->reserved);
    timer->at_ns = at_ns;
    timers_sift_up(timers, ++timers->count, timer);
}

void timers_run(struct timers *timers, uint64_t now_ns, uint32_t max)
{
    for (uint32_t i = 0; i < max && timers->count > 0; i++) {
        struct timers_timer *timer = timers->heap[0];
        if (timer->at_ns > now_ns)
            return;
        timers_clear(timers, timer);
        timer->fire(timer);
    }
}

uint64_t timers_next_ns(const struct timers *timers)
{
    return timers->count > 0 ? timers->heap[0]->at_ns : UINT64_MAX;
}
