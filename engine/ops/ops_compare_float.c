/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handlers of comparisons of floats. Branches on what does not hold are operations of their own,
 * as with a NaN the opposite operator does not hold either.
 */
#include "engine/ops/ops_compare.h"

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

COMPARE_FLOAT(f32)
COMPARE_FLOAT(f64)
