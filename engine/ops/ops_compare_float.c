/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handlers of comparisons of floats. Branches on what does not hold are operations of their own,
 * as with a NaN the opposite operator does not hold either.
 */
#include "engine/ops/ops_compare.h"

#define COMPARE_FLOAT_ONE(type, name)                                                              \
    COMPARE(type, name)                                                                            \
    BRANCH(type, name, br_not_##type##_##name, 0 ==)

#define COMPARE_FLOAT(type)                                                                        \
    COMPARE_FLOAT_ONE(type, eq)                                                                    \
    COMPARE_FLOAT_ONE(type, ne)                                                                    \
    COMPARE_FLOAT_ONE(type, lt)                                                                    \
    COMPARE_FLOAT_ONE(type, gt)                                                                    \
    COMPARE_FLOAT_ONE(type, le)                                                                    \
    COMPARE_FLOAT_ONE(type, ge)

COMPARE_FLOAT(f32)
COMPARE_FLOAT(f64)
