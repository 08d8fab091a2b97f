/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Structures and arrays on the machine's heap, and what references are: the part of garbage
 * collected WebAssembly that is neither the heap itself (heap.h) nor threaded code
 * (ops_object.c). Internal to the engine.
 *
 * An object's layout is the identity of its type. Fields and items lie packed in their storage
 * types; `struct module_type` says where.
 */
#ifndef SKERRY_ENGINE_RUN_OBJECT_H
#define SKERRY_ENGINE_RUN_OBJECT_H

#include "engine/image/image.h"
#include "engine/run/instance.h"

/* i31: the number is in the low half, its highest bit is not part of it. */
static inline uint64_t object_i31(uint32_t number)
{
    return ENGINE_REFERENCE_I31 | (number & 0x7fffffffu);
}

static inline uint32_t object_i31_signed(uint64_t reference)
{
    return (uint32_t)((int32_t)((uint32_t)reference << 1) >> 1);
}

static inline const struct image_type *object_type(const struct engine_instance *instance,
                                                   uint32_t type)
{
    const struct image_type *types = image_at(instance->image, instance->image->types);
    return &types[type];
}

/* Slots that a field's or item's value takes outside of an object. */
static inline uint32_t object_slots(uint32_t bytes)
{
    return bytes > sizeof(uint64_t) ? 2 : 1;
}

/*
 * New objects of the instance's type with this canonical index: zero; with the fields of a
 * structure from `values`; an array with the items that `slot_count` slots hold. HEAP_NONE: see
 * heap_allocate.
 */
uint64_t object_new(const struct engine_instance *instance, uint32_t type, uint32_t length);
uint64_t
object_new_struct(const struct engine_instance *instance, uint32_t type, const uint64_t *values);
uint64_t object_new_fixed(const struct engine_instance *instance,
                          uint32_t type,
                          const uint64_t *values,
                          uint32_t slot_count);

/* Can a host give this as a reference: its own, or what it was given? */
bool object_is_reference(const struct engine_machine *machine, uint64_t value);
/* Is the reference of the type `wanted`, a value type of the instance? */
bool object_matches(const struct engine_instance *instance, uint64_t reference, uint32_t wanted);

/* ---- arrays ---------------------------------------------------------------------------------- */

/* Puts the value into `count` items. */
void object_fill(uint8_t *items, const uint64_t *value, uint32_t count, uint32_t item_bytes);
/* Does the segment have these bytes, these items? */
enum engine_trap object_check_data(const struct engine_instance *instance,
                                   uint32_t data,
                                   uint32_t at,
                                   uint64_t bytes);
enum engine_trap object_check_elem(const struct engine_instance *instance,
                                   uint32_t elem,
                                   uint32_t at,
                                   uint32_t count);

/* What was done of an operation on many items. */
struct object_chunk {
    enum engine_trap trap; /* then nothing was, and nothing had been before */
    uint32_t bytes;
};

/*
 * Operations on many items, a bounded part of the work at a time: `slots` hold the operands,
 * as the instruction has them, and afterwards those for the rest; their last, behind a value
 * that may be a vector, is the count.
 */
struct object_chunk
object_array_fill(const struct engine_instance *instance, uint64_t *slots, uint32_t item_bytes);
struct object_chunk object_array_init_data(const struct engine_instance *instance,
                                           uint64_t *slots,
                                           uint32_t item_bytes,
                                           uint32_t data);
struct object_chunk
object_array_init_elem(const struct engine_instance *instance, uint64_t *slots, uint32_t elem);
struct object_chunk
object_array_copy(const struct engine_instance *instance, uint64_t *slots, uint32_t item_bytes);

#endif
