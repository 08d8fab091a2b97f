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
#ifndef SKERRY_ENGINE_VALIDATE_BODY_H
#define SKERRY_ENGINE_VALIDATE_BODY_H

#include "engine/validate/rules.h"

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

#endif
