/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handlers of comparisons of integers, and of branches on one integer. No branch is negated: the
 * translator inverts the operator.
 */
#include "engine/ops/ops_compare.h"

/* ---- x += constant, then compare and branch -------------------------------------------------- */

#define ADD_BRANCH_XY(handler, y, x, type, name)                                                   \
    HANDLER(handler)                                                                               \
    {                                                                                              \
        enum { Y = HEAD + SIZE(type, x), ADD = Y + SIZE(type, y), TARGET = ADD + 4 };              \
        uint64_t x_ = WITH_CONSTANT(type, add, READ(i64, x, HEAD), ADD);                           \
        WRITE(i64, x, HEAD, x_);                                                                   \
        if (0 != WITH_##y(type, name, x_, Y))                                                      \
            TAKE_BRANCH(TARGET);                                                                   \
        NEXT(CELL(TARGET + BRANCH_BYTES));                                                         \
    }
#define ADD_BRANCH(compare, name) FAMILY(XNYN, ADD_BRANCH_XY, name, i32, compare)

/* ---- all comparisons ------------------------------------------------------------------------- */

#define COMPARE_INTEGER(type)                                                                      \
    COMPARE(type, eq)                                                                              \
    COMPARE(type, ne)                                                                              \
    COMPARE(type, lt_s)                                                                            \
    COMPARE(type, lt_u)                                                                            \
    COMPARE(type, gt_s)                                                                            \
    COMPARE(type, gt_u)                                                                            \
    COMPARE(type, le_s)                                                                            \
    COMPARE(type, le_u)                                                                            \
    COMPARE(type, ge_s)                                                                            \
    COMPARE(type, ge_u)

COMPARE_INTEGER(i32)
COMPARE_INTEGER(i64)

/* Are there common bits? */
BRANCH(i32, and, br_i32_and, 0 !=)
BRANCH(i32, and, br_not_i32_and, 0 ==)

ADD_BRANCH(eq, add_br_i32_eq)
ADD_BRANCH(ne, add_br_i32_ne)
ADD_BRANCH(lt_s, add_br_i32_lt_s)
ADD_BRANCH(lt_u, add_br_i32_lt_u)
ADD_BRANCH(gt_s, add_br_i32_gt_s)
ADD_BRANCH(gt_u, add_br_i32_gt_u)
ADD_BRANCH(le_s, add_br_i32_le_s)
ADD_BRANCH(le_u, add_br_i32_le_u)
ADD_BRANCH(ge_s, add_br_i32_ge_s)
ADD_BRANCH(ge_u, add_br_i32_ge_u)

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
