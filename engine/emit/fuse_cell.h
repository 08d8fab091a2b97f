/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What becomes part of the operation behind it. True, where there is an answer: it was done.
 */
#ifndef SKERRY_ENGINE_EMIT_FUSE_CELL_H
#define SKERRY_ENGINE_EMIT_FUSE_CELL_H

#include "engine/emit/translator.h"

/* Is the pending operation x + constant, or x - constant? *ret_constant is what is added. */
bool fuse_is_sum(const struct translator *t, uint32_t *ret_constant);
/* Is the cell encoded last x += constant, and x in a slot or a register? */
bool fuse_is_increment(const struct translator *t, struct operand *ret_x, uint32_t *ret_constant);
/* x += constant or a move, then a jump: an instruction that lacks its target. */
bool fuse_jump(struct translator *t, struct instruction *ret_jump);
/* The pending i32.eqz of x & y: the branch if there are common bits, or if not. */
bool fuse_and_branch(struct translator *t, struct instruction *branch, bool negated);
/* Pins loaded after slots were cleared, at the beginning of a function. */
void fuse_zero_load(struct translator *t, struct instruction *load);
/* The pending move of a call's result, after pins were loaded. */
void fuse_load_move(struct translator *t);
/* A return after a global was set to x + constant. */
void fuse_set_return(struct translator *t, struct instruction *leave);

#endif
