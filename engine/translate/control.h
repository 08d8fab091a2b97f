/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control stack, branches and returns.
 */
#ifndef SKERRY_ENGINE_TRANSLATE_CONTROL_H
#define SKERRY_ENGINE_TRANSLATE_CONTROL_H

#include "engine/emit/translator.h"

/* UNREACHABLE, RETURN and branches, in code that can be reached. */
void control_translate(struct translator *t, uint32_t opcode);
/* A new innermost frame; NULL and failed if there is no memory. */
struct control *control_push(struct translator *t, uint8_t opcode);
/* Opens the function's own frame on the control stack. */
void control_begin_function(struct translator *t);
/* The frame that a label names. */
struct control *control_at_depth(struct translator *t, uint32_t depth);
/* Moves the topmost `count` entries into the home slots from `height` on. */
void control_carry(struct translator *t, uint32_t height, uint32_t count);
/* To the frame's label, with everything in place. */
void control_jump(struct translator *t, struct control *target);
void control_return(struct translator *t);
/*
 * The conditional branch on the entry just popped (at `height`), with comparisons fused.
 * Nothing of it is encoded yet.
 */
struct instruction
control_condition(struct translator *t, struct value condition, uint32_t height, bool negated);
/* May a branch there be one cell, because what it carries is in place? */
bool control_is_direct(const struct translator *t, const struct control *target);
/* A direct conditional branch. */
void control_branch_if(struct translator *t, struct instruction *branch, struct control *target);
/* A branch that has to move values first: `branch`, on the contrary, jumps over the moves. The
 * operand stack is afterwards what it was before. */
void control_branch_over(struct translator *t, struct instruction *branch, struct control *target);

#endif
