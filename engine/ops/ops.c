/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ops.def and the shapes as tables, and the arithmetic from the number of a handler in its family
 * to the places it stands for (back: operation_handler).
 */
#include "engine/ops/ops.h"

static const struct {
    uint8_t count;
    uint8_t members[PLACE_COUNT];
} operand_sets[SET_COUNT] = {
#define SET(name, ...) [SET_##name] = {sizeof((uint8_t[]){__VA_ARGS__}), {__VA_ARGS__}},
    OPERAND_SETS(SET)
#undef SET
};

/* How many places each set has. */
enum {
#define SET(name, ...) PLACES_OF_SET_##name = sizeof((uint8_t[]){__VA_ARGS__}),
    OPERAND_SETS(SET)
#undef SET
};

/* The members read the other way: what each place is worth where one digit counts `n`. The sets
 * are runs of the enumeration with at most the accumulator or the pins left out. */
#define NONE OPS_NO_STEP
/*                          A  S  P0 P1 P2 K */
#define STEPS_SET_ABSENT(n) 0, 0, 0, 0, 0, 0
#define STEPS_SET_X(n)      0, (n), 2 * (n), 3 * (n), 4 * (n), NONE
#define STEPS_SET_Y(n)      0, (n), 2 * (n), 3 * (n), 4 * (n), 5 * (n)
#define STEPS_SET_D(n)      0, (n), 2 * (n), 3 * (n), 4 * (n), NONE
#define STEPS_SET_XN(n)     NONE, 0, (n), 2 * (n), 3 * (n), NONE
#define STEPS_SET_YN(n)     NONE, 0, (n), 2 * (n), 3 * (n), 4 * (n)
#define STEPS_SET_XL(n)     0, (n), NONE, NONE, NONE, NONE
#define STEPS_SET_YL(n)     NONE, 0, NONE, NONE, NONE, (n)
#define STEPS_SET_DL(n)     0, (n), NONE, NONE, NONE, NONE
#define STEPS_SET_SLOT(n)   NONE, 0, NONE, NONE, NONE, NONE
#define STEPS_SET_A(n)      0, NONE, NONE, NONE, NONE, NONE

#define SHAPE_ROW(count, a, b, c, d, ...)                                                          \
    {                                                                                              \
        .operand_count = (count), .sets = {a, b, c, d}, .steps = {                                 \
            {STEPS_##a(PLACES_OF_##b * PLACES_OF_##c * PLACES_OF_##d)},                            \
            {STEPS_##b(PLACES_OF_##c * PLACES_OF_##d)},                                            \
            {STEPS_##c(PLACES_OF_##d)},                                                            \
            {STEPS_##d(1)}                                                                         \
        }                                                                                          \
    }

const struct operation_shape_row operation_shape_rows[SHAPE_COUNT] = {
#define SHAPE_FILLED(count, ...) SHAPE_ROW(count, __VA_ARGS__)
#define SHAPE(name, ...)                                                                           \
    [SHAPE_##name] = SHAPE_FILLED(__VA_ARGS__, SET_ABSENT, SET_ABSENT, SET_ABSENT, SET_ABSENT, 0),
    OPERATION_SHAPES(SHAPE)
#undef SHAPE
};

const struct operation_row operation_rows[OP_COUNT] = {
#define OP(name_, shape_, types_, fields_, faults_)                                                \
    [OP_##name_] = {.name = #name_,                                                                \
                    .handlers = ops_##name_,                                                       \
                    .types = types_,                                                               \
                    .fields = fields_,                                                             \
                    .shape = SHAPE_##shape_,                                                       \
                    .operand_count = sizeof(types_) - 1,                                           \
                    .faults = OPERATION_##faults_},
#include "engine/ops/ops.def"
};

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
