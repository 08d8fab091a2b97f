/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is this an image, and whole?
 *
 * Images are trusted (only this engine writes them, where nobody else can), so the check is
 * against damage and against other builds, not against attackers; still, once a module is open,
 * every span that an instance follows lies inside. Work per function is left to
 * image_check_whole: opening must cost microseconds.
 */
#include "engine/image/image_check.h"

#include <xxhash.h>

#include "engine/heap/heap.h"
#include "engine/image/code.h"
#include "engine/read/module.h"

/* True if `span` of elements of `size` bytes lies inside the first `limit` bytes. */
static bool span_fits(struct image_span span, size_t size, uint64_t limit)
{
    return (uint64_t)span.count * size <= limit &&
           span.offset <= limit - (uint64_t)span.count * size;
}

static bool array_fits(const struct image_header *header, struct image_span span, size_t size)
{
    return span.offset % 8 == 0 && span_fits(span, size, header->total_bytes);
}

static bool text_fits(const struct image_header *header, struct image_span span)
{
    return span_fits(span, 1, header->total_bytes);
}

static bool arrays_fit(const struct image_header *header)
{
    return array_fits(header, header->code, 1) &&
           array_fits(header, header->funcs, sizeof(struct image_func)) &&
           array_fits(header, header->types, sizeof(struct image_type)) &&
           array_fits(header, header->layouts, sizeof(struct heap_layout)) &&
           array_fits(header, header->layout_maps, sizeof(uint64_t)) &&
           array_fits(header, header->imports, sizeof(struct image_import)) &&
           array_fits(header, header->exports, sizeof(struct image_export)) &&
           array_fits(header, header->globals, sizeof(struct image_global)) &&
           array_fits(header, header->tables, sizeof(struct image_table)) &&
           array_fits(header, header->memories, sizeof(struct image_memory)) &&
           array_fits(header, header->elems, sizeof(struct image_elem)) &&
           array_fits(header, header->datas, sizeof(struct image_data)) &&
           array_fits(header, header->func_names, sizeof(struct image_span)) &&
           array_fits(header, header->marks, sizeof(struct code_mark)) &&
           array_fits(header, header->tags, sizeof(uint32_t)) &&
           array_fits(header, header->regions, sizeof(struct code_region)) &&
           array_fits(header, header->clauses, sizeof(struct code_clause)) &&
           array_fits(header, header->global_values, sizeof(uint64_t)) &&
           array_fits(header, header->table_values, sizeof(struct image_table_snapshot)) &&
           array_fits(header, header->memory_values, sizeof(struct image_memory_snapshot)) &&
           array_fits(header, header->frame_slots, sizeof(uint64_t)) &&
           array_fits(header, header->frame_links, sizeof(uint32_t)) &&
           text_fits(header, header->frame_note) && text_fits(header, header->dropped_elems) &&
           text_fits(header, header->dropped_datas);
}

/* Is the native code on pages of its own, and does each function have a row? */
static bool native_fits(const struct image_header *header)
{
    if (header->native.count == 0)
        return header->native_rows.count == 0 && header->faults.count == 0;
    return array_fits(header, header->native, 1) && header->native.offset % IMAGE_PAGE_BYTES == 0 &&
           header->native.count % IMAGE_PAGE_BYTES == 0 &&
           header->native.offset + header->native.count <= header->module_bytes &&
           array_fits(header, header->native_rows, sizeof(struct code_native)) &&
           header->native_rows.count == header->funcs.count + 1 &&
           array_fits(header, header->faults, 1);
}

static bool counts_agree(const struct image_header *header)
{
    return header->imported_func_count <= header->funcs.count &&
           header->layouts.count == header->types.count &&
           header->imported_table_count <= header->tables.count &&
           header->imported_memory_count <= header->memories.count &&
           header->imported_global_count <= header->globals.count &&
           header->imported_tag_count <= header->tags.count &&
           (!header->has_start || header->start < header->funcs.count) &&
           (header->func_names.count == 0 || header->func_names.count == header->funcs.count);
}

/* Size of an index space. */
static uint32_t space_count(const struct image_header *header, uint32_t kind)
{
    switch (kind) {
    case ENGINE_EXTERN_FUNC:
        return header->funcs.count;
    case ENGINE_EXTERN_TABLE:
        return header->tables.count;
    case ENGINE_EXTERN_MEMORY:
        return header->memories.count;
    case ENGINE_EXTERN_GLOBAL:
        return header->globals.count;
    case ENGINE_EXTERN_TAG:
        return header->tags.count;
    default:
        return 0;
    }
}

static bool names_fit(const struct image_header *header)
{
    const struct image_type *types = image_at(header, header->types);
    for (uint32_t i = 0; i < header->types.count; i++) {
        if (!array_fits(header, types[i].params, sizeof(uint32_t)) ||
            !array_fits(header, types[i].results, sizeof(uint32_t)) ||
            !array_fits(header, types[i].fields, sizeof(struct image_field)) ||
            !array_fits(header, types[i].supers, sizeof(uint32_t)))
            return false;
    }
    const struct image_import *imports = image_at(header, header->imports);
    for (uint32_t i = 0; i < header->imports.count; i++) {
        if (!text_fits(header, imports[i].module_name) || !text_fits(header, imports[i].name) ||
            imports[i].index >= space_count(header, imports[i].kind))
            return false;
    }
    const struct image_export *exports = image_at(header, header->exports);
    for (uint32_t i = 0; i < header->exports.count; i++) {
        if (!text_fits(header, exports[i].name) ||
            exports[i].index >= space_count(header, exports[i].kind))
            return false;
    }
    return true;
}

static bool segments_fit(const struct image_header *header)
{
    const struct image_global *globals = image_at(header, header->globals);
    for (uint32_t i = 0; i < header->globals.count; i++) {
        uint32_t slots = engine_slot_count(&globals[i].type, 1);
        if (!text_fits(header, globals[i].init) ||
            (i >= header->imported_global_count &&
             (slots > header->global_slots || globals[i].slot > header->global_slots - slots)))
            return false;
    }
    const struct image_table *tables = image_at(header, header->tables);
    for (uint32_t i = 0; i < header->tables.count; i++) {
        if (!text_fits(header, tables[i].init))
            return false;
    }
    const struct image_elem *elems = image_at(header, header->elems);
    for (uint32_t i = 0; i < header->elems.count; i++) {
        if (!text_fits(header, elems[i].offset) ||
            !array_fits(header, elems[i].items, sizeof(uint32_t)))
            return false;
    }
    const struct image_data *datas = image_at(header, header->datas);
    for (uint32_t i = 0; i < header->datas.count; i++) {
        if (!text_fits(header, datas[i].offset) || !text_fits(header, datas[i].content))
            return false;
    }
    return true;
}

/* Are these pages of a memory, contents inside the image, and in order? */
static bool runs_fit(const struct image_header *state,
                     const struct image_memory_snapshot *row,
                     uint64_t memory_pages,
                     uint32_t *mapped_count)
{
    const struct image_run *runs = image_at(state, row->runs);
    uint64_t end = 0;
    for (uint32_t i = 0; i < row->runs.count; i++) {
        const struct image_run *run = &runs[i];
        if (run->page < end || run->page_count == 0 || run->page_count > memory_pages ||
            run->page > memory_pages - run->page_count || run->offset % IMAGE_PAGE_BYTES != 0 ||
            run->page_count > state->total_bytes / IMAGE_PAGE_BYTES ||
            run->offset > state->total_bytes - run->page_count * IMAGE_PAGE_BYTES)
            return false;
        end = run->page + run->page_count;
        *mapped_count += run->is_mapped != 0;
    }
    return true;
}

/* Is this memory's content inside the image, and inside the memory? */
static bool memory_snapshot_fits(const struct image_header *state,
                                 const struct image_memory *memory,
                                 const struct image_memory_snapshot *row,
                                 uint32_t *mapped_count)
{
    if (row->pages > UINT64_MAX >> 1 >> memory->page_shift || row->pages > memory->maximum ||
        !array_fits(state, row->runs, sizeof(struct image_run)))
        return false;
    uint64_t memory_bytes = ALIGN_UP(row->pages << memory->page_shift, (uint64_t)IMAGE_PAGE_BYTES);
    return row->offset % IMAGE_PAGE_BYTES == 0 && row->bytes % IMAGE_PAGE_BYTES == 0 &&
           row->bytes <= memory_bytes && row->offset <= state->total_bytes &&
           row->bytes <= state->total_bytes - row->offset &&
           runs_fit(state, row, memory_bytes / IMAGE_PAGE_BYTES, mapped_count);
}

/* What only images with a base have, or only those without. */
static bool
memory_suits(const struct image_header *header, const struct image_header *state, uint32_t index)
{
    const struct image_memory_snapshot *row =
        (const struct image_memory_snapshot *)image_at(state, state->memory_values) + index;
    if (state == header)
        return row->runs.count == 0;
    const struct image_memory_snapshot *below =
        (const struct image_memory_snapshot *)image_at(header, header->memory_values) + index;
    return row->bytes == 0 && row->pages >= below->pages;
}

static bool memory_snapshots_fit(const struct image_header *header,
                                 const struct image_header *state)
{
    const struct image_memory *memories = image_at(header, header->memories);
    const struct image_memory_snapshot *rows = image_at(state, state->memory_values);
    uint32_t mapped_count = 0;
    for (uint32_t i = 0; i < state->memory_values.count; i++) {
        if (!memory_snapshot_fits(state, &memories[i], &rows[i], &mapped_count) ||
            !memory_suits(header, state, i))
            return false;
    }
    return mapped_count <= ENGINE_MAPPINGS_MAX;
}

static bool table_snapshots_fit(const struct image_header *header, const struct image_header *state)
{
    const struct image_table_snapshot *tables = image_at(state, state->table_values);
    const struct image_table_snapshot *below = image_at(header, header->table_values);
    for (uint32_t i = 0; i < state->table_values.count; i++) {
        bool fits = tables[i].is_base
                        ? state != header && tables[i].entries.count == below[i].entries.count
                        : array_fits(state, tables[i].entries, sizeof(uint64_t));
        if (!fits)
            return false;
    }
    return true;
}

/* Do the rows of native code ascend, and lead to faults? The last one ends them. */
static bool native_rows_fit(const struct image_header *state)
{
    const struct code_native *rows = image_at(state, state->native_rows);
    struct code_native last = {0};
    for (uint32_t i = 0; i < state->native_rows.count; i++) {
        if (rows[i].offset < last.offset || rows[i].fault < last.fault)
            return false;
        last = rows[i];
    }
    return last.offset <= state->native.count && last.fault <= state->faults.count;
}

static bool snapshot_fits(const struct image_header *header, const struct image_header *state)
{
    if (!state->has_snapshot)
        return state == header;
    /* Whoever imports more than functions is not frozen. */
    if (header->imported_memory_count > 0 || state->global_values.count != header->global_slots ||
        state->table_values.count != header->tables.count - header->imported_table_count ||
        state->memory_values.count != header->memories.count ||
        state->dropped_elems.count != header->elems.count ||
        state->dropped_datas.count != header->datas.count)
        return false;
    return table_snapshots_fit(header, state) && array_fits(state, state->heap, 1) &&
           heap_image_fits(image_at(state, state->heap), state->heap.count) &&
           memory_snapshots_fit(header, state);
}

/* Do links and frames lie on the stack one above another, and lead into the code? */
static bool frames_fit(const struct image_header *header, const struct image_header *state)
{
    const uint32_t *links = image_at(state, state->frame_links);
    const uint64_t *slots = image_at(state, state->frame_slots);
    uint32_t count = state->frame_links.count;
    if (count == 0)
        return state->frame_slots.count == 0;
    if (!state->has_snapshot || state->frame_func >= header->funcs.count ||
        state->frame_pc >= header->code.count)
        return false;
    uint64_t end = 0; /* of the frame below, its link included */
    for (uint32_t i = 0; i < count; i++) {
        const struct image_link *link = (const void *)&slots[links[i]];
        if (links[i] < end || links[i] > state->frame_slots.count ||
            state->frame_slots.count - links[i] < IMAGE_LINK_SLOTS)
            return false;
        if (i == 0 ? link->return_pc != 0 || link->caller_fp != 0
                   : link->return_pc >= header->code.count || link->caller_fp > links[i - 1])
            return false;
        end = (uint64_t)links[i] + IMAGE_LINK_SLOTS;
    }
    return end == state->frame_slots.count && state->frame_fp <= links[count - 1];
}

static bool memories_fit(const struct image_header *header)
{
    const struct image_memory *rows = image_at(header, header->memories);
    for (uint32_t i = 0; i < header->memories.count; i++) {
        if (rows[i].page_shift != 0 && rows[i].page_shift != MODULE_PAGE_SHIFT)
            return false;
    }
    return header->memories.count <= MODULE_MAX_MEMORIES;
}

static bool funcs_fit(const struct image_header *header)
{
    const struct image_func *funcs = image_at(header, header->funcs);
    for (uint32_t i = 0; i < header->funcs.count; i++) {
        if (funcs[i].entry >= header->code.count || funcs[i].type >= header->types.count ||
            (funcs[i].native != 0 && funcs[i].native >= header->native.count))
            return false;
    }
    const struct image_span *names = image_at(header, header->func_names);
    for (uint32_t i = 0; i < header->func_names.count; i++) {
        if (!text_fits(header, names[i]))
            return false;
    }
    return true;
}

static bool clauses_fit(const struct image_header *header)
{
    const uint32_t *tags = image_at(header, header->tags);
    for (uint32_t i = 0; i < header->tags.count; i++) {
        if (tags[i] >= header->types.count)
            return false;
    }
    const struct code_region *regions = image_at(header, header->regions);
    for (uint32_t i = 0; i < header->regions.count; i++) {
        if ((regions[i].parent >= i && regions[i].parent != CODE_NO_REGION) ||
            (regions[i].next >= i && regions[i].next != CODE_NO_REGION) ||
            (regions[i].first_clause >= header->clauses.count &&
             regions[i].first_clause != CODE_NO_CLAUSE))
            return false;
    }
    const struct code_clause *clauses = image_at(header, header->clauses);
    for (uint32_t i = 0; i < header->clauses.count; i++) {
        if (clauses[i].target >= header->code.count ||
            (clauses[i].tag >= header->tags.count && clauses[i].tag != CODE_NO_TAG) ||
            ((clauses[i].next <= i || clauses[i].next >= header->clauses.count) &&
             clauses[i].next != CODE_NO_CLAUSE))
            return false;
    }
    return true;
}

enum status image_corrupt(struct report *report, const char *what)
{
    return report_fail(report, STATUS_CORRUPT, REPORT_OFFSET_NONE,
                       "the image is damaged (%s); compile the module again", what);
}

enum status image_check_header(struct bytes head,
                               uint64_t total_bytes,
                               const uint8_t *build_id,
                               struct report *report)
{
    ASSERT((uintptr_t)head.data % 8 == 0);
    const struct image_header *header = (const struct image_header *)(const void *)head.data;
    if (head.count < sizeof(*header))
        return image_corrupt(report, "shorter than its header");
    if (header->magic != IMAGE_MAGIC)
        return image_corrupt(report, "not an image of this engine");
    if (memcmp(header->build_id, build_id, ENGINE_BUILD_ID_BYTES) != 0)
        return report_fail(report, STATUS_STALE, REPORT_OFFSET_NONE,
                           "the image was made by another build; compile the module again");
    if (header->header_bytes != sizeof(*header))
        return image_corrupt(report, "wrong header size");
    if (header->total_bytes != total_bytes)
        return image_corrupt(report, "cut or extended");
    return STATUS_OK;
}

enum status image_check_tables(const struct image_header *header,
                               const struct image_header *state,
                               struct report *report)
{
    bool is_whole = state == header;
    if (!arrays_fit(state) ||
        (is_whole && (!counts_agree(header) || !names_fit(header) || !segments_fit(header) ||
                      !memories_fit(header))) ||
        !snapshot_fits(header, state) || !frames_fit(header, state) || !native_fits(state))
        return image_corrupt(report, "a table lies outside");
    return STATUS_OK;
}

enum status image_check_whole(const struct image_header *header,
                              const struct image_header *state,
                              struct report *report)
{
    const uint8_t *image = (const uint8_t *)state;
    if (XXH64(image + IMAGE_CHECKSUM_FROM, state->total_bytes - IMAGE_CHECKSUM_FROM, 0) !=
        state->checksum)
        return image_corrupt(report, "wrong checksum");
    enum status status = image_check_tables(header, state, report);
    if (status == STATUS_OK &&
        (!funcs_fit(state) || !clauses_fit(state) || !native_rows_fit(state)))
        status = image_corrupt(report, "a function lies outside");
    return status;
}
