/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages that differ from a base's come in runs. How an isolate comes by one is decided here, once:
 *
 *   mapped   costs a mapping for as long as the isolate lives, of which the kernel has 65,530 for
 *            a process, and a page fault where it is touched; shared until it is written
 *   copied   costs the copy at the start, and memory of the isolate's own, written or not
 *
 * So the largest runs are mapped, ENGINE_MAPPINGS_MAX of them, if they are large; what is left is
 * copied. If that is much, runs are joined across the pages between them, which then lie in the
 * image although the base has them: first the narrow gaps, then wider ones, until it is little.
 */
#include "engine/life/difference.h"

#include <stdlib.h>

#include "engine/image/contents.h"
#include "engine/life/pages.h"
#include "engine/run/instance.h"
#include "engine/run/memory.h"

#define DIFFERENCE_MAPPED_PAGES_MIN 32  /* a smaller run is not worth a mapping */
#define DIFFERENCE_COPIED_PAGES_MAX 128 /* half a MiB: some 60 us of a cold start */

struct difference_run {
    struct image_run run;
    uint32_t memory;
};

/* ---- finding --------------------------------------------------------------------------------- */

static bool difference_in_page(const struct contents *base, const uint8_t *now, uint64_t page)
{
    const uint8_t *before = contents_page(base, page);
    const uint8_t *is = now + page * IMAGE_PAGE_BYTES;
    return before != NULL ? memcmp(before, is, IMAGE_PAGE_BYTES) != 0
                          : !pages_are_zero(is, IMAGE_PAGE_BYTES);
}

static enum status
difference_in_memory(const struct engine_instance *instance, uint32_t index, struct buffer *found)
{
    const struct memory *memory = &instance->own_memory[index];
    const struct contents base = contents_of(instance->module, index);
    uint64_t pages = ALIGN_UP(memory->bytes, (uint64_t)IMAGE_PAGE_BYTES) / IMAGE_PAGE_BYTES;
    struct difference_run run = {.memory = index};
    for (uint64_t page = 0; page < pages; page++) {
        if (!difference_in_page(&base, memory->base, page))
            continue;
        if (run.run.page_count > 0 && run.run.page + run.run.page_count == page) {
            run.run.page_count++;
            continue;
        }
        if (run.run.page_count > 0 && buffer_append(found, &run, sizeof(run)) != STATUS_OK)
            return STATUS_NO_MEMORY;
        run.run = (struct image_run){.page = page, .page_count = 1};
    }
    return run.run.page_count == 0 ? STATUS_OK : buffer_append(found, &run, sizeof(run));
}

/* ---- joining --------------------------------------------------------------------------------- */

/* Joins runs with at most `gap` pages between them; how many are left. */
static size_t difference_join(struct difference_run *runs, size_t count, uint64_t gap)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        struct difference_run *last = kept > 0 ? &runs[kept - 1] : NULL;
        if (last != NULL && last->memory == runs[i].memory &&
            runs[i].run.page - (last->run.page + last->run.page_count) <= gap)
            last->run.page_count = runs[i].run.page + runs[i].run.page_count - last->run.page;
        else
            runs[kept++] = runs[i];
    }
    return kept;
}

static struct difference_run *difference_largest(struct difference_run *runs, size_t count)
{
    struct difference_run *largest = NULL;
    for (size_t i = 0; i < count; i++) {
        if (!runs[i].run.is_mapped &&
            (largest == NULL || runs[i].run.page_count > largest->run.page_count))
            largest = &runs[i];
    }
    return largest;
}

/* Chooses those that are mapped; returns how many pages are left to be copied. */
static uint64_t difference_choose(struct difference_run *runs, size_t count)
{
    uint64_t copied = 0;
    for (size_t i = 0; i < count; i++) {
        runs[i].run.is_mapped = 0;
        copied += runs[i].run.page_count;
    }
    for (uint32_t mapped = 0; mapped < ENGINE_MAPPINGS_MAX; mapped++) {
        struct difference_run *largest = difference_largest(runs, count);
        if (largest == NULL || largest->run.page_count < DIFFERENCE_MAPPED_PAGES_MIN)
            break;
        largest->run.is_mapped = 1;
        copied -= largest->run.page_count;
    }
    return copied;
}

static size_t difference_arrange(struct difference_run *runs, size_t count)
{
    uint64_t gap = 1;
    while (difference_choose(runs, count) > DIFFERENCE_COPIED_PAGES_MAX && gap < UINT32_MAX) {
        count = difference_join(runs, count, gap);
        gap *= 2;
    }
    return count;
}

/* ---- the result ------------------------------------------------------------------------------ */

static enum status
difference_split(const struct difference_run *runs, size_t count, struct difference *difference)
{
    for (size_t i = 0; i < count; i++) {
        if (buffer_append(&difference->runs, &runs[i].run, sizeof(runs[i].run)) != STATUS_OK)
            return STATUS_NO_MEMORY;
        difference->counts[runs[i].memory]++;
    }
    return STATUS_OK;
}

enum status difference_find(const struct engine_instance *instance,
                            struct report *report,
                            struct difference *ret_difference)
{
    uint32_t memories = instance_own_memories(instance);
    struct difference difference = {.memory_count = memories};
    struct buffer found;
    buffer_init(&found, SIZE_MAX);
    buffer_init(&difference.runs, SIZE_MAX);
    difference.counts = calloc(MAX(memories, 1u), sizeof(*difference.counts));
    enum status status = difference.counts != NULL ? STATUS_OK : STATUS_NO_MEMORY;
    for (uint32_t i = 0; i < memories && status == STATUS_OK; i++)
        status = difference_in_memory(instance, i, &found);
    struct difference_run *runs = (struct difference_run *)(void *)found.data;
    size_t count = found.count / sizeof(*runs);
    if (status == STATUS_OK)
        status = difference_split(runs, difference_arrange(runs, count), &difference);
    buffer_done(&found);
    if (status != STATUS_OK) {
        difference_done(&difference);
        return report_fail(report, status, REPORT_OFFSET_NONE,
                           "no memory to compare an instance with its base");
    }
    *ret_difference = difference;
    return STATUS_OK;
}

void difference_done(struct difference *difference)
{
    buffer_done(&difference->runs);
    free(difference->counts);
    difference->counts = NULL;
}
