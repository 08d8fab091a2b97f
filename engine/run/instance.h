/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An instance: one module with memory, tables and globals. Internal to the engine; handlers read
 * the struct by offset, so hot fields come first.
 *
 * References are 64-bit numbers, never addresses, so that tables and globals can be copied
 * into a snapshot and back as they are:
 *
 *     63            32 31             0
 *     +---------------+---------------+
 *     | instance id   | func index + 1|      0 = null
 *     +---------------+---------------+
 *
 * The id is the instance's number on its machine; in a snapshot there is one instance, 0.
 * An externref is whatever the host gave, 0 = null.
 */
#ifndef SKERRY_ENGINE_RUN_INSTANCE_H
#define SKERRY_ENGINE_RUN_INSTANCE_H

#include "engine/engine.h"
#include "engine/image/image.h"

struct memory;
struct table;

/* How one imported function is reached. */
struct import_binding {
    engine_host_func host; /* NULL: a function of another instance, or nothing */
    void *context;
    struct engine_instance *instance; /* target, if it is Wasm */
    uint32_t func_index;              /* in the target */
    bool has_loose_results; /* the host function's: references, or several and narrow ones */
};

struct engine_instance {
    uint8_t *memory_base;           /* memory 0; NULL without one */
    const uint8_t *code;            /* of the image: funcs[i].entry counts from here */
    const struct image_func *funcs; /* of the image: combined index space */
    uint64_t func_count;
    uint64_t first_reference; /* to its first function */
    uint64_t *stack_limit;    /* no frame may start above */
    struct table **tables;    /* combined index space; entries may be others' */
    union engine_value **imported_globals;
    struct import_binding *imports; /* imported functions */
    uint64_t *tags;                 /* identities, combined index space */
    struct engine_machine *machine;
    const uint8_t *native;    /* the image's native code, executable; NULL: threaded code only */
    struct memory **memories; /* combined index space */
    const struct engine_module *module;
    const struct image_header *image; /* the module's part */
    const struct image_header *state; /* the snapshot's; the same unless the image has a base */
    uint32_t *type_ids;               /* identities of its types; NULL: their indices */
    uint32_t id;                      /* on its machine */
    bool is_memory_mapped;            /* what is dropped of its memories shows the image again */
    uint64_t rewound_own_pages;       /* of its own memories, as the last rewind left them */
    uint64_t memory_bytes_left;       /* by which its own memories may still grow, in all */
    uint8_t *dropped_elems;           /* one byte each: 1 = length 0 */
    uint8_t *dropped_datas;
    struct table *own_tables;
    struct memory *own_memory;    /* array of own memories */
    union engine_value globals[]; /* slots of own globals; imported ones are elsewhere */
};

/* The first slot of a global of the combined index space. */
static inline union engine_value *instance_global(const struct engine_instance *instance,
                                                  uint32_t index)
{
    uint32_t imported = instance->image->imported_global_count;
    if (index < imported)
        return instance->imported_globals[index];
    const struct image_global *rows =
        (const struct image_global *)image_at(instance->image, instance->image->globals);
    const union engine_value *own = &instance->globals[rows[index].slot];
    return (union engine_value *)(uintptr_t)own;
}

/* Machine-wide number of the instance's type with this canonical index. */
static inline uint32_t identity_of(const struct engine_instance *instance, uint32_t type)
{
    return LIKELY(instance->type_ids == NULL) ? type : instance->type_ids[type];
}

static inline uint64_t reference_make(const struct engine_instance *instance, uint32_t func_index)
{
    return (uint64_t)instance->id << 32 | (func_index + 1u);
}

/* What ref.func gives. An imported function is known by where it is at home. */
static inline uint64_t instance_func_reference(const struct engine_instance *instance,
                                               uint32_t func_index)
{
    if (func_index < instance->image->imported_func_count) {
        const struct import_binding *binding = &instance->imports[func_index];
        if (binding->host == NULL)
            return reference_make(binding->instance, binding->func_index);
    }
    return reference_make(instance, func_index);
}

static inline uint32_t reference_func(uint64_t reference)
{
    return (uint32_t)reference - 1u;
}
/* The reference that item `index` of an element segment is. */
uint64_t instance_elem_item(const struct engine_instance *instance, uint32_t elem, uint32_t index);

void instance_free(struct engine_instance *instance); /* accepts NULL and half-built */
uint32_t instance_own_tables(const struct engine_instance *instance);
uint32_t instance_own_memories(const struct engine_instance *instance);

#endif
