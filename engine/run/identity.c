/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Identities of types (identity.h): the second instance of a machine and all that follow have
 * their recursion groups looked up in a set that knows the groups before.
 */
#include "engine/run/identity.h"

#include <stdlib.h>

#include "engine/heap/heap.h"
#include "engine/image/image.h"
#include "engine/read/types.h"
#include "engine/run/instance.h"
#include "engine/run/machine.h"

#define IDENTITY_BYTES_MAX ((size_t)1 << 30)
#define IDENTITY_COUNT_MAX (TYPES_RELATIVE - 1)

void identity_table_init(struct identity_table *table)
{
    types_set_init(&table->set, IDENTITY_BYTES_MAX);
    buffer_init(&table->rows, IDENTITY_BYTES_MAX);
}

static struct identity_row *row_at(const struct identity_table *table, uint32_t index)
{
    return &((struct identity_row *)(void *)table->rows.data)[index];
}

static uint32_t row_count(const struct identity_table *table)
{
    return (uint32_t)(table->rows.count / sizeof(struct identity_row));
}

void identity_table_done(struct identity_table *table)
{
    for (uint32_t i = 0; i < row_count(table); i++)
        free(row_at(table, i)->supers);
    types_set_done(&table->set);
    buffer_done(&table->rows);
}

/* ---- one group as words ---------------------------------------------------------------------- */

struct words {
    struct buffer buffer;
    const struct engine_instance *instance;
    const struct image_type *group; /* first type of it */
    enum status status;             /* sticky */
};

static void put(struct words *words, uint32_t word)
{
    if (words->status == STATUS_OK)
        words->status = buffer_append(&words->buffer, &word, sizeof(word));
}

/* A reference into the group is a position, any other an identity. */
static void put_type(struct words *words, uint32_t type)
{
    uint32_t position = types_index(type) - words->group->group_first;
    if (types_is_concrete(type) && position < words->group->group_count)
        type = (type & ENGINE_TYPE_NON_NULL) | ENGINE_TYPE_CONCRETE | TYPES_RELATIVE | position;
    else
        type = identity_value_type(words->instance, type);
    put(words, type);
}

static void put_types(struct words *words, struct image_span span)
{
    const uint32_t *types = image_at(words->instance->image, span);
    put(words, span.count);
    for (uint32_t i = 0; i < span.count; i++)
        put_type(words, types[i]);
}

static void put_row(struct words *words, const struct image_type *type)
{
    const struct image_header *image = words->instance->image;
    const uint32_t *supers = image_at(image, type->supers);
    put(words, type->kind | (type->is_final ? TYPES_WORD_FINAL : 0));
    if (type->supers.count == 0)
        put(words, TYPES_NONE);
    else
        put_type(words, ENGINE_TYPE_CONCRETE | supers[type->supers.count - 1]);
    if (type->kind == TYPES_FUNC) {
        put_types(words, type->params);
        put_types(words, type->results);
        return;
    }
    const struct image_field *fields = image_at(image, type->fields);
    put(words, type->fields.count);
    for (uint32_t i = 0; i < type->fields.count; i++) {
        put_type(words, fields[i].type);
        put(words, fields[i].is_mutable);
    }
}

/* ---- identities ------------------------------------------------------------------------------ */

/* What table and heap remember of a new type, whose supertypes have identities already. */
static enum status
add_row(struct identity_table *table, const struct engine_instance *instance, uint32_t index)
{
    const struct image_type *types = image_at(instance->image, instance->image->types);
    const struct image_type *type = &types[index];
    const uint32_t *supers = image_at(instance->image, type->supers);
    struct identity_row row = {.super_count = type->supers.count, .kind = type->kind};
    if (row.super_count > 0) {
        row.supers = calloc(row.super_count, sizeof(*row.supers));
        if (row.supers == NULL)
            return STATUS_NO_MEMORY;
    }
    for (uint32_t i = 0; i < row.super_count; i++)
        row.supers[i] = identity_of(instance, supers[i]);
    struct heap_layouts layouts = image_layouts(instance->image);
    enum status status = buffer_append(&table->rows, &row, sizeof(row));
    if (status == STATUS_OK) {
        status = heap_add_layout(&instance->machine->heap, &layouts, index);
        table->rows.count -= status == STATUS_OK ? 0 : sizeof(row);
    }
    if (status != STATUS_OK)
        free(row.supers);
    return status;
}

/* Adds the group that begins at `first`; its identities go into type_ids, if there are any. */
static enum status add_group(struct identity_table *table, struct words *words, uint32_t first)
{
    const struct engine_instance *instance = words->instance;
    const struct image_type *types = image_at(instance->image, instance->image->types);
    words->group = &types[first];
    words->buffer.count = 0;
    for (uint32_t i = 0; i < words->group->group_count; i++)
        put_row(words, &words->group[i]);
    if (words->status != STATUS_OK)
        return words->status;
    bool is_first = instance->type_ids == NULL;
    uint32_t next = is_first ? first : table->first_count + row_count(table);
    uint32_t identity = next;
    if (next > IDENTITY_COUNT_MAX - words->group->group_count)
        return STATUS_LIMIT;
    enum status status =
        types_set_add(&table->set, (const uint32_t *)(const void *)words->buffer.data,
                      words->buffer.count / sizeof(uint32_t), next, &identity);
    for (uint32_t i = 0; i < words->group->group_count && !is_first; i++)
        instance->type_ids[first + i] = identity + i;
    for (uint32_t i = 0; i < words->group->group_count && !is_first && identity == next; i++) {
        if (status == STATUS_OK)
            status = add_row(table, instance, first + i);
    }
    return status;
}

static enum status add_groups(struct identity_table *table, const struct engine_instance *instance)
{
    const struct image_type *types = image_at(instance->image, instance->image->types);
    struct words words = {.instance = instance};
    enum status status = STATUS_OK;
    buffer_init(&words.buffer, IDENTITY_BYTES_MAX);
    for (uint32_t i = 0; i < instance->image->types.count && status == STATUS_OK; i++) {
        if (types[i].canonical == i && types[i].group_first == i)
            status = add_group(table, &words, i);
    }
    buffer_done(&words.buffer);
    return status;
}

enum status identity_assign(struct engine_instance *instance, struct report *report)
{
    const struct engine_machine *machine = instance->machine;
    struct identity_table *table = &instance->machine->identities;
    enum status status = STATUS_OK;
    if (machine->instance_count == 0) {
        struct heap_layouts layouts = image_layouts(instance->image);
        heap_set_layouts(&instance->machine->heap, &layouts);
        return STATUS_OK;
    }
    if (!table->has_first) {
        table->first_count = machine->instances[0]->image->types.count;
        table->has_first = true;
        status = add_groups(table, machine->instances[0]);
    }
    if (status == STATUS_OK)
        status = add_groups(table, instance);
    if (status != STATUS_OK)
        return report_fail(report, status, REPORT_OFFSET_NONE,
                           "no room for the types of %u instances", machine->instance_count + 1);
    return STATUS_OK;
}

/* ---- questions ------------------------------------------------------------------------------- */

struct identity_view {
    const uint32_t *supers;
    uint32_t super_count;
    uint8_t kind;
};

static struct identity_view identity_view(const struct engine_machine *machine, uint32_t identity)
{
    const struct image_header *image = machine->instances[0]->image;
    if (LIKELY(identity < image->types.count)) {
        const struct image_type *types = image_at(image, image->types);
        const struct image_type *type = &types[identity];
        return (struct identity_view){.supers = image_at(image, type->supers),
                                      .super_count = type->supers.count,
                                      .kind = type->kind};
    }
    const struct identity_row *row = row_at(&machine->identities, identity - image->types.count);
    return (struct identity_view){
        .supers = row->supers, .super_count = row->super_count, .kind = row->kind};
}

bool identity_is_below(const struct engine_machine *machine, uint32_t sub, uint32_t super)
{
    if (sub == super)
        return true;
    struct identity_view view = identity_view(machine, sub);
    uint32_t depth = identity_view(machine, super).super_count;
    return depth < view.super_count && view.supers[depth] == super;
}

enum types_kind identity_kind(const struct engine_machine *machine, uint32_t identity)
{
    return (enum types_kind)identity_view(machine, identity).kind;
}

uint32_t identity_value_type(const struct engine_instance *instance, uint32_t type)
{
    if (!types_is_concrete(type))
        return type;
    return (type & (ENGINE_TYPE_NON_NULL | ENGINE_TYPE_CONCRETE)) |
           identity_of(instance, types_index(type));
}

static uint32_t identity_kind_of(const void *machine, uint32_t identity)
{
    return identity_view(machine, identity).kind;
}

static bool identity_below(const void *machine, uint32_t sub, uint32_t super)
{
    return identity_is_below(machine, sub, super);
}

bool identity_match(const struct engine_machine *machine, uint32_t sub, uint32_t super)
{
    struct types_world world = {
        .of = machine, .kind = identity_kind_of, .is_below = identity_below};
    return types_match_in(&world, sub, super);
}
