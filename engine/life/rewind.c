/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Back to the snapshot, in place: all that a guest can have changed, in one act; and giving back
 * what it costs to wait for the next.
 *
 * Invariant: afterwards the instance is what engine_restore would make, byte for byte, and no
 * page is marked. Of memories that is done by their dirty maps:
 *
 *   snapshot's size                        grown by the guest
 *   |<---------------- kept ------------->|<- memory_shrink takes it away ->|
 *   [image][zero ........................]
 *      page p dirty -> copied from the image, or zero
 *      start of page p+1 -> compared, because a store that began at the end of p may have reached
 *      into it without marking it
 *
 * A page that was copied stays one of the instance's own, though it has the image's bytes; the
 * map remembers it (MEMORY_PAGE_OWN), so that own pages can be counted: all whose byte is not 0.
 *
 * The map has a byte for each 4 KiB page and is read in words of eight: a memory of 16 MiB with
 * nothing dirty is 512 loads. What is accessible is a multiple of 64 KiB, so words never straddle
 * the end. Tests hold the result against the kernel's own record of written pages.
 */
#include <sys/mman.h>

#include "engine/heap/heap.h"
#include "engine/image/contents.h"
#include "engine/life/pages.h"
#include "engine/life/restore.h"
#include "engine/run/instance.h"
#include "engine/run/machine.h"
#include "engine/run/memory.h"
#include "engine/run/table.h"

#define REWIND_PAGE_BYTES    (UINT64_C(1) << MEMORY_DIRTY_SHIFT)
#define REWIND_PAGES_IN_WORD sizeof(uint64_t)
#define REWIND_WORD_DIRTY    (UINT64_C(0x0101010101010101) * MEMORY_PAGE_DIRTY)
/* How far a store can reach into the page after the one it began in. */
#define REWIND_SPILL_BYTES (MEMORY_STORE_BYTES_MAX - 1)

_Static_assert(REWIND_PAGE_BYTES == ENGINE_DIRTY_PAGE_BYTES, "a mark is for a page");
_Static_assert(REWIND_PAGE_BYTES == IMAGE_PAGE_BYTES, "a page has image, or is zero, as a whole");
_Static_assert(MEMORY_PAGE_DIRTY == 1 && MEMORY_PAGE_OWN == 2, "bits, counted in words");
_Static_assert(MEMORY_STORE_BYTES_MAX <= REWIND_PAGE_BYTES, "a store reaches one page further");

struct rewind_source {
    struct contents contents; /* the snapshot's */
    uint8_t *base;
    uint8_t *dirty;
    uint64_t kept_pages; /* pages that the snapshot has */
};

static const uint8_t rewind_zeros[REWIND_SPILL_BYTES];

static void rewind_page(const struct rewind_source *source, uint64_t page)
{
    const uint8_t *from = contents_page(&source->contents, page);
    uint8_t *to = source->base + page * REWIND_PAGE_BYTES;
    if (from != NULL)
        memcpy(to, from, REWIND_PAGE_BYTES);
    else
        memset(to, 0, REWIND_PAGE_BYTES);
}

/* Compares before it writes: an untouched page must not become a private one. */
static void rewind_spill(const struct rewind_source *source, uint64_t page)
{
    uint8_t *to = source->base + page * REWIND_PAGE_BYTES;
    const uint8_t *from = contents_page(&source->contents, page);
    if (from == NULL)
        from = rewind_zeros;
    if (memcmp(to, from, REWIND_SPILL_BYTES) == 0)
        return;
    memcpy(to, from, REWIND_SPILL_BYTES);
    source->dirty[page] = MEMORY_PAGE_OWN;
}

static uint64_t rewind_count_own(uint64_t word)
{
    return (uint64_t)__builtin_popcountll((word | word >> 1) & REWIND_WORD_DIRTY);
}

/* Restores the dirty pages of one word of the map; returns how many there were. */
static uint64_t rewind_word(const struct rewind_source *source, uint64_t first_page, uint64_t word)
{
    uint8_t *dirty = source->dirty;
    uint64_t count = 0;
    while (word != 0) {
        unsigned index = (unsigned)__builtin_ctzll(word) / 8;
        word &= ~(UINT64_C(0xff) << (index * 8));
        uint64_t page = first_page + index;
        rewind_page(source, page);
        dirty[page] = MEMORY_PAGE_OWN;
        if (page + 1 < source->kept_pages && (dirty[page + 1] & MEMORY_PAGE_DIRTY) == 0)
            rewind_spill(source, page + 1);
        count++;
    }
    return count;
}

/* False: there are more than `pages_max`, and some were not restored. */
static bool
rewind_dirty_pages(const struct rewind_source *source, uint64_t pages_max, uint64_t *own_pages)
{
    uint64_t copied = 0;
    uint64_t own = 0;
    for (uint64_t page = 0; page < source->kept_pages; page += REWIND_PAGES_IN_WORD) {
        uint64_t word;
        memcpy(&word, source->dirty + page, sizeof(word));
        if (LIKELY(word == 0))
            continue;
        own += rewind_count_own(word);
        word &= REWIND_WORD_DIRTY;
        if (word == 0)
            continue;
        copied += rewind_word(source, page, word);
        if (copied > pages_max)
            return false;
    }
    *own_pages += own;
    return true;
}

/* A private file mapping shows the file's bytes again, anonymous memory zeros. */
static bool rewind_drop_all(struct engine_instance *instance, uint32_t index, uint64_t kept_pages)
{
    const struct memory *memory = &instance->own_memory[index];
    memset(memory->dirty, 0, kept_pages);
    if (madvise(memory->base, kept_pages * REWIND_PAGE_BYTES, MADV_DONTNEED) != 0)
        return false;
    if (instance->is_memory_mapped)
        instance->rewound_own_pages += restore_copied_runs(instance, index);
    else
        restore_memory(instance, index);
    return true;
}

static bool rewind_memory(struct engine_instance *instance, uint32_t index, uint64_t pages_max)
{
    struct memory *memory = &instance->own_memory[index];
    struct rewind_source source = {
        .contents = contents_of(instance->module, index),
        .base = memory->base,
        .dirty = memory->dirty,
        .kept_pages = memory_accessible(memory->bytes_initial) / REWIND_PAGE_BYTES,
    };
    ASSERT(source.kept_pages % REWIND_PAGES_IN_WORD == 0);
    if (!rewind_dirty_pages(&source, pages_max, &instance->rewound_own_pages) &&
        !rewind_drop_all(instance, index, source.kept_pages))
        return false;
    return memory_shrink(memory);
}

/* The stack too: what lies on it can look like a reference, and so decide what a collection
 * finds, and how much fuel that takes. */
static bool rewind_heap(struct engine_instance *instance)
{
    struct engine_machine *machine = instance->machine;
    if (!machine->heap.touched)
        return true;
    machine->stack_touched_bytes = 0;
    return madvise(machine->stack, machine->stack_mapped_bytes, MADV_DONTNEED) == 0 &&
           restore_heap(instance, NULL) == STATUS_OK;
}

bool engine_rewind(struct engine_instance *instance, uint64_t pages_max)
{
    struct engine_machine *machine = instance->machine;
    ASSERT(instance->state->has_snapshot);
    engine_call_cancel(machine);
    instance->rewound_own_pages = 0;
    for (uint32_t i = 0; i < instance_own_memories(instance); i++) {
        if (!rewind_memory(instance, i, pages_max))
            return false;
    }
    restore_globals(instance);
    restore_flags(instance);
    for (uint32_t i = 0; i < instance_own_tables(instance); i++) {
        if (instance->own_tables[i].dirty)
            restore_table(instance, i);
    }
    machine->fuel_used = 0;
    machine->fuel_priced = 0;
    machine->fuel_native = 0;
    machine->fuel_host = 0;
    machine->trap = TRAP_NONE;
    machine->trap_reason = NULL;
    machine->exit_code = 0;
    return rewind_heap(instance);
}

/* ---- is it worth it? ------------------------------------------------------------------------- */

static uint64_t rewind_count_dirty(const struct memory *memory, uint64_t enough)
{
    uint64_t count = 0;
    uint64_t pages = memory_accessible(memory->bytes) / REWIND_PAGE_BYTES;
    for (uint64_t page = 0; page < pages && count <= enough; page += REWIND_PAGES_IN_WORD) {
        uint64_t word;
        memcpy(&word, memory->dirty + page, sizeof(word));
        count += (uint64_t)__builtin_popcountll(word & REWIND_WORD_DIRTY);
    }
    return count;
}

bool engine_rewind_exceeds(const struct engine_instance *instance, uint64_t pages)
{
    uint64_t changed = heap_grown_bytes(&instance->machine->heap) / REWIND_PAGE_BYTES;
    for (uint32_t i = 0; i < instance_own_memories(instance) && changed <= pages; i++) {
        const struct memory *memory = &instance->own_memory[i];
        if (memory_accessible(memory->bytes) / REWIND_PAGE_BYTES > pages - changed)
            changed += rewind_count_dirty(memory, pages - changed);
    }
    return changed > pages;
}

static uint64_t rewind_own_pages(const struct memory *memory)
{
    uint64_t own = 0;
    uint64_t pages = memory_accessible(memory->bytes) / REWIND_PAGE_BYTES;
    for (uint64_t page = 0; page < pages; page += REWIND_PAGES_IN_WORD) {
        uint64_t word;
        memcpy(&word, memory->dirty + page, sizeof(word));
        own += rewind_count_own(word);
    }
    return own;
}

uint64_t engine_own_bytes(const struct engine_instance *instance)
{
    uint64_t own = 0;
    for (uint32_t i = 0; i < instance_own_memories(instance); i++)
        own += rewind_own_pages(&instance->own_memory[i]);
    return own * REWIND_PAGE_BYTES;
}

uint64_t engine_rewound_own_bytes(const struct engine_instance *instance)
{
    return instance->rewound_own_pages * REWIND_PAGE_BYTES;
}

bool engine_vacate(struct engine_instance *instance)
{
    struct engine_machine *machine = instance->machine;
    ASSERT(!machine->busy && machine->instance_count == 1);
    bool vacated = machine_vacate_stack(machine);
    for (uint32_t i = 0; i < instance_own_memories(instance) && vacated; i++) {
        vacated = memory_vacate(&instance->own_memory[i]);
        if (vacated && !instance->is_memory_mapped)
            restore_memory(instance, i);
    }
    heap_vacate(&machine->heap);
    return vacated;
}
