/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the collector has to know of each type: how large its objects are and which words of
 * them are references (heap.h). One row for every type index, so that an identity finds its
 * row; maps of all rows lie one behind another.
 *
 * Of a function type there are no objects; its row is that of an exception with a tag of this
 * type: | tag's identity | parameters, in slots |
 */
#include "engine/heap/heap.h"
#include "engine/image/image_build.h"
#include "engine/read/types.h"

/* Collects the map of one row, word by word. */
struct layout_map {
    struct image_writer *writer;
    struct image_span *words;
    uint32_t next; /* word of all maps */
    uint64_t word;
    uint32_t number; /* of `word` in this row's map */
};

static void map_put_word(struct layout_map *map)
{
    if (map->words != NULL)
        image_set(map->writer, *map->words, map->next, &map->word, sizeof(map->word));
    map->next++;
    map->number++;
    map->word = 0;
}

/* References come in ascending order. */
static void map_add(struct layout_map *map, uint32_t slot)
{
    while (map->number < slot / 64)
        map_put_word(map);
    map->word |= (uint64_t)1 << slot % 64;
}

static void layout_exception(struct layout_map *map,
                             const struct engine_functype *type,
                             struct heap_layout *layout)
{
    uint32_t slot = 1;
    for (uint32_t i = 0; i < type->param_count; i++) {
        if (engine_type_is_reference(type->params[i]))
            map_add(map, slot);
        slot += type->params[i] == ENGINE_V128 ? 2 : 1;
    }
    layout->fixed_bytes = slot * (uint32_t)sizeof(uint64_t);
}

static void
layout_structure(struct layout_map *map, const struct module_type *type, struct heap_layout *layout)
{
    for (uint32_t i = 0; i < type->field_count; i++) {
        if (engine_type_is_reference(type->fields[i].type))
            map_add(map, type->fields[i].offset / (uint32_t)sizeof(uint64_t));
    }
    layout->fixed_bytes = type->bytes;
}

static struct heap_layout layout_of(struct layout_map *map, const struct module_type *type)
{
    struct heap_layout layout = {.map = map->next};
    map->number = 0;
    switch ((enum types_kind)type->kind) {
    case TYPES_FUNC:
        layout_exception(map, &type->func, &layout);
        break;
    case TYPES_STRUCT:
        layout_structure(map, type, &layout);
        break;
    case TYPES_ARRAY:
        layout.item_bytes = type->fields[0].bytes;
        layout.items_are_references = engine_type_is_reference(type->fields[0].type);
        break;
    }
    if (map->word != 0)
        map_put_word(map);
    layout.map_words = map->number;
    return layout;
}

struct image_span image_put_layouts(struct image_writer *writer,
                                    const struct module *module,
                                    struct image_span *ret_maps)
{
    struct image_span rows = image_reserve(writer, module->type_count, sizeof(struct heap_layout));
    struct layout_map measured = {.writer = writer};
    for (uint32_t i = 0; i < module->type_count; i++)
        (void)layout_of(&measured, &module->types[i]);
    *ret_maps = image_reserve(writer, measured.next, sizeof(uint64_t));
    struct layout_map map = {.writer = writer, .words = ret_maps};
    for (uint32_t i = 0; i < module->type_count; i++) {
        struct heap_layout row = layout_of(&map, &module->types[i]);
        image_set(writer, rows, i, &row, sizeof(row));
    }
    return rows;
}
