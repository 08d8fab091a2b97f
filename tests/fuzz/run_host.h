/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host of a fuzz target's run (run.h): functions for whatever a module imports, and values
 * of any type. What a function does says the number of its import: only answer, charge fuel and
 * write into memory, call the guest back, or trap now and then.
 */
#ifndef SKERRY_TESTS_FUZZ_RUN_HOST_H
#define SKERRY_TESTS_FUZZ_RUN_HOST_H

#include "tests/fuzz/run.h"

/* Values on their way into slots. */
struct run_slots {
    union engine_value *at; /* 2,000 of them: two for each parameter that there may be */
    uint32_t count;         /* filled */
    uint64_t seed;          /* equal seeds, equal values */
};

/* Appends values of these types; false if there is none of one of them. */
bool run_host_values(struct run_slots *slots, const uint32_t *types, uint32_t count);

/* After the module was opened: a function for each of its imports. */
void run_host_make(struct run *run);
struct engine_linker run_host_linker(struct run *run);

uint64_t run_host_random(struct run_interruptions *interruptions);

#endif
