/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ops.def as a table, and the arithmetic from places to handlers: a family's table is a
 * mixed-radix number, one digit an operand, the first most significant.
 */
#include "engine/ops.h"

static const struct {
    uint8_t count;
    uint8_t members[PLACE_COUNT];
} operand_sets[SET_COUNT] = {
#define SET(name, ...) [SET_##name] = {sizeof((uint8_t[]){__VA_ARGS__}), {__VA_ARGS__}},
    OPERAND_SETS(SET)
#undef SET
};

const struct operation_shape_row operation_shape_rows[SHAPE_COUNT] = {
#define SHAPE(name, count, ...) [SHAPE_##name] = {(count), {__VA_ARGS__}},
    OPERATION_SHAPES(SHAPE)
#undef SHAPE
};

const struct operation_row operation_rows[OP_COUNT] = {
#define OP(name_, shape_, types_, fields_, faults_)                                                \
    [OP_##name_] = {.name = #name_,                                                                \
                    .types = (types_),                                                             \
                    .fields = (fields_),                                                           \
                    .handlers = ops_##name_,                                                       \
                    .shape = SHAPE_##shape_,                                                       \
                    .faults = OPERATION_##faults_},
#include "engine/ops.def"
};

/* The members table read the other way. The sets are runs of the enumeration with at most
 * the accumulator or the pins left out. */
#define NONE OPERAND_NO_DIGIT
const uint8_t operand_digits[SET_COUNT][PLACE_COUNT] = {
    /*             A     S     P0    P1    P2    K */
    [SET_ABSENT] = {0, 0, 0, 0, 0, 0},
    [SET_X] = {0, 1, 2, 3, 4, NONE},
    [SET_Y] = {0, 1, 2, 3, 4, 5},
    [SET_D] = {0, 1, 2, 3, 4, NONE},
    [SET_XN] = {NONE, 0, 1, 2, 3, NONE},
    [SET_YN] = {NONE, 0, 1, 2, 3, 4},
    [SET_XL] = {0, 1, NONE, NONE, NONE, NONE},
    [SET_YL] = {NONE, 0, NONE, NONE, NONE, 1},
    [SET_DL] = {0, 1, NONE, NONE, NONE, NONE},
    [SET_SLOT] = {NONE, 0, NONE, NONE, NONE, NONE},
    [SET_A] = {0, NONE, NONE, NONE, NONE, NONE},
};

int32_t operation_handler(enum operation operation, const uint8_t *places)
{
    const struct operation_row *row = &operation_rows[operation];
    const struct operation_shape_row *shape = &operation_shape_rows[row->shape];
    uint32_t index = 0;
    uint32_t largest = 0;
    for (uint32_t i = 0; i < OPS_OPERANDS_MAX; i++) {
        uint32_t digit = operand_digits[shape->sets[i]][places[i]];
        largest |= digit;
        index = index * operand_sets[shape->sets[i]].count + digit;
    }
    ASSERT(largest < OPERAND_NO_DIGIT);
    intptr_t distance = (intptr_t)row->handlers[index] - (intptr_t)&dispatch_base;
    ASSERT(distance == (int32_t)distance);
    return (int32_t)distance;
}

uint32_t operation_variants(enum operation operation)
{
    const struct operation_shape_row *shape =
        &operation_shape_rows[operation_rows[operation].shape];
    uint32_t count = 1;
    for (uint32_t i = 0; i < shape->operand_count; i++)
        count *= operand_sets[shape->sets[i]].count;
    return count;
}

void operation_variant_places(enum operation operation, uint32_t index, uint8_t *ret_places)
{
    const struct operation_shape_row *shape =
        &operation_shape_rows[operation_rows[operation].shape];
    for (uint32_t i = shape->operand_count; i-- > 0;) {
        uint32_t radix = operand_sets[shape->sets[i]].count;
        ret_places[i] = operand_sets[shape->sets[i]].members[index % radix];
        index /= radix;
    }
}
