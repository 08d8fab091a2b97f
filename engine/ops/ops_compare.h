/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Families of comparisons: to a value, or straight into a branch. Integers and floats have a
 * file each, as there are so many handlers that one file of all would take the longest to
 * compile.
 */
#ifndef SKERRY_ENGINE_OPS_OPS_COMPARE_H
#define SKERRY_ENGINE_OPS_OPS_COMPARE_H

#include "engine/ops/operands.h"
#include "engine/ops/ops.h"

/* x, y -> branch if `test` of the comparison. */
#define BRANCH_XY(handler, y, x, type, name, test)                                                 \
    HANDLER(handler)                                                                               \
    {                                                                                              \
        enum { Y = HEAD + SIZE(type, x), TARGET = Y + SIZE(type, y) };                             \
        if (test OPERATE(type, name, x, y, Y))                                                     \
            TAKE_BRANCH(TARGET);                                                                   \
        NEXT(CELL(TARGET + BRANCH_BYTES));                                                         \
    }
#define BRANCH(type, compare, name, test) FAMILY(XY, BRANCH_XY, name, type, compare, test)

/* To a value, and the branch if it holds. */
#define COMPARE(type, name)                                                                        \
    FAMILY(XYD_COMPARE, OPERATE_XYD, type##_##name, type, name)                                    \
    BRANCH(type, name, br_##type##_##name, 0 !=)

#endif
