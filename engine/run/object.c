/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making objects, telling what references are, and ranges of items (object.h).
 */
#include "engine/run/object.h"

#include "engine/heap/heap.h"
#include "engine/image/image.h"
#include "engine/read/types.h"
#include "engine/run/identity.h"
#include "engine/run/instance.h"
#include "engine/run/machine.h"

/* ---- making ---------------------------------------------------------------------------------- */

uint64_t object_new(const struct engine_instance *instance, uint32_t type, uint32_t length)
{
    return heap_allocate(&instance->machine->heap, identity_of(instance, type), length);
}

static void object_put(uint8_t *to, const uint64_t *value, uint32_t bytes)
{
    switch (bytes) {
    case 1:
        *to = (uint8_t)*value;
        break;
    case 2: {
        uint16_t narrow = (uint16_t)*value;
        memcpy(to, &narrow, sizeof(narrow));
        break;
    }
    case 4: {
        uint32_t narrow = (uint32_t)*value;
        memcpy(to, &narrow, sizeof(narrow));
        break;
    }
    default:
        memcpy(to, value, bytes);
    }
}

uint64_t
object_new_struct(const struct engine_instance *instance, uint32_t type, const uint64_t *values)
{
    uint64_t reference = object_new(instance, type, 0);
    if (UNLIKELY(reference == HEAP_NONE))
        return HEAP_NONE;
    const struct image_type *row = object_type(instance, type);
    const struct image_field *fields = image_at(instance->image, row->fields);
    uint8_t *payload = heap_payload(&instance->machine->heap, reference);
    for (uint32_t i = 0; i < row->fields.count; i++) {
        object_put(payload + fields[i].offset, values, fields[i].bytes);
        values += object_slots(fields[i].bytes);
    }
    return reference;
}

uint64_t object_new_fixed(const struct engine_instance *instance,
                          uint32_t type,
                          const uint64_t *values,
                          uint32_t slot_count)
{
    const struct image_field *item = image_at(instance->image, object_type(instance, type)->fields);
    uint32_t count = slot_count / object_slots(item->bytes);
    uint64_t reference = object_new(instance, type, count);
    if (UNLIKELY(reference == HEAP_NONE))
        return HEAP_NONE;
    uint8_t *payload = heap_payload(&instance->machine->heap, reference);
    for (uint32_t i = 0; i < count; i++) {
        object_put(payload + (size_t)i * item->bytes, values, item->bytes);
        values += object_slots(item->bytes);
    }
    return reference;
}

/* ---- what a reference is --------------------------------------------------------------------- */

/* Identity of the type of an object or function. */
static uint32_t object_identity(const struct engine_machine *machine, uint64_t reference)
{
    if (engine_reference_is_object(reference))
        return heap_object(&machine->heap, reference)->layout;
    const struct engine_instance *home = reference_instance(machine, reference);
    return identity_of(home, home->funcs[reference_func(reference)].type);
}

static bool
object_is_kind(const struct engine_machine *machine, uint64_t reference, enum types_kind kind)
{
    return identity_kind(machine, object_identity(machine, reference)) == kind;
}

bool object_is_reference(const struct engine_machine *machine, uint64_t value)
{
    if (engine_reference_is_i31(value))
        return value == object_i31((uint32_t)value);
    return (value & ENGINE_REFERENCE_TAG) == 0 || heap_has(&machine->heap, value);
}

bool object_matches(const struct engine_instance *instance, uint64_t reference, uint32_t wanted)
{
    if (reference == 0)
        return types_is_nullable(wanted);
    bool is_object = engine_reference_is_object(reference);
    bool is_i31 = engine_reference_is_i31(reference);
    if (types_is_concrete(wanted)) {
        uint32_t index = types_index(wanted);
        /* Validation keeps functions and data apart, but a host's reference may be anywhere. */
        bool wants_func = object_type(instance, index)->kind == TYPES_FUNC;
        return !is_i31 && is_object != wants_func &&
               identity_is_below(instance->machine, object_identity(instance->machine, reference),
                                 identity_of(instance, index));
    }
    switch (types_heap(wanted)) {
    case ENGINE_ANYREF:
    case ENGINE_EXTERNREF:
    case ENGINE_FUNCREF:
    case ENGINE_EXNREF:
        return true;
    case ENGINE_EQREF:
        return is_object || is_i31;
    case ENGINE_I31REF:
        return is_i31;
    case ENGINE_STRUCTREF:
        return is_object && object_is_kind(instance->machine, reference, TYPES_STRUCT);
    case ENGINE_ARRAYREF:
        return is_object && object_is_kind(instance->machine, reference, TYPES_ARRAY);
    default:
        return false; /* the bottom types have no value but null */
    }
}

/* ---- arrays ---------------------------------------------------------------------------------- */

#define OBJECT_CHUNK_BYTES 65536u

/* Items [at, at + count) of the array; the trap if it is null or does not have them. */
static enum engine_trap object_items(const struct engine_instance *instance,
                                     uint64_t reference,
                                     uint32_t at,
                                     uint32_t count,
                                     uint32_t item_bytes,
                                     uint8_t **ret_items)
{
    const struct heap *heap = &instance->machine->heap;
    if (reference == 0)
        return TRAP_NULL_ARRAY;
    uint32_t length = heap_object(heap, reference)->length;
    if (at > length || count > length - at)
        return TRAP_ARRAY_OUT_OF_BOUNDS;
    *ret_items = heap_payload(heap, reference) + (size_t)at * item_bytes;
    return TRAP_NONE;
}

void object_fill(uint8_t *items, const uint64_t *value, uint32_t count, uint32_t item_bytes)
{
    if (item_bytes == 1) {
        memset(items, (int)(uint8_t)*value, count);
        return;
    }
    for (uint32_t i = 0; i < count; i++)
        object_put(items + (size_t)i * item_bytes, value, item_bytes);
}

static struct bytes object_data(const struct engine_instance *instance, uint32_t data)
{
    const struct image_data *rows = image_at(instance->image, instance->image->datas);
    return instance->dropped_datas[data] ? (struct bytes){0}
                                         : image_text(instance->image, rows[data].content);
}

enum engine_trap object_check_data(const struct engine_instance *instance,
                                   uint32_t data,
                                   uint32_t at,
                                   uint64_t bytes)
{
    size_t available = object_data(instance, data).count;
    if (at > available || bytes > available - at)
        return TRAP_MEMORY_OUT_OF_BOUNDS;
    return TRAP_NONE;
}

enum engine_trap object_check_elem(const struct engine_instance *instance,
                                   uint32_t elem,
                                   uint32_t at,
                                   uint32_t count)
{
    const struct image_elem *rows = image_at(instance->image, instance->image->elems);
    uint32_t available = instance->dropped_elems[elem] ? 0 : rows[elem].items.count;
    if (at > available || count > available - at)
        return TRAP_TABLE_OUT_OF_BOUNDS;
    return TRAP_NONE;
}

/*
 * Chunks go from the end to the beginning: the end is what must fit, so the first chunk
 * already traps if the whole would not fit, with nothing written. Slots: array, first item,
 * whatever the values come from, and at `count_at` the count.
 */
struct last_items {
    enum engine_trap trap;
    uint32_t at; /* number of the first of them, counted from the operation's first */
    uint32_t count;
    uint8_t *items;
};

static struct last_items object_last_items(const struct engine_instance *instance,
                                           const uint64_t *slots,
                                           uint32_t count_at,
                                           uint32_t item_bytes)
{
    uint32_t total = (uint32_t)slots[count_at];
    struct last_items last = {.count = MIN(total, OBJECT_CHUNK_BYTES / item_bytes)};
    last.at = total - last.count;
    last.trap =
        object_items(instance, slots[0], (uint32_t)slots[1], total, item_bytes, &last.items);
    if (last.trap == TRAP_NONE)
        last.items += (size_t)last.at * item_bytes;
    return last;
}

static struct object_chunk object_done(const struct engine_instance *instance, uint32_t bytes)
{
    heap_touch(&instance->machine->heap);
    return (struct object_chunk){.bytes = bytes};
}

struct object_chunk
object_array_fill(const struct engine_instance *instance, uint64_t *slots, uint32_t item_bytes)
{
    uint32_t count_at = 2 + object_slots(item_bytes);
    struct last_items last = object_last_items(instance, slots, count_at, item_bytes);
    if (last.trap != TRAP_NONE)
        return (struct object_chunk){.trap = last.trap};
    object_fill(last.items, &slots[2], last.count, item_bytes);
    slots[count_at] = last.at;
    return object_done(instance, last.count * item_bytes);
}

struct object_chunk object_array_init_data(const struct engine_instance *instance,
                                           uint64_t *slots,
                                           uint32_t item_bytes,
                                           uint32_t data)
{
    struct last_items last = object_last_items(instance, slots, 3, item_bytes);
    uint32_t from = (uint32_t)slots[2];
    if (last.trap == TRAP_NONE)
        last.trap =
            object_check_data(instance, data, from, (uint64_t)(uint32_t)slots[3] * item_bytes);
    if (last.trap != TRAP_NONE)
        return (struct object_chunk){.trap = last.trap};
    size_t bytes = (size_t)last.count * item_bytes;
    if (bytes > 0)
        memcpy(last.items, object_data(instance, data).data + from + (size_t)last.at * item_bytes,
               bytes);
    slots[3] = last.at;
    return object_done(instance, (uint32_t)bytes);
}

struct object_chunk
object_array_init_elem(const struct engine_instance *instance, uint64_t *slots, uint32_t elem)
{
    struct last_items last = object_last_items(instance, slots, 3, sizeof(uint64_t));
    uint32_t from = (uint32_t)slots[2];
    if (last.trap == TRAP_NONE)
        last.trap = object_check_elem(instance, elem, from, (uint32_t)slots[3]);
    if (last.trap != TRAP_NONE)
        return (struct object_chunk){.trap = last.trap};
    for (uint32_t i = 0; i < last.count; i++) {
        uint64_t reference = instance_elem_item(instance, elem, from + last.at + i);
        memcpy(last.items + (size_t)i * sizeof(reference), &reference, sizeof(reference));
    }
    slots[3] = last.at;
    return object_done(instance, last.count * (uint32_t)sizeof(uint64_t));
}

/* To lower places of the same array it goes from the beginning instead, because both may
 * overlap; then the whole is checked each time. Slots: array, first item, array from, first item
 * from, count. */
struct object_chunk
object_array_copy(const struct engine_instance *instance, uint64_t *slots, uint32_t item_bytes)
{
    uint32_t total = (uint32_t)slots[4];
    uint32_t count = MIN(total, OBJECT_CHUNK_BYTES / item_bytes);
    uint8_t *to;
    uint8_t *from;
    enum engine_trap trap =
        object_items(instance, slots[0], (uint32_t)slots[1], total, item_bytes, &to);
    if (trap == TRAP_NONE)
        trap = object_items(instance, slots[2], (uint32_t)slots[3], total, item_bytes, &from);
    if (trap != TRAP_NONE)
        return (struct object_chunk){.trap = trap};
    bool ascending = (uint32_t)slots[1] < (uint32_t)slots[3];
    size_t at = ascending ? 0 : (size_t)(total - count) * item_bytes;
    if (count > 0)
        memmove(to + at, from + at, (size_t)count * item_bytes);
    slots[1] += ascending ? count : 0;
    slots[3] += ascending ? count : 0;
    slots[4] = total - count;
    return object_done(instance, count * item_bytes);
}
