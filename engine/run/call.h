/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls from outside: the first frame of one, and what crosses the border with it (call.c).
 * Internal to the engine.
 */
#ifndef SKERRY_ENGINE_RUN_CALL_H
#define SKERRY_ENGINE_RUN_CALL_H

#include "engine/engine.h"

/* How a function's results travel: one of a slot in an accumulator, more in the first slots of
 * the frame. A field of import_call. */
enum call_result {
    CALL_RESULT_NONE,
    CALL_RESULT_I32,
    CALL_RESULT_BITS, /* i64 and references */
    CALL_RESULT_FLOAT,
    CALL_RESULT_MANY, /* a v128 too, which is two slots */
};

enum call_result call_result_of(struct engine_functype type);

/* Arguments from the host into a frame, which they may already be in. */
void call_copy_arguments(const struct engine_instance *instance,
                         uint32_t func_index,
                         uint64_t *frame,
                         const union engine_value *arguments);

/*
 * The call under way ends where it is: between two charges, and the last one may have given back
 * what a branch skipped, for a later one to take. No call executed less than nothing.
 */
void call_settle_fuel(struct engine_machine *machine);

#endif
