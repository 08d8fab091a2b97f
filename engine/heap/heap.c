/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Allocation from the heap, its mapping, and its way into a snapshot and back.
 *
 * A cell is found by its bit: each class has a word of free cells at hand and goes on to the
 * next word, the next block with free cells, a free block, a new one. Large objects take the
 * first gap that is long enough.
 *
 * Invariant: free blocks are zero; everything from `used_blocks` on is free.
 */
#include "engine/heap/heap.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "engine/heap/heap_state.h"

/* A collection is worth its while when so much was allocated, and as much as survived the
 * last one. */
#define HEAP_FRESH_MIN  ((uint64_t)1 << 20)
#define HEAP_PAGE_BYTES ((uint64_t)4096)
/* More than this is given back to the kernel when it is to become zero. */
#define HEAP_CLEAR_BYTES_MAX ((uint64_t)256 << 10)

struct heap_added {
    struct heap_layout layout;
    uint64_t map[];
};

static const uint32_t heap_cells[HEAP_CLASS_COUNT] = {
#define CELL(bytes) [HEAP_CLASS_##bytes] = (bytes),
    HEAP_CELLS(CELL)
#undef CELL
};

uint32_t heap_cell_bytes(uint32_t class)
{
    return heap_cells[class];
}

/* ---- the mapping ----------------------------------------------------------------------------- */

void heap_init(struct heap *heap, uint64_t limit_bytes)
{
    ASSERT(limit_bytes <= HEAP_BYTES_MAX);
    *heap = (struct heap){.limit_bytes = limit_bytes / HEAP_BLOCK_BYTES * HEAP_BLOCK_BYTES};
}

void heap_done(struct heap *heap)
{
    if (heap->base != NULL)
        (void)munmap(heap->base, heap->mapped_bytes);
    for (uint32_t i = 0; i < heap->added_count; i++)
        free(heap->added[i]);
    free(heap->added);
    *heap = (struct heap){0};
}

static bool heap_map(struct heap *heap)
{
    uint64_t bytes =
        HEAP_FIRST_BLOCK + heap->limit_bytes + heap->limit_bytes / HEAP_MARK_STACK_SHARE;
    void *base = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED)
        return false;
    heap->base = base;
    heap->mapped_bytes = bytes;
    return true;
}

void heap_set_layouts(struct heap *heap, const struct heap_layouts *layouts)
{
    ASSERT(heap->added_count == 0);
    heap->first = *layouts;
}

enum status heap_add_layout(struct heap *heap, const struct heap_layouts *layouts, uint32_t index)
{
    ASSERT(index < layouts->count);
    const struct heap_layout *row = &layouts->rows[index];
    struct heap_added *added = malloc(sizeof(*added) + row->map_words * sizeof(added->map[0]));
    struct heap_added **more =
        realloc(heap->added, (heap->added_count + (size_t)1) * sizeof(struct heap_added *));
    if (more != NULL)
        heap->added = more;
    if (added == NULL || more == NULL) {
        free(added);
        return STATUS_NO_MEMORY;
    }
    added->layout = *row;
    added->layout.map = 0;
    if (row->map_words > 0)
        memcpy(added->map, layouts->maps + row->map, row->map_words * sizeof(added->map[0]));
    more[heap->added_count++] = added;
    return STATUS_OK;
}

const struct heap_layout *
heap_layout(const struct heap *heap, uint32_t layout, const uint64_t **ret_maps)
{
    if (LIKELY(layout < heap->first.count)) {
        *ret_maps = heap->first.maps;
        return &heap->first.rows[layout];
    }
    ASSERT(layout - heap->first.count < heap->added_count);
    const struct heap_added *added = heap->added[layout - heap->first.count];
    *ret_maps = added->map;
    return &added->layout;
}

/* ---- blocks ---------------------------------------------------------------------------------- */

static void heap_note_used(struct heap *heap, uint32_t end)
{
    struct heap_state *state = heap_state(heap);
    state->used_blocks = MAX(state->used_blocks, end);
    heap->high_blocks = MAX(heap->high_blocks, end);
}

/* `count` free blocks in a row; the first of them + 1, or 0. */
static uint32_t heap_take_blocks(struct heap *heap, uint64_t count)
{
    struct heap_state *state = heap_state(heap);
    uint32_t limit = (uint32_t)(heap->limit_bytes / HEAP_BLOCK_BYTES);
    while (state->first_free < state->used_blocks &&
           state->kinds[state->first_free] != HEAP_BLOCK_FREE)
        state->first_free++;
    uint32_t start = state->first_free;
    for (uint32_t at = start; at < state->used_blocks && at - start < count; at++) {
        if (state->kinds[at] != HEAP_BLOCK_FREE)
            start = at + 1;
    }
    if (count > limit - start)
        return 0;
    heap_note_used(heap, start + (uint32_t)count);
    return start + 1;
}

static uint64_t heap_allocate_large(struct heap *heap, uint64_t bytes)
{
    uint64_t count = (bytes + sizeof(struct heap_block) + HEAP_BLOCK_BYTES - 1) / HEAP_BLOCK_BYTES;
    uint32_t taken = heap_take_blocks(heap, count);
    if (taken == 0)
        return 0;
    struct heap_state *state = heap_state(heap);
    state->kinds[taken - 1] = HEAP_BLOCK_LARGE;
    memset(state->kinds + taken, HEAP_BLOCK_TAIL, count - 1);
    heap_block(heap, taken - 1)->used[0] = 1;
    state->fresh_bytes += count * HEAP_BLOCK_BYTES;
    return heap_block_offset(taken - 1) + sizeof(struct heap_block);
}

/* ---- cells ----------------------------------------------------------------------------------- */

static uint32_t heap_class_of(uint64_t bytes)
{
    if (bytes <= HEAP_CELL_STEP_MAX)
        return (uint32_t)((MAX(bytes, HEAP_CELL_MIN) - HEAP_CELL_MIN + HEAP_CELL_STEP - 1) /
                          HEAP_CELL_STEP);
    uint32_t class = HEAP_CLASS_160;
    while (heap_cells[class] < bytes)
        class ++;
    return class;
}

/* The free cells among those of word `word`. */
static uint64_t heap_free_cells(const struct heap_block *block, uint32_t word, uint32_t cells)
{
    uint32_t first = word * 64;
    if (first >= cells)
        return 0;
    uint64_t exist = cells - first >= 64 ? UINT64_MAX : ((uint64_t)1 << (cells - first)) - 1;
    return ~block->used[word] & exist;
}

/* Finds a word with free cells; false if there is no room for a new block. */
static bool heap_refill(struct heap *heap, uint32_t number)
{
    struct heap_state *state = heap_state(heap);
    struct heap_class *class = &state->classes[number];
    uint32_t cells = heap_cell_count(number);
    for (;;) {
        while (class->block != 0 && ++class->word * 64 < cells) {
            class->free = heap_free_cells(heap_block(heap, class->block - 1), class->word, cells);
            if (class->free != 0)
                return true;
        }
        class->block = class->partial;
        if (class->block != 0) {
            class->partial = heap_block(heap, class->block - 1)->next;
        } else {
            class->block = heap_take_blocks(heap, 1);
            if (class->block == 0)
                return false;
            state->kinds[class->block - 1] = (uint8_t)(HEAP_BLOCK_SMALL + number);
        }
        class->word = 0;
        class->free = heap_free_cells(heap_block(heap, class->block - 1), 0, cells);
        if (class->free != 0)
            return true;
    }
}

static uint64_t heap_allocate_small(struct heap *heap, uint64_t bytes)
{
    uint32_t number = heap_class_of(bytes);
    struct heap_state *state = heap_state(heap);
    struct heap_class *class = &state->classes[number];
    if (UNLIKELY(class->free == 0) && !heap_refill(heap, number))
        return 0;
    uint32_t bit = (uint32_t)__builtin_ctzll(class->free);
    class->free &= class->free - 1;
    struct heap_block *block = heap_block(heap, class->block - 1);
    block->used[class->word] |= (uint64_t)1 << bit;
    uint32_t cell_bytes = heap_cells[number];
    uint64_t offset = heap_block_offset(class->block - 1) + sizeof(struct heap_block) +
                      (uint64_t)(class->word * 64 + bit) * cell_bytes;
    memset(heap->base + offset, 0, cell_bytes);
    state->fresh_bytes += cell_bytes;
    return offset;
}

/* ---- objects --------------------------------------------------------------------------------- */

uint64_t heap_object_bytes(const struct heap *heap, uint32_t layout, uint32_t length)
{
    const uint64_t *maps;
    const struct heap_layout *row = heap_layout(heap, layout, &maps);
    return sizeof(struct heap_object) + row->fixed_bytes + (uint64_t)row->item_bytes * length;
}

uint64_t heap_allocate(struct heap *heap, uint32_t layout, uint32_t length)
{
    uint64_t bytes = heap_object_bytes(heap, layout, length);
    if (UNLIKELY(heap->base == NULL) && !heap_map(heap))
        return HEAP_NONE;
    heap->touched = true;
    struct heap_state *state = heap_state(heap);
    if (UNLIKELY(state->phase != HEAP_IDLE))
        return HEAP_NONE;
    if (UNLIKELY(bytes > heap->limit_bytes)) {
        state->collected = true; /* it would not help */
        return HEAP_NONE;
    }
    bool is_due =
        ENGINE_FORCE_COLLECT || state->fresh_bytes >= MAX(state->live_bytes, HEAP_FRESH_MIN);
    if (UNLIKELY(is_due) && !state->collected)
        return HEAP_NONE;
    uint64_t offset = bytes <= HEAP_SMALL_BYTES_MAX ? heap_allocate_small(heap, bytes)
                                                    : heap_allocate_large(heap, bytes);
    if (UNLIKELY(offset == 0))
        return HEAP_NONE;
    state->collected = false;
    *(struct heap_object *)(void *)(heap->base + offset) =
        (struct heap_object){.layout = layout, .length = length};
    return HEAP_REFERENCE_TAG | offset;
}

bool heap_was_collected(const struct heap *heap)
{
    return heap->base == NULL || heap_state(heap)->collected;
}

uint64_t heap_next(const struct heap *heap, struct heap_cursor *cursor)
{
    const struct heap_state *state = heap->base == NULL ? NULL : heap_state(heap);
    uint32_t blocks = state == NULL ? 0 : state->used_blocks;
    for (; cursor->block < blocks; cursor->block++, cursor->cell = 0) {
        uint8_t kind = state->kinds[cursor->block];
        bool is_small = kind >= HEAP_BLOCK_SMALL;
        uint32_t cells = is_small ? heap_cell_count(kind - HEAP_BLOCK_SMALL)
                                  : (uint32_t)(kind == HEAP_BLOCK_LARGE);
        uint32_t bytes = is_small ? heap_cell_bytes(kind - HEAP_BLOCK_SMALL) : 0;
        const struct heap_block *block = heap_block(heap, cursor->block);
        while (cursor->cell < cells) {
            uint32_t cell = cursor->cell++;
            if ((block->used[cell / 64] >> cell % 64 & 1) != 0)
                return HEAP_REFERENCE_TAG |
                       (heap_block_offset(cursor->block) + sizeof(*block) + (uint64_t)cell * bytes);
        }
    }
    return HEAP_NONE;
}

/* ---- for accounts ---------------------------------------------------------------------------- */

uint64_t heap_used_bytes(const struct heap *heap)
{
    return heap->base == NULL ? 0 : (uint64_t)heap_state(heap)->used_blocks * HEAP_BLOCK_BYTES;
}

uint64_t heap_taken_bytes(const struct heap *heap)
{
    return (uint64_t)heap->high_blocks * HEAP_BLOCK_BYTES +
           (uint64_t)heap->high_marks * sizeof(uint32_t);
}

uint64_t heap_grown_bytes(const struct heap *heap)
{
    return heap_taken_bytes(heap) - (uint64_t)heap->restored_blocks * HEAP_BLOCK_BYTES;
}

void heap_shed(struct heap *heap, uint64_t from, uint64_t count)
{
    uint64_t blocks = (uint64_t)heap->high_blocks * HEAP_BLOCK_BYTES;
    ASSERT(from <= heap_taken_bytes(heap) && count <= heap_taken_bytes(heap) - from);
    uint64_t of_blocks = from < blocks ? MIN(count, blocks - from) : 0;
    if (of_blocks > 0)
        (void)madvise(heap->base + HEAP_FIRST_BLOCK + from, of_blocks, MADV_DONTNEED);
    if (count == of_blocks)
        return;
    uint64_t mark = from + of_blocks - blocks;
    uint64_t page = mark / HEAP_PAGE_BYTES * HEAP_PAGE_BYTES;
    (void)madvise((uint8_t *)heap_mark_stack(heap) + page, mark - page + count - of_blocks,
                  MADV_DONTNEED);
}

void heap_vacate(struct heap *heap)
{
    if (heap->base == NULL || heap->touched || heap->restored_blocks > 0)
        return;
    (void)munmap(heap->base, heap->mapped_bytes);
    heap->base = NULL;
    heap->mapped_bytes = 0;
}

/* ---- snapshot: | state | kinds of the used blocks | used blocks | -----------------------------
 */

static uint64_t heap_image_head_bytes(uint32_t used_blocks)
{
    return ALIGN_UP(sizeof(struct heap_state) + used_blocks, (uint64_t)8);
}

uint64_t heap_image_bytes(const struct heap *heap)
{
    uint32_t used = heap->base == NULL ? 0 : heap_state(heap)->used_blocks;
    if (used == 0)
        return 0;
    return heap_image_head_bytes(used) + (uint64_t)used * HEAP_BLOCK_BYTES;
}

void heap_image_write(const struct heap *heap, uint8_t *to)
{
    if (heap_image_bytes(heap) == 0)
        return;
    const struct heap_state *state = heap_state(heap);
    ASSERT(state->phase == HEAP_IDLE);
    uint64_t head = heap_image_head_bytes(state->used_blocks);
    memcpy(to, state, sizeof(*state) + state->used_blocks);
    memcpy(to + head, heap->base + HEAP_FIRST_BLOCK,
           (uint64_t)state->used_blocks * HEAP_BLOCK_BYTES);
}

bool heap_image_fits(const uint8_t *image, uint64_t bytes)
{
    const struct heap_state *state = (const struct heap_state *)(const void *)image;
    if (bytes == 0)
        return true;
    if (bytes < sizeof(*state) || state->used_blocks > HEAP_BLOCKS_MAX)
        return false;
    return heap_image_head_bytes(state->used_blocks) +
               (uint64_t)state->used_blocks * HEAP_BLOCK_BYTES ==
           bytes;
}

/* [from, to) of the mapping becomes zero; what is behind it is. */
static void heap_clear(const struct heap *heap, uint64_t from, uint64_t to)
{
    if (from >= to)
        return;
    uint64_t first_page = ALIGN_UP(from, HEAP_PAGE_BYTES);
    if (to - from > HEAP_CLEAR_BYTES_MAX &&
        madvise(heap->base + first_page, to - first_page, MADV_DONTNEED) == 0)
        to = first_page;
    memset(heap->base + from, 0, to - from);
}

enum status
heap_restore(struct heap *heap, const uint8_t *image, uint64_t bytes, struct report *report)
{
    if (heap->base == NULL && bytes == 0)
        return STATUS_OK;
    if (heap->base != NULL && !heap->touched)
        return STATUS_OK;
    const struct heap_state *wanted = (const struct heap_state *)(const void *)image;
    uint32_t used = bytes == 0 ? 0 : wanted->used_blocks;
    if ((uint64_t)used * HEAP_BLOCK_BYTES > heap->limit_bytes)
        return report_fail(report, STATUS_LIMIT, REPORT_OFFSET_NONE,
                           "a heap of %llu bytes is over the limit of %llu",
                           (unsigned long long)used * HEAP_BLOCK_BYTES,
                           (unsigned long long)heap->limit_bytes);
    if (heap->base == NULL && !heap_map(heap))
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE,
                           "cannot reserve a heap of %llu bytes; too many live isolates? see "
                           "sysctl vm.max_map_count and ulimit -v",
                           (unsigned long long)heap->limit_bytes);
    struct heap_state *state = heap_state(heap);
    uint64_t head = sizeof(*state) + used;
    uint64_t end = heap_block_offset(used);
    if (bytes > 0) {
        memcpy(state, image, head);
        memcpy(heap->base + HEAP_FIRST_BLOCK, image + heap_image_head_bytes(used),
               (uint64_t)used * HEAP_BLOCK_BYTES);
    } else {
        memset(state, 0, head);
    }
    heap_clear(heap, head, sizeof(*state) + heap->high_blocks);
    heap_clear(heap, end, heap_block_offset(heap->high_blocks));
    uint64_t stack = HEAP_FIRST_BLOCK + heap->limit_bytes;
    heap_clear(heap, stack, stack + (uint64_t)heap->high_marks * sizeof(uint32_t));
    heap->restored_blocks = used;
    heap->high_blocks = used;
    heap->high_marks = 0;
    heap->touched = false;
    return STATUS_OK;
}
