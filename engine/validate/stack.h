/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operand stack of a body: values popped and pushed, and what is said of those that do not fit.
 */
#ifndef SKERRY_ENGINE_VALIDATE_STACK_H
#define SKERRY_ENGINE_VALIDATE_STACK_H

#include "engine/validate/body.h"

/* Name of the present instruction, for error texts. */
const char *validate_instruction_text(const struct validator *v);
/* Files a failure at the instruction, not behind its immediates. */
void validate_fail(struct validator *v, enum status status, const char *format, ...)
    PRINTF_LIKE(3, 4);
void validate_fail_mismatch(struct validator *v, const char *wanted, uint32_t found);
/* Puts the top back to the limit. */
void validate_fail_stack_full(struct validator *v);
/* Reads an index; UINT32_MAX and "unknown <what>" if it is not below `count`. */
uint32_t validate_check_index(struct validator *v, uint32_t count, const char *what);

void validate_pop_slow(struct validator *v, uint32_t type);
uint32_t validate_pop_any_at_floor(struct validator *v);
/* Are the topmost values of these types? How many of them are there, if so. */
size_t validate_peek_types(struct validator *v, const uint32_t *types, size_t count);
void validate_pop_types(struct validator *v, const uint32_t *types, size_t count);
void validate_push_types(struct validator *v, const uint32_t *types, size_t count);

/* Is `found` a subtype of `wanted`? Fails if there were too many such questions. */
bool validate_matches(struct validator *v, uint32_t found, uint32_t wanted);
/* Pops a reference, any; TYPES_BOTTOM_REF where it cannot be known, and after a failure. */
uint32_t validate_pop_reference(struct validator *v);
/* validate_apply with addresses of 64 bits. */
void validate_apply_wide(struct validator *v, const struct validate_rule *rule);

static inline void validate_push(struct validator *v, uint32_t type)
{
    *v->top++ = type;
    if (UNLIKELY(v->top > v->limit))
        validate_fail_stack_full(v);
}

/* The popped type; VALIDATE_UNKNOWN where that cannot be known, and after a failure. */
static inline uint32_t validate_pop_any(struct validator *v)
{
    return LIKELY(v->top > v->floor) ? *--v->top : validate_pop_any_at_floor(v);
}

static inline void validate_pop(struct validator *v, uint32_t type)
{
    if (LIKELY(v->top > v->floor && v->top[-1] == type))
        v->top--;
    else
        validate_pop_slow(v, type);
}

/* Two 64-bit halves: what every compiler makes few instructions of. */
static inline bool validate_window_fits(const uint32_t *window, const struct validate_rule *rule)
{
    uint64_t have[2], mask[2], want[2];
    _Static_assert(sizeof(have) == VALIDATE_WINDOW * sizeof(*window), "a window is two halves");
    memcpy(have, window, sizeof(have));
    memcpy(mask, rule->mask, sizeof(mask));
    memcpy(want, rule->want, sizeof(want));
    return (((have[0] & mask[0]) ^ want[0]) | ((have[1] & mask[1]) ^ want[1])) == 0;
}

/* Pops and pushes by the rule: one comparison when all operands are as expected. */
static inline void validate_apply(struct validator *v, const struct validate_rule *rule)
{
    if (LIKELY(validate_window_fits(v->top - VALIDATE_WINDOW, rule) &&
               v->top - v->floor >= rule->pops)) {
        v->top -= rule->pops;
    } else {
        for (unsigned i = 1; i <= rule->pops; i++)
            validate_pop_slow(v, rule->want[VALIDATE_WINDOW - i]);
    }
    *v->top = rule->result;
    v->top += rule->pushes;
    if (UNLIKELY(v->top > v->limit))
        validate_fail_stack_full(v);
}

#endif
