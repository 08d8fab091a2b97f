/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handlers of comparisons of integers, and of branches on one integer. No branch is negated: the
 * translator inverts the operator.
 */
#include "engine/ops/ops_compare.h"

/* ---- x += constant, then compare and branch -------------------------------------------------- */

#define ADD_BRANCH_XY(handler, y, x, type, function)                                               \
    HANDLER(handler)                                                                               \
    {                                                                                              \
        enum { Y = HEAD + SIZE(type, x), ADD = Y + SIZE(type, y), TARGET = ADD + 4 };              \
        ctype_##type x_ = READ(type, x, HEAD) + FIELD32(ADD);                                      \
        WRITE(type, x, HEAD, x_);                                                                  \
        if (function(x_, READ(type, y, Y)))                                                        \
            TAKE_BRANCH(TARGET);                                                                   \
        NEXT(CELL(TARGET + BRANCH_BYTES));                                                         \
    }
#define ADD_BRANCH(compare, name) FAMILY(XNYN, ADD_BRANCH_XY, name, i32, numeric_##compare)

/* ---- all comparisons ------------------------------------------------------------------------- */

#define COMPARE_INTEGER(type)                                                                      \
    COMPARE(type, type##_eq)                                                                       \
    COMPARE(type, type##_ne)                                                                       \
    COMPARE(type, type##_lt_s)                                                                     \
    COMPARE(type, type##_lt_u)                                                                     \
    COMPARE(type, type##_gt_s)                                                                     \
    COMPARE(type, type##_gt_u)                                                                     \
    COMPARE(type, type##_le_s)                                                                     \
    COMPARE(type, type##_le_u)                                                                     \
    COMPARE(type, type##_ge_s)                                                                     \
    COMPARE(type, type##_ge_u)

COMPARE_INTEGER(i32)
COMPARE_INTEGER(i64)

/* Are there common bits? */
BRANCH(i32, i32_and, br_i32_and, 0 !=)
BRANCH(i32, i32_and, br_not_i32_and, 0 ==)

ADD_BRANCH(i32_eq, add_br_i32_eq)
ADD_BRANCH(i32_ne, add_br_i32_ne)
ADD_BRANCH(i32_lt_s, add_br_i32_lt_s)
ADD_BRANCH(i32_lt_u, add_br_i32_lt_u)
ADD_BRANCH(i32_gt_s, add_br_i32_gt_s)
ADD_BRANCH(i32_gt_u, add_br_i32_gt_u)
ADD_BRANCH(i32_le_s, add_br_i32_le_s)
ADD_BRANCH(i32_le_u, add_br_i32_le_u)
ADD_BRANCH(i32_ge_s, add_br_i32_ge_s)
ADD_BRANCH(i32_ge_u, add_br_i32_ge_u)

/* ---- branch on a value ----------------------------------------------------------------------- */

#define BRANCH_VALUE_X(handler, x, test)                                                           \
    HANDLER(handler)                                                                               \
    {                                                                                              \
        enum { TARGET = HEAD + SIZE(i32, x) };                                                     \
        if (READ(i32, x, HEAD) test)                                                               \
            TAKE_BRANCH(TARGET);                                                                   \
        NEXT(CELL(TARGET + BRANCH_BYTES));                                                         \
    }
FAMILY(X, BRANCH_VALUE_X, br_nz, != 0)
FAMILY(X, BRANCH_VALUE_X, br_z, == 0)
