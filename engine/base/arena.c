/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks that double in size, chained newest first.
 */
#include "engine/base/arena.h"

#include <stdlib.h>

#define ARENA_ALIGN       16
#define ARENA_FIRST_BYTES 4096
#define ARENA_BLOCK_MAX   ((size_t)4 << 20)

struct arena_block {
    struct arena_block *next;
    size_t used;
    size_t capacity;
    size_t padding; /* keeps data at 16 bytes */
    uint8_t data[];
};

_Static_assert(offsetof(struct arena_block, data) % ARENA_ALIGN == 0, "block data is aligned");

void arena_init(struct arena *arena, size_t max_bytes)
{
    *arena = (struct arena){.max_bytes = max_bytes};
}

static void arena_free_from(struct arena_block *block)
{
    while (block != NULL) {
        struct arena_block *next = block->next;
        free(block);
        block = next;
    }
}

void arena_done(struct arena *arena)
{
    arena_free_from(arena->blocks);
    arena_init(arena, arena->max_bytes);
}

void arena_clear(struct arena *arena)
{
    struct arena_block *newest = arena->blocks;
    if (newest == NULL)
        return;
    arena_free_from(newest->next);
    newest->next = NULL;
    newest->used = 0;
    arena->used_bytes = 0;
}

static struct arena_block *arena_grow(struct arena *arena, size_t need)
{
    size_t capacity = ARENA_FIRST_BYTES;
    if (arena->blocks != NULL)
        capacity = MIN(arena->blocks->capacity * 2, ARENA_BLOCK_MAX);
    capacity = MAX(capacity, need);
    struct arena_block *block = malloc(sizeof(*block) + capacity);
    if (block == NULL)
        return NULL;
    *block = (struct arena_block){.next = arena->blocks, .capacity = capacity};
    arena->blocks = block;
    return block;
}

void *arena_alloc(struct arena *arena, size_t count, size_t size)
{
    size_t need;
    if (__builtin_mul_overflow(count, size, &need) || need > SIZE_MAX - ARENA_ALIGN)
        return NULL;
    need = ALIGN_UP(MAX(need, (size_t)1), (size_t)ARENA_ALIGN);
    if (need > arena->max_bytes - arena->used_bytes)
        return NULL;
    struct arena_block *block = arena->blocks;
    if (block == NULL || need > block->capacity - block->used) {
        block = arena_grow(arena, need);
        if (block == NULL)
            return NULL;
    }
    void *memory = block->data + block->used;
    block->used += need;
    arena->used_bytes += need;
    memset(memory, 0, need);
    return memory;
}

char *arena_copy_text(struct arena *arena, struct bytes bytes)
{
    if (bytes.count == SIZE_MAX)
        return NULL;
    char *copy = arena_alloc(arena, bytes.count + 1, 1);
    if (copy != NULL && bytes.count > 0)
        memcpy(copy, bytes.data, bytes.count);
    return copy;
}
