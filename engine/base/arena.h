/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arena: many small allocations, one free, one cap.
 *
 * Memory comes zeroed, aligned to 16 bytes, in blocks that double. Nothing is given
 * back before arena_done. Over the cap, or when malloc fails, arena_alloc returns
 * NULL and the caller reports STATUS_LIMIT / STATUS_NO_MEMORY.
 */
#ifndef SKERRY_ENGINE_BASE_ARENA_H
#define SKERRY_ENGINE_BASE_ARENA_H

#include "engine/base/bytes.h"

struct arena_block;

struct arena {
    struct arena_block *blocks; /* newest first; owned */
    size_t used_bytes;          /* handed out */
    size_t max_bytes;           /* cap on used_bytes */
};

void arena_init(struct arena *arena, size_t max_bytes);
void arena_done(struct arena *arena);
/* Frees all but one block and starts again: for scratch memory. */
void arena_clear(struct arena *arena);
/* NULL if count * size overflows, is over the cap, or memory is out. */
void *arena_alloc(struct arena *arena, size_t count, size_t size);
/* Copies `bytes` and adds a NUL that is not counted. */
char *arena_copy_text(struct arena *arena, struct bytes bytes);

#define ARENA_NEW(arena, type)          ((type *)arena_alloc((arena), 1, sizeof(type)))
#define ARENA_ARRAY(arena, type, count) ((type *)arena_alloc((arena), (count), sizeof(type)))

#endif
