/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handlers of comparisons: to a value, or straight into a branch. Integer comparisons need
 * no negated branch (the translator inverts the operator); float ones do, because of NaN.
 */
#include "engine/operands.h"
#include "engine/ops.h"

#define ENTRY_XY_(y, x, name) name##_##x##y,
#define ENTRY_X_(x, name)     EACH_Y(ENTRY_XY_, x, name)

/* ---- x, y -> i32 ----------------------------------------------------------------------------- */

#define COMPARE_XYD(d, y, x, type, name)                                                           \
    HANDLER(name##_##x##y##d)                                                                      \
    {                                                                                              \
        enum { Y = HEAD + SIZE(type, x), D = Y + SIZE(type, y), END = D + SIZE(i32, d) };          \
        WRITE(i32, d, D, numeric_##name(READ(type, x, HEAD), READ(type, y, Y)));                   \
        NEXT(CELL(END));                                                                           \
    }
#define COMPARE_XY(y, x, type, name) EACH_DL(COMPARE_XYD, y, x, type, name)
#define COMPARE_X(x, type, name)     EACH_Y(COMPARE_XY, x, type, name)
#define ENTRY_XYD(d, y, x, name)     name##_##x##y##d,
#define ENTRY_XY(y, x, name)         EACH_DL(ENTRY_XYD, y, x, name)
#define ENTRY_X(x, name)             EACH_Y(ENTRY_XY, x, name)

/* ---- x, y -> branch if `test` of the comparison ---------------------------------------------- */

#define BRANCH_XY(y, x, type, compare, name, test)                                                 \
    HANDLER(name##_##x##y)                                                                         \
    {                                                                                              \
        enum { Y = HEAD + SIZE(type, x), TARGET = Y + SIZE(type, y) };                             \
        if (test numeric_##compare(READ(type, x, HEAD), READ(type, y, Y)))                         \
            TAKE_BRANCH(TARGET);                                                                   \
        NEXT(CELL(TARGET + BRANCH_BYTES));                                                         \
    }
#define BRANCH_X(x, type, compare, name, test) EACH_Y(BRANCH_XY, x, type, compare, name, test)

#define BRANCH(type, compare, name, test)                                                          \
    EACH_X(BRANCH_X, type, compare, name, test)                                                    \
    const dispatch_handler ops_##name[] = {EACH_X(ENTRY_X_, name)};

#define COMPARE(type, name)                                                                        \
    EACH_X(COMPARE_X, type, name)                                                                  \
    const dispatch_handler ops_##name[] = {EACH_X(ENTRY_X, name)};                                 \
    BRANCH(type, name, br_##name, 0 !=)

/* ---- x += constant, then compare and branch -------------------------------------------------- */

#define ADD_BRANCH_XY(y, x, compare, name)                                                         \
    HANDLER(name##_##x##y)                                                                         \
    {                                                                                              \
        enum { Y = HEAD + SIZE(i32, x), ADD = Y + SIZE(i32, y), TARGET = ADD + 4 };                \
        uint32_t x_ = READ(i32, x, HEAD) + FIELD32(ADD);                                           \
        WRITE(i32, x, HEAD, x_);                                                                   \
        if (numeric_##compare(x_, READ(i32, y, Y)))                                                \
            TAKE_BRANCH(TARGET);                                                                   \
        NEXT(CELL(TARGET + BRANCH_BYTES));                                                         \
    }
#define ADD_BRANCH_X(x, compare, name)  EACH_YN(ADD_BRANCH_XY, x, compare, name)
#define ADD_BRANCH_ENTRY_XY(y, x, name) name##_##x##y,
#define ADD_BRANCH_ENTRY_X(x, name)     EACH_YN(ADD_BRANCH_ENTRY_XY, x, name)
#define ADD_BRANCH(compare, name)                                                                  \
    EACH_XN(ADD_BRANCH_X, compare, name)                                                           \
    const dispatch_handler ops_##name[] = {EACH_XN(ADD_BRANCH_ENTRY_X, name)};

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

#define COMPARE_FLOAT_ONE(type, name)                                                              \
    COMPARE(type, name)                                                                            \
    BRANCH(type, name, br_not_##name, 0 ==)

#define COMPARE_FLOAT(type)                                                                        \
    COMPARE_FLOAT_ONE(type, type##_eq)                                                             \
    COMPARE_FLOAT_ONE(type, type##_ne)                                                             \
    COMPARE_FLOAT_ONE(type, type##_lt)                                                             \
    COMPARE_FLOAT_ONE(type, type##_gt)                                                             \
    COMPARE_FLOAT_ONE(type, type##_le)                                                             \
    COMPARE_FLOAT_ONE(type, type##_ge)

COMPARE_INTEGER(i32)
COMPARE_INTEGER(i64)
COMPARE_FLOAT(f32)
COMPARE_FLOAT(f64)

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

#define BRANCH_VALUE_X(x, name, test)                                                              \
    HANDLER(name##_##x)                                                                            \
    {                                                                                              \
        enum { TARGET = HEAD + SIZE(i32, x) };                                                     \
        if (READ(i32, x, HEAD) test)                                                               \
            TAKE_BRANCH(TARGET);                                                                   \
        NEXT(CELL(TARGET + BRANCH_BYTES));                                                         \
    }
#define BRANCH_VALUE_ENTRY_X(x, name) name##_##x,
#define BRANCH_VALUE(name, test)                                                                   \
    EACH_X(BRANCH_VALUE_X, name, test)                                                             \
    const dispatch_handler ops_##name[] = {EACH_X(BRANCH_VALUE_ENTRY_X, name)};

BRANCH_VALUE(br_nz, != 0)
BRANCH_VALUE(br_z, == 0)
