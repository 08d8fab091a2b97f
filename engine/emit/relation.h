/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Comparisons among each other.
 */
#ifndef SKERRY_ENGINE_EMIT_RELATION_H
#define SKERRY_ENGINE_EMIT_RELATION_H

#include "engine/ops/ops.h"

bool relation_commutes(enum operation operation);
/* The comparison with operands exchanged / negated; OP_COUNT if there is none. */
enum operation relation_mirrored(enum operation comparison);
enum operation relation_inverted(enum operation comparison);
/* The fused branch of a comparison, and of that an addition with it; OP_COUNT if there is none. */
enum operation relation_branch(enum operation comparison, bool negated);
enum operation relation_add_branch(enum operation branch);

#endif
