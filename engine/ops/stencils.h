/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of stencils that stencils.py made: handlers as bytes to be copied, with holes to be
 * filled in. Builds for other processors and compilers have an empty one (stencils_none.c).
 *
 *   stencils_first[operation] - 1 + variant  =  number of a handler; 0: the operation has none
 *   stencils_narrow[handler], stencils_wide[handler]  =  number of a stencil, or STENCIL_NONE
 */
#ifndef SKERRY_ENGINE_OPS_STENCILS_H
#define SKERRY_ENGINE_OPS_STENCILS_H

#include "engine/base/bytes.h"

/* What a hole gets: the order of stencils.py's HOLES and EXITS. stencil.h explains them. */
enum stencil_hole_kind {
    STENCIL_SLOT,
    STENCIL_HALF,
    STENCIL_WORD,
    STENCIL_SIGNED,
    STENCIL_EIGHTS,
    STENCIL_QUAD,
    STENCIL_HERE,
    STENCIL_TABLE,
    STENCIL_BACK,
    STENCIL_NEXT,
    STENCIL_TARGET,
    STENCIL_TARGET_WAIT,
    STENCIL_NEXT_WAIT,
    STENCIL_DEFER,
    STENCIL_SUSPEND,
    STENCIL_CALLEE,
    STENCIL_FUNC,
    STENCIL_FUNC_WAIT,
    STENCIL_RETURN_CELL,
    STENCIL_POOL,
};

/* How wide it is, and what of a value the instruction around it makes of that. */
enum stencil_hole_width {
    STENCIL_WIDTH_8,
    STENCIL_WIDTH_16,
    STENCIL_WIDTH_32,  /* zero-extended */
    STENCIL_WIDTH_32S, /* sign-extended */
    STENCIL_WIDTH_64,
    STENCIL_WIDTH_PC, /* 32 bits, counted from their own end */
};

struct stencil_hole {
    uint16_t at;   /* in the stencil */
    uint8_t kind;  /* enum stencil_hole_kind */
    uint8_t width; /* enum stencil_hole_width */
    uint16_t field;
    int16_t extra; /* to add; POOL: where in the pool, less 4 */
};

struct stencil {
    uint32_t bytes; /* where it begins in stencils_bytes */
    uint32_t first_hole;
    uint16_t count; /* of its bytes */
    uint16_t hole_count;
};

#define STENCIL_NONE          UINT16_MAX
#define STENCIL_OVERREAD      64 /* bytes that may be read behind a stencil */
#define STENCIL_POOL_ALIGN    16u
#define STENCIL_ADDRESS_BYTES 4  /* of a PC-relative hole, from its beginning */
#define STENCIL_POP_BYTES     1u /* by which calls enter a function before jumps do */
#define STENCIL_BACK_BYTES    7u /* by which returns enter a cell before jumps do */

#define STENCILS_DIGEST_BYTES 16

extern const uint8_t stencils_digest[STENCILS_DIGEST_BYTES]; /* of all arrays here */
extern const uint32_t stencils_count;                        /* 0: no tier in this build */
extern const size_t stencils_pool_bytes;
extern const uint8_t stencils_bytes[];
extern const struct stencil_hole stencils_holes[];
extern const struct stencil stencils_rows[];
extern const uint16_t stencils_narrow[];
extern const uint16_t stencils_wide[];
extern const uint16_t stencils_first[];
extern const uint8_t stencils_pool[];

#endif
