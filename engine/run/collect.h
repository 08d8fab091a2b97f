/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Collecting the garbage of a machine, in bounded steps (collect.c). Internal to the engine.
 */
#ifndef SKERRY_ENGINE_RUN_COLLECT_H
#define SKERRY_ENGINE_RUN_COLLECT_H

#include "engine/engine.h"

/* Which root a collection under way comes to next (collect.c). */
struct collect_cursor {
    uint8_t roots; /* enum collect_roots */
    uint32_t instance;
    uint32_t part;
    uint64_t at;
};

struct collect_step {
    uint32_t price; /* fuel */
    enum engine_trap trap;
};

/*
 * heap_allocate returned nothing: one bounded step of a collection, after which to ask
 * again; or the trap, if the last collection was for this very allocation. Registers are
 * saved; the guest's stack is in use below `stack_end`. Begins at step one if the call that
 * a collection was for is gone.
 */
struct collect_step collect_step(struct engine_machine *machine, const uint64_t *stack_end);
/* A whole collection, so that a snapshot has nothing superfluous. Of the guest's stack and
 * registers only what is `kept` counts. */
void collect_all(struct engine_machine *machine, const uint64_t *kept, uint32_t kept_count);

#endif
