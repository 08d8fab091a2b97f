/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks.
 */
#ifndef SKERRY_ENGINE_TRANSLATE_BLOCK_H
#define SKERRY_ENGINE_TRANSLATE_BLOCK_H

#include "engine/emit/translator.h"

/* BLOCK, LOOP, IF, ELSE, END; in dead code too. */
void block_translate(struct translator *t, uint32_t opcode);
/* Opens a block, reads its type and, unless the code is dead, settles all entries. */
struct control *block_open(struct translator *t, uint8_t opcode);
/* An arm of the innermost block ends: what it leaves goes where the block's end wants it. */
void block_end_arm(struct translator *t, struct control *control);
/* Another arm begins here, in code that can be reached, with nothing of the block's values. */
void block_begin_arm(struct translator *t, struct control *control);
void block_end(struct translator *t);

#endif
