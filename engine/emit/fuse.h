/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several instructions that become one operation. True: it was done.
 */
#ifndef SKERRY_ENGINE_EMIT_FUSE_H
#define SKERRY_ENGINE_EMIT_FUSE_H

#include "engine/emit/translator.h"

/* x * constant + y, where a shift is a multiplication too; (x >> constant) & constant: of the
 * two topmost entries. */
bool fuse_mul_add(struct translator *t);
bool fuse_shr_and(struct translator *t);
/* global.set of x + constant, or of the global itself + constant, kept in a local too. */
bool fuse_global_set(struct translator *t, uint32_t global);
/* The store `operation` of what the pending load loads. */
bool fuse_copy(struct translator *t, enum operation operation, uint32_t offset);
/* An index x - constant, from `height`, becomes operand and first field of a br_table. */
bool fuse_table_index(struct translator *t, struct instruction *table, uint32_t height);

#endif
