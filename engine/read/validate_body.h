/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state of validating one function body: the algorithm of [Wasm core 7.3].
 *
 *   values   one number a value: its type, or VALIDATE_UNKNOWN where code cannot be reached
 *
 *      padding | values of outer frames | values of this frame |
 *                                       ^ floor                ^ top
 *
 *   locals   their types; one that needs a value before it is read, VALIDATE_UNSET with it
 *   frames   one for the function and each open block; a pop at the floor is a mismatch,
 *            unless the rest of the frame cannot be reached
 *
 * After a failure the reader is at its end and functions go on harmlessly to the end of the
 * instruction: indices read then are 0 or checked again, and there is always a frame.
 */
#ifndef SKERRY_ENGINE_READ_VALIDATE_BODY_H
#define SKERRY_ENGINE_READ_VALIDATE_BODY_H

#include "engine/read/validate.h"

#define VALIDATE_UNKNOWN 0
/* In a local's type: it has no value yet [Wasm core 3.1.6 local types]. */
#define VALIDATE_UNSET 0x20000000u

struct validate_frame {
    const uint32_t *params;
    const uint32_t *results; /* NULL: `single` */
    uint32_t single;         /* the only result of a block that names no type index */
    uint32_t height;         /* of the value stack at its floor */
    uint32_t set_count;      /* locals that were set before it */
    uint16_t param_count;
    uint16_t result_count;
    uint8_t opcode; /* BLOCK for the function itself */
    bool unreachable;
};

_Static_assert(MODULE_MAX_PARAMS <= UINT16_MAX && MODULE_MAX_RESULTS <= UINT16_MAX,
               "counts of a type fit a frame");

struct validator {
    struct reader reader;
    const uint8_t *instruction; /* for reports */
    uint32_t *top;
    uint32_t *floor;
    uint32_t *limit;              /* top may not pass it; there is room for one value more */
    struct validate_frame *frame; /* innermost */
    uint32_t frame_count;
    bool memory_is_32; /* there is a memory 0, of 32-bit addresses */
    uint32_t local_count;
    uint32_t expanded_count; /* of them in `expanded` */
    bool has_unset;          /* there are locals that need a value */
    const struct module *module;
    const struct engine_functype *type; /* of the function */
    uint32_t *values;                   /* first value, after the padding */
    uint32_t *locals;                   /* types of the expanded ones */
    struct buffer value_bytes;
    struct buffer frame_bytes;
    struct buffer local_runs;
    struct buffer expanded;
    struct buffer set_locals; /* u32 each: VALIDATE_UNSET was taken from them, in order */
    uint64_t locals_total;    /* expanded because some need values, in all functions so far */
    uint64_t matches_left;    /* comparisons of unequal types, for this function */
    struct validate_rules rules;
};

/* ---- validate_stack.c ------------------------------------------------------------------------ */

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

/* ---- validate_func.c ------------------------------------------------------------------------- */

/* Locals that were set since `count` were, are unset again. */
void validate_unset_locals(struct validator *v, uint32_t count);

void validate_check_data(struct validator *v, uint32_t index);
void validate_check_elem(struct validator *v, uint32_t index);

/* ---- validate_object.c ----------------------------------------------------------------------- */

/* Instructions on structures, arrays and i31; casts. */
void validate_check_object(struct validator *v, uint32_t code);

/* ---- validate_control.c ---------------------------------------------------------------------- */

/* A block's type. */
struct validate_block {
    const uint32_t *params;
    const uint32_t *results; /* NULL: `single` */
    uint32_t single;
    uint32_t param_count;
    uint32_t result_count;
};

/* Opens a frame above the present values. */
void validate_push_frame(struct validator *v, uint8_t opcode, const struct validate_block *type);
/* What a branch to a label carries. */
struct validate_label {
    const uint32_t *types; /* until the next frame is opened or closed */
    size_t count;
};

/* The label named next; after a failure the innermost, which exists always. */
struct validate_label validate_read_label(struct validator *v);
/* Instructions that open, close or leave blocks. */
void validate_check_control(struct validator *v, uint32_t code);

/* ---- the fast paths -------------------------------------------------------------------------- */

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
