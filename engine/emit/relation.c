/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Comparisons among each other: exchanged, negated, and the branches that they become.
 */
#include "engine/emit/relation.h"

bool relation_commutes(enum operation operation)
{
    switch (operation) {
    case OP_i32_add:
    case OP_i32_mul:
    case OP_i32_and:
    case OP_i32_or:
    case OP_i32_xor:
    case OP_i64_add:
    case OP_i64_mul:
    case OP_i64_and:
    case OP_i64_or:
    case OP_i64_xor:
    case OP_i32_eq:
    case OP_i32_ne:
    case OP_i64_eq:
    case OP_i64_ne:
    case OP_f32_add:
    case OP_f32_mul:
    case OP_f64_add:
    case OP_f64_mul:
        return true;
    default:
        return false;
    }
}

/* RELATION(comparison, with operands exchanged, negated) */
#define RELATIONS(RELATION, t)                                                                     \
    RELATION(t##_eq, t##_eq, t##_ne)                                                               \
    RELATION(t##_ne, t##_ne, t##_eq)                                                               \
    RELATION(t##_lt_s, t##_gt_s, t##_ge_s)                                                         \
    RELATION(t##_lt_u, t##_gt_u, t##_ge_u)                                                         \
    RELATION(t##_gt_s, t##_lt_s, t##_le_s)                                                         \
    RELATION(t##_gt_u, t##_lt_u, t##_le_u)                                                         \
    RELATION(t##_le_s, t##_ge_s, t##_gt_s)                                                         \
    RELATION(t##_le_u, t##_ge_u, t##_gt_u)                                                         \
    RELATION(t##_ge_s, t##_le_s, t##_lt_s)                                                         \
    RELATION(t##_ge_u, t##_le_u, t##_lt_u)

/* Floats have no negated comparison, because of NaN, only a negated branch. */
#define FLOAT_RELATIONS(RELATION, t)                                                               \
    RELATION(t##_eq, t##_eq)                                                                       \
    RELATION(t##_ne, t##_ne)                                                                       \
    RELATION(t##_lt, t##_gt)                                                                       \
    RELATION(t##_gt, t##_lt)                                                                       \
    RELATION(t##_le, t##_ge)                                                                       \
    RELATION(t##_ge, t##_le)

enum operation relation_mirrored(enum operation comparison)
{
    switch (comparison) {
#define RELATION(name, mirrored, ...)                                                              \
    case OP_##name:                                                                                \
        return OP_##mirrored;
        RELATIONS(RELATION, i32)
        RELATIONS(RELATION, i64)
        FLOAT_RELATIONS(RELATION, f32)
        FLOAT_RELATIONS(RELATION, f64)
#undef RELATION
    default:
        return OP_COUNT;
    }
}

enum operation relation_inverted(enum operation comparison)
{
    switch (comparison) {
#define RELATION(name, mirrored, inverted)                                                         \
    case OP_##name:                                                                                \
        return OP_##inverted;
        RELATIONS(RELATION, i32)
        RELATIONS(RELATION, i64)
#undef RELATION
    default:
        return OP_COUNT;
    }
}

enum operation relation_branch(enum operation comparison, bool negated)
{
    switch (comparison) {
#define RELATION(name, mirrored, inverted)                                                         \
    case OP_##name:                                                                                \
        return negated ? OP_br_##inverted : OP_br_##name;
        RELATIONS(RELATION, i32)
        RELATIONS(RELATION, i64)
#undef RELATION
#define RELATION(name, mirrored)                                                                   \
    case OP_##name:                                                                                \
        return negated ? OP_br_not_##name : OP_br_##name;
        FLOAT_RELATIONS(RELATION, f32)
        FLOAT_RELATIONS(RELATION, f64)
#undef RELATION
    case OP_i32_and:
        return negated ? OP_br_not_i32_and : OP_br_i32_and;
    default:
        return OP_COUNT;
    }
}

enum operation relation_add_branch(enum operation comparison)
{
    switch (comparison) {
#define RELATION(name, mirrored, inverted)                                                         \
    case OP_br_##name:                                                                             \
        return OP_add_br_##name;
        RELATIONS(RELATION, i32)
#undef RELATION
    default:
        return OP_COUNT;
    }
}
