/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables of references.
 *
 * Invariant: entries [0, count) are valid references of the table's type. A table starts
 * in its instance's block and moves to the heap when it grows; whatever changes it sets
 * `dirty`, so that a rewind touches only tables that need it.
 */
#include "engine/run/table.h"

#include <stdlib.h>

#include "engine/image/image.h"
#include "engine/run/instance.h"

#define TABLE_FIRST_CAPACITY 16u

static bool table_holds(const struct table *table, uint64_t index, uint64_t count)
{
    return count <= table->count && index <= table->count - count;
}

/* Room for `count` entries, doubling so that growing one by one stays linear. */
static bool table_reserve(struct table *table, uint32_t count)
{
    if (count <= table->capacity)
        return true;
    uint64_t capacity = MAX((uint64_t)table->capacity * 2, TABLE_FIRST_CAPACITY);
    capacity = MAX(MIN(capacity, table->max), count);
    uint64_t *entries = realloc(table->grown ? table->entries : NULL, capacity * sizeof(*entries));
    if (entries == NULL)
        return false;
    if (!table->grown && table->count > 0)
        memcpy(entries, table->entries, table->count * sizeof(*entries));
    table->entries = entries;
    table->capacity = (uint32_t)capacity;
    table->grown = true;
    return true;
}

uint64_t table_grow(struct table *table, uint64_t value, uint64_t count)
{
    uint32_t old = table->count;
    if (count > table->max - old || !table_reserve(table, old + (uint32_t)count))
        return table->is_64 ? UINT64_MAX : UINT32_MAX;
    for (uint64_t i = 0; i < count; i++)
        table->entries[old + i] = value;
    table->count = old + (uint32_t)count;
    table->dirty = true;
    return old;
}

enum engine_trap table_get(const struct table *table, uint64_t index, uint64_t *ret_value)
{
    if (index >= table->count)
        return TRAP_TABLE_OUT_OF_BOUNDS;
    *ret_value = table->entries[index];
    return TRAP_NONE;
}

enum engine_trap table_set(struct table *table, uint64_t index, uint64_t value)
{
    if (index >= table->count)
        return TRAP_TABLE_OUT_OF_BOUNDS;
    table->entries[index] = value;
    table->dirty = true;
    return TRAP_NONE;
}

enum engine_trap table_fill(struct table *table, uint64_t index, uint64_t value, uint64_t count)
{
    if (!table_holds(table, index, count))
        return TRAP_TABLE_OUT_OF_BOUNDS;
    for (uint64_t i = 0; i < count; i++)
        table->entries[index + i] = value;
    table->dirty = true;
    return TRAP_NONE;
}

enum engine_trap table_copy(struct table *to_table,
                            const struct table *from_table,
                            uint64_t to,
                            uint64_t from,
                            uint64_t count)
{
    if (!table_holds(to_table, to, count) || !table_holds(from_table, from, count))
        return TRAP_TABLE_OUT_OF_BOUNDS;
    if (count > 0)
        memmove(to_table->entries + to, from_table->entries + from, count * sizeof(uint64_t));
    to_table->dirty = true;
    return TRAP_NONE;
}

uint64_t instance_elem_item(const struct engine_instance *instance, uint32_t elem, uint32_t index)
{
    const struct image_elem *rows = image_at(instance->image, instance->image->elems);
    const uint32_t *items = image_at(instance->image, rows[elem].items);
    uint32_t item = items[index];
    if (item == IMAGE_ITEM_NULL)
        return 0;
    if ((item & IMAGE_ITEM_GLOBAL) != 0)
        return instance_global(instance, item & ~IMAGE_ITEM_GLOBAL)->ref;
    return instance_func_reference(instance, item);
}

enum engine_trap table_init(struct engine_instance *instance,
                            uint32_t table,
                            uint32_t elem,
                            uint64_t to,
                            uint64_t from,
                            uint64_t count)
{
    const struct image_elem *rows = image_at(instance->image, instance->image->elems);
    struct image_span items = rows[elem].items;
    uint32_t available = instance->dropped_elems[elem] ? 0 : items.count;
    struct table *target = instance->tables[table];
    if (!table_holds(target, to, count) || count > available || from > available - count)
        return TRAP_TABLE_OUT_OF_BOUNDS;
    for (uint64_t i = 0; i < count; i++)
        target->entries[to + i] = instance_elem_item(instance, elem, (uint32_t)(from + i));
    target->dirty = true;
    return TRAP_NONE;
}
