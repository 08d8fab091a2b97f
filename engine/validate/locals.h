/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Locals: their types, and which have a value.
 */
#ifndef SKERRY_ENGINE_VALIDATE_LOCALS_H
#define SKERRY_ENGINE_VALIDATE_LOCALS_H

#include "engine/validate/body.h"

void validate_init_locals(struct validator *v);
/* Reads the runs of locals; the parameters need none. */
void validate_read_locals(struct validator *v);
/* As many as the body is long come to an array. */
void validate_expand_locals(struct validator *v);
/* Locals that were set since `count` were, are unset again. */
void validate_unset_locals(struct validator *v, uint32_t count);

uint32_t validate_read_local_slow(struct validator *v, uint32_t index);
uint32_t validate_set_local_slow(struct validator *v, uint32_t index);

/* Type of the local named next, which must have a value. */
static inline uint32_t validate_read_local(struct validator *v)
{
    uint32_t index = reader_u32(&v->reader);
    if (LIKELY(index < v->expanded_count && (v->locals[index] & VALIDATE_UNSET) == 0))
        return v->locals[index];
    return validate_read_local_slow(v, index);
}

/* Type of the local named next, which has a value from now on. */
static inline uint32_t validate_set_local(struct validator *v)
{
    uint32_t index = reader_u32(&v->reader);
    if (LIKELY(index < v->expanded_count && (v->locals[index] & VALIDATE_UNSET) == 0))
        return v->locals[index];
    return validate_set_local_slow(v, index);
}

#endif
