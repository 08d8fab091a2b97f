/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a page's contents are, and what layers above have to map for it.
 */
#include "engine/image/contents.h"

static const struct image_memory_snapshot *contents_row(const struct image_header *state,
                                                        uint32_t memory)
{
    const struct image_memory_snapshot *rows = image_at(state, state->memory_values);
    ASSERT(memory < state->memory_values.count);
    return &rows[memory];
}

struct contents contents_of(const struct engine_module *module, uint32_t memory)
{
    const struct image_header *below = module->base != NULL ? module->base->state : module->state;
    const struct image_memory_snapshot *row = contents_row(below, memory);
    const struct image_memory_snapshot *own = contents_row(module->state, memory);
    return (struct contents){.first = (const uint8_t *)below + row->offset,
                             .bytes = row->bytes,
                             .image = (const uint8_t *)module->state,
                             .runs = image_at(module->state, own->runs),
                             .run_count = own->runs.count};
}

const uint8_t *contents_in_run(const struct contents *contents, uint64_t page)
{
    uint32_t from = 0;
    uint32_t to = contents->run_count;
    while (from < to) { /* the first run that ends behind the page */
        uint32_t middle = from + (to - from) / 2;
        const struct image_run *run = &contents->runs[middle];
        if (run->page + run->page_count <= page)
            from = middle + 1;
        else
            to = middle;
    }
    if (from == contents->run_count || contents->runs[from].page > page)
        return NULL;
    const struct image_run *run = &contents->runs[from];
    return contents->image + run->offset + (page - run->page) * IMAGE_PAGE_BYTES;
}

/* ---- for whoever maps ------------------------------------------------------------------------ */

struct engine_memory_image engine_module_memory_image(const struct engine_module *module,
                                                      uint32_t index)
{
    const struct engine_module *below = module->base != NULL ? module->base : module;
    const struct image_memory_snapshot *row = contents_row(below->state, index);
    return (struct engine_memory_image){.offset = row->offset, .bytes = row->bytes};
}

bool engine_module_next_mapping(const struct engine_module *module,
                                uint32_t index,
                                uint32_t *cursor,
                                struct engine_memory_mapping *ret_mapping)
{
    const struct contents contents = contents_of(module, index);
    while (*cursor < contents.run_count) {
        const struct image_run *run = &contents.runs[(*cursor)++];
        if (!run->is_mapped)
            continue;
        *ret_mapping = (struct engine_memory_mapping){.at = run->page * IMAGE_PAGE_BYTES,
                                                      .offset = run->offset,
                                                      .bytes = run->page_count * IMAGE_PAGE_BYTES};
        return true;
    }
    return false;
}
