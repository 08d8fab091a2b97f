/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cells.
 */
#ifndef SKERRY_ENGINE_EMIT_EMIT_H
#define SKERRY_ENGINE_EMIT_EMIT_H

#include "engine/emit/translator.h"

void emit_fail(struct translator *t, enum status status, const char *what);
static inline uint32_t emit_here(const struct translator *t)
{
    return (uint32_t)t->output.code->cells.count;
}
/* Writes a cell now; a branch field (b) is left zero and its offset returned (else 0). */
uint32_t emit_cell(struct translator *t, const struct instruction *instruction);
/* Where the cell written last begins. */
static inline uint32_t emit_last(const struct translator *t)
{
    return t->output.last_start;
}
/* Takes back the cell written last. */
void emit_take_back(struct translator *t);
/* A branch field: target and fuel. */
#define EMIT_BRANCH_BYTES 8
void emit_patch(struct translator *t, uint32_t cell, uint32_t field, uint32_t target, int64_t fuel);
/* Appends raw 32-bit words to the cell being built (br_table's entries). */
uint32_t emit_words(struct translator *t, uint32_t count);
/* Doubles an array of the translator when it is full; false and failed if it cannot. */
bool emit_grow(
    struct translator *t, void *array, uint32_t count, uint32_t *capacity, size_t item_bytes);
/* The cell just written calls a function: it has the callee's index, where its entry comes. */
void emit_note_call(struct translator *t);

#endif
