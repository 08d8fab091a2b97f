/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine's heap: objects that the collector looks after. Internal to the engine.
 *
 * All of it is one reserved mapping, made when the first object is, and addressed by
 * offsets, so that a snapshot is a copy of what is used and a rewind copies it back:
 *
 *   | state | kind of each block | block 0 | block 1 | ... never used: zero | mark stack |
 *   ^ base                       ^ HEAP_FIRST_BLOCK
 *
 *   block:  | next, used bits, mark bits | cell | cell | ...      16 KiB, cells of one size
 *   large:  | the same, one cell ........................ |       as many blocks as it takes
 *   cell:   | layout, length | payload ... |                      an object, 8-byte aligned
 *
 * A reference is a number whose top two bits say "heap" and whose other bits are the offset
 * of the object's header. It never changes: objects do not move.
 *
 * What an object is made of says its layout, the identity of its type (identity.h). Layouts
 * name the words of the payload that are references; the collector follows these and no
 * others. Where types are not known (the guest stack) any number may be offered: heap_mark
 * takes only what is the reference of an object.
 *
 * Collection: idle -> marking -> sweeping -> idle, in bounded steps, between which no guest
 * runs (so there are no barriers). Free cells may hold old bytes, free blocks are zero;
 * heap_allocate returns a zero payload.
 */
#ifndef SKERRY_ENGINE_HEAP_HEAP_H
#define SKERRY_ENGINE_HEAP_HEAP_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/macros.h"
#include "engine/base/status.h"

#define HEAP_BYTES_MAX   ((uint64_t)4 << 30) /* no limit may be larger */
#define HEAP_BLOCK_BYTES 16384u
#define HEAP_BLOCKS_MAX  ((uint32_t)(HEAP_BYTES_MAX / HEAP_BLOCK_BYTES))

/* Both are 0 where there is no object. */
#define HEAP_REFERENCE_TAG  ((uint64_t)2 << 62)
#define HEAP_REFERENCE_MASK ((uint64_t)3 << 62)

static inline bool heap_is_reference(uint64_t value)
{
    return (value & HEAP_REFERENCE_MASK) == HEAP_REFERENCE_TAG;
}

/* Bits of `map_words` words from maps[map] on: bit n is set if the n-th 8 bytes of the fixed
 * part of the payload are a reference (or 0). Items are all references or none is. */
struct heap_layout {
    uint32_t fixed_bytes; /* of the payload, in front of the items */
    uint32_t item_bytes;  /* 0: no items; the object's length is 0 */
    uint32_t map;
    uint32_t map_words; /* 0: no references in the fixed part */
    uint32_t items_are_references;
};

/* By identity. */
struct heap_layouts {
    const struct heap_layout *rows;
    const uint64_t *maps;
    uint32_t count;
};

struct heap_object {
    uint32_t layout;
    uint32_t length; /* of items */
};

struct heap_added; /* a layout with its map */

struct heap {
    uint8_t *base; /* NULL: no object was ever made */
    uint64_t limit_bytes;
    uint64_t mapped_bytes;
    uint32_t restored_blocks;  /* that heap_restore made: the snapshot's */
    uint32_t high_blocks;      /* blocks from here on are zero, */
    uint32_t high_marks;       /* and so is the mark stack */
    bool touched;              /* differs from what heap_restore made */
    struct heap_layouts first; /* borrowed from the first instance's image */
    struct heap_added **added; /* those behind it; owned */
    uint32_t added_count;
};

/* `limit_bytes`: of blocks; at most HEAP_BYTES_MAX. Maps nothing. */
void heap_init(struct heap *heap, uint64_t limit_bytes);
void heap_done(struct heap *heap);

/* The layouts of the first instance; they are borrowed. */
void heap_set_layouts(struct heap *heap, const struct heap_layouts *layouts);
/* Row `index` of these becomes the next layout after those that are known; it is copied. */
NODISCARD enum status
heap_add_layout(struct heap *heap, const struct heap_layouts *layouts, uint32_t index);
/* A layout and the maps that it counts into. */
const struct heap_layout *
heap_layout(const struct heap *heap, uint32_t layout, const uint64_t **ret_maps);

/* ---- objects --------------------------------------------------------------------------------- */

#define HEAP_NONE ((uint64_t)0)

/*
 * A new object with a zero payload; `length` items. HEAP_NONE: first collect
 * (heap_collect_*), then ask again with the same arguments; if it was just collected there is
 * no room. The reference is safe until the next call of a heap_collect function.
 */
uint64_t heap_allocate(struct heap *heap, uint32_t layout, uint32_t length);
/* Bytes of such an object, header included; may be more than there can ever be. */
uint64_t heap_object_bytes(const struct heap *heap, uint32_t layout, uint32_t length);

/* The object behind a valid reference. */
static inline struct heap_object *heap_object(const struct heap *heap, uint64_t reference)
{
    return (struct heap_object *)(void *)(heap->base + (reference & ~HEAP_REFERENCE_MASK));
}

static inline uint8_t *heap_payload(const struct heap *heap, uint64_t reference)
{
    return heap->base + (reference & ~HEAP_REFERENCE_MASK) + sizeof(struct heap_object);
}

/* To be called by whoever changes the payload of an object that may be older than the last
 * rewind: everything but filling a new one. */
static inline void heap_touch(struct heap *heap)
{
    heap->touched = true;
}

/* Is it the reference of an object? For values from outside. */
bool heap_has(const struct heap *heap, uint64_t value);

/* Goes over the objects of a heap that is idle, dead ones too if it was not just collected:
 * begin with zero; HEAP_NONE: no more. */
struct heap_cursor {
    uint32_t block;
    uint32_t cell;
};

uint64_t heap_next(const struct heap *heap, struct heap_cursor *cursor);

/* ---- collection ------------------------------------------------------------------------------ */

enum heap_phase {
    HEAP_IDLE,
    HEAP_MARKING,
    HEAP_SWEEPING,
};

enum heap_phase heap_phase(const struct heap *heap);
/* Begins: idle -> marking. Afterwards offer all roots with heap_mark, in any portions. */
void heap_collect_begin(struct heap *heap);
/* `value` may be anything; what it refers to stays, if it refers to an object. */
void heap_mark(struct heap *heap, uint64_t value);
/* Follows references from what is marked, `budget` words or a little more; returns what it
 * used, less than `budget` when there is nothing left to follow. */
uint32_t heap_collect_mark(struct heap *heap, uint32_t budget);
/* All roots were offered and followed: what is not marked will be swept. */
void heap_collect_sweep_begin(struct heap *heap);
/* Sweeps `budget` blocks; returns how many it swept; fewer, when it is idle again. */
uint32_t heap_collect_sweep(struct heap *heap, uint32_t budget);
/* Another guest comes: forgets a marking under way (a sweep goes on later), and that a
 * collection did not help, because this guest may have let go of more. */
void heap_collect_cancel(struct heap *heap);
/* True after a collection until an allocation succeeds or another guest comes: one more would
 * not help. */
bool heap_was_collected(const struct heap *heap);

/* ---- snapshot -------------------------------------------------------------------------------- */

/* Size and contents of a copy of the idle heap: 0 bytes if there is none. 8-byte aligned. */
uint64_t heap_image_bytes(const struct heap *heap);
void heap_image_write(const struct heap *heap, uint8_t *to);
/* Is this such a copy, and would it fit? For images that may be damaged. */
bool heap_image_fits(const uint8_t *image, uint64_t bytes);
/* The heap becomes what the image says, and all else zero; costs nothing when it was not
 * touched since. NO_MEMORY or LIMIT otherwise (`report` may be NULL). */
NODISCARD enum status
heap_restore(struct heap *heap, const uint8_t *image, uint64_t bytes, struct report *report);

/* ---- for accounts ---------------------------------------------------------------------------- */

/* Blocks in use. */
uint64_t heap_used_bytes(const struct heap *heap);
/* Memory that it takes: blocks and marks, in use or used since heap_restore. */
uint64_t heap_taken_bytes(const struct heap *heap);
/* The same without what heap_restore made: what the next one will give back. */
uint64_t heap_grown_bytes(const struct heap *heap);
/* Gives `count` bytes of what it takes from `from` on back to the kernel, for good: for a heap
 * that is to be freed, piece by piece. */
void heap_shed(struct heap *heap, uint64_t from, uint64_t count);
/* Gives all back if it is empty and not touched since heap_restore. */
void heap_vacate(struct heap *heap);

#endif
