/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exceptions and the search for who catches them (unwind.c). Internal to the engine.
 */
#ifndef SKERRY_ENGINE_RUN_UNWIND_H
#define SKERRY_ENGINE_RUN_UNWIND_H

#include "engine/engine.h"

/* The identity of a tag: equal numbers, the same tag of the same instance. */
static inline uint64_t unwind_tag(uint32_t instance_id, uint32_t index)
{
    return (uint64_t)instance_id << 32 | index;
}

/* A new exception with `values` in slots; HEAP_NONE: collect first. */
uint64_t
unwind_make(struct engine_instance *instance, uint32_t tag, const uint64_t *values, uint32_t count);

enum unwind_result {
    UNWIND_CAUGHT,
    UNWIND_UNCAUGHT,
    UNWIND_MORE, /* frames are left to look at */
};

/* Prepares the search for a clause, from the throw at `pc` upwards. */
void unwind_begin(struct engine_instance *instance,
                  uint64_t exception,
                  const uint8_t *pc,
                  uint64_t *fp);
/* Looks through the next frames; machine->unwind says what it cost, and when CAUGHT, the frame
 * and the clause, whose slots have the values. */
enum unwind_result unwind_step(struct engine_machine *machine);

#endif
