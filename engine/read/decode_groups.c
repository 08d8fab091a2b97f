/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The type section [Wasm core 5.3.8-5.3.10]: recursion groups of functions, structures and
 * arrays, and what makes them valid [Wasm core 3.2].
 *
 *   bytes --read--> words (types.h) --find an equal group--> struct module_type
 *
 * A group is written as words first, because only then it is known whether there is an equal
 * one, whose rows it shares. Supertypes come before their subtypes, so going up always ends.
 */
#include "engine/read/decode.h"
#include "engine/read/decode_types.h"

enum {
    FORM_FUNC = 0x60,
    FORM_STRUCT = 0x5f,
    FORM_ARRAY = 0x5e,
    FORM_SUB = 0x50,
    FORM_SUB_FINAL = 0x4f,
    FORM_REC = 0x4e,
};

/* While the type section is read. */
struct groups {
    struct decode *decode;
    struct types_set set;
    struct buffer words; /* of the present group */
    uint32_t capacity;   /* of module->types */
    uint64_t supertypes; /* above all types so far */
};

static void put_word(struct groups *groups, uint32_t word)
{
    struct reader *reader = &groups->decode->reader;
    enum status status = buffer_append(&groups->words, &word, sizeof(word));
    if (status != STATUS_OK)
        reader_fail(reader, status, "out of memory for types");
}

/* ---- bytes to words -------------------------------------------------------------------------- */

static void read_types(struct groups *groups, uint32_t max, const char *what)
{
    struct decode *decode = groups->decode;
    uint32_t count = decode_count(decode, 1, max, what);
    put_word(groups, count);
    for (uint32_t i = 0; i < count && !reader_failed(&decode->reader); i++)
        put_word(groups, decode_value_type(&decode->reader, decode->module));
}

static uint8_t read_mutability(struct reader *reader)
{
    uint8_t mutability = reader_u8(reader);
    if (mutability > 1) {
        reader->at--;
        reader_fail(reader, STATUS_MALFORMED, "malformed mutability 0x%02x", mutability);
    }
    return mutability;
}

static void read_field(struct groups *groups)
{
    struct reader *reader = &groups->decode->reader;
    uint32_t type = 0;
    if (reader_left(reader) > 0 && (*reader->at == TYPES_I8 || *reader->at == TYPES_I16))
        type = *reader->at++;
    else
        type = decode_value_type(reader, groups->decode->module);
    put_word(groups, type);
    put_word(groups, read_mutability(reader));
}

static void read_fields(struct groups *groups)
{
    struct decode *decode = groups->decode;
    uint32_t count = decode_count(decode, 2, MODULE_MAX_FIELDS, "fields");
    put_word(groups, count);
    for (uint32_t i = 0; i < count && !reader_failed(&decode->reader); i++)
        read_field(groups);
}

/* The supertype of the type at `position` of the group, or TYPES_NONE. */
static uint32_t read_supertype(struct groups *groups, uint32_t position)
{
    struct decode *decode = groups->decode;
    struct module *module = decode->module;
    uint32_t count = reader_count(&decode->reader, 1, "supertypes");
    if (count > 1)
        reader_fail(&decode->reader, STATUS_INVALID, "sub type with %u supertypes", count);
    if (count == 0 || reader_failed(&decode->reader))
        return TYPES_NONE;
    /* Only what was defined before, in the group too. */
    uint32_t index = decode_index(decode, module->type_count + position, "type");
    if (index >= module->type_count)
        return ENGINE_TYPE_CONCRETE | TYPES_RELATIVE | (index - module->type_count);
    return ENGINE_TYPE_CONCRETE | module->types[index].canonical;
}

static void refuse_form(struct reader *reader, uint8_t form)
{
    if (reader_failed(reader))
        return;
    reader->at--;
    reader_fail(reader, STATUS_MALFORMED, "%s: type form 0x%02x",
                form >= 0x80 ? "integer representation too long" : "malformed type form", form);
}

static void read_type(struct groups *groups, uint32_t position)
{
    struct reader *reader = &groups->decode->reader;
    uint8_t form = reader_u8(reader);
    uint32_t super = TYPES_NONE;
    bool is_final = form != FORM_SUB;
    if (form == FORM_SUB || form == FORM_SUB_FINAL) {
        super = read_supertype(groups, position);
        form = reader_u8(reader);
    }
    if (form != FORM_FUNC && form != FORM_STRUCT && form != FORM_ARRAY)
        return refuse_form(reader, form);
    uint32_t kind = form == FORM_FUNC     ? TYPES_FUNC
                    : form == FORM_STRUCT ? TYPES_STRUCT
                                          : TYPES_ARRAY;
    put_word(groups, kind | (is_final ? TYPES_WORD_FINAL : 0));
    put_word(groups, super);
    if (kind == TYPES_FUNC) {
        read_types(groups, MODULE_MAX_PARAMS, "parameters");
        read_types(groups, MODULE_MAX_RESULTS, "results");
    } else if (kind == TYPES_STRUCT) {
        read_fields(groups);
    } else {
        put_word(groups, 1);
        read_field(groups);
    }
}

/* ---- words to rows --------------------------------------------------------------------------- */

/* The words of a group being read back; `first` is the canonical index of its first type. */
struct words {
    const uint32_t *at;
    uint32_t first;
};

static uint32_t next_type(struct words *words)
{
    uint32_t type = *words->at++;
    if (type == TYPES_NONE || !types_is_concrete(type) || (type & TYPES_RELATIVE) == 0)
        return type;
    return (type & ~TYPES_RELATIVE) + words->first;
}

static const uint32_t *next_types(struct groups *groups, struct words *words, uint32_t *ret_count)
{
    uint32_t count = *words->at++;
    uint32_t *types = count == 0 ? NULL : decode_array(groups->decode, count, sizeof(*types));
    for (uint32_t i = 0; i < count && types != NULL; i++)
        types[i] = next_type(words);
    *ret_count = types == NULL ? 0 : count;
    return types;
}

static uint8_t field_bytes(uint32_t type)
{
    switch (type) {
    case TYPES_I8:
        return 1;
    case TYPES_I16:
        return 2;
    case ENGINE_I32:
    case ENGINE_F32:
        return 4;
    case ENGINE_V128:
        return 16;
    default:
        return 8;
    }
}

/* Fields lie in their order, each at a multiple of its size (of 8 at most): so a subtype's
 * first fields are where its supertype has them. */
static void next_fields(struct groups *groups, struct words *words, struct module_type *type)
{
    uint32_t count = *words->at++;
    type->fields = count == 0 ? NULL : decode_array(groups->decode, count, sizeof(*type->fields));
    type->field_count = type->fields == NULL ? 0 : count;
    type->is_defaultable = true;
    for (uint32_t i = 0; i < type->field_count; i++) {
        struct module_field *field = &type->fields[i];
        field->type = next_type(words);
        type->is_defaultable = type->is_defaultable && types_is_defaultable(field->type);
        field->is_mutable = *words->at++ != 0;
        field->bytes = field_bytes(field->type);
        field->offset = ALIGN_UP(type->bytes, MIN((uint32_t)field->bytes, 8u));
        type->bytes = field->offset + field->bytes;
    }
}

static void next_row(struct groups *groups, struct words *words, struct module_type *type)
{
    const struct module *module = groups->decode->module;
    uint32_t head = *words->at++;
    uint32_t super = next_type(words);
    type->kind = (uint8_t)(head & ~TYPES_WORD_FINAL);
    type->is_final = (head & TYPES_WORD_FINAL) != 0;
    type->super = super == TYPES_NONE ? TYPES_NONE : types_index(super);
    if (super != TYPES_NONE) {
        uint32_t depth = module->types[type->super].depth + 1u;
        groups->supertypes += depth;
        if (depth > MODULE_MAX_SUPERTYPES || groups->supertypes > MODULE_MAX_SUPERTYPES_TOTAL)
            reader_fail(&groups->decode->reader, STATUS_LIMIT,
                        "too many supertypes: %u above one type, %u above all are the limits",
                        MODULE_MAX_SUPERTYPES, MODULE_MAX_SUPERTYPES_TOTAL);
        type->depth = (uint8_t)depth;
    }
    if (type->kind == TYPES_FUNC) {
        type->func.params = next_types(groups, words, &type->func.param_count);
        type->func.results = next_types(groups, words, &type->func.result_count);
    } else {
        next_fields(groups, words, type);
    }
}

/* ---- subtypes -------------------------------------------------------------------------------- */

static bool types_below(const struct module *module,
                        const uint32_t *subs,
                        const uint32_t *supers,
                        uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (!types_match(module, subs[i], supers[i]))
            return false;
    }
    return true;
}

static bool field_below(const struct module *module,
                        const struct module_field *sub,
                        const struct module_field *super)
{
    if (sub->is_mutable != super->is_mutable)
        return false;
    if (sub->is_mutable)
        return sub->type == super->type;
    return types_match(module, sub->type, super->type);
}

/* [Wasm core 3.3.9 composite types] */
static bool type_below(const struct module *module,
                       const struct module_type *sub,
                       const struct module_type *super)
{
    if (super->is_final || sub->kind != super->kind)
        return false;
    if (sub->kind == TYPES_FUNC)
        return sub->func.param_count == super->func.param_count &&
               sub->func.result_count == super->func.result_count &&
               types_below(module, super->func.params, sub->func.params, sub->func.param_count) &&
               types_below(module, sub->func.results, super->func.results, sub->func.result_count);
    if (sub->field_count < super->field_count)
        return false;
    for (uint32_t i = 0; i < super->field_count; i++) {
        if (!field_below(module, &sub->fields[i], &super->fields[i]))
            return false;
    }
    return true;
}

static void check_supertypes(struct groups *groups, uint32_t first, uint32_t count)
{
    const struct module *module = groups->decode->module;
    for (uint32_t i = first; i < first + count; i++) {
        const struct module_type *type = &module->types[i];
        if (type->super != TYPES_NONE && !type_below(module, type, &module->types[type->super]))
            reader_fail(&groups->decode->reader, STATUS_INVALID,
                        "sub type: type %u does not match its supertype %u", i, type->super);
    }
}

/* ---- groups ---------------------------------------------------------------------------------- */

/* Room for `count` more types. */
static bool reserve_types(struct groups *groups, uint32_t count)
{
    struct decode *decode = groups->decode;
    struct module *module = decode->module;
    if (count > MODULE_MAX_TYPES - module->type_count) {
        reader_fail(&decode->reader, STATUS_LIMIT, "too many types: the limit is %u",
                    MODULE_MAX_TYPES);
        return false;
    }
    uint32_t wanted = module->type_count + count;
    if (wanted <= groups->capacity)
        return true;
    wanted = MAX(wanted, MIN(groups->capacity * 2, (uint32_t)MODULE_MAX_TYPES));
    struct module_type *types = decode_array(decode, wanted, sizeof(*types));
    if (types == NULL)
        return false;
    if (module->type_count > 0)
        memcpy(types, module->types, module->type_count * sizeof(*types));
    module->types = types;
    groups->capacity = wanted;
    return true;
}

static void finish_group(struct groups *groups, uint32_t count)
{
    struct decode *decode = groups->decode;
    struct module *module = decode->module;
    uint32_t first = module->type_count;
    struct words words = {.at = (const uint32_t *)(const void *)groups->words.data};
    enum status status = types_set_add(&groups->set, words.at,
                                       groups->words.count / sizeof(uint32_t), first, &words.first);
    if (status != STATUS_OK) {
        reader_fail(&decode->reader, status, "out of memory for types");
        return;
    }
    for (uint32_t i = 0; i < count && !reader_failed(&decode->reader); i++) {
        struct module_type *type = &module->types[first + i];
        if (words.first != first) {
            *type = module->types[words.first + i];
            continue;
        }
        next_row(groups, &words, type);
        type->canonical = first + i;
        type->group_first = first;
        type->group_count = count;
    }
    if (words.first == first)
        check_supertypes(groups, first, count);
    module->type_count += count;
}

static void read_group(struct groups *groups)
{
    struct decode *decode = groups->decode;
    struct reader *reader = &decode->reader;
    uint32_t count = 1;
    if (reader_left(reader) > 0 && *reader->at == FORM_REC) {
        reader->at++;
        count = decode_count(decode, 2, MODULE_MAX_TYPES, "types");
    }
    if (reader_failed(reader) || count == 0 || !reserve_types(groups, count))
        return;
    groups->words.count = 0;
    decode->module->open_group_count = count;
    for (uint32_t i = 0; i < count && !reader_failed(reader); i++)
        read_type(groups, i);
    decode->module->open_group_count = 0;
    if (!reader_failed(reader))
        finish_group(groups, count);
}

void decode_type_section(struct decode *decode)
{
    struct groups groups = {.decode = decode};
    uint32_t count = decode_count(decode, 2, MODULE_MAX_TYPES, "types");
    size_t bytes_max = decode->module->arena.max_bytes;
    types_set_init(&groups.set, bytes_max);
    buffer_init(&groups.words, bytes_max);
    if (count > 0 && reserve_types(&groups, count)) {
        for (uint32_t i = 0; i < count && !reader_failed(&decode->reader); i++) {
            decode->item = i;
            read_group(&groups);
        }
    }
    types_set_done(&groups.set);
    buffer_done(&groups.words);
}
