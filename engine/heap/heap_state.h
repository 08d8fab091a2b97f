/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to engine/heap*.c: how the heap's mapping is laid out (heap.h has the drawing).
 *
 * Everything that decides what the heap does next is in the mapping, so that a copy of it
 * behaves like the original, collections and their fuel included. All zero is a valid state:
 * an empty heap.
 */
#ifndef SKERRY_ENGINE_HEAP_HEAP_STATE_H
#define SKERRY_ENGINE_HEAP_HEAP_STATE_H

#include <string.h>

#include "engine/heap/heap.h"

/* Sizes of cells, header of the object included: steps of 8 up to 128, then so that a block
 * is filled well. CELL(bytes) */
#define HEAP_CELLS(CELL)                                                                           \
    CELL(16)                                                                                       \
    CELL(24)                                                                                       \
    CELL(32)                                                                                       \
    CELL(40)                                                                                       \
    CELL(48)                                                                                       \
    CELL(56)                                                                                       \
    CELL(64)                                                                                       \
    CELL(72)                                                                                       \
    CELL(80)                                                                                       \
    CELL(88)                                                                                       \
    CELL(96)                                                                                       \
    CELL(104)                                                                                      \
    CELL(112)                                                                                      \
    CELL(120)                                                                                      \
    CELL(128)                                                                                      \
    CELL(160)                                                                                      \
    CELL(192)                                                                                      \
    CELL(224)                                                                                      \
    CELL(256)                                                                                      \
    CELL(320)                                                                                      \
    CELL(384)                                                                                      \
    CELL(448)                                                                                      \
    CELL(512)                                                                                      \
    CELL(640)                                                                                      \
    CELL(800)                                                                                      \
    CELL(1000)                                                                                     \
    CELL(1144)                                                                                     \
    CELL(1336)                                                                                     \
    CELL(1608)                                                                                     \
    CELL(2008)                                                                                     \
    CELL(2680)                                                                                     \
    CELL(4024)                                                                                     \
    CELL(8056)

#define HEAP_CELL_STEP     8u
#define HEAP_CELL_MIN      16u
#define HEAP_CELL_STEP_MAX 128u /* up to here a class for each step */

enum heap_class_number {
#define CELL(bytes) HEAP_CLASS_##bytes,
    HEAP_CELLS(CELL)
#undef CELL
        HEAP_CLASS_COUNT
};

/* What a block is; small blocks: HEAP_BLOCK_SMALL + class. */
enum heap_block_kind {
    HEAP_BLOCK_FREE = 0, /* and zero */
    HEAP_BLOCK_LARGE,    /* begins an object that has it, and the tails behind it, for itself */
    HEAP_BLOCK_TAIL,
    HEAP_BLOCK_SMALL,
};

#define HEAP_BITS_WORDS 16 /* one bit a cell */

struct heap_block {
    uint32_t next; /* block + 1 with free cells of the same class; 0: none */
    uint32_t padding;
    uint64_t used[HEAP_BITS_WORDS];
    uint64_t marks[HEAP_BITS_WORDS]; /* zero unless a collection is under way */
};

#define HEAP_CELLS_BYTES (HEAP_BLOCK_BYTES - (uint32_t)sizeof(struct heap_block))

_Static_assert(HEAP_CELLS_BYTES / HEAP_CELL_MIN <= HEAP_BITS_WORDS * 64, "a bit for each cell");
/* Larger objects have blocks of their own. */
#define HEAP_SMALL_BYTES_MAX 8056u
_Static_assert(HEAP_CELLS_BYTES / HEAP_SMALL_BYTES_MAX == 2, "the largest class wastes little");

/* Where the next cell of a class comes from. */
struct heap_class {
    uint64_t free;    /* cells of the word below that are free */
    uint32_t block;   /* block + 1; 0: none */
    uint32_t word;    /* of its used bits */
    uint32_t partial; /* first block + 1 of those with free cells */
    uint32_t padding;
};

struct heap_state {
    uint32_t used_blocks; /* blocks from here on are free */
    uint32_t first_free;  /* no free block below */
    uint64_t fresh_bytes; /* allocated since the last collection */
    uint64_t live_bytes;  /* found by the last collection, or by the one under way */
    uint8_t phase;        /* enum heap_phase */
    bool collected;       /* and nothing was allocated since */
    bool freeing;         /* sweeping: the tails here belong to a dead object */
    bool is_stale;        /* sweeping what was marked for a guest that is gone: try once more */
    uint8_t padding[4];
    uint32_t sweep_block;
    uint32_t mark_count;  /* entries of the mark stack */
    uint64_t scan_object; /* offset of the object being followed; 0: none */
    uint64_t scan_next;   /* map words, then items of it, that are done */
    struct heap_class classes[HEAP_CLASS_COUNT];
    uint8_t kinds[]; /* enum heap_block_kind, of every block */
};

#define HEAP_FIRST_BLOCK                                                                           \
    ALIGN_UP((uint64_t)sizeof(struct heap_state) + HEAP_BLOCKS_MAX, (uint64_t)HEAP_BLOCK_BYTES)

/* The mark stack holds offsets in units of 8 bytes, each object once, and only objects with
 * references, which have 16 bytes at least: a quarter of the blocks' bytes. */
#define HEAP_MARK_UNIT        8u
#define HEAP_MARK_STACK_SHARE 4u

static inline struct heap_state *heap_state(const struct heap *heap)
{
    return (struct heap_state *)(void *)heap->base;
}

static inline uint64_t heap_block_offset(uint32_t block)
{
    return HEAP_FIRST_BLOCK + (uint64_t)block * HEAP_BLOCK_BYTES;
}

static inline struct heap_block *heap_block(const struct heap *heap, uint32_t block)
{
    return (struct heap_block *)(void *)(heap->base + heap_block_offset(block));
}

static inline uint32_t *heap_mark_stack(const struct heap *heap)
{
    return (uint32_t *)(void *)(heap->base + HEAP_FIRST_BLOCK + heap->limit_bytes);
}

/* Bytes of a cell of this class. */
uint32_t heap_cell_bytes(uint32_t class);

static inline uint32_t heap_cell_count(uint32_t class)
{
    return HEAP_CELLS_BYTES / heap_cell_bytes(class);
}

#endif
