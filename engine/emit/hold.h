/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operation that is held back.
 */
#ifndef SKERRY_ENGINE_EMIT_HOLD_H
#define SKERRY_ENGINE_EMIT_HOLD_H

#include "engine/emit/translator.h"

/* Writes the pending operation, if any. */
void hold_flush(struct translator *t);
/* Makes `instruction` pending after encoding the one before. */
void hold_instruction(struct translator *t, const struct instruction *instruction);
/* The operation that makes a raw result canonical. */
enum operation hold_canonical(const struct instruction *raw);
/* Is the pending operation the one that produced the entry at `height`? */
static inline bool hold_is_result(const struct translator *t, uint32_t height)
{
    return t->hold.has_pending && t->hold.pending->result_height == height;
}

#endif
