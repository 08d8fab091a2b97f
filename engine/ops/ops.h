/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operations of threaded code as the translator sees them: which places their operands may
 * take, and which handler serves a combination. The places are explained in operands.h.
 */
#ifndef SKERRY_ENGINE_OPS_OPS_H
#define SKERRY_ENGINE_OPS_OPS_H

#include "engine/ops/dispatch.h"
#include "engine/run/machine.h"

enum operand_place {
    PLACE_A,
    PLACE_S,
    PLACE_P0, /* P0 + n: pin n of the operand's class, integer or float */
    PLACE_P1,
    PLACE_P2,
    PLACE_K,
    PLACE_COUNT
};

/* SET(name, members in the order of operands.h's lists) */
#define OPERAND_SETS(SET)                                                                          \
    SET(ABSENT, PLACE_A)                                                                           \
    SET(X, PLACE_A, PLACE_S, PLACE_P0, PLACE_P1, PLACE_P2)                                         \
    SET(Y, PLACE_A, PLACE_S, PLACE_P0, PLACE_P1, PLACE_P2, PLACE_K)                                \
    SET(D, PLACE_A, PLACE_S, PLACE_P0, PLACE_P1, PLACE_P2)                                         \
    SET(XN, PLACE_S, PLACE_P0, PLACE_P1, PLACE_P2)                                                 \
    SET(YN, PLACE_S, PLACE_P0, PLACE_P1, PLACE_P2, PLACE_K)                                        \
    SET(XL, PLACE_A, PLACE_S)                                                                      \
    SET(YL, PLACE_S, PLACE_K)                                                                      \
    SET(DL, PLACE_A, PLACE_S)                                                                      \
    SET(SLOT, PLACE_S)                                                                             \
    SET(A, PLACE_A)

enum operand_set {
#define SET(name, ...) SET_##name,
    OPERAND_SETS(SET)
#undef SET
        SET_COUNT
};

#define OPS_OPERANDS_MAX 4

/* SHAPE(name, operand sets in order, the result last) */
#define OPERATION_SHAPES(SHAPE)                                                                    \
    SHAPE(NONE, 0)                                                                                 \
    SHAPE(X, 1, SET_X)                                                                             \
    SHAPE(XN, 1, SET_XN)                                                                           \
    SHAPE(Y, 1, SET_Y)                                                                             \
    SHAPE(D, 1, SET_D)                                                                             \
    SHAPE(X_LEAN, 1, SET_XL)                                                                       \
    SHAPE(X_SLOT, 1, SET_SLOT)                                                                     \
    SHAPE(D_SLOT, 1, SET_SLOT)                                                                     \
    SHAPE(XD, 2, SET_X, SET_D)                                                                     \
    SHAPE(AD, 2, SET_A, SET_D)                                                                     \
    SHAPE(YD, 2, SET_Y, SET_D)                                                                     \
    SHAPE(XD_LEAN, 2, SET_XL, SET_DL)                                                              \
    SHAPE(XY, 2, SET_X, SET_Y)                                                                     \
    SHAPE(XXN, 2, SET_X, SET_XN)                                                                   \
    SHAPE(YXN, 2, SET_Y, SET_XN)                                                                   \
    SHAPE(XNYN, 2, SET_XN, SET_YN)                                                                 \
    SHAPE(XYD, 3, SET_X, SET_Y, SET_D)                                                             \
    SHAPE(XYD_LEAN, 3, SET_XL, SET_YL, SET_DL)                                                     \
    SHAPE(XYD_COMPARE, 3, SET_X, SET_Y, SET_DL)                                                    \
    SHAPE(XYND, 3, SET_X, SET_YN, SET_D)                                                           \
    SHAPE(XYND_LEAN, 3, SET_X, SET_YN, SET_DL)                                                     \
    SHAPE(XNYNY, 3, SET_XN, SET_YN, SET_Y)                                                         \
    SHAPE(XNYNXN, 3, SET_XN, SET_YN, SET_XN)                                                       \
    SHAPE(XNYNX_LEAN, 3, SET_XN, SET_YN, SET_XL)                                                   \
    SHAPE(SELECT, 4, SET_YN, SET_YN, SET_XL, SET_DL)                                               \
    /* of vectors: V in slots, W a source that may be a constant */                                \
    SHAPE(W_V, 2, SET_YL, SET_SLOT)                                                                \
    SHAPE(V_V, 2, SET_SLOT, SET_SLOT)                                                              \
    SHAPE(V_D, 2, SET_SLOT, SET_D)                                                                 \
    SHAPE(V_D_LEAN, 2, SET_SLOT, SET_DL)                                                           \
    SHAPE(X_V, 2, SET_X, SET_SLOT)                                                                 \
    SHAPE(VV_V, 3, SET_SLOT, SET_SLOT, SET_SLOT)                                                   \
    SHAPE(VW_V, 3, SET_SLOT, SET_YL, SET_SLOT)                                                     \
    SHAPE(VX_V, 3, SET_SLOT, SET_X, SET_SLOT)                                                      \
    SHAPE(XV_V, 3, SET_X, SET_SLOT, SET_SLOT)                                                      \
    SHAPE(XYN_V, 3, SET_X, SET_YN, SET_SLOT)                                                       \
    SHAPE(XNYN_V, 3, SET_XN, SET_YN, SET_SLOT)                                                     \
    SHAPE(VVV_V, 4, SET_SLOT, SET_SLOT, SET_SLOT, SET_SLOT)                                        \
    SHAPE(VVX_V, 4, SET_SLOT, SET_SLOT, SET_XL, SET_SLOT)

enum operation_shape {
#define SHAPE(name, ...) SHAPE_##name,
    OPERATION_SHAPES(SHAPE)
#undef SHAPE
        SHAPE_COUNT
};

enum operation {
#define OP(name, shape, types, fields, faults) OP_##name,
#include "engine/ops/ops.def"
    OP_COUNT
};

/* The shapes again by name, for operands.h to check that a family is made of the same. */
enum {
#define OP(name, shape, types, fields, faults) OPERATION_SHAPE_##name = SHAPE_##shape,
#include "engine/ops/ops.def"
};

enum operation_faults {
    OPERATION_PLAIN,
    OPERATION_TRAPS,
    OPERATION_NANS,
};

#define OPS_FIELDS_MAX 7

struct operation_row {
    const char *name;
    const dispatch_handler *handlers;
    char types[OPS_OPERANDS_MAX + 1];
    char fields[OPS_FIELDS_MAX + 1];
    uint8_t shape;         /* enum operation_shape */
    uint8_t operand_count; /* as many as there are letters, and sets in the shape */
    uint8_t faults;        /* enum operation_faults */
};

extern const struct operation_row operation_rows[OP_COUNT];

/*
 * A family's handlers are a mixed-radix number, one digit an operand, the first most
 * significant: `steps` has the digit of each place times what a digit there counts. A place
 * that is not allowed steps behind the end of every family.
 */
#define OPS_NO_STEP 0x4000u

struct operation_shape_row {
    uint8_t operand_count;
    uint8_t sets[OPS_OPERANDS_MAX]; /* enum operand_set; ABSENT behind the last */
    uint16_t steps[OPS_OPERANDS_MAX][PLACE_COUNT];
};

/* Writes the cells of a machine that belong to no function (ops_control.c). */
void control_make_cells(struct machine_cells *cells);

extern const struct operation_shape_row operation_shape_rows[SHAPE_COUNT];

/* May operand `index` of `operation` be in `place`? */
static inline bool
operation_allows(enum operation operation, uint32_t index, enum operand_place place)
{
    const struct operation_shape_row *shape =
        &operation_shape_rows[operation_rows[operation].shape];
    ASSERT(index < shape->operand_count);
    return shape->steps[index][place] < OPS_NO_STEP;
}
/* What a constant of the type with this letter takes in a cell (operands.h, SIZE_..._K). */
static inline uint32_t operand_constant_bytes(char type)
{
    if (type == 'v')
        return 16;
    return type == 'l' || type == 'd' ? 8 : 4;
}

/* How cells name a handler: where it is from dispatch_base. */
static inline int32_t operation_distance(dispatch_handler handler)
{
    intptr_t distance = (intptr_t)handler - (intptr_t)&dispatch_base;
    ASSERT(distance == (int32_t)distance);
    return (int32_t)distance;
}

/* Number, in its family, of the handler for these places (all allowed); OPS_OPERANDS_MAX
 * of them, whatever the operation has. */
static inline uint32_t operation_variant(enum operation operation, const uint8_t *places)
{
    const struct operation_shape_row *shape =
        &operation_shape_rows[operation_rows[operation].shape];
    uint32_t index = 0;
    for (uint32_t i = 0; i < OPS_OPERANDS_MAX; i++)
        index += shape->steps[i][places[i]];
    ASSERT(index < OPS_NO_STEP);
    return index;
}

/* Does it come back to the cell behind it, from wherever it went? Its first field is the frame. */
static inline bool operation_is_call(uint32_t operation)
{
    return operation >= OP_call && operation <= OP_call_ref;
}

/* Distance of that handler. */
static inline int32_t operation_handler(enum operation operation, const uint8_t *places)
{
    return operation_distance(
        operation_rows[operation].handlers[operation_variant(operation, places)]);
}
/* How many handlers the operation has. */
uint32_t operation_variants(enum operation operation);
/* The places that variant `index` stands for. */
void operation_variant_places(enum operation operation, uint32_t index, uint8_t *ret_places);

#define OP(name, shape, types, fields, faults) extern const dispatch_handler ops_##name[];
#include "engine/ops/ops.def"

#endif
