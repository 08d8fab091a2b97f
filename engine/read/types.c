/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Subtyping, names of types, and sets of recursion groups (types.h).
 *
 * Groups are found by hashing, with a seed that the module's author cannot know, so that a
 * million of them cost no more than their bytes. Subtyping between defined types goes up the
 * declared supertypes, of which there are at most MODULE_MAX_SUPERTYPES.
 */
#include "engine/read/types.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <xxhash.h>

#include "engine/read/module.h"

/* ---- abstract types -------------------------------------------------------------------------- */

struct abstract {
    const char *heap;
    const char *reference; /* short for (ref null heap) */
    uint8_t top;
    bool is_bottom;
};

#define ABSTRACT_FIRST ENGINE_EXNREF
#define ABSTRACT_LAST  ENGINE_NULLEXNREF

static const struct abstract abstracts[ABSTRACT_LAST - ABSTRACT_FIRST + 1] = {
#define ROW(type, ...) [ENGINE_##type - ABSTRACT_FIRST] = {__VA_ARGS__}
    ROW(ANYREF, "any", "anyref", ENGINE_ANYREF, false),
    ROW(EQREF, "eq", "eqref", ENGINE_ANYREF, false),
    ROW(I31REF, "i31", "i31ref", ENGINE_ANYREF, false),
    ROW(STRUCTREF, "struct", "structref", ENGINE_ANYREF, false),
    ROW(ARRAYREF, "array", "arrayref", ENGINE_ANYREF, false),
    ROW(NULLREF, "none", "nullref", ENGINE_ANYREF, true),
    ROW(FUNCREF, "func", "funcref", ENGINE_FUNCREF, false),
    ROW(NULLFUNCREF, "nofunc", "nullfuncref", ENGINE_FUNCREF, true),
    ROW(EXTERNREF, "extern", "externref", ENGINE_EXTERNREF, false),
    ROW(NULLEXTERNREF, "noextern", "nullexternref", ENGINE_EXTERNREF, true),
    ROW(EXNREF, "exn", "exnref", ENGINE_EXNREF, false),
    ROW(NULLEXNREF, "noexn", "nullexnref", ENGINE_EXNREF, true),
#undef ROW
};

static const struct abstract *abstract_row(uint32_t heap)
{
    ASSERT(heap >= ABSTRACT_FIRST && heap <= ABSTRACT_LAST);
    return &abstracts[heap - ABSTRACT_FIRST];
}

uint32_t types_abstract_top(uint32_t heap)
{
    return abstract_row(heap)->top;
}

bool types_abstract_match(uint32_t sub, uint32_t super)
{
    if (sub == super)
        return true;
    const struct abstract *row = abstract_row(sub);
    if (row->top != abstract_row(super)->top)
        return false;
    if (super == row->top || row->is_bottom)
        return true;
    return super == ENGINE_EQREF &&
           (sub == ENGINE_I31REF || sub == ENGINE_STRUCTREF || sub == ENGINE_ARRAYREF);
}

uint32_t types_kind_abstract(enum types_kind kind)
{
    static const uint32_t above[] = {
        [TYPES_FUNC] = ENGINE_FUNCREF,
        [TYPES_STRUCT] = ENGINE_STRUCTREF,
        [TYPES_ARRAY] = ENGINE_ARRAYREF,
    };
    return above[kind];
}

static const char *number_text(uint32_t type)
{
    switch (type) {
    case ENGINE_I32:
        return "i32";
    case ENGINE_I64:
        return "i64";
    case ENGINE_F32:
        return "f32";
    case ENGINE_F64:
        return "f64";
    case ENGINE_V128:
        return "v128";
    case TYPES_I8:
        return "i8";
    case TYPES_I16:
        return "i16";
    default:
        return "any type";
    }
}

struct engine_type_text engine_type_text(uint32_t type)
{
    struct engine_type_text shown;
    const char *null = types_is_nullable(type) ? "null " : "";
    if (!engine_type_is_reference(type))
        (void)snprintf(shown.text, sizeof(shown.text), "%s", number_text(type));
    else if (types_is_concrete(type))
        (void)snprintf(shown.text, sizeof(shown.text), "(ref %s%u)", null, types_index(type));
    else if (type == TYPES_BOTTOM_REF)
        (void)snprintf(shown.text, sizeof(shown.text), "a reference");
    else if (types_is_nullable(type))
        (void)snprintf(shown.text, sizeof(shown.text), "%s", abstract_row(type)->reference);
    else
        (void)snprintf(shown.text, sizeof(shown.text), "(ref %s)",
                       abstract_row(types_heap(type))->heap);
    return shown;
}

/* ---- subtyping ------------------------------------------------------------------------------- */

/* The abstract type directly above a heap type that may be concrete. */
static uint32_t heap_abstract(const struct types_world *world, uint32_t heap)
{
    if (!types_is_concrete(heap))
        return heap;
    return types_kind_abstract((enum types_kind)world->kind(world->of, types_index(heap)));
}

static bool heap_match(const struct types_world *world, uint32_t sub, uint32_t super)
{
    uint32_t bottom = types_heap(TYPES_BOTTOM_REF);
    if (sub == super || sub == bottom)
        return true;
    if (super == bottom)
        return false;
    if (!types_is_concrete(super))
        return types_abstract_match(heap_abstract(world, sub), super);
    if (types_is_concrete(sub))
        return world->is_below(world->of, types_index(sub), types_index(super));
    return abstract_row(sub)->is_bottom &&
           abstract_row(sub)->top == types_abstract_top(heap_abstract(world, super));
}

bool types_match_in(const struct types_world *world, uint32_t sub, uint32_t super)
{
    if (sub == super || sub == 0)
        return true;
    if (!engine_type_is_reference(sub) || !engine_type_is_reference(super))
        return false;
    if (types_is_nullable(sub) && !types_is_nullable(super))
        return false;
    return heap_match(world, types_heap(sub), types_heap(super));
}

static uint32_t module_kind(const void *of, uint32_t index)
{
    const struct module *module = of;
    return module->types[index].kind;
}

static bool module_is_below(const void *of, uint32_t sub, uint32_t super)
{
    const struct module *module = of;
    while (sub != super && module->types[sub].depth > module->types[super].depth)
        sub = module->types[sub].super;
    return sub == super;
}

bool types_match(const struct module *module, uint32_t sub, uint32_t super)
{
    struct types_world world = {.of = module, .kind = module_kind, .is_below = module_is_below};
    return types_match_in(&world, sub, super);
}

uint32_t types_heap_top(const struct module *module, uint32_t heap)
{
    struct types_world world = {.of = module, .kind = module_kind, .is_below = module_is_below};
    return types_abstract_top(heap_abstract(&world, heap));
}

/* ---- sets of groups -------------------------------------------------------------------------- */

struct types_group {
    uint64_t hash;
    size_t word_at;
    size_t word_count;
    uint32_t first;
};

#define SLOTS_MIN 64u

void types_set_init(struct types_set *set, size_t bytes_max)
{
    *set = (struct types_set){0};
    buffer_init(&set->words, bytes_max);
    buffer_init(&set->groups, bytes_max);
    /* Sixteen random bytes that the kernel gave this process. */
    const void *random = (const void *)getauxval(AT_RANDOM);
    if (random != NULL)
        memcpy(&set->seed, random, sizeof(set->seed));
}

void types_set_done(struct types_set *set)
{
    buffer_done(&set->words);
    buffer_done(&set->groups);
    free(set->slots);
    set->slots = NULL;
}

static const struct types_group *set_groups(const struct types_set *set)
{
    return (const struct types_group *)(const void *)set->groups.data;
}

static uint32_t set_count(const struct types_set *set)
{
    return (uint32_t)(set->groups.count / sizeof(struct types_group));
}

/* The free slot for this hash: the set is never full. */
static uint32_t set_free_slot(const struct types_set *set, uint64_t hash)
{
    uint32_t slot = (uint32_t)hash & (set->slot_count - 1);
    while (set->slots[slot] != 0)
        slot = (slot + 1) & (set->slot_count - 1);
    return slot;
}

static bool set_reserve_slots(struct types_set *set)
{
    uint32_t count = set_count(set);
    if (set->slots != NULL && count < set->slot_count / 2)
        return true;
    uint32_t slot_count = set->slots == NULL ? SLOTS_MIN : set->slot_count * 2;
    uint32_t *slots = calloc(slot_count, sizeof(*slots));
    if (slots == NULL)
        return false;
    free(set->slots);
    set->slots = slots;
    set->slot_count = slot_count;
    for (uint32_t i = 0; i < count; i++)
        set->slots[set_free_slot(set, set_groups(set)[i].hash)] = i + 1;
    return true;
}

static const struct types_group *
set_find(const struct types_set *set, uint64_t hash, const uint32_t *words, size_t count)
{
    const uint32_t *known = (const uint32_t *)(const void *)set->words.data;
    uint32_t slot = (uint32_t)hash & (set->slot_count - 1);
    for (; set->slots[slot] != 0; slot = (slot + 1) & (set->slot_count - 1)) {
        const struct types_group *group = &set_groups(set)[set->slots[slot] - 1];
        if (group->hash == hash && group->word_count == count &&
            memcmp(known + group->word_at, words, count * sizeof(*words)) == 0)
            return group;
    }
    return NULL;
}

enum status types_set_add(
    struct types_set *set, const uint32_t *words, size_t count, uint32_t first, uint32_t *ret_first)
{
    if (!set_reserve_slots(set))
        return STATUS_NO_MEMORY;
    uint64_t hash = XXH3_64bits_withSeed(words, count * sizeof(*words), set->seed);
    const struct types_group *equal = set_find(set, hash, words, count);
    if (equal != NULL) {
        *ret_first = equal->first;
        return STATUS_OK;
    }
    struct types_group group = {.hash = hash,
                                .word_at = set->words.count / sizeof(*words),
                                .word_count = count,
                                .first = first};
    enum status status = buffer_reserve(&set->groups, sizeof(group));
    if (status == STATUS_OK)
        status = buffer_append(&set->words, words, count * sizeof(*words));
    if (status == STATUS_OK)
        status = buffer_append(&set->groups, &group, sizeof(group));
    if (status != STATUS_OK)
        return status;
    set->slots[set_free_slot(set, hash)] = set_count(set);
    *ret_first = first;
    return STATUS_OK;
}
