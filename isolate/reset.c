/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory reset by the software dirty map, one memory after another.
 *
 *   snapshot's size                        grown by the guest
 *   |<---------------- kept ------------->|<- engine_rewind shrinks ->|
 *   [image: private mapping][zero, anonymous]
 *      page p dirty -> copy from the artifact's shared mapping, or zero
 *      first 15 bytes of page p+1 -> compared, because a store that began at the end of
 *      p may have reached into it without marking it
 *
 * The map has a byte for each 4 KiB page and is read in words of eight: a memory of 16 MiB
 * with nothing dirty is 512 loads. Sizes seen here are multiples of 64 KiB, so words never
 * straddle the end. Tests hold the result against the kernel's own record of written pages.
 */
#include "isolate/reset.h"

#include <sys/mman.h>

#include "isolate/artifact.h"
#include "isolate/parts.h"

#define RESET_PAGE_BYTES    ENGINE_DIRTY_PAGE_BYTES
#define RESET_SPILL_BYTES   15 /* how far a store may reach into the page after its own */
#define RESET_PAGES_IN_WORD sizeof(uint64_t)

struct reset_source {
    struct bytes image;
    struct engine_memory_view view;
    uint64_t kept_pages; /* pages that the snapshot has */
};

static const uint8_t reset_zeros[RESET_SPILL_BYTES];

static void reset_page(const struct reset_source *source, uint64_t page)
{
    uint64_t at = page * RESET_PAGE_BYTES;
    uint8_t *to = source->view.base + at;
    if (at < source->image.count)
        memcpy(to, source->image.data + at, RESET_PAGE_BYTES);
    else
        memset(to, 0, RESET_PAGE_BYTES);
}

/* Compares before it writes: an untouched page must not become a private one. */
static void reset_spill(const struct reset_source *source, uint64_t page)
{
    uint64_t at = page * RESET_PAGE_BYTES;
    const uint8_t *from = at < source->image.count ? source->image.data + at : reset_zeros;
    if (memcmp(source->view.base + at, from, RESET_SPILL_BYTES) != 0)
        memcpy(source->view.base + at, from, RESET_SPILL_BYTES);
}

/* Restores the dirty pages of one word of the map; returns how many there were. */
static uint64_t reset_word(const struct reset_source *source, uint64_t first_page, uint64_t word)
{
    uint8_t *dirty = source->view.dirty;
    uint64_t count = 0;
    while (word != 0) {
        unsigned index = (unsigned)__builtin_ctzll(word) / 8;
        word &= ~(UINT64_C(0xff) << (index * 8));
        uint64_t page = first_page + index;
        reset_page(source, page);
        dirty[page] = 0;
        if (page + 1 < source->kept_pages && dirty[page + 1] == 0)
            reset_spill(source, page + 1);
        count++;
    }
    return count;
}

static bool reset_dirty_pages(const struct reset_source *source)
{
    uint64_t copied = 0;
    for (uint64_t page = 0; page < source->kept_pages; page += RESET_PAGES_IN_WORD) {
        uint64_t word;
        memcpy(&word, source->view.dirty + page, sizeof(word));
        if (LIKELY(word == 0))
            continue;
        copied += reset_word(source, page, word);
        if (copied > RESET_COPY_PAGES_MAX)
            return false;
    }
    return true;
}

/* A private file mapping shows the file's bytes again, anonymous memory zeros. */
static bool reset_drop_all(const struct reset_source *source)
{
    memset(source->view.dirty, 0, source->kept_pages);
    return madvise(source->view.base, source->view.initial_bytes, MADV_DONTNEED) == 0;
}

static bool reset_memory(const struct isolate *isolate, uint32_t index)
{
    struct reset_source source = {
        .image = artifact_memory(isolate->artifact, index),
        .view = engine_memory_view(isolate->instance, index),
    };
    source.kept_pages = source.view.initial_bytes / RESET_PAGE_BYTES;
    ASSERT(source.kept_pages % RESET_PAGES_IN_WORD == 0);
    if (!reset_dirty_pages(&source) && !reset_drop_all(&source))
        return false;
    if (source.view.bytes > source.view.initial_bytes) {
        uint64_t grown = source.view.bytes / RESET_PAGE_BYTES - source.kept_pages;
        memset(source.view.dirty + source.kept_pages, 0, grown);
    }
    return true;
}

bool reset_memories(const struct isolate *isolate)
{
    uint32_t count = engine_memory_count(isolate->instance);
    for (uint32_t i = 0; i < count; i++) {
        if (!reset_memory(isolate, i))
            return false;
    }
    return true;
}

/* The map's bytes are 0 or 1, so a word of them has as many bits as pages. */
static uint64_t reset_count_dirty(const struct engine_memory_view *view, uint64_t enough)
{
    uint64_t count = 0;
    uint64_t pages = view->bytes / RESET_PAGE_BYTES;
    for (uint64_t page = 0; page < pages && count <= enough; page += RESET_PAGES_IN_WORD) {
        uint64_t word;
        memcpy(&word, view->dirty + page, sizeof(word));
        count += (uint64_t)__builtin_popcountll(word);
    }
    return count;
}

bool reset_dirty_pages_exceed(const struct isolate *isolate, uint64_t pages)
{
    uint64_t dirty = 0;
    uint32_t count = engine_memory_count(isolate->instance);
    for (uint32_t i = 0; i < count; i++) {
        struct engine_memory_view view = engine_memory_view(isolate->instance, i);
        if (view.bytes / RESET_PAGE_BYTES > pages - dirty)
            dirty += reset_count_dirty(&view, pages - dirty);
        if (dirty > pages)
            return true;
    }
    return false;
}
