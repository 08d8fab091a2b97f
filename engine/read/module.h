/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A decoded module, on its way from bytes to image. Internal to the engine and alive only
 * during engine_compile: all of it lives in one arena, and views point into the binary.
 *
 *   bytes --decode--> struct module --validate--> (the same, proven) --translate--> struct code
 *
 * Every index space is one combined array, imports first.
 */
#ifndef SKERRY_ENGINE_READ_MODULE_H
#define SKERRY_ENGINE_READ_MODULE_H

#include "engine/base/arena.h"
#include "engine/engine.h"
#include "engine/read/reader.h"
#include "engine/read/types.h"

/* Implementation limits of the binary format, with the JavaScript API's values where it
 * has one, so that what browsers load also loads here. */
enum {
    MODULE_MAX_TYPES = 1000000,
    MODULE_MAX_SUPERTYPES = 63,            /* above one type */
    MODULE_MAX_SUPERTYPES_TOTAL = 8000000, /* above all: a type's row lists its own */
    MODULE_MAX_ARRAY_FIXED = 10000,        /* operands of array.new_fixed */
    MODULE_MAX_FIELDS = 10000,             /* of one structure */
    MODULE_MAX_FUNCS = 1000000,
    MODULE_MAX_IMPORTS = 100000,
    MODULE_MAX_EXPORTS = 100000,
    MODULE_MAX_GLOBALS = 1000000,
    MODULE_MAX_TAGS = 1000000,
    MODULE_MAX_SEGMENTS = 100000,
    MODULE_MAX_TABLES = 100,
    MODULE_MAX_MEMORIES = 100,
    MODULE_MAX_BODY_BYTES = 7654321,    /* of one function */
    MODULE_MAX_LOCALS = 50000,          /* of one function, parameters included */
    MODULE_MAX_LOCALS_TOTAL = 10000000, /* of all functions: six bytes can declare 50,000 */
    MODULE_MAX_PARAMS = 1000,           /* of a function type */
    MODULE_MAX_RESULTS = 1000,          /* of a function type */
    MODULE_MAX_BR_TABLE = 65520,        /* labels of one */
    MODULE_MAX_NESTING = 100000,        /* blocks in blocks */
    MODULE_MAX_CONST_STACK = 10000,     /* values at once in a constant expression */
    MODULE_MAX_FRAME_SLOTS = 65000,     /* locals + link + deepest operand stack: 16-bit operands */
};

struct module_field {
    uint32_t type;   /* value type, or TYPES_I8, TYPES_I16 */
    uint32_t offset; /* in the object, from its contents' start; of an array's 0 */
    uint8_t bytes;   /* 1, 2, 4, 8 or 16 */
    bool is_mutable;
};

struct module_type {
    uint8_t kind;  /* enum types_kind */
    uint8_t depth; /* how many supertypes are above it */
    bool is_final;
    bool is_defaultable; /* STRUCT, ARRAY: all fields are */
    uint32_t super;      /* canonical index; TYPES_NONE */
    uint32_t canonical;  /* smallest index of an equal type */
    uint32_t group_first;
    uint32_t group_count;        /* types in its recursion group */
    struct engine_functype func; /* FUNC */
    struct module_field *fields; /* STRUCT, ARRAY; shared by equal types */
    uint32_t field_count;        /* ARRAY: 1 */
    uint32_t bytes;              /* STRUCT: of its contents */
};

struct module_limits {
    uint64_t minimum;
    uint64_t maximum; /* UINT64_MAX: none given */
};

struct module_import {
    struct bytes module_name;
    struct bytes name;
    uint8_t kind;   /* enum engine_extern_kind */
    uint32_t index; /* in the combined index space of its kind */
};

struct module_export {
    struct bytes name;
    uint8_t kind;
    uint32_t index;
};

struct module_func {
    uint32_t type;        /* index into types */
    uint32_t body_offset; /* in the binary: start of the locals; 0 for imports */
    uint32_t body_bytes;  /* locals and code */
    bool declared;        /* may be named by ref.func [Wasm core 3.4.1: C.refs] */
};

/* Functions `first` up to, not including, `end`. */
struct module_range {
    uint32_t first;
    uint32_t end;
};

struct module_table {
    uint32_t type; /* a reference */
    bool is_64;    /* indices are i64 */
    struct module_limits limits;
    struct bytes init; /* constant expression; empty: null, or an import */
};

/* Of a page of 64 KiB, which is what memories have unless they say otherwise. */
#define MODULE_PAGE_SHIFT 16

struct module_memory {
    struct module_limits limits; /* pages */
    uint8_t page_shift;
    bool is_64; /* addresses are i64 */
};

/* A constant expression: bytes of the binary, its `end` included; validated. */
struct module_global {
    uint32_t type;
    uint32_t slot; /* of the module's own ones: where its value begins */
    bool is_mutable;
    struct bytes init; /* empty for imports */
};

struct module_tag {
    uint32_t type; /* index into types: a function type without results */
};

enum module_segment_mode {
    MODULE_SEGMENT_ACTIVE,
    MODULE_SEGMENT_PASSIVE,
    MODULE_SEGMENT_DECLARATIVE, /* elements only */
};

struct module_elem {
    uint32_t type; /* reference type of its items */
    uint8_t mode;  /* enum module_segment_mode */
    uint32_t table;
    struct bytes offset; /* constant expression; ACTIVE only */
    uint32_t count;
    /* Either `count` function indices, or `count` constant expressions one after another. */
    const uint32_t *funcs; /* NULL if expressions */
    struct bytes expressions;
};

struct module_data {
    uint8_t mode;
    uint32_t memory;
    struct bytes offset; /* constant expression; ACTIVE only */
    struct bytes content;
};

struct module {
    struct bytes wasm;
    struct arena arena;
    const struct engine_limits *limits;

    struct module_type *types;
    uint32_t type_count;
    uint32_t open_group_count; /* types of the group being decoded, behind type_count */
    struct module_import *imports;
    uint32_t import_count;
    struct module_func *funcs;
    uint32_t func_count;
    uint32_t imported_func_count;
    struct module_table *tables;
    uint32_t table_count;
    uint32_t imported_table_count;
    struct module_memory *memories;
    uint32_t memory_count;
    uint32_t imported_memory_count;
    struct module_global *globals;
    uint32_t global_count;
    uint32_t imported_global_count;
    struct module_tag *tags;
    uint32_t tag_count;
    uint32_t imported_tag_count;
    uint32_t global_slots; /* of the module's own globals together */
    struct module_export *exports;
    uint32_t export_count;
    bool has_start;
    uint32_t start;
    struct module_elem *elems;
    uint32_t elem_count;
    struct module_data *datas;
    uint32_t data_count;
    bool has_data_count;      /* the section was present */
    struct bytes *func_names; /* func_count entries, empty if unnamed; NULL if no name section */
};

/* Sections to structs; checks everything that is "malformed", and index ranges that later
 * steps rely on. `module` must be zeroed; call module_done whatever the result. */
NODISCARD enum status decode_module(struct bytes wasm,
                                    const struct engine_limits *limits,
                                    struct report *report,
                                    struct module *module);
void module_done(struct module *module);

/* What ref.func of it gives: a non-null reference to its type. */
static inline uint32_t module_func_reference(const struct module *module, uint32_t index)
{
    return ENGINE_TYPE_NON_NULL | ENGINE_TYPE_CONCRETE |
           module->types[module->funcs[index].type].canonical;
}

static inline const struct engine_functype *module_tag_type(const struct module *module,
                                                            uint32_t index)
{
    return &module->types[module->tags[index].type].func;
}

/* Type of func `index` in the combined space. */
static inline const struct engine_functype *module_func_type(const struct module *module,
                                                             uint32_t index)
{
    return &module->types[module->funcs[index].type].func;
}

/* Is memory `index` accessed without bounds checks? (image_memory_is_plain, at run time) */
static inline bool module_memory_is_plain(const struct module *module, uint32_t index)
{
    const struct module_memory *memory = &module->memories[index];
    return index == 0 && !memory->is_64 && memory->page_shift == MODULE_PAGE_SHIFT;
}

#endif
