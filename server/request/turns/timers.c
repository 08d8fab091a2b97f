/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The heap: below position p are four, 4p - 2 to 4p + 1, none earlier than it.
 */
#include "server/request/turns/timers.h"

#include <stdlib.h>

#define TIMERS_CHILDREN       4
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
        struct timers_place *heap = reallocarray(timers->heap, capacity, sizeof(*heap));
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

static void timers_put(struct timers *timers, uint32_t position, struct timers_place place)
{
    timers->heap[position - 1] = place;
    place.timer->position = position;
}

static uint64_t timers_at_ns(const struct timers *timers, uint32_t position)
{
    return timers->heap[position - 1].at_ns;
}

static uint32_t timers_parent(uint32_t position)
{
    return (position + TIMERS_CHILDREN - 2) / TIMERS_CHILDREN;
}

/* The earliest of those below `position`; a position that is not there: there are none. */
static uint32_t timers_child(const struct timers *timers, uint32_t position)
{
    uint32_t first = (position - 1) * TIMERS_CHILDREN + 2;
    uint32_t end = MIN(first + TIMERS_CHILDREN, timers->count + 1);
    uint32_t child = first;
    for (uint32_t i = first + 1; i < end; i++) {
        if (timers_at_ns(timers, i) < timers_at_ns(timers, child))
            child = i;
    }
    return child;
}

static void timers_sift_up(struct timers *timers, uint32_t position, struct timers_place place)
{
    while (position > 1 && timers_at_ns(timers, timers_parent(position)) > place.at_ns) {
        timers_put(timers, position, timers->heap[timers_parent(position) - 1]);
        position = timers_parent(position);
    }
    timers_put(timers, position, place);
}

static void timers_sift_down(struct timers *timers, uint32_t position, struct timers_place place)
{
    for (;;) {
        uint32_t child = timers_child(timers, position);
        if (child > timers->count || timers_at_ns(timers, child) >= place.at_ns)
            break;
        timers_put(timers, position, timers->heap[child - 1]);
        position = child;
    }
    timers_put(timers, position, place);
}

void timers_clear(struct timers *timers, struct timers_timer *timer)
{
    uint32_t position = timer->position;
    if (position == 0)
        return;
    ASSERT(timers->heap[position - 1].timer == timer);
    timer->position = 0;
    struct timers_place last = timers->heap[--timers->count];
    if (last.timer == timer)
        return;
    if (position > 1 && timers_at_ns(timers, timers_parent(position)) > last.at_ns)
        timers_sift_up(timers, position, last);
    else
        timers_sift_down(timers, position, last);
}

void timers_set(struct timers *timers, struct timers_timer *timer, uint64_t at_ns)
{
    timers_clear(timers, timer);
    ASSERT(timers->count < timers->reserved);
    timer->at_ns = at_ns;
    timers_sift_up(timers, ++timers->count, (struct timers_place){at_ns, timer});
}

void timers_run(struct timers *timers, uint64_t now_ns, uint32_t max)
{
    for (uint32_t i = 0; i < max && timers->count > 0; i++) {
        if (timers->heap[0].at_ns > now_ns)
            return;
        struct timers_timer *timer = timers->heap[0].timer;
        timers_clear(timers, timer);
        timer->fire(timer);
    }
}

uint64_t timers_next_ns(const struct timers *timers)
{
    return timers->count > 0 ? timers->heap[0].at_ns : UINT64_MAX;
}
