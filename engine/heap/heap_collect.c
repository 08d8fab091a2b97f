/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The collector: marks what can be reached, sweeps block by block, a bounded step at a time.
 *
 * An object is on the mark stack at most once, because it is pushed when it is marked, and
 * only if it has references to follow; the one being followed is in the state, with how far
 * that has come. Sweeping makes the marks of a block its used bits and clears the marks; a
 * block without any becomes free, so zero.
 */
#include "engine/heap/heap_state.h"

/* 2^32 / bytes, rounded up: a position in a block times this is 2^32 times its cell. */
#define HEAP_RECIPROCAL(bytes) ((uint32_t)((((uint64_t)1 << 32) + (bytes)-1) / (bytes)))

static const uint32_t heap_reciprocals[HEAP_CLASS_COUNT] = {
#define CELL(bytes) [HEAP_CLASS_##bytes] = HEAP_RECIPROCAL(bytes),
    HEAP_CELLS(CELL)
#undef CELL
};

enum heap_phase heap_phase(const struct heap *heap)
{
    return heap->base == NULL ? HEAP_IDLE : (enum heap_phase)heap_state(heap)->phase;
}

/* Nothing stays behind: what is the same heap has the same bytes. */
static void heap_scan_nothing(struct heap_state *state)
{
    state->scan_object = 0;
    state->scan_next = 0;
}

void heap_collect_begin(struct heap *heap)
{
    struct heap_state *state = heap_state(heap);
    ASSERT(state->phase == HEAP_IDLE);
    heap->touched = true;
    state->phase = HEAP_MARKING;
    state->is_stale = false;
    state->mark_count = 0;
    heap_scan_nothing(state);
}

/* ---- marking --------------------------------------------------------------------------------- */

struct heap_place {
    struct heap_block *block; /* NULL: no object is there */
    uint32_t cell;
};

/* The object at `offset`. */
static inline struct heap_place heap_find(const struct heap *heap, uint64_t offset)
{
    const struct heap_place nowhere = {.block = NULL};
    const struct heap_state *state = heap_state(heap);
    if (offset < HEAP_FIRST_BLOCK || offset >= heap_block_offset(state->used_blocks))
        return nowhere;
    uint32_t number = (uint32_t)((offset - HEAP_FIRST_BLOCK) / HEAP_BLOCK_BYTES);
    uint64_t in_block = offset % HEAP_BLOCK_BYTES;
    uint8_t kind = state->kinds[number];
    if (kind == HEAP_BLOCK_FREE || kind == HEAP_BLOCK_TAIL || in_block < sizeof(struct heap_block))
        return nowhere;
    uint32_t at = (uint32_t)(in_block - sizeof(struct heap_block));
    uint32_t cell = 0;
    uint32_t cell_at = 0;
    if (kind >= HEAP_BLOCK_SMALL) {
        uint32_t class = kind - HEAP_BLOCK_SMALL;
        cell = (uint32_t)((uint64_t)at * heap_reciprocals[class] >> 32);
        cell_at = cell * heap_cell_bytes(class);
    }
    struct heap_block *block = heap_block(heap, number);
    if (at != cell_at || (block->used[cell / 64] >> cell % 64 & 1) == 0)
        return nowhere;
    return (struct heap_place){.block = block, .cell = cell};
}

bool heap_has(const struct heap *heap, uint64_t value)
{
    return heap->base != NULL && heap_is_reference(value) &&
           heap_find(heap, value & ~HEAP_REFERENCE_MASK).block != NULL;
}

/* Sets the mark of the object at `offset`; false if there is none or it has one already. */
static bool heap_set_mark(const struct heap *heap, uint64_t offset)
{
    struct heap_place place = heap_find(heap, offset);
    uint64_t bit = (uint64_t)1 << place.cell % 64;
    if (place.block == NULL || (place.block->marks[place.cell / 64] & bit) != 0)
        return false;
    place.block->marks[place.cell / 64] |= bit;
    return true;
}

void heap_mark(struct heap *heap, uint64_t value)
{
    if (!heap_is_reference(value))
        return;
    uint64_t offset = value & ~HEAP_REFERENCE_MASK;
    if (!heap_set_mark(heap, offset))
        return;
    const struct heap_object *object = (const void *)(heap->base + offset);
    const uint64_t *maps;
    const struct heap_layout *layout = heap_layout(heap, object->layout, &maps);
    if (layout->map_words == 0 && (!layout->items_are_references || object->length == 0))
        return;
    struct heap_state *state = heap_state(heap);
    heap_mark_stack(heap)[state->mark_count++] = (uint32_t)(offset / HEAP_MARK_UNIT);
    heap->high_marks = MAX(heap->high_marks, state->mark_count);
}

/* Follows some references of the object at hand; at least one step. */
static uint32_t heap_scan(struct heap *heap, uint32_t budget)
{
    struct heap_state *state = heap_state(heap);
    const struct heap_object *object = (const void *)(heap->base + state->scan_object);
    const uint64_t *payload = (const void *)(object + 1);
    const uint64_t *maps;
    const struct heap_layout *layout = heap_layout(heap, object->layout, &maps);
    uint32_t used = 0;
    for (; state->scan_next < layout->map_words && used < budget; state->scan_next++) {
        uint64_t word = maps[layout->map + state->scan_next];
        used += 1 + (uint32_t)__builtin_popcountll(word);
        for (; word != 0; word &= word - 1)
            heap_mark(heap, payload[state->scan_next * 64 + (uint32_t)__builtin_ctzll(word)]);
    }
    uint64_t items = layout->items_are_references ? object->length : 0;
    const uint64_t *item = payload + layout->fixed_bytes / sizeof(*item);
    uint64_t end = layout->map_words + items;
    for (; state->scan_next < end && used < budget; state->scan_next++, used++)
        heap_mark(heap, item[state->scan_next - layout->map_words]);
    if (state->scan_next == end)
        heap_scan_nothing(state);
    return used;
}

uint32_t heap_collect_mark(struct heap *heap, uint32_t budget)
{
    struct heap_state *state = heap_state(heap);
    ASSERT(state->phase == HEAP_MARKING);
    uint32_t used = 0;
    while (used < budget) {
        if (state->scan_object == 0) {
            if (state->mark_count == 0)
                break;
            uint64_t entry = heap_mark_stack(heap)[--state->mark_count];
            state->scan_object = entry * HEAP_MARK_UNIT;
            state->scan_next = 0;
        }
        used += heap_scan(heap, budget - used);
    }
    return used;
}

/* ---- sweeping -------------------------------------------------------------------------------- */

void heap_collect_sweep_begin(struct heap *heap)
{
    struct heap_state *state = heap_state(heap);
    ASSERT(state->phase == HEAP_MARKING);
    ASSERT(state->mark_count == 0 && state->scan_object == 0);
    state->phase = HEAP_SWEEPING;
    state->sweep_block = 0;
    state->live_bytes = 0;
    memset(state->classes, 0, sizeof(state->classes));
}

static void heap_free_block(struct heap *heap, uint32_t number)
{
    struct heap_state *state = heap_state(heap);
    memset(heap_block(heap, number), 0, HEAP_BLOCK_BYTES);
    state->kinds[number] = HEAP_BLOCK_FREE;
    state->first_free = MIN(state->first_free, number);
}

static void heap_sweep_small(struct heap *heap, uint32_t number)
{
    struct heap_state *state = heap_state(heap);
    struct heap_block *block = heap_block(heap, number);
    uint32_t class_number = state->kinds[number] - HEAP_BLOCK_SMALL;
    uint32_t live = 0;
    for (uint32_t i = 0; i < HEAP_BITS_WORDS; i++)
        live += (uint32_t)__builtin_popcountll(block->marks[i]);
    if (live == 0) {
        heap_free_block(heap, number);
        return;
    }
    state->live_bytes += (uint64_t)live * heap_cell_bytes(class_number);
    memcpy(block->used, block->marks, sizeof(block->used));
    memset(block->marks, 0, sizeof(block->marks));
    block->next = 0;
    if (live < heap_cell_count(class_number)) {
        block->next = state->classes[class_number].partial;
        state->classes[class_number].partial = number + 1;
    }
}

static void heap_sweep_block(struct heap *heap, uint32_t number)
{
    struct heap_state *state = heap_state(heap);
    switch (state->kinds[number]) {
    case HEAP_BLOCK_FREE:
        break;
    case HEAP_BLOCK_LARGE:
        state->freeing = heap_block(heap, number)->marks[0] == 0;
        heap_block(heap, number)->marks[0] = 0;
        if (state->freeing)
            heap_free_block(heap, number);
        else
            state->live_bytes += HEAP_BLOCK_BYTES;
        break;
    case HEAP_BLOCK_TAIL:
        if (state->freeing)
            heap_free_block(heap, number);
        else
            state->live_bytes += HEAP_BLOCK_BYTES;
        break;
    default:
        heap_sweep_small(heap, number);
    }
}

uint32_t heap_collect_sweep(struct heap *heap, uint32_t budget)
{
    struct heap_state *state = heap_state(heap);
    ASSERT(state->phase == HEAP_SWEEPING);
    uint32_t used = 0;
    for (; used < budget && state->sweep_block < state->used_blocks; used++)
        heap_sweep_block(heap, state->sweep_block++);
    if (used == budget)
        return used;
    while (state->used_blocks > 0 && state->kinds[state->used_blocks - 1] == HEAP_BLOCK_FREE)
        state->used_blocks--;
    state->first_free = MIN(state->first_free, state->used_blocks);
    state->fresh_bytes = 0;
    state->sweep_block = 0;
    state->freeing = false; /* nothing is left of the way here: a heap is what is in it */
    state->collected = !state->is_stale;
    state->phase = HEAP_IDLE;
    return used;
}

void heap_collect_cancel(struct heap *heap)
{
    if (heap->base == NULL || !heap->touched)
        return;
    struct heap_state *state = heap_state(heap);
    state->collected = false;
    state->is_stale = state->phase == HEAP_SWEEPING;
    if (state->phase != HEAP_MARKING)
        return;
    for (uint32_t i = 0; i < state->used_blocks; i++) {
        uint8_t kind = state->kinds[i];
        if (kind != HEAP_BLOCK_FREE && kind != HEAP_BLOCK_TAIL)
            memset(heap_block(heap, i)->marks, 0, sizeof(((struct heap_block *)0)->marks));
    }
    state->mark_count = 0;
    heap_scan_nothing(state);
    state->phase = HEAP_IDLE;
}
