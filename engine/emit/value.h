/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operand stack, and what is done with the values on it.
 */
#ifndef SKERRY_ENGINE_EMIT_VALUE_H
#define SKERRY_ENGINE_EMIT_VALUE_H

#include "engine/emit/hold.h"

static inline bool value_is_local(enum value_kind kind)
{
    return kind == VALUE_LOCAL || kind == VALUE_LOW_HALF;
}

/* What the translator has to know of a type: a number is its own class, and all references
 * are one, because they are moved about alike. */
static inline uint8_t type_class(uint32_t type)
{
    return type >= ENGINE_V128 && type <= ENGINE_I32 ? (uint8_t)type : ENGINE_EXTERNREF;
}

/* Of a letter in a signature (opcodes.def) or in an operation's types (ops.def). */
uint8_t value_type_of_letter(char letter);

static inline uint16_t slot_of_height(const struct translator *t, uint32_t height)
{
    return (uint16_t)(t->locals.count + 2 + height);
}

/* Room for one entry above `height_limit`; false and failed if there is none. */
bool value_make_room(struct translator *t);

/* One entry. */
static inline void value_push(struct translator *t, struct value value)
{
    if (UNLIKELY(t->stack.height >= t->stack.limit) && !value_make_room(t))
        return;
    if (value_is_local(value.kind))
        t->locals.refs[value.local]++;
    t->stack.settled += value.kind == VALUE_TEMP && t->stack.settled == t->stack.height;
    t->stack.values[t->stack.height++] = value;
}

/* One value: a v128 takes two entries. */
static inline void value_push_whole(struct translator *t, struct value value)
{
    value_push(t, value);
    if (UNLIKELY(value.type == ENGINE_V128))
        value_push(t, (struct value){.kind = VALUE_TEMP, .type = TYPE_UPPER_HALF});
}
void value_push_temp(struct translator *t, uint32_t type);
void value_push_temps(struct translator *t, const uint32_t *types, uint32_t count);
/* The topmost value, with both entries of a v128. */
static inline struct value value_pop(struct translator *t)
{
    if (UNLIKELY(t->status != STATUS_OK))
        return (struct value){.kind = VALUE_CONST, .type = ENGINE_I32};
    ASSERT(t->stack.height > 0);
    struct value value = t->stack.values[--t->stack.height];
    if (UNLIKELY(value.type == TYPE_UPPER_HALF))
        value = t->stack.values[--t->stack.height];
    if (value_is_local(value.kind))
        t->locals.refs[value.local]--;
    t->stack.settled = MIN(t->stack.settled, t->stack.height);
    return value;
}
/* Drops the operand stack to `height` without reading what is dropped. */
void value_drop_to(struct translator *t, uint32_t height);
struct operand value_operand(const struct translator *t, struct value value, uint32_t height);
/* Is an i32.wrap_i64 of this value no operation, because whoever takes an i32 looks at no more
 * than 32 bits? The others get it from `value_apply` and the moves. */
bool value_wrap(struct value *value);
/* The instruction that copies a value of this type. */
struct instruction
value_move(const struct translator *t, uint32_t type, struct operand from, struct operand to);
/* The same for an entry of the stack, at `height`. */
struct instruction
value_copy(const struct translator *t, struct value value, uint32_t height, struct operand to);
/* Entries from height `from` up into their home slots. */
void value_settle(struct translator *t, uint32_t from);
/*
 * An operation on the topmost `sources` entries, in order, that leaves one result of
 * `result_type` (0: none); it becomes the pending one.
 */
void value_apply(struct translator *t,
                 enum operation operation,
                 uint32_t sources,
                 uint32_t result_type,
                 uint64_t field);
/* Settles `sources` entries, encodes the operation on their first slot, leaves one result there
 * (0: none). */
void value_apply_in_slots(struct translator *t,
                          enum operation operation,
                          uint32_t sources,
                          uint32_t result_type,
                          uint64_t field,
                          uint64_t second_field);
void value_set_local(struct translator *t, uint32_t local, bool keep);
/* `value`, popped from `height`, becomes the only operand so far of `instruction`; what
 * was pending is encoded. */
void value_take(struct translator *t,
                struct instruction *instruction,
                struct value value,
                uint32_t height);

/* Where the local that the binary knows by this index is. */
static inline uint32_t local_slot(const struct translator *t, uint32_t index)
{
    return UNLIKELY(t->locals.has_vectors) ? t->locals.slots[index] : index;
}

#endif
