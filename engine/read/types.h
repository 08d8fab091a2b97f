/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Types [Wasm core 3.1-3.3]: which is a subtype of which, and when two definitions mean the
 * same type. Internal to the engine.
 *
 * Types are defined in recursion groups. Two groups are equal if they are when written with
 * references inside the group as positions and all others as numbers of types known before;
 * that form is a row of words, so equality is a comparison of bytes. Whoever numbers types (a
 * module by index, a machine across its instances) gives the first of equal groups a number
 * and everybody else that one: from then on equal types are equal numbers.
 *
 *   group:  type type ...
 *   type:   kind | final << 8, supertype or NONE, then
 *     FUNC            parameters' count, types ..., results' count, types ...
 *     STRUCT, ARRAY   fields' count, then storage type and mutability each
 */
#ifndef SKERRY_ENGINE_READ_TYPES_H
#define SKERRY_ENGINE_READ_TYPES_H

#include "engine/base/bytes.h"
#include "engine/engine.h"

struct module;

enum types_kind {
    TYPES_FUNC,
    TYPES_STRUCT,
    TYPES_ARRAY,
};

/* Storage types that are no value types: what a field of one or two bytes holds. */
#define TYPES_I8   0x78u
#define TYPES_I16  0x77u

#define TYPES_NONE UINT32_MAX
/* In words, with ENGINE_TYPE_CONCRETE: the rest is a position in the group. */
#define TYPES_RELATIVE   0x20000000u
#define TYPES_WORD_FINAL 0x100u
/* What unreachable code pops where a reference is wanted: fits every reference. */
#define TYPES_BOTTOM_REF ENGINE_TYPE_NON_NULL

static inline bool types_is_float(uint32_t type)
{
    return type == ENGINE_F32 || type == ENGINE_F64;
}

/* Zero above its low half, in the slot that it has. */
static inline bool types_is_half_slot(uint32_t type)
{
    return type == ENGINE_I32 || type == ENGINE_F32;
}

static inline bool types_is_concrete(uint32_t type)
{
    return (type & ENGINE_TYPE_CONCRETE) != 0;
}

static inline bool types_is_nullable(uint32_t reference)
{
    return (reference & ENGINE_TYPE_NON_NULL) == 0;
}

/* Without null: the heap type, ENGINE_TYPE_CONCRETE included. */
static inline uint32_t types_heap(uint32_t reference)
{
    return reference & ~ENGINE_TYPE_NON_NULL;
}

/* May a value of this type be something of the host's? */
static inline bool types_admits_host(uint32_t type)
{
    return types_heap(type) == ENGINE_EXTERNREF || types_heap(type) == ENGINE_ANYREF;
}

/* Index of a concrete reference's type. */
static inline uint32_t types_index(uint32_t reference)
{
    return reference & ~(ENGINE_TYPE_NON_NULL | ENGINE_TYPE_CONCRETE);
}

/* What a field's value is on the stack. */
static inline uint32_t types_unpacked(uint32_t storage)
{
    return storage == TYPES_I8 || storage == TYPES_I16 ? (uint32_t)ENGINE_I32 : storage;
}

static inline bool types_is_packed(uint32_t storage)
{
    return storage == TYPES_I8 || storage == TYPES_I16;
}

/* Has a value to begin with [Wasm core 3.3.1 defaultable]. */
static inline bool types_is_defaultable(uint32_t type)
{
    return (type & ENGINE_TYPE_NON_NULL) == 0;
}

/* Is the abstract heap type `sub` below `super`, also abstract? */
bool types_abstract_match(uint32_t sub, uint32_t super);
/* The top of the hierarchy of an abstract heap type: any, func, extern or exn. */
uint32_t types_abstract_top(uint32_t heap);
/* The abstract type directly above the concrete ones of a kind. */
uint32_t types_kind_abstract(enum types_kind kind);

/* Where concrete types are known: a module, or a machine. */
struct types_world {
    const void *of;
    uint32_t (*kind)(const void *of, uint32_t index); /* enum types_kind */
    bool (*is_below)(const void *of, uint32_t sub, uint32_t super);
};

/* Is the value type `sub` a subtype of `super`, or unknown (0)? */
bool types_match_in(const struct types_world *world, uint32_t sub, uint32_t super);
bool types_match(const struct module *module, uint32_t sub, uint32_t super);
/* The top of the hierarchy that any heap type of the module belongs to. */
uint32_t types_heap_top(const struct module *module, uint32_t heap);

/* ---- sets of groups -------------------------------------------------------------------------- */

struct types_set {
    struct buffer words;
    struct buffer groups; /* struct types_group each */
    uint32_t *slots;      /* group + 1; 0: free; open addressing, at most half full */
    uint32_t slot_count;
    uint64_t seed; /* that no author of modules knows */
};

void types_set_init(struct types_set *set, size_t bytes_max);
void types_set_done(struct types_set *set);
/*
 * The number of the first type of a group equal to this one; `first` if there is none yet,
 * and from then on there is. LIMIT or NO_MEMORY.
 */
NODISCARD enum status types_set_add(struct types_set *set,
                                    const uint32_t *words,
                                    size_t count,
                                    uint32_t first,
                                    uint32_t *ret_first);

#endif
